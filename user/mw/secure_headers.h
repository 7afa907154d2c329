/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SECURE_HEADERS_H
#define SECURE_HEADERS_H

/*
 * secure_headers: the security part of the headers middleware (reference/traefik.md c.3): which
 * hosts are served, and the headers that tell browsers to be careful. Immutable once prepared;
 * pure.
 */

#include "http/message.h"
#include "model/mw_conf.h"
#include "mw/mw.h"

enum { SECURE_HEADERS_MAX = 8 };

struct secure_headers {
	struct strs allowed_hosts, host_headers;
	struct str_map tls_headers; /* name and value that mean that the client came over TLS */
	struct header fixed[SECURE_HEADERS_MAX]; /* sent as they are */
	size_t n_fixed;
	struct str sts, pins; /* over TLS; empty: not sent */
	bool force_sts;
	struct str policy, policy_report_only; /* with $NONCE; empty: not sent */
};

int secure_headers_prepare(struct mw_prepare *prepare, const struct mwc_headers *from,
			   struct secure_headers *ret_secure);
/* Whether the request's host is one that is served. */
bool secure_headers_allow(const struct secure_headers *secure, const struct request *request);
/* Sets the response's headers, over what the service said. */
void secure_headers_respond(const struct secure_headers *secure, const struct request *request,
			    struct headers *response);

#endif
