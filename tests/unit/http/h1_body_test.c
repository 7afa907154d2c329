// SPDX-License-Identifier: Apache-2.0
/*
 * h1_body_test: bodies as tables, each fed whole and in pieces of every size, on guard pages: the
 * payload, the end and the failure must not depend on how the bytes came.
 */

#include "http/h1_body.h"

#include <string.h>

#include "check.h"
#include "guard.h"
#include "http/header.h"

enum { PAYLOAD_MAX = 65536 };

struct row {
	const char *name;
	struct str text;
	enum body_kind kind;
	int64_t length;
	enum fail fail;
	bool ends;   /* the message is complete within text */
	size_t rest; /* bytes of text beyond it */
	const char *payload;
};

#define CHUNKS(name, text, payload, rest)                                                       \
	{                                                                                       \
		name, {text, sizeof(text) - 1}, BODY_CHUNKED, 0, FAIL_NONE, true, rest, payload \
	}
#define WAITS(name, text, payload)                                                            \
	{                                                                                     \
		name, {text, sizeof(text) - 1}, BODY_CHUNKED, 0, FAIL_NONE, false, 0, payload \
	}
#define BAD(name, fail, text, payload)                                                          \
	{                                                                                       \
		name, {text, sizeof(text) - 1}, BODY_CHUNKED, 0, FAIL_##fail, false, 0, payload \
	}

/* clang-format off */
static const struct row rows[] = {
	{"6.3: no body", {"GET /", sizeof("GET /") - 1}, BODY_NONE, 0, FAIL_NONE, true, 5, ""},
	{"6.2: a length", {"helloGET", sizeof("helloGET") - 1}, BODY_LENGTH, 5, FAIL_NONE, true, 3, "hello"},
	{"6.2: an exact length", {"hello", sizeof("hello") - 1}, BODY_LENGTH, 5, FAIL_NONE, true, 0, "hello"},
	{"6.2: length zero", {"GET", sizeof("GET") - 1}, BODY_LENGTH, 0, FAIL_NONE, true, 3, ""},
	{"6.2: less than the length", {"hel", sizeof("hel") - 1}, BODY_LENGTH, 5, FAIL_NONE, false, 0, "hel"},
	{"6.3: until close", {"hello", sizeof("hello") - 1}, BODY_UNTIL_CLOSE, -1, FAIL_NONE, false, 0, "hello"},
	CHUNKS("7.1: one chunk", "5\r\nhello\r\n0\r\n\r\n", "hello", 0),
	CHUNKS("7.1: three chunks and what follows", "5\r\nhello\r\n1\r\n \r\n5\r\nworld\r\n0\r\n\r\nGET", "hello world", 3),
	CHUNKS("7.1: no data", "0\r\n\r\n", "", 0),
	CHUNKS("7.1: capital and small digits", "A\r\n0123456789\r\na\r\n0123456789\r\n0\r\n\r\n", "01234567890123456789", 0),
	CHUNKS("7.1: leading zeros", "0000000000000005\r\nhello\r\n0000\r\n\r\n", "hello", 0),
	CHUNKS("7.1: CR LF as data", "4\r\n\r\n\r\n\r\n0\r\n\r\n", "\r\n\r\n", 0),
	CHUNKS("7.1.1: extensions are dropped", "5;a\r\nhello\r\n0;b=c;d=\"e;f\"\r\n\r\n", "hello", 0),
	CHUNKS("7.1.1: blanks before an extension", "5 \t;a\r\nhello\r\n0\r\n\r\n", "hello", 0),
	CHUNKS("7.1.2: a trailer", "0\r\nX-Sum: 1\r\n\r\nGET", "", 3),
	CHUNKS("7.1.2: trailers", "1\r\na\r\n0\r\nX-Sum: 1\r\nX-Two:2\r\n\r\n", "a", 0),
	WAITS("nothing yet", "", ""),
	WAITS("half a size", "5", ""),
	WAITS("half a line end", "5\r", ""),
	WAITS("half a chunk", "5\r\nhel", "hel"),
	WAITS("no end of data", "5\r\nhello", "hello"),
	WAITS("half an end of data", "5\r\nhello\r", "hello"),
	WAITS("no last chunk", "5\r\nhello\r\n", "hello"),
	WAITS("no empty line", "0\r\n", ""),
	WAITS("half an empty line", "0\r\n\r", ""),
	WAITS("half a trailer", "0\r\nX: ", ""),
	WAITS("trailers without an end", "0\r\nX: 1\r\n", ""),
	WAITS("trailers with half an end", "0\r\nX: 1\r\n\r", ""),
	BAD("7.1: no size", CHUNK_SIZE_BAD, "\r\nhello", ""),
	BAD("7.1: an extension without size", CHUNK_SIZE_BAD, ";a\r\nhello", ""),
	BAD("7.1: no hexadecimal digit", CHUNK_SIZE_BAD, "g\r\n", ""),
	BAD("7.1: 0x", CHUNK_SIZE_BAD, "0x5\r\nhello\r\n", ""),
	BAD("7.1: a sign", CHUNK_SIZE_BAD, "+5\r\nhello\r\n", ""),
	BAD("7.1: negative", CHUNK_SIZE_BAD, "-5\r\nhello\r\n", ""),
	BAD("7.1: a leading blank", CHUNK_SIZE_BAD, " 5\r\nhello\r\n", ""),
	BAD("7.1: 17 digits", CHUNK_SIZE_BAD, "00000000000000005\r\nhello\r\n", ""),
	BAD("7.1: 2^63", CHUNK_SIZE_BAD, "8000000000000000\r\nhello\r\n", ""),
	BAD("7.1: 2^64", CHUNK_SIZE_BAD, "10000000000000000\r\nhello\r\n", ""),
	BAD("7.1: all ones", CHUNK_SIZE_BAD, "ffffffffffffffff\r\nhello\r\n", ""),
	WAITS("7.1: 2^63-1", "7fffffffffffffff\r\nhello", "hello"),
	BAD("7.1: blanks after the size", CHUNK_BAD, "5 \r\nhello\r\n", ""),
	BAD("7.1: blanks between digits", CHUNK_BAD, "5 5\r\nhello\r\n", ""),
	BAD("7.1: a bare LF after the size", CHUNK_BAD, "5\nhello\r\n", ""),
	BAD("7.1: a bare LF after an extension", CHUNK_BAD, "5;a\nhello\r\n", ""),
	BAD("7.1: a bare CR after the size", CHUNK_BAD, "5\rhello\r\n", ""),
	BAD("7.1: a bare CR in an extension", CHUNK_BAD, "5;a\rb\r\nhello\r\n", ""),
	BAD("7.1: NUL in an extension", CHUNK_BAD, "5;\0\r\nhello\r\n", ""),
	BAD("7.1: data longer than the size", CHUNK_BAD, "5\r\nhello!\r\n", "hello"),
	BAD("7.1: data shorter than the size", CHUNK_BAD, "5\r\nhell\r\n0\r\n\r\n", "hell\r"),
	BAD("7.1: a bare LF after the data", CHUNK_BAD, "5\r\nhello\n0\r\n\r\n", "hello"),
	BAD("7.1: CR and something else after the data", CHUNK_BAD, "5\r\nhello\rx", "hello"),
	BAD("7.1: two CRs at the end", CHUNK_BAD, "0\r\n\r\r\n", ""),
	BAD("7.1: a bare LF at the end", TRAILER_BAD, "0\r\n\n", ""),
	BAD("7.1.2: a trailer without colon", TRAILER_BAD, "0\r\nGET / HTTP/1.1\r\n\r\n", ""),
	BAD("7.1.2: a bare LF in trailers", TRAILER_BAD, "0\r\nX: 1\n\r\n", ""),
	BAD("7.1.2: a folded trailer", TRAILER_BAD, "0\r\nX: 1\r\n y\r\n\r\n", ""),
	BAD("7.1.2: a blank before the colon", TRAILER_BAD, "0\r\nX : 1\r\n\r\n", ""),
	BAD("7.1.2: NUL in a trailer", TRAILER_BAD, "0\r\nX: \0\r\n\r\n", ""),
};
/* clang-format on */

struct outcome {
	enum h1_body_result result;
	struct str rest;
	size_t n;
	char payload[PAYLOAD_MAX];
};

static void feed(struct h1_body *body, struct str text, size_t piece, struct outcome *out)
{
	out->n = 0;
	out->result = H1_BODY_MORE;
	out->rest = text;
	do {
		struct str input = str_take(out->rest, piece), data;
		size_t before = input.len;

		while ((out->result = h1_body_next(body, &input, &data)) == H1_BODY_DATA) {
			assert_true(data.len > 0 && out->n + data.len <= PAYLOAD_MAX);
			memcpy(out->payload + out->n, data.at, data.len);
			out->n += data.len;
		}
		if (out->result == H1_BODY_MORE)
			assert_int_equal(input.len, 0);
		out->rest = str_from(out->rest, before - input.len);
	} while (out->result == H1_BODY_MORE && out->rest.len > 0);
}

static void payload_and_end_do_not_depend_on_how_bytes_come(void **state)
{
	static struct outcome out;

	(void)state;
	for (size_t i = 0; i < ROWS(rows); i++) {
		const struct row *row = &rows[i];
		struct str text = guard_copy(row->text);

		for (size_t piece = text.len ? text.len : 1; piece > 0; piece--) {
			struct arena arena;
			struct h1_body body;

			arena_init(&arena, 65536, 0);
			h1_body_init(&body, row->kind, row->length, &arena);
			feed(&body, text, piece, &out);
			CHECK_STR(row->name, fail_row(body.fail)->log, fail_row(row->fail)->log);
			CHECK_INT(row->name, out.result,
				  row->fail   ? H1_BODY_FAILED
				  : row->ends ? H1_BODY_END
					      : H1_BODY_MORE);
			CHECK_STR(row->name, str_n(out.payload, out.n), str_of(row->payload));
			if (row->ends)
				CHECK_INT(row->name, out.rest.len, row->rest);
			CHECK_INT(row->name, h1_body_done(&body), row->ends);
			arena_done(&arena);
		}
		guard_free(text);
	}
}

static void the_peers_close_ends_or_cuts_a_body(void **state)
{
	static struct outcome out;

	(void)state;
	for (size_t i = 0; i < ROWS(rows); i++) {
		const struct row *row = &rows[i];
		bool may_end = row->ends || row->kind == BODY_UNTIL_CLOSE;
		struct arena arena;
		struct h1_body body;

		arena_init(&arena, 65536, 0);
		h1_body_init(&body, row->kind, row->length, &arena);
		feed(&body, row->text, row->text.len + 1, &out);
		CHECK_INT(row->name, h1_body_eof(&body), may_end ? H1_BODY_END : H1_BODY_FAILED);
		if (!may_end && !row->fail)
			CHECK_INT(row->name, body.fail, FAIL_BODY_CUT);
		arena_done(&arena);
	}
}

static void safe_trailers_are_kept_and_others_dropped(void **state)
{
	struct str text = STR("0\r\nX-Sum: 1\r\nContent-Length: 5\r\nX-Forwarded-For: 1.2.3.4\r\n"
			      "authorization: x\r\nIf-Match: x\r\nX_Sum: 2\r\nHost: a\r\n"
			      "X-Forwarded-Whatever: 1\r\nset-cookie: x\r\nGrpc-Status: 0\r\n\r\n");
	struct arena arena;
	struct h1_body body;
	struct str data;

	(void)state;
	arena_init(&arena, 65536, 0);
	h1_body_init(&body, BODY_CHUNKED, 0, &arena);
	assert_int_equal(h1_body_next(&body, &text, &data), H1_BODY_END);
	assert_int_equal(body.trailers.n, 2);
	CHECK_STR("first", body.trailers.at[0].name, STR("X-Sum"));
	CHECK_STR("second", body.trailers.at[1].name, STR("Grpc-Status"));
	CHECK_STR("value", body.trailers.at[1].value, STR("0"));
	arena_done(&arena);
}

static enum fail fail_of(struct str text, struct arena *arena)
{
	static struct outcome out;
	struct h1_body body;

	h1_body_init(&body, BODY_CHUNKED, 0, arena);
	feed(&body, text, text.len, &out);
	return body.fail;
}

static void trailers_are_bounded(void **state)
{
	static char text[20000] = "0\r\nX: ";
	struct arena arena;
	size_t n = 3;

	(void)state;
	arena_init(&arena, 65536, 0);
	memset(text + 6, 'x', 9000);
	memcpy(text + 9006, "\r\n\r\n", 4);
	assert_int_equal(fail_of(str_n(text, 9010), &arena), FAIL_TRAILER_TOO_LARGE);
	for (int i = 0; i < H1_BODY_MAX_TRAILERS + 1; i++, n += 6)
		memcpy(text + n, "A: b\r\n", 6);
	memcpy(text + n, "\r\n", 2);
	assert_int_equal(fail_of(str_n(text, n + 2), &arena), FAIL_TRAILER_TOO_LARGE);
	memcpy(text + n - 6, "\r\n", 2);
	assert_int_equal(fail_of(str_n(text, n - 4), &arena), FAIL_NONE);
	assert_int_equal(fail_of(STR("0\r\nX: 1\r\n\r\n"), NULL), FAIL_TRAILER_TOO_LARGE);
	assert_int_equal(fail_of(STR("0\r\n\r\n"), NULL), FAIL_NONE);
	arena_done(&arena);
}

/* Repeats one chunk and says whether and how it ends. */
static enum fail repeat(struct str chunk, int times)
{
	struct h1_body body;
	struct str data;

	h1_body_init(&body, BODY_CHUNKED, 0, NULL);
	for (int i = 0; i < times; i++) {
		struct str input = chunk;

		while (h1_body_next(&body, &input, &data) == H1_BODY_DATA)
			;
		if (body.fail)
			break;
	}
	return body.fail;
}

static void framing_may_not_outweigh_the_data_by_far(void **state)
{
	char extension[300] = "1;";

	(void)state;
	/* A stream of single bytes is legitimate; long extensions and padded sizes are not. */
	assert_int_equal(repeat(STR("1\r\nx\r\n"), 100000), FAIL_NONE);
	assert_int_equal(repeat(STR("0000000000000001\r\nx\r\n"), 100000), FAIL_CHUNK_OVERHEAD);
	assert_int_equal(repeat(STR("1;aaaaaaaaaaaaaaaa\r\nx\r\n"), 100000), FAIL_CHUNK_OVERHEAD);
	memset(extension + 2, 'a', 290);
	memcpy(extension + 292, "\r\nx\r\n", 5);
	assert_int_equal(repeat(str_n(extension, 297), 1), FAIL_CHUNK_OVERHEAD);
}

static void runs_of_payload_may_pass_by(void **state)
{
	struct h1_body body;
	struct str text = STR("10\r\n"), data;

	(void)state;
	h1_body_init(&body, BODY_CHUNKED, 0, NULL);
	assert_int_equal(h1_body_run(&body), 0);
	assert_int_equal(h1_body_next(&body, &text, &data), H1_BODY_MORE);
	assert_int_equal(h1_body_run(&body), 16);
	h1_body_skip(&body, 16);
	assert_int_equal(h1_body_run(&body), 0);
	text = STR("\r\n0\r\n\r\n");
	assert_int_equal(h1_body_next(&body, &text, &data), H1_BODY_END);
	h1_body_init(&body, BODY_LENGTH, 7, NULL);
	assert_int_equal(h1_body_run(&body), 7);
	h1_body_skip(&body, 7);
	assert_true(h1_body_done(&body));
	h1_body_init(&body, BODY_UNTIL_CLOSE, -1, NULL);
	h1_body_skip(&body, 1000);
	assert_true(h1_body_run(&body) == UINT64_MAX);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(payload_and_end_do_not_depend_on_how_bytes_come),
		cmocka_unit_test(the_peers_close_ends_or_cuts_a_body),
		cmocka_unit_test(safe_trailers_are_kept_and_others_dropped),
		cmocka_unit_test(trailers_are_bounded),
		cmocka_unit_test(framing_may_not_outweigh_the_data_by_far),
		cmocka_unit_test(runs_of_payload_may_pass_by),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
