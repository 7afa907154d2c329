// SPDX-License-Identifier: Apache-2.0
/* entry_test: static options become facts. */

#include "proxy/entry.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/clock.h"

static struct arena arena;

static int set_up(void **state)
{
	(void)state;
	arena_init(&arena, 1 << 20, 0);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	arena_done(&arena);
	return 0;
}

static void what_is_not_set_has_an_end_nevertheless(void **state)
{
	struct static_entry_point conf = {.name = STR("web")};
	struct static_config config = {0};
	struct entry entry;

	(void)state;
	assert_int_equal(entry_init(&entry, 3, &conf, &config, STR("host"), &arena), 0);
	assert_int_equal(entry.index, 3);
	assert_true(entry.idle_ns > 0 && entry.read_ns > 0 && entry.read_header_ns > 0);
	assert_true(entry.read_header_ns <= entry.read_ns);
	assert_int_equal(entry.reading.limits.max_headers, H1_MAX_HEADERS);
	assert_int_equal(entry.reading.denied_escapes, 0);
	assert_int_equal(entry.reading.forwarded.underscores, FORWARDED_UNDERSCORES_DELETE);
	assert_false(entry.reads_proxy_header);
	assert_true(str_eq(entry.reading.forwarded.server, STR("host")));
}

static void options_are_taken_over(void **state)
{
	struct str trusted[] = {STR("10.0.0.0/8"), STR("2001:db8::1")};
	struct ep_trust_list trust = {.trusted_ips = {trusted, 2}};
	struct ep_encoded_characters allowed = {.slash = true};
	struct static_entry_point conf = {
		.proxy_protocol = &trust,
		.forwarded_headers.trusted_ips = {trusted, 2},
		.http = {.encoded_characters = &allowed,
			 .underscore_headers_strategy = STR("reject"),
			 .max_header_bytes = 1000,
			 .sanitize_path = true},
		.transport = {.keep_alive_max_requests = 5,
			      .responding_timeouts.read = {2 * NS_PER_SEC, true}},
	};
	struct static_config config = {.limits.max_header_count = 7};
	struct addr inside, outside;
	struct entry entry;

	(void)state;
	assert_int_equal(entry_init(&entry, 0, &conf, &config, STR(""), &arena), 0);
	assert_int_equal(entry.reading.limits.max_head_bytes, 1000);
	assert_int_equal(entry.reading.limits.max_headers, 7);
	assert_int_equal(entry.reading.denied_escapes, CANON_ENCODED_ALL & ~CANON_ENCODED_SLASH);
	assert_int_equal(entry.reading.forwarded.underscores, FORWARDED_UNDERSCORES_REJECT);
	assert_int_equal(entry.reading.forwarded.n_trusted, 2);
	assert_int_equal(entry.keep_alive_max_requests, 5);
	assert_int_equal(entry.read_ns, 2 * NS_PER_SEC);
	/* A head is part of the request: it has no more time than the whole. */
	assert_int_equal(entry.read_header_ns, 2 * NS_PER_SEC);
	addr_parse(STR("10.1.2.3"), &inside);
	addr_parse(STR("11.1.2.3"), &outside);
	assert_true(entry_trusts_proxy_header(&entry, &inside));
	assert_false(entry_trusts_proxy_header(&entry, &outside));
	trust.insecure = true;
	assert_int_equal(entry_init(&entry, 0, &conf, &config, STR(""), &arena), 0);
	assert_true(entry_trusts_proxy_header(&entry, &outside));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_not_set_has_an_end_nevertheless),
		cmocka_unit_test(options_are_taken_over),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
