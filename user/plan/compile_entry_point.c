// SPDX-License-Identifier: Apache-2.0
/*
 * compile_entry_point: which routes an entry point has, and what it adds to them (reference a.1,
 * b.6, e).
 *
 * Plain and TLS requests have a router each (reference b.4). Entry points stand in the snapshot in
 * the order of the static configuration, UDP ones included, so that an index means the same
 * everywhere.
 */

#include "model/mw_conf.h"
#include "obs/metric.h"
#include "plan/compile_services.h"
#include "plan/reading.h"
#include "plan/router.h"

/* ---------------------------------------------------------------- defaults -- */

bool compile_entry_points(struct compile *c)
{
	struct snapshot *snapshot = c->snapshot;
	size_t n = c->config->entry_points.n;

	snapshot->entry_points = ARENA_ARRAY(&snapshot->arena, struct entry_point, n + 1);
	if (!snapshot->entry_points)
		return false;
	snapshot->n_entry_points = (uint16_t)n;
	for (size_t i = 0; i < n; i++) {
		const struct static_entry_point *conf = static_entry_point(c->config, i);

		snapshot->entry_points[i] = (struct entry_point){
			.index = (uint16_t)i,
			.name = arena_str(c->arena, conf->name),
			.conf = conf,
			.series = c->entry_point_series
					  ? compile_series(c, METRIC_OF_ENTRY_POINT, conf->name,
							   (struct str){0})
					  : METRIC_SERIES_NONE,
		};
		if (reading_init(&snapshot->entry_points[i].reading, conf, c->config,
				 (struct str){0}, c->arena) < 0)
			return false;
	}
	return true;
}

struct strs compile_entry_point_defaults(struct compile *c)
{
	size_t n = c->config->entry_points.n;
	struct strs marked = {ARENA_ARRAY(c->arena, struct str, n + 1), 0};
	struct strs all = {ARENA_ARRAY(c->arena, struct str, n + 1), 0};

	for (size_t i = 0; marked.at && all.at && i < n; i++) {
		const struct static_entry_point *conf = static_entry_point(c->config, i);

		if (conf->listen.udp)
			continue;
		if (conf->as_default)
			marked.at[marked.n++] = conf->name;
		/* reference a.1: the internal entry point is never a default by itself */
		if (!str_eq(conf->name, STR("traefik")))
			all.at[all.n++] = conf->name;
	}
	return marked.n ? marked : all;
}

bool compile_entry_point_is_model(const struct static_entry_point *conf)
{
	return conf->http.middlewares.n || conf->http.tls || conf->http.encoded_characters;
}

/* ------------------------------------------------------------- redirections -- */

/* The port that a redirection leads to, as text; {0} with a diag. */
static struct str target_port(struct compile *c, struct str to, const struct diag_path *path)
{
	const struct static_entry_point *target;

	if (to.len > 1 && to.at[0] == ':')
		return str_from(to, 1);
	target = static_entry_point_find(c->config, to);
	if (target)
		return arena_printf(c->arena, "%u", target->listen.port);
	diag_found(c->sink,
		   diag_error(c->sink, path, "there is no entry point " STR_FMT, STR_ARG(to)), to);
	return (struct str){0};
}

/* reference e, http.redirections: a router of its own that answers nearly everything. */
static void redirect(struct compile *c, const struct static_entry_point *conf,
		     const struct diag_path *path)
{
	const struct ep_redirection *redirection = conf->http.redirections->entry_point;
	struct mwc_redirect_scheme *decoded = ARENA_NEW(c->arena, struct mwc_redirect_scheme);
	struct str port = target_port(c, redirection->to, path);
	struct str router = names_join(
		names_normalize(arena_printf(c->arena, STR_FMT "-to-" STR_FMT, STR_ARG(conf->name),
					     STR_ARG(redirection->to)),
				c->arena),
		STR(NAMES_INTERNAL), c->arena);
	struct str rule = conf->allow_acme_bypass
				  ? STR("HostRegexp(`^.+$`) && "
					"!PathPrefix(`/.well-known/acme-challenge/`)")
				  : STR("HostRegexp(`^.+$`)");
	struct str *names = ARENA_ARRAY(c->arena, struct str, 2);
	struct draft draft = {.is_redirection = true,
			      .route = {.name = router,
					.rule_text = rule,
					.priority = redirection->priority,
					.object = STR("static configuration")}};
	struct rule_fault fault;

	if (!decoded || !names || !port.len)
		return;
	*decoded = (struct mwc_redirect_scheme){redirection->scheme, port, redirection->permanent};
	names[0] = conf->name;
	names[1] = names_join(STR("redirect-"), router, c->arena);
	draft.route.entry_points = (struct strs){names, 1};
	draft.route.service = compile_service_noop(c);
	if (registry_rule(c->registry, RULE_V3, rule, &draft.route.rule, &fault) < 0 ||
	    !compile_middleware_internal(c, names[1], "redirectScheme", decoded))
		return;
	compile_route_add(c, &draft, &(struct strs){&names[1], 1});
}

void compile_entry_point_redirections(struct compile *c)
{
	struct compile_about before = compile_about(c, NULL);

	for (size_t i = 0; i < c->config->entry_points.n; i++) {
		const struct static_entry_point *conf = static_entry_point(c->config, i);
		struct str path = arena_printf(
			&c->scratch, "entryPoints." STR_FMT ".http.redirections.entryPoint.to",
			STR_ARG(conf->name));

		if (conf->http.redirections && conf->http.redirections->entry_point &&
		    conf->http.redirections->entry_point->to.len)
			redirect(c, conf,
				 &(struct diag_path){.name = path.at, .name_len = path.len});
	}
	compile_about_end(c, before);
}

/* ----------------------------------------------------------------- routers -- */

static bool is_on(const struct route *route, struct str entry_point)
{
	for (size_t i = 0; i < route->entry_points.n; i++)
		if (str_eq(route->entry_points.at[i], entry_point))
			return true;
	return false;
}

size_t compile_entry_point_drafts(const struct compile *c, struct str entry_point, bool is_tls,
				  struct draft **drafts)
{
	size_t n = 0;

	for (size_t i = 0; i < c->drafts.n; i++) {
		const struct route *route = &c->drafts.at[i]->route;

		if (route->status != ROUTE_DISABLED && route->is_tls == is_tls &&
		    is_on(route, entry_point))
			drafts[n++] = c->drafts.at[i];
	}
	return n;
}

static const struct router *router_of(struct compile *c, struct draft **drafts, size_t n)
{
	struct route **routes = ARENA_ARRAY(&c->scratch, struct route *, n + 1);

	for (size_t i = 0; routes && i < n; i++)
		routes[i] = &drafts[i]->route;
	const struct router *router = routes ? router_new(routes, n, c->index->arena) : NULL;

	if (!router)
		c->arena->failed = true;
	return router;
}

void compile_entry_point_routers(struct compile *c)
{
	for (uint16_t i = 0; i < c->snapshot->n_entry_points; i++) {
		struct entry_point *entry_point = &c->snapshot->entry_points[i];
		/* Drafts grow while conflicts are resolved: count again for each. */
		struct draft **drafts = ARENA_ARRAY(&c->scratch, struct draft *, c->drafts.n + 1);
		size_t n;

		if (!drafts)
			return;
		n = compile_entry_point_drafts(c, entry_point->name, false, drafts);
		entry_point->plain = router_of(c, drafts, n);
		n = compile_entry_point_drafts(c, entry_point->name, true, drafts);
		compile_tls_conflicts(c, entry_point->name, drafts, n);
		entry_point->tls = router_of(c, drafts, n);
	}
}

void compile_entry_point_route_anew(struct compile *c)
{
	struct draft **drafts = ARENA_ARRAY(&c->scratch, struct draft *, c->drafts.n + 1);

	for (uint16_t i = 0; drafts && i < c->snapshot->n_entry_points; i++) {
		struct entry_point *entry_point = &c->snapshot->entry_points[i];
		size_t n = compile_entry_point_drafts(c, entry_point->name, false, drafts);

		entry_point->plain = router_of(c, drafts, n);
		n = compile_entry_point_drafts(c, entry_point->name, true, drafts);
		entry_point->tls = router_of(c, drafts, n);
	}
}
