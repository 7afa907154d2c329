/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MW_SPAN_H
#define MW_SPAN_H

/* mw_span: what a body filter (mw/mw.h) reads and writes. What it writes to is in mw/mw_body.h. */

#include <stdbool.h>

#include "http/message.h"

/* What a body filter writes to. Appending never fails visibly: memory that cannot be had cuts the
 * message. */
struct mw_body_out;
void mw_body_append(struct mw_body_out *out, struct str bytes);
/* Room for at most n bytes to write into, then how many of them were used; NULL without memory. */
char *mw_body_room(struct mw_body_out *out, size_t n);
void mw_body_added(struct mw_body_out *out, size_t n);
/* Trailers of the message that is filtered, to be sent where its framing has a place for them. */
void mw_body_trailer(struct mw_body_out *out, struct str name, struct str value);

/* A span of a body on its way through a filter. */
struct mw_span {
	struct str bytes;
	bool is_last;  /* nothing follows; bytes may be empty */
	bool is_flush; /* nothing more is there for now: what the filter holds back should go out */
	const struct headers *trailers; /* with is_last: what the sender had; may be NULL */
};

#endif
