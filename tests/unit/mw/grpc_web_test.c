// SPDX-License-Identifier: Apache-2.0
/* grpc_web_test: reference/traefik.md c.14, gRPC's PROTOCOL-WEB document. */

#include "mw/mw_body.h"
#include "mw_lab.h"

#define CALL "POST http://a.test/pkg.Service/Method"
static struct lab lab;

static enum mw_verdict ask(const char *config, const char *line, const char *headers)
{
	lab_init(&lab);
	assert_int_equal(lab_mw(&lab, "grpcWeb", config), 0);
	lab_request(&lab, line, headers);
	return lab_run(&lab);
}

static void requests_become_grpc(void **state)
{
	static const struct {
		const char *line, *type, *becomes;
		bool is_filtered;
	} rows[] = {
		{CALL, "application/grpc-web", "application/grpc", false},
		{CALL, "application/grpc-web+proto", "application/grpc+proto", false},
		{CALL, "application/grpc-web-text", "application/grpc", true},
		{CALL, "application/grpc-web-text+proto; charset=x",
		 "application/grpc+proto; charset=x", true},
		{CALL, "application/grpc", NULL, false},
		{CALL, "application/json", NULL, false},
		{"GET http://a.test/x", "application/grpc-web", NULL, false},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		char headers[128];

		snprintf(headers, sizeof(headers), "Content-Type: %s\nX-Grpc-Web: 1", rows[i].type);
		assert_int_equal(ask("{}", rows[i].line, headers), MW_NEXT);
		lab_assert_header(&lab.request.headers, "Content-Type",
				  rows[i].becomes ? rows[i].becomes : rows[i].type);
		lab_assert_header(&lab.request.headers, "TE", rows[i].becomes ? "trailers" : NULL);
		assert_int_equal(lab.call.filter_request, rows[i].is_filtered);
		lab_done(&lab);
	}
}

static int request_body(const char *text, bool is_last, struct mw_body_out *out)
{
	struct mw_span span = {.bytes = str_of(text), .is_last = is_last};

	mw_body_begin(out, NULL);
	return lab.mw.mw->on_request_body(&lab.mw, &lab.call, &span, out);
}

static void text_bodies_are_decoded(void **state)
{
	struct mw_body_out out;

	(void)state;
	mw_body_init(&out, 1000);
	ask("{}", CALL, "Content-Type: application/grpc-web-text");
	assert_int_equal(request_body("Zm9vYm", false, &out), 0);
	lab_assert_str(mw_body_str(&out), "foo");
	assert_int_equal(request_body("Fy", true, &out), 0);
	lab_assert_str(mw_body_str(&out), "bar");
	lab_done(&lab);
	ask("{}", CALL, "Content-Type: application/grpc-web-text");
	assert_int_equal(request_body("Zm9v!", false, &out), -EINVAL);
	lab_done(&lab);
	ask("{}", CALL, "Content-Type: application/grpc-web-text");
	assert_int_equal(request_body("Zm9vY", true, &out), -EINVAL);
	lab_done(&lab);
	mw_body_done(&out);
}

static void response_body(struct mw_span span, struct mw_body_out *out)
{
	mw_body_begin(out, NULL);
	assert_int_equal(lab.mw.mw->on_response_body(&lab.mw, &lab.call, &span, out), 0);
}

static void trailers_become_the_last_frame(void **state)
{
	static const char frame[] = "\x80\0\0\0\x1agrpc-status: 0\r\nx-sum: 7\r\n";
	struct headers trailers = {0};
	struct mw_body_out out;

	(void)state;
	mw_body_init(&out, 1000);
	ask("{}", CALL, "Content-Type: application/grpc-web+proto");
	assert_int_equal(lab_answer(&lab, 200, -1,
				    "Content-Type: application/grpc+proto\nTrailer: grpc-status"),
			 MW_NEXT);
	assert_true(lab.call.filter_response);
	lab_assert_header(&lab.response.headers, "Content-Type", "application/grpc-web+proto");
	lab_assert_header(&lab.response.headers, "Trailer", NULL);
	trailers.arena = &lab.arena;
	header_add(&trailers, STR("Grpc-Status"), STR("0"));
	header_add(&trailers, STR("x-sum"), STR("7"));
	response_body((struct mw_span){.bytes = STR("message")}, &out);
	lab_assert_str(mw_body_str(&out), "message");
	response_body((struct mw_span){.bytes = STR("!"), .is_last = true, .trailers = &trailers},
		      &out);
	assert_int_equal(mw_body_str(&out).len, sizeof(frame));
	assert_memory_equal(mw_body_str(&out).at, "!", 1);
	assert_memory_equal(mw_body_str(&out).at + 1, frame, sizeof(frame) - 1);
	lab_done(&lab);
	/* As text: each piece that is passed on can be read on its own. */
	ask("{}", CALL, "Content-Type: application/grpc-web-text");
	lab_answer(&lab, 200, -1, "Content-Type: application/grpc");
	lab_assert_header(&lab.response.headers, "Content-Type", "application/grpc-web-text");
	response_body((struct mw_span){.bytes = STR("fo"), .is_flush = true}, &out);
	lab_assert_str(mw_body_str(&out), "Zm8=");
	response_body((struct mw_span){.bytes = STR("foob")}, &out);
	lab_assert_str(mw_body_str(&out), "Zm9v");
	response_body((struct mw_span){.is_last = true}, &out);
	lab_assert_str(mw_body_str(&out), "YoAAAAAA");
	lab_done(&lab);
	mw_body_done(&out);
}

static void other_answers_are_left_alone(void **state)
{
	(void)state;
	ask("{'allowOrigins':['*']}", CALL,
	    "Content-Type: application/grpc-web\nOrigin: https://page.test");
	lab_answer(&lab, 502, 11, "Content-Type: text/plain");
	assert_false(lab.call.filter_response);
	lab_assert_header(&lab.response.headers, "Content-Type", "text/plain");
	lab_assert_header(&lab.response.headers, "Access-Control-Allow-Origin",
			  "https://page.test");
	lab_done(&lab);
	/* A status without messages is in the headers. */
	ask("{}", CALL, "Content-Type: application/grpc-web");
	lab_answer(&lab, 200, 0, "Content-Type: application/grpc\nGrpc-Status: 5");
	assert_false(lab.call.filter_response);
	lab_assert_header(&lab.response.headers, "Content-Type", "application/grpc-web");
	lab_done(&lab);
	ask("{'allowOrigins':['*']}", CALL, "Content-Type: application/grpc\nOrigin: o");
	lab_answer(&lab, 200, 0, "Content-Type: application/grpc");
	lab_assert_header(&lab.response.headers, "Content-Type", "application/grpc");
	lab_assert_header(&lab.response.headers, "Vary", NULL);
	lab_done(&lab);
}

static void origins_are_told_what_they_may_read(void **state)
{
	static const struct {
		const char *config, *origin, *allowed;
	} rows[] = {
		{"{'allowOrigins':['*']}", "https://a.page", "https://a.page"},
		{"{'allowOrigins':['https://a.page','https://b.page']}", "https://b.page",
		 "https://b.page"},
		{"{'allowOrigins':['https://a.page']}", "https://b.page", NULL},
		{"{}", "https://a.page", NULL},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		char headers[256];

		snprintf(headers, sizeof(headers), "Origin: %s\nContent-Type: application/grpc-web",
			 rows[i].origin);
		ask(rows[i].config, CALL, headers);
		lab_answer(&lab, 200, -1, "Content-Type: application/grpc\nX-A: 1");
		lab_assert_header(&lab.response.headers, "Access-Control-Allow-Origin",
				  rows[i].allowed);
		lab_assert_header(&lab.response.headers, "Access-Control-Allow-Credentials",
				  rows[i].allowed ? "true" : NULL);
		lab_assert_header(&lab.response.headers, "Access-Control-Expose-Headers",
				  rows[i].allowed ? "Content-Type, X-A, grpc-status, grpc-message"
						  : NULL);
		lab_assert_header(&lab.response.headers, "Vary", "Origin");
		lab_done(&lab);
		snprintf(headers, sizeof(headers),
			 "Origin: %s\nAccess-Control-Request-Method: POST\n"
			 "Access-Control-Request-Headers: content-type,X-Grpc-Web",
			 rows[i].origin);
		assert_int_equal(ask(rows[i].config, "OPTIONS http://a.test/x", headers), MW_REPLY);
		assert_int_equal(lab.call.reply.status, 204);
		lab_assert_header(&lab.call.reply.headers, "Access-Control-Allow-Origin",
				  rows[i].allowed);
		lab_assert_header(&lab.call.reply.headers, "Access-Control-Allow-Methods",
				  rows[i].allowed ? "POST" : NULL);
		lab_assert_header(&lab.call.reply.headers, "Access-Control-Allow-Headers",
				  rows[i].allowed ? "content-type,X-Grpc-Web" : NULL);
		lab_assert_header(&lab.call.reply.headers, "Access-Control-Max-Age",
				  rows[i].allowed ? "600" : NULL);
		lab_done(&lab);
	}
}

static void other_questions_of_browsers_pass(void **state)
{
	(void)state;
	assert_int_equal(ask("{}", "OPTIONS http://a.test/x",
			     "Origin: o\nAccess-Control-Request-Method: POST\n"
			     "Access-Control-Request-Headers: content-type"),
			 MW_NEXT);
	lab_done(&lab);
	assert_int_equal(ask("{}", "OPTIONS http://a.test/x",
			     "Origin: o\nAccess-Control-Request-Headers: x-grpc-web"),
			 MW_NEXT);
	lab_done(&lab);
}

static void explanations_say_which_way(void **state)
{
	(void)state;
	ask("{}", "GET http://a.test/", "");
	lab_assert_str(lab.mw.mw->explain(&lab.mw, &lab.request, &lab.arena),
		       "passes it on: it is no gRPC-Web request");
	lab_done(&lab);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(requests_become_grpc),
		cmocka_unit_test(text_bodies_are_decoded),
		cmocka_unit_test(trailers_become_the_last_frame),
		cmocka_unit_test(other_answers_are_left_alone),
		cmocka_unit_test(origins_are_told_what_they_may_read),
		cmocka_unit_test(other_questions_of_browsers_pass),
		cmocka_unit_test(explanations_say_which_way),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
