// SPDX-License-Identifier: Apache-2.0
// link: base http mw model rule net obs
/*
 * base64_stream_fuzz: any bytes as base64, whole and in pieces, which must agree; and as bytes,
 * encoded and decoded again. The first byte is the size of the pieces.
 */

#include <stdlib.h>
#include <string.h>

#include "base/die.h"
#include "mw/base64_stream.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int decode(struct str text, size_t piece, char *out, size_t *ret_n)
{
	struct base64_stream stream = {0};
	size_t n = 0;

	*ret_n = 0;
	for (; text.len; text = str_from(text, piece)) {
		struct str part = str_take(text, piece);

		if (base64_stream_decode(&stream, part, out + *ret_n, &n) < 0)
			return -1;
		ASSERT(n <= base64_stream_decoded_max(part.len));
		*ret_n += n;
	}
	return base64_stream_is_whole(&stream) ? 0 : -1;
}

static void encode(struct str bytes, size_t piece, char *out, size_t *ret_n)
{
	struct base64_stream stream = {0};

	*ret_n = 0;
	for (; bytes.len; bytes = str_from(bytes, piece)) {
		struct str part = str_take(bytes, piece);
		size_t n = base64_stream_encode(&stream, part, false, out + *ret_n);

		ASSERT(n <= base64_stream_encoded_max(part.len));
		*ret_n += n;
	}
	*ret_n += base64_stream_encode(&stream, (struct str){0}, true, out + *ret_n);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	size_t n_whole, n_pieces, piece;
	char *whole, *pieces;

	if (size < 2 || size > 4096)
		return 0;
	piece = (size_t)data[0] % 16 + 1;
	whole = malloc(size * 2 + 16);
	pieces = malloc(size * 2 + 16);
	ASSERT(whole && pieces);
	struct str text = str_n((const char *)data + 1, size - 1);
	int result = decode(text, size, whole, &n_whole);

	ASSERT(decode(text, piece, pieces, &n_pieces) == result);
	if (result == 0)
		ASSERT(str_eq(str_n(whole, n_whole), str_n(pieces, n_pieces)));
	encode(text, piece, whole, &n_whole);
	ASSERT(decode(str_n(whole, n_whole), piece, pieces, &n_pieces) == 0);
	ASSERT(str_eq(str_n(pieces, n_pieces), text));
	free(whole);
	free(pieces);
	return 0;
}
