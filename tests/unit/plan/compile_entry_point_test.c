// SPDX-License-Identifier: Apache-2.0
/* compile_entry_point_test: entry points in the snapshot, redirections (reference e). */

#include "compile_fixture.h"

static void entry_points_stand_in_the_order_of_the_configuration(void **state)
{
	struct fixture *f = *state;
	const struct snapshot *snapshot;

	fixture_config(
		f,
		"{'entryPoints':{'b':{'address':':81'},'udp':{'address':':53/udp'},'a':{'address':"
		"'10.0.0.1:82','forwardedHeaders':{'trustedIPs':['10.0.0.0/8']}}}}");
	snapshot = fixture_compile(f);
	assert_int_equal(snapshot->n_entry_points, 3);
	for (uint16_t i = 0; i < 3; i++) {
		assert_int_equal(snapshot->entry_points[i].index, i);
		assert_ptr_equal(snapshot->entry_points[i].conf, static_entry_point(&f->config, i));
		assert_non_null(snapshot->entry_points[i].plain);
		assert_non_null(snapshot->entry_points[i].tls);
		assert_null(snapshot->entry_points[i].tls_table);
	}
	assert_int_equal(fixture_entry_point(f, "a")->reading.forwarded.n_trusted, 1);
}

static void redirections_are_routers_of_their_own(void **state)
{
	struct fixture *f = *state;
	const struct route *route;

	fixture_config(
		f,
		"{'entryPoints':{'web':{'address':':80','http':{'redirections':{'entryPoint':{'to':"
		"'websecure'}}}},'websecure':{'address':':8443'}}}");
	fixture_route(f, "r", "Host(`a`)", "");
	fixture_compile(f);
	assert_string_equal(fixture_answer(f, "web", false, "a", "/"), "web-to-websecure@internal");
	assert_string_equal(fixture_answer(f, "web", false, "", "/"), "");
	route = f->snapshot->routes[1];
	assert_text(route->name, "web-to-websecure@internal");
	assert_true(route->priority == INT64_MAX - 1);
	assert_int_equal(route->service->kind, SERVICE_NOOP);
	assert_int_equal(route->chain.n, 1);
	assert_text(route->chain.at[0].name, "redirect-web-to-websecure@internal");
	assert_string_equal(route->chain.at[0].mw->name, "redirectScheme");
}

static void a_redirection_may_be_outranked_and_may_name_a_port(void **state)
{
	struct fixture *f = *state;

	fixture_config(
		f,
		"{'entryPoints':{'web':{'address':':80','http':{'redirections':{'entryPoint':{'to':"
		"':8443','priority':5}}}}}}");
	fixture_route(f, "r", "Host(`a`)", "");
	fixture_compile(f);
	assert_int_equal(fixture_answer(f, "web", false, "a", "/")[0], 's');
	assert_string_equal(fixture_answer(f, "web", false, "b", "/"), "web-to-8443@internal");
}

static void a_redirection_to_nowhere_is_told(void **state)
{
	struct fixture *f = *state;

	fixture_config(
		f,
		"{'entryPoints':{'web':{'address':':80','http':{'redirections':{'entryPoint':{'to':"
		"'none'}}}}}}");
	fixture_compile(f);
	assert_told(f, NULL, "there is no entry point none");
	assert_int_equal(f->snapshot->n_routes, 0);
}

static void options_become_what_requests_are_read_with(void **state)
{
	struct fixture *f = *state;
	const struct entry_point *ep;

	fixture_config(f, "{'entryPoints':{'web':{'address':':80','http':{'sanitizePath':false,"
			  "'encodedCharacters':{'allowEncodedSlash':false}}}}}");
	fixture_compile(f);
	ep = fixture_entry_point(f, "web");
	assert_true(ep->reading.canon.keep_path);
	assert_int_equal(ep->reading.denied_escapes, CANON_ENCODED_SLASH);
	assert_true(ep->reading.limits.max_head_bytes > 1000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		FIXTURE_TEST(entry_points_stand_in_the_order_of_the_configuration),
		FIXTURE_TEST(redirections_are_routers_of_their_own),
		FIXTURE_TEST(a_redirection_may_be_outranked_and_may_name_a_port),
		FIXTURE_TEST(a_redirection_to_nowhere_is_told),
		FIXTURE_TEST(options_become_what_requests_are_read_with),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
