/* SPDX-License-Identifier: Apache-2.0 */
#ifndef RESPOND_H
#define RESPOND_H

/*
 * respond: the server's answer on its way to the client, up to the end of its head (and what came
 * with it).
 *
 * The server is not trusted (reference/security.md A2.9): heads are parsed strictly, interim
 * answers are counted and never sent to HTTP/1.0, 101 is taken only when it was asked for, surplus
 * bytes cost the connection.
 */

#include "proxy/exchange.h"

/* The server's connection is readable and no final head has come yet. May end. */
void respond_read(struct exchange *exchange);
/* Sends 100 to a client that waits for it. False: the client is gone. */
bool respond_continue(struct exchange *exchange);

#endif
