// SPDX-License-Identifier: Apache-2.0
/* names_test: names as Traefik makes them (reference a.0, a.1). */

#include "plan/names.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>

#include <cmocka.h>

static struct arena arena;

static int setup(void **state)
{
	(void)state;
	arena_init(&arena, 1 << 20, 0);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	arena_done(&arena);
	return 0;
}

static void assert_str(struct str got, const char *want)
{
	assert_string_equal(got.at, want);
	assert_int_equal(got.len, strlen(want));
}

static void whatever_is_no_letter_or_number_becomes_one_dash(void **state)
{
	static const struct {
		const char *text, *want;
	} rows[] = {
		{"default-my.mw", "default-my-mw"},
		{"a--b..c", "a-b-c"},
		{"-a-", "a"},
		{"", ""},
		{"...", ""},
		{"A1_b", "A1-b"},
		{"caf\xc3\xa9-x", "caf\xc3\xa9-x"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++)
		assert_str(names_normalize(str_of(rows[i].text), &arena), rows[i].want);
}

static void routers_carry_a_hash_of_their_rule(void **state)
{
	(void)state;
	assert_str(names_router(STR("default"), STR("test.route"),
				STR("Host(`foo.com`) && PathPrefix(`/bar`)"), &arena),
		   "default-test-route-6b204d94623b3df4370c");
}

static void services_carry_their_port_as_written(void **state)
{
	(void)state;
	assert_str(names_child(STR("ns"), STR("who.ami"), STR("web"), &arena), "ns-who-ami-web");
	assert_str(names_object(STR("ns"), STR("a.b"), &arena), "ns-a-b");
	assert_str(names_join(STR("a"), STR(NAMES_CRD), &arena), "a@kubernetescrd");
}

static void a_cookie_is_named_after_its_service(void **state)
{
	(void)state;
	assert_str(names_cookie(STR("/my/BACKEND-v1.0~rc1"), &arena), "_5f7bc");
	assert_str(names_cookie_clean(STR("a b;c=\xc3\xa9!#$%&'*+-.^`|~Z9"), &arena),
		   "a_b_c___!#$%&'*+-.^`|~Z9");
}

static void a_server_is_known_by_its_older_spellings(void **state)
{
	const struct str *values = names_sticky_values(STR("http://10.0.0.1:80"), &arena);

	(void)state;
	assert_str(values[0], "df5bd2f9c0180410");
	assert_str(values[1], "http://10.0.0.1:80");
	assert_str(values[2], "6773b9eb3f0631af");
	assert_str(values[3], "a3882de487ebf0dc");
	assert_str(values[4], "c2e8df179a351d87");
	assert_str(values[5], "1f4d85d64d241a59");
}

static void a_router_ranks_by_its_provider(void **state)
{
	(void)state;
	assert_int_equal(names_provider_rank(STR("a@kubernetescrd")), 0);
	assert_int_equal(names_provider_rank(STR("a@kubernetes")), 1);
	assert_int_equal(names_provider_rank(STR("a@file")), 2);
	assert_int_equal(names_provider_rank(STR("a@internal")), 3);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(whatever_is_no_letter_or_number_becomes_one_dash),
		cmocka_unit_test(routers_carry_a_hash_of_their_rule),
		cmocka_unit_test(services_carry_their_port_as_written),
		cmocka_unit_test(a_cookie_is_named_after_its_service),
		cmocka_unit_test(a_server_is_known_by_its_older_spellings),
		cmocka_unit_test(a_router_ranks_by_its_provider),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
