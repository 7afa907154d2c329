// SPDX-License-Identifier: Apache-2.0
/* tls_stream_test: a stream against a peer made of records, and against OpenSSL's client. */

#include "tls_lab.h"

#include <malloc.h>
#include <sys/socket.h>

#include "tls/tls_stream.h"

static const unsigned char up[TLS_RECORD_SECRET_MAX] = "from the client to the server";
static const unsigned char down[TLS_RECORD_SECRET_MAX] = "from the server to the client";

/* The other end: keys and a socket. */
struct peer {
	struct tls_stream *stream;
	struct tls_record_keys tx, rx;
	int fd[2];
};

static void open_peer(struct peer *peer, enum tls_record_suite suite, uint64_t write_seq)
{
	lab_sockets(peer->fd);
	assert_true(tls_record_keys_init(&peer->tx, suite, up, 0));
	assert_true(tls_record_keys_init(&peer->rx, suite, down, write_seq));
	struct tls_stream_start start = {.fd = peer->fd[0]};

	assert_true(tls_record_keys_init(&start.rx, suite, up, 0));
	assert_true(tls_record_keys_init(&start.tx, suite, down, write_seq));
	peer->stream = tls_stream_new(&start);
	assert_non_null(peer->stream);
}

static void close_peer(struct peer *peer)
{
	tls_stream_free(peer->stream);
	tls_record_keys_wipe(&peer->tx);
	tls_record_keys_wipe(&peer->rx);
	close(peer->fd[0]);
	close(peer->fd[1]);
}

static size_t seal(struct peer *peer, uint8_t type, const void *at, size_t len, unsigned char *wire)
{
	struct iovec part = {(void *)(uintptr_t)at, len};
	ssize_t n = tls_record_seal(&peer->tx, type, &part, len, wire);

	assert_true(n > 0);
	return (size_t)n;
}

static void say(struct peer *peer, uint8_t type, const void *at, size_t len)
{
	unsigned char wire[TLS_RECORD_SEALED_MAX];
	size_t n = seal(peer, type, at, len, wire);

	assert_int_equal(send(peer->fd[1], wire, n, 0), n);
}

/* Takes one record that the stream sent; its length or an error; -EAGAIN: none. */
static ssize_t hear(struct peer *peer, uint8_t *type, unsigned char *out)
{
	unsigned char wire[TLS_RECORD_SEALED_MAX];
	ssize_t n = recv(peer->fd[1], wire, 5, MSG_PEEK);

	if (n < 5)
		return -EAGAIN;
	size_t len = 5 + ((size_t)wire[3] << 8 | wire[4]);

	assert_int_equal(recv(peer->fd[1], wire, len, 0), len);
	return tls_record_open(&peer->rx, wire, wire + 5, len - 5, out, type);
}

static ssize_t put(struct peer *peer, const void *at, size_t len)
{
	struct iovec part = {(void *)(uintptr_t)at, len};

	return tls_stream_write(peer->stream, &part, 1);
}

/* What a peer may send after the handshake, and what comes of it. */
static const struct {
	const char *name;
	uint8_t type;
	const char *at;
	size_t len;
	ssize_t read; /* what the read after it gives */
	int alert;    /* what the peer is told; -1 nothing */
} messages[] = {
	{"data", TLS_RECORD_DATA, "hi", 2, 2, -1},
	{"empty data", TLS_RECORD_DATA, "", 0, -EAGAIN, -1},
	{"close_notify", TLS_RECORD_ALERT, "\1\0", 2, 0, -1},
	{"close_notify, said to be fatal", TLS_RECORD_ALERT, "\2\0", 2, 0, -1},
	{"user_canceled", TLS_RECORD_ALERT, "\1\132", 2, -EAGAIN, -1},
	{"another alert", TLS_RECORD_ALERT, "\2\50", 2, -ECONNRESET, -1},
	{"half an alert", TLS_RECORD_ALERT, "\2", 1, -EPROTO, 10},
	{"key update", TLS_RECORD_HANDSHAKE, "\30\0\0\1\0", 5, -EAGAIN, -1},
	{"key update, cut", TLS_RECORD_HANDSHAKE, "\30\0\0\1", 4, -EPROTO, 10},
	{"key update, wrong value", TLS_RECORD_HANDSHAKE, "\30\0\0\1\2", 5, -EPROTO, 10},
	{"key update and more", TLS_RECORD_HANDSHAKE, "\30\0\0\1\0\30", 6, -EPROTO, 10},
	{"another hello", TLS_RECORD_HANDSHAKE, "\1\0\0\0\0", 5, -EPROTO, 10},
	{"change cipher spec", 20, "\1", 1, -EPROTO, 10},
	{"unknown type", 99, "x", 1, -EPROTO, 10},
};

static void messages_are_obeyed_or_refused(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(messages) / sizeof(*messages); i++) {
		struct peer peer;
		unsigned char buf[64];
		uint8_t type = 0;

		print_message("  %s\n", messages[i].name);
		open_peer(&peer, TLS_RECORD_AES128_GCM, 0);
		say(&peer, messages[i].type, messages[i].at, messages[i].len);
		assert_int_equal(tls_stream_read(peer.stream, buf, sizeof(buf)), messages[i].read);
		/* The end stays the end. */
		if (messages[i].read <= 0 && messages[i].read != -EAGAIN) {
			assert_true(tls_stream_more(peer.stream));
			assert_int_equal(tls_stream_read(peer.stream, buf, sizeof(buf)),
					 messages[i].read);
		}
		if (messages[i].alert >= 0) {
			assert_int_equal(hear(&peer, &type, buf), 2);
			assert_int_equal(type, TLS_RECORD_ALERT);
			assert_int_equal(buf[1], messages[i].alert);
		} else {
			assert_int_equal(hear(&peer, &type, buf), -EAGAIN);
		}
		close_peer(&peer);
	}
}

/* The same in TLS 1.2, where it differs. */
static const struct {
	const char *name;
	uint8_t type;
	const char *at;
	size_t len;
	ssize_t read;
	int alert;
} messages12[] = {
	{"data", TLS_RECORD_DATA, "hi", 2, 2, -1},
	{"empty data", TLS_RECORD_DATA, "", 0, -EAGAIN, -1},
	{"close_notify", TLS_RECORD_ALERT, "\1\0", 2, 0, -1},
	{"a warning", TLS_RECORD_ALERT, "\1\144", 2, -EAGAIN, -1},
	{"a fatal alert", TLS_RECORD_ALERT, "\2\50", 2, -ECONNRESET, -1},
	{"renegotiation", TLS_RECORD_HANDSHAKE, "\1\0\0\1x", 5, -EAGAIN, 100},
	{"key update", TLS_RECORD_HANDSHAKE, "\30\0\0\1\0", 5, -EPROTO, 10},
	{"empty handshake", TLS_RECORD_HANDSHAKE, "", 0, -EPROTO, 10},
	{"change cipher spec", 20, "\1", 1, -EPROTO, 10},
	{"heartbeat", 24, "\1\0\1", 3, -EPROTO, 10},
};

static void messages_of_tls12_are_obeyed_or_refused(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(messages12) / sizeof(*messages12); i++) {
		struct peer peer;
		unsigned char buf[64];
		uint8_t type = 0;

		print_message("  %s\n", messages12[i].name);
		open_peer(&peer, i % 2 ? TLS_RECORD_12_AES128_GCM : TLS_RECORD_12_CHACHA20, 0);
		say(&peer, messages12[i].type, messages12[i].at, messages12[i].len);
		assert_int_equal(tls_stream_read(peer.stream, buf, sizeof(buf)),
				 messages12[i].read);
		if (messages12[i].alert >= 0) {
			assert_int_equal(hear(&peer, &type, buf), 2);
			assert_int_equal(type, TLS_RECORD_ALERT);
			assert_int_equal(buf[1], messages12[i].alert);
		} else {
			assert_int_equal(hear(&peer, &type, buf), -EAGAIN);
		}
		/* A warning ends nothing. */
		if (messages12[i].read == -EAGAIN) {
			assert_int_equal(put(&peer, "on", 2), 2);
			assert_int_equal(hear(&peer, &type, buf), 2);
			say(&peer, TLS_RECORD_DATA, "and on", 6);
			assert_int_equal(tls_stream_read(peer.stream, buf, sizeof(buf)), 6);
		}
		close_peer(&peer);
	}
}

/* Bytes that are no record of this connection. */
static const struct {
	const char *name, *at;
	size_t len;
	int alert;
} forgeries[] = {
	{"plain alert", "\x15\3\3\0\2\1\0", 7, 10},
	{"change cipher spec", "\x14\3\3\0\1\1", 6, 10},
	{"too short for a tag", "\x17\3\3\0\x10xxxxxxxxxxxxxxxx", 21, 10},
	{"too long", "\x17\3\3\x41\1", 5, 22},
	{"forged", "\x17\3\3\0\x12xxxxxxxxxxxxxxxxxx", 23, 20},
	{"plain HTTP", "GET / HTTP/1.1\r\n", 16, 10},
};

static void forgeries_end_the_connection(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(forgeries) / sizeof(*forgeries); i++) {
		struct peer peer;
		unsigned char buf[64];
		uint8_t type = 0;

		print_message("  %s\n", forgeries[i].name);
		open_peer(&peer, TLS_RECORD_CHACHA20, 3);
		assert_true(send(peer.fd[1], forgeries[i].at, forgeries[i].len, 0) > 0);
		assert_int_equal(tls_stream_read(peer.stream, buf, sizeof(buf)), -EPROTO);
		assert_int_equal(hear(&peer, &type, buf), 2);
		assert_int_equal(type, TLS_RECORD_ALERT);
		assert_int_equal(buf[1], forgeries[i].alert);
		/* Said once. */
		assert_int_equal(tls_stream_shutdown(peer.stream), 0);
		assert_int_equal(hear(&peer, &type, buf), -EAGAIN);
		close_peer(&peer);
	}
}

static void data_before_the_end_is_given_first(void **state)
{
	struct peer peer;
	unsigned char buf[64];

	(void)state;
	open_peer(&peer, TLS_RECORD_AES128_GCM, 0);
	say(&peer, TLS_RECORD_DATA, "one", 3);
	say(&peer, TLS_RECORD_DATA, "two", 3);
	say(&peer, TLS_RECORD_ALERT, "\1\0", 2);
	shutdown(peer.fd[1], SHUT_WR);
	assert_int_equal(tls_stream_read(peer.stream, buf, sizeof(buf)), 6);
	assert_memory_equal(buf, "onetwo", 6);
	assert_true(tls_stream_more(peer.stream));
	assert_int_equal(tls_stream_read(peer.stream, buf, sizeof(buf)), 0);
	close_peer(&peer);
	open_peer(&peer, TLS_RECORD_AES128_GCM, 0);
	say(&peer, TLS_RECORD_DATA, "one", 3);
	shutdown(peer.fd[1], SHUT_WR);
	assert_int_equal(tls_stream_read(peer.stream, buf, sizeof(buf)), 3);
	assert_int_equal(tls_stream_read(peer.stream, buf, sizeof(buf)), -ECONNRESET);
	close_peer(&peer);
}

/* Records of many sizes through sockets that cut them, into buffers of many sizes: what comes is
 * what went. */
static void any_cut_gives_the_same_bytes(void **state)
{
	static const size_t caps[] = {1, 7, 100, 5000, 16384, 40000};
	static const size_t cuts[] = {1, 5, 6, 1000, 16401, 50000};
	enum { TOTAL = 40000, WIRE = TOTAL + 64 * 30 };
	static unsigned char data[TOTAL], wire[WIRE], got[TOTAL], buf[40000];

	(void)state;
	for (size_t i = 0; i < TOTAL; i++)
		data[i] = (unsigned char)(i * 13 + i / 256);
	for (size_t c = 0; c < 36; c++) {
		struct peer peer;
		size_t cap = caps[c % 6], cut = cuts[c / 6], wire_len = 0, at = 0, sent = 0,
		       len = 0;

		/* Byte by byte both ways says nothing new and takes long. */
		if (cap < 100 && cut < 100)
			continue;
		open_peer(&peer, c % 2 ? TLS_RECORD_AES256_GCM : TLS_RECORD_12_AES256_GCM, 0);
		for (size_t record = 1; at < TOTAL; record = record * 3 + 1) {
			size_t n = record < TLS_RECORD_PLAIN_MAX ? record : TLS_RECORD_PLAIN_MAX;

			n = n < TOTAL - at ? n : TOTAL - at;
			wire_len += seal(&peer, TLS_RECORD_DATA, data + at, n, wire + wire_len);
			at += n;
		}
		while (len < TOTAL) {
			size_t n = cut < wire_len - sent ? cut : wire_len - sent;
			ssize_t r = n ? send(peer.fd[1], wire + sent, n, 0) : 0;

			sent += r > 0 ? (size_t)r : 0;
			do {
				r = tls_stream_read(peer.stream, buf, cap);
				if (r <= 0)
					break;
				memcpy(got + len, buf, (size_t)r);
				len += (size_t)r;
			} while (tls_stream_more(peer.stream));
			assert_true(r > 0 || r == -EAGAIN);
		}
		assert_memory_equal(got, data, TOTAL);
		close_peer(&peer);
	}
}

static void quiet_records_are_limited(void **state)
{
	struct peer peer;
	unsigned char buf[64];

	(void)state;
	open_peer(&peer, TLS_RECORD_AES128_GCM, 0);
	for (int i = 0; i < TLS_STREAM_QUIET; i++)
		say(&peer, TLS_RECORD_DATA, "", 0);
	assert_int_equal(tls_stream_read(peer.stream, buf, sizeof(buf)), -EAGAIN);
	say(&peer, TLS_RECORD_DATA, "x", 1);
	assert_int_equal(tls_stream_read(peer.stream, buf, sizeof(buf)), 1);
	for (int i = 0; i <= TLS_STREAM_QUIET; i++)
		say(&peer, TLS_RECORD_DATA, "", 0);
	assert_int_equal(tls_stream_read(peer.stream, buf, sizeof(buf)), -EPROTO);
	close_peer(&peer);
}

static void a_key_update_is_answered_when_it_asks(void **state)
{
	struct peer peer;
	unsigned char buf[64];
	uint8_t type = 0;

	(void)state;
	open_peer(&peer, TLS_RECORD_AES256_GCM, 2);
	for (int i = 0; i < 3; i++) {
		say(&peer, TLS_RECORD_HANDSHAKE, "\30\0\0\1\1", 5);
		tls_record_keys_update(&peer.tx);
		say(&peer, TLS_RECORD_DATA, "new key", 7);
		assert_int_equal(tls_stream_read(peer.stream, buf, sizeof(buf)), 7);
		assert_int_equal(put(&peer, "answer", 6), 6);
		/* First the update under the old key, then data under the new one (RFC 8446 4.6.3).
		 */
		assert_int_equal(hear(&peer, &type, buf), 5);
		assert_int_equal(type, TLS_RECORD_HANDSHAKE);
		assert_memory_equal(buf, "\30\0\0\1\0", 5);
		tls_record_keys_update(&peer.rx);
		assert_int_equal(hear(&peer, &type, buf), 6);
		assert_memory_equal(buf, "answer", 6);
	}
	close_peer(&peer);
}

static void a_key_is_changed_before_it_wears_out(void **state)
{
	struct peer peer;
	unsigned char buf[64];
	uint8_t type = 0;

	(void)state;
	open_peer(&peer, TLS_RECORD_AES128_GCM, (1 << 24) - 1);
	assert_int_equal(put(&peer, "last", 4), 4);
	assert_int_equal(hear(&peer, &type, buf), 4);
	assert_int_equal(put(&peer, "first", 5), 5);
	assert_int_equal(hear(&peer, &type, buf), 5);
	assert_int_equal(type, TLS_RECORD_HANDSHAKE);
	tls_record_keys_update(&peer.rx);
	assert_int_equal(hear(&peer, &type, buf), 5);
	assert_int_equal(type, TLS_RECORD_DATA);
	assert_memory_equal(buf, "first", 5);
	close_peer(&peer);
}

static void a_blocked_write_is_taken_later_and_not_twice(void **state)
{
	static unsigned char data[100000], got[2 * 100000], piece[TLS_RECORD_SEALED_MAX];
	struct peer peer;
	uint8_t type;
	int small = 4096;
	size_t sent = 0, len = 0;
	ssize_t n;

	(void)state;
	for (size_t i = 0; i < sizeof(data); i++)
		data[i] = (unsigned char)(i * 7 + i / 256);
	open_peer(&peer, TLS_RECORD_CHACHA20, 0);
	setsockopt(peer.fd[0], SOL_SOCKET, SO_SNDBUF, &small, sizeof(small));
	while ((n = put(&peer, data + sent, sizeof(data) - sent)) > 0)
		sent += (size_t)n;
	assert_int_equal(n, -EAGAIN);
	assert_true(tls_stream_is_blocked(peer.stream));
	assert_int_equal(tls_stream_shutdown(peer.stream), -EAGAIN);
	/* Afterwards in small pieces at the front: never more is taken than was given. */
	while (sent < sizeof(data)) {
		size_t give = sizeof(data) - sent < 1000 ? sizeof(data) - sent : 1000;

		n = put(&peer, data + sent, give);
		if (n == -EAGAIN) {
			unsigned char raw[3000];
			static unsigned char wire[400000];
			static size_t wire_len;
			ssize_t r = recv(peer.fd[1], raw, sizeof(raw), 0);

			assert_true(r > 0);
			memcpy(wire + wire_len, raw, (size_t)r);
			wire_len += (size_t)r;
			while (wire_len >= 5 && wire_len >= 5 + ((size_t)wire[3] << 8 | wire[4])) {
				size_t body = (size_t)wire[3] << 8 | wire[4];
				ssize_t m = tls_record_open(&peer.rx, wire, wire + 5, body, piece,
							    &type);

				assert_true(m > 0);
				memcpy(got + len, piece, (size_t)m);
				len += (size_t)m;
				memmove(wire, wire + 5 + body, wire_len - 5 - body);
				wire_len -= 5 + body;
			}
			continue;
		}
		assert_true(n > 0 && (size_t)n <= give);
		sent += (size_t)n;
	}
	assert_true(len > 0);
	assert_memory_equal(got, data, len);
	close_peer(&peer);
}

static struct lab_cert a_cert;

/* OpenSSL's own client: updates in both directions between requests. */
static void openssl_agrees_about_key_updates(void **state)
{
	struct lab_plan plan;
	struct lab_pair pair;
	static const char *const suites[] = {"TLS_AES_128_GCM_SHA256", "TLS_AES_256_GCM_SHA384",
					     "TLS_CHACHA20_POLY1305_SHA256"};

	(void)state;
	lab_plan(&plan);
	lab_add(&plan, &a_cert);
	struct tls_table *table = lab_finish(&plan);

	for (size_t i = 0; i < 3; i++) {
		struct lab_client wish = {.sni = "a.test", .min = TLS1_3_VERSION};

		lab_open(&pair, table, &wish);
		SSL_set_ciphersuites(pair.client, suites[i]);
		assert_true(lab_pump(&pair));
		assert_true(str_eq(tls_conn_facts(pair.server).cipher, str_of(suites[i])));
		lab_exchange(&pair, "before");
		SSL_key_update(pair.client, SSL_KEY_UPDATE_NOT_REQUESTED);
		lab_exchange(&pair, "one way");
		SSL_key_update(pair.client, SSL_KEY_UPDATE_REQUESTED);
		lab_exchange(&pair, "both ways");
		lab_exchange(&pair, "after");
		assert_int_equal(tls_conn_shutdown(pair.server), 0);
		char byte;

		assert_int_equal(SSL_read(pair.client, &byte, 1), 0);
		assert_int_equal(SSL_get_shutdown(pair.client) & SSL_RECEIVED_SHUTDOWN,
				 SSL_RECEIVED_SHUTDOWN);
		lab_close(&pair);
	}
	tls_table_unref(table);
	lab_plan_done(&plan);
}

/* docs and user-plane.md: at most 6 KiB per idle TLS connection. */
static void check_size(int version)
{
	enum { N = 40, SPARE = 10, LIMIT_BYTES = 1024 };
	static struct lab_pair pairs[N];
	struct lab_plan plan;
	size_t freed = 0;

	lab_plan(&plan);
	lab_add(&plan, &a_cert);
	struct tls_table *table = lab_finish(&plan);

	for (int i = 0; i < N; i++) {
		struct lab_client wish = {.sni = "a.test", .min = version, .max = version};

		assert_true(lab_connect(&pairs[i], table, &wish));
		lab_exchange(&pairs[i], "request");
		tls_conn_rest(pairs[i].server);
	}
	/* The expanded keys in the thread's cache are not the connection's: push them out. */
	for (int i = 0; i < TLS_RECORD_CONTEXTS; i++) {
		struct tls_record_keys keys;
		unsigned char wire[64];

		tls_record_keys_init(&keys, TLS_RECORD_AES256_GCM, up, 0);
		tls_record_seal(&keys, TLS_RECORD_DATA, NULL, 0, wire);
	}
	for (int i = 0; i < N; i++) {
		size_t before = mallinfo2().uordblks;

		tls_conn_free(pairs[i].server);
		pairs[i].server = NULL;
		if (i >= SPARE)
			freed += before - mallinfo2().uordblks;
	}
	print_message("  %zu bytes\n", freed / (N - SPARE));
	assert_true(freed / (N - SPARE) <= LIMIT_BYTES);
	for (int i = 0; i < N; i++)
		lab_close(&pairs[i]);
	tls_table_unref(table);
	lab_plan_done(&plan);
}

static void an_idle_connection_is_small(void **state)
{
	(void)state;
	if (mallinfo2().uordblks == 0)
		skip(); /* a sanitizer's allocator does not count */
	check_size(TLS1_3_VERSION);
	check_size(TLS1_2_VERSION);
}

/* TLS 1.2, with OpenSSL's client: renegotiation is refused, and the connection goes on. */
static void renegotiation_is_refused_and_nothing_else_happens(void **state)
{
	static const char *const suites[] = {"ECDHE-ECDSA-AES128-GCM-SHA256",
					     "ECDHE-ECDSA-AES256-GCM-SHA384",
					     "ECDHE-ECDSA-CHACHA20-POLY1305"};
	struct lab_plan plan;

	(void)state;
	lab_plan(&plan);
	lab_add(&plan, &a_cert);
	struct tls_table *table = lab_finish(&plan);

	for (size_t i = 0; i < 3; i++) {
		struct lab_client wish = {
			.sni = "a.test", .max = TLS1_2_VERSION, .ciphers = suites[i]};
		struct lab_pair pair;
		char byte;

		assert_true(lab_connect(&pair, table, &wish));
		lab_exchange(&pair, "before");
		assert_int_equal(SSL_renegotiate(pair.client), 1);
		SSL_do_handshake(pair.client);
		assert_int_equal(tls_conn_read(pair.server, &byte, 1), -EAGAIN);
		SSL_do_handshake(pair.client);
		ERR_clear_error();
		assert_int_equal(pair.client_alert, SSL_AD_NO_RENEGOTIATION);
		assert_int_equal(tls_conn_shutdown(pair.server), 0);
		lab_close(&pair);
	}
	tls_table_unref(table);
	lab_plan_done(&plan);
}

static int setup(void **state)
{
	(void)state;
	lab_cert(&a_cert, &(struct lab_cert_spec){.cn = "a.test"});
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	lab_cert_done(&a_cert);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(messages_are_obeyed_or_refused),
		cmocka_unit_test(messages_of_tls12_are_obeyed_or_refused),
		cmocka_unit_test(forgeries_end_the_connection),
		cmocka_unit_test(data_before_the_end_is_given_first),
		cmocka_unit_test(any_cut_gives_the_same_bytes),
		cmocka_unit_test(quiet_records_are_limited),
		cmocka_unit_test(a_key_update_is_answered_when_it_asks),
		cmocka_unit_test(a_key_is_changed_before_it_wears_out),
		cmocka_unit_test(a_blocked_write_is_taken_later_and_not_twice),
		cmocka_unit_test(openssl_agrees_about_key_updates),
		cmocka_unit_test(renegotiation_is_refused_and_nothing_else_happens),
		cmocka_unit_test(an_idle_connection_is_small),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
