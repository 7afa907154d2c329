// SPDX-License-Identifier: Apache-2.0
/* h1_write_test: messages in, bytes out; and what is written is read again as the same. */

#include "http/h1_write.h"

#include <errno.h>
#include <stdio.h>

#include "check.h"
#include "guard.h"
#include "http/h1_parse.h"
#include "http/header.h"

enum { SLOTS = 32 };

static const struct h1_limits limits = {8192, SLOTS};

static void parse(struct str text, struct request *request, struct header slots[SLOTS])
{
	enum fail fail;

	*request = (struct request){.headers = {.at = slots, .cap = SLOTS}};
	assert_int_equal(h1_parse_request(text, &limits, request, &fail), (ssize_t)text.len);
}

struct request_row {
	const char *name, *in, *out;
};

/* clang-format off */
static const struct request_row request_rows[] = {
	{"a plain request", "GET /a?b=c HTTP/1.1\r\nHost: h:80\r\nA: 1\r\n\r\n", "GET /a?b=c HTTP/1.1\r\nHost: h:80\r\nA: 1\r\n\r\n"},
	{"9110 2.5: our own version", "GET / HTTP/1.0\r\nHost: h\r\n\r\n", "GET / HTTP/1.1\r\nHost: h\r\n\r\n"},
	{"9112 3.2: Host first and always", "GET / HTTP/1.0\r\nA: 1\r\n\r\n", "GET / HTTP/1.1\r\nHost: \r\nA: 1\r\n\r\n"},
	{"9112 3.2.2: absolute-form replaces Host", "GET http://b:8/x HTTP/1.1\r\nHost: h\r\n\r\n", "GET /x HTTP/1.1\r\nHost: b:8\r\n\r\n"},
	{"an empty query keeps its mark", "GET /? HTTP/1.1\r\nHost: h\r\n\r\n", "GET /? HTTP/1.1\r\nHost: h\r\n\r\n"},
	{"blanks and spelling", "get / HTTP/1.1\r\nhost:h\r\nx-A: \t 1 \r\n\r\n", "get / HTTP/1.1\r\nHost: h\r\nx-A: 1\r\n\r\n"},
	{"9112 6.2: a length, once", "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 005\r\nContent-Length: 5\r\n\r\n", "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\n\r\n"},
	{"a length of nothing", "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 0\r\n\r\n", "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 0\r\n\r\n"},
	{"9112 6.1: chunked, with its announced trailers", "POST / HTTP/1.1\r\nHost: h\r\ntransfer-encoding: CHUNKED\r\nTrailer: X\r\n\r\n", "POST / HTTP/1.1\r\nHost: h\r\nTrailer: X\r\nTransfer-Encoding: chunked\r\n\r\n"},
	{"9110 6.6.2: no trailers without chunks", "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 1\r\nTrailer: X\r\n\r\n", "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 1\r\n\r\n"},
	{"9110 7.6.1: hop-by-hop fields go", "GET / HTTP/1.1\r\nHost: h\r\nConnection: close, X-A\r\nKeep-Alive: 1\r\nProxy-Connection: a\r\nTE: gzip\r\nUpgrade: h2c\r\nX-A: 1\r\nX-B: 2\r\nProxy-Authorization: x\r\n\r\n", "GET / HTTP/1.1\r\nHost: h\r\nX-B: 2\r\n\r\n"},
	{"A2.4: protected fields stay", "GET / HTTP/1.1\r\nHost: h\r\nConnection: Cookie, X-Forwarded-For\r\nCookie: a=b\r\nX-Forwarded-For: 1\r\n\r\n", "GET / HTTP/1.1\r\nHost: h\r\nCookie: a=b\r\nX-Forwarded-For: 1\r\n\r\n"},
	{"d.5: TE trailers", "GET / HTTP/1.1\r\nHost: h\r\nTE: gzip, Trailers\r\n\r\n", "GET / HTTP/1.1\r\nHost: h\r\nTe: trailers\r\n\r\n"},
	{"9110 10.1.1: an expectation", "POST / HTTP/1.1\r\nHost: h\r\nexpect: 100-Continue\r\nContent-Length: 5\r\n\r\n", "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\nExpect: 100-continue\r\n\r\n"},
	{"9110 10.1.1: an old client's is void", "POST / HTTP/1.0\r\nHost: h\r\nExpect: 100-continue, x\r\nContent-Length: 5\r\n\r\n", "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\n\r\n"},
	{"9110 7.8: a granted upgrade", "GET / HTTP/1.1\r\nHost: h\r\nConnection: keep-alive, Upgrade\r\nUpgrade: websocket, h2c\r\nSec-WebSocket-Version: 13\r\n\r\n", "GET / HTTP/1.1\r\nHost: h\r\nSec-WebSocket-Version: 13\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n"},
};
/* clang-format on */

static void requests_are_written_anew(void **state)
{
	(void)state;
	for (size_t i = 0; i < ROWS(request_rows); i++) {
		const struct request_row *row = &request_rows[i];
		struct header slots[SLOTS];
		struct request request;
		char out[1024];
		ssize_t n;

		parse(str_of(row->in), &request, slots);
		n = h1_write_request(&request, NULL, out, sizeof(out));
		assert_true(n > 0);
		CHECK_STR(row->name, str_n(out, (size_t)n), str_of(row->out));
		/* Every room that is too small is refused, and one that fits is enough. */
		for (size_t cap = 0; cap <= (size_t)n; cap++) {
			struct str room = guard_copy(str_n(out, cap));

			CHECK_INT(row->name,
				  h1_write_request(&request, NULL, (char *)(uintptr_t)room.at, cap),
				  cap < (size_t)n ? -ENOSPC : n);
			guard_free(room);
		}
	}
}

static void another_host_can_be_sent(void **state)
{
	struct h1_request_options options = {.host = STR("server:81")};
	struct header slots[SLOTS];
	struct request request;
	char out[256];
	ssize_t n;

	(void)state;
	parse(STR("GET / HTTP/1.1\r\nHost: h\r\n\r\n"), &request, slots);
	n = h1_write_request(&request, &options, out, sizeof(out));
	CHECK_STR("host", str_n(out, (size_t)n), STR("GET / HTTP/1.1\r\nHost: server:81\r\n\r\n"));
	options = (struct h1_request_options){.path = STR("/base")};
	n = h1_write_request(&request, &options, out, sizeof(out));
	CHECK_STR("path", str_n(out, (size_t)n), STR("GET /base/ HTTP/1.1\r\nHost: h\r\n\r\n"));
}

struct response_row {
	const char *name;
	const char *request; /* h: HEAD, o: 1.0, k: keep-alive, u: upgrade, d: draining */
	const char *in, *out;
	enum body_kind body;
	bool keep;
};

#define DATE "Sun, 06 Nov 1994 08:49:37 GMT"

/* clang-format off */
static const struct response_row response_rows[] = {
	{"a length", "k", "HTTP/1.1 200 Fine\r\nContent-Length: 5\r\nA: 1\r\nDate: now\r\n\r\n", "HTTP/1.1 200 Fine\r\nA: 1\r\nDate: now\r\nContent-Length: 5\r\n\r\n", BODY_LENGTH, true},
	{"9110 6.6.1: a Date is added", "k", "HTTP/1.1 200\r\nContent-Length: 0\r\n\r\n", "HTTP/1.1 200 OK\r\nDate: " DATE "\r\nContent-Length: 0\r\n\r\n", BODY_LENGTH, true},
	{"9112 9.3: the client wants to close", "", "HTTP/1.1 200 OK\r\nDate: x\r\nContent-Length: 0\r\n\r\n", "HTTP/1.1 200 OK\r\nDate: x\r\nContent-Length: 0\r\nConnection: close\r\n\r\n", BODY_LENGTH, false},
	{"9112 9.3: we want to close", "kd", "HTTP/1.1 200 OK\r\nDate: x\r\nContent-Length: 0\r\n\r\n", "HTTP/1.1 200 OK\r\nDate: x\r\nContent-Length: 0\r\nConnection: close\r\n\r\n", BODY_LENGTH, false},
	{"the server's connection is not the client's", "k", "HTTP/1.0 200 OK\r\nDate: x\r\nConnection: close, X-A\r\nX-A: 1\r\nKeep-Alive: 2\r\nContent-Length: 0\r\n\r\n", "HTTP/1.1 200 OK\r\nDate: x\r\nContent-Length: 0\r\n\r\n", BODY_LENGTH, true},
	{"9112 7.1: chunked", "k", "HTTP/1.1 200 OK\r\nDate: x\r\nTransfer-Encoding: chunked\r\nTrailer: y\r\n\r\n", "HTTP/1.1 200 OK\r\nDate: x\r\nTrailer: y\r\nTransfer-Encoding: chunked\r\n\r\n", BODY_CHUNKED, true},
	{"9112 6.3: until close becomes chunked", "k", "HTTP/1.1 200 OK\r\nDate: x\r\n\r\n", "HTTP/1.1 200 OK\r\nDate: x\r\nTransfer-Encoding: chunked\r\n\r\n", BODY_CHUNKED, true},
	{"9112 7.1: 1.0 knows no chunks", "ko", "HTTP/1.1 200 OK\r\nDate: x\r\nTransfer-Encoding: chunked\r\n\r\n", "HTTP/1.1 200 OK\r\nDate: x\r\nConnection: close\r\n\r\n", BODY_UNTIL_CLOSE, false},
	{"9112 9.3: 1.0 is told that it may go on", "ko", "HTTP/1.1 200 OK\r\nDate: x\r\nContent-Length: 1\r\n\r\n", "HTTP/1.1 200 OK\r\nDate: x\r\nContent-Length: 1\r\nConnection: keep-alive\r\n\r\n", BODY_LENGTH, true},
	{"9110 8.6: HEAD keeps the length", "kh", "HTTP/1.1 200 OK\r\nDate: x\r\nContent-Length: 5\r\n\r\n", "HTTP/1.1 200 OK\r\nDate: x\r\nContent-Length: 5\r\n\r\n", BODY_NONE, true},
	{"9110 8.6: and invents none", "kh", "HTTP/1.1 200 OK\r\nDate: x\r\n\r\n", "HTTP/1.1 200 OK\r\nDate: x\r\n\r\n", BODY_NONE, true},
	{"9110 15.3.5: 204 has no length", "k", "HTTP/1.1 204 x\r\nDate: x\r\nContent-Length: 0\r\n\r\n", "HTTP/1.1 204 x\r\nDate: x\r\n\r\n", BODY_NONE, true},
	{"9110 15.4.5: 304 keeps it", "k", "HTTP/1.1 304 x\r\nDate: x\r\nContent-Length: 7\r\n\r\n", "HTTP/1.1 304 x\r\nDate: x\r\nContent-Length: 7\r\n\r\n", BODY_NONE, true},
	{"9110 15.2: 103 has neither date nor length", "k", "HTTP/1.1 103 Early Hints\r\nLink: a\r\n\r\n", "HTTP/1.1 103 Early Hints\r\nLink: a\r\n\r\n", BODY_NONE, true},
	{"9110 7.8: 101", "ku", "HTTP/1.1 101 Go\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Accept: a\r\n\r\n", "HTTP/1.1 101 Go\r\nSec-WebSocket-Accept: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n", BODY_NONE, true},
	{"an unknown status", "k", "HTTP/1.1 599\r\nDate: x\r\nContent-Length: 0\r\n\r\n", "HTTP/1.1 599 \r\nDate: x\r\nContent-Length: 0\r\n\r\n", BODY_LENGTH, true},
	{"9110 11.7: cookies stay, a challenge of the proxy goes", "k", "HTTP/1.1 401 x\r\nDate: x\r\nSet-Cookie: a\r\nSet-Cookie: b\r\nConnection: Set-Cookie\r\nProxy-Authenticate: y\r\nContent-Length: 0\r\n\r\n", "HTTP/1.1 401 x\r\nDate: x\r\nSet-Cookie: a\r\nSet-Cookie: b\r\nContent-Length: 0\r\n\r\n", BODY_LENGTH, true},
};
/* clang-format on */

static void responses_are_written_anew_for_their_client(void **state)
{
	(void)state;
	for (size_t i = 0; i < ROWS(response_rows); i++) {
		const struct response_row *row = &response_rows[i];
		const struct request request = {
			.method_id = strchr(row->request, 'h') ? METHOD_HEAD : METHOD_GET,
			.version_minor = !strchr(row->request, 'o'),
			.keep_alive = strchr(row->request, 'k') != NULL,
		};
		const struct h1_asked asked = {.head = request.method_id == METHOD_HEAD,
					       .upgrade = strchr(row->request, 'u') != NULL};
		struct header slots[SLOTS];
		struct response response = {.headers = {.at = slots, .cap = SLOTS}};
		struct h1_framing framing;
		enum fail fail = FAIL_NONE;
		char out[1024];
		ssize_t n = h1_parse_response(str_of(row->in), &limits, &asked, &response, &fail);

		CHECK_INT(row->name, fail, FAIL_NONE);
		CHECK_INT(row->name, n, (ssize_t)strlen(row->in));
		framing = h1_frame_response(&request, &response, !strchr(row->request, 'd'));
		CHECK_INT(row->name, framing.body, row->body);
		CHECK_INT(row->name, framing.keep_alive, row->keep);
		n = h1_write_response(&response, &framing, STR(DATE), out, sizeof(out));
		CHECK_STR(row->name, str_n(out, (size_t)n), str_of(row->out));
		for (size_t cap = 0; cap < (size_t)n; cap++)
			CHECK_INT(row->name,
				  h1_write_response(&response, &framing, STR(DATE), out, cap),
				  -ENOSPC);
	}
}

static void an_answer_of_ours_has_a_length(void **state)
{
	struct response response = {.status = 204};
	const struct request request = {
		.method_id = METHOD_GET, .version_minor = 1, .keep_alive = true};
	struct h1_framing framing;
	char out[256];
	ssize_t n;

	(void)state;
	framing = h1_frame_response(&request, &response, true);
	assert_false(framing.announces_length && framing.body != BODY_NONE);
	response.status = 200;
	framing = h1_frame_response(&request, &response, true);
	n = h1_write_response(&response, &framing, (struct str){0}, out, sizeof(out));
	CHECK_STR("empty", str_n(out, (size_t)n),
		  STR("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"));
}

static void failures_become_whole_answers(void **state)
{
	char out[512];
	ssize_t n;

	(void)state;
	n = h1_write_fail(FAIL_NO_ROUTE, false, false, STR(DATE), out, sizeof(out));
	CHECK_STR("404", str_n(out, (size_t)n),
		  STR("HTTP/1.1 404 Not Found\r\nContent-Type: text/plain; charset=utf-8\r\n"
		      "X-Content-Type-Options: nosniff\r\nDate: " DATE
		      "\r\nContent-Length: 19\r\n\r\n"
		      "404 page not found\n"));
	n = h1_write_fail(FAIL_BODY_TOO_LARGE, true, true, (struct str){0}, out, sizeof(out));
	CHECK_STR("413", str_n(out, (size_t)n),
		  STR("HTTP/1.1 413 Request Entity Too Large\r\n"
		      "Content-Type: text/plain; charset=utf-8\r\n"
		      "X-Content-Type-Options: nosniff\r\nContent-Length: 24\r\n"
		      "Connection: close\r\n\r\n"));
	n = h1_write_fail(FAIL_SERVER_OPTIONS, false, false, (struct str){0}, out, sizeof(out));
	CHECK_STR("OPTIONS *", str_n(out, (size_t)n),
		  STR("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"));
	assert_int_equal(h1_write_fail(FAIL_NO_ROUTE, false, false, STR(DATE), out, 100), -ENOSPC);
}

static void chunks_are_framed(void **state)
{
	static const uint64_t sizes[] = {1,   9,    10,	   15,	       16,	 255,
					 256, 4095, 65536, UINT32_MAX, INT64_MAX};
	struct header slots[] = {{.name = STR("X"), .value = STR("1")},
				 {.name = STR("Y"), .value = STR("2"), .gone = true}};
	const struct headers trailers = {.at = slots, .n = 2, .cap = 2};
	char out[64], wanted[64];
	ssize_t n;

	(void)state;
	for (size_t i = 0; i < ROWS(sizes); i++) {
		size_t len = h1_write_chunk_head(sizes[i], out);

		snprintf(wanted, sizeof(wanted), "%llx\r\n", (unsigned long long)sizes[i]);
		CHECK_STR(wanted, str_n(out, len), str_of(wanted));
	}
	n = h1_write_last_chunk(NULL, out, sizeof(out));
	CHECK_STR("last", str_n(out, (size_t)n), STR("0\r\n\r\n"));
	n = h1_write_last_chunk(&trailers, out, sizeof(out));
	CHECK_STR("trailers", str_n(out, (size_t)n), STR("0\r\nX: 1\r\n\r\n"));
	assert_int_equal(h1_write_last_chunk(&trailers, out, 8), -ENOSPC);
	CHECK_STR("100", h1_write_continue(), STR("HTTP/1.1 100 Continue\r\n\r\n"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(requests_are_written_anew),
		cmocka_unit_test(another_host_can_be_sent),
		cmocka_unit_test(responses_are_written_anew_for_their_client),
		cmocka_unit_test(an_answer_of_ours_has_a_length),
		cmocka_unit_test(failures_become_whole_answers),
		cmocka_unit_test(chunks_are_framed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
