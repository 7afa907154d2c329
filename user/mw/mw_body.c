// SPDX-License-Identifier: Apache-2.0
/*
 * mw_body: see the header. Memory doubles, so that appending is cheap whatever the pieces are.
 */

#include "mw/mw_body.h"

#include <stdlib.h>

#include "base/die.h"
#include "http/header.h"

enum { FIRST_BYTES = 4096 };

void mw_body_init(struct mw_body_out *out, size_t max_bytes)
{
	*out = (struct mw_body_out){.max_bytes = max_bytes};
}

void mw_body_done(struct mw_body_out *out)
{
	if (!out)
		return;
	free(out->at);
	*out = (struct mw_body_out){0};
}

void mw_body_begin(struct mw_body_out *out, struct headers *trailers)
{
	out->len = out->room_bytes = 0;
	out->failed = false;
	out->trailers = trailers;
}

char *mw_body_room(struct mw_body_out *out, size_t n)
{
	size_t cap = out->cap_bytes ? out->cap_bytes : FIRST_BYTES;

	out->room_bytes = 0;
	if (out->failed || n > out->max_bytes || out->len > out->max_bytes - n) {
		out->failed = true;
		return NULL;
	}
	while (cap - out->len < n)
		cap *= 2;
	if (!out->at || cap > out->cap_bytes) {
		char *at = realloc(out->at, cap);

		if (!at) {
			out->failed = true;
			return NULL;
		}
		out->at = at;
		out->cap_bytes = cap;
	}
	out->room_bytes = n;
	return out->at + out->len;
}

void mw_body_added(struct mw_body_out *out, size_t n)
{
	ASSERT(n <= out->room_bytes);
	out->len += n;
	out->room_bytes = 0;
}

void mw_body_append(struct mw_body_out *out, struct str bytes)
{
	char *at = bytes.len ? mw_body_room(out, bytes.len) : NULL;

	if (!at)
		return;
	memcpy(at, bytes.at, bytes.len);
	mw_body_added(out, bytes.len);
}

void mw_body_trailer(struct mw_body_out *out, struct str name, struct str value)
{
	if (out->trailers)
		header_add(out->trailers, name, value);
}
