// SPDX-License-Identifier: Apache-2.0
/* tls_conn_test: real handshakes and transfers with an OpenSSL client. */

#include "tls_lab.h"

static struct lab_cert a_cert, ca, client_cert, stranger;

static struct tls_table *simple_table(struct lab_plan *plan)
{
	lab_plan(plan);
	assert_int_equal(lab_add(plan, &a_cert), 0);
	return lab_finish(plan);
}

static const struct {
	const char *name;
	int version;
	const char *cipher; /* of TLS 1.2 */
	const char *said;
} versions[] = {
	{"TLS 1.2 AES-GCM", TLS1_2_VERSION, "ECDHE-ECDSA-AES128-GCM-SHA256",
	 "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256"},
	{"TLS 1.2 ChaCha", TLS1_2_VERSION, "ECDHE-ECDSA-CHACHA20-POLY1305",
	 "TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256"},
	{"TLS 1.2 CBC", TLS1_2_VERSION, "ECDHE-ECDSA-AES128-SHA",
	 "TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA"},
	{"TLS 1.3", TLS1_3_VERSION, NULL, "TLS_AES_128_GCM_SHA256"},
};

static void bytes_pass_both_ways_in_every_version(void **state)
{
	struct lab_plan plan;
	struct tls_table *table = simple_table(&plan);

	(void)state;
	for (size_t i = 0; i < sizeof(versions) / sizeof(*versions); i++) {
		struct lab_client wish = {.sni = "a.test",
					  .min = versions[i].version,
					  .max = versions[i].version,
					  .ciphers = versions[i].cipher,
					  .alpn = "\x08http/1.1"};
		struct lab_pair pair;

		print_message("  %s\n", versions[i].name);
		assert_true(lab_connect(&pair, table, &wish));
		struct tls_facts facts = tls_conn_facts(pair.server);

		assert_int_equal(facts.version, versions[i].version);
		assert_true(str_eq(facts.cipher, str_of(versions[i].said)));
		assert_true(str_eq(facts.sni, STR("a.test")));
		assert_true(str_eq(facts.alpn, STR("http/1.1")));
		assert_false(facts.resumed);
		assert_false(facts.has_peer_cert);
		lab_exchange(&pair, "hello");
		tls_conn_rest(pair.server);
		lab_exchange(&pair, "again");
		lab_close(&pair);
	}
	tls_table_unref(table);
	lab_plan_done(&plan);
}

static void head_and_body_share_a_record(void **state)
{
	struct lab_plan plan;
	struct tls_table *table = simple_table(&plan);
	struct lab_pair pair;
	struct lab_client wish = {.sni = "a.test"};
	char head[] = "head", body[] = "body";
	struct iovec parts[] = {{head, 4}, {NULL, 0}, {body, 4}};
	char buf[64];

	(void)state;
	assert_true(lab_connect(&pair, table, &wish));
	/* Tickets first, so that what follows is one record. */
	assert_int_equal(SSL_read(pair.client, buf, sizeof(buf)), -1);
	ERR_clear_error();
	assert_int_equal(tls_conn_write(pair.server, parts, 3), 8);
	/* 5 header, 8 data, 1 type, 16 tag. */
	assert_int_equal(recv(pair.fd[1], buf, sizeof(buf), MSG_PEEK), 5 + 8 + 1 + 16);
	assert_int_equal(SSL_read(pair.client, buf, sizeof(buf)), 8);
	assert_memory_equal(buf, "headbody", 8);
	lab_close(&pair);
	tls_table_unref(table);
	lab_plan_done(&plan);
}

/* A socket that takes little: every write is cut, and what arrives must be what was sent. */
static void large_writes_survive_a_full_socket(void **state)
{
	enum { TOTAL = 600000 };
	static char data[TOTAL], got[TOTAL];
	struct lab_plan plan;
	struct tls_table *table = simple_table(&plan);
	static const int both[] = {TLS1_2_VERSION, TLS1_3_VERSION};

	(void)state;
	for (size_t i = 0; i < TOTAL; i++)
		data[i] = (char)(i * 7 + i / 251);
	for (size_t v = 0; v < 2; v++) {
		struct lab_client wish = {.sni = "a.test", .min = both[v], .max = both[v]};
		struct lab_pair pair;
		size_t sent = 0, received = 0, refused = 0;
		int small = 4096;

		assert_true(lab_connect(&pair, table, &wish));
		setsockopt(pair.fd[0], SOL_SOCKET, SO_SNDBUF, &small, sizeof(small));
		while (received < TOTAL) {
			size_t head = sent + 100 < TOTAL ? 100 : TOTAL - sent;
			struct iovec parts[] = {{data + sent, head},
						{data + sent + head, TOTAL - sent - head}};
			ssize_t n = sent < TOTAL ? tls_conn_write(pair.server, parts, 2) : 0;

			if (n == -EAGAIN)
				refused++;
			else
				assert_true(n >= 0);
			sent += n > 0 ? (size_t)n : 0;
			int r = SSL_read(pair.client, got + received, (int)(TOTAL - received));

			ERR_clear_error();
			received += r > 0 ? (size_t)r : 0;
		}
		assert_true(refused > 0);
		assert_memory_equal(data, got, TOTAL);
		lab_close(&pair);
	}
	tls_table_unref(table);
	lab_plan_done(&plan);
}

static void a_record_is_read_in_pieces(void **state)
{
	struct lab_plan plan;
	struct tls_table *table = simple_table(&plan);
	struct lab_pair pair;
	struct lab_client wish = {.sni = "a.test"};
	char data[5000], got[5000];
	size_t len = 0;

	(void)state;
	memset(data, 'x', sizeof(data));
	assert_true(lab_connect(&pair, table, &wish));
	assert_int_equal(SSL_write(pair.client, data, sizeof(data)), sizeof(data));
	do {
		ssize_t n = tls_conn_read(pair.server, got + len, 7);

		assert_true(n > 0);
		len += (size_t)n;
	} while (len < sizeof(data));
	assert_memory_equal(data, got, sizeof(data));
	assert_int_equal(tls_conn_read(pair.server, got, sizeof(got)), -EAGAIN);
	assert_false(tls_conn_more(pair.server));
	lab_close(&pair);
	tls_table_unref(table);
	lab_plan_done(&plan);
}

static void the_end_is_told_from_a_cut(void **state)
{
	struct lab_plan plan;
	struct tls_table *table = simple_table(&plan);
	static const int both[] = {TLS1_2_VERSION, TLS1_3_VERSION};
	char buf[16];

	(void)state;
	for (size_t v = 0; v < 2; v++) {
		struct lab_client wish = {.sni = "a.test", .min = both[v], .max = both[v]};
		struct lab_pair pair;

		assert_true(lab_connect(&pair, table, &wish));
		SSL_shutdown(pair.client);
		assert_int_equal(tls_conn_read(pair.server, buf, sizeof(buf)), 0);
		lab_close(&pair);

		assert_true(lab_connect(&pair, table, &wish));
		shutdown(pair.fd[1], SHUT_RDWR);
		assert_int_equal(tls_conn_read(pair.server, buf, sizeof(buf)), -ECONNRESET);
		lab_close(&pair);

		assert_true(lab_connect(&pair, table, &wish));
		assert_int_equal(tls_conn_shutdown(pair.server), 0);
		assert_int_equal(SSL_read(pair.client, buf, sizeof(buf)), 0);
		assert_int_equal(SSL_get_shutdown(pair.client) & SSL_RECEIVED_SHUTDOWN,
				 SSL_RECEIVED_SHUTDOWN);
		lab_close(&pair);
	}
	tls_table_unref(table);
	lab_plan_done(&plan);
}

static void a_damaged_record_ends_the_connection(void **state)
{
	struct lab_plan plan;
	struct tls_table *table = simple_table(&plan);
	struct lab_pair pair;
	struct lab_client wish = {.sni = "a.test"};
	char wire[256], buf[64];

	(void)state;
	assert_true(lab_connect(&pair, table, &wish));
	assert_int_equal(SSL_write(pair.client, "secret", 6), 6);
	ssize_t n = recv(pair.fd[0], wire, sizeof(wire), 0);

	wire[n - 1] ^= 1;
	assert_int_equal(send(pair.fd[1], wire, (size_t)n, 0), n);
	assert_int_equal(tls_conn_read(pair.server, buf, sizeof(buf)), -EPROTO);
	lab_close(&pair);
	tls_table_unref(table);
	lab_plan_done(&plan);
}

/* reference/security.md A2.5: a hello in many records and segments is put together before anything
 * is decided. */
static void a_hello_may_come_byte_by_byte(void **state)
{
	struct lab_plan plan;
	struct tls_table *table = simple_table(&plan);
	struct lab_pair pair;
	struct lab_client wish = {.sni = "a.test"};
	unsigned char hello[4096];

	(void)state;
	int large = 212992;

	lab_open(&pair, table, &wish);
	setsockopt(pair.fd[1], SOL_SOCKET, SO_SNDBUF, &large, sizeof(large));
	SSL_do_handshake(pair.client);
	ssize_t n = recv(pair.fd[0], hello, sizeof(hello), 0);

	assert_true(n > 100);
	/* The handshake message again, in records of 20 bytes, each byte by byte. */
	for (ssize_t at = 5; at < n; at += 20) {
		ssize_t len = n - at < 20 ? n - at : 20;
		unsigned char record[25] = {22, 3, 1, 0, (unsigned char)len};

		memcpy(record + 5, hello + at, (size_t)len);
		for (ssize_t i = 0; i < 5 + len; i++) {
			assert_int_equal(tls_conn_handshake(pair.server), TLS_WANT_READ);
			assert_int_equal(send(pair.fd[1], record + i, 1, 0), 1);
		}
	}
	assert_true(lab_pump(&pair));
	assert_true(str_eq(tls_conn_facts(pair.server).sni, STR("a.test")));
	lab_close(&pair);
	tls_table_unref(table);
	lab_plan_done(&plan);
}

static void half_a_hello_and_the_end_is_the_end(void **state)
{
	struct lab_plan plan;
	struct tls_table *table = simple_table(&plan);
	struct lab_pair pair;
	struct lab_client wish = {.sni = "a.test"};
	char hello[4096];

	(void)state;
	lab_open(&pair, table, &wish);
	SSL_do_handshake(pair.client);
	assert_true(recv(pair.fd[0], hello, sizeof(hello), 0) > 100);
	assert_int_equal(send(pair.fd[1], hello, 100, 0), 100);
	assert_int_equal(tls_conn_handshake(pair.server), TLS_WANT_READ);
	shutdown(pair.fd[1], SHUT_RDWR);
	assert_int_equal(tls_conn_handshake(pair.server), TLS_FAILED);
	assert_int_equal(tls_conn_failure(pair.server), TLS_FAILURE_CLOSED);
	lab_close(&pair);
	tls_table_unref(table);
	lab_plan_done(&plan);
}

static void what_is_no_tls_is_told(void **state)
{
	static const struct {
		const char *bytes;
		enum tls_failure failure;
	} rows[] = {
		{"GET / HTTP/1.1\r\nHost: a\r\n\r\n", TLS_FAILURE_NOT_TLS},
		{"\x80\x2e\x01\x03\x01", TLS_FAILURE_NOT_TLS},
		{"", TLS_FAILURE_CLOSED},
	};
	struct lab_plan plan;
	struct tls_table *table = simple_table(&plan);

	(void)state;
	for (size_t i = 0; i < 3; i++) {
		int fd[2];

		lab_sockets(fd);
		struct tls_conn *conn = tls_conn_new(table, fd[0], NULL);

		if (rows[i].bytes[0])
			assert_true(send(fd[1], rows[i].bytes, strlen(rows[i].bytes), 0) > 0);
		shutdown(fd[1], SHUT_WR);
		enum tls_step step = tls_conn_handshake(conn);

		assert_int_equal(step, TLS_FAILED);
		assert_int_equal(tls_conn_failure(conn), rows[i].failure);
		assert_int_equal(tls_conn_handshake(conn), TLS_FAILED);
		tls_conn_free(conn);
		close(fd[0]);
		close(fd[1]);
	}
	tls_table_unref(table);
	lab_plan_done(&plan);
}

static void words_exist_for_all_states(void **state)
{
	(void)state;
	for (int i = 0; i < TLS_FAILURE__COUNT; i++)
		assert_true(tls_conn_failure_word(i).len > 0);
}

static int setup(void **state)
{
	(void)state;
	lab_cert(&a_cert, &(struct lab_cert_spec){.cn = "a.test", .san = "DNS:a.test"});
	lab_cert(&ca, &(struct lab_cert_spec){.cn = "ca", .ca = true});
	lab_cert(&client_cert, &(struct lab_cert_spec){.cn = "client", .issuer = &ca});
	lab_cert(&stranger, &(struct lab_cert_spec){.cn = "stranger"});
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	lab_cert_done(&a_cert);
	lab_cert_done(&ca);
	lab_cert_done(&client_cert);
	lab_cert_done(&stranger);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(bytes_pass_both_ways_in_every_version),
		cmocka_unit_test(head_and_body_share_a_record),
		cmocka_unit_test(large_writes_survive_a_full_socket),
		cmocka_unit_test(a_record_is_read_in_pieces),
		cmocka_unit_test(the_end_is_told_from_a_cut),
		cmocka_unit_test(a_damaged_record_ends_the_connection),
		cmocka_unit_test(a_hello_may_come_byte_by_byte),
		cmocka_unit_test(half_a_hello_and_the_end_is_the_end),
		cmocka_unit_test(what_is_no_tls_is_told),
		cmocka_unit_test(words_exist_for_all_states),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
