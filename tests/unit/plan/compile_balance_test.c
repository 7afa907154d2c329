// SPDX-License-Identifier: Apache-2.0
/* compile_balance_test: turns (reference d.1) and cookies (a.1). */

#include "plan/compile_services.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

static struct arena arena;

static int setup(void **state)
{
	(void)state;
	arena_init(&arena, 64 << 20, 0);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	arena_done(&arena);
	return 0;
}

static void turns_are_earliest_deadline_first(void **state)
{
	static const struct {
		const char *name;
		int64_t weights[4];
		size_t n;
		const char *order;
	} rows[] = {
		{"none", {0}, 0, ""},
		{"one", {1}, 1, "0"},
		{"equal", {1, 1, 1}, 3, "012"},
		{"equal but larger", {7, 7}, 2, "01"},
		{"three to one", {3, 1}, 2, "0001"},
		{"two to one", {2, 1}, 2, "001"},
		{"smooth", {5, 1, 1}, 3, "0000012"},
		{"smooth, mixed", {3, 2}, 2, "01001"},
		{"reduced", {200, 100}, 2, "001"},
		{"zero gets none", {1, 0, 1}, 3, "02"},
		{"all zero", {0, 0}, 2, ""},
		{"negative gets none", {-1, 1}, 2, "1"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct turn_order turns;
		char order[64] = "";

		assert_true(compile_balance_turns(rows[i].weights, rows[i].n, &arena, &turns));
		for (uint32_t t = 0; t < turns.n_order; t++)
			order[t] = (char)('0' + turns.order[t]);
		order[turns.n_order] = 0;
		if (strcmp(order, rows[i].order))
			fail_msg("%s: %s, not %s", rows[i].name, order, rows[i].order);
	}
}

static void huge_weights_are_scaled_and_nobody_starves(void **state)
{
	int64_t weights[] = {1000000007, 1000000009, 1};
	uint32_t taken[3] = {0};
	struct turn_order turns;

	(void)state;
	assert_true(compile_balance_turns(weights, 3, &arena, &turns));
	assert_in_range(turns.n_order, 1, 4200);
	for (uint32_t t = 0; t < turns.n_order; t++)
		taken[turns.order[t]]++;
	assert_int_equal(taken[2], 1);
	assert_in_range(taken[0], 2000, 2100);
	assert_in_range(taken[1], 2000, 2100);
}

static void many_equal_servers_cost_one_pass(void **state)
{
	enum { N = 60000 };
	int64_t *weights = calloc(N, sizeof(*weights));
	struct turn_order turns;

	(void)state;
	for (size_t i = 0; i < N; i++)
		weights[i] = 1;
	assert_true(compile_balance_turns(weights, N, &arena, &turns));
	assert_int_equal(turns.n_order, N);
	assert_int_equal(turns.order[N - 1], N - 1);
	free(weights);
}

static void cookies_say_what_the_manifest_says(void **state)
{
	static const struct {
		struct sticky_cookie cookie;
		const char *name, *attributes;
	} rows[] = {
		{{.path = STR("/")}, "_5f7bc", "; Path=/"},
		{{.name = STR("lb"),
		  .path = STR("/"),
		  .http_only = true,
		  .secure = true,
		  .same_site = STR("Strict"),
		  .max_age = 60,
		  .domain = STR("a.test")},
		 "lb",
		 "; Path=/; Domain=a.test; Max-Age=60; HttpOnly; Secure; SameSite=Strict"},
		{{.name = STR("l b"), .max_age = -1, .same_site = STR("bogus")},
		 "l_b",
		 "; Max-Age=0"},
		{{.path = STR("/a;\r\nSet-Cookie: x"), .same_site = STR("NONE")},
		 "_5f7bc",
		 "; Path=/aSet-Cookie: x; SameSite=None"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct sticky_cookie cookie = rows[i].cookie;
		struct sticky_conf conf = {.cookie = &cookie};
		const struct sticky *sticky =
			compile_balance_sticky(&conf, STR("/my/BACKEND-v1.0~rc1"), &arena);

		assert_string_equal(sticky->cookie_name.at, rows[i].name);
		assert_string_equal(sticky->attributes.at, rows[i].attributes);
	}
	assert_null(compile_balance_sticky(NULL, STR("x"), &arena));
	assert_null(compile_balance_sticky(&(struct sticky_conf){0}, STR("x"), &arena));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(turns_are_earliest_deadline_first),
		cmocka_unit_test(huge_weights_are_scaled_and_nobody_starves),
		cmocka_unit_test(many_equal_servers_cost_one_pass),
		cmocka_unit_test(cookies_say_what_the_manifest_says),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
