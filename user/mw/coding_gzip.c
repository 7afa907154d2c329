// SPDX-License-Identifier: Apache-2.0
/* coding_gzip: gzip (RFC 1952) by zlib, at its default level. */

#include <errno.h>
#include <stdlib.h>
#include <zlib.h>

#include "mw/coding.h"

enum {
	WINDOW_BITS = 15 + 16, /* the largest window; +16: the gzip format */
	MEMORY_LEVEL = 8,
	ROOM_BYTES = 16 << 10,
	MAKES_BYTES = 268 << 10, /* as zlib's manual counts it */
};

struct gzip {
	struct coder coder; /* first */
	z_stream stream;
};

static struct coder *gzip_make(void)
{
	struct gzip *gzip = calloc(1, sizeof(*gzip));

	if (!gzip)
		return NULL;
	if (deflateInit2(&gzip->stream, Z_DEFAULT_COMPRESSION, Z_DEFLATED, WINDOW_BITS,
			 MEMORY_LEVEL, Z_DEFAULT_STRATEGY) != Z_OK) {
		free(gzip);
		return NULL;
	}
	return &gzip->coder;
}

static int gzip_begin(struct coder *coder, int64_t length)
{
	(void)length;
	return deflateReset(&((struct gzip *)coder)->stream) == Z_OK ? 0 : -EINVAL;
}

static int gzip_write(struct coder *coder, struct str bytes, enum coding_step step,
		      struct mw_body_out *out)
{
	static const int flush_of[] = {
		[CODING_GO] = Z_NO_FLUSH,
		[CODING_FLUSH] = Z_SYNC_FLUSH,
		[CODING_END] = Z_FINISH,
	};
	z_stream *stream = &((struct gzip *)coder)->stream;

	stream->next_in = (Bytef *)(uintptr_t)bytes.at;
	while (bytes.len || stream->avail_in || step != CODING_GO) {
		/* zlib counts in 32 bits. */
		if (!stream->avail_in && bytes.len) {
			stream->avail_in = bytes.len < UINT32_MAX ? (uInt)bytes.len : UINT32_MAX;
			bytes = str_from(bytes, stream->avail_in);
		}
		char *at = mw_body_room(out, ROOM_BYTES);

		if (!at)
			return -ENOMEM;
		stream->next_out = (Bytef *)at;
		stream->avail_out = ROOM_BYTES;
		int result = deflate(stream, bytes.len ? Z_NO_FLUSH : flush_of[step]);

		mw_body_added(out, ROOM_BYTES - stream->avail_out);
		/* Z_BUF_ERROR: a flush with nothing left to flush. */
		if (result != Z_OK && result != Z_STREAM_END && result != Z_BUF_ERROR)
			return -EIO;
		if (!bytes.len && !stream->avail_in && stream->avail_out)
			break;
	}
	return 0;
}

static void gzip_free(struct coder *coder)
{
	deflateEnd(&((struct gzip *)coder)->stream);
	free(coder);
}

const struct coding coding_gzip = {
	.name = {"gzip", 4},
	.memory_bytes = MAKES_BYTES,
	.make = gzip_make,
	.begin = gzip_begin,
	.write = gzip_write,
	.free = gzip_free,
};
