/* SPDX-License-Identifier: Apache-2.0 */
#ifndef OWNED_HEADER_H
#define OWNED_HEADER_H

/*
 * owned_header: headers that belong to a middleware: what the client sends under such a name, in
 * any case and with '_' for '-', goes before anything is asked (reference/security.md A2.4).
 */

#include "http/message.h"

/* Nothing when name is empty. */
void owned_header_drop(struct headers *headers, struct str name);
/* Whether both are the same to a server that takes '_' for '-'. */
bool owned_header_is_alias(struct str a, struct str b);
/* Names that frame or route a message: no middleware may set them from elsewhere. */
bool owned_header_is_framing(const struct header *header);
/* As Go spells names, "X-Auth-User"; the name itself when it is none. {0} when memory is short. */
struct str owned_header_canonical(struct str name, struct arena *arena);

#endif
