// SPDX-License-Identifier: Apache-2.0
/* cache_key_test: how keys are made; that they tell requests apart is in cache_look_test. */

#include "mw/cache_key.h"
#include "mw_lab.h"

static struct lab lab;

static void a_key_holds_all_that_says_where_it_came_in(void **state)
{
	(void)state;
	lab_init(&lab);
	lab_request(&lab, "GET https://A.test:8443/a%20b?x=1",
		    "X-Forwarded-Host: h\nForwarded:\nX-Other: 1");
	lab_assert_str(cache_key_of(&lab.request, &lab.arena),
		       "https\na.test:8443\n/a%20b?x=1\n=h\n\n\n\n\n\n=");
	lab_assert_str(cache_key_beside(&lab.request, STR("/other"), &lab.arena),
		       "https\na.test:8443\n/other\n=h\n\n\n\n\n\n=");
	lab_request(&lab, "GET http://a.test/x", "X-Forwarded-Prefix: /a\nX-Forwarded-Prefix: /b");
	lab_assert_str(cache_key_of(&lab.request, &lab.arena),
		       "http\na.test\n/x\n\n\n\n=/a,/b\n\n\n");
	lab_done(&lab);
}

static void names_in_vary_are_sorted(void **state)
{
	struct headers headers = {0};
	struct str vary;

	(void)state;
	lab_init(&lab);
	headers.arena = &lab.arena;
	header_add(&headers, STR("Vary"), STR("Origin, accept-encoding,, Origin"));
	header_add(&headers, STR("vary"), STR("Accept"));
	assert_true(cache_key_vary(&headers, &lab.arena, &vary));
	lab_assert_str(vary, "accept\naccept-encoding\norigin");
	for (int i = 0; i < CACHE_KEY_VARY_MAX; i++)
		header_add(&headers, STR("Vary"), arena_printf(&lab.arena, "X-%d", i));
	assert_false(cache_key_vary(&headers, &lab.arena, &vary));
	lab_done(&lab);
}

static void variants_differ_by_what_is_named(void **state)
{
	struct str vary = STR("accept-encoding\nx-a");

	(void)state;
	lab_init(&lab);
	lab_request(&lab, "GET http://a.test/", "Accept-Encoding: GZip, br\nX-A: 1\nX-A: 2");
	lab_assert_str(cache_key_variant(STR("key"), 10, vary, &lab.request.headers, &lab.arena),
		       "key\na\n=gzip,br\n=1,2");
	lab_request(&lab, "GET http://a.test/", "X-A:");
	lab_assert_str(cache_key_variant(STR("key"), 10, vary, &lab.request.headers, &lab.arena),
		       "key\na\n\n=");
	lab_done(&lab);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_key_holds_all_that_says_where_it_came_in),
		cmocka_unit_test(names_in_vary_are_sorted),
		cmocka_unit_test(variants_differ_by_what_is_named),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
