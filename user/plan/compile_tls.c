// SPDX-License-Identifier: Apache-2.0
/*
 * compile_tls: certificates, TLSOptions and who gets which (reference a.9, b.5.6, g.1, g.2).
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
#include "model/file_format.h"
#include "model/ingress_object.h"
#include "plan/compile_stream.h"
#include "obs/metric.h"
#include "plan/registry.h"
#include "tls/tls_builder.h"
#include "tls/tls_cert.h"

/* One table being made. */
struct tls_making {
	struct compile *compile;
	struct tls_builder *builder;
	struct diag_sink *sink; /* faults are told once, with the first table */
	struct table policies;	/* id of an option -> struct policy */
};

struct policy {
	uint16_t id;
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

/* ------------------------------------------------------------- certificates -- */

static int by_key(const void *a, const void *b)
{
	return str_cmp(((const struct str_pair *)a)->key, ((const struct str_pair *)b)->key);
}

/* How many Secrets an object may name for its certificates, and which. */
static size_t n_secrets(const struct object *object)
{
	if (!object)
		return 0;
	return object->kind == KIND_INGRESS ? ((const struct ingress *)object->spec)->tls.n : 1;
}

static struct str secret_of(const struct object *object, size_t index)
{
	const struct ingress_route *route = object->spec;
	const struct ingress *ingress = object->spec;

	if (object->kind == KIND_INGRESS)
		return LIST_AT(ingress->tls, const struct ingress_tls, index)->secret_name;
	return route->tls ? route->tls->secret_name : (struct str){0};
}

/* Those of TCP routes whose TLS ends here. */
static void add_stream_secrets(struct compile *c, struct str_map *wanted)
{
	for (size_t i = 0; wanted->at && i < compile_stream_n_tls(c); i++) {
		const struct tcp_draft *draft = compile_stream_tls(c, i);
		const struct ingress_route_tcp *spec = draft ? draft->object->spec : NULL;

		if (spec && spec->tls->common.secret_name.len)
			wanted->at[wanted->n++] = (struct str_pair){
				arena_printf(&c->scratch, STR_FMT "/" STR_FMT,
					     STR_ARG(draft->object->meta.namespace_),
					     STR_ARG(spec->tls->common.secret_name)),
				draft->object->id};
	}
}

/* The next Secret that is named, from *at on; {0}: no more. */
static struct str next_secret(const struct object *object, size_t *at)
{
	while (*at < n_secrets(object)) {
		struct str name = secret_of(object, (*at)++);

		if (name.len)
			return name;
	}
	return (struct str){0};
}

bool compile_tls_same_secrets(const struct object *a, const struct object *b)
{
	for (size_t of_a = 0, of_b = 0;;) {
		struct str name = next_secret(a, &of_a), other = next_secret(b, &of_b);

		if (!str_eq(name, other))
			return false;
		if (!name.len)
			return true;
	}
}

/* "ns/secret" -> name of one object that asks for it, sorted (reference g.1), each once. */
static struct str_map wanted_secrets(struct compile *c, const struct object *store)
{
	size_t n_store = compile_tls_store_names(store, NULL, 0);
	struct str *names = ARENA_ARRAY(&c->scratch, struct str, n_store + 1);
	struct str_map wanted = {0};
	struct object **secrets;
	size_t n = 0, n_all;

	for (size_t i = 0; i < c->drafts.n; i++)
		n += n_secrets(c->drafts.at[i]->object);
	secrets = compile_sorted_in(c, KIND_SECRET, STR(FILE_NAMESPACE), &n_all);
	n += compile_stream_n_tls(c);
	wanted.at = ARENA_ARRAY(&c->scratch, struct str_pair, n + n_all + n_store + 1);
	n = 0;
	if (names)
		compile_tls_store_names(store, names, n_store);
	for (size_t i = 0; wanted.at && names && i < n_store; i++)
		wanted.at[wanted.n++] = (struct str_pair){
			arena_printf(&c->scratch, STR_FMT "/" STR_FMT,
				     STR_ARG(store->meta.namespace_), STR_ARG(names[i])),
			store->id};
	for (size_t i = 0; wanted.at && secrets && i < n_all; i++)
		if (str_starts(secrets[i]->meta.name, STR(FILE_CERTIFICATE)))
			wanted.at[wanted.n++] = (struct str_pair){
				str_from(secrets[i]->id, strlen("Secret/")), secrets[i]->id};
	for (size_t i = 0; wanted.at && i < c->drafts.n; i++) {
		const struct object *object = c->drafts.at[i]->object;

		for (size_t j = 0; j < n_secrets(object); j++)
			if (secret_of(object, j).len)
				wanted.at[wanted.n++] = (struct str_pair){
					arena_printf(&c->scratch, STR_FMT "/" STR_FMT,
						     STR_ARG(object->meta.namespace_),
						     STR_ARG(secret_of(object, j))),
					object->id};
	}
	add_stream_secrets(c, &wanted);
	if (wanted.n)
		qsort(wanted.at, wanted.n, sizeof(*wanted.at), by_key);
	for (size_t i = 0; i < wanted.n; i++)
		if (!n || !str_eq(wanted.at[i].key, wanted.at[n - 1].key))
			wanted.at[n++] = wanted.at[i];
	wanted.n = n;
	return wanted;
}

/* tls_certs_not_after (reference h.1). */
static void tell_metrics(struct compile *c, struct str cert_pem, struct str key_pem)
{
	struct metric_registry *metrics = registry_metrics(c->registry);
	struct tls_cache *cache = registry_tls(c->registry);
	char message[TLS_MESSAGE_MAX];
	struct tls_cert *cert;

	if (!metrics || c->tls_is_told ||
	    tls_cache_cert(cache, cert_pem, key_pem, &cert, message) < 0)
		return;
	struct tls_cert_facts facts = tls_cert_facts(cert, &c->scratch);
	const struct str labels[] = {facts.cn, facts.serial, facts.sans};

	metric_gauge_set(metrics, metric_gauge(metrics, METRIC_OF_CERT, labels), facts.not_after_s);
	tls_cache_cert_put(cache, cert);
}

static void add_certificate(struct tls_making *making, const struct str_pair *wanted)
{
	struct compile *c = making->compile;
	const struct diag_path *path =
		DIAG_FIELD(DIAG_FIELD(DIAG_FIELD(NULL, "spec"), "tls"), "secretName");
	ptrdiff_t slash = str_find(wanted->key, '/');
	const struct object *object =
		compile_find(c, KIND_SECRET, str_take(wanted->key, (size_t)slash),
			     str_from(wanted->key, (size_t)slash + 1));
	const struct secret *secret = object && object->valid ? object->spec : NULL;
	struct str cert = secret ? secret_get(secret, STR("tls.crt")) : (struct str){0};
	struct str key = secret ? secret_get(secret, STR("tls.key")) : (struct str){0};
	char message[TLS_MESSAGE_MAX] = "";
	int status;

	diag_about(making->sink, wanted->value, (struct str){0}, 0);
	if (!object) {
		tls_cache_cert_forget(registry_tls(c->registry), wanted->key);
		diag_error(making->sink, path, "Secret " STR_FMT " does not exist",
			   STR_ARG(wanted->key));
		return;
	}
	status = tls_builder_certificate_of(making->builder, wanted->key, cert, key, message);
	if (status) {
		diag_error(making->sink, path, "Secret " STR_FMT ": %s%s", STR_ARG(wanted->key),
			   !secret		 ? "it has errors"
			   : cert.len && key.len ? message
						 : "it has no tls.crt and tls.key",
			   status > 0 ? ": the last good certificate is still used" : "");
	} else {
		if (message[0])
			diag_warning(making->sink, path, "Secret " STR_FMT ": %s",
				     STR_ARG(wanted->key), message);
		tell_metrics(c, cert, key);
	}
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
	struct policy *policy = ARENA_NEW(&c->scratch, struct policy);
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
	policy->id = status < 0 ? TLS_POLICY_BROKEN : (uint16_t)status;
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

static uint16_t policy_named(const struct tls_making *making, struct str option, bool is_broken)
{
	const struct policy *policy;

	if (is_broken)
		return TLS_POLICY_BROKEN;
	if (!option.len || str_eq(option, STR("default")))
		return tls_builder_default(making->builder);
	policy = table_find(&making->policies, option);
	return policy ? policy->id : TLS_POLICY_BROKEN;
}

static uint16_t policy_of(const struct tls_making *making, const struct draft *draft)
{
	return policy_named(making, draft->tls_option, draft->tls_option_broken);
}

/* TCP routes choose their options themselves, before the handshake: no conflict is possible. */
static void bind_streams(struct compile *c, const struct tls_making *making)
{
	for (size_t i = 0; i < compile_stream_n_tls(c); i++) {
		struct tcp_draft *draft = compile_stream_tls(c, i);

		if (draft && making->builder)
			draft->route.tls_policy =
				policy_named(making, draft->tls_option, draft->tls_option_broken);
		else if (draft && draft->tls_option_broken)
			draft->route.tls_policy = TLS_POLICY_BROKEN;
	}
}

static void bind_hosts(struct tls_making *making, struct draft **drafts, size_t n,
		       const struct strs *hosts)
{
	struct compile *c = making->compile;
	bool is_needed = false;

	for (size_t i = 0; i < n; i++) {
		drafts[i]->route.tls_policy = policy_of(making, drafts[i]);
		drafts[i]->route.tls_option = drafts[i]->tls_option;
		is_needed = is_needed || !str_eq(option_of(drafts[i]), STR("default"));
	}
	c->tls_policy = tls_builder_default(making->builder);
	/* While all have the default nothing needs to be bound: that is what unbound hosts get. */
	for (size_t i = 0; is_needed && i < n; i++)
		for (size_t j = 0; j < hosts[i].n; j++)
			if (tls_builder_bind(making->builder, hosts[i].at[j],
					     drafts[i]->route.tls_policy) == -ENOMEM)
				c->arena->failed = true;
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

static void table_release(void *table)
{
	tls_table_unref(table);
}

void compile_tls_table(struct compile *c, struct entry_point *entry_point, struct draft **drafts,
		       size_t n)
{
	struct tls_making making = {.compile = c};
	struct compile_about before = {c->sink->object, c->sink->file, c->sink->line};
	struct strs *hosts = ARENA_ARRAY(&c->scratch, struct strs, n + 1);
	struct diag_sink quiet;
	const struct object *store;
	struct str_map secrets;

	if (!hosts)
		return;
	for (size_t i = 0; i < n; i++) {
		hosts[i] = hosts_of(c, drafts[i]);
		if (!hosts[i].n)
			check_hostless(c, drafts[i]);
	}
	resolve_conflicts(c, entry_point->name, drafts, n, hosts);
	for (size_t i = 0; i < n; i++)
		c->tls_is_plain = c->tls_is_plain && str_eq(option_of(drafts[i]), STR("default"));
	making.builder =
		registry_tls(c->registry) ? tls_builder_new(registry_tls(c->registry)) : NULL;
	if (!making.builder) {
		/* Only tests do without: what is broken stays closed there too. */
		for (size_t i = 0; i < n; i++)
			if (drafts[i]->tls_option_broken)
				drafts[i]->route.tls_policy = TLS_POLICY_BROKEN;
		bind_streams(c, &making);
		compile_about_end(c, before);
		return;
	}
	diag_init(&quiet, &c->scratch);
	making.sink = c->tls_is_told ? &quiet : c->sink;
	table_init(&making.policies, &c->scratch);
	add_options(&making);
	store = compile_tls_store(c, making.sink);
	compile_tls_store_default(c, store, making.builder, making.sink);
	secrets = wanted_secrets(c, store);
	for (size_t i = 0; i < secrets.n; i++)
		add_certificate(&making, &secrets.at[i]);
	c->tls_is_told = true;
	bind_hosts(&making, drafts, n, hosts);
	bind_streams(c, &making);
	entry_point->tls_table = tls_builder_finish(making.builder);
	if (entry_point->tls_table)
		part_own(c->part, entry_point->tls_table, table_release);
	else
		c->arena->failed = true;
	compile_about_end(c, before);
}
