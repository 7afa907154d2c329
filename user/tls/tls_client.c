// SPDX-License-Identifier: Apache-2.0
/*
 * tls_client: TLS towards servers.
 */

#include "tls/tls_client.h"

#include <errno.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/addr.h"
#include "base/ref.h"
#include "tls/tls_cert.h"
#include "tls/tls_ktls.h"
#include "tls/tls_name.h"
#include "tls/tls_suite.h"

enum { PAIRS_MAX = 16 };

struct tls_client {
	struct ref ref;
	SSL_CTX *ctx;
	char *server_name; /* NULL: the host of the URL */
	bool verifies;	   /* the chain */
	bool checks_name;
	bool offers_h2;
	struct tls_client_san *sans;
	size_t n_sans;
	struct tls_cert *pairs[PAIRS_MAX];
	size_t n_pairs;
};

/* ------------------------------------------------------------------- trust --- */

/* What the system trusts takes milliseconds and a megabyte: loaded once, shared by all. */
static X509_STORE *system_store(void)
{
	static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
	static X509_STORE *store;

	pthread_mutex_lock(&lock);
	if (!store) {
		store = X509_STORE_new();
		if (store && X509_STORE_set_default_paths(store) != 1) {
			X509_STORE_free(store);
			store = NULL;
		}
	}
	pthread_mutex_unlock(&lock);
	return store;
}

static int add_ca(void *context, X509 *x509)
{
	return X509_STORE_add_cert(context, x509) == 1 ? 0 : -ENOMEM;
}

/* A PEM text, or a file with one. */
static bool load_ca(X509_STORE *store, struct str ca)
{
	char path[4096];

	if (str_find(ca, '\n') >= 0 || str_starts(ca, STR("-----")))
		return tls_cert_each(ca, add_ca, store) > 0;
	if (ca.len >= sizeof(path))
		return false;
	memcpy(path, ca.at, ca.len);
	path[ca.len] = '\0';
	return X509_STORE_load_file(store, path) == 1;
}

static int set_trust(struct tls_client *client, const struct tls_client_options *options,
		     char *message)
{
	X509_STORE *store = options->has_cas ? X509_STORE_new() : system_store();

	if (!store)
		return -ENOMEM;
	if (!options->has_cas) {
		SSL_CTX_set1_cert_store(client->ctx, store);
		return 0;
	}
	for (size_t i = 0; i < options->n_cas; i++)
		if (!load_ca(store, options->cas[i]))
			snprintf(message, TLS_MESSAGE_MAX, "CA number %zu is not readable", i + 1);
	/* As Go: whatever is given is trusted, be it no root. */
	X509_STORE_set_flags(store, X509_V_FLAG_PARTIAL_CHAIN);
	SSL_CTX_set_cert_store(client->ctx, store);
	return 0;
}

/* ----------------------------------------------------- client certificates --- */

static bool issued_by(const struct tls_cert *cert, const STACK_OF(X509_NAME) * names)
{
	for (int i = 0; i < sk_X509_NAME_num(names); i++) {
		const X509_NAME *name = sk_X509_NAME_value(names, i);

		if (X509_NAME_cmp(X509_get_issuer_name(cert->leaf), name) == 0)
			return true;
		for (int k = 0; k < sk_X509_num(cert->chain); k++)
			if (X509_NAME_cmp(X509_get_issuer_name(sk_X509_value(cert->chain, k)),
					  name) == 0)
				return true;
	}
	return false;
}

/* The first that a CA which the server names has issued; none when none fits, as Go does. */
static int choose_pair(SSL *ssl, void *context)
{
	const struct tls_client *client = context;
	const STACK_OF(X509_NAME) *names = SSL_get0_peer_CA_list(ssl);

	for (size_t i = 0; i < client->n_pairs; i++) {
		const struct tls_cert *cert = client->pairs[i];

		if (sk_X509_NAME_num(names) > 0 && !issued_by(cert, names))
			continue;
		return SSL_use_cert_and_key(ssl, cert->leaf, cert->key, cert->chain, 1) == 1;
	}
	return 1;
}

static int set_pairs(struct tls_client *client, const struct tls_client_options *options,
		     char *message)
{
	for (size_t i = 0; i < options->n_pairs && client->n_pairs < PAIRS_MAX; i++) {
		char why[TLS_MESSAGE_MAX];
		int status = tls_cert_parse(options->pairs[i].cert_pem, options->pairs[i].key_pem,
					    &client->pairs[client->n_pairs], why);

		if (status == -ENOMEM)
			return status;
		if (status < 0)
			snprintf(message, TLS_MESSAGE_MAX, "certificate number %zu: %.200s", i + 1,
				 why);
		else
			client->n_pairs++;
	}
	if (client->n_pairs)
		SSL_CTX_set_cert_cb(client->ctx, choose_pair, client);
	return 0;
}

/* ---------------------------------------------------------------- settings --- */

static int on_session(SSL *ssl, SSL_SESSION *session)
{
	struct tls_conn *conn = SSL_get_app_data(ssl);

	if (conn)
		tls_conn_keep_session(conn, session);
	return conn != NULL; /* 1: the reference is ours now */
}

static bool set_protocol(struct tls_client *client, const struct tls_client_options *options)
{
	SSL_CTX *ctx = client->ctx;
	int min = options->min_version ? options->min_version : TLS1_2_VERSION;
	const char *ciphers = options->ciphers ? options->ciphers : tls_suite_default_list();

	SSL_CTX_set_mode(ctx, SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ENABLE_PARTIAL_WRITE |
				      SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
	SSL_CTX_set_options(ctx, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION);
	SSL_CTX_set_session_cache_mode(ctx,
				       SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL_STORE);
	SSL_CTX_sess_set_new_cb(ctx, on_session);
	/* One call for a whole record, unless the kernel opens them. */
	SSL_CTX_set_read_ahead(ctx, !tls_ktls_available());
	/* Old versions need signatures that OpenSSL calls weak; somebody asked for them. */
	if (min < TLS1_2_VERSION)
		SSL_CTX_set_security_level(ctx, 0);
	return SSL_CTX_set_min_proto_version(ctx, min) == 1 &&
	       SSL_CTX_set_max_proto_version(ctx, options->max_version) == 1 &&
	       SSL_CTX_set_ciphersuites(ctx, tls_suite_tls13_list()) == 1 &&
	       SSL_CTX_set_cipher_list(ctx, ciphers) == 1;
}

static struct str copy_text(struct str text)
{
	char *copy = malloc(text.len + 1);

	if (!copy)
		return (struct str){0};
	if (text.len)
		memcpy(copy, text.at, text.len);
	copy[text.len] = '\0';
	return str_n(copy, text.len);
}

static int copy_texts(struct tls_client *client, const struct tls_client_options *options)
{
	if (options->server_name.len) {
		client->server_name = (char *)(uintptr_t)copy_text(options->server_name).at;
		if (!client->server_name)
			return -ENOMEM;
	}
	client->sans = calloc(options->n_sans + 1, sizeof(*client->sans));
	if (!client->sans)
		return -ENOMEM;
	for (; client->n_sans < options->n_sans; client->n_sans++) {
		const struct tls_client_san *san = &options->sans[client->n_sans];
		struct str copy = copy_text(san->value);

		if (!copy.at)
			return -ENOMEM;
		client->sans[client->n_sans] = (struct tls_client_san){san->is_uri, copy};
	}
	return 0;
}

static void client_free(struct tls_client *client)
{
	for (size_t i = 0; i < client->n_pairs; i++)
		tls_cert_free(client->pairs[i]);
	for (size_t i = 0; i < client->n_sans; i++)
		free((char *)(uintptr_t)client->sans[i].value.at);
	free(client->sans);
	free(client->server_name);
	SSL_CTX_free(client->ctx);
	free(client);
}

int tls_client_new(const struct tls_client_options *options, struct tls_client **ret_client,
		   char ret_message[TLS_MESSAGE_MAX])
{
	struct tls_client *client = calloc(1, sizeof(*client));
	int status;

	ret_message[0] = '\0';
	if (!client)
		return -ENOMEM;
	ref_init(&client->ref);
	/* reference a.7: names that the certificate must hold are checked even where the chain
	 * would not be. */
	client->verifies = !options->insecure_skip_verify || options->n_sans;
	client->checks_name = !options->insecure_skip_verify;
	client->offers_h2 = options->offers_h2;
	client->ctx = SSL_CTX_new(TLS_client_method());
	status = client->ctx ? copy_texts(client, options) : -ENOMEM;
	if (!status && !set_protocol(client, options)) {
		snprintf(ret_message, TLS_MESSAGE_MAX,
			 "OpenSSL accepts none of the versions or cipher suites");
		status = -EINVAL;
	}
	if (!status && client->verifies)
		status = set_trust(client, options, ret_message);
	if (!status)
		status = set_pairs(client, options, ret_message);
	ERR_clear_error();
	if (status) {
		client_free(client);
		return status;
	}
	*ret_client = client;
	return 0;
}

struct tls_client *tls_client_ref(struct tls_client *client)
{
	ref_get(&client->ref);
	return client;
}

void tls_client_unref(struct tls_client *client)
{
	if (client && ref_put(&client->ref))
		client_free(client);
}

/* -------------------------------------------------------------- connections -- */

static bool set_name(const struct tls_client *client, SSL *ssl, const char *name)
{
	X509_VERIFY_PARAM *param = SSL_get0_param(ssl);
	struct addr addr;
	bool is_addr = addr_parse(str_of(name), &addr) == 0;

	/* RFC 6066 3: no addresses in SNI. */
	if (!is_addr && SSL_set_tlsext_host_name(ssl, name) != 1)
		return false;
	if (!client->checks_name)
		return true;
	X509_VERIFY_PARAM_set_hostflags(param, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS |
						       X509_CHECK_FLAG_NEVER_CHECK_SUBJECT);
	return is_addr ? X509_VERIFY_PARAM_set1_ip_asc(param, name) == 1
		       : SSL_set1_host(ssl, name) == 1;
}

static SSL *make_ssl(struct tls_client *client, int fd, struct str host, bool may_h2,
		     SSL_SESSION *session)
{
	static const unsigned char both[] = "\x02h2\x08http/1.1", one[] = "\x08http/1.1";
	char text[TLS_NAME_MAX + 1];
	const char *name = client->server_name;
	bool h2 = client->offers_h2 && may_h2;
	SSL *ssl = SSL_new(client->ctx);
	bool ok = ssl && SSL_set_fd(ssl, fd) == 1;

	if (host.len && host.at[host.len - 1] == '.')
		host.len--;
	if (!name) {
		ok = ok && host.len <= TLS_NAME_MAX;
		snprintf(text, sizeof(text), STR_FMT, STR_ARG(str_take(host, TLS_NAME_MAX)));
		name = text;
	}
	ok = ok && set_name(client, ssl, name) &&
	     SSL_set_alpn_protos(ssl, h2 ? both : one, (h2 ? sizeof(both) : sizeof(one)) - 1) ==
		     0 &&
	     (!session || SSL_set_session(ssl, session) == 1);
	if (!ok) {
		SSL_free(ssl);
		ERR_clear_error();
		return NULL;
	}
	SSL_set_verify(ssl, client->verifies ? SSL_VERIFY_PEER : SSL_VERIFY_NONE, NULL);
	SSL_set_connect_state(ssl);
	return ssl;
}

static struct tls_conn *connect_with(struct tls_client *client, SSL *ssl, int fd)
{
	struct tls_conn *conn = ssl ? tls_conn_new_client(client, ssl, fd) : NULL;

	if (!conn) {
		SSL_free(ssl);
		return NULL;
	}
	SSL_set_app_data(ssl, conn);
	return conn;
}

struct tls_conn *tls_client_connect(struct tls_client *client, int fd, struct str host, bool may_h2,
				    SSL_SESSION *session)
{
	return connect_with(client, make_ssl(client, fd, host, may_h2, session), fd);
}

struct tls_conn *tls_client_connect_raw(struct tls_client *client, int fd, struct str host)
{
	SSL *ssl = make_ssl(client, fd, host, false, NULL);

	/* Nobody knows which protocol it is: none is offered. */
	if (ssl)
		SSL_set_alpn_protos(ssl, NULL, 0);
	return connect_with(client, ssl, fd);
}

static bool has_san(const STACK_OF(GENERAL_NAME) * names, const struct tls_client_san *san)
{
	for (int i = 0; i < sk_GENERAL_NAME_num(names); i++) {
		const GENERAL_NAME *name = sk_GENERAL_NAME_value(names, i);
		const ASN1_IA5STRING *text = name->d.ia5;

		if (name->type != (san->is_uri ? GEN_URI : GEN_DNS))
			continue;
		struct str value = str_n((const char *)ASN1_STRING_get0_data(text),
					 (size_t)ASN1_STRING_length(text));

		if (san->is_uri ? str_eq(value, san->value) : str_eq_nocase(value, san->value))
			return true;
	}
	return false;
}

enum tls_failure tls_client_judge(const struct tls_client *client, SSL *ssl)
{
	STACK_OF(GENERAL_NAME) * names;
	X509 *cert = SSL_get0_peer_certificate(ssl);
	bool found = client->n_sans == 0;

	if (found)
		return TLS_FAILURE_NONE;
	names = cert ? X509_get_ext_d2i(cert, NID_subject_alt_name, NULL, NULL) : NULL;
	for (size_t i = 0; !found && i < client->n_sans; i++)
		found = has_san(names, &client->sans[i]);
	GENERAL_NAMES_free(names);
	return found ? TLS_FAILURE_NONE : TLS_FAILURE_SERVER_NAME;
}

enum tls_failure tls_client_why(SSL *ssl)
{
	switch (SSL_get_verify_result(ssl)) {
	case X509_V_ERR_HOSTNAME_MISMATCH:
	case X509_V_ERR_IP_ADDRESS_MISMATCH:
		return TLS_FAILURE_SERVER_NAME;
	case X509_V_ERR_CERT_HAS_EXPIRED:
	case X509_V_ERR_CERT_NOT_YET_VALID:
		return TLS_FAILURE_SERVER_EXPIRED;
	case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT:
	case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY:
	case X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT:
	case X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN:
	case X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE:
	case X509_V_ERR_CERT_UNTRUSTED:
	case X509_V_ERR_CERT_SIGNATURE_FAILURE:
		return TLS_FAILURE_SERVER_UNTRUSTED;
	default:
		return TLS_FAILURE_SERVER_CERT;
	}
}
