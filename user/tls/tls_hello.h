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
#include "tls/tls_record.h"
#include "tls/tls_table.h"

struct tls_ticket_ring;

/* Of one handshake; SSL's application data while it lasts. */
struct tls_hello {
	struct tls_table *table;
	struct tls_ticket_ring *tickets;
	struct addr local;
	bool has_local;
	/* A raw stream's: its route says which policy, and any protocol may be agreed on. */
	bool is_raw;
	uint16_t raw_policy;
	/* Results. */
	bool chosen;
	uint8_t failure; /* enum tls_failure */
	uint16_t policy;
	size_t sni_len;
	char sni[TLS_NAME_MAX];
	/* TLS 1.3: what tls_stream needs to go on without OpenSSL's connection object. */
	bool has_read_secret, has_write_secret;
	unsigned char read_secret[TLS_RECORD_SECRET_MAX], write_secret[TLS_RECORD_SECRET_MAX];
	uint64_t write_records; /* under write_secret */
};

enum tls_hello_state {
	TLS_HELLO_MORE, /* not complete yet */
	TLS_HELLO_READY,
	TLS_HELLO_BAD, /* no ClientHello, or larger than TLS_HELLO_MAX */
};

enum {
	TLS_HELLO_MAX = 16384,	    /* of the message; real ones have 200 to 2,000 bytes */
	TLS_HELLO_WIRE_MAX = 32768, /* with the records around it */
};

/*
 * Whether wire, the first bytes of a connection, hold a whole ClientHello in however many records.
 * Nothing is made for a connection before: a slow or endless hello costs no memory here. Pure.
 */
enum tls_hello_state tls_hello_look(struct str wire);

/* The context that all connections begin on; NULL on failure. */
SSL_CTX *tls_hello_front(void);
/* Keylog and message callbacks of OpenSSL: they fill the last part of tls_hello. */
void tls_hello_on_secret(const SSL *ssl, const char *line);
void tls_hello_on_message(int write, int version, int type, const void *at, size_t len, SSL *ssl,
			  void *context);

#endif
