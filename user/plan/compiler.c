// SPDX-License-Identifier: Apache-2.0
/*
 * compiler: full and quick passes.
 *
 * A full pass: middlewares first, since routes name them; then routes, which make their services;
 * then what is left over (services nobody names); then, all routes being known, routers and
 * sections. A quick pass marks what stands on the objects that changed, makes it
 * anew, and puts it into copies of the last snapshot's lists; where routes came, went or are found
 * in another way, lists and routers are made anew as well. Whatever could concern others (two that
 * want one name, layers, TLS options) is left to a full pass: it gives up before anything of it is
 * in force.
 */

#include "plan/compiler.h"

#include <stdlib.h>

#include "obs/metric.h"
#include "plan/compile_conflict.h"
#include "plan/compile_kernel.h"
#include "plan/compile_lists.h"
#include "plan/compile_services.h"
#include "plan/compile_stream.h"

enum {
	BASE_BLOCK_BYTES = 64 << 10,
	QUICK_SCRATCH_BYTES = 32 << 10,
};

struct compiler {
	const struct static_config *config;
	struct registry *registry;
	struct compile *c; /* NULL: nothing to go on from */
	bool is_void;	   /* c may only be disposed of */
	bool has_new_health;
	struct part_grave *grave; /* of the last snapshot; a reference */
	struct snapshot *last;	  /* a reference */
	struct compiler_stats stats;
};

static void make_kernel(struct compile *c)
{
	for (uint16_t i = 0; i < c->snapshot->n_entry_points; i++)
		c->snapshot->entry_points[i].escalate = (struct escalate_rule){0};
	compile_kernel(c);
}

static const struct section {
	const char *name;
	void (*make)(struct compile *c);
} sections[] = {
	{"section raw TCP and UDP", compile_streams},
	{"section certificates", compile_tls_tables},
	{"section middlewares", compile_middlewares_list},
	{"section kernel plane", make_kernel},
};

/* In the order in which they are made. */
enum {
	SECTION_STREAMS,
	SECTION_CERTIFICATES,
	SECTION_MIDDLEWARES,
	SECTION_KERNEL,
	SECTIONS,
};

_Static_assert((int)SECTIONS <= (int)COMPILE_SECTIONS_MAX, "every section has its unit");

/* ------------------------------------------------------------------ state -- */

static struct compile *new_state(struct compiler *compiler, const struct store *store)
{
	struct compile *c = compile_state_new(compiler->config, compiler->registry, store);

	bool is_whole = c;

	for (size_t i = 0; is_whole && i < SECTIONS; i++) {
		c->sections[i] = compile_unit_new(UNIT_SECTION, NULL, str_of(sections[i].name));
		is_whole = c->sections[i];
	}
	if (is_whole)
		return c;
	if (c)
		compile_state_free(c, NULL);
	return NULL;
}

static bool is_unit(enum kind kind)
{
	return kind == KIND_INGRESS_ROUTE || kind == KIND_INGRESS || kind == KIND_TRAEFIK_SERVICE ||
	       kind == KIND_MIDDLEWARE || kind == KIND_SERVERS_TRANSPORT ||
	       kind == KIND_VIRTUAL_ADDRESS;
}

/* ------------------------------------------------------------------ making -- */

/* Those of a list that are not made yet, the older first. */
static void make_units(struct compile *c, const struct compile_units *units)
{
	struct compile_unit **order = ARENA_ARRAY(&c->scratch, struct compile_unit *, units->n + 1);

	if (!order)
		return;
	if (units->n)
		memcpy(order, units->at, units->n * sizeof(*order));
	compile_units_by_age(order, units->n);
	for (size_t i = 0; i < units->n; i++)
		if (order[i]->object && !order[i]->next && !order[i]->is_gone)
			compile_unit_make(c, order[i]);
}

/* Names by which some are looked up while others are made. */
static void claim_names(struct compile *c, const struct compile_units *units)
{
	for (size_t i = 0; i < units->n; i++)
		if (units->at[i]->kind == UNIT_MIDDLEWARE && !units->at[i]->is_gone)
			compile_middleware_claim(c, units->at[i]);
}

static void make_section(struct compile *c, size_t i)
{
	struct compile_scope before;

	if (!compile_unit_begin(c, c->sections[i], &before))
		return;
	sections[i].make(c);
	compile_unit_end(c, before);
}

static void make_all(struct compile *c)
{
	static const enum kind kinds[] = {KIND_MIDDLEWARE,	  KIND_INGRESS_ROUTE,
					  KIND_INGRESS,		  KIND_TRAEFIK_SERVICE,
					  KIND_SERVERS_TRANSPORT, KIND_VIRTUAL_ADDRESS};

	compile_slices_index(c);
	if (!compile_entry_points(c))
		return;
	for (size_t i = 0; i < sizeof(kinds) / sizeof(*kinds); i++) {
		size_t n;
		struct object **objects = store_sorted(c->store, kinds[i], &c->scratch, &n);

		for (size_t k = 0; k < n; k++)
			compile_state_unit(c, objects[k]);
	}
	claim_names(c, &c->all);
	compile_entry_point_redirections(c);
	compile_layers_index(c);
	make_units(c, &c->all);
	if (!compile_lists_drafts(c))
		return;
	c->is_finishing = true;
	compile_layers_link(c);
	/* May add copies of routes (conflicting TLS options), hence before the lists are made. */
	compile_entry_point_routers(c);
	c->is_finishing = false;
	compile_lists_all(c);
	compile_conflicts(c);
	for (size_t i = 0; i < SECTIONS; i++)
		make_section(c, i);
}

static bool finish(struct compile *c)
{
	struct metric_registry *metrics = registry_metrics(c->registry);

	registry_end(c->registry, c->snapshot);
	if (metrics)
		c->snapshot->max_series = metric_series_limit(metrics);
	return !c->scratch.failed && !c->arena->failed && !c->index->arena->failed &&
	       !c->base->arena->failed && !c->snapshot->arena.failed;
}

/* ------------------------------------------------------------------ passes -- */

/* The grave in which the parts of the new snapshot will lie; *ret_old is that of the last one. */
static bool open_grave(struct compiler *compiler, struct snapshot *snapshot,
		       struct part_grave **ret_old)
{
	struct part_grave *grave =
		compiler->grave ? part_grave_next(compiler->grave) : part_grave_new();

	*ret_old = compiler->grave;
	if (!grave)
		return false;
	compiler->grave = grave;
	snapshot->grave = part_grave_ref(grave);
	return true;
}

static void end_scratch(struct compile *c)
{
	arena_done(&c->scratch);
	c->drafts = (struct drafts){0};
	c->snapshot = NULL;
	c->unit = NULL;
	c->made = NULL;
}

static void commit_all(struct compile *c, struct part_grave *grave)
{
	for (size_t i = 0; i < c->all.n; i++)
		compile_unit_commit(c, c->all.at[i], grave);
	for (size_t i = 0; i < SECTIONS; i++)
		compile_unit_commit(c, c->sections[i], grave);
	compile_unit_commit(c, c->common, grave);
}

static struct snapshot *full_pass(struct compiler *compiler, const struct store *store,
				  uint64_t revision)
{
	struct metric_registry *metrics = registry_metrics(compiler->registry);
	struct compile *c = new_state(compiler, store);
	struct snapshot *snapshot = c ? snapshot_new(revision) : NULL;
	struct part_grave *old_grave = NULL;
	struct compile_scope outside;

	if (!snapshot) {
		compile_state_free(c, NULL);
		return NULL;
	}
	c->snapshot = snapshot;
	if (metrics)
		metric_registry_begin(metrics);
	if (compile_unit_begin(c, c->common, &outside)) {
		make_all(c);
		compile_unit_end(c, outside);
		compile_lists_diags(c);
	}
	if (!c->made || !finish(c) || !open_grave(compiler, snapshot, &old_grave)) {
		end_scratch(c);
		compile_state_free(c, NULL);
		snapshot_unref(snapshot);
		return NULL;
	}
	commit_all(c, NULL);
	compiler->stats.n_units = (uint32_t)c->all.n;
	compiler->stats.n_bytes = c->base->arena->total_bytes + c->index->arena->total_bytes;
	end_scratch(c);
	compile_state_free(compiler->c, old_grave);
	part_grave_unref(old_grave);
	compiler->c = c;
	compiler->is_void = false;
	if (metrics)
		metric_registry_commit(metrics);
	compiler->stats.was_quick = compiler->stats.same_diags = false;
	compiler->stats.n_full++;
	return snapshot;
}

static void mark_unit(struct compile *c, struct compile_unit *unit)
{
	char room[600];

	if (!unit->is_dirty) {
		unit->is_dirty = true;
		if (!compile_units_insert(&c->dirty, unit))
			c->is_off = true;
	}
	if (compile_unit_has_users(unit))
		compile_unit_touch(c, compile_unit_key(room, "unit", unit->id, (struct str){0}));
}

static void mark_own_unit(struct compile *c, const struct store_change *change)
{
	struct compile_unit *unit = table_find(&c->units, change->id);

	if (change->kind == KIND_INGRESS_ROUTE &&
	    ((change->before && compile_layers_has(c, change->before)) ||
	     (change->after && compile_layers_has(c, change->after))))
		c->is_off = true;
	if (!unit && change->after)
		unit = compile_state_unit(c, change->after);
	if (!unit)
		return;
	if (change->after)
		compile_unit_set(unit, change->after);
	unit->is_gone = !change->after;
	mark_unit(c, unit);
}

static void mark(struct compile *c, const struct store_change *change)
{
	struct object *any = change->after ? change->after : change->before;
	const char *kind = kind_infos[change->kind].kind;
	struct object *const both[] = {change->before, change->after};
	const struct str none = {0};
	char room[600];

	if (!any)
		return;
	/* Tables number their policies, and routes know the numbers: see compile_tls. */
	if (change->kind == KIND_TLS_OPTION && (!change->before || !change->after))
		c->is_off = true;
	compile_unit_touch(c, change->id);
	compile_unit_touch(c, compile_unit_key(room, kind, none, none));
	compile_unit_touch(c, compile_unit_key(room, kind, any->meta.namespace_, none));
	if (change->kind == KIND_MIDDLEWARE)
		compile_middleware_touch(c, any);
	if (is_unit(change->kind))
		mark_own_unit(c, change);
	if (change->kind != KIND_ENDPOINT_SLICE)
		return;
	for (int i = 0; i < 2; i++) {
		struct str service = compile_slices_service(both[i]);

		if (service.len)
			compile_unit_touch(
				c, compile_unit_key(room, "slices", any->meta.namespace_, service));
	}
	if (!compile_slices_change(c, change->before, change->after))
		c->is_off = true;
}

/* Whether one of what is made anew is a rival for what only one can have. */
static bool has_rivals(const struct compile *c)
{
	for (size_t i = 0; i < c->dirty.n; i++)
		if (c->dirty.at[i]->has_rival || c->dirty.at[i]->is_cut)
			return true;
	return false;
}

/* Layers are linked with each other's routes. */
static bool has_layers(const struct compile *c)
{
	for (size_t i = 0; i < c->dirty.n; i++)
		if (c->dirty.at[i]->kind == UNIT_ROUTE &&
		    compile_layers_has(c, c->dirty.at[i]->object))
			return true;
	return false;
}

static const struct object *object_with_drafts(const struct compile_made *made)
{
	return made && made->drafts.n ? made->object : NULL;
}

/* Whether TLS options stay as they are; then the new routes get the default. */
static bool keeps_tls(struct compile *c)
{
	bool has_other_secrets = false, has_tls = false;

	for (size_t i = 0; i < c->dirty.n; i++) {
		const struct compile_unit *unit = c->dirty.at[i];
		const struct compile_made *made[] = {unit->made, unit->next};

		has_other_secrets =
			has_other_secrets || !compile_tls_same_secrets(object_with_drafts(made[0]),
								       object_with_drafts(made[1]));
		for (int k = 0; k < 2; k++)
			for (size_t m = 0; made[k] && m < made[k]->drafts.n; m++) {
				const struct draft *draft = made[k]->drafts.at[m];

				has_tls = has_tls || draft->route.is_tls;
				if (draft->route.is_tls && !compile_tls_is_apart(c, draft))
					return false;
			}
		for (size_t m = 0; made[1] && m < made[1]->drafts.n; m++) {
			struct draft *draft = made[1]->drafts.at[m];

			if (!draft->route.is_tls || draft->route.status == ROUTE_DISABLED ||
			    !registry_tls(c->registry))
				continue;
			draft->route.tls_option = draft->tls_option;
			draft->route.tls_policy = c->tls_policy;
		}
	}
	if (has_other_secrets)
		mark_unit(c, c->sections[SECTION_CERTIFICATES]);
	/* TCP routers know the hosts of TLS routes. */
	if (has_tls && c->snapshot->n_tcp_routes)
		mark_unit(c, c->sections[SECTION_STREAMS]);
	return !c->is_off;
}

/* Lists and routers anew; the old index is for whoever commits. */
static bool list_anew(struct compile *c, struct part **ret_old_index)
{
	struct part *index;

	if (!keeps_tls(c))
		return false;
	index = part_new(BASE_BLOCK_BYTES);
	if (!index)
		return false;
	*ret_old_index = c->index;
	c->index = index;
	if (!compile_lists_drafts(c))
		return false;
	compile_entry_point_route_anew(c);
	compile_lists_all(c);
	compile_conflicts(c);
	return true;
}

static void remake_sections(struct compile *c)
{
	size_t n_vips;

	compile_units_of(&c->dirty, UNIT_VIP, &n_vips);
	/* They stand first. */
	if (c->dirty.n && c->dirty.at[0]->kind == UNIT_MIDDLEWARE)
		mark_unit(c, c->sections[SECTION_MIDDLEWARES]);
	/* It may do some of their work. */
	if (c->sections[SECTION_STREAMS]->is_dirty || n_vips)
		mark_unit(c, c->sections[SECTION_KERNEL]);
	for (size_t i = 0; i < SECTIONS; i++)
		if (c->sections[i]->is_dirty)
			make_section(c, i);
}

/* Whether faults are other ones than before; the common unit only ever gets more of them. */
static bool are_same_diags(const struct compile *c, const struct snapshot *last, size_t n_common)
{
	if (c->snapshot->conflicts != last->conflicts &&
	    (c->snapshot->n_conflicts || last->n_conflicts))
		return false;
	for (size_t i = 0; i < c->dirty.n; i++) {
		const struct compile_unit *unit = c->dirty.at[i];

		if ((unit->made && unit->made->n_diags) || (unit->next && unit->next->n_diags))
			return false;
	}
	return c->common->made->n_diags == n_common;
}

/* Makes what is marked; false: that is not enough. */
static bool make_marked(struct compiler *compiler, struct part **ret_old_index)
{
	struct compile *c = compiler->c;
	size_t n_common = c->common->made->n_diags;
	struct compile_scope outside;
	bool ok;

	for (size_t i = 0; i < c->dirty.n; i++)
		compile_unit_unclaim(c->dirty.at[i]);
	outside = compile_unit_share(c);
	snapshot_begin_from(c->snapshot, compiler->last);
	claim_names(c, &c->dirty);
	make_units(c, &c->dirty);
	ok = !c->is_off && !has_rivals(c) && !c->scratch.failed && c->snapshot->entry_points;
	if (ok && compile_lists_fit(c))
		ok = compile_lists_swap(c, compiler->last);
	else if (ok)
		ok = list_anew(c, ret_old_index);
	if (ok)
		remake_sections(c);
	compile_unit_end(c, outside);
	if (!ok || c->is_off)
		return false;
	compiler->stats.same_diags = are_same_diags(c, compiler->last, n_common);
	if (compiler->stats.same_diags)
		compile_lists_same_diags(c, compiler->last);
	else
		compile_lists_diags(c);
	return finish(c);
}

static void commit_marked(struct compile *c, struct part_grave *grave)
{
	for (size_t i = 0; i < c->dirty.n; i++) {
		struct compile_unit *unit = c->dirty.at[i];

		unit->is_dirty = false;
		compile_unit_commit(c, unit, grave);
		if (!unit->is_gone)
			continue;
		compile_units_remove(&c->all, unit);
		table_del(&c->units, unit->id);
		compile_unit_free(c, unit, grave);
	}
	c->dirty.n = 0;
}

/* NULL: only a full pass will do. */
static struct snapshot *quick_pass(struct compiler *compiler, const struct store *store,
				   uint64_t revision)
{
	struct compile *c = compiler->c;
	struct part *old_index = NULL;
	struct part_grave *old_grave = NULL;
	struct snapshot *snapshot;

	c->store = store;
	c->is_quick = true;
	c->is_off = false;
	compiler->is_void = true;
	arena_init(&c->scratch, SIZE_MAX, QUICK_SCRATCH_BYTES);
	TABLE_EACH (&store->changed, slot)
		mark(c, slot->value);
	if (compiler->has_new_health)
		compile_unit_touch(c, STR(COMPILE_HEALTH));
	if (c->is_off || has_rivals(c) || has_layers(c) || c->scratch.failed)
		return NULL;
	compiler->stats.same_diags = true;
	compiler->stats.n_units = (uint32_t)c->dirty.n;
	compiler->stats.was_quick = true;
	if (!c->dirty.n) {
		/* Nothing stands on it. */
		end_scratch(c);
		compiler->is_void = false;
		return snapshot_ref(compiler->last);
	}
	snapshot = c->snapshot = snapshot_new(revision);
	if (!snapshot)
		return NULL;
	if (!make_marked(compiler, &old_index) || !open_grave(compiler, snapshot, &old_grave)) {
		/* The last snapshot's routers stay as long as it does. */
		if (old_index) {
			part_free(c->index);
			c->index = old_index;
		}
		snapshot_unref(snapshot);
		return NULL;
	}
	commit_marked(c, old_grave);
	if (old_index)
		part_grave_bury(old_grave, old_index);
	part_grave_unref(old_grave);
	end_scratch(c);
	compiler->is_void = false;
	compiler->stats.n_quick++;
	return snapshot;
}

/* --------------------------------------------------------------- interface -- */

struct compiler *compiler_new(const struct static_config *config, struct registry *registry)
{
	struct compiler *compiler = calloc(1, sizeof(*compiler));

	if (!compiler)
		return NULL;
	compiler->config = config;
	compiler->registry = registry;
	return compiler;
}

void compiler_free(struct compiler *compiler)
{
	if (!compiler)
		return;
	compile_state_free(compiler->c, compiler->grave);
	part_grave_unref(compiler->grave);
	snapshot_unref(compiler->last);
	free(compiler);
}

struct snapshot *compiler_run(struct compiler *compiler, const struct store *store,
			      enum compiler_effort effort, uint64_t revision)
{
	struct snapshot *snapshot = NULL;

	if (effort == COMPILE_CHANGES && compiler->c && !compiler->is_void && !store->all_changed)
		snapshot = quick_pass(compiler, store, revision);
	if (!snapshot)
		snapshot = full_pass(compiler, store, revision);
	if (!snapshot)
		return NULL;
	compiler->has_new_health = false;
	snapshot_unref(compiler->last);
	compiler->last = snapshot_ref(snapshot);
	return snapshot;
}

void compiler_health_changed(struct compiler *compiler)
{
	compiler->has_new_health = true;
}

struct compiler_stats compiler_stats(const struct compiler *compiler)
{
	return compiler->stats;
}
