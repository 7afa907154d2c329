// SPDX-License-Identifier: Apache-2.0
/* compile_unit: see the header. Only the compiling thread sees units; snapshots hold what they
 * made. */

#include "plan/compile_unit.h"

#include <stdlib.h>

#include "obs/metric.h"
#include "plan/compile_kernel.h"
#include "plan/compile_services.h"

enum {
	KEY_MAX = 600,
	PART_BYTES = 1024,
};

/* A key, and who stands on it. */
struct dep {
	struct compile_edge *first;
	struct str key; /* follows */
};

struct compile_edge {
	struct compile_unit *unit;
	struct dep *dep;
	struct compile_edge *before, *after; /* of the key */
	struct compile_edge *sibling;	     /* of what was made */
};

/* A name and the unit that has it. */
struct compile_claim {
	struct compile_unit *unit;
	struct table *names;
	struct compile_claim *next; /* of the unit */
	struct str name;	    /* follows */
};

static struct str text_behind(void *thing, struct str text)
{
	struct str copy = {thing, text.len};

	if (text.len)
		memcpy(thing, text.at, text.len);
	return copy;
}

/* ------------------------------------------------------------------- edges -- */

struct str compile_unit_key(char room[static 600], const char *prefix, struct str namespace_,
			    struct str name)
{
	const struct str words[] = {str_of(prefix), namespace_, name};
	size_t n = 0;

	/* No valid name is so long that anything is cut. */
	for (int i = 0; i < 3; i++) {
		size_t len = words[i].len < KEY_MAX - 1 - n ? words[i].len : KEY_MAX - 1 - n;

		if (i && n < KEY_MAX - 1)
			room[n++] = '/';
		if (len > KEY_MAX - 1 - n)
			len = KEY_MAX - 1 - n;
		if (len)
			memcpy(room + n, words[i].at, len);
		n += len;
	}
	return str_n(room, n);
}

static struct dep *dep_of(struct compile *c, struct str key)
{
	struct dep *dep = table_find(&c->deps, key);

	if (dep)
		return dep;
	dep = calloc(1, sizeof(*dep) + key.len + 1);
	if (!dep)
		return NULL;
	dep->key = text_behind(dep + 1, key);
	if (table_put(&c->deps, dep->key, dep, NULL) == 0)
		return dep;
	free(dep);
	return NULL;
}

void compile_unit_depend(struct compile *c, struct str key)
{
	struct compile_edge *edge;
	struct dep *dep;

	if (!c->unit)
		return;
	dep = dep_of(c, key);
	/* Looked up again at once, or by the one that looks up most. */
	if (dep && dep->first && dep->first->unit == c->unit && c->made->edges == dep->first)
		return;
	edge = dep ? calloc(1, sizeof(*edge)) : NULL;
	if (!edge) {
		c->arena->failed = true;
		return;
	}
	*edge = (struct compile_edge){
		.unit = c->unit, .dep = dep, .after = dep->first, .sibling = c->made->edges};
	if (dep->first)
		dep->first->before = edge;
	dep->first = edge;
	c->made->edges = edge;
}

static void edges_free(struct compile *c, struct compile_edge *edge)
{
	for (struct compile_edge *next; edge; edge = next) {
		struct dep *dep = edge->dep;

		next = edge->sibling;
		if (edge->before)
			edge->before->after = edge->after;
		else
			dep->first = edge->after;
		if (edge->after)
			edge->after->before = edge->before;
		free(edge);
		if (dep->first)
			continue;
		table_del(&c->deps, dep->key);
		free(dep);
	}
}

void compile_unit_touch(struct compile *c, struct str key)
{
	struct dep *dep = table_find(&c->deps, key);

	for (struct compile_edge *edge = dep ? dep->first : NULL; edge; edge = edge->after) {
		struct compile_unit *unit = edge->unit;
		char room[KEY_MAX];

		if (unit->kind == UNIT_COMMON) {
			c->is_off = true;
			return;
		}
		if (unit->is_dirty)
			continue;
		unit->is_dirty = true;
		if (!compile_units_insert(&c->dirty, unit))
			c->is_off = true;
		if (compile_unit_has_users(unit))
			compile_unit_touch(
				c, compile_unit_key(room, "unit", unit->id, (struct str){0}));
	}
}

static void object_release(void *object)
{
	object_unref(object);
}

void compile_unit_hold(struct compile *c, struct object *object)
{
	if (c->unit && object)
		part_own(c->part, object_ref(object), object_release);
}

const struct object *compile_find(struct compile *c, enum kind kind, struct str namespace_,
				  struct str name)
{
	char room[KEY_MAX];
	struct object *object;
	struct str key;

	if (!c->unit)
		return store_find(c->store, kind, namespace_, name);
	key = compile_unit_key(room, kind_infos[kind].kind, namespace_, name);
	compile_unit_depend(c, key);
	object = table_find(&c->store->objects[kind], key);
	compile_unit_hold(c, object);
	return object;
}

struct object **compile_sorted_in(struct compile *c, enum kind kind, struct str namespace_,
				  size_t *ret_n)
{
	struct object **objects = store_sorted(c->store, kind, &c->scratch, ret_n);
	char room[KEY_MAX];
	size_t n = 0;

	compile_unit_depend(
		c, compile_unit_key(room, kind_infos[kind].kind, namespace_, (struct str){0}));
	for (size_t i = 0; i < *ret_n; i++) {
		if (!str_eq(objects[i]->meta.namespace_, namespace_))
			continue;
		compile_unit_hold(c, objects[i]);
		objects[n++] = objects[i];
	}
	*ret_n = n;
	return objects;
}

struct object **compile_sorted(struct compile *c, enum kind kind, size_t *ret_n)
{
	struct object **objects = store_sorted(c->store, kind, &c->scratch, ret_n);
	char room[KEY_MAX];

	compile_unit_depend(
		c, compile_unit_key(room, kind_infos[kind].kind, (struct str){0}, (struct str){0}));
	for (size_t i = 0; i < *ret_n; i++)
		compile_unit_hold(c, objects[i]);
	return objects;
}

/* -------------------------------------------------------------------- made -- */

static void made_free(struct compile *c, struct compile_made *made, struct part_grave *grave)
{
	struct metric_registry *metrics = registry_metrics(c->registry);

	if (!made)
		return;
	edges_free(c, made->edges);
	for (size_t i = 0; i < made->n_series; i++)
		metric_drop(metrics, made->series[i]);
	free(made->series);
	object_unref(made->object);
	if (grave && made->part)
		part_grave_bury(grave, made->part);
	else
		part_free(made->part);
	free(made);
}

static struct compile_made *made_new(struct compile *c, struct compile_unit *unit)
{
	struct compile_made *made = calloc(1, sizeof(*made));
	bool is_apart = c->is_quick || unit->kind == UNIT_SECTION || !c->base;

	if (!made)
		return NULL;
	made->part = is_apart ? part_new(PART_BYTES) : part_within(c->base);
	if (!made->part) {
		free(made);
		return NULL;
	}
	made->sink = ARENA_NEW(unit->kind == UNIT_COMMON ? made->part->arena : &c->scratch,
			       struct diag_sink);
	if (unit->object) {
		made->object = object_ref(unit->object);
		part_own(made->part, object_ref(unit->object), object_release);
	}
	made->uses = registry_begin(c->registry, made->part);
	if (made->uses && made->sink) {
		diag_init(made->sink, made->part->arena);
		return made;
	}
	made_free(c, made, NULL);
	return NULL;
}

/* -------------------------------------------------------------------- units -- */

struct compile_unit *compile_unit_new(enum compile_unit_kind kind, struct object *object,
				      struct str id)
{
	struct compile_unit *unit;

	if (object)
		id = object->id;
	unit = calloc(1, sizeof(*unit) + id.len + 1);

	if (!unit)
		return NULL;
	unit->kind = kind;
	unit->id = text_behind(unit + 1, id);
	unit->object = object ? object_ref(object) : NULL;
	return unit;
}

void compile_unit_set(struct compile_unit *unit, struct object *object)
{
	object_ref(object);
	object_unref(unit->object);
	unit->object = object;
}

void compile_unit_free(struct compile *c, struct compile_unit *unit, struct part_grave *grave)
{
	if (!unit)
		return;
	compile_unit_unclaim(unit);
	made_free(c, unit->next, NULL);
	made_free(c, unit->made, grave);
	object_unref(unit->object);
	free(unit);
}

static struct compile_scope scope_of(const struct compile *c)
{
	return (struct compile_scope){c->unit, c->made, c->routes, c->services, c->rules};
}

static void enter(struct compile *c, struct compile_unit *unit, struct compile_made *made)
{
	c->unit = unit;
	c->made = made;
	c->part = made->part;
	c->arena = made->part->arena;
	c->sink = made->sink;
	registry_go_on(c->registry, made->uses);
}

bool compile_unit_begin(struct compile *c, struct compile_unit *unit,
			struct compile_scope *ret_before)
{
	struct compile_made *made = made_new(c, unit);

	*ret_before = scope_of(c);
	if (!made) {
		/* A failed arena makes the whole pass fail. */
		c->scratch.failed = true;
		return false;
	}
	unit->next = made;
	enter(c, unit, made);
	table_init(&c->routes, &c->scratch);
	table_init(&c->services, &c->scratch);
	return true;
}

/* Where a row of objects is cut depends on which is made first: whoever is in it is made anew with
 * everything. */
static void is_too_deep(struct compile *c)
{
	diag_error(c->sink, DIAG_FIELD(NULL, "spec"),
		   "stands behind more than %d objects that lead to each other", COMPILE_DEPTH_MAX);
	for (size_t i = 0; i < c->depth; i++)
		c->open[i]->is_cut = true;
}

void compile_unit_make(struct compile *c, struct compile_unit *unit)
{
	struct compile_scope before;
	const struct object *object = unit->object;

	if (!compile_unit_begin(c, unit, &before))
		return;
	compile_about(c, object);
	unit->is_open = true;
	c->open[c->depth++] = unit;
	c->rules = unit->kind == UNIT_INGRESS ? &c->ingress_rules : &c->crd_rules;
	if (c->depth > COMPILE_DEPTH_MAX)
		is_too_deep(c);
	else if (unit->kind == UNIT_ROUTE)
		compile_route_object(c, object);
	else if (unit->kind == UNIT_INGRESS)
		compile_ingress_object(c, object);
	else if (unit->kind == UNIT_SERVICE)
		unit->next->service = compile_composite_object(c, object);
	else if (unit->kind == UNIT_MIDDLEWARE)
		unit->next->mw = compile_middleware_object(c, object);
	else if (unit->kind == UNIT_TRANSPORT)
		compile_transport_object(c, object);
	else if (unit->kind == UNIT_VIP)
		unit->next->vip = compile_vip_object(c, object);
	c->depth--;
	unit->is_open = false;
	compile_unit_end(c, before);
}

/* From where it is open on, everything leads to it. */
static void close_circle(struct compile *c, const struct compile_unit *unit)
{
	size_t i = c->depth;

	do
		c->open[--i]->next->in_circle = true;
	while (c->open[i] != unit);
}

const struct compile_made *compile_unit_of(struct compile *c, struct str id)
{
	struct compile_unit *unit = table_find(&c->units, id);
	char room[KEY_MAX];

	if (!unit || unit->is_gone)
		return NULL;
	compile_unit_depend(c, compile_unit_key(room, "unit", unit->id, (struct str){0}));
	if (unit->is_open)
		close_circle(c, unit);
	else if (!unit->next && (!unit->made || unit->is_dirty))
		compile_unit_make(c, unit);
	return compile_unit_now(unit);
}

struct compile_scope compile_unit_share(struct compile *c)
{
	struct compile_scope before = scope_of(c);

	if (c->common) {
		enter(c, c->common, compile_unit_now(c->common));
		/* Nothing of the common unit is found by name later. */
		table_init(&c->routes, &c->scratch);
		table_init(&c->services, &c->scratch);
	}
	return before;
}

void compile_unit_end(struct compile *c, struct compile_scope before)
{
	if (c->arena->failed)
		c->scratch.failed = true;
	if (c->made) {
		c->made->diags = c->sink->at;
		c->made->n_diags = c->sink->n;
		c->made->n_errors = c->sink->n_errors;
		c->made->n_warnings = c->sink->n_warnings;
	}
	c->rules = before.rules;
	c->routes = before.routes;
	c->services = before.services;
	c->unit = before.unit;
	if (before.unit)
		enter(c, before.unit, before.made);
}

void compile_unit_commit(struct compile *c, struct compile_unit *unit, struct part_grave *grave)
{
	if (!unit->next)
		return;
	made_free(c, unit->made, grave);
	unit->made = unit->next;
	unit->next = NULL;
	if (unit->kind != UNIT_COMMON)
		unit->made->sink = NULL;
}

/* ------------------------------------------------------------------- claims -- */

const struct compile_unit *compile_unit_claim(struct compile *c, struct compile_unit *unit,
					      struct table *names, struct str name)
{
	struct compile_claim *claim = table_find(names, name);

	if (claim) {
		if (claim->unit != unit)
			claim->unit->has_rival = unit->has_rival = true;
		return claim->unit;
	}
	claim = calloc(1, sizeof(*claim) + name.len + 1);
	if (claim) {
		*claim = (struct compile_claim){unit, names, unit->claims,
						text_behind(claim + 1, name)};
	}
	if (!claim || table_put(names, claim->name, claim, NULL) < 0) {
		free(claim);
		c->scratch.failed = true;
		return NULL;
	}
	unit->claims = claim;
	return NULL;
}

struct compile_unit *compile_unit_named(const struct table *names, struct str name)
{
	const struct compile_claim *claim = table_find(names, name);

	return claim ? claim->unit : NULL;
}

void compile_unit_unclaim(struct compile_unit *unit)
{
	for (struct compile_claim *claim = unit->claims, *next; claim; claim = next) {
		next = claim->next;
		table_del(claim->names, claim->name);
		free(claim);
	}
	unit->claims = NULL;
}

/* --------------------------------------------------------------------- lists -- */

/* Kind first: middlewares are asked for by routes, TraefikServices and transports are made when
 * somebody asks for them, and last. */
static const int turns[] = {
	[UNIT_MIDDLEWARE] = 0, [UNIT_ROUTE] = 1, [UNIT_INGRESS] = 2, [UNIT_SERVICE] = 3,
	[UNIT_TRANSPORT] = 4,  [UNIT_VIP] = 5,	 [UNIT_SECTION] = 6};

static int compare(const struct compile_unit *a, const struct compile_unit *b)
{
	int order = turns[a->kind] - turns[b->kind];

	if (order || !a->object || !b->object)
		return order ? order : str_cmp(a->id, b->id);
	order = str_cmp(a->object->meta.namespace_, b->object->meta.namespace_);
	return order ? order : str_cmp(a->object->meta.name, b->object->meta.name);
}

static int by_age(const void *a, const void *b)
{
	const struct compile_unit *x = *(struct compile_unit *const *)a;
	const struct compile_unit *y = *(struct compile_unit *const *)b;
	int64_t of_x = x->object ? x->object->meta.created_ns : 0;
	int64_t of_y = y->object ? y->object->meta.created_ns : 0;

	if (x->kind != y->kind || of_x == of_y)
		return compare(x, y);
	return of_x < of_y ? -1 : 1;
}

void compile_units_by_age(struct compile_unit **units, size_t n)
{
	size_t i = 1;

	while (i < n && by_age(&units[i - 1], &units[i]) <= 0)
		i++;
	if (i < n)
		qsort(units, n, sizeof(*units), by_age);
}

static size_t place_of(const struct compile_units *units, const struct compile_unit *unit)
{
	size_t low = 0, high = units->n;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (compare(units->at[middle], unit) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

/* The first whose turn is not before this one. */
static size_t first_of(const struct compile_units *units, int turn)
{
	size_t low = 0, high = units->n;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (turns[units->at[middle]->kind] < turn)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

struct compile_unit **compile_units_of(const struct compile_units *units,
				       enum compile_unit_kind kind, size_t *ret_n)
{
	size_t first = first_of(units, turns[kind]);

	*ret_n = first_of(units, turns[kind] + 1) - first;
	return units->at + first;
}

bool compile_units_insert(struct compile_units *units, struct compile_unit *unit)
{
	size_t place = place_of(units, unit);

	if (units->n == units->room) {
		size_t room = units->room ? units->room * 2 : 64;
		struct compile_unit **at = realloc(units->at, room * sizeof(*at));

		if (!at)
			return false;
		units->at = at;
		units->room = room;
	}
	memmove(&units->at[place + 1], &units->at[place], (units->n - place) * sizeof(*units->at));
	units->at[place] = unit;
	units->n++;
	return true;
}

void compile_units_remove(struct compile_units *units, struct compile_unit *unit)
{
	size_t place = place_of(units, unit);

	if (place == units->n || units->at[place] != unit)
		return;
	units->n--;
	memmove(&units->at[place], &units->at[place + 1], (units->n - place) * sizeof(*units->at));
}
