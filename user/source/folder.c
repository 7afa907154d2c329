// SPDX-License-Identifier: Apache-2.0
/*
 * folder: look at what events named, read what changed, bring the store up to date (folder_merge).
 * All files are looked at the first time, when events were lost, when a second look is due, and
 * whenever there are links: what they lead to changes without an event here.
 *
 * A regular file is read again when inotify says that a writer closed it or that it was renamed
 * into place; a link (ConfigMap volumes) when what it leads to is another file. A text that loses
 * objects or does not parse, and is younger than SETTLE_NS, may be half of what is coming: it is
 * looked at again later.
 */
#include "source/folder_merge.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/hash.h"
#include "model/yaml_json.h"

#define SETTLE_NS    (25 * NS_PER_MS)
#define AGAIN_NS     (8 * NS_PER_MS)
#define NO_FOLDER_NS (500 * NS_PER_MS)

struct folder *folder_open(const struct folder_options *options, int *ret_error)
{
	struct folder *folder = calloc(1, sizeof(*folder));

	*ret_error = -ENOMEM;
	if (!folder)
		return NULL;
	folder->form = options->form;
	folder->only = options->only ? strdup(options->only) : NULL;
	if (!options->only || folder->only)
		*ret_error = folder_watch_open(&folder->watch, options->path);
	if (*ret_error) {
		free(folder->only);
		free(folder);
		return NULL;
	}
	table_init(&folder->entries, NULL);
	table_init(&folder->winners, NULL);
	table_init(&folder->named, NULL);
	folder->everything = true;
	folder->first = true;
	return folder;
}

static void entry_free(struct folder_entry *entry)
{
	manifest_file_done(&entry->file);
	free(entry);
}

static void forget_names(struct folder *folder)
{
	TABLE_EACH (&folder->named, slot)
		free(slot->value);
	table_done(&folder->named);
	folder->unnamed = false;
}

void folder_close(struct folder *folder)
{
	if (!folder)
		return;
	forget_names(folder);
	free(folder->sorted);
	TABLE_EACH (&folder->winners, slot)
		object_unref(slot->value);
	table_done(&folder->winners);
	TABLE_EACH (&folder->entries, slot)
		entry_free(slot->value);
	table_done(&folder->entries);
	folder_watch_close(&folder->watch);
	free(folder->only);
	free(folder);
}

int folder_fd(const struct folder *folder)
{
	return folder->watch.epoll_fd;
}

struct folder_stats folder_stats(const struct folder *folder)
{
	return folder->stats;
}

static bool is_name(const struct folder *folder, const char *name)
{
	return folder->only ? !strcmp(name, folder->only)
			    : manifest_file_is_name(name, folder->form);
}

static void take_name(void *context, const char *name, bool is_written)
{
	struct folder *folder = context;
	struct folder_entry *entry = table_find(&folder->entries, str_of(name));

	if (entry && is_written)
		entry->written = true;
	if (folder->unnamed || !is_name(folder, name) || table_find(&folder->named, str_of(name)))
		return;
	char *copy = strdup(name);

	if (!copy || table_put(&folder->named, str_of(copy), copy, NULL)) {
		free(copy);
		folder->unnamed = true;
	}
}

static bool same_file(const struct stat *a, const struct stat *b)
{
	return a->st_dev == b->st_dev && a->st_ino == b->st_ino && a->st_size == b->st_size &&
	       a->st_mtim.tv_sec == b->st_mtim.tv_sec && a->st_mtim.tv_nsec == b->st_mtim.tv_nsec &&
	       a->st_ctim.tv_sec == b->st_ctim.tv_sec && a->st_ctim.tv_nsec == b->st_ctim.tv_nsec;
}

static struct folder_entry *entry_of(struct folder *folder, const char *name)
{
	struct folder_entry *entry = table_find(&folder->entries, str_of(name));

	if (entry)
		return entry;
	entry = calloc(1, sizeof(*entry));
	if (!entry)
		return NULL;
	manifest_file_init(&entry->file, folder->form, folder->watch.path, name);
	entry->written = true;
	free(folder->sorted);
	folder->sorted = NULL;
	if (!entry->file.name || !entry->file.path ||
	    table_put(&folder->entries, str_of(entry->file.name), entry, NULL)) {
		entry_free(entry);
		return NULL;
	}
	return entry;
}

static bool is_young(const struct stat *stat)
{
	int64_t written = stat->st_mtim.tv_sec * NS_PER_SEC + stat->st_mtim.tv_nsec;
	int64_t age = (int64_t)clock_wall_ns() - written;

	/* A time to come (a clock set back) must not make us wait for it. */
	return age >= 0 && age < SETTLE_NS;
}

static bool entry_error(struct folder_entry *entry, const char *what, int error)
{
	char before[sizeof(entry->error)];

	memcpy(before, entry->error, sizeof(before));
	if (error)
		snprintf(entry->error, sizeof(entry->error), "%s: %s", what,
			 strerrordesc_np(-error));
	else
		snprintf(entry->error, sizeof(entry->error), "%s", what);
	return strcmp(before, entry->error) != 0;
}

/* Takes the file's text; true when objects or faults changed. */
static bool take_text(struct folder *folder, struct folder_entry *entry, struct str text,
		      const struct stat *stat)
{
	bool young = is_young(stat), lost;
	char fault[sizeof(entry->file.fault)];
	int error;

	memcpy(fault, entry->file.fault, sizeof(fault));
	error = manifest_file_take(&entry->file, text, young, &lost);
	entry->unsettled = error && young && !folder->first;
	if (entry->unsettled && error != -EAGAIN)
		/* No fault to tell of yet. */
		memcpy(entry->file.fault, fault, sizeof(fault));
	if (!entry->unsettled)
		entry->stat = *stat;
	if (error == 0) {
		folder->stats.n_changes++;
		entry->is_new = true;
		entry->has_lost |= lost;
		return true;
	}
	return strcmp(fault, entry->file.fault) != 0;
}

static bool read_entry(struct folder *folder, struct folder_entry *entry, const struct stat *stat)
{
	struct buf text;
	bool changed = false;
	int error;

	entry->written = false;
	buf_init(&text, YAML_BYTES_MAX);
	error = file_read(entry->file.path, &text);
	folder->stats.n_reads++;
	if (error) {
		changed =
			entry_error(entry, error == -EFBIG ? "too large" : "cannot be read", error);
		entry->stat = *stat;
	} else {
		changed = take_text(folder, entry, buf_str(&text), stat);
		entry->error[0] = '\0';
	}
	/* There may be Secrets in it. */
	if (text.at)
		explicit_bzero(text.at, text.len);
	buf_done(&text);
	return changed;
}

static bool look_at(struct folder *folder, const char *name)
{
	struct folder_entry *entry = entry_of(folder, name);
	struct stat stat, link;
	bool is_link;

	if (!entry)
		return false;
	is_link = lstat(entry->file.path, &link) == 0 && S_ISLNK(link.st_mode);
	folder->has_links |= is_link;
	/* Gone again, or a link that leads nowhere for now. */
	if (fstatat(AT_FDCWD, entry->file.path, &stat, 0) != 0)
		return false;
	if (!S_ISREG(stat.st_mode)) {
		entry->present = true;
		return entry_error(entry, "not a file", 0);
	}
	entry->present = true;
	entry->gone_ns = 0;
	if (entry->unsettled && !entry->written && is_young(&stat))
		return false;
	if (!entry->written && !entry->unsettled && !folder->everything &&
	    (!is_link || same_file(&stat, &entry->stat)))
		return false;
	return read_entry(folder, entry, &stat);
}

/*
 * What readdir did not show may be there all the same, being renamed over meanwhile; what is really
 * gone is kept for SETTLE_NS, because some editors remove a file before they write it again.
 */
static bool miss(struct folder *folder, struct folder_entry *entry, bool *ret_changed)
{
	uint64_t now = clock_mono_ns();

	*ret_changed |= look_at(folder, entry->file.name);
	if (entry->present) {
		entry->gone_ns = 0;
		return false;
	}
	if (!entry->gone_ns)
		entry->gone_ns = now;
	if (now - entry->gone_ns >= SETTLE_NS)
		return true;
	folder_watch_again(&folder->watch, AGAIN_NS);
	return false;
}

static bool drop_absent(struct folder *folder)
{
	bool changed = false, again = true;

	while (again) {
		again = false;
		TABLE_EACH (&folder->entries, slot) {
			struct folder_entry *entry = slot->value;

			if (entry->present || !miss(folder, entry, &changed))
				continue;
			/* The table does not like to lose a slot while it is walked. */
			table_del(&folder->entries, str_of(entry->file.name));
			entry_free(entry);
			free(folder->sorted);
			folder->sorted = NULL;
			changed = again = true;
			break;
		}
	}
	return changed;
}

/* Looks at every file of the folder; true when something changed. */
static bool scan(struct folder *folder)
{
	DIR *dir = opendir(folder->watch.path);
	bool changed = false;
	struct dirent *item;

	if (!dir) {
		/* What was last said holds until the folder is there again. */
		bool news = !folder->error[0];

		snprintf(folder->error, sizeof(folder->error), "the folder cannot be read: %s",
			 strerrordesc_np(errno));
		folder_watch_again(&folder->watch, NO_FOLDER_NS);
		return news;
	}
	changed = folder->error[0] != '\0';
	folder->error[0] = '\0';
	folder->has_links = false;
	TABLE_EACH (&folder->entries, slot)
		((struct folder_entry *)slot->value)->present = false;
	while ((item = readdir(dir)))
		if (is_name(folder, item->d_name))
			changed |= look_at(folder, item->d_name);
	closedir(dir);
	changed |= drop_absent(folder);
	folder->everything = folder->first = false;
	TABLE_EACH (&folder->entries, slot)
		if (((struct folder_entry *)slot->value)->unsettled)
			folder_watch_again(&folder->watch, AGAIN_NS);
	return changed;
}

static void look_at_named(struct folder *folder)
{
	TABLE_EACH (&folder->named, slot) {
		struct folder_entry *entry = table_find(&folder->entries, slot->key);

		if (entry)
			entry->present = false;
		look_at(folder, slot->value);
		entry = table_find(&folder->entries, slot->key);
		if (!entry)
			continue;
		/* One that is gone is dropped by the scan that this asks for. */
		if (!entry->present || entry->unsettled)
			folder_watch_again(&folder->watch, AGAIN_NS);
		if (!entry->present && !entry->gone_ns)
			entry->gone_ns = clock_mono_ns();
	}
}

static uint64_t hash_faults(const struct diag_sink *sink)
{
	uint64_t hash = sink->n;

	for (size_t i = 0; i < sink->n; i++) {
		const struct diag *diag = &sink->at[i];

		hash = hash_mix64(hash ^ hash_keyed(diag->message));
		hash = hash_mix64(hash ^ hash_keyed(diag->file));
		hash = hash_mix64(hash ^ hash_keyed(diag->object) ^ diag->line);
	}
	return hash;
}

int folder_read(struct folder *folder, struct store *store, struct diag_sink *sink)
{
	struct folder_events events = {.named = take_name, .context = folder};
	uint64_t revision = store->revision, hash;
	bool is_done = false;

	folder_watch_drain(&folder->watch, &events);
	folder->everything |= events.everything;
	if (folder->everything || folder->unnamed || events.unnamed || folder->has_links ||
	    folder->error[0])
		scan(folder);
	else {
		look_at_named(folder);
		is_done = folder_merge_named(folder, store);
	}
	forget_names(folder);
	if (!is_done)
		folder_merge_all(folder, store, sink);
	folder->stats.n_files = folder->entries.n;
	folder->stats.n_objects = folder->winners.n;
	hash = hash_faults(sink);
	bool news = store->revision != revision || hash != folder->faults_hash;

	folder->faults_hash = hash;
	return news;
}
