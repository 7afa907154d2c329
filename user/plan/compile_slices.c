// SPDX-License-Identifier: Apache-2.0
/* compile_slices: which EndpointSlices belong to a Service; kept from pass to pass. */

#include <stdlib.h>

#include "plan/compile_services.h"
#include "plan/compile_unit.h"

/* The value of c->slices. */
struct indexed {
	struct compile_slices slices; /* first */
	struct str key;		      /* follows */
};

struct str compile_slices_service(const struct object *slice)
{
	for (size_t i = 0; slice && slice->valid && i < slice->meta.labels.n; i++)
		if (str_eq(slice->meta.labels.at[i].key, STR(ENDPOINT_SLICE_SERVICE_LABEL)))
			return slice->meta.labels.at[i].value;
	return (struct str){0};
}

static bool is_older(const struct object *a, const struct object *b)
{
	if (a->meta.created_ns != b->meta.created_ns)
		return a->meta.created_ns < b->meta.created_ns;
	return str_cmp(a->meta.name, b->meta.name) < 0;
}

static struct indexed *index_of(struct compile *c, struct str key)
{
	struct indexed *indexed = table_find(&c->slices, key);

	if (indexed)
		return indexed;
	indexed = calloc(1, sizeof(*indexed) + key.len + 1);
	if (!indexed)
		return NULL;
	indexed->key = str_n(memcpy(indexed + 1, key.at, key.len), key.len);
	if (table_put(&c->slices, indexed->key, indexed, NULL) == 0)
		return indexed;
	free(indexed);
	return NULL;
}

static bool add(struct compile *c, struct object *slice)
{
	struct str service = compile_slices_service(slice);
	char room[600];
	struct compile_slices *slices;
	struct indexed *indexed;
	size_t i;

	if (!service.len)
		return true;
	indexed = index_of(c, compile_unit_key(room, "slices", slice->meta.namespace_, service));
	if (!indexed)
		return false;
	slices = &indexed->slices;
	if (slices->n == slices->room) {
		size_t more = slices->room ? slices->room * 2 : 1;
		struct object **at = realloc(slices->at, more * sizeof(struct object *));

		if (!at)
			return false;
		slices->at = at;
		slices->room = more;
	}
	for (i = slices->n++; i > 0 && is_older(slice, slices->at[i - 1]); i--)
		slices->at[i] = slices->at[i - 1];
	slices->at[i] = object_ref(slice);
	return true;
}

static void drop(struct compile *c, const struct object *slice)
{
	struct str service = compile_slices_service(slice);
	struct compile_slices *slices;
	char room[600];

	if (!service.len)
		return;
	slices = table_find(&c->slices,
			    compile_unit_key(room, "slices", slice->meta.namespace_, service));
	for (size_t i = 0; slices && i < slices->n; i++) {
		/* By name: another reading of the same content may be there. */
		if (!str_eq(slices->at[i]->meta.name, slice->meta.name))
			continue;
		object_unref(slices->at[i]);
		slices->n--;
		memmove(&slices->at[i], &slices->at[i + 1], (slices->n - i) * sizeof(*slices->at));
		break;
	}
	/* An index that is empty stays: its Service is likely to come back. */
}

bool compile_slices_change(struct compile *c, struct object *before, struct object *after)
{
	drop(c, before);
	return add(c, after);
}

const struct compile_slices *compile_slices(struct compile *c, const struct object *service)
{
	static const struct compile_slices none;
	char room[600];
	struct str key =
		compile_unit_key(room, "slices", service->meta.namespace_, service->meta.name);
	const struct compile_slices *slices = table_find(&c->slices, key);

	compile_unit_depend(c, key);
	for (size_t i = 0; slices && i < slices->n; i++)
		compile_unit_hold(c, slices->at[i]);
	return slices ? slices : &none;
}

void compile_slices_index(struct compile *c)
{
	TABLE_EACH (&c->store->objects[KIND_ENDPOINT_SLICE], slot)
		if (!add(c, slot->value))
			c->scratch.failed = true;
}

void compile_slices_done(struct compile *c)
{
	TABLE_EACH (&c->slices, slot) {
		struct indexed *indexed = slot->value;

		for (size_t i = 0; i < indexed->slices.n; i++)
			object_unref(indexed->slices.at[i]);
		free(indexed->slices.at);
		free(indexed);
	}
	table_done(&c->slices);
}
