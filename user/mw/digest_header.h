/* SPDX-License-Identifier: Apache-2.0 */
#ifndef DIGEST_HEADER_H
#define DIGEST_HEADER_H

/*
 * digest_header: the parameters of "Authorization: Digest ..." (RFC 7616 3.4, RFC 9110 11.2):
 * name=token or name="quoted-string" with \ escapes, blanks around '=' and ',', empty list members.
 * Names compare without case; a parameter that stands twice makes the header bad, since readers
 * would differ on which one counts.
 */

#include "base/arena.h"
#include "base/str.h"

struct digest_header {
	/* {NULL, 0}: absent; empty texts have a non-NULL at. Unquoted; they point into the value or
	 * the arena. */
	struct str username, realm, nonce, uri, response, algorithm, cnonce, opaque, qop, nc;
};

/* 0; -ENOENT: another scheme, or none; -EINVAL: malformed; -ENOMEM. */
int digest_header_parse(struct str value, struct arena *arena, struct digest_header *ret_header);

#endif
