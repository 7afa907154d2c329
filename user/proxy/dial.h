/* SPDX-License-Identifier: Apache-2.0 */
#ifndef DIAL_H
#define DIAL_H

/*
 * dial: makes one connection to a server: its name's addresses, connect(), the PROXY protocol, TLS.
 *
 *	begin -> (RESOLVE) -> CONNECT -> (TLS) -> upstream_established()
 *	              \__________\_________\---> upstream_dial_failed()
 *
 * Each address is tried in turn within the transport's dialTimeout; the TLS handshake has a bound
 * of its own (reference d.5). Nothing of a request is sent before.
 */

#include "proxy/upstream.h"

/* Begins; upstream->dial is set if it needs more than a connect(). 0, or a negative errno. */
int dial_begin(struct upstream *upstream, const struct server *server);
/* The connection's descriptor has become ready, or the deadline has passed. */
void dial_on_ready(struct upstream *upstream);
void dial_on_timeout(struct upstream *upstream);
/* Asks for the addresses of a server's name if they are no longer fresh; waits for nothing. */
void dial_refresh(struct worker *worker, const struct server *server,
		  const struct upstream_owner *owner);
/* Gives everything back. NULL is allowed. */
void dial_free(struct dial *dial);
#endif
