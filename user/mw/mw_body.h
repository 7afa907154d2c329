/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MW_BODY_H
#define MW_BODY_H

/*
 * mw_body: what body filters write to (mw/mw_span.h has the functions they write with): one growing
 * piece of memory that its owner reuses for every span, and the trailers that were set.
 *
 * Over max_bytes, or without memory, failed is set (sticky until mw_body_begin) and the rest is
 * dropped: the owner must cut the message. Not thread-safe.
 */

#include "mw/mw.h"

struct mw_body_out {
	char *at;
	size_t len, cap_bytes, max_bytes;
	size_t room_bytes; /* handed out by the last mw_body_room() */
	struct headers *trailers;
	bool failed;
};

/* No memory is taken before the first byte. max_bytes bounds what one span may become. */
void mw_body_init(struct mw_body_out *out, size_t max_bytes);
void mw_body_done(struct mw_body_out *out);
/* The next span: empty again, memory is kept. trailers: where mw_body_trailer() adds; NULL drops.
 */
void mw_body_begin(struct mw_body_out *out, struct headers *trailers);
/* What was written; borrowed until the next change. */
static inline struct str mw_body_str(const struct mw_body_out *out)
{
	return (struct str){out->at, out->len};
}

#endif
