/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CODING_HELP_H
#define CODING_HELP_H

/* coding_help: what was compressed, read again by the libraries' own readers; what is there so far
 * too. */

#include <brotli/decode.h>
#include <zlib.h>
#include <zstd.h>

#include "mw/coding.h"
#include "mw/mw_body.h"
#include "mw_lab.h"

enum { READ_MAX = 4 << 20 };

/* The text, which the caller frees, and whether its end was reached. */
LAB struct str coding_read_gzip(struct str coded, bool *ret_ended)
{
	z_stream stream = {.next_in = (Bytef *)(uintptr_t)coded.at, .avail_in = (uInt)coded.len};
	char *text = malloc(READ_MAX);

	assert_int_equal(inflateInit2(&stream, 15 + 16), Z_OK);
	stream.next_out = (Bytef *)text;
	stream.avail_out = READ_MAX;
	int result = inflate(&stream, Z_SYNC_FLUSH);

	assert_true(result == Z_OK || result == Z_STREAM_END || result == Z_BUF_ERROR);
	*ret_ended = result == Z_STREAM_END;
	if (*ret_ended)
		assert_int_equal(stream.avail_in, 0);
	inflateEnd(&stream);
	return str_n(text, READ_MAX - stream.avail_out);
}

LAB struct str coding_read_br(struct str coded, bool *ret_ended)
{
	BrotliDecoderState *decoder = BrotliDecoderCreateInstance(NULL, NULL, NULL);
	const uint8_t *in = (const uint8_t *)coded.at;
	size_t n_in = coded.len, room = READ_MAX;
	char *text = malloc(READ_MAX);
	uint8_t *at = (uint8_t *)text;
	BrotliDecoderResult result =
		BrotliDecoderDecompressStream(decoder, &n_in, &in, &room, &at, NULL);

	assert_int_not_equal(result, BROTLI_DECODER_RESULT_ERROR);
	*ret_ended = result == BROTLI_DECODER_RESULT_SUCCESS;
	assert_int_equal(n_in, 0);
	BrotliDecoderDestroyInstance(decoder);
	return str_n(text, READ_MAX - room);
}

LAB struct str coding_read_zstd(struct str coded, bool *ret_ended)
{
	ZSTD_DCtx *context = ZSTD_createDCtx();
	ZSTD_inBuffer in = {coded.at, coded.len, 0};
	ZSTD_outBuffer out = {malloc(READ_MAX), READ_MAX, 0};
	size_t left = 1;

	while (in.pos < in.size) {
		left = ZSTD_decompressStream(context, &out, &in);
		assert_false(ZSTD_isError(left));
	}
	*ret_ended = left == 0;
	ZSTD_freeDCtx(context);
	return str_n(out.dst, out.pos);
}

LAB struct str coding_read(enum coding_id id, struct str coded, bool *ret_ended)
{
	switch (id) {
	case CODING_GZIP:
		return coding_read_gzip(coded, ret_ended);
	case CODING_BR:
		return coding_read_br(coded, ret_ended);
	case CODING_ZSTD:
		return coding_read_zstd(coded, ret_ended);
	default:
		fail_msg("no such coding");
		return (struct str){0};
	}
}

LAB void coding_assert_reads(enum coding_id id, struct str coded, struct str text, bool ended)
{
	bool got_end;
	struct str got = coding_read(id, coded, &got_end);

	assert_true(str_eq(got, text));
	assert_int_equal(got_end, ended);
	free((char *)(uintptr_t)got.at);
}

/* Text that compresses, but not to nothing. */
LAB char *coding_text(size_t n)
{
	char *text = malloc(n + 1);
	uint32_t seed = 7;

	for (size_t i = 0; i < n; i++) {
		seed = seed * 1664525 + 1013904223;
		text[i] = (seed >> 28) < 8 ? "the quick "[i % 10] : (char)('a' + (seed >> 24) % 26);
	}
	text[n] = 0;
	return text;
}

/* A body in pieces, with a flush after each `flush`-th piece (0: none): everything that was given
 * can be read after a flush, and all of it at the end. */
LAB void coding_check_body(enum coding_id id, size_t n, size_t piece, int flush, bool known)
{
	struct coder *coder = coding_take(id, known ? (int64_t)n : -1, 0);
	char *text = coding_text(n);
	struct mw_body_out out;
	int count = 0;

	assert_non_null(coder);
	mw_body_init(&out, READ_MAX);
	mw_body_begin(&out, NULL);
	for (size_t at = 0; at < n; at += piece) {
		struct str bytes = str_take(str_n(text + at, n - at), piece);
		bool is_flush = flush && ++count % flush == 0;

		assert_int_equal(
			coding_write(coder, bytes, is_flush ? CODING_FLUSH : CODING_GO, &out), 0);
		if (is_flush)
			coding_assert_reads(id, mw_body_str(&out), str_n(text, at + bytes.len),
					    false);
	}
	assert_int_equal(coding_write(coder, (struct str){0}, CODING_END, &out), 0);
	assert_false(out.failed);
	coding_assert_reads(id, mw_body_str(&out), str_n(text, n), true);
	if (n >= 4096)
		assert_true(mw_body_str(&out).len < n);
	coding_give(coder, 0);
	mw_body_done(&out);
	free(text);
}

/* What every coding must do. */
LAB void coding_check(enum coding_id id)
{
	static const size_t sizes[] = {0, 1, 100, 4096, 65536, 1 << 20};

	for (size_t i = 0; i < sizeof(sizes) / sizeof(*sizes); i++) {
		coding_check_body(id, sizes[i], 1 << 20, 0, true);
		coding_check_body(id, sizes[i], 16384, 0, false);
		if (sizes[i] <= 65536) {
			coding_check_body(id, sizes[i], 997, 7, false);
			coding_check_body(id, sizes[i], 997, 0, true);
			coding_check_body(id, sizes[i], 997, 7, true);
		}
	}
	/* One that was given back in the middle is as good as new. */
	struct coder *coder = coding_take(id, -1, 0);
	struct mw_body_out out;

	mw_body_init(&out, READ_MAX);
	mw_body_begin(&out, NULL);
	assert_int_equal(coding_write(coder, STR("half a body"), CODING_FLUSH, &out), 0);
	coding_give(coder, 0);
	mw_body_done(&out);
	coding_check_body(id, 5000, 1000, 2, true);
	/* No room: said, and no harm done. */
	coder = coding_take(id, -1, 0);
	mw_body_init(&out, 10);
	mw_body_begin(&out, NULL);
	char *text = coding_text(100000);
	int result = coding_write(coder, str_n(text, 100000), CODING_END, &out);

	assert_true(result == -ENOMEM || out.failed);
	coding_give(coder, 0);
	mw_body_done(&out);
	free(text);
}

#endif
