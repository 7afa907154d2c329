// SPDX-License-Identifier: Apache-2.0
/* resolver_test: names of the hosts file, names that are none, and the end. No network is asked. */

#include "net/resolver.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>
#include <errno.h>

#include "base/clock.h"

static struct loop loop;
static struct mailbox mailbox;
static int n_answers;

static void on_answer(struct mail *mail)
{
	(void)mail;
	n_answers++;
}

static int set_up(void **state)
{
	(void)state;
	n_answers = 0;
	return loop_init(&loop) || mailbox_open(&mailbox, &loop);
}

static int tear_down(void **state)
{
	(void)state;
	mailbox_close(&mailbox, &loop);
	loop_done(&loop);
	return 0;
}

static void question(struct resolve *resolve, const char *name)
{
	*resolve = (struct resolve){.home = &mailbox, .done.run = on_answer};
	snprintf(resolve->name, sizeof(resolve->name), "%s", name);
}

static void names_of_the_hosts_file_are_known(void **state)
{
	struct resolver *resolver = resolver_new();
	struct resolve a, b;

	(void)state;
	question(&a, "localhost");
	question(&b, "127.0.0.9");
	resolver_ask(resolver, &a);
	resolver_ask(resolver, &b);
	for (int i = 0; i < 200 && n_answers < 2; i++)
		loop_round(&loop, 10 * NS_PER_MS);
	assert_int_equal(n_answers, 2);
	assert_int_equal(a.error, 0);
	assert_true(a.n_addrs >= 1);
	for (uint32_t i = 0; i < a.n_addrs; i++)
		assert_true(addr_is_loopback(&a.addrs[i]));
	assert_int_equal(b.n_addrs, 1);
	resolver_free(resolver);
}

static void a_name_that_is_none_is_an_error(void **state)
{
	struct resolver *resolver = resolver_new();
	struct resolve bad;

	(void)state;
	question(&bad, "a..b");
	resolver_ask(resolver, &bad);
	for (int i = 0; i < 200 && n_answers < 1; i++)
		loop_round(&loop, 10 * NS_PER_MS);
	assert_int_equal(n_answers, 1);
	assert_true(bad.error < 0);
	assert_int_equal(bad.n_addrs, 0);
	resolver_free(resolver);
}

static void an_answer_holds_as_long_as_it_says_within_bounds(void **state)
{
	static const struct {
		int error;
		uint32_t n, ttl_s, keep_s;
	} rows[] = {
		{0, 1, 60, 60},
		{0, 1, 0, RESOLVER_KEEP_MIN_S},
		{0, 2, 86400, RESOLVER_KEEP_MAX_S},
		{-ENOENT, 0, 0, RESOLVER_KEEP_FAILED_S},
		{0, 0, UINT32_MAX, RESOLVER_KEEP_FAILED_S},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct resolve resolve = {
			.error = rows[i].error, .n_addrs = rows[i].n, .ttl_s = rows[i].ttl_s};

		assert_int_equal(resolver_keep_ns(&resolve), rows[i].keep_s * NS_PER_SEC);
	}
}

static void the_end_answers_everybody(void **state)
{
	struct resolver *resolver = resolver_new();
	struct resolve questions[20];

	(void)state;
	for (int i = 0; i < 20; i++) {
		question(&questions[i], "localhost");
		resolver_ask(resolver, &questions[i]);
	}
	resolver_free(resolver);
	loop_round(&loop, 0);
	assert_int_equal(n_answers, 20);
	resolver_free(NULL);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		TEST(names_of_the_hosts_file_are_known),
		TEST(a_name_that_is_none_is_an_error),
		TEST(an_answer_holds_as_long_as_it_says_within_bounds),
		TEST(the_end_answers_everybody),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
