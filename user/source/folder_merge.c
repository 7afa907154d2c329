// SPDX-License-Identifier: Apache-2.0
/*
 * folder_merge: of several objects with one id that of the first file by name counts. As long as
 * nothing was wrong and no id came twice, a file that is written anew concerns only its own
 * objects.
 */
#include "source/folder_merge.h"

#include <stdlib.h>

static int compare_entries(const void *a, const void *b)
{
	const struct folder_entry *x = *(struct folder_entry *const *)a,
				  *y = *(struct folder_entry *const *)b;

	return strcmp(x->file.name, y->file.name);
}

static struct folder_entry *const *sorted_entries(struct folder *folder, size_t *ret_n)
{
	size_t n = 0;

	*ret_n = folder->entries.n;
	if (folder->sorted)
		return folder->sorted;
	folder->sorted = calloc(folder->entries.n + 1, sizeof(struct folder_entry *));
	if (!folder->sorted) {
		*ret_n = 0;
		return NULL;
	}
	TABLE_EACH (&folder->entries, slot)
		folder->sorted[n++] = slot->value;
	qsort(folder->sorted, n, sizeof(struct folder_entry *), compare_entries);
	return folder->sorted;
}

static void tell_duplicate(struct diag_sink *sink, const struct object *loser,
			   const struct object *winner)
{
	diag_about(sink, loser->id, loser->file, loser->line);
	struct diag *diag =
		diag_error(sink, NULL, "defined more than once: this one has no effect");

	diag_suggest(sink, diag, "the one that counts is in " STR_FMT ":%zu", STR_ARG(winner->file),
		     winner->line);
}

static void repeat_faults(struct diag_sink *sink, const struct diag_sink *from)
{
	for (size_t i = 0; i < from->n; i++) {
		const struct diag *diag = &from->at[i];
		const struct diag_path path = {NULL, diag->field.at, diag->field.len, 0};
		const struct diag_path *at = diag->field.len ? &path : NULL;
		struct diag *copy;

		diag_about(sink, diag->object, diag->file, diag->line);
		copy = diag->level == DIAG_ERROR
			       ? diag_error(sink, at, STR_FMT, STR_ARG(diag->message))
			       : diag_warning(sink, at, STR_FMT, STR_ARG(diag->message));
		copy->unsupported = diag->unsupported;
		diag_found(sink, copy, diag->found);
		if (diag->expected.len)
			diag_expected(sink, copy, STR_FMT, STR_ARG(diag->expected));
		if (diag->suggestion.len)
			diag_suggest(sink, copy, STR_FMT, STR_ARG(diag->suggestion));
	}
}

static void tell_entry(const struct folder_entry *entry, struct diag_sink *sink)
{
	const struct manifest_file *file = &entry->file;
	size_t n = 0;

	for (size_t i = 0; i < file->n_chunks; i++)
		n += file->chunks[i]->n_objects;
	if (entry->error[0] || file->fault[0]) {
		bool parse = !entry->error[0];

		diag_about(sink, (struct str){0}, str_of(file->path), parse ? file->fault_line : 0);
		struct diag *diag =
			diag_error(sink, NULL, "%s%s", parse ? "cannot be parsed: " : "",
				   parse ? file->fault : entry->error);

		if (n)
			diag_suggest(sink, diag, "the %zu objects it last had are kept meanwhile",
				     n);
	}
	for (size_t i = 0; i < file->n_chunks; i++)
		repeat_faults(sink, &file->chunks[i]->faults);
}

/* Which object counts for each id; the losers are told of. */
static void choose(struct folder *folder, struct table *winners, struct diag_sink *sink)
{
	size_t n;
	struct folder_entry *const *entries = sorted_entries(folder, &n);

	for (size_t i = 0; i < n; i++) {
		const struct manifest_file *file = &entries[i]->file;

		tell_entry(entries[i], sink);
		for (size_t k = 0; k < file->n_chunks; k++) {
			for (size_t m = 0; m < file->chunks[k]->n_objects; m++) {
				struct object *object = file->chunks[k]->objects[m];
				struct object *winner = table_find(winners, object->id);

				if (winner)
					tell_duplicate(sink, object, winner);
				else if (table_put(winners, object->id, object, NULL) == 0)
					object_ref(object);
			}
		}
	}
}

static void update_store(struct folder *folder, struct store *store, struct table *winners)
{
	TABLE_EACH (&folder->winners, slot) {
		struct object *old = slot->value;

		if (!table_find(winners, old->id))
			store_remove(store, old->id, old->kind);
	}
	TABLE_EACH (winners, slot) {
		struct object *object = slot->value;

		if (table_find(&folder->winners, object->id) != object)
			store_put(store, object);
	}
	TABLE_EACH (&folder->winners, slot)
		object_unref(slot->value);
	table_done(&folder->winners);
	folder->winners = *winners;
}

enum { FEW_OBJECTS = 64 };

/* Whether the file's text is nothing but objects without a fault, few enough to look at each. */
static bool is_plain(const struct folder_entry *entry)
{
	size_t n = 0;

	if (entry->error[0] || entry->file.fault[0] || entry->has_lost || entry->unsettled)
		return false;
	for (size_t i = 0; i < entry->file.n_chunks; i++) {
		if (entry->file.chunks[i]->faults.n)
			return false;
		n += entry->file.chunks[i]->n_objects;
	}
	return n <= FEW_OBJECTS;
}

/* Whether another object of the entry has this id, or the one that counts is in another file. */
static bool is_rivalled(const struct folder *folder, const struct folder_entry *entry,
			const struct object *object)
{
	const struct object *winner = table_find(&folder->winners, object->id);

	if (winner && !str_eq(winner->file, object->file))
		return true;
	for (size_t k = 0; k < entry->file.n_chunks; k++)
		for (size_t m = 0; m < entry->file.chunks[k]->n_objects; m++) {
			const struct object *other = entry->file.chunks[k]->objects[m];

			if (other != object && str_eq(other->id, object->id))
				return true;
		}
	return false;
}

static bool is_simple(const struct folder *folder, const struct folder_entry *entry)
{
	if (!is_plain(entry))
		return false;
	for (size_t k = 0; k < entry->file.n_chunks; k++)
		for (size_t m = 0; m < entry->file.chunks[k]->n_objects; m++)
			if (is_rivalled(folder, entry, entry->file.chunks[k]->objects[m]))
				return false;
	return true;
}

static bool put_entry(struct folder *folder, struct store *store, struct folder_entry *entry)
{
	for (size_t k = 0; k < entry->file.n_chunks; k++)
		for (size_t m = 0; m < entry->file.chunks[k]->n_objects; m++) {
			struct object *object = entry->file.chunks[k]->objects[m];
			void *old = table_find(&folder->winners, object->id);

			if (old == object)
				continue;
			if (table_put(&folder->winners, object->id, object, NULL))
				return false;
			object_ref(object);
			store_put(store, object);
			object_unref(old);
		}
	entry->is_new = entry->has_lost = false;
	return true;
}

bool folder_merge_named(struct folder *folder, struct store *store)
{
	if (!folder->is_quiet)
		return false;
	TABLE_EACH (&folder->named, slot) {
		const struct folder_entry *entry = table_find(&folder->entries, slot->key);

		if (!entry || !entry->present || !is_simple(folder, entry))
			return false;
	}
	TABLE_EACH (&folder->named, slot) {
		struct folder_entry *entry = table_find(&folder->entries, slot->key);

		if (entry->is_new && !put_entry(folder, store, entry))
			return false;
	}
	return true;
}

void folder_merge_all(struct folder *folder, struct store *store, struct diag_sink *sink)
{
	size_t told = sink->n_errors + sink->n_warnings;
	struct table winners;

	table_init(&winners, NULL);
	if (folder->error[0]) {
		diag_about(sink, (struct str){0}, str_of(folder->watch.path), 0);
		diag_error(sink, NULL, "%s", folder->error);
	}
	choose(folder, &winners, sink);
	update_store(folder, store, &winners);
	TABLE_EACH (&folder->entries, slot) {
		struct folder_entry *entry = slot->value;

		entry->is_new = entry->has_lost = false;
	}
	folder->is_quiet = sink->n_errors + sink->n_warnings == told;
}
