// SPDX-License-Identifier: Apache-2.0
/* rate_bucket_test: the word, the table, and both under many threads. */

#include "mw_lab.h"

#include <pthread.h>
#include <stdatomic.h>

#include "mw/rate_bucket.h"

static void state_free(struct mw_state *state)
{
	if (ref_put(&state->ref))
		state->free(state);
}

static void rules_follow_the_reference(void **state)
{
	/* reference c.5: maxDelay = 1/(2*floor(r)) s, or 500 ms below one; TTL 2 s, or 1+floor(1/r)
	 * s. */
	static const struct {
		int64_t average, period_ns, burst;
		uint64_t token_ns, capacity_ns, delay_ns, ttl_s;
	} rows[] = {
		{1, NS_PER_SEC, 1, NS_PER_SEC, NS_PER_SEC, 500 * NS_PER_MS, 2},
		{10, NS_PER_SEC, 5, 100 * NS_PER_MS, 500 * NS_PER_MS, 50 * NS_PER_MS, 2},
		{100, NS_PER_SEC, 100, 10 * NS_PER_MS, NS_PER_SEC, 5 * NS_PER_MS, 2},
		{3, 2 * NS_PER_SEC, 1, 666666666, 666666666, 500 * NS_PER_MS, 2},
		{6, 60 * NS_PER_SEC, 1, 10 * NS_PER_SEC, 10 * NS_PER_SEC, 500 * NS_PER_MS, 11},
		{1, 3600 * NS_PER_SEC, 2, 3600 * NS_PER_SEC, 7200 * NS_PER_SEC, 500 * NS_PER_MS,
		 3601},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct rate_rule rule =
			rate_bucket_rule(rows[i].average, rows[i].period_ns, rows[i].burst);

		assert_int_equal(rule.token_ticks / RATE_BUCKET_TICKS_PER_NS, rows[i].token_ns);
		assert_int_equal(rule.capacity_ticks / RATE_BUCKET_TICKS_PER_NS,
				 rows[i].capacity_ns);
		assert_int_equal(rule.max_delay_ticks / RATE_BUCKET_TICKS_PER_NS, rows[i].delay_ns);
		assert_int_equal(rule.ttl_ns, rows[i].ttl_s * NS_PER_SEC);
	}
	/* Absurd ones stay inside a word. */
	struct rate_rule rule = rate_bucket_rule(INT64_MAX, NS_PER_SEC, INT64_MAX);

	assert_true(rule.token_ticks >= 1);
	rule = rate_bucket_rule(1, INT64_MAX, INT64_MAX);
	assert_true(rule.capacity_ticks <= UINT64_MAX / 4);
}

static void a_source_is_held_to_its_rate(void **state)
{
	/* 10 per second, burst 5: an offered 1000 per second over 10 s pass as 5 + 100. */
	struct rate_rule rule = rate_bucket_rule(10, NS_PER_SEC, 5);
	struct mw_state *buckets = rate_bucket_new();
	uint64_t delay_ns, passed = 0;

	(void)state;
	for (uint64_t at = 0; at < 10000; at++)
		passed += rate_bucket_take(buckets, &rule, 77, NS_PER_SEC + at * NS_PER_MS,
					   &delay_ns);
	assert_in_range(passed, 103, 107);
	state_free(buckets);
}

static void the_word_is_the_token_bucket(void **state)
{
	/* golang.org/x/time/rate's arithmetic, step by step, for a burst of 3 at 10/s. */
	static const struct {
		uint64_t at_ms;
		bool passes;
		uint64_t delay_ms;
	} rows[] = {
		{0, true, 0},	  {0, true, 0},	      {0, true, 0}, /* the burst */
		{0, false, 100},				    /* a whole token away */
		{40, false, 60},				    /* nothing was taken before */
		{50, true, 50},					    /* half a token: queued */
		{50, false, 150},				    /* behind the queued one */
		{160, true, 40},  {1000, true, 0},    {1000, true, 0},
		{1000, true, 0},  {1000, false, 100},
	};
	struct rate_rule rule = rate_bucket_rule(10, NS_PER_SEC, 3);
	struct mw_state *buckets = rate_bucket_new();

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		uint64_t delay_ns;

		assert_int_equal(rate_bucket_take(buckets, &rule, 5,
						  (100000 + rows[i].at_ms) * NS_PER_MS, &delay_ns),
				 rows[i].passes);
		assert_int_equal(delay_ns, rows[i].delay_ms * NS_PER_MS);
	}
	state_free(buckets);
}

static void a_silent_source_is_forgotten(void **state)
{
	/* burst 100 at 10/s; unseen for 2 s it restarts full (reference c.5), though only 20 came
	 * back. */
	struct rate_rule rule = rate_bucket_rule(10, NS_PER_SEC, 100);
	struct mw_state *buckets = rate_bucket_new();
	uint64_t delay_ns, now_ns = 1000 * NS_PER_SEC;
	int passed = 0;

	(void)state;
	while (rate_bucket_take(buckets, &rule, 5, now_ns, &delay_ns) && passed < 1000)
		passed++;
	assert_int_equal(passed, 100);
	now_ns += 1999 * NS_PER_MS;
	for (passed = 0; rate_bucket_take(buckets, &rule, 5, now_ns, &delay_ns) && passed < 1000;)
		passed++;
	assert_in_range(passed, 19, 20);
	now_ns += 2 * NS_PER_SEC;
	for (passed = 0; rate_bucket_take(buckets, &rule, 5, now_ns, &delay_ns) && passed < 1000;)
		passed++;
	assert_int_equal(passed, 100);
	state_free(buckets);
}

static void sources_do_not_touch_each_other(void **state)
{
	struct rate_rule rule = rate_bucket_rule(1, 60 * NS_PER_SEC, 1);
	struct mw_state *buckets = rate_bucket_new();
	uint64_t delay_ns, refused = 0, passed = 0;

	(void)state;
	for (uint64_t i = 0; i < 10000; i++)
		passed += rate_bucket_take(buckets, &rule, i * 0x9e3779b97f4a7c15ULL, NS_PER_SEC,
					   &delay_ns);
	for (uint64_t i = 0; i < 10000; i++)
		refused += !rate_bucket_take(buckets, &rule, i * 0x9e3779b97f4a7c15ULL,
					     NS_PER_SEC + 5, &delay_ns);
	assert_int_equal(passed, 10000);
	/* Sets of 8, an eighth full on average: all but a handful are still known. */
	assert_true(refused > 9950);
	state_free(buckets);
}

static void the_newest_of_many_sources_are_known(void **state)
{
	struct rate_rule rule = rate_bucket_rule(1, 3600 * NS_PER_SEC, 1);
	struct mw_state *buckets = rate_bucket_new();
	uint64_t delay_ns, refused = 0;

	(void)state;
	assert_true(buckets->memory_bytes(buckets) < 2 << 20);
	for (uint64_t i = 0; i < 4 * RATE_BUCKET_SOURCES; i++)
		rate_bucket_take(buckets, &rule, i * 0x9e3779b97f4a7c15ULL, NS_PER_SEC + i,
				 &delay_ns);
	for (uint64_t i = 4 * RATE_BUCKET_SOURCES - 16384; i < 4 * RATE_BUCKET_SOURCES; i++)
		refused += !rate_bucket_take(buckets, &rule, i * 0x9e3779b97f4a7c15ULL,
					     NS_PER_SEC + 4 * RATE_BUCKET_SOURCES, &delay_ns);
	assert_true(refused > 16200);
	state_free(buckets);
}

enum { THREADS = 4, TAKES = 20000, SHARED_SOURCES = 8 };

struct crowd {
	struct mw_state *buckets;
	struct rate_rule rule;
	atomic_int passed[SHARED_SOURCES];
};

static void *take_many(void *arg)
{
	struct crowd *crowd = arg;
	uint64_t delay_ns;

	for (uint64_t i = 0; i < TAKES; i++) {
		uint64_t source = 1000 + i % SHARED_SOURCES;

		if (rate_bucket_take(crowd->buckets, &crowd->rule, source, NS_PER_SEC, &delay_ns))
			atomic_fetch_add(&crowd->passed[i % SHARED_SOURCES], 1);
	}
	return NULL;
}

static void threads_share_one_limit(void **state)
{
	/* At one instant exactly the burst passes, whoever asks. */
	struct crowd crowd = {.buckets = rate_bucket_new(),
			      .rule = rate_bucket_rule(1, NS_PER_SEC, 500)};
	pthread_t threads[THREADS];
	uint64_t delay_ns;

	(void)state;
	for (uint64_t i = 0; i < SHARED_SOURCES; i++) {
		rate_bucket_take(crowd.buckets, &crowd.rule, 1000 + i, NS_PER_SEC, &delay_ns);
		crowd.passed[i] = 1;
	}
	for (int i = 0; i < THREADS; i++)
		pthread_create(&threads[i], NULL, take_many, &crowd);
	for (int i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
	for (int i = 0; i < SHARED_SOURCES; i++)
		assert_int_equal(crowd.passed[i], 500);
	state_free(crowd.buckets);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(rules_follow_the_reference),
		cmocka_unit_test(a_source_is_held_to_its_rate),
		cmocka_unit_test(the_word_is_the_token_bucket),
		cmocka_unit_test(a_silent_source_is_forgotten),
		cmocka_unit_test(sources_do_not_touch_each_other),
		cmocka_unit_test(the_newest_of_many_sources_are_known),
		cmocka_unit_test(threads_share_one_limit),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
