// SPDX-License-Identifier: Apache-2.0
/* udp_entry_test: datagrams both ways, whole and in runs. */

#include "proxy/udp_entry.h"

#include "udp_fixture.h"

static struct udp_bench bench;

static void datagrams_come_and_go_each_to_its_own(void **state)
{
	int clients[3];
	char got[64];

	(void)state;
	udp_bench_start(&bench);
	for (int i = 0; i < 3; i++) {
		clients[i] = udp_bench_client(&bench);
		got[0] = (char)('a' + i);
		assert_int_equal(send(clients[i], got, 1, 0), 1);
	}
	udp_bench_turn(&bench);
	assert_int_equal(bench.entry->n_sessions, 3);
	for (int i = 0; i < 3; i++) {
		struct sockaddr_storage from;
		socklen_t len = sizeof(from);

		assert_int_equal(recvfrom(bench.server_fd, got, sizeof(got), 0,
					  (struct sockaddr *)&from, &len),
				 1);
		assert_int_equal(sendto(bench.server_fd, got, 1, 0, (struct sockaddr *)&from, len),
				 1);
	}
	udp_bench_turn(&bench);
	for (int i = 0; i < 3; i++) {
		assert_int_equal(recv(clients[i], got, sizeof(got), MSG_DONTWAIT), 1);
		assert_int_equal(got[0], 'a' + i);
		close(clients[i]);
	}
	udp_bench_end(&bench);
}

static void empty_and_large_ones_pass(void **state)
{
	static char large[65507], got[65536];
	int client;

	(void)state;
	udp_bench_start(&bench);
	client = udp_bench_client(&bench);
	assert_int_equal(send(client, large, sizeof(large), 0), sizeof(large));
	assert_int_equal(send(client, large, 0, 0), 0);
	udp_bench_turn(&bench);
	assert_int_equal(recv(bench.server_fd, got, sizeof(got), MSG_DONTWAIT), sizeof(large));
	assert_int_equal(recv(bench.server_fd, got, sizeof(got), MSG_DONTWAIT), 0);
	close(client);
	udp_bench_end(&bench);
}

static void a_run_of_them_keeps_its_borders(void **state)
{
	char got[64];
	int client;

	(void)state;
	udp_bench_start(&bench);
	client = udp_bench_client(&bench);
	for (int i = 0; i < 50; i++)
		assert_int_equal(send(client, "0123456789", (size_t)(i % 10) + 1, 0), i % 10 + 1);
	udp_bench_turn(&bench);
	for (int i = 0; i < 50; i++)
		assert_int_equal(recv(bench.server_fd, got, sizeof(got), MSG_DONTWAIT), i % 10 + 1);
	assert_int_equal(bench.entry->n_sessions, 1);
	close(client);
	udp_bench_end(&bench);
}

static void who_drains_makes_no_new_sessions(void **state)
{
	int client, late;
	char got[8];

	(void)state;
	udp_bench_start(&bench);
	client = udp_bench_client(&bench);
	late = udp_bench_client(&bench);
	assert_int_equal(send(client, "a", 1, 0), 1);
	udp_bench_turn(&bench);
	udp_entry_drain(bench.entry);
	assert_int_equal(send(client, "b", 1, 0), 1);
	assert_int_equal(send(late, "c", 1, 0), 1);
	udp_bench_turn(&bench);
	assert_int_equal(bench.entry->n_sessions, 1);
	assert_int_equal(recv(bench.server_fd, got, sizeof(got), MSG_DONTWAIT), 1);
	assert_int_equal(recv(bench.server_fd, got, sizeof(got), MSG_DONTWAIT), 1);
	assert_int_equal(recv(bench.server_fd, got, sizeof(got), MSG_DONTWAIT), -1);
	close(client);
	close(late);
	udp_bench_end(&bench);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(datagrams_come_and_go_each_to_its_own),
		cmocka_unit_test(empty_and_large_ones_pass),
		cmocka_unit_test(a_run_of_them_keeps_its_borders),
		cmocka_unit_test(who_drains_makes_no_new_sessions),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
