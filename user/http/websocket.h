/* SPDX-License-Identifier: Apache-2.0 */
#ifndef WEBSOCKET_H
#define WEBSOCKET_H

/*
 * websocket: servers that compare header names by letter expect those of RFC 6455 as it spells
 * them; the reference sends them so (d.5). Names compare without case everywhere else.
 */

#include "http/message.h"

/* Sec-WebSocket-*, in the spelling of RFC 6455 11.3. */
void websocket_spell(struct headers *headers);

#endif
