// SPDX-License-Identifier: Apache-2.0
/* compile_stream_test: IngressRouteTCP objects and the routes they become (reference a.2, b.3). */

#include "stream_fixture.h"

#define ROUTE(match, more)                                                                      \
	"'spec':{'entryPoints':['db'],'routes':[{'match':'" match "','services':[{'name':'pg'," \
	"'port':5432}]" more "}]}"
#define TLS_ROUTE(match, tls)                                                   \
	"'spec':{'entryPoints':['db'],'tls':" tls ",'routes':[{'match':'" match \
	"','services':[{'name':'pg','port':5432}]}]}"

static void a_route_has_the_reference_s_name_and_priority(void **state)
{
	struct fixture *f = *state;
	const struct tcp_route *route;

	stream_backend(f, "pg", "'10.0.0.1'");
	fixture_add(f, "IngressRouteTCP", "my.db", ROUTE("HostSNI(`*`)", ""));
	fixture_add(f, "IngressRouteTCP", "near", ROUTE("ClientIP(`10.0.0.0/8`)", ""));
	fixture_compile(f);
	route = stream_route(f, "IngressRouteTCP/shop/my.db", 0);
	/* not normalised; 20 hex digits of the rule's SHA-256 */
	assert_text(str_take(route->name, strlen("shop-my.db-")), "shop-my.db-");
	assert_int_equal(route->name.len, strlen("shop-my.db-") + 20 + strlen("@kubernetescrd"));
	assert_int_equal(route->priority, -1);
	assert_true(route->is_catch_all);
	assert_text(route->service->name, route->name.at);
	assert_text(route->service->servers[0].address, "10.0.0.1:15432");
	assert_int_equal(stream_route(f, "IngressRouteTCP/shop/near", 0)->priority,
			 (int64_t)strlen("ClientIP(`10.0.0.0/8`)"));
	assert_true(tcp_router_is_blind(fixture_entry_point(f, "db")->tcp));
	assert_null(fixture_entry_point(f, "web")->tcp);
	assert_text(str_take(str_of(stream_answer(f, "db", false, "", "10.1.1.1")), 9),
		    "shop-near");
	assert_text(str_take(str_of(stream_answer(f, "db", false, "", "192.0.2.1")), 10),
		    "shop-my.db");
}

static void wrong_routes_are_disabled_and_say_why(void **state)
{
	static const struct {
		const char *name, *spec, *told;
	} rows[] = {
		{"column", ROUTE("HostSNI(`*`) && Hots(`a`)", ""), "at character 17"},
		{"http", ROUTE("Host(`a`)", ""), "unknown matcher Host"},
		{"sni-without-tls", ROUTE("HostSNI(`a.test`)", ""), "needs TLS"},
		{"reserved", ROUTE("HostSNI(`*`)", ",'priority':9223372036854774807"), NULL},
		{"missing-service",
		 "'spec':{'routes':[{'match':'HostSNI(`*`)','services':[{'name':'no','port':1}]}]}",
		 "Service shop/no does not exist"},
		{"missing-port",
		 "'spec':{'routes':[{'match':'HostSNI(`*`)','services':[{'name':'pg','port':1}]}]}",
		 "has no port 1"},
		{"provider",
		 "'spec':{'routes':[{'match':'HostSNI(`*`)','services':[{'name':'pg@file',"
		 "'port':1}]}]}",
		 "name Services only"},
		{"none", "'spec':{'routes':[{'match':'HostSNI(`*`)'}]}", "needs a service"},
		{"other-namespace",
		 "'spec':{'routes':[{'match':'HostSNI(`*`)','services':[{'name':'pg','namespace':"
		 "'bank','port':5432}]}]}",
		 "across namespaces are not allowed"},
		{"udp-entry",
		 "'spec':{'entryPoints':['dns'],'routes':[{'match':'HostSNI(`*`)','services':[{"
		 "'name':'pg','port':5432}]}]}",
		 "entry point dns is not of TCP"},
		{"no-entry",
		 "'spec':{'entryPoints':['nope'],'routes':[{'match':'HostSNI(`*`)','services':[{"
		 "'name':'pg','port':5432}]}]}",
		 "there is no entry point nope"},
		{"middleware", ROUTE("HostSNI(`*`)", ",'middlewares':[{'name':'no'}]"),
		 "MiddlewareTCP no does not exist"},
		{"transport",
		 "'spec':{'routes':[{'match':'HostSNI(`*`)','services':[{'name':'pg','port':5432,"
		 "'serversTransport':'no'}]}]}",
		 "ServersTransportTCP no does not exist"},
	};
	struct fixture *f = *state;

	stream_backend(f, "pg", "'10.0.0.1'");
	stream_backend(f, "bank/pg", "'10.0.0.2'");
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++)
		fixture_expect_valid(
			f, fixture_add(f, "IngressRouteTCP", rows[i].name, "%s", rows[i].spec));
	fixture_compile(f);
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		char id[80];

		snprintf(id, sizeof(id), "IngressRouteTCP/shop/%s", rows[i].name);
		if (!rows[i].told) {
			assert_int_equal(stream_route(f, id, 0)->status, ROUTE_ENABLED);
			continue;
		}
		assert_told(f, id, rows[i].told);
		if (stream_route(f, id, 0)->status != ROUTE_DISABLED)
			fail_msg("%s is not disabled", rows[i].name);
		assert_true(stream_route(f, id, 0)->problem.len > 0);
	}
}

static void a_star_that_stands_first_needs_no_tls(void **state)
{
	struct fixture *f = *state;

	stream_backend(f, "pg", "'10.0.0.1'");
	fixture_add(f, "IngressRouteTCP", "a", ROUTE("HostSNI(`*`) || HostSNI(`a`)", ""));
	fixture_add(f, "IngressRouteTCP", "b", ROUTE("HostSNIRegexp(`^$`)", ""));
	fixture_compile(f);
	assert_int_equal(stream_route(f, "IngressRouteTCP/shop/a", 0)->status, ROUTE_ENABLED);
	assert_int_equal(stream_route(f, "IngressRouteTCP/shop/b", 0)->status, ROUTE_ENABLED);
}

static void tls_routes_stand_apart_and_give_way_to_https(void **state)
{
	struct fixture *f = *state;

	stream_backend(f, "pg", "'10.0.0.1'");
	fixture_add(f, "IngressRouteTCP", "pass",
		    TLS_ROUTE("HostSNI(`pg.test`)", "{'passthrough':true}"));
	fixture_add(f, "IngressRouteTCP", "web", TLS_ROUTE("HostSNI(`web.test`)", "{}"));
	fixture_add(f, "IngressRouteTCP", "all", TLS_ROUTE("HostSNI(`*`)", "{}"));
	fixture_add(f, "IngressRoute", "site",
		    "'spec':{'entryPoints':['db'],'tls':{},'routes':[{'match':'Host(`web.test`)',"
		    "'kind':'Rule','services':[{'name':'pg','port':5432}]}]}");
	fixture_compile(f);
	assert_true(stream_route(f, "IngressRouteTCP/shop/pass", 0)->passthrough);
	assert_text(str_take(str_of(stream_answer(f, "db", true, "pg.test", "10.1.1.1")), 9),
		    "shop-pass");
	assert_string_equal(stream_answer(f, "db", true, "web.test", "10.1.1.1"), "");
	assert_text(str_take(str_of(stream_answer(f, "db", true, "x.test", "10.1.1.1")), 8),
		    "shop-all");
	assert_string_equal(stream_answer(f, "db", false, "", "10.1.1.1"), "");
	assert_false(tcp_router_is_blind(fixture_entry_point(f, "db")->tcp));
	/* A TLS route without a name comes before the star. */
	fixture_add(f, "IngressRoute", "any",
		    "'spec':{'entryPoints':['db'],'tls':{},'routes':[{'match':'PathPrefix(`/`)',"
		    "'kind':'Rule','services':[{'name':'pg','port':5432}]}]}");
	fixture_compile(f);
	assert_string_equal(stream_answer(f, "db", true, "x.test", "10.1.1.1"), "");
	assert_text(str_take(str_of(stream_answer(f, "db", true, "pg.test", "10.1.1.1")), 9),
		    "shop-pass");
}

static void broken_tls_options_close_rather_than_let_others_answer(void **state)
{
	struct fixture *f = *state;
	const struct tcp_route *route;

	stream_backend(f, "pg", "'10.0.0.1'");
	fixture_add(f, "IngressRouteTCP", "a",
		    TLS_ROUTE("HostSNI(`a.test`)", "{'options':{'name':'no'}}"));
	fixture_add(f, "IngressRouteTCP", "all", TLS_ROUTE("HostSNI(`*`)", "{}"));
	fixture_compile(f);
	route = stream_route(f, "IngressRouteTCP/shop/a", 0);
	assert_told(f, "IngressRouteTCP/shop/a", "TLSOption shop/no does not exist");
	assert_int_equal(route->status, ROUTE_DISABLED);
	assert_int_equal(route->tls_policy, TLS_POLICY_BROKEN);
	assert_string_equal(stream_answer(f, "db", true, "a.test", "10.1.1.1"), route->name.at);
}

static void who_comes_second_with_a_star_is_told(void **state)
{
	struct fixture *f = *state;

	stream_backend(f, "pg", "'10.0.0.1'");
	fixture_add(f, "IngressRouteTCP", "first", ROUTE("HostSNI(`*`)", ",'priority':5"));
	fixture_add(f, "IngressRouteTCP", "second", ROUTE("HostSNI( `*` )", ""));
	fixture_compile(f);
	assert_told(f, "IngressRouteTCP/shop/second", "IngressRouteTCP/shop/first takes every");
	assert_int_equal(stream_route(f, "IngressRouteTCP/shop/second", 0)->status, ROUTE_WARNING);
	assert_int_equal(stream_route(f, "IngressRouteTCP/shop/first", 0)->status, ROUTE_ENABLED);
}

static void nobody_takes_another_namespace_s_name(void **state)
{
	struct fixture *f = *state;

	stream_backend(f, "a/pg", "'10.0.0.1'");
	stream_backend(f, "a-b/pg", "'10.0.0.2'");
	fixture_add(f, "IngressRouteTCP", "a/b-c", ROUTE("HostSNI(`*`)", ""));
	fixture_add(f, "IngressRouteTCP", "a-b/c", ROUTE("HostSNI(`*`)", ""));
	fixture_compile(f);
	assert_int_equal(f->snapshot->n_tcp_routes, 2);
	assert_true(str_ends(stream_route(f, "IngressRouteTCP/a-b/c", 0)->name,
			     STR("_2@kubernetescrd")));
	assert_text(stream_route(f, "IngressRouteTCP/a-b/c", 0)->service->servers[0].address,
		    "10.0.0.2:15432");
}

static void the_class_decides_whose_objects_these_are(void **state)
{
	struct fixture *f = *state;

	stream_backend(f, "pg", "'10.0.0.1'");
	fixture_add(f, "IngressRouteTCP", "other",
		    "'spec':{'ingressClassName':'nginx','entryPoints':['db'],'routes':[{'match':"
		    "'HostSNI(`*`)','services':[{'name':'pg','port':5432}]}]}");
	fixture_add(f, "IngressRouteTCP", "ours",
		    "'spec':{'ingressClassName':'traefik','entryPoints':['db'],'routes':[{'match':"
		    "'HostSNI(`*`)','services':[{'name':'pg','port':5432}]}]}");
	fixture_compile(f);
	assert_int_equal(f->snapshot->n_tcp_routes, 1);
	assert_text(f->snapshot->tcp_routes[0]->object, "IngressRouteTCP/shop/ours");
}

static void the_old_syntax_is_one_route_s_or_everybody_s(void **state)
{
	struct fixture *f = *state;

	stream_backend(f, "pg", "'10.0.0.1'");
	fixture_add(f, "IngressRouteTCP", "one",
		    "'spec':{'entryPoints':['db'],'tls':{},'routes':[{'match':"
		    "'HostSNI(`a.test`,`b.test`)','syntax':'v2','services':[{'name':'pg','port':"
		    "5432}]}]}");
	fixture_compile(f);
	assert_int_equal(stream_route(f, "IngressRouteTCP/shop/one", 0)->status, ROUTE_ENABLED);
	assert_string_not_equal(stream_answer(f, "db", true, "b.test", "10.1.1.1"), "");
}

static void default_entry_points_are_those_of_tcp(void **state)
{
	struct fixture *f = *state;

	stream_backend(f, "pg", "'10.0.0.1'");
	fixture_add(f, "IngressRouteTCP", "a",
		    "'spec':{'routes':[{'match':'HostSNI(`*`)','services':[{'name':'pg','port':"
		    "5432}]}]}");
	fixture_compile(f);
	assert_int_equal(stream_route(f, "IngressRouteTCP/shop/a", 0)->entry_points.n, 2);
	assert_non_null(fixture_entry_point(f, "web")->tcp);
	assert_null(fixture_entry_point(f, "dns")->tcp);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		STREAM_TEST(a_route_has_the_reference_s_name_and_priority),
		STREAM_TEST(wrong_routes_are_disabled_and_say_why),
		STREAM_TEST(a_star_that_stands_first_needs_no_tls),
		STREAM_TEST(tls_routes_stand_apart_and_give_way_to_https),
		STREAM_TEST(broken_tls_options_close_rather_than_let_others_answer),
		STREAM_TEST(who_comes_second_with_a_star_is_told),
		STREAM_TEST(nobody_takes_another_namespace_s_name),
		STREAM_TEST(the_class_decides_whose_objects_these_are),
		STREAM_TEST(the_old_syntax_is_one_route_s_or_everybody_s),
		STREAM_TEST(default_entry_points_are_those_of_tcp),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
