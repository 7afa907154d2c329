/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SNIFF_H
#define SNIFF_H

/*
 * sniff: whose a connection of an entry point with raw TCP routes is (reference b.5): by its first
 * bytes, which are looked at and left in the socket for whoever gets it.
 *
 * The only bytes that are taken are PostgreSQL's SSLRequest, which is answered here, so that a
 * ClientHello follows.
 */

#include "plan/tcp_router.h"
#include "proxy/conn.h"
#include "tls/tls_offer.h"

enum sniff_verdict {
	SNIFF_MORE, /* not known yet: look again when there is more */
	SNIFF_HTTP,
	SNIFF_STREAM,
	SNIFF_CLOSE, /* nobody's, or no proper ClientHello */
};

enum {
	SNIFF_POSTGRES_BYTES = 8, /* of SSLRequest */
};

/* What PostgreSQL's clients send before TLS (protocol 3, 55.2.10). */
extern const char sniff_postgres[SNIFF_POSTGRES_BYTES];

struct sniff_found {
	const struct tcp_route *route; /* SNIFF_STREAM */
	struct str sni;		       /* in offer */
	struct tls_offer offer;
};
enum sniff_verdict sniff_look(struct conn *conn, const struct tcp_router *router,
			      struct sniff_found *ret_found);

/* What first bytes say, without a connection around them; tests and sniff_look() use it. */
enum sniff_kind {
	SNIFF_KIND_SHORT, /* more bytes would tell */
	SNIFF_KIND_PLAIN,
	SNIFF_KIND_POSTGRES,
	SNIFF_KIND_HELLO, /* TLS: a ClientHello begins */
	SNIFF_KIND_SSL2,  /* as TLS without a name (reference b.5 3) */
};
enum sniff_kind sniff_kind(struct str first, bool may_be_postgres);

#endif
