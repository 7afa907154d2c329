// SPDX-License-Identifier: Apache-2.0
/* buffering_test: reference/traefik.md c.10. */

#include "mw_lab.h"

static void begin(struct lab *lab, const char *config, const char *line, int64_t length)
{
	lab_init(lab);
	assert_int_equal(lab_mw(lab, "buffering", config), 0);
	lab_request(lab, line, NULL);
	if (length >= 0) {
		lab->request.body = BODY_LENGTH;
		lab->request.content_length = length;
	}
	assert_true(lab->mw.mw->explain(&lab->mw, &lab->request, &lab->arena).len > 0);
}

static void the_whole_request_is_read_first(void **state)
{
	struct lab lab;

	(void)state;
	begin(&lab, "{}", "POST http://a.test/", 10);
	assert_int_equal(lab_run(&lab), MW_WAIT);
	assert_true(lab.call.wait.body.wanted);
	assert_int_equal(lab.call.wait.body.max_bytes, -1);
	assert_int_equal(lab.call.wait.body.mem_bytes, 0);
	lab.call.body_state = MW_BODY_WHOLE;
	assert_int_equal(lab.mw.mw->on_resume(&lab.mw, &lab.call), MW_NEXT);
	lab_done(&lab);
}

static void a_request_that_is_too_large_gets_413(void **state)
{
	struct lab lab;

	(void)state;
	begin(&lab,
	      "{'maxRequestBodyBytes':5,'memRequestBodyBytes':2,'maxResponseBodyBytes':1,"
	      "'retryExpression':'ResponseCode() == 413'}",
	      "POST http://a.test/", 10);
	assert_int_equal(lab_run(&lab), MW_WAIT);
	assert_int_equal(lab.call.wait.body.max_bytes, 5);
	assert_int_equal(lab.call.wait.body.mem_bytes, 2);
	lab.call.body_state = MW_BODY_TOO_LARGE;
	assert_int_equal(lab.mw.mw->on_resume(&lab.mw, &lab.call), MW_REPLY);
	assert_int_equal(lab.call.reply.status, 413);
	lab_assert_str(lab.call.reply.body, "Request Entity Too Large");
	/* That answer is no service's: neither held to a size nor a reason to ask again. */
	lab_respond(&lab, NULL);
	lab.response.status = 413;
	lab.response.body = BODY_LENGTH;
	lab.response.content_length = 24;
	lab.call.may_again = true;
	assert_int_equal(lab.mw.mw->on_response(&lab.mw, &lab.call), MW_NEXT);
	assert_false(lab.call.wait.response.wanted);
	lab_done(&lab);
}

static void a_request_without_a_body_goes_on(void **state)
{
	struct lab lab;

	(void)state;
	begin(&lab, "{'maxRequestBodyBytes':5}", "GET http://a.test/", -1);
	assert_int_equal(lab_run(&lab), MW_NEXT);
	lab_done(&lab);
}

static void the_whole_response_is_read_and_held_to_its_size(void **state)
{
	struct lab lab;

	(void)state;
	begin(&lab, "{'maxResponseBodyBytes':7}", "GET http://a.test/", -1);
	lab_run(&lab);
	assert_int_equal(lab_answer(&lab, 200, -1, ""), MW_WAIT);
	assert_true(lab.call.wait.response.whole);
	assert_int_equal(lab.call.wait.response.max_bytes, 7);
	assert_int_equal(lab_answer_again(&lab, "1234567", true), MW_NEXT);
	lab.call.response_too_large = true;
	assert_int_equal(lab_answer_again(&lab, "12345678", false), MW_REPLY);
	assert_int_equal(lab.call.reply.status, 500);
	lab_assert_str(lab.call.reply.body, "Internal Server Error");
	lab.call.response_too_large = false;
	assert_int_equal(lab_answer(&lab, 204, 0, ""), MW_NEXT);
	assert_int_equal(lab_answer(&lab, 101, -1, ""), MW_NEXT);
	lab_done(&lab);
}

/* How many times a request is sent when every answer has the same status. */
static const struct {
	const char *expression, *line;
	uint16_t status;
	unsigned sent;
} rows[] = {
	{"IsNetworkError() && Attempts() < 3", "GET http://a.test/", 502, 3},
	{"IsNetworkError() && Attempts() < 3", "GET http://a.test/", 504, 3},
	{"IsNetworkError() && Attempts() < 3", "GET http://a.test/", 500, 1},
	{"ResponseCode() >= 500 && Attempts() <= 2", "GET http://a.test/", 503, 3},
	{"RequestMethod() == `GET` && IsNetworkError()", "GET http://a.test/", 502, 11},
	{"RequestMethod() == `GET` && IsNetworkError()", "POST http://a.test/", 502, 1},
};

static void the_expression_says_how_often(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct lab lab;
		unsigned sent = 1;

		print_message("  %s\n", rows[i].expression);
		char config[256];

		snprintf(config, sizeof(config), "{'retryExpression':'%s'}", rows[i].expression);
		begin(&lab, config, rows[i].line, -1);
		lab_run(&lab);
		lab.call.may_again = true;
		while (lab_answer(&lab, rows[i].status, 0, "") == MW_AGAIN)
			sent++;
		assert_int_equal(sent, rows[i].sent);
		lab.call.may_again = false;
		memset(lab.slot, 0, sizeof(lab.slot));
		assert_int_equal(lab_answer(&lab, rows[i].status, 0, ""), MW_NEXT);
		lab_done(&lab);
	}
}

static void faults_are_told(void **state)
{
	struct lab lab;

	(void)state;
	lab_init(&lab);
	assert_int_equal(lab_mw(&lab, "buffering", "{'retryExpression':'!IsNetworkError()'}"),
			 -EINVAL);
	assert_int_equal(lab.sink.n_errors, 1);
	lab_done(&lab);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_whole_request_is_read_first),
		cmocka_unit_test(a_request_that_is_too_large_gets_413),
		cmocka_unit_test(a_request_without_a_body_goes_on),
		cmocka_unit_test(the_whole_response_is_read_and_held_to_its_size),
		cmocka_unit_test(the_expression_says_how_often),
		cmocka_unit_test(faults_are_told),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
