// SPDX-License-Identifier: Apache-2.0
/* compile_service_test: what routes and TraefikServices lead to (reference a.0, a.1, a.6, d.2). */

#include "compile_fixture.h"

static const struct service *service_of(struct fixture *f)
{
	const struct route *route = fixture_find(f, "IngressRoute/shop/r", 0);

	return route && route->status != ROUTE_DISABLED ? route->service : NULL;
}

static void route_to(struct fixture *f, const char *services)
{
	fixture_expect_valid(f, fixture_add(f, "IngressRoute", "r",
					    "'spec':{'entryPoints':['web'],'routes':[{'match':'"
					    "Host(`a`)','services':[%s]}"
					    "]}",
					    services));
	fixture_compile(f);
}

static void several_services_become_a_weighted_one(void **state)
{
	struct fixture *f = *state;
	const struct service *service;

	fixture_backend(f, "b", "'10.0.0.3'");
	route_to(f, "{'name':'web','port':80,'weight':3},{'name':'b','port':'http'}");
	service = service_of(f);
	assert_int_equal(service->kind, SERVICE_WEIGHTED);
	assert_int_equal(service->n_children, 2);
	assert_text(service->children[0].name, "shop-web-80");
	assert_text(service->children[1].name, "shop-b-http");
	assert_text(service->children[1].service->name, "shop-b-http@kubernetescrd");
	assert_int_equal(service->turns.n_order, 4);
	assert_non_null(fixture_service(f, "shop-web-80@kubernetescrd"));
}

static void what_cannot_be_reached_disables_the_route(void **state)
{
	static const struct {
		const char *name, *config, *services, *told;
	} rows[] = {
		{"a.0 missing", "", "{'name':'none','port':80}",
		 "Service shop/none does not exist"},
		{"a.6 missing", "", "{'name':'none','kind':'TraefikService'}",
		 "TraefikService shop/none does not exist"},
		{"a.0 another namespace", "", "{'name':'web','namespace':'x','port':80}",
		 "references across namespaces"},
		{"d.2 internal", "", "{'name':'api@internal','kind':'TraefikService'}",
		 "api@internal is served by the admin listener only"},
		{"a.0 provider", "", "{'name':'x@file','kind':'TraefikService'}",
		 "service x@file does not exist"},
		{"d.2 recursion", "", "{'name':'loop','kind':'TraefikService'}", "has errors"},
		{"a.1 one bad child", "", "{'name':'web','port':80},{'name':'none','port':80}",
		 "does not exist"},
		{"a.1 none", "", "", "a route needs a service"},
		{"broken object", "", "{'name':'broken','kind':'TraefikService'}", "has errors"},
	};
	struct fixture *f = *state;

	fixture_add(f, "TraefikService", "loop",
		    "'spec':{'weighted':{'services':[{'name':'loop','kind':'TraefikService'}]}}");
	fixture_add(f, "TraefikService", "broken", "'spec':{'wieghted':{}}");
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		fixture_add(f, "IngressRoute", "r",
			    "'spec':{'entryPoints':['web'],'routes':[{'match':'Host(`a`)','"
			    "services':[%s]}]}",
			    rows[i].services);
		fixture_compile(f);
		if (service_of(f))
			fail_msg("%s is served", rows[i].name);
		assert_told(f, "IngressRoute/shop/r", rows[i].told);
	}
	assert_told(f, "TraefikService/shop/loop", "contains itself");
}

static void other_namespaces_are_reached_when_allowed(void **state)
{
	struct fixture *f = *state;

	fixture_config(f, "{" FIXTURE_EPS
			  ",'providers':{'kubernetesCRD':{'allowCrossNamespace':true}}}");
	fixture_backend(f, "other/web", "'10.0.0.8'");
	route_to(f, "{'name':'web','namespace':'other','port':80}");
	assert_text(service_of(f)->servers[0].url, "http://10.0.0.8:8080");
	fixture_add(f, "TraefikService", "other/ts",
		    "'spec':{'weighted':{'services':[{'name':'web','port':80}]}}");
	route_to(f, "{'name':'ts@kubernetescrd','namespace':'other','kind':'TraefikService'}");
	assert_text(service_of(f)->name, "other-ts@kubernetescrd");
}

static void settings_of_the_reference_are_taken_over(void **state)
{
	struct fixture *f = *state;
	const struct service *service;

	route_to(f, "{'name':'web','port':80}");
	service = service_of(f);
	assert_true(service->pass_host_header);
	assert_int_equal(service->flush_interval_ns, 100000000);
	assert_null(service->sticky);
	assert_null(service->servers[0].sticky_values);
	route_to(f, "{'name':'web','port':80,'passHostHeader':false,'responseForwarding':{"
		    "'flushInterval':'1s'},'sticky':{'cookie':{}}}");
	service = service_of(f);
	assert_false(service->pass_host_header);
	assert_int_equal(service->flush_interval_ns, 1000000000);
	assert_int_equal(service->sticky->cookie_name.len, 6);
	assert_text(service->sticky->attributes, "; Path=/");
	assert_int_equal(service->servers[0].sticky_values[0].len, 16);
}

static void middlewares_of_a_service_come_from_its_namespace(void **state)
{
	struct fixture *f = *state;
	const struct service *service;

	fixture_config(f, "{" FIXTURE_EPS
			  ",'providers':{'kubernetesCRD':{'allowCrossNamespace':true}}}");
	fixture_backend(f, "other/web", "'10.0.0.8'");
	fixture_add(f, "Middleware", "other/strip",
		    "'spec':{'stripPrefix':{'prefixes':['/other']}}");
	fixture_add(f, "Middleware", "strip", "'spec':{'stripPrefix':{'prefixes':['/shop']}}");
	/* The only one's run with the route's own. */
	route_to(f,
		 "{'name':'web','namespace':'other','port':80,'middlewares':[{'name':'strip'}]}");
	assert_null(service_of(f)->chain);
	assert_int_equal(fixture_find(f, "IngressRoute/shop/r", 0)->chain.n, 1);
	assert_text(fixture_find(f, "IngressRoute/shop/r", 0)->chain.at[0].name,
		    "other-strip@kubernetescrd");
	route_to(f, "{'name':'web','port':80},{'name':'web','namespace':'other','port':80,"
		    "'middlewares':[{'name':'strip'}]}");
	service = service_of(f);
	assert_null(service->chain);
	assert_null(service->children[0].service->chain);
	assert_int_equal(service->children[1].service->chain->n, 1);
	assert_text(service->children[1].service->chain->at[0].name, "other-strip@kubernetescrd");
	assert_int_equal(fixture_find(f, "IngressRoute/shop/r", 0)->chain.n, 0);
	fixture_add(f, "IngressRoute", "r",
		    "'spec':{'routes':[{'match':'Host(`a`)','services':[{'name':'web','port':80,"
		    "'middlewares':[{'name':'none'}]}]}]}");
	fixture_compile(f);
	assert_null(service_of(f));
	assert_told(f, "IngressRoute/shop/r", "middleware shop-none@kubernetescrd does not exist");
}

static void noop_answers_by_itself(void **state)
{
	struct fixture *f = *state;

	route_to(f, "{'name':'noop@internal','kind':'TraefikService'}");
	assert_int_equal(service_of(f)->kind, SERVICE_NOOP);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		FIXTURE_TEST(several_services_become_a_weighted_one),
		FIXTURE_TEST(what_cannot_be_reached_disables_the_route),
		FIXTURE_TEST(other_namespaces_are_reached_when_allowed),
		FIXTURE_TEST(settings_of_the_reference_are_taken_over),
		FIXTURE_TEST(middlewares_of_a_service_come_from_its_namespace),
		FIXTURE_TEST(noop_answers_by_itself),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
