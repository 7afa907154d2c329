/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TLS_LAB_H
#define TLS_LAB_H

/* tls_lab: certificates made on the spot, and a real OpenSSL client at the other end of a socket
 * pair. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tls/tls_builder.h"
#include "tls/tls_conn.h"

#define LAB __attribute__((unused)) static

struct lab_cert {
	char cert[4096], key[2048];
	X509 *x509;
	EVP_PKEY *pkey;
};

struct lab_cert_spec {
	const char *cn;		       /* NULL: none */
	const char *san;	       /* "DNS:a.test,IP:127.0.0.1"; NULL: none */
	const struct lab_cert *issuer; /* NULL: self-signed */
	long from_s, until_s;	       /* relative to now; 0 0: valid */
	int rsa_bits;		       /* 0: P-256 */
	bool ca;
};

LAB void lab_pem(BIO *bio, char *out, size_t size)
{
	int n = BIO_read(bio, out, (int)size - 1);

	assert_true(n > 0);
	out[n] = '\0';
	BIO_free(bio);
}

LAB void lab_extension(X509 *x509, int nid, const char *value)
{
	X509V3_CTX context;

	X509V3_set_ctx(&context, x509, x509, NULL, NULL, 0);
	X509_EXTENSION *extension = X509V3_EXT_conf_nid(NULL, &context, nid, value);

	assert_non_null(extension);
	X509_add_ext(x509, extension, -1);
	X509_EXTENSION_free(extension);
}

LAB void lab_cert(struct lab_cert *cert, const struct lab_cert_spec *spec)
{
	static long serial = 1;
	X509 *x509 = cert->x509 = X509_new();

	cert->pkey =
		spec->rsa_bits ? EVP_RSA_gen((unsigned int)spec->rsa_bits) : EVP_EC_gen("P-256");
	X509_set_version(x509, 2);
	ASN1_INTEGER_set(X509_get_serialNumber(x509), serial++);
	X509_gmtime_adj(X509_getm_notBefore(x509), spec->from_s ? spec->from_s : -3600);
	X509_gmtime_adj(X509_getm_notAfter(x509), spec->until_s ? spec->until_s : 3600);
	X509_set_pubkey(x509, cert->pkey);
	if (spec->cn)
		X509_NAME_add_entry_by_txt(X509_get_subject_name(x509), "CN", MBSTRING_UTF8,
					   (const unsigned char *)spec->cn, -1, -1, 0);
	X509_set_issuer_name(x509, X509_get_subject_name(spec->issuer ? spec->issuer->x509 : x509));
	if (spec->ca)
		lab_extension(x509, NID_basic_constraints, "critical,CA:TRUE");
	if (spec->san)
		lab_extension(x509, NID_subject_alt_name, spec->san);
	assert_true(X509_sign(x509, spec->issuer ? spec->issuer->pkey : cert->pkey, EVP_sha256()) >
		    0);
	BIO *bio = BIO_new(BIO_s_mem());

	PEM_write_bio_X509(bio, x509);
	lab_pem(bio, cert->cert, sizeof(cert->cert));
	bio = BIO_new(BIO_s_mem());
	PEM_write_bio_PrivateKey(bio, cert->pkey, NULL, NULL, 0, NULL, NULL);
	lab_pem(bio, cert->key, sizeof(cert->key));
}

LAB void lab_cert_done(struct lab_cert *cert)
{
	X509_free(cert->x509);
	EVP_PKEY_free(cert->pkey);
}

/* What a client wants; zero: TLS 1.2 or 1.3, no SNI. */
struct lab_client {
	const char *sni;
	const char *ciphers; /* TLS 1.2 */
	const char *groups;
	const char *alpn; /* wire form */
	int min, max;	  /* versions */
	const struct lab_cert *cert;
	SSL_SESSION *session;
	int seclevel0;
};

struct lab_pair {
	struct tls_conn *server;
	SSL *client;
	SSL_CTX *ctx;
	int fd[2];
	enum tls_step step; /* the server's last */
	int client_ok;
	int client_alert;     /* received; 0 none */
	SSL_SESSION *session; /* the newest ticket */
};

LAB int lab_on_session(SSL *ssl, SSL_SESSION *session)
{
	struct lab_pair *pair = SSL_get_app_data(ssl);

	SSL_SESSION_free(pair->session);
	pair->session = session;
	return 1;
}

LAB void lab_on_info(const SSL *ssl, int where, int value)
{
	struct lab_pair *pair = SSL_get_app_data(ssl);

	if ((where & SSL_CB_READ_ALERT) == SSL_CB_READ_ALERT && pair && (value & 0xff))
		pair->client_alert = value & 0xff;
}

LAB void lab_sockets(int fd[2])
{
	signal(SIGPIPE, SIG_IGN);
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fd), 0);
}

LAB void lab_open(struct lab_pair *pair, struct tls_table *table, const struct lab_client *wish)
{
	memset(pair, 0, sizeof(*pair));
	lab_sockets(pair->fd);
	pair->ctx = SSL_CTX_new(TLS_client_method());
	SSL_CTX_set_session_cache_mode(pair->ctx,
				       SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL_STORE);
	SSL_CTX_sess_set_new_cb(pair->ctx, lab_on_session);
	SSL_CTX_set_info_callback(pair->ctx, lab_on_info);
	if (wish->ciphers)
		assert_int_equal(SSL_CTX_set_cipher_list(pair->ctx, wish->ciphers), 1);
	if (wish->cert) {
		SSL_CTX_use_certificate(pair->ctx, wish->cert->x509);
		SSL_CTX_use_PrivateKey(pair->ctx, wish->cert->pkey);
	}
	pair->client = SSL_new(pair->ctx);
	SSL_set_app_data(pair->client, pair);
	SSL_set_fd(pair->client, pair->fd[1]);
	SSL_set_min_proto_version(pair->client, wish->min);
	SSL_set_max_proto_version(pair->client, wish->max);
	if (wish->groups)
		assert_int_equal(SSL_set1_groups_list(pair->client, wish->groups), 1);
	if (wish->sni)
		SSL_set_tlsext_host_name(pair->client, wish->sni);
	if (wish->alpn)
		SSL_set_alpn_protos(pair->client, (const unsigned char *)wish->alpn,
				    (unsigned int)strlen(wish->alpn));
	if (wish->session)
		SSL_set_session(pair->client, wish->session);
	SSL_set_connect_state(pair->client);
	pair->server = tls_conn_new(table, pair->fd[0], NULL);
	assert_non_null(pair->server);
}

/* Lets both go on until both are done or one has failed; true when both are done. */
LAB bool lab_pump(struct lab_pair *pair)
{
	pair->step = TLS_WANT_READ;
	for (int i = 0; i < 50; i++) {
		if (pair->client_ok == 0) {
			int result = SSL_do_handshake(pair->client);
			int error = SSL_get_error(pair->client, result);

			ERR_clear_error();
			if (result == 1)
				pair->client_ok = 1;
			else if (error != SSL_ERROR_WANT_READ && error != SSL_ERROR_WANT_WRITE)
				pair->client_ok = -1;
		}
		if (pair->step != TLS_DONE && pair->step != TLS_FAILED)
			pair->step = tls_conn_handshake(pair->server);
		if (pair->step == TLS_DONE && pair->client_ok == 1)
			break;
		if (pair->client_ok < 0 && pair->step != TLS_WANT_READ)
			break;
		if (pair->step == TLS_FAILED) {
			char byte;

			/* The alert may come when the client thinks it is done (TLS 1.3). */
			SSL_read(pair->client, &byte, 1);
			ERR_clear_error();
		}
	}
	return pair->step == TLS_DONE && pair->client_ok == 1;
}

LAB bool lab_connect(struct lab_pair *pair, struct tls_table *table, const struct lab_client *wish)
{
	lab_open(pair, table, wish);
	return lab_pump(pair);
}

/* The client writes text, the server must read the same; and back. */
LAB void lab_exchange(struct lab_pair *pair, const char *text)
{
	char buf[256];
	int len = (int)strlen(text);
	struct iovec part = {(void *)(uintptr_t)text, (size_t)len};

	assert_int_equal(SSL_write(pair->client, text, len), len);
	assert_int_equal(tls_conn_read(pair->server, buf, sizeof(buf)), len);
	assert_memory_equal(buf, text, len);
	assert_int_equal(tls_conn_read(pair->server, buf, sizeof(buf)), -EAGAIN);
	assert_int_equal(tls_conn_write(pair->server, &part, 1), len);
	assert_int_equal(SSL_read(pair->client, buf, sizeof(buf)), len);
	assert_memory_equal(buf, text, len);
}

/* The common name of the certificate that the client got. */
LAB void lab_peer_cn(const struct lab_pair *pair, char *out, int size)
{
	X509 *x509 = SSL_get1_peer_certificate(pair->client);

	out[0] = '\0';
	if (x509)
		X509_NAME_get_text_by_NID(X509_get_subject_name(x509), NID_commonName, out, size);
	X509_free(x509);
}

LAB void lab_close(struct lab_pair *pair)
{
	tls_conn_free(pair->server);
	/* Sessions of connections that were just dropped are not used again. */
	SSL_set_shutdown(pair->client, SSL_SENT_SHUTDOWN | SSL_RECEIVED_SHUTDOWN);
	SSL_free(pair->client);
	SSL_CTX_free(pair->ctx);
	SSL_SESSION_free(pair->session);
	close(pair->fd[0]);
	close(pair->fd[1]);
	ERR_clear_error();
}

/* A builder with a sink for diags. */
struct lab_plan {
	struct tls_cache *cache;
	struct tls_builder *builder;
	struct arena arena;
	struct diag_sink sink;
};

LAB void lab_plan(struct lab_plan *plan)
{
	plan->cache = tls_cache_new();
	assert_non_null(plan->cache);
	plan->builder = tls_builder_new(plan->cache);
	assert_non_null(plan->builder);
	arena_init(&plan->arena, 1 << 20, 0);
	diag_init(&plan->sink, &plan->arena);
}

LAB int lab_policy(struct lab_plan *plan, const char *name, const struct tls_option *option,
		   const char *ca)
{
	struct str cas[] = {str_of(ca)};

	return tls_builder_policy(plan->builder, str_of(name), option, cas, ca ? 1 : 0, &plan->sink,
				  NULL);
}

LAB int lab_add(struct lab_plan *plan, const struct lab_cert *cert)
{
	char message[TLS_MESSAGE_MAX];

	return tls_builder_certificate(plan->builder, str_of(cert->cert), str_of(cert->key),
				       message);
}

LAB struct tls_table *lab_finish(struct lab_plan *plan)
{
	struct tls_table *table = tls_builder_finish(plan->builder);

	assert_non_null(table);
	return table;
}

LAB void lab_plan_done(struct lab_plan *plan)
{
	arena_done(&plan->arena);
	tls_cache_free(plan->cache);
}

#endif
