/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TLS_HELLO_H
#define TLS_HELLO_H

/*
 * tls_hello: what happens between a complete ClientHello and everything that depends on it.
 *
 * Every connection begins on one context, the front. When OpenSSL has the whole ClientHello
 * together (over records and segments, bounded), and before it looks at versions, ciphers or
 * sessions, the server name chooses policy and certificate. Nothing is ever decided on a part of a
 * hello (reference/security.md A2.5).
 */

#include <openssl/ssl.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/addr.h"
#include "tls/tls_conn.h"
#include "tls/tls_name.h"
#include "tls/tls_table.h"

struct tls_ticket_ring;

/* Of one handshake; SSL's application data while it lasts. */
struct tls_hello {
	struct tls_table *table;
	struct tls_ticket_ring *tickets;
	struct addr local;
	bool has_local;
	/* Results. */
	bool chosen;
	uint8_t failure; /* enum tls_failure */
	uint16_t policy;
	size_t sni_len;
	char sni[TLS_NAME_MAX];
};

/* The context that all connections begin on; NULL on failure. */
SSL_CTX *tls_hello_front(void);

#endif
