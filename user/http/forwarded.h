/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FORWARDED_H
#define FORWARDED_H

/*
 * forwarded: who may say where a request came from (reference/traefik.md e; reference/security.md
 * A2.4).
 *
 * At the entry point, in this order: names with '_' by strategy; headers that Connection nominates
 * go, except protected ones; from peers that are not trusted the managed set, Forwarded and the
 * other identity headers go, in every spelling; then ours are added where absent. X-Forwarded-For
 * is appended when sending.
 */

#include "http/fail.h"
#include "http/message.h"

enum forwarded_underscores {
	FORWARDED_UNDERSCORES_DELETE, /* ours by default; Traefik's default is keep */
	FORWARDED_UNDERSCORES_KEEP,
	FORWARDED_UNDERSCORES_REJECT,
};

/* An entry point's forwardedHeaders.*; everything borrowed from the snapshot. Zero is the default.
 */
struct forwarded_options {
	bool insecure; /* every peer is trusted */
	bool not_append_for;
	bool add_scheme_headers; /* X-Forwarded-Scheme and X-Scheme */
	uint8_t underscores;	 /* enum forwarded_underscores */
	uint16_t n_trusted, n_connection;
	const struct cidr *trusted;
	const struct str
		*connection; /* names that Connection may list and that pass nevertheless */
	struct str server;   /* our host name, for X-Forwarded-Server; empty: not sent */
};

bool forwarded_trusts(const struct forwarded_options *options, const struct addr *peer);
/*
 * What the entry point does to the headers, after canon_request() and before routing. Sets
 * request->peer_trusted. FAIL_NONE, FAIL_HEADER_UNDERSCORE, or FAIL_INTERNAL when memory is short.
 */
enum fail forwarded_receive(struct request *request, const struct forwarded_options *options);
/* Once, before the request is written: X-Forwarded-For gets the peer appended, unless hide_peer. */
enum fail forwarded_send(struct request *request, const struct forwarded_options *options);
/* Whether the name belongs to the managed set, '_' counted as '-'. */
bool forwarded_is_managed(struct str name);
/* Whether servers take it for who the client is, or for what it asked: only trusted peers may say
 * so. */
bool forwarded_is_identity(struct str name);

#endif
