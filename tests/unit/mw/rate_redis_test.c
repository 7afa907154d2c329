// SPDX-License-Identifier: Apache-2.0
/* rate_redis_test: what Redis is asked; the whole is in rate_limit_test and over the wire. */

#include "mw_lab.h"

#include "mw/rate_redis.h"
#include "net/redis_target.h"

static const struct lab_secret secrets[] = {
	{"who", "", {{STR("username"), STR("u")}, {STR("password"), STR("p")}}, 2},
};

static void the_question_has_the_rules_numbers(void **state)
{
	struct rate_rule rule = rate_bucket_rule(10, 60 * NS_PER_SEC, 5);
	struct str endpoint = STR("10.0.0.1:6380");
	const struct redis_conf conf = {.endpoints = {&endpoint, 1}, .secret = STR("who"), .db = 2};
	const struct rate_redis *redis;
	struct lab lab;
	struct lab_prepare prepare = {.lab = &lab};

	(void)state;
	lab_init(&lab);
	lab.secrets = secrets;
	lab.n_secrets = 1;
	prepare.prepare = (struct mw_prepare){.arena = &lab.arena,
					      .sink = &lab.sink,
					      .secret = lab_find_secret,
					      .keep = lab_keep,
					      .own = lab_own};
	assert_int_equal(
		rate_redis_prepare(&prepare.prepare, &conf, 10, 60 * NS_PER_SEC, 5, &rule, &redis),
		0);
	assert_string_equal(redis->target->username, "u");
	assert_string_equal(redis->target->password, "p");
	assert_int_equal(redis->target->db, 2);
	assert_int_equal(redis->target->endpoints[0].port, 6380);

	struct rate_redis_ask *ask =
		rate_redis_ask(redis, STR("m"), STR("s"), 1700000000123456789ULL, &lab.arena);
	static const char *const args[] = {
		"EVALSHA", NULL, "1", "rate:m:s", NULL, "5", "7", "1700000000123456", "500000"};

	assert_int_equal(ask->redis.n_args, 9);
	for (size_t i = 0; i < 9; i++)
		if (args[i])
			lab_assert_str(ask->args[i], args[i]);
	assert_int_equal(ask->args[1].len, 40);
	assert_true(str_starts(ask->args[4], STR("1.666666666666666")));
	lab_done(&lab);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_question_has_the_rules_numbers),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
