/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TUNNEL_H
#define TUNNEL_H

/*
 * tunnel: after a granted upgrade, bytes both ways until both sides have ended. The end of one side
 * is passed on and the other goes on (half-close).
 */

#include "proxy/exchange.h"

/* rest: what the server sent behind its head, in the scratch buffer. May end. */
void tunnel_begin(struct exchange *exchange, struct str rest);
/* May end. */
void tunnel_move(struct exchange *exchange);

#endif
