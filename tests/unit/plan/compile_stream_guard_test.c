// SPDX-License-Identifier: Apache-2.0
/* compile_stream_guard_test: MiddlewareTCPs of routes (reference a.5, c.15). */

#include "stream_fixture.h"

static const struct tcp_route *route_with(struct fixture *f, const char *middlewares)
{
	fixture_expect_valid(
		f, fixture_add(f, "IngressRouteTCP", "r",
			       "'spec':{'routes':[{'match':'HostSNI(`*`)','middlewares':[%s],"
			       "'services':[{'name':'pg','port':5432}]}]}",
			       middlewares));
	fixture_compile(f);
	return stream_route(f, "IngressRouteTCP/shop/r", 0);
}

static bool passes(const struct stream_guard *guard, const char *text)
{
	struct addr addr;

	addr_parse(str_of(text), &addr);
	return cidr_set_contains(guard->allow, &addr);
}

static void guards_stand_in_the_order_of_the_route(void **state)
{
	struct fixture *f = *state;
	const struct tcp_route *route;
	struct mw_state *counts;
	uint32_t slot;

	stream_backend(f, "pg", "'10.0.0.1'");
	fixture_expect_valid(
		f, fixture_add(f, "MiddlewareTCP", "few", "'spec':{'inFlightConn':{'amount':2}}"));
	fixture_expect_valid(
		f, fixture_add(f, "MiddlewareTCP", "near",
			       "'spec':{'ipAllowList':{'sourceRange':['10.0.0.0/8','2001:db8::/32'"
			       ",'192.0.2.7']}}"));
	fixture_expect_valid(f, fixture_add(f, "MiddlewareTCP", "old",
					    "'spec':{'ipWhiteList':{'sourceRange':['10.0.0.1']}}"));
	route = route_with(f, "{'name':'near'},{'name':'few'},{'name':'old'}");
	assert_int_equal(route->status, ROUTE_ENABLED);
	assert_int_equal(route->n_guards, 3);
	assert_text(route->guards[0].name, "shop-near@kubernetescrd");
	assert_int_equal(route->guards[0].kind, STREAM_GUARD_ALLOW);
	assert_true(passes(&route->guards[0], "10.7.7.7"));
	assert_true(passes(&route->guards[0], "2001:db8::9"));
	assert_true(passes(&route->guards[0], "192.0.2.7"));
	assert_false(passes(&route->guards[0], "192.0.2.8"));
	assert_int_equal(route->guards[1].kind, STREAM_GUARD_IN_FLIGHT);
	assert_int_equal(route->guards[1].amount, 2);
	assert_false(passes(&route->guards[2], "10.0.0.2"));
	/* Counts stay over updates. */
	counts = route->guards[1].in_flight;
	assert_true(in_flight_enter(counts, 7, 2, &slot));
	fixture_compile(f);
	assert_ptr_equal(stream_route(f, "IngressRouteTCP/shop/r", 0)->guards[1].in_flight, counts);
	in_flight_leave(counts, slot);
	assert_int_equal(f->snapshot->n_tcp_middlewares, 3);
	assert_text(f->snapshot->tcp_middlewares[0].name, "shop-few@kubernetescrd");
	assert_string_equal(f->snapshot->tcp_middlewares[0].type, "inFlightConn");
}

static void a_guard_that_cannot_be_had_closes_the_route(void **state)
{
	static const struct {
		const char *middlewares, *told;
	} rows[] = {
		{"{'name':'no'}", "MiddlewareTCP no does not exist"},
		{"{'name':'broken'}", "MiddlewareTCP broken has errors"},
		{"{'name':'m','namespace':'bank'}", "across namespaces are not allowed"},
		{"{'name':'bank-m@kubernetescrd'}", "across namespaces are not allowed"},
		{"{'name':'m@file'}", "MiddlewareTCP m@file does not exist"},
	};
	struct fixture *f = *state;

	stream_backend(f, "pg", "'10.0.0.1'");
	fixture_add(f, "MiddlewareTCP", "bank/m", "'spec':{'inFlightConn':{'amount':2}}");
	fixture_add(f, "MiddlewareTCP", "broken", "'spec':{}");
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		assert_int_equal(route_with(f, rows[i].middlewares)->status, ROUTE_DISABLED);
		assert_told(f, "IngressRouteTCP/shop/r", rows[i].told);
	}
	fixture_config(f, "{" STREAM_EPS
			  ",'providers':{'kubernetesCRD':{'allowCrossNamespace':true}}}");
	assert_int_equal(route_with(f, rows[2].middlewares)->status, ROUTE_ENABLED);
	assert_int_equal(route_with(f, rows[3].middlewares)->status, ROUTE_ENABLED);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		STREAM_TEST(guards_stand_in_the_order_of_the_route),
		STREAM_TEST(a_guard_that_cannot_be_had_closes_the_route),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
