// SPDX-License-Identifier: Apache-2.0
/*
 * compile_lists: the lists of a snapshot: from all units; or as they were before, with other things
 * in the places of those that were made anew.
 */

#include "plan/compile_lists.h"

#include <stdlib.h>

#include "plan/compile_services.h"

static int by_service_name(const void *a, const void *b)
{
	const struct compile_filed *x = *(struct compile_filed *const *)a;
	const struct compile_filed *y = *(struct compile_filed *const *)b;
	int order = str_cmp(x->service.name, y->service.name);

	/* While it is sorted, a place is the number in the order in which they were made. */
	return order ? order : (x->place > y->place) - (x->place < y->place);
}

static int by_route_name(const void *a, const void *b)
{
	return str_cmp((*(struct draft *const *)a)->route.name,
		       (*(struct draft *const *)b)->route.name);
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

static void *copy_list(struct arena *arena, const void *at, size_t n, size_t size)
{
	void *copy = arena_alloc(arena, (n + 1) * size, _Alignof(max_align_t));

	if (copy && n)
		memcpy(copy, at, n * size);
	return copy;
}

/* ---------------------------------------------------------------- of all -- */

static const struct compile_made *made_of(const struct compile *c, size_t i)
{
	return i ? compile_unit_now(c->all.at[i - 1]) : compile_unit_now(c->common);
}

bool compile_lists_drafts(struct compile *c)
{
	size_t n = 0;

	c->drafts = (struct drafts){0};
	for (size_t i = 0; i <= c->all.n; i++)
		n += made_of(c, i) ? made_of(c, i)->drafts.n : 0;
	c->drafts.room = n + 1;
	c->drafts.at = ARENA_ARRAY(&c->scratch, struct draft *, c->drafts.room);
	if (!c->drafts.at)
		return false;
	for (size_t i = 0; i <= c->all.n; i++) {
		const struct compile_made *made = made_of(c, i);

		for (size_t k = 0; made && k < made->drafts.n; k++)
			c->drafts.at[c->drafts.n++] = made->drafts.at[k];
	}
	return true;
}

/* Two units may come to the same name by what entry points put in front of it: the API shows one.
 */
static void list_routes(struct compile *c)
{
	struct snapshot *snapshot = c->snapshot;
	struct draft **sorted = ARENA_ARRAY(&c->scratch, struct draft *, c->drafts.n + 1);
	uint32_t n = 0;

	snapshot->routes = ARENA_ARRAY(&snapshot->arena, struct route *, c->drafts.n + 1);
	if (!snapshot->routes || !sorted)
		return;
	if (c->drafts.n)
		memcpy(sorted, c->drafts.at, c->drafts.n * sizeof(*sorted));
	sort_pointers(sorted, c->drafts.n, by_route_name);
	for (size_t i = 0; i < c->drafts.n; i++) {
		bool is_last = i + 1 == c->drafts.n ||
			       !str_eq(sorted[i]->route.name, sorted[i + 1]->route.name);

		sorted[i]->place = is_last ? n : UINT32_MAX;
		if (is_last)
			snapshot->routes[n++] = &sorted[i]->route;
	}
	snapshot->n_routes = n;
}

static size_t gather_services(struct compile *c, struct compile_filed **filed, size_t room)
{
	size_t n = 0;

	for (size_t i = 0; i <= c->all.n; i++) {
		const struct compile_made *made = made_of(c, i);

		for (size_t k = 0; made && k < made->services.n; k++, n++)
			if (n < room) {
				filed[n] = (struct compile_filed *)made->services.at[k];
				filed[n]->place = (uint32_t)n;
			}
	}
	return n;
}

static void list_services(struct compile *c)
{
	struct snapshot *snapshot = c->snapshot;
	size_t n = gather_services(c, NULL, 0);
	struct compile_filed **filed = ARENA_ARRAY(&c->scratch, struct compile_filed *, n + 1);

	snapshot->services = ARENA_ARRAY(&snapshot->arena, struct service *, n + 1);
	if (!snapshot->services || !filed)
		return;
	gather_services(c, filed, n);
	sort_pointers(filed, n, by_service_name);
	for (size_t i = 0; i < n; i++) {
		/* Children of several parents may share a name: the API shows the last. */
		if (i + 1 < n && str_eq(filed[i]->service.name, filed[i + 1]->service.name)) {
			filed[i]->place = UINT32_MAX;
			continue;
		}
		filed[i]->place = snapshot->n_services;
		snapshot->services[snapshot->n_services++] = &filed[i]->service;
	}
}

/* The newest first: of several that have one name the last that is probed decides for all. */
static void list_probed(struct compile *c)
{
	struct snapshot *snapshot = c->snapshot;
	uint32_t n = 0;

	for (int turn = 0; turn < 2; turn++) {
		for (size_t i = c->all.n + 1; i-- > 0;) {
			const struct compile_made *made = made_of(c, i);

			for (size_t k = made ? made->services.n : 0; k-- > 0;) {
				if (!made->services.at[k]->probe)
					continue;
				if (turn)
					snapshot->probed[snapshot->n_probed++] =
						made->services.at[k];
				n++;
			}
		}
		if (!turn)
			snapshot->probed =
				ARENA_ARRAY(&snapshot->arena, const struct service *, n + 1);
		if (!n || !snapshot->probed)
			return;
	}
}

static void add_diags(struct diag_sink *sink, const struct compile_made *made)
{
	if (!made)
		return;
	for (size_t i = 0; i < made->n_diags && sink->n < sink->cap; i++)
		sink->at[sink->n++] = made->diags[i];
	sink->n_errors += made->n_errors;
	sink->n_warnings += made->n_warnings;
}

void compile_lists_same_diags(struct compile *c, const struct snapshot *last)
{
	struct diag_sink *sink = &c->snapshot->diags;

	sink->at = copy_list(&c->snapshot->arena, last->diags.at, last->diags.n,
			     sizeof(*last->diags.at));
	if (!sink->at)
		return;
	sink->n = sink->cap = last->diags.n;
	sink->n_errors = last->diags.n_errors;
	sink->n_warnings = last->diags.n_warnings;
}

/* Faults of everything, in the order in which it is made. */
void compile_lists_diags(struct compile *c)
{
	struct diag_sink *sink = &c->snapshot->diags;
	size_t n = 0;

	for (size_t i = 0; i <= c->all.n; i++)
		n += made_of(c, i) ? made_of(c, i)->n_diags : 0;
	for (size_t i = 0; i < COMPILE_SECTIONS_MAX && c->sections[i]; i++)
		n += compile_unit_now(c->sections[i])->n_diags;
	n += c->conflicts.n;
	sink->cap = n < DIAG_MAX ? n : DIAG_MAX;
	sink->at = ARENA_ARRAY(&c->snapshot->arena, struct diag, sink->cap + 1);
	if (!sink->at) {
		sink->cap = 0;
		return;
	}
	for (size_t i = 0; i <= c->all.n; i++)
		add_diags(sink, made_of(c, i));
	for (size_t i = 0; i < COMPILE_SECTIONS_MAX && c->sections[i]; i++)
		add_diags(sink, compile_unit_now(c->sections[i]));
	for (size_t i = 0; i < c->conflicts.n && sink->n < sink->cap; i++)
		sink->at[sink->n++] = c->conflicts.at[i];
	sink->n_warnings += c->conflicts.n_warnings;
}

void compile_lists_all(struct compile *c)
{
	list_routes(c);
	list_services(c);
	list_probed(c);
}

/* ------------------------------------------------------------- of the last -- */

static bool same_strs(const struct strs *a, const struct strs *b)
{
	if (a->n != b->n)
		return false;
	for (size_t i = 0; i < a->n; i++)
		if (!str_eq(a->at[i], b->at[i]))
			return false;
	return true;
}

/* Whether what finds the old one finds the new one just as well. */
static bool draft_fits(const struct draft *old, const struct draft *new)
{
	const struct route *a = &old->route, *b = &new->route;

	return str_eq(a->name, b->name) && a->rule == b->rule && a->priority == b->priority &&
	       a->created_ns == b->created_ns &&
	       (a->status == ROUTE_DISABLED) == (b->status == ROUTE_DISABLED) &&
	       a->is_tls == b->is_tls && !a->below && !b->below &&
	       str_eq(old->tls_option, new->tls_option) &&
	       old->tls_option_broken ==
		       new->tls_option_broken &&same_strs(&a->entry_points, &b->entry_points);
}

static const struct compile_made nothing;

/* A unit that came or went had, or has, nothing. */
static void both(const struct compile_unit *unit, const struct compile_made **ret_old,
		 const struct compile_made **ret_new)
{
	*ret_old = unit->made ? unit->made : &nothing;
	*ret_new = compile_unit_now(unit) ? compile_unit_now(unit) : &nothing;
}

static bool unit_fits(const struct compile_unit *unit)
{
	const struct compile_made *old, *new;

	both(unit, &old, &new);
	if (unit->kind == UNIT_SECTION)
		return true;
	if (old->drafts.n != new->drafts.n || old->services.n != new->services.n ||
	    (old->drafts.n && !compile_tls_same_secrets(old->object, new->object)))
		return false;
	for (size_t i = 0; i < old->drafts.n; i++)
		if (!draft_fits(old->drafts.at[i], new->drafts.at[i]))
			return false;
	for (size_t i = 0; i < old->services.n; i++)
		if (!str_eq(old->services.at[i]->name, new->services.at[i]->name) ||
		    old->services.at[i]->probe || new->services.at[i]->probe)
			return false;
	return true;
}

bool compile_lists_fit(const struct compile *c)
{
	for (size_t i = 0; i < c->dirty.n; i++)
		if (!unit_fits(c->dirty.at[i]))
			return false;
	return true;
}

static void swap_unit(struct compile *c, const struct compile_unit *unit)
{
	const struct compile_made *old, *new;

	both(unit, &old, &new);
	for (size_t i = 0; i < old->drafts.n; i++) {
		struct draft *draft = new->drafts.at[i];

		draft->place = old->drafts.at[i]->place;
		draft->route.tls_policy = old->drafts.at[i]->route.tls_policy;
		draft->route.tls_option = old->drafts.at[i]->route.tls_option;
		if (draft->place != UINT32_MAX)
			c->snapshot->routes[draft->place] = &draft->route;
	}
	for (size_t i = 0; i < old->services.n; i++) {
		struct compile_filed *filed = (struct compile_filed *)new->services.at[i];

		filed->place = ((struct compile_filed *)old->services.at[i])->place;
		if (filed->place != UINT32_MAX)
			c->snapshot->services[filed->place] = &filed->service;
	}
}

static bool is_on(const struct route *route, struct str entry_point)
{
	for (size_t i = 0; i < route->entry_points.n; i++)
		if (str_eq(route->entry_points.at[i], entry_point))
			return true;
	return false;
}

static const struct router *swap_routes(struct compile *c, const struct router *router,
					struct str entry_point, bool is_tls,
					struct router_swap *swaps)
{
	size_t n = 0;

	for (size_t i = 0; i < c->dirty.n; i++) {
		const struct compile_made *old, *new;

		both(c->dirty.at[i], &old, &new);
		for (size_t k = 0; k < old->drafts.n; k++) {
			const struct route *route = &old->drafts.at[k]->route;

			if (route->status != ROUTE_DISABLED && route->is_tls == is_tls &&
			    is_on(route, entry_point))
				swaps[n++] = (struct router_swap){route, &new->drafts.at[k]->route};
		}
	}
	/* Also without any: the last one is the last snapshot's. */
	return router_swapped(router, swaps, n, &c->snapshot->arena);
}

bool compile_lists_swap(struct compile *c, const struct snapshot *last)
{
	struct snapshot *snapshot = c->snapshot;
	struct arena *arena = &snapshot->arena;
	struct router_swap *swaps;
	size_t n = 0;

	snapshot->n_routes = last->n_routes;
	snapshot->n_services = last->n_services;
	snapshot->probed = last->n_probed ? copy_list(arena, last->probed, last->n_probed,
						      sizeof(*last->probed))
					  : NULL;
	snapshot->n_probed = last->n_probed;
	snapshot->routes = copy_list(arena, last->routes, last->n_routes, sizeof(*last->routes));
	snapshot->services =
		copy_list(arena, last->services, last->n_services, sizeof(*last->services));
	if (!snapshot->routes || !snapshot->services)
		return false;
	for (size_t i = 0; i < c->dirty.n; i++) {
		const struct compile_made *made = c->dirty.at[i]->made;

		if (c->dirty.at[i]->kind == UNIT_SECTION)
			continue;
		swap_unit(c, c->dirty.at[i]);
		n += made ? made->drafts.n : 0;
	}
	swaps = ARENA_ARRAY(&c->scratch, struct router_swap, n + 1);
	for (uint16_t i = 0; swaps && i < snapshot->n_entry_points; i++) {
		struct entry_point *entry_point = &snapshot->entry_points[i];

		entry_point->plain =
			swap_routes(c, entry_point->plain, entry_point->name, false, swaps);
		entry_point->tls = swap_routes(c, entry_point->tls, entry_point->name, true, swaps);
	}
	return swaps && !arena->failed;
}
