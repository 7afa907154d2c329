// SPDX-License-Identifier: Apache-2.0
// link: base http
/*
 * h1_parse_fuzz: any bytes as a head. What parses is made canonical and written; what was written
 * must parse to the same message and be written as the same bytes again. The first byte chooses
 * request or response.
 */

#include <errno.h>
#include <stdlib.h>

#include "base/die.h"
#include "http/canon.h"
#include "http/forwarded.h"
#include "http/h1_parse.h"
#include "http/h1_write.h"
#include "http/header.h"

enum { SLOTS = 40, OUT_BYTES = 65536 };

static const struct h1_limits limits = {.max_head_bytes = 4096, .max_headers = 32};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static ssize_t parse_request(struct str text, struct request *request, struct header *slots,
			     struct arena *arena)
{
	enum fail fail = FAIL_NONE;
	ssize_t n;

	*request = (struct request){.arena = arena,
				    .headers = {.at = slots, .cap = SLOTS, .arena = arena}};
	n = h1_parse_request(text, &limits, request, &fail);
	ASSERT(n > 0 ? fail == FAIL_NONE && (size_t)n <= text.len
		     : (n == -EAGAIN) == (fail == FAIL_NONE));
	if (n > 0 && canon_request(request, &(const struct canon_options){0}) != FAIL_NONE)
		return -EBADMSG;
	return n;
}

/* What is shorter than the head is never taken for one. */
static void check_prefixes(struct str text, size_t head, struct arena *arena)
{
	struct header slots[SLOTS];
	struct request request;

	for (size_t n = head; n > 0 && head - n < 5; n--)
		ASSERT(parse_request(str_take(text, n - 1), &request, slots, arena) == -EAGAIN);
	ASSERT(parse_request(str_take(text, head / 2), &request, slots, arena) == -EAGAIN);
}

static void fuzz_request(struct str text, struct arena *arena)
{
	static char first[OUT_BYTES], second[OUT_BYTES];
	struct header slots[SLOTS], more_slots[SLOTS];
	struct request request, again;
	ssize_t head = parse_request(text, &request, slots, arena), n, m;

	if (head < 0)
		return;
	check_prefixes(text, (size_t)head, arena);
	n = h1_write_request(&request, NULL, first, sizeof(first));
	ASSERT(n > 0);
	/* Escapes and the Host of an old client may bring what was just small enough over a limit.
	 */
	if ((size_t)n > limits.max_head_bytes || request.headers.n == limits.max_headers)
		return;
	ASSERT(parse_request(str_n(first, (size_t)n), &again, more_slots, arena) == n);
	ASSERT(again.body == request.body && again.content_length == request.content_length);
	ASSERT(again.upgrade == request.upgrade && again.method_id == request.method_id);
	ASSERT(str_eq(again.host, request.host) && str_eq(again.raw_path, request.raw_path));
	ASSERT(str_eq(again.query, request.query) && again.has_query == request.has_query);
	m = h1_write_request(&again, NULL, second, sizeof(second));
	ASSERT(m == n && memcmp(first, second, (size_t)n) == 0);
	/* With our headers added, what is sent still parses. */
	if (forwarded_receive(&request, &(const struct forwarded_options){0}) != FAIL_NONE ||
	    forwarded_send(&request, &(const struct forwarded_options){0}) != FAIL_NONE)
		return;
	n = h1_write_request(&request, NULL, first, sizeof(first));
	if (n > 0 && (size_t)n <= limits.max_head_bytes && request.headers.n < 32)
		ASSERT(parse_request(str_n(first, (size_t)n), &again, more_slots, arena) == n);
}

static void fuzz_response(struct str text, uint8_t choice, struct arena *arena)
{
	static char out[OUT_BYTES];
	const struct h1_asked asked = {.head = choice & 2, .upgrade = choice & 4};
	const struct request request = {.method_id = asked.head ? METHOD_HEAD : METHOD_GET,
					.version_minor = !(choice & 8),
					.keep_alive = choice & 16};
	struct header slots[SLOTS], more_slots[SLOTS];
	struct response response = {.headers = {.at = slots, .cap = SLOTS, .arena = arena}};
	struct response again = {.headers = {.at = more_slots, .cap = SLOTS, .arena = arena}};
	struct h1_framing framing;
	enum fail fail = FAIL_NONE;
	ssize_t n = h1_parse_response(text, &limits, &asked, &response, &fail);

	ASSERT(n > 0 ? fail == FAIL_NONE : (n == -EAGAIN) == (fail == FAIL_NONE));
	if (n < 0)
		return;
	framing = h1_frame_response(&request, &response, true);
	n = h1_write_response(&response, &framing, (struct str){0}, out, sizeof(out));
	ASSERT(n > 0);
	/* Connection and Transfer-Encoding are ours. */
	if ((size_t)n > limits.max_head_bytes || response.headers.n + 2 > limits.max_headers)
		return;
	ASSERT(h1_parse_response(str_n(out, (size_t)n), &limits, &asked, &again, &fail) == n);
	ASSERT(again.status == response.status);
	ASSERT(again.body == framing.body);
	if (framing.announces_length && response.content_length >= 0)
		ASSERT(again.content_length == response.content_length);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct arena arena;
	size_t resume = 0;
	char *copy;

	if (size == 0)
		return 0;
	/* A block of just that size, so that one byte too far is seen. */
	copy = malloc(size - 1 ? size - 1 : 1);
	ASSERT(copy);
	memcpy(copy, data + 1, size - 1);
	arena_init(&arena, 1 << 20, 0);
	if (data[0] & 1)
		fuzz_response(str_n(copy, size - 1), data[0], &arena);
	else
		fuzz_request(str_n(copy, size - 1), &arena);
	h1_head_ready(str_n(copy, size - 1), &limits, &resume);
	ASSERT(resume <= size);
	arena_done(&arena);
	free(copy);
	return 0;
}
