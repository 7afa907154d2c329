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
}

void store_done(struct store *store)
{
	for (int i = 0; i < KIND__COUNT; i++) {
		TABLE_EACH (&store->objects[i], slot)
			object_unref(slot->value);
		table_done(&store->objects[i]);
	}
}

bool store_put(struct store *store, struct object *object)
{
	struct table *table = &store->objects[object->kind];
	void *before = NULL;
	struct object *old;
	bool same;

	if (table_put(table, object->id, object_ref(object), &before) != 0) {
		object_unref(object);
		return false;
	}
	old = before;
	same = old && old->content_hash == object->content_hash;
	object_unref(old);
	if (!same)
		store->revision++;
	return !same;
}

bool store_remove(struct store *store, struct str id, enum kind kind)
{
	struct object *old = table_del(&store->objects[kind], id);

	if (!old)
		return false;
	object_unref(old);
	store->revision++;
	return true;
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
