// SPDX-License-Identifier: Apache-2.0
/* compile_route_test: IngressRoutes as reference a.0, a.1, b.4 and b.6 have them; a row cites its
 * section. */

#include "compile_fixture.h"

static void routes_are_named_and_ranked(void **state)
{
	struct fixture *f = *state;
	const struct route *route;

	fixture_route(f, "r", "Host(`foo.com`) && PathPrefix(`/bar`)", "");
	fixture_compile(f);
	route = fixture_find(f, "IngressRoute/shop/r", 0);
	assert_text(route->name, "shop-r-6b204d94623b3df4370c@kubernetescrd");		/* a.0 */
	assert_text(route->service->name, "shop-r-6b204d94623b3df4370c@kubernetescrd"); /* a.1 */
	assert_int_equal(route->priority, 37);						/* b.4 */
	assert_int_equal(route->status, ROUTE_ENABLED);
	assert_int_equal(route->service->n_servers, 2);
	assert_string_equal(fixture_answer(f, "web", false, "foo.com", "/bar"), route->name.at);
	assert_string_equal(fixture_answer(f, "web", true, "foo.com", "/bar"), "");
	assert_string_equal(fixture_answer(f, "websecure", false, "foo.com", "/bar"), "");
}

/* One route each, and what becomes of it. */
static void faults_disable_the_route_that_has_them(void **state)
{
	static const struct {
		const char *name, *match, *more;
		enum route_status status;
		const char *told;
	} rows[] = {
		{"good", "Host(`a`)", "", ROUTE_ENABLED, NULL},
		{"b.1 unknown matcher", "Hots(`a`)", "", ROUTE_DISABLED, "Hots"},
		{"b.1 empty argument", "Host(``)", "", ROUTE_DISABLED, ""},
		{"b.4 priority 0 is unset", "Host(`a`)", ",'priority':0", ROUTE_ENABLED, NULL},
		{"b.4 negative priority", "Host(`a`)", ",'priority':-3", ROUTE_ENABLED, NULL},
		{"b.4 the highest user priority", "Host(`a`)", ",'priority':9223372036854774807",
		 ROUTE_ENABLED, NULL},
		{"b.2 unknown syntax is v3", "Host(`a`)", ",'syntax':'v9'", ROUTE_ENABLED, NULL},
		{"b.2 v2", "Host(`a`, `b`)", ",'syntax':'v2'", ROUTE_ENABLED, NULL},
		{"b.2 v2 is not v3", "Host(`a`, `b`)", "", ROUTE_DISABLED, "takes one argument"},
		{"a.4 missing middleware", "Host(`a`)", ",'middlewares':[{'name':'none'}]",
		 ROUTE_DISABLED, "does not exist"},
		{"a.0 another namespace", "Host(`a`)",
		 ",'middlewares':[{'name':'x','namespace':'other'}]", ROUTE_DISABLED,
		 "references across namespaces"},
		{"a.0 @kubernetescrd", "Host(`a`)",
		 ",'middlewares':[{'name':'shop-x@kubernetescrd'}]", ROUTE_DISABLED,
		 "references across namespaces"},
		{"a.0 unknown provider", "Host(`a`)", ",'middlewares':[{'name':'x@file'}]",
		 ROUTE_DISABLED, "does not exist"},
	};
	struct fixture *f = *state;

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		const struct route *route;

		fixture_route(f, "r", rows[i].match, rows[i].more);
		fixture_compile(f);
		route = fixture_find(f, "IngressRoute/shop/r", 0);
		if (!route || route->status != rows[i].status)
			fail_msg("%s: status %d", rows[i].name, route ? (int)route->status : -1);
		if (rows[i].told)
			assert_told(f, "IngressRoute/shop/r", rows[i].told);
		else
			assert_int_equal(f->snapshot->diags.n, 0);
		assert_int_equal(route->status == ROUTE_DISABLED,
				 !*fixture_answer(f, "web", false, "a", "/"));
		assert_int_equal(route->status == ROUTE_DISABLED, route->problem.len > 0);
	}
}

static void entry_points_are_chosen_by_name_or_by_default(void **state)
{
	static const struct {
		const char *name, *config, *entry_points;
		const char *on; /* joined by a blank */
		enum route_status status;
	} rows[] = {
		{"a.1 all but traefik",
		 "'entryPoints':{'web':{'address':':80'},'websecure':{'address':':443'},"
		 "'traefik':{'address':':8080'},'dns':{'address':':53/udp'}}",
		 "", "web websecure", ROUTE_ENABLED},
		{"a.1 asDefault",
		 "'entryPoints':{'web':{'address':':80'},'b':{'address':':81','asDefault':true}}",
		 "", "b", ROUTE_ENABLED},
		{"a.1 unknown is a warning", FIXTURE_EPS, "'entryPoints':['web','wbe'],", "web",
		 ROUTE_WARNING},
		{"a.1 none valid", FIXTURE_EPS, "'entryPoints':['wbe'],", "", ROUTE_DISABLED},
	};
	struct fixture *f = *state;

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		const struct route *route;
		char on[256] = "";

		fixture_config(f, "{%s}", rows[i].config);
		fixture_expect_valid(
			f,
			fixture_add(f, "IngressRoute", "r",
				    "'spec':{%s'routes':[{'match':'Host(`a`)','services':[{'name':"
				    "'web','port':80}]}]}",
				    rows[i].entry_points));
		fixture_compile(f);
		route = fixture_find(f, "IngressRoute/shop/r", 0);
		for (size_t j = 0; j < route->entry_points.n; j++)
			snprintf(on + strlen(on), sizeof(on) - strlen(on), "%s%.*s", j ? " " : "",
				 STR_ARG(route->entry_points.at[j]));
		if (strcmp(on, rows[i].on) || route->status != rows[i].status)
			fail_msg("%s: [%s], status %d", rows[i].name, on, route->status);
	}
}

/* a.0, class selection */
static void classes_select_objects(void **state)
{
	static const struct {
		const char *option, *annotation, *field;
		bool taken;
	} rows[] = {
		{"", NULL, NULL, true},	  {"", "traefik", NULL, true},	 {"", "other", NULL, false},
		{"", "other", "", true},  {"", NULL, "traefik", true},	 {"", NULL, "x", false},
		{"x", NULL, NULL, false}, {"x", "x", NULL, true},	 {"x", "x", "y", false},
		{"x", NULL, "x", true},	  {"x", "traefik", NULL, false},
	};
	struct fixture *f = *state;

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		char class_[64] = "", annotation[128] = "";

		if (rows[i].field)
			snprintf(class_, sizeof(class_), "'ingressClassName':'%s',", rows[i].field);
		if (rows[i].annotation)
			snprintf(annotation, sizeof(annotation),
				 ",'annotations':{'kubernetes.io/ingress.class':'%s'}",
				 rows[i].annotation);
		fixture_config(
			f, "{" FIXTURE_EPS ",'providers':{'kubernetesCRD':{'ingressClass':'%s'}}}",
			rows[i].option);
		fixture_put(f,
			    "{'apiVersion':'traefik.io/"
			    "v1alpha1','kind':'IngressRoute','metadata':{'name':"
			    "'r','namespace':'shop'%s},'spec':{%s'routes':[{'match':'Host(`a`)','"
			    "services'"
			    ":[{'name':'web','port':80}]}]}}",
			    annotation, class_);
		fixture_compile(f);
		if (rows[i].taken != (f->snapshot->n_routes == 1))
			fail_msg("row %zu", i);
	}
}

/* b.6: <ep>-<router> per modelled entry point, its middlewares first, TLS where the route has none
 */
static void entry_points_with_defaults_get_copies(void **state)
{
	struct fixture *f = *state;
	const struct route *plain = NULL, *copy = NULL;

	fixture_config(
		f, "{'entryPoints':{'web':{'address':':80'},'websecure':{'address':':443','http':{"
		   "'middlewares':['shop-first@kubernetescrd'],'tls':{}}}}}");
	fixture_add(f, "Middleware", "first", "'spec':{'stripPrefix':{'prefixes':['/a']}}");
	fixture_add(f, "Middleware", "second", "'spec':{'stripPrefix':{'prefixes':['/b']}}");
	fixture_add(f, "IngressRoute", "r",
		    "'spec':{'routes':[{'match':'Host(`a`)','middlewares':[{'name':'second'}],"
		    "'services':[{'name':'web','port':80}]}]}");
	fixture_compile(f);
	assert_int_equal(f->snapshot->n_routes, 2);
	for (uint32_t i = 0; i < 2; i++)
		if (str_starts(f->snapshot->routes[i]->name, STR("websecure-shop-r-")))
			copy = f->snapshot->routes[i];
		else
			plain = f->snapshot->routes[i];
	assert_non_null(copy);
	assert_true(copy->is_tls);
	assert_false(plain->is_tls);
	assert_int_equal(copy->chain.n, 2);
	assert_text(copy->chain.at[0].name, "shop-first@kubernetescrd");
	assert_text(copy->chain.at[1].name, "shop-second@kubernetescrd");
	assert_int_equal(plain->chain.n, 1);
	assert_string_equal(fixture_answer(f, "websecure", true, "a", "/"), copy->name.at);
	assert_string_equal(fixture_answer(f, "web", false, "a", "/"), plain->name.at);
	assert_string_equal(fixture_answer(f, "websecure", false, "a", "/"), "");
}

static void the_same_rule_twice_in_one_object_is_told_and_the_last_wins(void **state)
{
	struct fixture *f = *state;

	fixture_backend(f, "b", "'10.0.0.9'");
	fixture_add(f, "IngressRoute", "r",
		    "'spec':{'routes':[{'match':'Host(`a`)','services':[{'name':'web','port':80}]},"
		    "{'match':'Host(`a`)','services':[{'name':'b','port':80}]}]}");
	fixture_compile(f);
	assert_int_equal(f->snapshot->n_routes, 1);
	assert_text(f->snapshot->routes[0]->service->servers[0].url, "http://10.0.0.9:8080");
	assert_told(f, "IngressRoute/shop/r", "the last one is used");
}

/* "a"/"b-c" and "a-b"/"c" would be one router (reference a.0): both are served, under two names */
static void equal_router_names_do_not_replace_another_tenants_route(void **state)
{
	struct fixture *f = *state;
	const struct route *one, *two;

	fixture_backend(f, "a/web", "'10.0.0.1'");
	fixture_backend(f, "a-b/web", "'10.0.0.2'");
	fixture_route(f, "a/b-c", "Host(`x`)", "");
	fixture_route(f, "a-b/c", "Host(`x`)", "");
	fixture_compile(f);
	one = fixture_find(f, "IngressRoute/a/b-c", 0);
	two = fixture_find(f, "IngressRoute/a-b/c", 0);
	assert_non_null(one);
	assert_non_null(two);
	assert_string_not_equal(one->name.at, two->name.at);
	assert_text(one->service->servers[0].url, "http://10.0.0.1:8080");
	assert_text(two->service->servers[0].url, "http://10.0.0.2:8080");
	assert_int_not_equal(one->service->id, two->service->id);
	assert_string_equal(fixture_answer(f, "web", false, "x", "/"), one->name.at);
}

static void a_tls_route_is_for_tls_only(void **state)
{
	struct fixture *f = *state;

	fixture_add(f, "IngressRoute", "r",
		    "'spec':{'entryPoints':['web'],'tls':{},'routes':[{'match':'Host(`a`)','"
		    "services':[{"
		    "'name':'web','port':80}]}]}");
	fixture_compile(f);
	assert_string_equal(fixture_answer(f, "web", false, "a", "/"), "");
	assert_string_not_equal(fixture_answer(f, "web", true, "a", "/"), "");
}

/* Whose object came first keeps the rule, whatever the names say; it is so after any change, too.
 */
static void of_equal_rules_the_older_object_wins(void **state)
{
	static const char *const created[] = {"2026-01-02T00:00:00Z", "2026-01-01T00:00:00Z"};
	struct fixture *f = *state;

	for (int turn = 0; turn < 2; turn++) {
		for (int i = 0; i < 2; i++)
			fixture_put(
				f,
				"{'apiVersion':'traefik.io/"
				"v1alpha1','kind':'IngressRoute','metadata':{"
				"'name':'%s','namespace':'shop','creationTimestamp':'%s'},'spec':{'"
				"entryPoints':['web'],'routes':[{'match':'Host(`same`)','kind':'"
				"Rule','"
				"services':[{'name':'web','port':80}]}]}}",
				i ? "zebra" : "ant", created[i ^ turn]);
		fixture_compile(f);
		assert_non_null(strstr(fixture_answer(f, "web", false, "same", "/"),
				       turn ? "shop-ant-" : "shop-zebra-"));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		FIXTURE_TEST(routes_are_named_and_ranked),
		FIXTURE_TEST(faults_disable_the_route_that_has_them),
		FIXTURE_TEST(entry_points_are_chosen_by_name_or_by_default),
		FIXTURE_TEST(classes_select_objects),
		FIXTURE_TEST(entry_points_with_defaults_get_copies),
		FIXTURE_TEST(the_same_rule_twice_in_one_object_is_told_and_the_last_wins),
		FIXTURE_TEST(equal_router_names_do_not_replace_another_tenants_route),
		FIXTURE_TEST(of_equal_rules_the_older_object_wins),
		FIXTURE_TEST(a_tls_route_is_for_tls_only),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
