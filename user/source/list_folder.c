// SPDX-License-Identifier: Apache-2.0
/*
 * list_folder: see list_folder.h.
 *
 * All files are looked at whenever something happened, since there are few; one is read when it is
 * another than the one that was read. A file that differs and that nobody has closed yet is looked
 * at again, and taken when it has stopped changing: some programs never tell.
 */
#include "source/list_folder.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "source/folder_watch.h"

#define AGAIN_NS (50 * NS_PER_MS)

struct entry {
	char *name;
	struct stat read; /* of what the store has */
	struct stat seen; /* at the last look */
	bool is_known;	  /* read is valid */
	bool written;	  /* somebody closed it after writing, or put it there */
	bool present;
	char error[96];	       /* why it cannot be read; "": it can */
	struct object *object; /* what the store has */
};

struct list_folder {
	struct folder_watch watch;
	struct table entries; /* by name */
	bool first;
};

struct list_folder *list_folder_open(const char *path, int *ret_error)
{
	struct list_folder *folder = calloc(1, sizeof(*folder));

	*ret_error = folder ? folder_watch_open(&folder->watch, path) : -ENOMEM;
	if (*ret_error) {
		free(folder);
		return NULL;
	}
	table_init(&folder->entries, NULL);
	folder->first = true;
	return folder;
}

static void entry_free(struct entry *entry)
{
	object_unref(entry->object);
	free(entry->name);
	free(entry);
}

void list_folder_close(struct list_folder *folder)
{
	if (!folder)
		return;
	TABLE_EACH (&folder->entries, slot)
		entry_free(slot->value);
	table_done(&folder->entries);
	folder_watch_close(&folder->watch);
	free(folder);
}

int list_folder_fd(const struct list_folder *folder)
{
	return folder->watch.epoll_fd;
}

static struct entry *entry_of(struct list_folder *folder, const char *name)
{
	struct entry *entry = table_find(&folder->entries, str_of(name));

	if (entry)
		return entry;
	entry = calloc(1, sizeof(*entry));
	if (entry)
		entry->name = strdup(name);
	if (!entry || !entry->name ||
	    table_put(&folder->entries, str_of(entry->name), entry, NULL)) {
		free(entry ? entry->name : NULL);
		free(entry);
		return NULL;
	}
	return entry;
}

static void take_name(void *context, const char *name, bool is_written)
{
	struct entry *entry;

	if (!is_written || name[0] == '.')
		return;
	entry = entry_of(context, name);
	if (entry)
		entry->written = true;
}

static bool same_file(const struct stat *a, const struct stat *b)
{
	return a->st_dev == b->st_dev && a->st_ino == b->st_ino && a->st_size == b->st_size &&
	       a->st_mtim.tv_sec == b->st_mtim.tv_sec && a->st_mtim.tv_nsec == b->st_mtim.tv_nsec;
}

/* Links are followed within the folder only. */
static int open_beneath(int folder_fd, const char *name)
{
	struct open_how how = {
		.flags = O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK,
		.resolve = RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS,
	};
	long fd = syscall(SYS_openat2, folder_fd, name, &how, sizeof(how));

	return fd < 0 ? -errno : (int)fd;
}

/* The whole text; bytes that no address has become '?', so that it is text whatever it was. */
static char *read_text(int fd, size_t size, size_t *ret_n)
{
	char *text = malloc(size + 1);
	size_t n = 0;

	while (text && n < size) {
		ssize_t got = read(fd, text + n, size - n);

		if (got < 0 && errno == EINTR)
			continue;
		if (got <= 0)
			break;
		n += (size_t)got;
	}
	for (size_t i = 0; text && i < n; i++)
		if (!text[i] || (unsigned char)text[i] >= 0x80)
			text[i] = '?';
	*ret_n = n;
	return text;
}

static struct object *make_object(const struct list_folder *folder, const char *name,
				  const char *text, size_t n)
{
	json_t *content = json_pack("{s:{s:o}}", "data", LIST_FOLDER_KEY, json_stringn(text, n));
	char path[PATH_MAX];
	struct object *object;

	if (!content)
		return NULL;
	snprintf(path, sizeof(path), "%s/%s", folder->watch.path, name);
	object = object_make(KIND_CONFIG_MAP, STR(LIST_FOLDER_NAMESPACE), str_of(name), content,
			     str_of(path), 1);
	json_decref(content);
	return object;
}

static bool fail(struct entry *entry, const char *why)
{
	bool is_news = strcmp(entry->error, why);

	snprintf(entry->error, sizeof(entry->error), "%s", why);
	return is_news;
}

/* Takes the file's content; true when the store or the faults changed. */
static bool take_file(const struct list_folder *folder, struct entry *entry, int fd,
		      const struct stat *stat, struct store *store)
{
	bool changed = entry->error[0];
	struct object *object;
	char *text;
	size_t n;

	if (!S_ISREG(stat->st_mode))
		return fail(entry, "not a file");
	if (stat->st_size > LIST_FOLDER_MAX_BYTES)
		return fail(entry, "too large");
	text = read_text(fd, (size_t)stat->st_size, &n);
	object = text ? make_object(folder, entry->name, text, n) : NULL;
	free(text);
	if (!object)
		return fail(entry, "there is no memory for it");
	entry->error[0] = '\0';
	entry->read = *stat;
	entry->is_known = true;
	entry->written = false;
	changed |= store_put(store, object);
	object_unref(entry->object);
	entry->object = object;
	return changed;
}

static bool look_at(struct list_folder *folder, int folder_fd, const char *name,
		    struct store *store)
{
	struct entry *entry = entry_of(folder, name);
	AUTO_CLOSE int fd = entry ? open_beneath(folder_fd, name) : -ENOMEM;
	struct stat stat;
	bool is_settled;

	if (!entry)
		return false;
	entry->present = true;
	if (fd < 0)
		return fail(entry, fd == -EXDEV ? "a link that leads out of the folder"
						: strerrordesc_np(-fd));
	if (fstat(fd, &stat))
		return fail(entry, strerrordesc_np(errno));
	if (entry->is_known && same_file(&stat, &entry->read)) {
		entry->written = false;
		return false;
	}
	is_settled = entry->written || folder->first || same_file(&stat, &entry->seen);
	entry->seen = stat;
	if (is_settled)
		return take_file(folder, entry, fd, &stat, store);
	folder_watch_again(&folder->watch, AGAIN_NS);
	return false;
}

static bool drop_absent(struct list_folder *folder, struct store *store)
{
	bool changed = false, again = true;

	while (again) {
		again = false;
		TABLE_EACH (&folder->entries, slot) {
			struct entry *entry = slot->value;

			if (entry->present)
				continue;
			/* The table does not like to lose a slot while it is walked. */
			table_del(&folder->entries, str_of(entry->name));
			if (entry->object)
				changed |= store_remove(store, entry->object->id, KIND_CONFIG_MAP);
			entry_free(entry);
			again = true;
			break;
		}
	}
	return changed;
}

static void tell_errors(const struct list_folder *folder, struct diag_sink *sink)
{
	TABLE_EACH (&folder->entries, slot) {
		const struct entry *entry = slot->value;
		char path[PATH_MAX];

		if (!entry->error[0])
			continue;
		snprintf(path, sizeof(path), "%s/%s", folder->watch.path, entry->name);
		diag_about(sink, str_of(path), str_of(path), 0);
		diag_error(sink, NULL, "the list cannot be read: %s", entry->error);
	}
}

int list_folder_read(struct list_folder *folder, struct store *store, struct diag_sink *sink)
{
	struct folder_events events = {.named = take_name, .context = folder};
	bool changed = false;
	struct dirent *item;
	DIR *dir;

	folder_watch_drain(&folder->watch, &events);
	dir = opendir(folder->watch.path);
	if (!dir) {
		/* What was last said holds until the folder is there again. */
		folder_watch_again(&folder->watch, 10 * AGAIN_NS);
		tell_errors(folder, sink);
		return 0;
	}
	TABLE_EACH (&folder->entries, slot)
		((struct entry *)slot->value)->present = false;
	while ((item = readdir(dir)))
		if (item->d_name[0] != '.' && item->d_type != DT_DIR)
			changed |= look_at(folder, dirfd(dir), item->d_name, store);
	closedir(dir);
	changed |= drop_absent(folder, store);
	folder->first = false;
	tell_errors(folder, sink);
	return changed;
}
