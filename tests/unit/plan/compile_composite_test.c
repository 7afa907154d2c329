// SPDX-License-Identifier: Apache-2.0
/* compile_composite_test: services made of services (reference a.6, d.2). */

#include "compile_fixture.h"

static const struct service *service_of(struct fixture *f)
{
	const struct route *route = fixture_find(f, "IngressRoute/shop/r", 0);

	return route && route->status != ROUTE_DISABLED ? route->service : NULL;
}

static void route_to(struct fixture *f, const char *services)
{
	fixture_add(
		f, "IngressRoute", "r",
		"'spec':{'entryPoints':['web'],'routes':[{'match':'Host(`a`)','services':[%s]}]}",
		services);
	fixture_compile(f);
}

static void traefik_services_nest_and_stick(void **state)
{
	struct fixture *f = *state;
	const struct service *outer, *inner;

	fixture_add(f, "TraefikService", "inner",
		    "'spec':{'weighted':{'services':[{'name':'web','port':80}]}}");
	fixture_add(f, "TraefikService", "outer",
		    "'spec':{'weighted':{'services':[{'name':'inner','kind':'TraefikService'},"
		    "{'name':'web','port':80,'weight':0}],'sticky':{'cookie':{'name':'c'}}}}");
	route_to(f, "{'name':'outer','kind':'TraefikService'}");
	outer = service_of(f);
	assert_text(outer->name, "shop-outer@kubernetescrd");
	inner = outer->children[0].service;
	assert_text(inner->name, "shop-inner@kubernetescrd");
	assert_text(outer->children[0].name, "shop-inner");
	assert_text(outer->sticky->cookie_name, "c");
	assert_int_equal(outer->children[0].sticky_values[0].len, 16);
	assert_int_equal(outer->turns.n_order, 1); /* the other has weight 0 */
}

/* A TraefikService "t" with this spec, and a route to it. */
static const struct service *traefik_service(struct fixture *f, const char *spec)
{
	fixture_expect_valid(f, fixture_add(f, "TraefikService", "t", "'spec':{%s}", spec));
	route_to(f, "{'name':'t','kind':'TraefikService'}");
	return service_of(f);
}

static void mirroring_has_one_that_answers_and_others(void **state)
{
	struct fixture *f = *state;
	const struct service *service;

	fixture_backend(f, "b", "'10.0.0.3'");
	service = traefik_service(f, "'mirroring':{'name':'web','port':80,'weight':0,'mirrors':["
				     "{'name':'b','port':80,'percent':20},"
				     "{'name':'b','port':'http'}]}");
	assert_int_equal(service->kind, SERVICE_MIRRORING);
	assert_text(service->name, "shop-t@kubernetescrd");
	assert_int_equal(service->n_children, 3);
	assert_text(service->children[0].name, "shop-web-80");
	assert_int_equal(service->children[0].weight, 1);
	assert_int_equal(service->children[1].percent, 20);
	assert_int_equal(service->children[2].percent, 0);
	assert_true(service->mirror_body);
	assert_int_equal(service->max_body_bytes, -1);
	service = traefik_service(f, "'mirroring':{'name':'web','port':80,'mirrorBody':false,"
				     "'maxBodySize':100}");
	assert_false(service->mirror_body);
	assert_int_equal(service->max_body_bytes, 100);
}

static void failover_has_two_and_statuses(void **state)
{
	struct fixture *f = *state;
	const struct service *service;

	fixture_backend(f, "b", "'10.0.0.3'");
	service = traefik_service(f, "'failover':{'service':{'name':'web','port':80},"
				     "'fallback':{'name':'b','port':80},"
				     "'errors':{'status':['500-502','404']}}");
	assert_int_equal(service->kind, SERVICE_FAILOVER);
	assert_int_equal(service->n_children, 2);
	assert_text(service->children[1].name, "shop-b-80");
	assert_int_equal(service->n_statuses, 2);
	assert_true(status_range_has(service->statuses, 2, 404));
	assert_true(status_range_has(service->statuses, 2, 501));
	assert_false(status_range_has(service->statuses, 2, 503));
	assert_int_equal(service->max_body_bytes, -1);
	service = traefik_service(f, "'failover':{'service':{'name':'web','port':80},"
				     "'fallback':{'name':'b','port':80},"
				     "'errors':{'maxRequestBodyBytes':7}}");
	assert_int_equal(service->n_statuses, 0);
	assert_int_equal(service->max_body_bytes, 7);
}

static void highest_random_weight_has_weights(void **state)
{
	struct fixture *f = *state;
	const struct service *service;

	fixture_backend(f, "b", "'10.0.0.3'");
	service = traefik_service(f, "'highestRandomWeight':{'services':[{'name':'web','port':80,"
				     "'weight':3},{'name':'b','port':80}]}");
	assert_int_equal(service->kind, SERVICE_HIGHEST_RANDOM_WEIGHT);
	assert_int_equal(service->children[0].weight, 3);
	assert_int_equal(service->children[1].weight, 1);
	assert_null(service->sticky);
}

static void the_first_of_several_kinds_is_used(void **state)
{
	static const char weighted[] = "'weighted':{'services':[{'name':'web','port':80}]}";
	static const char mirroring[] = "'mirroring':{'name':'web','port':80}";
	static const char highest[] =
		"'highestRandomWeight':{'services':[{'name':'web','port':80}]}";
	static const char failover[] = "'failover':{'service':{'name':'web','port':80},'fallback':{"
				       "'name':'web','port':80},"
				       "'errors':{}}";
	static const struct {
		const char *a, *b;
		enum service_kind kind;
		const char *told;
	} rows[] = {
		{failover, highest, SERVICE_HIGHEST_RANDOM_WEIGHT,
		 "has no effect beside highestRandomWeight"},
		{highest, mirroring, SERVICE_MIRRORING, "has no effect beside mirroring"},
		{mirroring, weighted, SERVICE_WEIGHTED, "has no effect beside weighted"},
	};
	struct fixture *f = *state;
	char spec[1024];

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		snprintf(spec, sizeof(spec), "%s,%s", rows[i].a, rows[i].b);
		assert_int_equal(traefik_service(f, spec)->kind, rows[i].kind);
		assert_told(f, "TraefikService/shop/t", rows[i].told);
	}
}

static void what_cannot_be_made_is_told(void **state)
{
	static const struct {
		const char *name, *spec, *told;
	} rows[] = {
		{"a.6 a mirror is missing",
		 "'mirroring':{'name':'web','port':80,'mirrors':[{'name':'none','port':80}]}",
		 "Service shop/none does not exist"},
		{"a.6 the fallback is missing",
		 "'failover':{'service':{'name':'web','port':80},'fallback':{'name':'none','port':"
		 "80},"
		 "'errors':{}}",
		 "Service shop/none does not exist"},
		{"d.2 recursion of mirrors",
		 "'mirroring':{'name':'web','port':80,'mirrors':[{'name':'t','kind':"
		 "'TraefikService'}]}",
		 "contains itself"},
		{"d.2 recursion of failover",
		 "'failover':{'service':{'name':'t','kind':'TraefikService'},'fallback':{'name':"
		 "'web','port':80},'errors':{}}",
		 "contains itself"},
		{"d.2 an unknown child",
		 "'highestRandomWeight':{'services':[{'name':'x','kind':'TraefikService'}]}",
		 "TraefikService shop/x does not exist"},
	};
	struct fixture *f = *state;

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		if (traefik_service(f, rows[i].spec))
			fail_msg("%s is served", rows[i].name);
		assert_told(f, "TraefikService/shop/t", rows[i].told);
		assert_told(f, "IngressRoute/shop/r", "has errors");
	}
}

static void too_many_levels_are_refused(void **state)
{
	struct fixture *f = *state;
	char child[128] = "'name':'web','port':80", name[16];

	for (int i = 1; i <= SERVICE_LEVELS_MAX; i++) {
		snprintf(name, sizeof(name), "t%d", i);
		fixture_add(f, "TraefikService", name, "'spec':{'weighted':{'services':[{%s}]}}",
			    child);
		snprintf(child, sizeof(child), "'name':'%s','kind':'TraefikService'", name);
	}
	route_to(f, "{'name':'t7','kind':'TraefikService'}");
	assert_int_equal(service_of(f)->levels, SERVICE_LEVELS_MAX);
	route_to(f, "{'name':'t8','kind':'TraefikService'}");
	assert_null(service_of(f));
	assert_told(f, "TraefikService/shop/t8", "more than 8 services inside each other");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		FIXTURE_TEST(traefik_services_nest_and_stick),
		FIXTURE_TEST(mirroring_has_one_that_answers_and_others),
		FIXTURE_TEST(failover_has_two_and_statuses),
		FIXTURE_TEST(highest_random_weight_has_weights),
		FIXTURE_TEST(the_first_of_several_kinds_is_used),
		FIXTURE_TEST(what_cannot_be_made_is_told),
		FIXTURE_TEST(too_many_levels_are_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
