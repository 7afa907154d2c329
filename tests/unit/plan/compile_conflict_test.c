// SPDX-License-Identifier: Apache-2.0
/* compile_conflict_test: who is never reached is told, and by whom. */

#include "plan/compile_conflict.h"

#include "stream_fixture.h"

static void put(struct fixture *f, const char *kind, const char *namespace_, const char *name,
		int day, const char *route)
{
	fixture_expect_valid(
		f,
		fixture_put(f,
			    "{'apiVersion':'traefik.io/v1alpha1','kind':'%s','metadata':{'name':"
			    "'%s','namespace':'%s','creationTimestamp':'2026-01-%02dT00:00:00Z'},"
			    "'spec':{%s}}",
			    kind, name, namespace_, day, route));
}

#define HTTP(match, more)                                  \
	"'entryPoints':['web'],'routes':[{'match':'" match \
	"','kind':'Rule','services':[{'name':'web','port':80}]" more "}]"

static const char *status_of(const struct fixture *f, const char *object)
{
	static char text[64];
	const struct route *route = fixture_find(f, object, 0);
	json_t *item = rawdata_router(f->snapshot, route);

	snprintf(text, sizeof(text), "%s", json_string_value(json_object_get(item, "status")));
	json_decref(item);
	return text;
}

static void the_younger_of_two_equal_routes_is_told_who_has_it(void **state)
{
	struct fixture *f = *state;

	put(f, "IngressRoute", "shop", "old", 1, HTTP("Host(`a`)", ""));
	fixture_compile(f);
	assert_int_equal(f->snapshot->n_conflicts, 0);
	fixture_backend(f, "evil/web", "'10.0.9.1'");
	put(f, "IngressRoute", "evil", "new", 2, HTTP("Host(`a`)", ""));
	fixture_compile(f);
	assert_told(f, "IngressRoute/evil/new",
		    "never reached on entry point web: IngressRoute/shop/old has the same rule "
		    "there and is older");
	assert_false(fixture_told(f, "IngressRoute/shop/old", ""));
	assert_string_equal(status_of(f, "IngressRoute/evil/new"), "warning");
	assert_string_equal(status_of(f, "IngressRoute/shop/old"), "enabled");
	assert_true(f->snapshot->diags.at[f->snapshot->diags.n - 1].is_conflict);
	/* Endpoints come and go: it is still so. */
	fixture_backend(f, "evil/web", "'10.0.9.1','10.0.9.2'");
	fixture_compile(f);
	assert_string_equal(status_of(f, "IngressRoute/evil/new"), "warning");
	/* Another place: no more. */
	put(f, "IngressRoute", "evil", "new", 2, HTTP("Host(`b`)", ""));
	fixture_compile(f);
	assert_int_equal(f->snapshot->n_conflicts, 0);
	assert_string_equal(status_of(f, "IngressRoute/evil/new"), "enabled");
}

static void a_route_that_a_higher_priority_hides_is_told_too(void **state)
{
	struct fixture *f = *state;

	fixture_backend(f, "evil/web", "'10.0.9.1'");
	put(f, "IngressRoute", "shop", "old", 1, HTTP("Host(`a`)", ""));
	put(f, "IngressRoute", "evil", "new", 2, HTTP("Host(`a`)", ",'priority':100000"));
	fixture_compile(f);
	assert_told(f, "IngressRoute/shop/old",
		    "IngressRoute/evil/new has the same rule there and has a higher priority");
}

static void of_tcp_and_udp_the_older_wins_and_the_other_is_told(void **state)
{
	static const char tcp[] = "'entryPoints':['db'],'routes':[{'match':'HostSNI(`*`)',"
				  "'services':[{'name':'db','port':5432}]}]";
	static const char udp[] = "'entryPoints':['dns'],'routes':[{'services':[{'name':'db',"
				  "'port':5432}]}]";
	struct fixture *f = *state;

	fixture_config(f, "{" STREAM_EPS "}");
	stream_backend(f, "db", "'10.0.0.1'");
	put(f, "IngressRouteTCP", "shop", "first", 1, tcp);
	put(f, "IngressRouteTCP", "shop", "a-second", 2, tcp);
	put(f, "IngressRouteUDP", "shop", "first", 1, udp);
	put(f, "IngressRouteUDP", "shop", "zz-second", 2, udp);
	fixture_compile(f);
	assert_told(f, "IngressRouteTCP/shop/a-second",
		    "IngressRouteTCP/shop/first has the same rule there and is older");
	assert_int_equal(stream_route(f, "IngressRouteTCP/shop/a-second", 0)->status,
			 ROUTE_WARNING);
	assert_told(f, "IngressRouteUDP/shop/zz-second",
		    "IngressRouteUDP/shop/first has it: it is older");
	assert_string_equal(fixture_entry_point(f, "dns")->udp_route->object.at,
			    "IngressRouteUDP/shop/first");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		FIXTURE_TEST(the_younger_of_two_equal_routes_is_told_who_has_it),
		FIXTURE_TEST(a_route_that_a_higher_priority_hides_is_told_too),
		FIXTURE_TEST(of_tcp_and_udp_the_older_wins_and_the_other_is_told),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
