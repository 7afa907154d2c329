// SPDX-License-Identifier: Apache-2.0
/*
 * compile_conflict: see the header.
 *
 * Rules of one text are one thing (plan/registry.h), so routes with the same rule have the same
 * pointer; of them the one that the router ranks first answers all requests. Routes stay as they
 * are, since snapshots share them and a conflict comes and goes with other objects: what is found
 * is a list beside them.
 */

#include "plan/compile_conflict.h"

#include <stdlib.h>

#include "base/hash.h"
#include "plan/compile_stream.h"
#include "plan/router.h"
#include "plan/tcp_router.h"

/* Who ranks first, by the rule. */
struct firsts {
	const struct route **at;
	size_t mask;
};

static const struct route **place_of(const struct firsts *firsts, const struct rule *rule)
{
	size_t i = hash_mix64((uint64_t)(uintptr_t)rule) & firsts->mask;

	while (firsts->at[i] && firsts->at[i]->rule != rule)
		i = (i + 1) & firsts->mask;
	return &firsts->at[i];
}

static const char *reason(bool has_more, bool is_other_provider)
{
	return has_more		   ? "has a higher priority"
	       : is_other_provider ? "is of a provider that ranks before"
				   : "is older";
}

static bool is_of_same_provider(struct str a, struct str b)
{
	int64_t of_a = str_find(a, '@'), of_b = str_find(b, '@');

	return of_a >= 0 && of_b >= 0 &&
	       str_eq(str_from(a, (size_t)of_a), str_from(b, (size_t)of_b));
}

static void tell(struct compile *c, struct diag_sink *sink, const struct draft *loser,
		 const struct route *winner, struct str entry_point)
{
	const struct route *route = &loser->route;
	const struct object *object = loser->object;
	const struct diag_path *top = DIAG_FIELD(NULL, "spec");
	size_t before = sink->n;
	struct diag *diag;

	diag_about(sink, object->id, object->file, object->line);
	diag = diag_warning(
		sink,
		object->kind == KIND_INGRESS
			? DIAG_FIELD(top, "rules")
			: DIAG_FIELD(DIAG_INDEX(DIAG_FIELD(top, "routes"), route->route_index),
				     "match"),
		"never reached on entry point " STR_FMT ": " STR_FMT
		" has the same rule there and %s",
		STR_ARG(entry_point), STR_ARG(winner->object),
		reason(winner->priority > route->priority,
		       !is_of_same_provider(winner->name, route->name)));
	diag->is_conflict = true;
	if (sink->n == before || !c->conflict_rows)
		return;
	c->conflict_rows[before] = (struct route_conflict){
		.route = arena_str(sink->arena, route->name), .problem = diag->message};
}

static void look(struct compile *c, struct diag_sink *sink, const struct router *router,
		 struct str entry_point)
{
	size_t n = router_size(router), room = 16;
	struct firsts firsts;

	while (room < n * 2)
		room *= 2;
	firsts.at = ARENA_ARRAY(&c->scratch, const struct route *, room);
	firsts.mask = room - 1;
	for (size_t rank = 0; firsts.at && rank < n; rank++) {
		const struct route *route = router_route(router, rank);
		const struct route **first = place_of(&firsts, route->rule);
		/* A route that is in a router is the beginning of a draft. */
		const struct draft *draft = (const struct draft *)route;

		if (!*first)
			*first = route;
		else if (draft->object && (*first)->object.len &&
			 !(str_eq((*first)->object, route->object) &&
			   (*first)->route_index == route->route_index))
			tell(c, sink, draft, *first, entry_point);
	}
}

static int by_route(const void *a, const void *b)
{
	return str_cmp(((const struct route_conflict *)a)->route,
		       ((const struct route_conflict *)b)->route);
}

void compile_conflicts(struct compile *c)
{
	struct snapshot *snapshot = c->snapshot;
	struct arena *arena = c->index->arena;
	struct diag_sink sink;

	diag_init(&sink, arena);
	c->conflict_rows = NULL;
	/* Mostly there are none: the rows are made when they are known. */
	for (int turn = 0; turn < 2; turn++) {
		for (uint16_t i = 0; i < snapshot->n_entry_points; i++) {
			const struct entry_point *entry_point = &snapshot->entry_points[i];

			if (entry_point->plain)
				look(c, &sink, entry_point->plain, entry_point->name);
			if (entry_point->tls)
				look(c, &sink, entry_point->tls, entry_point->name);
		}
		if (turn || !sink.n)
			break;
		c->conflict_rows = ARENA_ARRAY(arena, struct route_conflict, sink.n);
		diag_init(&sink, arena);
	}
	c->conflicts = sink;
	snapshot->conflicts = c->conflict_rows;
	snapshot->n_conflicts = c->conflict_rows ? (uint32_t)sink.n : 0;
	if (snapshot->n_conflicts)
		qsort(c->conflict_rows, sink.n, sizeof(*c->conflict_rows), by_route);
}

struct str compile_conflict_of(const struct snapshot *snapshot, struct str route)
{
	const struct route_conflict wanted = {.route = route};
	const struct route_conflict *row =
		snapshot->n_conflicts ? bsearch(&wanted, snapshot->conflicts, snapshot->n_conflicts,
						sizeof(wanted), by_route)
				      : NULL;

	return row ? row->problem : (struct str){0};
}

/* --------------------------------------------------------------------- raw TCP -- */

static int by_rule(const void *a, const void *b)
{
	const struct tcp_route *x = *(const struct tcp_route *const *)a;
	const struct tcp_route *y = *(const struct tcp_route *const *)b;

	if (x->is_tls != y->is_tls)
		return x->is_tls ? 1 : -1;
	if (x->rule != y->rule)
		return (uintptr_t)x->rule < (uintptr_t)y->rule ? -1 : 1;
	return tcp_router_rank(x, y);
}

void compile_conflict_tcp(struct compile *c, struct tcp_route *const *routes, size_t n,
			  struct str entry_point)
{
	struct tcp_route **sorted = ARENA_ARRAY(&c->scratch, struct tcp_route *, n + 1);
	const struct tcp_route *first = NULL;

	if (!sorted || n < 2)
		return;
	memcpy(sorted, routes, n * sizeof(*sorted));
	qsort(sorted, n, sizeof(*sorted), by_rule);
	for (size_t i = 0; i < n; i++) {
		struct tcp_route *route = sorted[i];
		const struct diag_path *path = DIAG_FIELD(DIAG_FIELD(NULL, "spec"), "routes");
		struct compile_about before;

		if (!first || first->rule != route->rule || first->is_tls != route->is_tls) {
			first = route;
			continue;
		}
		before = compile_about(c, ((const struct tcp_draft *)route)->object);
		diag_warning(c->sink, DIAG_FIELD(DIAG_INDEX(path, route->route_index), "match"),
			     "never reached on entry point " STR_FMT ": " STR_FMT
			     " has the same rule there and %s",
			     STR_ARG(entry_point), STR_ARG(first->object),
			     reason(first->priority > route->priority,
				    !is_of_same_provider(first->name, route->name)))
			->is_conflict = true;
		compile_about_end(c, before);
		if (route->status != ROUTE_ENABLED)
			continue;
		route->status = ROUTE_WARNING;
		route->problem = compile_problem(c);
	}
}
