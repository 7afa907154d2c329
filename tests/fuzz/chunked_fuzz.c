// SPDX-License-Identifier: Apache-2.0
// link: base http
/*
 * chunked_fuzz: any bytes as a chunked body, whole and in pieces: payload, end and failure must
 * agree; and the payload framed by our writer comes back as it was. The first byte is the size of
 * the pieces.
 */

#include <stdlib.h>

#include "base/die.h"
#include "http/h1_body.h"
#include "http/h1_write.h"

enum { PAYLOAD_BYTES = 1 << 16 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct outcome {
	enum h1_body_result result;
	uint8_t fail;
	size_t n, rest, n_trailers;
	char payload[PAYLOAD_BYTES];
};

static void decode(struct str text, size_t piece, struct outcome *out)
{
	struct h1_body body;
	struct arena arena;

	arena_init(&arena, 1 << 18, 0);
	h1_body_init(&body, BODY_CHUNKED, 0, &arena);
	out->n = 0;
	out->result = H1_BODY_MORE;
	while (out->result == H1_BODY_MORE && text.len > 0) {
		struct str input = str_take(text, piece), span;
		size_t before = input.len;

		while ((out->result = h1_body_next(&body, &input, &span)) == H1_BODY_DATA) {
			ASSERT(span.len > 0 && out->n + span.len <= PAYLOAD_BYTES);
			memcpy(out->payload + out->n, span.at, span.len);
			out->n += span.len;
		}
		ASSERT(out->result != H1_BODY_MORE || input.len == 0);
		text = str_from(text, before - input.len);
	}
	out->rest = text.len;
	out->fail = body.fail;
	out->n_trailers = body.trailers.n;
	ASSERT((out->result == H1_BODY_FAILED) == (body.fail != FAIL_NONE));
	ASSERT(h1_body_done(&body) == (out->result == H1_BODY_END));
	arena_done(&arena);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct outcome whole, pieces, again;
	static char framed[PAYLOAD_BYTES + 64];
	char *copy;
	size_t n = 0;

	if (size < 2 || size > PAYLOAD_BYTES)
		return 0;
	copy = malloc(size - 1);
	ASSERT(copy);
	memcpy(copy, data + 1, size - 1);
	decode(str_n(copy, size - 1), size, &whole);
	decode(str_n(copy, size - 1), (size_t)data[0] % 64 + 1, &pieces);
	free(copy);
	ASSERT(whole.result == pieces.result && whole.fail == pieces.fail);
	ASSERT(whole.n_trailers == pieces.n_trailers);
	ASSERT(str_eq(str_n(whole.payload, whole.n), str_n(pieces.payload, pieces.n)));
	if (whole.result == H1_BODY_END)
		ASSERT(whole.rest == pieces.rest);
	if (whole.n > 0) {
		n = h1_write_chunk_head(whole.n, framed);
		memcpy(framed + n, whole.payload, whole.n);
		n += whole.n;
		memcpy(framed + n, "\r\n", 2);
		n += 2;
	}
	n += (size_t)h1_write_last_chunk(NULL, framed + n, sizeof(framed) - n);
	decode(str_n(framed, n), n, &again);
	ASSERT(again.result == H1_BODY_END && again.rest == 0);
	ASSERT(str_eq(str_n(whole.payload, whole.n), str_n(again.payload, again.n)));
	return 0;
}
