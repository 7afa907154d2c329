// SPDX-License-Identifier: Apache-2.0
/*
 * state_file: a line with the version, a line for each object, a line with the SHA-256 of all that
 * stands before it.
 *
 * Objects are immutable, so the writing thread needs nothing but references to them.
 */
#include "source/state_file.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <openssl/evp.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/codec.h"
#include "model/secret_object.h"

#define VERSION_LINE "tidegate-state 1\n"
#define END_WORD     "end sha256 "

enum { DIGEST_BYTES = 32, DIGEST_TEXT = 2 * DIGEST_BYTES };

/* Objects to be written. */
struct load {
	struct object **at;
	size_t n;
};

struct state_file {
	char path[PATH_MAX];
	/* The thread that offers. */
	uint64_t offered_revision, offered_ns;
	bool has_thread;
	pthread_t thread;
	/* Both. */
	pthread_mutex_t lock;
	pthread_cond_t wake;
	struct load next; /* n 0 and at NULL: nothing */
	bool is_ending;
	_Atomic int error;
};

/* --------------------------------------------------------------- documents -- */

static void set_text(json_t *object, const char *key, struct str text)
{
	if (text.at)
		json_object_set_new(object, key, json_stringn(text.at, text.len));
}

static void set_map(json_t *object, const char *key, const struct str_map *map)
{
	json_t *values = map->n ? json_object() : NULL;

	for (size_t i = 0; i < map->n; i++)
		json_object_setn_new(values, map->at[i].key.at, map->at[i].key.len,
				     json_stringn(map->at[i].value.at ? map->at[i].value.at : "",
						  map->at[i].value.len));
	if (values)
		json_object_set_new(object, key, values);
}

static void set_created(json_t *metadata, int64_t created_ns)
{
	time_t seconds = (time_t)(created_ns / NS_PER_SEC);
	char text[64];
	struct tm parts;
	size_t n;

	if (!created_ns || !gmtime_r(&seconds, &parts))
		return;
	n = strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%S", &parts);
	if (created_ns % NS_PER_SEC)
		n += (size_t)snprintf(text + n, sizeof(text) - n, ".%09lld",
				      (long long)(created_ns % NS_PER_SEC));
	snprintf(text + n, sizeof(text) - n, "Z");
	json_object_set_new(metadata, "creationTimestamp", json_string(text));
}

/* What is decoded was base64 before, and may be no text. */
static void set_secret_data(json_t *document, const struct secret *secret)
{
	json_t *data = json_object();
	struct arena arena;

	arena_init(&arena, 64 << 20, 0);
	for (size_t i = 0; i < secret->data.n; i++) {
		struct str text = codec_base64_encode(secret->data.at[i].value, &arena);

		json_object_setn_new(data, secret->data.at[i].key.at, secret->data.at[i].key.len,
				     json_stringn(text.at ? text.at : "", text.len));
	}
	arena_done(&arena);
	json_object_set_new(document, "data", data);
	json_object_del(document, "stringData");
}

json_t *state_file_document(const struct object *object)
{
	const struct kind_info *info = &kind_infos[object->kind];
	json_t *document, *metadata;

	if (!object->valid || !info->api_version[0])
		return NULL;
	document = info->has_raw && object->document
			   ? json_copy(object->document)
			   : schema_to_json_whole(info->schema, object->spec);
	metadata = json_object();
	if (object->kind == KIND_SECRET)
		set_secret_data(document, object->spec);
	set_text(metadata, "name", object->meta.name);
	set_text(metadata, "namespace", object->meta.namespace_);
	set_text(metadata, "uid", object->meta.uid);
	set_text(metadata, "resourceVersion", object->meta.resource_version);
	set_created(metadata, object->meta.created_ns);
	set_map(metadata, "labels", &object->meta.labels);
	set_map(metadata, "annotations", &object->meta.annotations);
	json_object_set_new(document, "apiVersion", json_string(info->api_version));
	json_object_set_new(document, "kind", json_string(info->kind));
	json_object_set_new(document, "metadata", metadata);
	return document;
}

/* ----------------------------------------------------------------- writing -- */

struct writing {
	FILE *file;
	EVP_MD_CTX *digest;
	uint64_t n_bytes;
};

static bool put_line(struct writing *writing, const char *text, size_t n)
{
	writing->n_bytes += n;
	return writing->n_bytes <= STATE_FILE_BYTES_MAX &&
	       EVP_DigestUpdate(writing->digest, text, n) == 1 &&
	       fwrite(text, 1, n, writing->file) == n;
}

static bool put_object(struct writing *writing, const struct object *object)
{
	json_t *document = state_file_document(object);
	char *text = document ? json_dumps(document, JSON_COMPACT) : NULL;
	bool ok = true;

	json_decref(document);
	if (text) {
		size_t n = strlen(text);

		ok = put_line(writing, text, n) && put_line(writing, "\n", 1);
		explicit_bzero(text, n);
		free(text);
	}
	return ok;
}

static void print_digest(EVP_MD_CTX *digest, char ret_text[DIGEST_TEXT + 1])
{
	unsigned char bytes[EVP_MAX_MD_SIZE] = {0};

	EVP_DigestFinal_ex(digest, bytes, NULL);
	for (int i = 0; i < DIGEST_BYTES; i++)
		snprintf(ret_text + 2 * i, 3, "%02x", bytes[i]);
}

static bool put_all(struct writing *writing, const struct load *load)
{
	char text[DIGEST_TEXT + 1];

	if (EVP_DigestInit_ex(writing->digest, EVP_sha256(), NULL) != 1 ||
	    !put_line(writing, VERSION_LINE, strlen(VERSION_LINE)))
		return false;
	for (size_t i = 0; i < load->n; i++)
		if (!put_object(writing, load->at[i]))
			return false;
	print_digest(writing->digest, text);
	return fprintf(writing->file, END_WORD "%s\n", text) > 0 && fflush(writing->file) == 0 &&
	       fsync(fileno(writing->file)) == 0;
}

/* Beside the path, then over it: whoever reads finds the old file or the new one. */
static int write_file(const char *path, const struct load *load)
{
	char beside[PATH_MAX + 8];
	struct writing writing = {0};
	int error = 0, fd;

	snprintf(beside, sizeof(beside), "%s.new", path);
	/* What an earlier end left. */
	unlink(beside);
	fd = open(beside, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (fd < 0)
		return -errno;
	writing.file = fdopen(fd, "w");
	if (!writing.file) {
		close(fd);
		return -ENOMEM;
	}
	writing.digest = EVP_MD_CTX_new();
	errno = 0;
	if (!writing.digest || !put_all(&writing, load))
		error = writing.n_bytes > STATE_FILE_BYTES_MAX ? -EFBIG : errno ? -errno : -EIO;
	EVP_MD_CTX_free(writing.digest);
	if (fclose(writing.file) != 0 && !error)
		error = -errno;
	if (!error && rename(beside, path) < 0)
		error = -errno;
	if (error)
		unlink(beside);
	return error;
}

static void load_done(struct load *load)
{
	for (size_t i = 0; i < load->n; i++)
		object_unref(load->at[i]);
	free(load->at);
	*load = (struct load){0};
}

static void *run(void *arg)
{
	struct state_file *file = arg;

	pthread_setname_np(pthread_self(), "state-file");
	pthread_mutex_lock(&file->lock);
	for (;;) {
		while (!file->next.at && !file->is_ending)
			pthread_cond_wait(&file->wake, &file->lock);
		if (!file->next.at)
			break;
		struct load load = file->next;

		file->next = (struct load){0};
		pthread_mutex_unlock(&file->lock);
		atomic_store(&file->error, write_file(file->path, &load));
		load_done(&load);
		pthread_mutex_lock(&file->lock);
	}
	pthread_mutex_unlock(&file->lock);
	return NULL;
}

/* ---------------------------------------------------------------- offering -- */

struct state_file *state_file_new(const char *path)
{
	struct state_file *file = calloc(1, sizeof(*file));

	if (!file)
		return NULL;
	snprintf(file->path, sizeof(file->path), "%s", path);
	pthread_mutex_init(&file->lock, NULL);
	pthread_cond_init(&file->wake, NULL);
	return file;
}

void state_file_free(struct state_file *file)
{
	if (!file)
		return;
	if (file->has_thread) {
		pthread_mutex_lock(&file->lock);
		file->is_ending = true;
		pthread_cond_signal(&file->wake);
		pthread_mutex_unlock(&file->lock);
		pthread_join(file->thread, NULL);
	}
	load_done(&file->next);
	pthread_mutex_destroy(&file->lock);
	pthread_cond_destroy(&file->wake);
	free(file);
}

/* Only the API server's: files are there at the next start, too. */
static struct load gather(const struct store *store)
{
	struct load load = {0};
	size_t n = 1;

	for (int kind = 0; kind < KIND__COUNT; kind++)
		n += store->objects[kind].n;
	load.at = calloc(n, sizeof(struct object *));
	for (int kind = 0; load.at && kind < KIND__COUNT; kind++)
		TABLE_EACH (&store->objects[kind], slot) {
			struct object *object = slot->value;

			if (!object->file.len || object->is_restored)
				load.at[load.n++] = object_ref(object);
		}
	return load;
}

static void hand_over(struct state_file *file, struct load load)
{
	pthread_mutex_lock(&file->lock);
	load_done(&file->next);
	file->next = load;
	pthread_cond_signal(&file->wake);
	pthread_mutex_unlock(&file->lock);
	if (!file->has_thread)
		file->has_thread = pthread_create(&file->thread, NULL, run, file) == 0;
}

uint64_t state_file_due_ns(const struct state_file *file, const struct store *store)
{
	if (store->revision == file->offered_revision)
		return 0;
	return file->offered_ns ? file->offered_ns + STATE_FILE_GAP_S * (uint64_t)NS_PER_SEC : 1;
}

void state_file_offer(struct state_file *file, const struct store *store, uint64_t now_ns)
{
	uint64_t due_ns = state_file_due_ns(file, store);
	struct load load;

	if (!due_ns || now_ns < due_ns)
		return;
	load = gather(store);
	file->offered_ns = now_ns;
	if (!load.at)
		return;
	file->offered_revision = store->revision;
	hand_over(file, load);
}

void state_file_flush(struct state_file *file, const struct store *store)
{
	if (state_file_due_ns(file, store))
		state_file_offer(file, store, UINT64_MAX);
}

int state_file_error(const struct state_file *file)
{
	return atomic_load(&file->error);
}

/* ----------------------------------------------------------------- reading -- */

static int refuse(char ret_fault[STATE_FILE_FAULT_BYTES], const char *text)
{
	snprintf(ret_fault, STATE_FILE_FAULT_BYTES, "%s", text);
	return -EBADMSG;
}

/* Reads it once: the version at its beginning, the digest of everything at its end. */
static int check(FILE *file, char ret_fault[STATE_FILE_FAULT_BYTES])
{
	EVP_MD_CTX *digest = EVP_MD_CTX_new();
	char *line = NULL, text[DIGEST_TEXT + 1];
	size_t room = 0, n_lines = 0;
	bool is_whole = false, has_end = false;
	int error = 0;
	ssize_t n;

	if (!digest || EVP_DigestInit_ex(digest, EVP_sha256(), NULL) != 1)
		error = -ENOMEM;
	while (!error && !has_end && (n = getline(&line, &room, file)) > 0) {
		if (n_lines++ == 0 && strcmp(line, VERSION_LINE) != 0)
			error = refuse(ret_fault, strncmp(line, "tidegate-state ", 15)
							  ? "it is no state file"
							  : "another version wrote it");
		has_end = !strncmp(line, END_WORD, strlen(END_WORD));
		if (!has_end) {
			EVP_DigestUpdate(digest, line, (size_t)n);
			continue;
		}
		print_digest(digest, text);
		is_whole =
			!strncmp(line + strlen(END_WORD), text, DIGEST_TEXT) && fgetc(file) == EOF;
	}
	if (!error && !n_lines)
		error = refuse(ret_fault, "it is empty");
	if (!error && !has_end)
		error = refuse(ret_fault, "it is cut off");
	if (!error && !is_whole)
		error = refuse(ret_fault, "its checksum is wrong");
	EVP_MD_CTX_free(digest);
	free(line);
	return error;
}

static size_t put_objects(FILE *file, struct store *store)
{
	char *line = NULL;
	size_t room = 0, n_objects = 0;
	ssize_t n;

	while ((n = getline(&line, &room, file)) > 0) {
		json_t *document = line[0] == '{' ? json_loadb(line, (size_t)n, 0, NULL) : NULL;
		struct arena arena;
		struct diag_sink sink;
		struct object *object = NULL;
		bool skip;

		arena_init(&arena, 1 << 20, 0);
		diag_init(&sink, &arena);
		if (document)
			object = object_decode(document, (struct str){0}, 0, &sink, &skip);
		if (object) {
			object->is_restored = true;
			store_put(store, object);
			n_objects++;
		}
		object_unref(object);
		json_decref(document);
		arena_done(&arena);
	}
	if (line)
		explicit_bzero(line, room);
	free(line);
	return n_objects;
}

int state_file_load(const char *path, struct store *store, size_t *ret_n,
		    char ret_fault[STATE_FILE_FAULT_BYTES])
{
	AUTO_FCLOSE FILE *file = fopen(path, "re");
	struct stat stat;
	int error;

	ret_fault[0] = '\0';
	*ret_n = 0;
	if (!file)
		return -errno;
	if (fstat(fileno(file), &stat) < 0)
		return -errno;
	if (!S_ISREG(stat.st_mode))
		return refuse(ret_fault, "it is not a file");
	/* It decides where requests go, and has keys in it. */
	if (stat.st_mode & (S_IRWXG | S_IRWXO))
		return refuse(ret_fault, "others than its owner may read or write it");
	if ((uint64_t)stat.st_size > STATE_FILE_BYTES_MAX + 256)
		return refuse(ret_fault, "it is too large");
	error = check(file, ret_fault);
	if (error)
		return error;
	rewind(file);
	*ret_n = put_objects(file, store);
	return 0;
}
