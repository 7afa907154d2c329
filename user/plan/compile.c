// SPDX-License-Identifier: Apache-2.0
/*
 * compile: the order of work. Middlewares first, since routes name them; then routes, which make
 * their services; then what is left over (services nobody names); then, all routes being known,
 * routers and TLS tables; last the kernel plane's part.
 *
 * The snapshot holds a reference to every object, so that texts and settings are borrowed, not
 * copied.
 */

#include <stdlib.h>

#include "obs/metric.h"
#include "plan/compile_stream.h"

struct held {
	struct object **at;
	size_t n;
};

static void held_release(void *thing)
{
	struct held *held = thing;

	for (size_t i = 0; i < held->n; i++)
		object_unref(held->at[i]);
	free(held->at);
	free(held);
}

/* Everything borrowed from objects stays alive with the snapshot. */
static bool hold_objects(struct compile *c)
{
	struct held *held = calloc(1, sizeof(*held));
	size_t n = 0;

	for (int kind = 0; kind < KIND__COUNT; kind++)
		n += c->store->objects[kind].n;
	if (held)
		held->at = calloc(n + 1, sizeof(struct object *));
	if (!held || !held->at) {
		free(held);
		return false;
	}
	for (int kind = 0; kind < KIND__COUNT; kind++)
		TABLE_EACH (&c->store->objects[kind], slot)
			held->at[held->n++] = object_ref(slot->value);
	snapshot_own(c->snapshot, held, held_release);
	return true;
}

const struct object *compile_find(struct compile *c, enum kind kind, struct str namespace_,
				  struct str name)
{
	return store_find(c->store, kind, namespace_, name);
}

struct object **compile_sorted(struct compile *c, enum kind kind, size_t *ret_n)
{
	return store_sorted(c->store, kind, &c->scratch, ret_n);
}

struct compile_about compile_about(struct compile *c, const struct object *object)
{
	struct compile_about before = {c->sink->object, c->sink->file, c->sink->line};

	if (!object) {
		diag_about(c->sink, STR("static configuration"), (struct str){0}, 0);
		return before;
	}
	/* Borrowed: the snapshot holds the object. */
	c->sink->object = object->id;
	c->sink->file = object->file;
	c->sink->line = object->line;
	return before;
}

void compile_about_end(struct compile *c, struct compile_about before)
{
	c->sink->object = before.object;
	c->sink->file = before.file;
	c->sink->line = before.line;
}

struct str compile_problem(const struct compile *c)
{
	return c->sink->n ? c->sink->at[c->sink->n - 1].message : STR("out of memory");
}

uint32_t compile_series(struct compile *c, unsigned int kind, struct str a, struct str b)
{
	struct metric_registry *metrics = registry_metrics(c->registry);
	struct str labels[] = {a, b};

	if (!metrics)
		return METRIC_SERIES_NONE;
	if (kind == METRIC_OF_SERVER) {
		uint32_t gauge = metric_gauge(metrics, (enum metric_kind)kind, labels);

		metric_gauge_set(metrics, gauge, 1);
		return gauge;
	}
	return metric_series(metrics, (enum metric_kind)kind, labels);
}

static int by_service_name(const void *a, const void *b)
{
	return str_cmp((*(struct service *const *)a)->name, (*(struct service *const *)b)->name);
}

static int by_route_name(const void *a, const void *b)
{
	return str_cmp((*(struct route *const *)a)->name, (*(struct route *const *)b)->name);
}

static int by_mw_name(const void *a, const void *b)
{
	return str_cmp(((const struct mw_named *)a)->name, ((const struct mw_named *)b)->name);
}

/* Lists come nearly in order; with many thousands the comparison of names is what costs. */
static void sort_pointers(void *at, size_t n, int (*compare)(const void *, const void *))
{
	void **list = at;
	size_t i = 1;

	while (i < n && compare(&list[i - 1], &list[i]) <= 0)
		i++;
	if (i < n)
		qsort(list, n, sizeof(*list), compare);
}

static void list_services(struct compile *c)
{
	struct snapshot *snapshot = c->snapshot;
	size_t n = c->service_list.n;

	snapshot->services = ARENA_ARRAY(c->arena, struct service *, n + 1);
	if (!snapshot->services)
		return;
	if (n)
		memcpy(snapshot->services, c->service_list.at, n * sizeof(struct service *));
	snapshot->n_services = (uint32_t)n;
	sort_pointers(snapshot->services, n, by_service_name);
}

static void list_middlewares(struct compile *c)
{
	struct snapshot *snapshot = c->snapshot;

	snapshot->middlewares = ARENA_ARRAY(c->arena, struct mw_named, c->middlewares.n + 1);
	if (!snapshot->middlewares)
		return;
	TABLE_EACH (&c->middlewares, slot) {
		const struct compiled_mw *mw = slot->value;

		snapshot->middlewares[snapshot->n_middlewares++] = (struct mw_named){
			.name = mw->name,
			.type = mw->type,
			.broken = mw->is_broken,
			.object = mw->object ? mw->object->id : (struct str){0},
			.problem = mw->problem,
			.decoded = mw->decoded,
			.schema = mw->mw      ? mw->mw->schema
				  : mw->chain ? &schema_mw_chain
					      : NULL,
		};
	}
	qsort(snapshot->middlewares, snapshot->n_middlewares, sizeof(struct mw_named), by_mw_name);
}

static void list_routes(struct compile *c)
{
	struct snapshot *snapshot = c->snapshot;

	snapshot->routes = ARENA_ARRAY(c->arena, struct route *, c->drafts.n + 1);
	if (!snapshot->routes)
		return;
	for (size_t i = 0; i < c->drafts.n; i++)
		snapshot->routes[snapshot->n_routes++] = &c->drafts.at[i]->route;
	sort_pointers(snapshot->routes, snapshot->n_routes, by_route_name);
	for (uint32_t i = 0; i < snapshot->n_routes; i++)
		snapshot->routes[i]->index = i;
}

static void all_parts(struct compile *c)
{
	compile_endpoints_index(c);
	if (!compile_entry_points(c))
		return;
	compile_middlewares(c);
	compile_entry_point_redirections(c);
	compile_layers_index(c);
	compile_routes(c);
	compile_ingresses(c);
	compile_composites(c);
	compile_transports(c);
	compile_streams(c);
	compile_layers_link(c);
	/* May add copies of routes (conflicting TLS options), hence before the list is made. */
	compile_entry_point_routers(c);
	compile_stream_routers(c);
	list_routes(c);
	list_services(c);
	list_middlewares(c);
	compile_source_policies(c);
}

struct snapshot *compile(const struct store *store, const struct static_config *config,
			 struct registry *registry, uint64_t revision)
{
	const struct provider_rules rules = compile_reference_rules(config);
	struct compile c = {
		.rules = &rules, .store = store, .config = config, .registry = registry};
	const struct static_prometheus *prometheus = config->metrics.prometheus;
	bool ok;

	c.snapshot = snapshot_new(revision);
	if (!c.snapshot)
		return NULL;
	c.arena = &c.snapshot->arena;
	c.sink = &c.snapshot->diags;
	c.entry_point_series = !prometheus || prometheus->add_entry_points_labels;
	c.router_series = prometheus && prometheus->add_routers_labels;
	c.service_series = !prometheus || prometheus->add_services_labels;
	arena_init(&c.scratch, SIZE_MAX, 256 << 10);
	table_init(&c.slices, &c.scratch);
	table_init(&c.middlewares, &c.scratch);
	table_init(&c.layers, &c.scratch);
	table_init(&c.middleware_names, &c.scratch);
	table_init(&c.router_names, &c.scratch);
	table_init(&c.services, &c.scratch);
	table_init(&c.composites, &c.scratch);
	table_init(&c.routes, &c.scratch);
	table_init(&c.transports, &c.scratch);

	ok = hold_objects(&c) && registry_begin(registry, c.snapshot) == 0;
	if (ok) {
		if (registry_metrics(registry))
			metric_registry_begin(registry_metrics(registry));
		all_parts(&c);
		registry_end(registry);
		if (registry_metrics(registry))
			c.snapshot->max_series = metric_series_limit(registry_metrics(registry));
	}
	ok = ok && !c.arena->failed && !c.scratch.failed;
	arena_done(&c.scratch);
	if (!ok) {
		snapshot_unref(c.snapshot);
		return NULL;
	}
	if (registry_metrics(registry))
		metric_registry_commit(registry_metrics(registry));
	return c.snapshot;
}
