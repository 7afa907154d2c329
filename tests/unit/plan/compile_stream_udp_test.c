// SPDX-License-Identifier: Apache-2.0
/* compile_stream_udp_test: IngressRouteUDP objects and who gets an entry point (reference a.3). */

#include "stream_fixture.h"

static const struct udp_route *udp_route(const struct fixture *f, const char *name)
{
	for (uint32_t i = 0; i < f->snapshot->n_udp_routes; i++)
		if (str_eq(f->snapshot->udp_routes[i]->name, str_of(name)))
			return f->snapshot->udp_routes[i];
	fail_msg("no route %s", name);
	return NULL;
}

static void add(struct fixture *f, const char *name, const char *entry_points)
{
	fixture_expect_valid(f, fixture_add(f, "IngressRouteUDP", name,
					    "'spec':{%s'routes':[{'services':[{'name':'pg','port':"
					    "5432}]}]}",
					    entry_points));
}

static void the_greatest_name_has_the_entry_point(void **state)
{
	struct fixture *f = *state;

	stream_backend(f, "pg", "'10.0.0.1'");
	add(f, "b", "'entryPoints':['dns'],");
	add(f, "c", "'entryPoints':['dns'],");
	add(f, "a", "");
	fixture_compile(f);
	assert_text(fixture_entry_point(f, "dns")->udp->name, "shop-c-0@kubernetescrd");
	/* Without entry points: all of UDP. */
	assert_text(fixture_entry_point(f, "log")->udp_route->name, "shop-a-0@kubernetescrd");
	assert_null(fixture_entry_point(f, "web")->udp);
	assert_told(f, "IngressRouteUDP/shop/b",
		    "IngressRouteUDP/shop/c has it: its name is greater");
	assert_told(f, "IngressRouteUDP/shop/a", "entry point dns has one UDP route");
	assert_int_equal(udp_route(f, "shop-a-0@kubernetescrd")->status, ROUTE_WARNING);
	assert_int_equal(udp_route(f, "shop-c-0@kubernetescrd")->status, ROUTE_ENABLED);
}

static void one_that_is_disabled_has_nothing(void **state)
{
	struct fixture *f = *state;

	stream_backend(f, "pg", "'10.0.0.1'");
	add(f, "a", "'entryPoints':['dns'],");
	fixture_add(f, "IngressRouteUDP", "z",
		    "'spec':{'entryPoints':['dns'],'routes':[{'services':[{'name':'no','port':1}]}"
		    "]}");
	fixture_compile(f);
	assert_int_equal(udp_route(f, "shop-z-0@kubernetescrd")->status, ROUTE_DISABLED);
	assert_text(fixture_entry_point(f, "dns")->udp_route->name, "shop-a-0@kubernetescrd");
}

static void an_entry_point_of_tcp_is_none(void **state)
{
	struct fixture *f = *state;

	stream_backend(f, "pg", "'10.0.0.1'");
	add(f, "a", "'entryPoints':['db'],");
	add(f, "b", "'entryPoints':['none','dns'],");
	fixture_compile(f);
	assert_told(f, "IngressRouteUDP/shop/a", "entry point db is not of UDP");
	assert_int_equal(udp_route(f, "shop-a-0@kubernetescrd")->status, ROUTE_DISABLED);
	assert_told(f, "IngressRouteUDP/shop/b", "there is no entry point none");
	assert_int_equal(udp_route(f, "shop-b-0@kubernetescrd")->status, ROUTE_WARNING);
}

static void several_services_share_by_weight(void **state)
{
	struct fixture *f = *state;
	const struct stream_service *service;

	stream_backend(f, "a", "'10.0.0.1'");
	stream_backend(f, "b", "'10.0.0.2'");
	fixture_add(f, "IngressRouteUDP", "r",
		    "'spec':{'entryPoints':['dns'],'routes':[{'services':[{'name':'a','port':5432,"
		    "'weight':4},{'name':'b','port':5432,'weight':2}]}]}");
	fixture_compile(f);
	service = fixture_entry_point(f, "dns")->udp;
	assert_text(service->name, "shop-r-0@kubernetescrd");
	assert_text(service->children[1]->name, "shop-r-0-b-5432@kubernetescrd");
	assert_int_equal(service->turns.n_order, 3);
	assert_null(service->children[0]->transport);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		STREAM_TEST(the_greatest_name_has_the_entry_point),
		STREAM_TEST(one_that_is_disabled_has_nothing),
		STREAM_TEST(an_entry_point_of_tcp_is_none),
		STREAM_TEST(several_services_share_by_weight),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
