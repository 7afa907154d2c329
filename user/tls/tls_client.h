/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TLS_CLIENT_H
#define TLS_CLIENT_H

/*
 * tls_client: TLS towards servers: what connections of one transport have in common (reference
 * a.7): whom to trust, which name to ask for, client certificates, versions, ciphers.
 *
 * Names are checked as Go checks them: alternative names only, never the common name. A connection
 * is a tls_conn from its first byte on. Immutable and reference-counted; each connection holds a
 * reference.
 */

#include <openssl/types.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/str.h"
#include "tls/tls_builder.h"
#include "tls/tls_conn.h"

struct ssl_session_st; /* SSL_SESSION */
struct tls_client;

struct tls_client_pair {
	struct str cert_pem, key_pem;
};

struct tls_client_san {
	bool is_uri; /* else a DNS name */
	struct str value;
};

struct tls_client_options {
	struct str server_name; /* instead of the host of the URL */
	bool insecure_skip_verify;
	bool offers_h2;
	bool has_cas; /* ca are all that is trusted, be they none; else what the system trusts */
	const struct str *cas; /* PEM texts, or paths of files with them */
	size_t n_cas;
	const struct tls_client_pair *pairs; /* client certificates */
	size_t n_pairs;
	const struct tls_client_san *sans; /* one of them must be in the certificate; n 0: any */
	size_t n_sans;
	const char *ciphers;		   /* OpenSSL's list for TLS 1.2; NULL: all safe ones */
	uint16_t min_version, max_version; /* 0x0303; 0: the default */
};

/*
 * 0, -EINVAL with a message, -ENOMEM. What cannot be read of CAs and pairs is left out, and told of
 * in the message, which is empty when all is well. One reference.
 */
int tls_client_new(const struct tls_client_options *options, struct tls_client **ret_client,
		   char ret_message[TLS_MESSAGE_MAX]);
struct tls_client *tls_client_ref(struct tls_client *client);
/* NULL is allowed. */
void tls_client_unref(struct tls_client *client);

/*
 * A connection on a socket that is connected. host: of the server's URL, a name or an address
 * without brackets. may_h2: HTTP/2 may be offered. session: of an earlier connection to the same
 * server, or NULL; borrowed. NULL without memory.
 */
struct tls_conn *tls_client_connect(struct tls_client *client, int fd, struct str host, bool may_h2,
				    struct ssl_session_st *session);
/* The same for a raw stream: no protocol is offered. */
struct tls_conn *tls_client_connect_raw(struct tls_client *client, int fd, struct str host);
/* For tls_conn.c: after a handshake, and after one that OpenSSL ended because of the certificate.
 */
enum tls_failure tls_client_judge(const struct tls_client *client, SSL *ssl);
enum tls_failure tls_client_why(SSL *ssl);

#endif
