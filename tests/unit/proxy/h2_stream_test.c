// SPDX-License-Identifier: Apache-2.0
/* h2_stream_test: HTTP/1.1 on one side, a stream of HTTP/2 on the other. */

#include "h2_peer.h"

#include "proxy/h2_stream.h"

#define GET	"GET /a?b HTTP/1.1\r\nHost: h.test\r\nX-A: 1\r\nConnection: keep-alive\r\n\r\n"
#define WINDOW	65535
#define FOREVER 1000

static void a_request_becomes_fields(void **state)
{
	struct owner *owner = owner_connect(100, WINDOW, true);

	(void)state;
	owner_write(owner, GET);
	go_on(5);
	assert_int_equal(peer.n_streams, 1);
	assert_string_equal(peer.streams[0].fields,
			    ":method: GET\n:scheme: http\n:authority: h.test\n"
			    ":path: /a?b\nx-a: 1\n");
	assert_true(peer.streams[0].has_end);
	owner_free(owner);
}

static void a_head_may_come_in_pieces(void **state)
{
	struct owner *owner = owner_connect(100, WINDOW, true);
	const char *text = "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\n\r\nabc";

	(void)state;
	for (size_t i = 0; i < strlen(text); i++)
		assert_int_equal(link_write(&owner->upstream->link, text + i, 1), 0);
	go_on(5);
	assert_int_equal(peer.streams[0].n_body, 3);
	assert_true(peer.streams[0].has_end);
	owner_free(owner);
}

static void a_large_head_passes(void **state)
{
	struct owner *owner = owner_connect(100, WINDOW, true);
	static char text[120000];
	size_t n = (size_t)sprintf(text, "GET / HTTP/1.1\r\nHost: h\r\n");

	(void)state;
	for (int i = 0; i < 3; i++) {
		n += (size_t)sprintf(text + n, "X-%d: ", i);
		memset(text + n, 'v', 30000);
		n += 30000;
		n += (size_t)sprintf(text + n, "\r\n");
	}
	sprintf(text + n, "\r\n");
	owner_write(owner, text);
	go_on(20);
	assert_int_equal(peer.n_streams, 1);
	assert_true(peer.streams[0].has_end);
	assert_false(owner->upstream->unprocessed);
	owner_free(owner);
}

static void answers_are_framed_as_they_need_it(void **state)
{
	static const struct {
		const char *name, *method, *status, *field, *value;
		size_t n_body;
		bool with_trailers;
		const char *want;
	} rows[] = {
		{"no body", "GET", "200", "x-b", "2", 0, false,
		 "HTTP/1.1 200 \r\nX-B: 2\r\nContent-Length: 0\r\n\r\n"},
		{"length", "GET", "200", "content-length", "3", 3, false,
		 "HTTP/1.1 200 \r\nContent-Length: 3\r\n\r\nbbb"},
		{"unknown length", "GET", "200", NULL, NULL, 3, false,
		 "HTTP/1.1 200 \r\nTransfer-Encoding: chunked\r\n\r\n3\r\nbbb\r\n0\r\n\r\n"},
		{"trailers", "GET", "200", NULL, NULL, 1, true,
		 "HTTP/1.1 200 \r\nTransfer-Encoding: chunked\r\n\r\n1\r\nb\r\n0\r\nX-Sum: "
		 "9\r\n\r\n"},
		{"grpc", "POST", "200", "content-type", "application/grpc", 1, true,
		 "HTTP/1.1 200 \r\nContent-Type: application/grpc\r\nTransfer-Encoding: chunked\r\n"
		 "\r\n1\r\nb\r\n0\r\nX-Sum: 9\r\n\r\n"},
		{"head", "HEAD", "200", "content-length", "99", 0, false,
		 "HTTP/1.1 200 \r\nContent-Length: 99\r\n\r\n"},
		{"204", "GET", "204", NULL, NULL, 0, false, "HTTP/1.1 204 \r\n\r\n"},
		{"304", "GET", "304", "etag", "e", 0, false, "HTTP/1.1 304 \r\nEtag: e\r\n\r\n"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct owner *owner = owner_connect(100, WINDOW, true);
		char head[200];

		snprintf(head, sizeof(head), "%s / HTTP/1.1\r\nHost: h\r\n\r\n", rows[i].method);
		owner_write(owner, head);
		go_on(5);
		peer_answer(peer.streams[peer.n_streams - 1].id, rows[i].status, rows[i].field,
			    rows[i].value, rows[i].n_body, rows[i].with_trailers);
		owner_read(owner);
		if (strcmp(owner->in, rows[i].want) != 0)
			fail_msg("%s: %s", rows[i].name, owner->in);
		owner_free(owner);
		assert_int_equal(peer.streams[peer.n_streams - 1].reset, 0);
	}
}

static void interim_answers_pass(void **state)
{
	struct owner *owner = owner_connect(100, WINDOW, true);
	nghttp2_nv nv[] = {NV(":status", "103"), NV("link", "</a>")};

	(void)state;
	owner_write(owner, GET);
	go_on(5);
	nghttp2_submit_headers(peer.session, 0, peer.streams[0].id, NULL, nv, 2, NULL);
	peer_answer(peer.streams[0].id, "200", NULL, NULL, 0, false);
	assert_string_equal(owner_read(owner), "HTTP/1.1 103 \r\nLink: </a>\r\n\r\n"
					       "HTTP/1.1 200 \r\nContent-Length: 0\r\n\r\n");
	owner_free(owner);
}

static void trailers_reach_the_server(void **state)
{
	struct owner *owner = owner_connect(100, WINDOW, true);

	(void)state;
	owner_write(owner, "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n"
			   "TE: trailers\r\n\r\n");
	go_on(5);
	owner_write(owner, "3\r\nabc\r\n");
	go_on(5);
	assert_int_equal(peer.streams[0].n_body, 3);
	assert_false(peer.streams[0].has_end);
	owner_write(owner, "0\r\nX-End: yes\r\n\r\n");
	go_on(5);
	assert_true(peer.streams[0].has_end);
	assert_non_null(strstr(peer.streams[0].fields, "te: trailers\n"));
	assert_non_null(strstr(peer.streams[0].fields, "x-end: yes\n"));
	owner_free(owner);
}

static void a_server_without_room_stops_the_writer(void **state)
{
	struct owner *owner = owner_connect(100, 1000, false);
	static char body[1 << 20];
	size_t taken = 0;
	struct link *link = &owner->upstream->link;

	(void)state;
	memset(body, 'u', sizeof(body));
	owner_write(owner, "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 4194304\r\n\r\n");
	for (int i = 0; i < 64 && !link_backlog(link); i++) {
		assert_int_equal(link_write(link, body, 65536), 0);
		taken += 65536;
		go_on(1);
	}
	assert_true(link_backlog(link) > 0);
	assert_true(taken <= H2_STREAM_SEND_MAX + 3 * 65536);
	assert_int_equal(peer.streams[0].n_body, 1000);
	assert_false(link->io.ready & LOOP_WRITE);
	/* Room comes: the rest goes, and the writer is woken. */
	for (int i = 0; i < FOREVER && peer.streams[0].n_body < taken; i++) {
		nghttp2_session_consume(peer.session, peer.streams[0].id, 1000);
		nghttp2_submit_window_update(peer.session, 0, peer.streams[0].id, 20000);
		nghttp2_submit_window_update(peer.session, 0, 0, 20000);
		go_on(1);
		if (link->io.ready & LOOP_WRITE && link_backlog(link))
			(void)link_flush(link);
	}
	assert_int_equal(peer.streams[0].n_body, taken);
	assert_int_equal(link_backlog(link), 0);
	owner_free(owner);
	/* The request was not complete. */
	assert_int_equal(peer.streams[0].reset, NGHTTP2_CANCEL + 1);
}

static void a_reader_that_waits_stops_the_server(void **state)
{
	struct owner *owner = owner_connect(100, WINDOW, true);
	size_t total = 4 << 20, got = 0;
	struct link *link = &owner->upstream->link;

	(void)state;
	owner_write(owner, GET);
	go_on(5);
	peer_answer(peer.streams[0].id, "200", "content-length", "4194304", total, false);
	go_on(50);
	/* No more than the window was sent while nobody read. */
	assert_int_equal(total - peer.streams[0].to_send, H2_UPSTREAM_STREAM_WINDOW);
	for (int i = 0; i < 20000 && got < total; i++) {
		ssize_t n = link_can_read(link) ? link_read(link, owner->in, 100000) : 0;

		got += n > 0 ? (size_t)n : 0;
		go_on(1);
	}
	assert_true(got >= total);
	assert_int_equal(peer.streams[0].to_send, 0);
	owner_free(owner);
}

static void what_breaks_the_rules_is_an_error(void **state)
{
	struct owner *owner = owner_connect(100, WINDOW, true);
	nghttp2_nv nv[] = {NV(":status", "101")};

	(void)state;
	owner_write(owner, GET);
	go_on(5);
	nghttp2_submit_headers(peer.session, 0, peer.streams[0].id, NULL, nv, 1, NULL);
	owner_read(owner);
	assert_true(owner->last < 0 && owner->last != -EAGAIN);
	assert_false(owner->upstream->unprocessed);
	owner_free(owner);
	/* Others on the connection do not notice. */
	owner = owner_connect(100, WINDOW, true);
	owner_write(owner, GET);
	go_on(5);
	assert_int_equal(peer.n_streams, 2);
	owner_free(owner);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, peer_set_up, peer_tear_down)
	const struct CMUnitTest tests[] = {
		TEST(a_request_becomes_fields),
		TEST(a_head_may_come_in_pieces),
		TEST(a_large_head_passes),
		TEST(answers_are_framed_as_they_need_it),
		TEST(interim_answers_pass),
		TEST(trailers_reach_the_server),
		TEST(a_server_without_room_stops_the_writer),
		TEST(a_reader_that_waits_stops_the_server),
		TEST(what_breaks_the_rules_is_an_error),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
