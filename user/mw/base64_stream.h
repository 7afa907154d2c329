/* SPDX-License-Identifier: Apache-2.0 */
#ifndef BASE64_STREAM_H
#define BASE64_STREAM_H

/* base64_stream: base64 (RFC 4648) of a body that comes in pieces. Pure. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/str.h"

/* Zero is the beginning. */
struct base64_stream {
	uint32_t bits; /* of what is held back */
	uint8_t n;     /* encoding: bytes held back; decoding: letters */
	uint8_t n_pad; /* decoding: '=' seen */
};

static inline size_t base64_stream_encoded_max(size_t n)
{
	return (n + 2) / 3 * 4 + 4;
}
static inline size_t base64_stream_decoded_max(size_t n)
{
	return n / 4 * 3 + 3;
}
/* Writes letters for bytes; with is_end all of them, padded: what follows begins anew. Returns how
 * many. */
size_t base64_stream_encode(struct base64_stream *stream, struct str bytes, bool is_end, char *out);
/* Line ends are passed over, and padded pieces may follow each other. -EINVAL for anything else. */
int base64_stream_decode(struct base64_stream *stream, struct str text, char *out, size_t *ret_n);
/* Whether nothing is left over. */
static inline bool base64_stream_is_whole(const struct base64_stream *stream)
{
	return stream->n == 0;
}

#endif
