// SPDX-License-Identifier: Apache-2.0
/*
 * compile_tls: TLSOptions, who gets which, and the tables (reference a.9, b.5.6, g.1, g.2).
 *
 * All certificates and options are in every table, so an entry point's table differs only in which
 * host has which option. Where an option cannot be had (missing, wrong, its CAs unreadable) the
 * hosts that ask for it are closed, never opened (security.md A2.5). Two routers that give one host
 * different options lose both.
 */

#include <errno.h>
#include <stdlib.h>

#include "model/secret_object.h"
#include "model/tls_option.h"
#include "plan/compile_lists.h"
#include "plan/compile_stream.h"
#include "plan/compile_unit.h"
#include "plan/registry.h"
#include "tls/tls_builder.h"

/* One table being made. */
struct tls_making {
	struct compile *compile;
	struct tls_builder *builder;
	struct diag_sink *sink; /* faults are told once, with the first table */
	bool is_first;
	struct table policies; /* id of an option -> struct tls_policy_number */
};

/* What one host is asked to have while conflicts are looked for. */
struct host_option {
	struct str option;
	bool is_conflict;
};

/* --------------------------------------------------------------- references -- */

static void option_is_broken(struct compile *c, struct draft *draft)
{
	draft->tls_option_broken = true;
	if (draft->route.status != ROUTE_ENABLED)
		return;
	draft->route.status = ROUTE_WARNING;
	draft->route.problem = compile_problem(c);
}

static struct str option_id(struct compile *c, struct str namespace_, struct str name)
{
	if (str_eq(name, STR("default")))
		return STR("default");
	if (names_are_of_file(namespace_))
		return names_qualified(namespace_, name, c->arena);
	return arena_printf(c->arena, STR_FMT "-" STR_FMT, STR_ARG(namespace_), STR_ARG(name));
}

/* "ns-name@kubernetescrd", as entry points and cross-provider references have it. */
void compile_tls_option_named(struct compile *c, struct str name, struct draft *draft)
{
	struct object **objects;
	struct str id = name;
	size_t n;

	if (!name.len || str_eq(name, STR("default")))
		return;
	if (str_ends(id, STR(NAMES_CRD)))
		id = str_take(id, id.len - strlen(NAMES_CRD));
	objects = compile_sorted(c, KIND_TLS_OPTION, &n);
	for (size_t i = 0; i < n; i++)
		if (str_eq(option_id(c, objects[i]->meta.namespace_, objects[i]->meta.name), id)) {
			draft->tls_option = arena_str(c->arena, id);
			return;
		}
	diag_error(c->sink, DIAG_FIELD(NULL, "tls"), "TLSOption " STR_FMT " does not exist",
		   STR_ARG(name));
	option_is_broken(c, draft);
}

void compile_tls_option_of(struct compile *c, const struct object *object,
			   const struct diag_path *path, struct draft *draft)
{
	const struct ingress_route *spec = object->spec;

	compile_tls_option_ref(c, object, spec->tls->options, path, draft);
}

void compile_tls_option_ref(struct compile *c, const struct object *object,
			    const struct object_ref *ref, const struct diag_path *path,
			    struct draft *draft)
{
	const struct diag_path *here = DIAG_FIELD(path, "options");
	struct str namespace_;

	if (!ref || !ref->name.len)
		return;
	if (str_find(ref->name, '@') >= 0) {
		struct str unused;

		if (compile_reference_middleware(c, object->meta.namespace_, ref, here, &unused))
			compile_tls_option_named(c, ref->name, draft);
		else
			option_is_broken(c, draft);
		return;
	}
	if (!compile_reference_namespace(c, object->meta.namespace_, ref->name, ref->namespace_,
					 here, &namespace_)) {
		option_is_broken(c, draft);
		return;
	}
	if (!compile_find(c, KIND_TLS_OPTION, namespace_, ref->name)) {
		diag_error(c->sink, here,
			   "TLSOption " STR_FMT "/" STR_FMT " does not exist, so TLS connections "
			   "to the hosts of this route are refused",
			   STR_ARG(namespace_), STR_ARG(ref->name));
		option_is_broken(c, draft);
		return;
	}
	draft->tls_option = option_id(c, namespace_, ref->name);
}

/* ------------------------------------------------------------------ options -- */

/* False when an option asks for CAs and none can be read: it must not be used then. */
static bool client_cas(struct tls_making *making, const struct object *object,
		       struct strs *ret_pems)
{
	struct compile *c = making->compile;
	const struct tls_option *option = object->spec;
	struct strs names =
		option->client_auth ? option->client_auth->secret_names : (struct strs){0};
	const struct diag_path *path =
		DIAG_FIELD(DIAG_FIELD(DIAG_FIELD(NULL, "spec"), "clientAuth"), "secretNames");

	*ret_pems = (struct strs){ARENA_ARRAY(&c->scratch, struct str, names.n + 1), 0};
	for (size_t i = 0; ret_pems->at && i < names.n; i++) {
		const struct object *found =
			compile_find(c, KIND_SECRET, object->meta.namespace_, names.at[i]);
		struct str pem =
			found && found->valid ? compile_transport_ca(found->spec) : (struct str){0};

		if (pem.len)
			ret_pems->at[ret_pems->n++] = pem;
		else
			diag_error(making->sink, DIAG_INDEX(path, i),
				   "Secret " STR_FMT " has no CA, or does not exist",
				   STR_ARG(names.at[i]));
	}
	return !names.n || ret_pems->n;
}

static void add_option(struct tls_making *making, const struct object *object, bool break_default)
{
	struct compile *c = making->compile;
	struct str id = option_id(c, object->meta.namespace_, object->meta.name);
	bool is_default = str_eq(id, STR("default"));
	struct tls_policy_number *policy = ARENA_NEW(&c->scratch, struct tls_policy_number);
	struct strs pems;
	int status = -1;

	diag_about(making->sink, object->id, object->file, object->line);
	if (is_default && break_default)
		diag_error(making->sink, DIAG_FIELD(NULL, "metadata"),
			   "the TLSOption named default is in more than one namespace, so none of "
			   "them is used");
	else if (object->valid && client_cas(making, object, &pems))
		status = tls_builder_policy(making->builder, id, object->spec, pems.at, pems.n,
					    making->sink, DIAG_FIELD(NULL, "spec"));
	if (status < 0 && is_default)
		tls_builder_break_default(making->builder);
	if (!policy)
		return;
	policy->number = status < 0 ? TLS_POLICY_BROKEN : (uint16_t)status;
	table_put(&making->policies, id, policy, NULL);
}

static void add_options(struct tls_making *making)
{
	struct compile *c = making->compile;
	size_t n, n_defaults = 0;
	struct object **objects = compile_sorted(c, KIND_TLS_OPTION, &n);

	for (size_t i = 0; i < n; i++)
		n_defaults += str_eq(objects[i]->meta.name, STR("default"));
	for (size_t i = 0; i < n; i++)
		add_option(making, objects[i], n_defaults > 1);
}

/* ---------------------------------------------------------------- conflicts -- */

static struct str option_of(const struct draft *draft)
{
	if (draft->tls_option_broken)
		return STR("(broken)");
	return draft->tls_option.len ? draft->tls_option : STR("default");
}

static void note_host(struct table *hosts, struct str host, struct str option,
		      struct arena *scratch)
{
	struct host_option *known = table_find(hosts, host);

	if (known) {
		known->is_conflict = known->is_conflict || !str_eq(known->option, option);
		return;
	}
	known = ARENA_NEW(scratch, struct host_option);
	if (!known)
		return;
	known->option = option;
	table_put(hosts, host, known, NULL);
}

/* reference b.5.6: a copy of the route that has the default option, on this entry point only. */
static struct draft *fall_back(struct compile *c, struct draft *draft, struct str entry_point)
{
	struct draft *copy = draft;
	struct strs *on = &draft->route.entry_points;

	c->tls_is_plain = false;
	diag_about(c->sink, draft->route.object, (struct str){0}, 0);
	diag_warning(c->sink, DIAG_FIELD(DIAG_FIELD(DIAG_FIELD(NULL, "spec"), "tls"), "options"),
		     "another route gives the same host other TLS options on entry point " STR_FMT
		     ": the default is used for both",
		     STR_ARG(entry_point));
	if (on->n > 1) {
		struct str *only = ARENA_NEW(c->arena, struct str);
		struct draft part = *draft;
		size_t n = 0;

		if (!only)
			return draft;
		*only = entry_point;
		part.route.entry_points = (struct strs){only, 1};
		part.route.name = arena_printf(c->arena, STR_FMT "-conflicted-" STR_FMT,
					       STR_ARG(entry_point), STR_ARG(draft->route.name));
		compile_route_add(c, &part, &draft->middlewares);
		copy = table_find(&c->routes, part.route.name);
		if (!copy)
			return draft;
		for (size_t i = 0; i < on->n; i++)
			if (!str_eq(on->at[i], entry_point))
				on->at[n++] = on->at[i];
		on->n = n;
	}
	copy->tls_option = (struct str){0};
	copy->tls_option_broken = false;
	copy->route.status = ROUTE_WARNING;
	copy->route.problem = compile_problem(c);
	return copy;
}

/* Until nothing changes: who falls back may take further hosts with it. */
static void resolve_conflicts(struct compile *c, struct str entry_point, struct draft **drafts,
			      size_t n, const struct strs *hosts)
{
	for (bool is_stable = false; !is_stable;) {
		struct table options;

		is_stable = true;
		table_init(&options, &c->scratch);
		for (size_t i = 0; i < n; i++)
			for (size_t j = 0; j < hosts[i].n; j++)
				note_host(&options, hosts[i].at[j], option_of(drafts[i]),
					  &c->scratch);
		for (size_t i = 0; i < n; i++) {
			bool is_conflict = false;

			for (size_t j = 0; j < hosts[i].n; j++) {
				const struct host_option *host =
					table_find(&options, hosts[i].at[j]);

				is_conflict = is_conflict || (host && host->is_conflict);
			}
			if (!is_conflict || str_eq(option_of(drafts[i]), STR("default")))
				continue;
			drafts[i] = fall_back(c, drafts[i], entry_point);
			is_stable = false;
		}
	}
}

/* reference b.5.6: without a host nothing can choose an option. */
static void check_hostless(struct compile *c, struct draft *draft)
{
	if (str_eq(option_of(draft), STR("default")))
		return;
	c->tls_is_plain = false;
	diag_about(c->sink, draft->route.object, (struct str){0}, 0);
	diag_warning(
		c->sink, DIAG_FIELD(DIAG_FIELD(DIAG_FIELD(NULL, "spec"), "tls"), "options"),
		"a route without Host() cannot have TLS options of its own: the default is used");
	draft->tls_option = (struct str){0};
	draft->tls_option_broken = false;
	if (draft->route.status == ROUTE_ENABLED) {
		draft->route.status = ROUTE_WARNING;
		draft->route.problem = compile_problem(c);
	}
}

/* ------------------------------------------------------------------- tables -- */

static uint16_t policy_named(const struct compile *c, struct str option, bool is_broken)
{
	const struct tls_policy_number *policy;

	if (is_broken)
		return TLS_POLICY_BROKEN;
	if (!option.len || str_eq(option, STR("default")))
		return c->tls_policy;
	policy = table_find(&c->tls_policies, option);
	return policy ? policy->number : TLS_POLICY_BROKEN;
}

/* TCP routes choose their options themselves, before the handshake: no conflict is possible. */
void compile_tls_bind_streams(struct compile *c)
{
	for (size_t i = 0; i < compile_stream_n_tls(c); i++) {
		struct tcp_draft *draft = compile_stream_tls(c, i);

		/* Only tests do without TLS: what is broken stays closed there too. */
		if (draft && (registry_tls(c->registry) || draft->tls_option_broken))
			draft->route.tls_policy =
				policy_named(c, draft->tls_option, draft->tls_option_broken);
	}
}

/* In a quick pass routes have their numbers already, and so they must be. */
static void number_policies(struct tls_making *making)
{
	struct compile *c = making->compile;
	uint16_t of_default = tls_builder_default(making->builder);

	if (!c->is_quick)
		c->tls_policy = of_default;
	c->is_off = c->is_off || c->tls_policy != of_default ||
		    (c->is_quick && c->tls_policies.n != making->policies.n);
	TABLE_EACH (&making->policies, slot) {
		const struct tls_policy_number *found = slot->value;
		struct tls_policy_number *known = table_find(&c->tls_policies, slot->key);

		if (!known && !c->is_quick) {
			known = ARENA_NEW(&c->lasting, struct tls_policy_number);
			if (known)
				*known = *found;
			table_put(&c->tls_policies, arena_str(&c->lasting, slot->key), known, NULL);
		}
		c->is_off = c->is_off || !known || known->number != found->number;
	}
}

/* The names that can be asked for by SNI: Host(`*`) is no name (reference b.5.5). */
static struct strs hosts_of(struct compile *c, const struct draft *draft)
{
	struct strs hosts;
	size_t n = 0;

	rule_hosts(draft->route.rule, &c->scratch, &hosts);
	for (size_t i = 0; i < hosts.n; i++) {
		struct str host = hosts.at[i];

		if (str_ends(host, STR(".")))
			host.len--;
		if (host.len && !str_eq(host, STR("*")))
			hosts.at[n++] = host;
	}
	hosts.n = n;
	return hosts;
}

/* While all have the default nothing needs to be bound: that is what unbound hosts get. */
static void bind_hosts(struct tls_making *making, struct draft **drafts, size_t n)
{
	struct compile *c = making->compile;

	for (size_t i = 0; i < n; i++) {
		struct strs hosts = hosts_of(c, drafts[i]);

		for (size_t j = 0; j < hosts.n; j++)
			if (tls_builder_bind(making->builder, hosts.at[j],
					     drafts[i]->route.tls_policy) == -ENOMEM)
				c->arena->failed = true;
	}
}

/* Not in a quick pass: others read the drafts, and have their policies. */
static void set_policies(struct compile *c, struct draft **drafts, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		drafts[i]->route.tls_policy =
			policy_named(c, drafts[i]->tls_option, drafts[i]->tls_option_broken);
		drafts[i]->route.tls_option = drafts[i]->tls_option;
	}
}

static void table_release(void *table)
{
	tls_table_unref(table);
}

/* Hosts that ask for another option than the default, before it is known whether they get it. */
static void note_choice(struct compile *c, const struct draft *draft, const struct strs *hosts)
{
	static const char choice;

	if (str_eq(option_of(draft), STR("default")))
		return;
	for (size_t i = 0; i < hosts->n; i++)
		if (!table_find(&c->tls_hosts, hosts->at[i]) &&
		    table_put(&c->tls_hosts, arena_str(&c->lasting, hosts->at[i]), (void *)&choice,
			      NULL) < 0)
			c->scratch.failed = true;
}

static bool has_choice(struct compile *c, struct str host)
{
	ptrdiff_t dot = str_find(host, '.');

	if (table_find(&c->tls_hosts, host))
		return true;
	return dot > 0 &&
	       table_find(&c->tls_hosts,
			  names_join(STR("*"), str_from(host, (size_t)dot), &c->scratch));
}

bool compile_tls_is_apart(struct compile *c, const struct draft *draft)
{
	struct strs hosts;

	if (!str_eq(option_of(draft), STR("default")))
		return false;
	if (!c->tls_hosts.n || !draft->route.rule)
		return true;
	hosts = hosts_of(c, draft);
	for (size_t i = 0; i < hosts.n; i++)
		if (has_choice(c, hosts.at[i]))
			return false;
	return true;
}

void compile_tls_conflicts(struct compile *c, struct str entry_point, struct draft **drafts,
			   size_t n)
{
	struct compile_about before = {c->sink->object, c->sink->file, c->sink->line};
	struct strs *hosts = ARENA_ARRAY(&c->scratch, struct strs, n + 1);

	if (!hosts)
		return;
	for (size_t i = 0; i < n; i++) {
		hosts[i] = hosts_of(c, drafts[i]);
		note_choice(c, drafts[i], &hosts[i]);
		if (!hosts[i].n)
			check_hostless(c, drafts[i]);
	}
	resolve_conflicts(c, entry_point, drafts, n, hosts);
	for (size_t i = 0; i < n; i++)
		c->tls_is_plain = c->tls_is_plain && str_eq(option_of(drafts[i]), STR("default"));
	compile_about_end(c, before);
}

static void close_broken(struct compile *c)
{
	if (c->is_quick)
		return;
	for (size_t i = 0; i < c->drafts.n; i++)
		if (c->drafts.at[i]->route.is_tls && c->drafts.at[i]->tls_option_broken)
			c->drafts.at[i]->route.tls_policy = TLS_POLICY_BROKEN;
	compile_tls_bind_streams(c);
}

static void make_table(struct tls_making *making, struct entry_point *entry_point,
		       const struct object *store, const struct str_map *secrets,
		       struct draft **drafts)
{
	struct compile *c = making->compile;
	size_t n = compile_entry_point_drafts(c, entry_point->name, true, drafts);

	table_init(&making->policies, &c->scratch);
	add_options(making);
	number_policies(making);
	if (c->is_quick && c->is_off) {
		tls_builder_free(making->builder);
		return;
	}
	compile_tls_store_default(c, store, making->builder, making->sink);
	for (size_t i = 0; i < secrets->n; i++)
		compile_tls_certificate(c, making->builder, &secrets->at[i], making->sink,
					making->is_first);
	if (!c->is_quick)
		set_policies(c, drafts, n);
	if (!c->tls_is_plain)
		bind_hosts(making, drafts, n);
	entry_point->tls_table = tls_builder_finish(making->builder);
	if (entry_point->tls_table)
		part_own(c->part, entry_point->tls_table, table_release);
	else
		c->arena->failed = true;
}

/* Also for entry points without a route: whoever begins TLS gets a handshake, and 404 (reference
 * b.5.5 f). */
void compile_tls_tables(struct compile *c)
{
	struct tls_making making = {.compile = c, .sink = c->sink, .is_first = true};
	struct draft **drafts;
	struct diag_sink quiet;
	const struct object *store;
	struct str_map secrets;

	if (!registry_tls(c->registry)) {
		close_broken(c);
		return;
	}
	/* A quick pass has not needed all of them so far. */
	if (!c->drafts.at && !compile_lists_drafts(c))
		return;
	drafts = ARENA_ARRAY(&c->scratch, struct draft *, c->drafts.n + 1);
	diag_init(&quiet, &c->scratch);
	store = compile_tls_store(c, c->sink);
	secrets = compile_tls_secrets(c, store);
	for (uint16_t i = 0; drafts && i < c->snapshot->n_entry_points; i++) {
		making.builder = tls_builder_new(registry_tls(c->registry));
		if (!making.builder) {
			c->arena->failed = true;
			return;
		}
		make_table(&making, &c->snapshot->entry_points[i], store, &secrets, drafts);
		making.sink = &quiet;
		making.is_first = false;
	}
	if (!c->is_quick)
		compile_tls_bind_streams(c);
}
