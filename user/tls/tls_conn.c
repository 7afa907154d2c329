// SPDX-License-Identifier: Apache-2.0
/*
 * tls_conn: one TLS connection on a non-blocking stream socket.
 */

#include "tls/tls_conn.h"

#include <errno.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/socket.h>

#include "tls/tls_client.h"
#include "tls/tls_hello.h"
#include "tls/tls_ktls.h"
#include "tls/tls_peer.h"
#include "tls/tls_stream.h"
#include "tls/tls_table_lookup.h"

enum {
	RECORD_BYTES = 16384,
	PARTS_MAX = 16,
};

struct tls_conn {
	SSL *ssl;		   /* NULL before the ClientHello, and when stream has taken over */
	struct tls_stream *stream; /* after the handshake, for all but CBC ciphers */
	struct tls_hello *hello;   /* while the handshake lasts */
	struct tls_client *client; /* whose connection it is; NULL: the server's side */
	SSL_SESSION *session;	   /* client: the newest, not taken yet */
	struct client_certs *client_certs;
	const char *cipher;
	char *sni; /* NULL: none */
	int fd;
	unsigned int owed_bytes; /* of a write that OpenSSL has begun */
	uint32_t peeked_bytes;	 /* of the hello, so far */
	uint16_t version, policy;
	uint8_t failure, ktls_tx, ktls_rx;
	uint8_t sni_len;
	uint8_t alert; /* the peer's, 0: none (close_notify is no failure) */
	bool is_h2 : 1;
	bool done : 1, resumed : 1, has_alpn : 1, ktls_enabled : 1, drained : 1;
};

static const struct str failure_words[TLS_FAILURE__COUNT] = {
	[TLS_FAILURE_NONE] = STR("none"),
	[TLS_FAILURE_CLOSED] = STR("closed"),
	[TLS_FAILURE_NOT_TLS] = STR("not-tls"),
	[TLS_FAILURE_NAME_BAD] = STR("name-bad"),
	[TLS_FAILURE_NAME_UNKNOWN] = STR("name-unknown"),
	[TLS_FAILURE_POLICY_BROKEN] = STR("policy-broken"),
	[TLS_FAILURE_VERSION] = STR("version"),
	[TLS_FAILURE_CIPHER] = STR("cipher"),
	[TLS_FAILURE_ALPN] = STR("alpn"),
	[TLS_FAILURE_CLIENT_CERT] = STR("client-cert"),
	[TLS_FAILURE_PEER_ALERT] = STR("peer-alert"),
	[TLS_FAILURE_PROTOCOL] = STR("protocol"),
	[TLS_FAILURE_INTERNAL] = STR("internal"),
	[TLS_FAILURE_SERVER_UNTRUSTED] = STR("server-untrusted"),
	[TLS_FAILURE_SERVER_NAME] = STR("server-name"),
	[TLS_FAILURE_SERVER_EXPIRED] = STR("server-expired"),
	[TLS_FAILURE_SERVER_CERT] = STR("server-cert"),
};

/* OpenSSL's reasons in our words; what is not here is a fault of the protocol. */
static const struct {
	int reason;
	enum tls_failure failure;
} reasons[] = {
	{SSL_R_UNEXPECTED_EOF_WHILE_READING, TLS_FAILURE_CLOSED},
	{SSL_R_HTTP_REQUEST, TLS_FAILURE_NOT_TLS},
	{SSL_R_HTTPS_PROXY_REQUEST, TLS_FAILURE_NOT_TLS},
	{SSL_R_WRONG_VERSION_NUMBER, TLS_FAILURE_NOT_TLS},
	{SSL_R_UNSUPPORTED_PROTOCOL, TLS_FAILURE_VERSION},
	{SSL_R_VERSION_TOO_LOW, TLS_FAILURE_VERSION},
	{SSL_R_NO_SHARED_CIPHER, TLS_FAILURE_CIPHER},
	{SSL_R_NO_SHARED_GROUPS, TLS_FAILURE_CIPHER},
	{SSL_R_NO_SUITABLE_KEY_SHARE, TLS_FAILURE_CIPHER},
	{SSL_R_NO_SUITABLE_GROUPS, TLS_FAILURE_CIPHER},
	{SSL_R_NO_SUITABLE_SIGNATURE_ALGORITHM, TLS_FAILURE_CIPHER},
	{SSL_R_NO_APPLICATION_PROTOCOL, TLS_FAILURE_ALPN},
	{SSL_R_PEER_DID_NOT_RETURN_A_CERTIFICATE, TLS_FAILURE_CLIENT_CERT},
	{SSL_R_CERTIFICATE_VERIFY_FAILED, TLS_FAILURE_CLIENT_CERT},
	{SSL_R_NO_CERTIFICATES_RETURNED, TLS_FAILURE_CLIENT_CERT},
};

static atomic_bool ktls_off;

void tls_conn_set_ktls(bool enabled)
{
	atomic_store_explicit(&ktls_off, !enabled, memory_order_relaxed);
}

struct str tls_conn_failure_word(enum tls_failure failure)
{
	return failure_words[failure];
}

struct tls_conn *tls_conn_new(struct tls_table *table, int fd, const struct addr *local)
{
	struct tls_conn *conn = calloc(1, sizeof(*conn));

	if (!conn)
		return NULL;
	conn->fd = fd;
	conn->ktls_tx = conn->ktls_rx = TLS_KTLS_UNKNOWN;
	conn->ktls_enabled = !atomic_load_explicit(&ktls_off, memory_order_relaxed);
	conn->hello = calloc(1, sizeof(*conn->hello));
	if (!conn->hello) {
		free(conn);
		return NULL;
	}
	conn->hello->table = tls_table_ref(table);
	conn->hello->tickets = tls_cache_tickets(table->cache);
	if (local) {
		conn->hello->local = *local;
		conn->hello->has_local = true;
	}
	return conn;
}

void tls_conn_is_raw(struct tls_conn *conn, uint16_t policy)
{
	conn->hello->is_raw = true;
	conn->hello->raw_policy = policy;
}

struct tls_conn *tls_conn_new_client(struct tls_client *client, SSL *ssl, int fd)
{
	struct tls_conn *conn = calloc(1, sizeof(*conn));

	if (!conn)
		return NULL;
	conn->fd = fd;
	conn->ssl = ssl;
	conn->client = tls_client_ref(client);
	conn->ktls_tx = conn->ktls_rx = TLS_KTLS_UNKNOWN;
	conn->ktls_enabled = !atomic_load_explicit(&ktls_off, memory_order_relaxed);
	if (conn->ktls_enabled)
		SSL_set_options(ssl, SSL_OP_ENABLE_KTLS);
	return conn;
}

void tls_conn_keep_session(struct tls_conn *conn, SSL_SESSION *session)
{
	SSL_SESSION_free(conn->session);
	conn->session = session;
}

SSL_SESSION *tls_conn_take_session(struct tls_conn *conn)
{
	SSL_SESSION *session = conn->session;

	conn->session = NULL;
	return session;
}

static bool begin(struct tls_conn *conn)
{
	conn->ssl = SSL_new(tls_cache_front(conn->hello->table->cache));
	if (!conn->ssl || SSL_set_fd(conn->ssl, conn->fd) != 1 ||
	    SSL_set_app_data(conn->ssl, conn->hello) != 1)
		return false;
	SSL_set_msg_callback(conn->ssl, tls_hello_on_message);
	if (conn->ktls_enabled)
		SSL_set_options(conn->ssl, SSL_OP_ENABLE_KTLS);
	SSL_set_accept_state(conn->ssl);
	return true;
}

/* Leaves the hello in the socket until it is complete; TLS_DONE: OpenSSL may have it. */
static enum tls_step await_hello(struct tls_conn *conn)
{
	static _Thread_local char wire[TLS_HELLO_WIRE_MAX];
	ssize_t n = recv(conn->fd, wire, sizeof(wire), MSG_PEEK);
	uint32_t before = conn->peeked_bytes;

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return TLS_WANT_READ;
	if (n <= 0) {
		conn->failure = TLS_FAILURE_CLOSED;
		return TLS_FAILED;
	}
	conn->peeked_bytes = (uint32_t)n;
	switch (tls_hello_look(str_n(wire, (size_t)n))) {
	case TLS_HELLO_READY:
		return TLS_DONE;
	case TLS_HELLO_BAD:
		conn->failure = TLS_FAILURE_NOT_TLS;
		return TLS_FAILED;
	case TLS_HELLO_MORE:
		break;
	}
	if (n == TLS_HELLO_WIRE_MAX) {
		conn->failure = TLS_FAILURE_PROTOCOL;
		return TLS_FAILED;
	}
	/* Called without anything new: perhaps the end, which OpenSSL will find behind these bytes.
	 */
	return before == (uint32_t)n ? TLS_DONE : TLS_WANT_READ;
}

static void end_hello(struct tls_conn *conn)
{
	if (!conn->hello)
		return;
	if (conn->ssl)
		SSL_set_app_data(conn->ssl, NULL);
	tls_table_unref(conn->hello->table);
	OPENSSL_cleanse(conn->hello, sizeof(*conn->hello));
	free(conn->hello);
	conn->hello = NULL;
}

void tls_conn_free(struct tls_conn *conn)
{
	if (!conn)
		return;
	end_hello(conn);
	/* Or OpenSSL would think that the session went bad, and never resume it. */
	if (conn->client && conn->done)
		SSL_set_shutdown(conn->ssl, SSL_SENT_SHUTDOWN | SSL_RECEIVED_SHUTDOWN);
	SSL_free(conn->ssl);
	SSL_SESSION_free(conn->session);
	tls_client_unref(conn->client);
	tls_stream_free(conn->stream);
	free(conn->client_certs);
	free(conn->sni);
	free(conn);
}

/* The peer's alerts stand for themselves, but for those that say the same as one of our own
 * reasons. */
static enum tls_failure classify(int error, unsigned long code)
{
	int reason = ERR_GET_REASON(code);

	if (error == SSL_ERROR_SYSCALL || error == SSL_ERROR_ZERO_RETURN)
		return TLS_FAILURE_CLOSED;
	if (ERR_GET_LIB(code) != ERR_LIB_SSL)
		return TLS_FAILURE_PROTOCOL;
	if (reason >= SSL_AD_REASON_OFFSET)
		return TLS_FAILURE_PEER_ALERT;
	for (size_t i = 0; i < sizeof(reasons) / sizeof(*reasons); i++)
		if (reasons[i].reason == reason)
			return reasons[i].failure;
	return TLS_FAILURE_PROTOCOL;
}

static void note_alert(struct tls_conn *conn, unsigned long code)
{
	int reason = ERR_GET_REASON(code);

	if (ERR_GET_LIB(code) == ERR_LIB_SSL && reason > SSL_AD_REASON_OFFSET &&
	    reason < SSL_AD_REASON_OFFSET + UINT8_MAX) {
		conn->alert = (uint8_t)(reason - SSL_AD_REASON_OFFSET);
		conn->failure = TLS_FAILURE_PEER_ALERT;
	}
}

static enum tls_step fail(struct tls_conn *conn, int error)
{
	unsigned long code = ERR_peek_error();

	if (conn->hello)
		conn->failure = conn->hello->failure;
	if (conn->failure == TLS_FAILURE_NONE)
		conn->failure = (uint8_t)classify(error, code);
	/* The same reason of OpenSSL's means the client's certificate, or the server's. */
	if (conn->client && conn->failure == TLS_FAILURE_CLIENT_CERT)
		conn->failure = (uint8_t)tls_client_why(conn->ssl);
	note_alert(conn, code);
	ERR_clear_error();
	return TLS_FAILED;
}

static enum tls_step end_client_handshake(struct tls_conn *conn)
{
	const unsigned char *alpn;
	unsigned int alpn_len;

	conn->failure = (uint8_t)tls_client_judge(conn->client, conn->ssl);
	if (conn->failure)
		return TLS_FAILED;
	SSL_get0_alpn_selected(conn->ssl, &alpn, &alpn_len);
	conn->has_alpn = alpn_len > 0;
	conn->is_h2 = alpn_len == 2;
	conn->version = (uint16_t)SSL_version(conn->ssl);
	conn->cipher = SSL_CIPHER_standard_name(SSL_get_current_cipher(conn->ssl));
	conn->resumed = SSL_session_reused(conn->ssl);
	conn->ktls_tx = (uint8_t)tls_ktls_tx(conn->ssl, conn->ktls_enabled);
	conn->ktls_rx = (uint8_t)tls_ktls_rx(conn->ssl, conn->ktls_enabled);
	conn->done = true;
	return TLS_DONE;
}

static bool keep_facts(struct tls_conn *conn)
{
	const unsigned char *alpn;
	unsigned int alpn_len;

	if (conn->hello->sni_len) {
		conn->sni = malloc(conn->hello->sni_len);
		if (!conn->sni)
			return false;
		memcpy(conn->sni, conn->hello->sni, conn->hello->sni_len);
		conn->sni_len = (uint8_t)conn->hello->sni_len;
	}
	SSL_get0_alpn_selected(conn->ssl, &alpn, &alpn_len);
	conn->has_alpn = alpn_len > 0;
	conn->policy = conn->hello->policy;
	conn->version = (uint16_t)SSL_version(conn->ssl);
	conn->cipher = SSL_CIPHER_standard_name(SSL_get_current_cipher(conn->ssl));
	conn->resumed = SSL_session_reused(conn->ssl);
	if (tls_peer_take(conn->ssl, &conn->client_certs) < 0)
		return false;
	conn->ktls_tx = (uint8_t)tls_ktls_tx(conn->ssl, conn->ktls_enabled);
	conn->ktls_rx = (uint8_t)tls_ktls_rx(conn->ssl, conn->ktls_enabled);
	return true;
}

/* The keys of both directions as the handshake left them. */
static bool take_keys(const struct tls_conn *conn, enum tls_record_suite suite,
		      struct tls_stream_start *start)
{
	const struct tls_hello *hello = conn->hello;
	unsigned char master[48], client[32], server[32];

	if (!tls_record_is_tls12(suite))
		return hello->has_read_secret && hello->has_write_secret &&
		       tls_record_keys_init(&start->rx, suite, hello->read_secret, 0) &&
		       tls_record_keys_init(&start->tx, suite, hello->write_secret,
					    hello->write_records);
	/* Who can seal for the kernel and open here needs both halves; with TLS 1.2 it has both or
	 * none. */
	if (conn->ktls_tx == TLS_KTLS_ON || SSL_get_client_random(conn->ssl, client, 32) != 32 ||
	    SSL_get_server_random(conn->ssl, server, 32) != 32 ||
	    SSL_SESSION_get_master_key(SSL_get_session(conn->ssl), master, sizeof(master)) !=
		    sizeof(master))
		return false;
	bool ok = tls_record_keys_tls12(suite, master, client, server, &start->rx, &start->tx);

	OPENSSL_cleanse(master, sizeof(master));
	return ok;
}

/*
 * Hands the connection over to tls_stream and lets OpenSSL's object go, unless something is left in
 * it or the cipher is none of ours: then OpenSSL goes on.
 */
static void take_over(struct tls_conn *conn)
{
	int suite =
		tls_record_suite_of(SSL_CIPHER_get_protocol_id(SSL_get_current_cipher(conn->ssl)));
	struct tls_stream_start start = {.fd = conn->fd, .kernel_tx = conn->ktls_tx == TLS_KTLS_ON};

	if (suite < 0 || conn->ktls_rx == TLS_KTLS_ON || SSL_has_pending(conn->ssl))
		return;
	if (take_keys(conn, (enum tls_record_suite)suite, &start))
		conn->stream = tls_stream_new(&start);
	OPENSSL_cleanse(&start, sizeof(start));
	if (!conn->stream)
		return;
	SSL_free(conn->ssl);
	conn->ssl = NULL;
}

enum tls_step tls_conn_handshake(struct tls_conn *conn)
{
	if (conn->done)
		return TLS_DONE;
	if (conn->failure)
		return TLS_FAILED;
	if (!conn->ssl) {
		enum tls_step step = await_hello(conn);

		if (step != TLS_DONE)
			return step;
		if (!begin(conn)) {
			conn->failure = TLS_FAILURE_INTERNAL;
			ERR_clear_error();
			return TLS_FAILED;
		}
	}
	ERR_clear_error();
	int result = SSL_do_handshake(conn->ssl);

	if (result != 1) {
		int error = SSL_get_error(conn->ssl, result);

		if (error == SSL_ERROR_WANT_READ)
			return TLS_WANT_READ;
		if (error == SSL_ERROR_WANT_WRITE)
			return TLS_WANT_WRITE;
		return fail(conn, error);
	}
	if (conn->client)
		return end_client_handshake(conn);
	if (!keep_facts(conn)) {
		conn->failure = TLS_FAILURE_INTERNAL;
		return TLS_FAILED;
	}
	take_over(conn);
	end_hello(conn);
	conn->done = true;
	return TLS_DONE;
}

enum tls_failure tls_conn_failure(const struct tls_conn *conn)
{
	return conn->failure;
}

struct str tls_conn_peer_alert(const struct tls_conn *conn)
{
	/* OpenSSL 3.0 has no words for it. */
	if (conn->alert == SSL_AD_CERTIFICATE_REQUIRED)
		return STR("certificate required");
	return conn->alert ? str_of(SSL_alert_desc_string_long(conn->alert)) : (struct str){0};
}

struct tls_facts tls_conn_facts(const struct tls_conn *conn)
{
	return (struct tls_facts){
		.sni = str_n(conn->sni, conn->sni_len),
		.alpn = conn->is_h2	 ? STR("h2")
			: conn->has_alpn ? STR("http/1.1")
					 : (struct str){0},
		.cipher = str_of(conn->cipher),
		.version = conn->version,
		.policy = conn->policy,
		.resumed = conn->resumed,
		.has_peer_cert = conn->client_certs != NULL,
		.ktls_tx = conn->ktls_tx,
		.ktls_rx = conn->ktls_rx,
	};
}

const struct client_certs *tls_conn_client_certs(const struct tls_conn *conn)
{
	return conn->client_certs;
}

/* The errno that stands for a failed read or write. */
static int errno_of(struct tls_conn *conn, int result)
{
	int system = errno;
	int error = SSL_get_error(conn->ssl, result);
	unsigned long code = ERR_peek_error();

	if (error == SSL_ERROR_SSL)
		note_alert(conn, code);
	ERR_clear_error();
	if (error == SSL_ERROR_WANT_READ || error == SSL_ERROR_WANT_WRITE)
		return -EAGAIN;
	if (error == SSL_ERROR_ZERO_RETURN)
		return 0;
	if (error == SSL_ERROR_SYSCALL)
		return system ? -system : -ECONNRESET;
	/* Closed without close_notify: the end may have been cut off. */
	if (ERR_GET_REASON(code) == SSL_R_UNEXPECTED_EOF_WHILE_READING)
		return -ECONNRESET;
	return -EPROTO;
}

ssize_t tls_conn_read(struct tls_conn *conn, void *buf, size_t cap)
{
	size_t n = 0;

	if (conn->stream)
		return tls_stream_read(conn->stream, buf, cap);
	errno = 0;
	int result = SSL_read_ex(conn->ssl, buf, cap, &n);

	conn->drained = result != 1;
	return result == 1 ? (ssize_t)n : errno_of(conn, result);
}

bool tls_conn_more(const struct tls_conn *conn)
{
	return conn->stream ? tls_stream_more(conn->stream) : !conn->drained;
}

/* Puts the first bytes of all parts together, so that they share a record; returns how many. */
static size_t gather(const struct iovec *parts, int n, char *out, size_t cap)
{
	size_t len = 0;

	for (int i = 0; i < n && len < cap; i++) {
		size_t take = parts[i].iov_len < cap - len ? parts[i].iov_len : cap - len;

		if (take)
			memcpy(out + len, parts[i].iov_base, take);
		len += take;
	}
	return len;
}

/* One record from the front of parts. */
static ssize_t write_record(struct tls_conn *conn, const struct iovec *parts, int n)
{
	static _Thread_local char together[RECORD_BYTES];
	size_t limit = conn->owed_bytes ? conn->owed_bytes : RECORD_BYTES;
	const void *at = parts[0].iov_base;
	size_t len = parts[0].iov_len, written = 0;

	if (len >= limit || n == 1) {
		len = len < limit ? len : limit;
	} else {
		len = gather(parts, n, together, limit);
		at = together;
	}
	errno = 0;
	int result = SSL_write_ex(conn->ssl, at, len, &written);

	if (result == 1) {
		conn->owed_bytes = 0;
		return (ssize_t)written;
	}
	int error = errno_of(conn, result);

	if (error == -EAGAIN)
		conn->owed_bytes = (unsigned int)len;
	return error ? error : -EPIPE;
}

/* Drops n bytes, and what is empty, from the front; returns how many parts are left. */
static int advance(struct iovec **parts, int n_parts, size_t n)
{
	while (n_parts > 0 && n >= (*parts)->iov_len) {
		n -= (*parts)->iov_len;
		(*parts)++;
		n_parts--;
	}
	if (n_parts > 0) {
		(*parts)->iov_base = (char *)(*parts)->iov_base + n;
		(*parts)->iov_len -= n;
	}
	return n_parts;
}

ssize_t tls_conn_write(struct tls_conn *conn, const struct iovec *parts, int n)
{
	struct iovec copy[PARTS_MAX], *at = copy;
	size_t total = 0;

	/* More than PARTS_MAX: the rest is not taken this time. */
	n = n < PARTS_MAX ? n : PARTS_MAX;
	memcpy(copy, parts, (size_t)n * sizeof(*copy));
	n = advance(&at, n, 0);
	while (n > 0) {
		ssize_t wrote = conn->stream ? tls_stream_write(conn->stream, at, n)
					     : write_record(conn, at, n);

		if (wrote < 0)
			return total ? (ssize_t)total : wrote;
		total += (size_t)wrote;
		n = advance(&at, n, (size_t)wrote);
	}
	return (ssize_t)total;
}

int tls_conn_shutdown(struct tls_conn *conn)
{
	if (!conn->done)
		return -ENOTCONN;
	if (conn->stream)
		return tls_stream_shutdown(conn->stream);
	errno = 0;
	int result = SSL_shutdown(conn->ssl);

	if (result >= 0)
		return 0;
	int error = errno_of(conn, result);

	return error ? error : -ECONNRESET;
}

void tls_conn_rest(struct tls_conn *conn)
{
	/* A stream keeps nothing that could go. */
	if (conn->done && conn->ssl)
		SSL_free_buffers(conn->ssl);
}

bool tls_conn_can_splice_to(const struct tls_conn *conn)
{
	if (conn->ktls_tx != TLS_KTLS_ON)
		return false;
	return conn->stream ? !tls_stream_is_blocked(conn->stream) : conn->owed_bytes == 0;
}

bool tls_conn_can_splice_from(const struct tls_conn *conn)
{
	return conn->ssl && conn->ktls_rx == TLS_KTLS_ON && !SSL_has_pending(conn->ssl);
}
