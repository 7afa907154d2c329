// SPDX-License-Identifier: Apache-2.0
/*
 * store: what a source last said, by kind, then by id.
 *
 * An object whose content did not change keeps the revision as it is, whatever file it came from:
 * what is equal need not be compiled again.
 */
#include <stdio.h>
#include <stdlib.h>

#include "model/object.h"

void store_init(struct store *store)
{
	*store = (struct store){0};
	for (int i = 0; i < KIND__COUNT; i++)
		table_init(&store->objects[i], NULL);
	table_init(&store->changed, NULL);
}

static void change_free(struct store_change *change)
{
	object_unref(change->before);
	object_unref(change->after);
	free(change);
}

static void forget_changes(struct store *store)
{
	TABLE_EACH (&store->changed, slot)
		change_free(slot->value);
	table_done(&store->changed);
	table_init(&store->changed, NULL);
}

void store_changes_taken(struct store *store)
{
	forget_changes(store);
	store->all_changed = false;
	store->changed_ns = 0;
}

void store_done(struct store *store)
{
	forget_changes(store);
	for (int i = 0; i < KIND__COUNT; i++) {
		TABLE_EACH (&store->objects[i], slot)
			object_unref(slot->value);
		table_done(&store->objects[i]);
	}
}

void store_event(struct store *store, uint64_t mono_ns)
{
	store->event_ns = mono_ns;
}

/* Beyond the limit, and without memory, everything counts as changed. */
static void give_up_listing(struct store *store)
{
	forget_changes(store);
	store->all_changed = true;
}

static struct store_change *change_new(struct store *store, enum kind kind, struct str id)
{
	struct store_change *change =
		store->changed.n < STORE_CHANGES_MAX ? calloc(1, sizeof(*change) + id.len) : NULL;

	if (!change)
		return NULL;
	change->id = str_n((char *)(change + 1), id.len);
	memcpy(change + 1, id.at, id.len);
	change->kind = kind;
	if (table_put(&store->changed, change->id, change, NULL) == 0)
		return change;
	free(change);
	return NULL;
}

/* Takes over the reference to before. */
static void note_change(struct store *store, enum kind kind, struct object *before,
			struct object *after)
{
	struct str id = after ? after->id : before->id;
	struct store_change *change = table_find(&store->changed, id);

	store->revision++;
	if (!store->changed_ns || (store->event_ns && store->event_ns < store->changed_ns))
		store->changed_ns = store->event_ns;
	if (change) {
		object_unref(change->after);
		change->after = after ? object_ref(after) : NULL;
		object_unref(before);
		return;
	}
	if (!store->all_changed)
		change = change_new(store, kind, id);
	if (!change) {
		object_unref(before);
		give_up_listing(store);
		return;
	}
	change->before = before;
	change->after = after ? object_ref(after) : NULL;
}

bool store_put(struct store *store, struct object *object)
{
	struct table *table = &store->objects[object->kind];
	void *before = NULL;
	struct object *old;

	if (table_put(table, object->id, object_ref(object), &before) != 0) {
		object_unref(object);
		return false;
	}
	old = before;
	if (old && old->content_hash == object->content_hash) {
		object_unref(old);
		return false;
	}
	note_change(store, object->kind, old, object);
	return true;
}

bool store_remove(struct store *store, struct str id, enum kind kind)
{
	struct object *old = table_del(&store->objects[kind], id);

	if (!old)
		return false;
	note_change(store, kind, old, NULL);
	return true;
}

void store_drop_restored(struct store *store, enum kind kind)
{
	struct object **gone = calloc(store->objects[kind].n + 1, sizeof(struct object *));
	size_t n = 0;

	/* The table does not like to lose a slot while it is walked. */
	TABLE_EACH (&store->objects[kind], slot) {
		struct object *object = slot->value;

		if (gone && object->is_restored)
			gone[n++] = object_ref(object);
	}
	for (size_t i = 0; i < n; i++) {
		store_remove(store, gone[i]->id, kind);
		object_unref(gone[i]);
	}
	free(gone);
}

struct object *store_find(const struct store *store, enum kind kind, struct str namespace_,
			  struct str name)
{
	struct str kind_name = str_of(kind_infos[kind].kind);
	char text[512], *at = text;

	/* No valid name is that long. */
	if (kind_name.len + namespace_.len + name.len + 2 > sizeof(text))
		return NULL;
	at = mempcpy(at, kind_name.at, kind_name.len);
	*at++ = '/';
	if (namespace_.len)
		at = mempcpy(at, namespace_.at, namespace_.len);
	*at++ = '/';
	if (name.len)
		at = mempcpy(at, name.at, name.len);
	return table_find(&store->objects[kind], str_n(text, (size_t)(at - text)));
}

static int compare_objects(const void *a, const void *b)
{
	const struct object *x = *(struct object *const *)a, *y = *(struct object *const *)b;
	int order = str_cmp(x->meta.namespace_, y->meta.namespace_);

	return order ? order : str_cmp(x->meta.name, y->meta.name);
}

struct object **store_sorted(const struct store *store, enum kind kind, struct arena *arena,
			     size_t *ret_n)
{
	const struct table *table = &store->objects[kind];
	struct object **at = ARENA_ARRAY(arena, struct object *, table->n ? table->n : 1);
	size_t n = 0;

	*ret_n = 0;
	if (!at)
		return NULL;
	TABLE_EACH (table, slot)
		at[n++] = slot->value;
	qsort(at, n, sizeof(*at), compare_objects);
	*ret_n = n;
	return at;
}
