/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TLS_POLICY_H
#define TLS_POLICY_H

/*
 * tls_policy: a TLSOption made ready for handshakes: versions, ciphers, groups, client
 * authentication, ALPN, tickets (reference/traefik.md a.9, g.2). Immutable and reference-counted;
 * interned by tls_cache.
 *
 * Sessions are bound to the whole content (digest) and to the server name, so that resumption
 * crosses neither (RFC 6066 3, reference/security.md A2.5). The id is that of the identity: name
 * and client authentication.
 */

#include <openssl/ssl.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/ref.h"
#include "tls/tls_builder.h"

enum { TLS_POLICY_GROUPS_MAX = 8, TLS_POLICY_ALPN_MAX = 32, TLS_POLICY_ALPN_RAW_MAX = 256 };

enum tls_client_auth_type {
	TLS_AUTH_NONE,
	TLS_AUTH_REQUEST,	  /* asked for, not checked, may be missing */
	TLS_AUTH_REQUIRE_ANY,	  /* must be there, not checked */
	TLS_AUTH_VERIFY_IF_GIVEN, /* checked when there is one */
	TLS_AUTH_VERIFY,	  /* must be there and check */
};

struct tls_policy {
	struct ref ref;
	uint16_t id;
	bool broken;
	bool sni_strict;
	bool tickets;
	bool alpn_h2_only; /* the option names h2 but not http/1.1: clients without h2 get no ALPN
			    */
	uint8_t auth;	   /* enum tls_client_auth_type */
	int min_version, max_version;
	int groups[TLS_POLICY_GROUPS_MAX]; /* NIDs */
	size_t n_groups;
	unsigned char alpn[TLS_POLICY_ALPN_MAX]; /* wire form of what we offer */
	unsigned int alpn_len;
	unsigned char alpn_raw[TLS_POLICY_ALPN_RAW_MAX]; /* of raw streams: as the option has it */
	unsigned int alpn_raw_len;
	unsigned char digest[32], identity[32];
	SSL_CTX *ctx;		 /* ciphers, CAs, callbacks; NULL when broken */
	struct tls_policy *next; /* in the cache */
};

/* 0, -EINVAL with errors added, -ENOMEM. id is not set. option NULL: all defaults. */
int tls_policy_make(struct str name, const struct tls_option *option, const struct str *client_cas,
		    size_t n_client_cas, struct diag_sink *sink, const struct diag_path *path,
		    struct tls_policy **ret_policy);
struct tls_policy *tls_policy_make_broken(void);
void tls_policy_free(struct tls_policy *policy);
/* Gives ssl, during its ClientHello, everything that the policy decides. False when OpenSSL fails.
 */
bool tls_policy_apply(const struct tls_policy *policy, SSL *ssl, struct str sni);

#endif
