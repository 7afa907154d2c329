// SPDX-License-Identifier: Apache-2.0
/* coding_zstd: zstd (RFC 8878) by libzstd, at its default level, with a window that every reader
 * takes (RFC 9659: 8 MiB at most) and that many responses at a time can afford. */

#include <errno.h>
#include <stdlib.h>
#include <zstd.h>

#include "mw/coding.h"

enum { WINDOW_LOG = 19, ROOM_BYTES = 16 << 10, MAKES_BYTES = 1500 << 10 };

struct zstd {
	struct coder coder; /* first */
	ZSTD_CCtx *context;
};

static struct coder *zstd_make(void)
{
	struct zstd *zstd = calloc(1, sizeof(*zstd));

	if (!zstd)
		return NULL;
	zstd->context = ZSTD_createCCtx();
	if (!zstd->context ||
	    ZSTD_isError(ZSTD_CCtx_setParameter(zstd->context, ZSTD_c_compressionLevel,
						ZSTD_CLEVEL_DEFAULT)) ||
	    ZSTD_isError(ZSTD_CCtx_setParameter(zstd->context, ZSTD_c_windowLog, WINDOW_LOG))) {
		ZSTD_freeCCtx(zstd->context);
		free(zstd);
		return NULL;
	}
	return &zstd->coder;
}

static int zstd_begin(struct coder *coder, int64_t length)
{
	ZSTD_CCtx *context = ((struct zstd *)coder)->context;
	unsigned long long size =
		length < 0 ? ZSTD_CONTENTSIZE_UNKNOWN : (unsigned long long)length;

	/* The size makes tables and window of small bodies small, and is checked at the end. */
	if (ZSTD_isError(ZSTD_CCtx_reset(context, ZSTD_reset_session_only)) ||
	    ZSTD_isError(ZSTD_CCtx_setPledgedSrcSize(context, size)))
		return -EINVAL;
	return 0;
}

static int zstd_write(struct coder *coder, struct str bytes, enum coding_step step,
		      struct mw_body_out *out)
{
	static const ZSTD_EndDirective directive_of[] = {
		[CODING_GO] = ZSTD_e_continue,
		[CODING_FLUSH] = ZSTD_e_flush,
		[CODING_END] = ZSTD_e_end,
	};
	ZSTD_CCtx *context = ((struct zstd *)coder)->context;
	ZSTD_inBuffer in = {.src = bytes.at, .size = bytes.len};

	for (;;) {
		char *at = mw_body_room(out, ROOM_BYTES);
		ZSTD_outBuffer to = {.dst = at, .size = ROOM_BYTES};

		if (!at)
			return -ENOMEM;
		size_t left = ZSTD_compressStream2(context, &to, &in, directive_of[step]);

		if (ZSTD_isError(left))
			return -EIO;
		mw_body_added(out, to.pos);
		/* What continue leaves inside is none of ours. */
		if (in.pos == in.size && (step == CODING_GO || left == 0))
			return 0;
	}
}

static void zstd_free(struct coder *coder)
{
	ZSTD_freeCCtx(((struct zstd *)coder)->context);
	free(coder);
}

const struct coding coding_zstd = {
	.name = {"zstd", 4},
	.memory_bytes = MAKES_BYTES,
	.make = zstd_make,
	.begin = zstd_begin,
	.write = zstd_write,
	.free = zstd_free,
};
