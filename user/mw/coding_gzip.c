// SPDX-License-Identifier: Apache-2.0
/*
 * coding_gzip: gzip (RFC 1952) at level 6, the usual one.
 *
 * A short body whose length is known is held until it is whole and then compressed at once by
 * libdeflate, which needs half the time for the same size; if it does not come at once (a flush is
 * asked for), or is long or of unknown length, zlib compresses it piece by piece. Either makes its
 * memory when it is first needed.
 */

#include <errno.h>
#include <libdeflate.h>
#include <stdlib.h>
#include <zlib.h>

#include "mw/coding.h"

enum {
	LEVEL = 6,
	WINDOW_BITS = 15 + 16, /* the largest window; +16: the gzip format */
	MEMORY_LEVEL = 8,
	ROOM_BYTES = 16 << 10,
	HELD_MAX_BYTES = 128 << 10, /* compressed in one go: a millisecond or two */
	MAKES_BYTES = 800 << 10,    /* of both libraries, and what is held */
};

struct gzip {
	struct coder coder; /* first */
	struct libdeflate_compressor *whole;
	bool has_stream, holds;
	char *held;
	size_t n_held, cap_bytes;
	z_stream stream;
};

static struct coder *gzip_make(void)
{
	struct gzip *gzip = calloc(1, sizeof(*gzip));

	return gzip ? &gzip->coder : NULL;
}

static int begin_stream(struct gzip *gzip)
{
	/* One that was given up in the middle may have left some. */
	gzip->stream.avail_in = 0;
	if (gzip->has_stream)
		return deflateReset(&gzip->stream) == Z_OK ? 0 : -EINVAL;
	if (deflateInit2(&gzip->stream, LEVEL, Z_DEFLATED, WINDOW_BITS, MEMORY_LEVEL,
			 Z_DEFAULT_STRATEGY) != Z_OK)
		return -ENOMEM;
	gzip->has_stream = true;
	return 0;
}

static int begin_whole(struct gzip *gzip, size_t length)
{
	if (!gzip->whole)
		gzip->whole = libdeflate_alloc_compressor(LEVEL);
	if (length > gzip->cap_bytes) {
		free(gzip->held);
		gzip->held = malloc(length);
		gzip->cap_bytes = gzip->held ? length : 0;
	}
	if (!gzip->whole || (length && !gzip->held))
		return -ENOMEM;
	gzip->holds = true;
	gzip->n_held = 0;
	return 0;
}

static int gzip_begin(struct coder *coder, int64_t length)
{
	struct gzip *gzip = (struct gzip *)coder;

	gzip->holds = false;
	return length >= 0 && length <= HELD_MAX_BYTES ? begin_whole(gzip, (size_t)length)
						       : begin_stream(gzip);
}

static int write_stream(struct gzip *gzip, struct str bytes, enum coding_step step,
			struct mw_body_out *out)
{
	static const int flush_of[] = {
		[CODING_GO] = Z_NO_FLUSH,
		[CODING_FLUSH] = Z_SYNC_FLUSH,
		[CODING_END] = Z_FINISH,
	};
	z_stream *stream = &gzip->stream;

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

static int write_whole(struct gzip *gzip, struct str bytes, struct mw_body_out *out)
{
	size_t bound = libdeflate_gzip_compress_bound(gzip->whole, bytes.len);
	char *at = mw_body_room(out, bound);

	if (!at)
		return -ENOMEM;
	size_t n = libdeflate_gzip_compress(gzip->whole, bytes.at, bytes.len, at, bound);

	if (!n)
		return -EIO;
	mw_body_added(out, n);
	return 0;
}

static int gzip_write(struct coder *coder, struct str bytes, enum coding_step step,
		      struct mw_body_out *out)
{
	struct gzip *gzip = (struct gzip *)coder;
	bool fits = bytes.len <= gzip->cap_bytes - gzip->n_held;

	if (!gzip->holds)
		return write_stream(gzip, bytes, step, out);
	if (step == CODING_END && !gzip->n_held)
		return write_whole(gzip, bytes, out);
	if (step != CODING_FLUSH && fits) {
		if (bytes.len)
			memcpy(gzip->held + gzip->n_held, bytes.at, bytes.len);
		gzip->n_held += bytes.len;
		if (step == CODING_GO)
			return 0;
		return write_whole(gzip, str_n(gzip->held, gzip->n_held), out);
	}
	gzip->holds = false;
	int result = begin_stream(gzip);

	if (!result && gzip->n_held)
		result = write_stream(gzip, str_n(gzip->held, gzip->n_held), CODING_GO, out);
	return result ? result : write_stream(gzip, bytes, step, out);
}

static void gzip_free(struct coder *coder)
{
	struct gzip *gzip = (struct gzip *)coder;

	if (gzip->has_stream)
		deflateEnd(&gzip->stream);
	libdeflate_free_compressor(gzip->whole);
	free(gzip->held);
	free(gzip);
}

const struct coding coding_gzip = {
	.name = {"gzip", 4},
	.memory_bytes = MAKES_BYTES,
	.make = gzip_make,
	.begin = gzip_begin,
	.write = gzip_write,
	.free = gzip_free,
};
