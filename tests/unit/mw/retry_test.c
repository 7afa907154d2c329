// SPDX-License-Identifier: Apache-2.0
/* retry_test: reference/traefik.md c.12. */

#include "mw_lab.h"

#include "http/fail.h"

enum answer { FROM_SERVER, NOT_REACHED, CUT };

/* Every attempt is answered alike: how many are made. */
static const struct {
	const char *name, *config, *method;
	enum answer answer;
	uint16_t status;
	unsigned attempts;
} rows[] = {
	{"nobody takes the connection", "{'attempts':3}", "GET", NOT_REACHED, 502, 3},
	{"whatever the method", "{'attempts':3}", "POST", NOT_REACHED, 502, 3},
	{"not when that is off",
	 "{'attempts':3,'disableRetryOnNetworkError':true,'status':['500']}", "GET", NOT_REACHED,
	 502, 1},
	{"a cut answer is no network error", "{'attempts':3}", "GET", CUT, 502, 1},
	{"a status that is not listed", "{'attempts':3}", "GET", FROM_SERVER, 503, 1},
	{"a listed status", "{'attempts':4,'status':['500-504']}", "GET", FROM_SERVER, 503, 4},
	{"a listed status, a single one", "{'attempts':2,'status':['404','500-504']}", "PUT",
	 FROM_SERVER, 404, 2},
	{"two in one", "{'attempts':2,'status':['404,429']}", "GET", FROM_SERVER, 429, 2},
	{"beyond the range", "{'attempts':4,'status':['500-504']}", "GET", FROM_SERVER, 505, 1},
	{"POST is not repeated", "{'attempts':4,'status':['500-504']}", "POST", FROM_SERVER, 503,
	 1},
	{"nor PATCH", "{'attempts':4,'status':['500-504']}", "PATCH", FROM_SERVER, 503, 1},
	{"nor LOCK", "{'attempts':4,'status':['500-504']}", "LOCK", FROM_SERVER, 503, 1},
	{"unless that is wanted",
	 "{'attempts':4,'status':['500-504'],'retryNonIdempotentMethod':true}", "POST", FROM_SERVER,
	 503, 4},
	{"one attempt is no retry", "{'attempts':1}", "GET", NOT_REACHED, 502, 1},
};

static enum mw_verdict answer(struct lab *lab, enum answer how, uint16_t status)
{
	enum mw_verdict verdict;

	lab->call.may_again = true;
	lab->call.never_sent = how == NOT_REACHED;
	lab->call.fail = how == NOT_REACHED ? FAIL_DIAL_FAILED
			 : how == CUT	    ? FAIL_UPSTREAM_CLOSED
					    : FAIL_NONE;
	/* lab_answer() says that a server answered. */
	lab->response = (struct response){.status = status};
	lab->call.response = &lab->response;
	lab->call.from_server = how == FROM_SERVER;
	verdict = lab->mw.mw->on_response(&lab->mw, &lab->call);
	return verdict;
}

static void begin(struct lab *lab, const char *config, const char *method, int64_t length)
{
	lab_init(lab);
	assert_int_equal(lab_mw(lab, "retry", config), 0);
	lab_request(lab, arena_printf(&lab->arena, "%s http://a.test/", method).at, NULL);
	if (length >= 0) {
		lab->request.body = BODY_LENGTH;
		lab->request.content_length = length;
	}
	assert_true(lab->mw.mw->explain(&lab->mw, &lab->request, &lab->arena).len > 0);
}

static void requests_are_tried_as_often_as_they_may(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct lab lab;
		unsigned attempts = 1;

		print_message("  %s\n", rows[i].name);
		begin(&lab, rows[i].config, rows[i].method, -1);
		assert_int_equal(lab_run(&lab), MW_NEXT);
		while (answer(&lab, rows[i].answer, rows[i].status) == MW_AGAIN) {
			assert_int_equal(lab.call.wait.until_ns, 0);
			attempts++;
		}
		assert_int_equal(attempts, rows[i].attempts);
		lab_done(&lab);
	}
}

static void bodies_are_kept_for_statuses_only(void **state)
{
	static const struct {
		const char *config, *method;
		int64_t length, max_bytes; /* -2: not waited for */
		bool again;
	} bodies[] = {
		{"{'attempts':2,'status':['503']}", "PUT", 10, 2097152, true},
		{"{'attempts':2,'status':['503']}", "PUT", 2097153, -2, false},
		{"{'attempts':2,'status':['503'],'maxRequestBodyBytes':-1}", "PUT", 2097153, -1,
		 true},
		{"{'attempts':2,'status':['503'],'maxRequestBodyBytes':0}", "PUT", 1, -2, false},
		{"{'attempts':2,'status':['503']}", "POST", 10, -2, false},
		{"{'attempts':2}", "PUT", 10, -2, false},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(bodies) / sizeof(*bodies); i++) {
		struct lab lab;
		bool waits = bodies[i].max_bytes != -2;

		begin(&lab, bodies[i].config, bodies[i].method, bodies[i].length);
		assert_int_equal(lab_run(&lab), waits ? MW_WAIT : MW_NEXT);
		if (waits) {
			assert_int_equal(lab.call.wait.body.max_bytes, bodies[i].max_bytes);
			lab.call.body_state = MW_BODY_WHOLE;
			assert_int_equal(lab.mw.mw->on_resume(&lab.mw, &lab.call), MW_NEXT);
		}
		assert_int_equal(answer(&lab, FROM_SERVER, 503),
				 bodies[i].again ? MW_AGAIN : MW_NEXT);
		lab_done(&lab);
	}
}

static void a_body_that_turns_out_too_large_is_not_sent_twice(void **state)
{
	struct lab lab;

	(void)state;
	begin(&lab, "{'attempts':2,'status':['503']}", "PUT", 10);
	lab_run(&lab);
	lab.call.body_state = MW_BODY_TOO_LARGE;
	lab.mw.mw->on_resume(&lab.mw, &lab.call);
	assert_int_equal(answer(&lab, FROM_SERVER, 503), MW_NEXT);
	assert_int_equal(answer(&lab, NOT_REACHED, 502), MW_AGAIN);
	lab_done(&lab);
}

static void pauses_grow_up_to_twice(void **state)
{
	struct lab lab;

	(void)state;
	begin(&lab, "{'attempts':3,'initialInterval':'100ms'}", "GET", -1);
	lab_run(&lab);
	for (int i = 0; i < 2; i++) {
		double base = i ? 141 : 100;

		assert_int_equal(answer(&lab, NOT_REACHED, 502), MW_AGAIN);
		uint64_t pause_ms = (lab.call.wait.until_ns - lab.call.now_ns) / NS_PER_MS;

		assert_in_range(pause_ms, (uint64_t)(base / 2), (uint64_t)(base * 1.5) + 1);
	}
	assert_int_equal(answer(&lab, NOT_REACHED, 502), MW_NEXT);
	lab_done(&lab);
}

static void no_attempt_begins_beyond_the_timeout(void **state)
{
	struct lab lab;

	(void)state;
	begin(&lab, "{'attempts':9,'timeout':'1s'}", "GET", -1);
	lab_run(&lab);
	lab.call.now_ns += 999 * NS_PER_MS;
	assert_int_equal(answer(&lab, NOT_REACHED, 502), MW_AGAIN);
	lab.call.now_ns += NS_PER_MS;
	assert_int_equal(answer(&lab, NOT_REACHED, 502), MW_NEXT);
	lab_done(&lab);
}

static void what_cannot_be_sent_again_passes(void **state)
{
	struct lab lab;

	(void)state;
	begin(&lab, "{'attempts':9,'status':['500-599']}", "GET", -1);
	lab_run(&lab);
	lab.call.may_again = false;
	lab.response = (struct response){.status = 503};
	lab.call.response = &lab.response;
	lab.call.from_server = true;
	assert_int_equal(lab.mw.mw->on_response(&lab.mw, &lab.call), MW_NEXT);
	lab_done(&lab);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(requests_are_tried_as_often_as_they_may),
		cmocka_unit_test(bodies_are_kept_for_statuses_only),
		cmocka_unit_test(a_body_that_turns_out_too_large_is_not_sent_twice),
		cmocka_unit_test(pauses_grow_up_to_twice),
		cmocka_unit_test(no_attempt_begins_beyond_the_timeout),
		cmocka_unit_test(what_cannot_be_sent_again_passes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
