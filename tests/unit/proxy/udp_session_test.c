// SPDX-License-Identifier: Apache-2.0
/* udp_session_test: sessions begin, last, end, and are bounded. */

#include "proxy/udp_session.h"

#include "udp_fixture.h"

static struct udp_bench bench;

static struct udp_way way_from(const char *address, uint16_t port)
{
	struct udp_way way = {.client_port = port};

	addr_parse(str_of(address), &way.client);
	addr_parse(STR("192.0.2.1"), &way.local);
	return way;
}

static struct udp_session *find(const char *address, uint16_t port)
{
	struct udp_way way = way_from(address, port);

	return udp_session_find(bench.entry, &way);
}

static void a_session_is_one_clients_address_and_port(void **state)
{
	struct udp_session *session;

	(void)state;
	udp_bench_start(&bench);
	session = find("198.51.100.1", 1000);
	assert_non_null(session);
	assert_ptr_equal(find("198.51.100.1", 1000), session);
	assert_ptr_not_equal(find("198.51.100.1", 1001), session);
	assert_ptr_not_equal(find("198.51.100.2", 1000), session);
	assert_int_equal(bench.entry->n_sessions, 3);
	udp_bench_end(&bench);
}

static void silence_ends_it_and_anything_keeps_it(void **state)
{
	struct udp_session *kept;
	uint64_t now_ns, timeout_ns;

	(void)state;
	udp_bench_start(&bench);
	now_ns = bench.bare->worker.loop.now_ns;
	timeout_ns = bench.entry->timeout_ns;
	kept = find("198.51.100.1", 1);
	find("198.51.100.1", 2);
	bench.bare->worker.loop.now_ns = now_ns + timeout_ns - 1;
	udp_session_touch(kept, false, 1);
	assert_int_equal(udp_session_sweep(bench.entry, now_ns + timeout_ns),
			 now_ns + timeout_ns - 1 + timeout_ns);
	assert_int_equal(bench.entry->n_sessions, 1);
	assert_ptr_equal(find("198.51.100.1", 1), kept);
	assert_int_equal(udp_session_sweep(bench.entry, now_ns + 3 * timeout_ns), 0);
	udp_bench_end(&bench);
}

static void a_source_has_its_share_and_no_more(void **state)
{
	(void)state;
	udp_bench_start(&bench);
	bench.entry->max_per_source = 2;
	assert_non_null(find("198.51.100.1", 1));
	assert_non_null(find("198.51.100.1", 2));
	assert_null(find("198.51.100.1", 3));
	assert_non_null(find("198.51.100.2", 3));
	/* An IPv6 client has a whole network. */
	assert_non_null(find("2001:db8::1", 1));
	assert_non_null(find("2001:db8::2", 1));
	assert_null(find("2001:db8::3", 1));
	udp_session_end(find("198.51.100.1", 1));
	assert_non_null(find("198.51.100.1", 3));
	udp_bench_end(&bench);
}

static void spoofed_sources_push_out_each_other_and_nobody_else(void **state)
{
	struct udp_session *talks;
	char text[32];

	(void)state;
	udp_bench_start(&bench);
	bench.entry->max_sessions = 10;
	talks = find("198.51.100.1", 1);
	udp_session_touch(talks, true, 1);
	udp_session_touch(talks, false, 1);
	udp_session_touch(talks, true, 1);
	for (int i = 0; i < 1000; i++) {
		snprintf(text, sizeof(text), "203.0.%d.%d", i / 250, i % 250);
		assert_non_null(find(text, 53));
		assert_true(bench.entry->n_sessions <= 10);
		/* What ends is freed between rounds. */
		loop_round(&bench.bare->worker.loop, 0);
	}
	assert_ptr_equal(find("198.51.100.1", 1), talks);
	udp_bench_end(&bench);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_session_is_one_clients_address_and_port),
		cmocka_unit_test(silence_ends_it_and_anything_keeps_it),
		cmocka_unit_test(a_source_has_its_share_and_no_more),
		cmocka_unit_test(spoofed_sources_push_out_each_other_and_nobody_else),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
