// SPDX-License-Identifier: Apache-2.0
/* auth_cache_test: what is remembered, for how long, and what is not confused. */

#include "mw_lab.h"

#include "mw/auth_cache.h"

static void a_credential_is_remembered_for_a_minute(void **state)
{
	struct lab lab;
	struct auth_cache_key key;

	(void)state;
	lab_init(&lab);
	lab.mw.state = auth_cache_new();
	assert_true(
		auth_cache_key(lab.mw.state, STR("ann"), STR("$h"), STR("pw"), &lab.arena, &key));
	assert_false(auth_cache_has(lab.mw.state, &key, 5));
	auth_cache_put(lab.mw.state, &key, 5);
	assert_true(auth_cache_has(lab.mw.state, &key, 5));
	assert_true(auth_cache_has(lab.mw.state, &key, 4 + AUTH_CACHE_SECONDS * NS_PER_SEC));
	assert_false(auth_cache_has(lab.mw.state, &key, 5 + AUTH_CACHE_SECONDS * NS_PER_SEC));
	assert_true(lab.mw.state->memory_bytes(lab.mw.state) < 128 << 10);
	lab_done(&lab);
}

static void every_part_counts(void **state)
{
	static const struct {
		struct str user, hash, password;
	} rows[] = {
		{STR("bob"), STR("$h"), STR("pw")}, {STR("ann"), STR("$i"), STR("pw")},
		{STR("ann"), STR("$h"), STR("px")}, {STR("ann$"), STR("h"), STR("pw")},
		{STR("ann"), STR("$hp"), STR("w")}, {STR("ann"), STR("$h"), STR("pw\0")},
	};
	struct lab lab;
	struct auth_cache_key key;

	(void)state;
	lab_init(&lab);
	lab.mw.state = auth_cache_new();
	auth_cache_key(lab.mw.state, STR("ann"), STR("$h"), STR("pw"), &lab.arena, &key);
	auth_cache_put(lab.mw.state, &key, 5);
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		auth_cache_key(lab.mw.state, rows[i].user, rows[i].hash, rows[i].password,
			       &lab.arena, &key);
		assert_false(auth_cache_has(lab.mw.state, &key, 6));
	}
	lab_done(&lab);
}

static void two_caches_have_two_keys(void **state)
{
	struct lab lab;
	struct auth_cache_key one, two;
	struct mw_state *other = auth_cache_new();

	(void)state;
	lab_init(&lab);
	lab.mw.state = auth_cache_new();
	auth_cache_key(lab.mw.state, STR("ann"), STR("$h"), STR("pw"), &lab.arena, &one);
	auth_cache_key(other, STR("ann"), STR("$h"), STR("pw"), &lab.arena, &two);
	assert_memory_not_equal(&one, &two, sizeof(one));
	other->free(other);
	lab_done(&lab);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_credential_is_remembered_for_a_minute),
		cmocka_unit_test(every_part_counts),
		cmocka_unit_test(two_caches_have_two_keys),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
