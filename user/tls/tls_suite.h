/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TLS_SUITE_H
#define TLS_SUITE_H

/* tls_suite: the names of cipher suites, curves and versions in a TLSOption, and what OpenSSL calls
 * them. Pure. */

#include <stdbool.h>
#include <stdint.h>

#include "base/str.h"

struct tls_suite {
	const char *name;    /* IANA, as Go writes it */
	const char *openssl; /* NULL: known, but no longer in OpenSSL (RC4, 3DES, signals) */
	bool is_tls13;	     /* always on, whatever the list says (reference g.2) */
};

struct tls_curve {
	const char *name, *alias; /* compared without case */
	int nid;		  /* 0: known, but not in this OpenSSL */
};

/* NULL for an unknown name. */
const struct tls_suite *tls_suite_find(struct str name);
const struct tls_curve *tls_suite_curve(struct str name);
/* "VersionTLS12" -> 0x0303; 0 for an unknown name. */
uint16_t tls_suite_version(struct str name);
/* What Go considers secure and OpenSSL has, for SSL_CTX_set_cipher_list. */
const char *tls_suite_default_list(void);
/* TLS 1.3's suites in Go's order, for SSL_CTX_set_ciphersuites. */
const char *tls_suite_tls13_list(void);
/* The known names nearest to a mistyped one, or {0}. */
struct str tls_suite_nearest(struct str name);

#endif
