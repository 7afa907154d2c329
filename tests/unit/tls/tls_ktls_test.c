// SPDX-License-Identifier: Apache-2.0
/* tls_ktls_test: whether the kernel makes the records, and the reason when it does not. */

#include "tls_lab.h"

#include <arpa/inet.h>
#include <poll.h>
#include <unistd.h>

#include "tls/tls_ktls.h"

/* A connected TCP pair: kernel TLS exists for nothing else. */
static void tcp_pair(int fd[2])
{
	struct sockaddr_in addr = {.sin_family = AF_INET,
				   .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t len = sizeof(addr);
	int listener = socket(AF_INET, SOCK_STREAM, 0);

	assert_int_equal(bind(listener, (struct sockaddr *)&addr, sizeof(addr)), 0);
	listen(listener, 1);
	getsockname(listener, (struct sockaddr *)&addr, &len);
	fd[1] = socket(AF_INET, SOCK_STREAM, 0);
	assert_int_equal(connect(fd[1], (struct sockaddr *)&addr, sizeof(addr)), 0);
	fd[0] = accept(listener, NULL, NULL);
	close(listener);
	fcntl(fd[0], F_SETFL, O_NONBLOCK);
	fcntl(fd[1], F_SETFL, O_NONBLOCK);
}

static void connect_over_tcp(struct lab_pair *pair, struct tls_table *table,
			     const struct lab_client *wish)
{
	int fd[2];

	lab_open(pair, table, wish);
	tcp_pair(fd);
	/* Under the descriptors that both ends were given. */
	dup2(fd[0], pair->fd[0]);
	dup2(fd[1], pair->fd[1]);
	close(fd[0]);
	close(fd[1]);
	for (int i = 0; i < 500 && !lab_pump(pair); i++)
		poll(&(struct pollfd){.fd = pair->fd[0], .events = POLLIN}, 1, 10);
	assert_int_equal(pair->step, TLS_DONE);
}

static void the_reason_is_told(void **state)
{
	static const struct {
		const char *cipher;
		int version;
		enum tls_ktls tx_with_module, rx_with_module;
	} rows[] = {
		{"ECDHE-ECDSA-AES128-GCM-SHA256", TLS1_2_VERSION, TLS_KTLS_ON, TLS_KTLS_ON},
		{"ECDHE-ECDSA-AES128-SHA", TLS1_2_VERSION, TLS_KTLS_CIPHER, TLS_KTLS_CIPHER},
		{NULL, TLS1_3_VERSION, TLS_KTLS_ON, TLS_KTLS_OPENSSL},
	};
	struct lab_plan plan;

	(void)state;
	lab_plan(&plan);
	struct tls_table *table = lab_finish(&plan);

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct lab_client wish = {
			.ciphers = rows[i].cipher, .min = rows[i].version, .max = rows[i].version};
		struct lab_pair pair;

		connect_over_tcp(&pair, table, &wish);
		struct tls_facts facts = tls_conn_facts(pair.server);

		if (tls_ktls_available() || rows[i].tx_with_module == TLS_KTLS_CIPHER) {
			assert_int_equal(facts.ktls_tx, rows[i].tx_with_module);
			assert_int_equal(facts.ktls_rx, rows[i].rx_with_module);
		} else {
			assert_int_equal(facts.ktls_tx, TLS_KTLS_NO_MODULE);
			assert_int_equal(facts.ktls_rx, TLS_KTLS_NO_MODULE);
		}
		assert_int_equal(tls_conn_can_splice_to(pair.server), facts.ktls_tx == TLS_KTLS_ON);
		assert_int_equal(tls_conn_can_splice_from(pair.server),
				 facts.ktls_rx == TLS_KTLS_ON);
		lab_close(&pair);
	}
	tls_table_unref(table);
	lab_plan_done(&plan);
}

/* Reads exactly n bytes at the client. */
static void client_reads(struct lab_pair *pair, char *out, size_t n)
{
	for (size_t len = 0; len < n;) {
		int got = SSL_read(pair->client, out + len, (int)(n - len));

		ERR_clear_error();
		if (got > 0)
			len += (size_t)got;
		else
			poll(&(struct pollfd){.fd = pair->fd[1], .events = POLLIN}, 1, 1000);
	}
}

/* Whoever makes the records: large bodies, spliced ones where the kernel does, and a clean end. */
static void the_bytes_are_the_same_either_way(void **state)
{
	enum { TOTAL = 100000, PIECE = 20000 };
	static char data[TOTAL], got[TOTAL];
	static const int both[] = {TLS1_2_VERSION, TLS1_3_VERSION};
	struct lab_plan plan;

	(void)state;
	for (size_t i = 0; i < TOTAL; i++)
		data[i] = (char)(i * 7 + i / 251);
	lab_plan(&plan);
	struct tls_table *table = lab_finish(&plan);

	for (size_t v = 0; v < 2; v++) {
		struct lab_client wish = {.min = both[v], .max = both[v]};
		struct lab_pair pair;
		char byte;

		connect_over_tcp(&pair, table, &wish);
		for (size_t sent = 0; sent < TOTAL;) {
			size_t piece = TOTAL - sent < PIECE ? TOTAL - sent : PIECE;
			struct iovec part = {data + sent, piece};
			ssize_t n = tls_conn_write(pair.server, &part, 1);

			assert_true(n > 0);
			client_reads(&pair, got + sent, (size_t)n);
			sent += (size_t)n;
		}
		assert_memory_equal(got, data, TOTAL);
		if (tls_conn_can_splice_to(pair.server)) {
			int ends[2];

			assert_int_equal(pipe(ends), 0);
			assert_int_equal(write(ends[1], data, 10000), 10000);
			assert_int_equal(splice(ends[0], NULL, pair.fd[0], NULL, 10000, 0), 10000);
			client_reads(&pair, got, 10000);
			assert_memory_equal(got, data, 10000);
			close(ends[0]);
			close(ends[1]);
		}
		assert_int_equal(tls_conn_shutdown(pair.server), 0);
		poll(&(struct pollfd){.fd = pair.fd[1], .events = POLLIN}, 1, 1000);
		assert_int_equal(SSL_read(pair.client, &byte, 1), 0);
		assert_int_equal(SSL_get_shutdown(pair.client) & SSL_RECEIVED_SHUTDOWN,
				 SSL_RECEIVED_SHUTDOWN);
		SSL_write(pair.client, "x", 1);
		poll(&(struct pollfd){.fd = pair.fd[0], .events = POLLIN}, 1, 1000);
		assert_int_equal(tls_conn_read(pair.server, &byte, 1), 1);
		SSL_shutdown(pair.client);
		poll(&(struct pollfd){.fd = pair.fd[0], .events = POLLIN}, 1, 1000);
		assert_int_equal(tls_conn_read(pair.server, &byte, 1), 0);
		lab_close(&pair);
	}
	tls_table_unref(table);
	lab_plan_done(&plan);
}

static void it_can_be_switched_off(void **state)
{
	struct lab_plan plan;
	struct lab_pair pair;

	(void)state;
	lab_plan(&plan);
	struct tls_table *table = lab_finish(&plan);

	tls_conn_set_ktls(false);
	connect_over_tcp(&pair, table, &(struct lab_client){0});
	assert_int_equal(tls_conn_facts(pair.server).ktls_tx, TLS_KTLS_OFF);
	lab_close(&pair);
	tls_conn_set_ktls(true);
	tls_table_unref(table);
	lab_plan_done(&plan);
}

static void every_state_has_a_word_and_a_sentence(void **state)
{
	(void)state;
	for (int i = 0; i < TLS_KTLS__COUNT; i++) {
		assert_true(tls_conn_ktls_word(i).len > 0);
		assert_true(tls_conn_ktls_sentence(i).len > 0);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_reason_is_told),
		cmocka_unit_test(the_bytes_are_the_same_either_way),
		cmocka_unit_test(it_can_be_switched_off),
		cmocka_unit_test(every_state_has_a_word_and_a_sentence),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
