/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TRANSPORT_H
#define TRANSPORT_H

/*
 * transport: how servers are spoken to: a ServersTransport (reference a.7), or the default one of
 * the static options, made ready.
 *
 * Immutable. The registry keeps one for each content (plan/registry.h), so that a transport that
 * did not change is the same over any number of updates, and connections made with it stay. It is
 * part of a server's identity: the same address through another transport is another server, with
 * connections of its own.
 */

#include <stdbool.h>
#include <stdint.h>

#include "base/str.h"

struct tls_client; /* tls/tls_client.h */

/* What the scheme of a server's URL says. */
enum transport_scheme {
	TRANSPORT_HTTP,
	TRANSPORT_HTTPS,
	TRANSPORT_H2C, /* HTTP/2 without TLS, known beforehand */
};

struct transport {
	uint64_t id;	 /* of this process; never used again */
	struct str name; /* "default@internal": of the first one with this content */
	/* Each is a bound on waiting; 0: none but the worker's own. */
	uint64_t dial_ns;
	uint64_t tls_handshake_ns;
	uint64_t response_header_ns;
	uint64_t idle_ns;
	uint64_t read_idle_ns;	/* HTTP/2: a ping after so much silence; 0: never */
	uint64_t ping_ns;	/* and the end when it stays unanswered */
	uint32_t max_idle;	/* per worker and server; 0: connections are not kept */
	uint8_t proxy_protocol; /* 0: none, 1, 2: the version of the header before all else */
	bool http2;		/* offered by ALPN */
	struct tls_client *tls; /* NULL unless made for https */
	struct str problem;	/* what of its certificates could not be read; empty: nothing */
};

enum {
	TRANSPORT_DIAL_S = 30, /* reference d.5, a.7 */
	TRANSPORT_TLS_HANDSHAKE_S = 10,
	TRANSPORT_IDLE_S = 90,
	TRANSPORT_PING_S = 15,
	TRANSPORT_MAX_IDLE = 2, /* of a ServersTransport that says nothing: Go's own default */
};

/* For servers that were made without one (tests, explain): the reference's defaults, no TLS. */
extern const struct transport transport_plain;

struct str transport_scheme_text(enum transport_scheme scheme);
/* http, https, h2c; false for anything else. */
bool transport_scheme_parse(struct str text, enum transport_scheme *ret_scheme);
/* Releases what it holds; for the registry. */
void transport_free(void *transport);

#endif
