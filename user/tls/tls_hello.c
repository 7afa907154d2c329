// SPDX-License-Identifier: Apache-2.0
/*
 * tls_hello: what happens between a complete ClientHello and everything that depends on it.
 */

#include "tls/tls_hello.h"

#include "base/clock.h"
#include "http/uri.h"
#include "tls/tls_cert.h"
#include "tls/tls_policy.h"
#include "tls/tls_table_lookup.h"
#include "tls/tls_ticket.h"

enum tls_hello_state tls_hello_look(struct str wire)
{
	enum { RECORD_HEAD = 5, MESSAGE_HEAD = 4, HANDSHAKE = 22, CLIENT_HELLO = 1 };
	unsigned char head[MESSAGE_HEAD];
	size_t got = 0, need = MESSAGE_HEAD;

	while (wire.len > 0) {
		const unsigned char *at = (const unsigned char *)wire.at;

		if (at[0] != HANDSHAKE || (wire.len > 1 && at[1] != 3))
			return TLS_HELLO_BAD;
		if (wire.len < RECORD_HEAD)
			return TLS_HELLO_MORE;
		size_t len = (size_t)at[3] << 8 | at[4];

		/* RFC 8446 5.1: no empty fragments of handshake messages. */
		if (len == 0 || len > SSL3_RT_MAX_PLAIN_LENGTH)
			return TLS_HELLO_BAD;
		struct str payload = str_take(str_from(wire, RECORD_HEAD), len);

		for (size_t i = 0; i < payload.len && got + i < MESSAGE_HEAD; i++)
			head[got + i] = (unsigned char)payload.at[i];
		got += payload.len;
		if (got >= 1 && head[0] != CLIENT_HELLO)
			return TLS_HELLO_BAD;
		if (got >= MESSAGE_HEAD)
			need = MESSAGE_HEAD +
			       ((size_t)head[1] << 16 | (size_t)head[2] << 8 | head[3]);
		if (need > MESSAGE_HEAD + TLS_HELLO_MAX)
			return TLS_HELLO_BAD;
		if (got >= need && got >= MESSAGE_HEAD)
			return TLS_HELLO_READY;
		wire = str_from(wire, RECORD_HEAD + len);
	}
	return TLS_HELLO_MORE;
}

static int refuse(struct tls_hello *hello, enum tls_failure failure, int *alert, int which)
{
	hello->failure = (uint8_t)failure;
	*alert = which;
	return SSL_CLIENT_HELLO_ERROR;
}

static bool read_sni(struct tls_hello *hello, SSL *ssl)
{
	const unsigned char *body;
	struct str name, canonical = {0};
	size_t len;

	if (!SSL_client_hello_get0_ext(ssl, TLSEXT_TYPE_server_name, &body, &len))
		return true;
	if (!tls_name_of_extension(str_n((const char *)body, len), &name) ||
	    !tls_name_canonical(name, hello->sni, &canonical))
		return false;
	hello->sni_len = canonical.len;
	return true;
}

/* Runs again for the second hello after a HelloRetryRequest: the first choice stands. */
static int on_hello(SSL *ssl, int *alert, void *context)
{
	struct tls_hello *hello = SSL_get_app_data(ssl);

	(void)context;
	if (hello->chosen)
		return SSL_CLIENT_HELLO_SUCCESS;
	if (!read_sni(hello, ssl))
		return refuse(hello, TLS_FAILURE_NAME_BAD, alert, SSL_AD_UNRECOGNIZED_NAME);
	struct str sni = str_n(hello->sni, hello->sni_len);
	const struct tls_policy *policy =
		hello->is_raw ? tls_table_policy_of(hello->table, hello->raw_policy)
			      : tls_table_lookup_policy(hello->table, sni);

	if (policy->broken)
		return refuse(hello, TLS_FAILURE_POLICY_BROKEN, alert, SSL_AD_HANDSHAKE_FAILURE);
	const struct tls_cert *cert =
		tls_table_lookup_cert(hello->table, sni, hello->has_local ? &hello->local : NULL);

	/* reference g.1: strict means no default certificate. */
	if (!cert && policy->sni_strict)
		return refuse(hello, TLS_FAILURE_NAME_UNKNOWN, alert, SSL_AD_UNRECOGNIZED_NAME);
	if (!cert)
		cert = tls_table_default_cert(hello->table);
	hello->policy = policy->id;
	if (!tls_policy_apply(policy, ssl, sni) ||
	    SSL_use_cert_and_key(ssl, cert->leaf, cert->key, cert->chain, 1) != 1)
		return refuse(hello, TLS_FAILURE_INTERNAL, alert, SSL_AD_INTERNAL_ERROR);
	hello->chosen = true;
	return SSL_CLIENT_HELLO_SUCCESS;
}

static int on_ticket(SSL *ssl, unsigned char *key_name, unsigned char *iv, EVP_CIPHER_CTX *cipher,
		     EVP_MAC_CTX *mac, int seal)
{
	struct tls_hello *hello = SSL_get_app_data(ssl);

	return tls_ticket_apply(hello->tickets, clock_mono_ns(), key_name, iv, cipher, mac, seal);
}

/* The secret of a key log line, "LABEL client-random secret", in hexadecimal. */
static bool read_secret(struct str line, struct str label, unsigned char *out)
{
	struct str word;
	size_t n = 0;

	if (!str_next(&line, ' ', &word) || !str_eq(word, label) || !str_next(&line, ' ', &word))
		return false;
	for (; n < TLS_RECORD_SECRET_MAX && 2 * n + 1 < line.len; n++) {
		int high = uri_hex((unsigned char)line.at[2 * n]);
		int low = uri_hex((unsigned char)line.at[2 * n + 1]);

		if (high < 0 || low < 0)
			return false;
		out[n] = (unsigned char)(high << 4 | low);
	}
	return line.len == 64 || line.len == 96;
}

void tls_hello_on_secret(const SSL *ssl, const char *line)
{
	struct tls_hello *hello = SSL_get_app_data(ssl);

	if (!hello)
		return;
	if (read_secret(str_of(line), STR("CLIENT_TRAFFIC_SECRET_0"), hello->read_secret))
		hello->has_read_secret = true;
	if (read_secret(str_of(line), STR("SERVER_TRAFFIC_SECRET_0"), hello->write_secret)) {
		hello->has_write_secret = true;
		hello->write_records = 0;
	}
}

void tls_hello_on_message(int write, int version, int type, const void *at, size_t len, SSL *ssl,
			  void *context)
{
	struct tls_hello *hello = SSL_get_app_data(ssl);

	(void)version, (void)at, (void)len, (void)context;
	if (hello && write && type == SSL3_RT_HEADER)
		hello->write_records++;
}

SSL_CTX *tls_hello_front(void)
{
	SSL_CTX *front = SSL_CTX_new(TLS_server_method());

	if (!front)
		return NULL;
	SSL_CTX_set_client_hello_cb(front, on_hello, NULL);
	SSL_CTX_set_tlsext_ticket_key_evp_cb(front, on_ticket);
	SSL_CTX_set_session_cache_mode(front, SSL_SESS_CACHE_OFF);
	SSL_CTX_set_timeout(front, TLS_TICKET_LIFETIME_S);
	SSL_CTX_set_min_proto_version(front, TLS1_2_VERSION);
	SSL_CTX_set_mode(front, SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ENABLE_PARTIAL_WRITE |
					SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
	SSL_CTX_set_options(front, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION |
					   SSL_OP_CIPHER_SERVER_PREFERENCE |
					   SSL_OP_PRIORITIZE_CHACHA);
	return front;
}
