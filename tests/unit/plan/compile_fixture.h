/* SPDX-License-Identifier: Apache-2.0 */
#ifndef COMPILE_FIXTURE_H
#define COMPILE_FIXTURE_H

/*
 * compile_fixture: a store filled from short JSON (quotes written as '), compiled, and asked. The
 * namespace is "shop" unless an object says otherwise.
 */

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "model/object.h"
#include "compile_same.h"
#include "plan/compiler.h"
#include "plan/registry.h"
#include "tls/tls_table.h"

struct fixture {
	struct arena arena;
	struct store store;
	struct static_config config;
	struct diag_sink sink;
	struct registry *registry;
	struct snapshot *snapshot;
	struct compiler *compiler; /* NULL: the next compile is the first with this configuration */
};

static inline json_t *fixture_json(const char *format, va_list args)
{
	char *text = NULL;
	json_error_t error;
	json_t *json;

	if (vasprintf(&text, format, args) < 0)
		abort();
	for (char *c = text; *c; c++)
		*c = *c == '\'' ? '"' : *c;
	json = json_loads(text, 0, &error);
	if (!json)
		fail_msg("%s at %d: %s", error.text, error.position, text);
	free(text);
	return json;
}

#define FIXTURE_EPS "'entryPoints':{'web':{'address':':80'},'websecure':{'address':':443'}}"

/* options: members of the static configuration, after FIXTURE_EPS when it begins with a comma. */
static inline void fixture_config(struct fixture *f, const char *format, ...)
{
	va_list args;
	json_t *json;

	compiler_free(f->compiler);
	f->compiler = NULL;
	va_start(args, format);
	json = fixture_json(format, args);
	va_end(args);
	diag_init(&f->sink, &f->arena);
	if (static_config_from_json(json, &f->arena, &f->sink, &f->config) < 0) {
		struct buf buf;

		buf_init(&buf, 1 << 16);
		for (size_t i = 0; i < f->sink.n; i++)
			diag_print(&f->sink.at[i], &buf);
		fail_msg("%s", buf_str(&buf).at);
	}
	json_decref(json);
}

static inline void fixture_init(struct fixture *f)
{
	*f = (struct fixture){0};
	arena_init(&f->arena, 64 << 20, 0);
	diag_init(&f->sink, &f->arena);
	store_init(&f->store);
	f->registry = registry_new();
	fixture_config(f, "{" FIXTURE_EPS "}");
}

static inline void fixture_done(struct fixture *f)
{
	snapshot_unref(f->snapshot);
	compiler_free(f->compiler);
	registry_free(f->registry);
	store_done(&f->store);
	arena_done(&f->arena);
}

/* An object of any kind; it may be invalid. */
static inline struct object *fixture_put_json(struct fixture *f, json_t *json)
{
	bool skip = false;
	struct object *object = object_decode(json, STR("test.yaml"), 1, &f->sink, &skip);

	json_decref(json);
	assert_non_null(object);
	store_put(&f->store, object);
	object_unref(object);
	return object;
}

static inline struct object *fixture_put(struct fixture *f, const char *format, ...)
{
	va_list args;
	json_t *json;

	va_start(args, format);
	json = fixture_json(format, args);
	va_end(args);
	return fixture_put_json(f, json);
}

/* The same, and it must be valid. */
static inline void fixture_expect_valid(struct fixture *f, const struct object *object)
{
	struct buf buf;

	(void)f;
	if (object->valid)
		return;
	buf_init(&buf, 1 << 16);
	for (size_t i = 0; i < object->diags.n; i++)
		diag_print(&object->diags.at[i], &buf);
	fail_msg("%s", buf_str(&buf).at);
}

static inline const char *fixture_version(const char *kind)
{
	if (!strcmp(kind, "Service") || !strcmp(kind, "Secret") || !strcmp(kind, "ConfigMap"))
		return "v1";
	if (!strcmp(kind, "EndpointSlice"))
		return "discovery.k8s.io/v1";
	return strcmp(kind, "SourcePolicy") && strcmp(kind, "VirtualAddress")
		       ? "traefik.io/v1alpha1"
		       : "tidegate.io/v1alpha1";
}

/* name may be "ns/name"; rest are the members beside kind and metadata: "'spec':{...}". */
static inline struct object *fixture_add(struct fixture *f, const char *kind, const char *name,
					 const char *format, ...)
{
	const char *slash = strchr(name, '/');
	char ns[64] = "shop";
	struct object *object;
	char *rest = NULL;
	va_list args;

	if (slash)
		snprintf(ns, sizeof(ns), "%.*s", (int)(slash - name), name);
	va_start(args, format);
	if (vasprintf(&rest, format, args) < 0)
		abort();
	va_end(args);
	object = fixture_put(
		f,
		"{'apiVersion':'%s','kind':'%s','metadata':{'name':'%s','namespace':'%s'"
		"},%s}",
		fixture_version(kind), kind, slash ? slash + 1 : name, ns, rest);
	free(rest);
	return object;
}

/* A Service with port 80 named http, and a slice with these addresses ("'10.0.0.1','10.0.0.2'"). */
static inline void fixture_backend(struct fixture *f, const char *name, const char *addresses)
{
	const char *slash = strchr(name, '/');
	const char *bare = slash ? slash + 1 : name;
	char ns[64] = "shop";

	if (slash)
		snprintf(ns, sizeof(ns), "%.*s", (int)(slash - name), name);
	fixture_expect_valid(
		f, fixture_add(f, "Service", name, "'spec':{'ports':[{'name':'http','port':80}]}"));
	fixture_expect_valid(
		f, fixture_put(
			   f,
			   "{'apiVersion':'discovery.k8s.io/v1','kind':'EndpointSlice','metadata':{"
			   "'name':'%s-1','namespace':'%s','labels':{'kubernetes.io/"
			   "service-name':'%s'}},"
			   "'addressType':'IPv4','ports':[{'name':'http','port':8080}],"
			   "'endpoints':[{'addresses':[%s],'conditions':{'ready':true}}]}",
			   bare, ns, bare, addresses));
}

/* One route to service web:80; more are members of the route (",'middlewares':[...]"). */
static inline struct object *fixture_route(struct fixture *f, const char *name, const char *match,
					   const char *more)
{
	struct object *object = fixture_add(
		f, "IngressRoute", name,
		"'spec':{'entryPoints':['web'],'routes':[{'match':'%s','kind':'Rule','services':["
		"{'name':'web','port':80}]%s}]}",
		match, more);

	fixture_expect_valid(f, object);
	return object;
}

/* Compiles what changed, which must be the same as everything anew; the snapshot before is
 * released.
 */
static inline const struct snapshot *fixture_compile(struct fixture *f)
{
	struct snapshot *old = f->snapshot, *whole;

	if (!f->compiler)
		f->compiler = compiler_new(&f->config, f->registry);
	f->snapshot =
		compiler_run(f->compiler, &f->store, COMPILE_CHANGES, old ? old->revision + 1 : 1);
	assert_non_null(f->snapshot);
	store_changes_taken(&f->store);
	whole = compile(&f->store, &f->config, f->registry, 1);
	assert_non_null(whole);
	same_snapshots(f->snapshot, whole);
	snapshot_unref(whole);
	snapshot_unref(old);
	return f->snapshot;
}

/* The one route of an object with this index, or NULL. */
static inline const struct route *fixture_find(const struct fixture *f, const char *object,
					       uint32_t index)
{
	for (uint32_t i = 0; i < f->snapshot->n_routes; i++)
		if (str_eq(f->snapshot->routes[i]->object, str_of(object)) &&
		    f->snapshot->routes[i]->route_index == index)
			return f->snapshot->routes[i];
	return NULL;
}

static inline const struct service *fixture_service(const struct fixture *f, const char *name)
{
	for (uint32_t i = 0; i < f->snapshot->n_services; i++)
		if (str_eq(f->snapshot->services[i]->name, str_of(name)))
			return f->snapshot->services[i];
	return NULL;
}

static inline const struct entry_point *fixture_entry_point(const struct fixture *f,
							    const char *name)
{
	for (uint16_t i = 0; i < f->snapshot->n_entry_points; i++)
		if (str_eq(f->snapshot->entry_points[i].name, str_of(name)))
			return &f->snapshot->entry_points[i];
	return NULL;
}

/* Name of the route that answers on an entry point, "" for none. */
static inline const char *fixture_answer(struct fixture *f, const char *entry_point, bool is_tls,
					 const char *host, const char *path)
{
	const struct entry_point *ep = fixture_entry_point(f, entry_point);
	struct request request = {
		.arena = &f->arena,
		.method = STR("GET"),
		.method_id = METHOD_GET,
		.host = str_of(host),
		.raw_path = str_of(path),
		.path = str_of(path),
		.routing_path = str_of(path),
		.is_tls = is_tls,
	};
	const struct route *route = router_find(is_tls ? ep->tls : ep->plain, &request);

	return route ? route->name.at : "";
}

/* Whether a diag about the object holds the text. */
static inline bool fixture_told(const struct fixture *f, const char *object, const char *part)
{
	for (size_t i = 0; i < f->snapshot->diags.n; i++) {
		const struct diag *diag = &f->snapshot->diags.at[i];

		if ((!object || str_eq(diag->object, str_of(object))) &&
		    str_search(diag->message, str_of(part)) >= 0)
			return true;
	}
	return false;
}

static inline void assert_text(struct str got, const char *want)
{
	if (!str_eq(got, str_of(want)))
		fail_msg("\"%.*s\" != \"%s\"", STR_ARG(got), want);
}

static inline void assert_told(const struct fixture *f, const char *object, const char *part)
{
	struct buf buf;

	if (fixture_told(f, object, part))
		return;
	buf_init(&buf, 1 << 16);
	for (size_t i = 0; i < f->snapshot->diags.n; i++)
		diag_print(&f->snapshot->diags.at[i], &buf);
	fail_msg("nothing about %s says \"%s\":\n%s", object ? object : "anything", part,
		 buf_str(&buf).at ? buf_str(&buf).at : "");
}

static inline int fixture_setup(void **state)
{
	struct fixture *f = malloc(sizeof(*f));

	fixture_init(f);
	fixture_backend(f, "web", "'10.0.0.1','10.0.0.2'");
	*state = f;
	return 0;
}

static inline int fixture_teardown(void **state)
{
	fixture_done(*state);
	free(*state);
	return 0;
}

#define FIXTURE_TEST(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)

#endif
