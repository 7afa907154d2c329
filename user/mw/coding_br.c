// SPDX-License-Identifier: Apache-2.0
/*
 * coding_br: Brotli (RFC 7932) by libbrotli, at quality 6 (reference c.9).
 *
 * An encoder cannot be used twice, so what is kept is its memory: freed pieces stay with the coder
 * and are given out again to the next encoder, which asks for the same sizes.
 */

#include <brotli/encode.h>
#include <errno.h>
#include <stdlib.h>

#include "mw/coding.h"

enum {
	QUALITY = 6,
	WINDOW_LOG = 19,       /* 512 KiB, as a compromise between size and memory */
	MAKES_BYTES = 3 << 20, /* measured: window, hash table and output together */
	PIECES_MAX = 24,
};

struct piece {
	void *at;
	size_t n;
};

struct br {
	struct coder coder; /* first */
	BrotliEncoderState *encoder;
	struct piece idle[PIECES_MAX];
	unsigned int n_idle;
	size_t idle_bytes;
};

/* In front of every piece: its size, and alignment for whatever follows. */
struct piece_head {
	_Alignas(16) size_t n;
};

static void *br_alloc(void *opaque, size_t n)
{
	struct br *br = opaque;
	struct piece_head *head;

	for (unsigned int i = 0; i < br->n_idle; i++) {
		struct piece piece = br->idle[i];

		if (piece.n < n || piece.n > n + n / 4)
			continue;
		br->idle[i] = br->idle[--br->n_idle];
		br->idle_bytes -= piece.n;
		return piece.at;
	}
	head = n < SIZE_MAX - sizeof(*head) ? malloc(sizeof(*head) + n) : NULL;
	if (!head)
		return NULL;
	head->n = n;
	return head + 1;
}

static void br_release(void *opaque, void *at)
{
	struct br *br = opaque;
	struct piece_head *head = at;

	if (!at)
		return;
	head--;
	if (br->n_idle == PIECES_MAX || br->idle_bytes + head->n > MAKES_BYTES) {
		free(head);
		return;
	}
	br->idle[br->n_idle++] = (struct piece){at, head->n};
	br->idle_bytes += head->n;
}

static struct coder *br_make(void)
{
	struct br *br = calloc(1, sizeof(*br));

	return br ? &br->coder : NULL;
}

static int br_begin(struct coder *coder, int64_t length)
{
	struct br *br = (struct br *)coder;
	uint32_t hint = length > 0 && length < 1 << 30 ? (uint32_t)length : 0;

	BrotliEncoderDestroyInstance(br->encoder);
	br->encoder = BrotliEncoderCreateInstance(br_alloc, br_release, br);
	if (!br->encoder)
		return -ENOMEM;
	BrotliEncoderSetParameter(br->encoder, BROTLI_PARAM_QUALITY, QUALITY);
	BrotliEncoderSetParameter(br->encoder, BROTLI_PARAM_LGWIN, WINDOW_LOG);
	BrotliEncoderSetParameter(br->encoder, BROTLI_PARAM_SIZE_HINT, hint);
	return 0;
}

static int br_write(struct coder *coder, struct str bytes, enum coding_step step,
		    struct mw_body_out *out)
{
	static const BrotliEncoderOperation operation_of[] = {
		[CODING_GO] = BROTLI_OPERATION_PROCESS,
		[CODING_FLUSH] = BROTLI_OPERATION_FLUSH,
		[CODING_END] = BROTLI_OPERATION_FINISH,
	};
	BrotliEncoderState *encoder = ((struct br *)coder)->encoder;
	const uint8_t *in = (const uint8_t *)bytes.at;
	size_t n_in = bytes.len;

	do {
		size_t none = 0, n_out = 0;

		if (!BrotliEncoderCompressStream(encoder, operation_of[step], &n_in, &in, &none,
						 NULL, NULL))
			return -EIO;
		while (BrotliEncoderHasMoreOutput(encoder)) {
			const uint8_t *at = BrotliEncoderTakeOutput(encoder, &n_out);

			mw_body_append(out, str_n((const char *)at, n_out));
			n_out = 0;
		}
	} while (n_in);
	return step == CODING_END && !BrotliEncoderIsFinished(encoder) ? -EIO : 0;
}

static void br_free(struct coder *coder)
{
	struct br *br = (struct br *)coder;

	BrotliEncoderDestroyInstance(br->encoder);
	for (unsigned int i = 0; i < br->n_idle; i++)
		free((struct piece_head *)br->idle[i].at - 1);
	free(br);
}

const struct coding coding_br = {
	.name = {"br", 2},
	.memory_bytes = MAKES_BYTES,
	.make = br_make,
	.begin = br_begin,
	.write = br_write,
	.free = br_free,
};
