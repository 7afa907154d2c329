// SPDX-License-Identifier: Apache-2.0
/* circuit_breaker_test: reference/traefik.md c.11. */

#include "mw_lab.h"

/* One exchange from its request to its end; its verdict. */
static enum mw_verdict exchange(struct lab *lab, uint64_t at_ms, uint64_t took_ms, uint16_t status)
{
	uint64_t begin_ns = (1000000 + at_ms) * NS_PER_MS;
	enum mw_verdict verdict;

	lab_request(lab, "GET http://a.test/", NULL);
	verdict = lab_run_at(lab, begin_ns);
	if (verdict == MW_NEXT)
		lab_answer(lab, status, 0, "");
	lab->call.now_ns = begin_ns + took_ms * NS_PER_MS;
	lab->mw.mw->on_end(&lab->mw, &lab->call);
	return verdict;
}

static const struct {
	const char *expression;
	uint16_t statuses[4];
	uint64_t took_ms;
	bool trips;
} rows[] = {
	{"NetworkErrorRatio() > 0.5", {502, 504, 502, 200}, 1, true},
	{"NetworkErrorRatio() > 0.5", {502, 500, 503, 200}, 1, false},
	{"ResponseCodeRatio(500, 600, 0, 600) > 0.25", {500, 599, 200, 200}, 1, true},
	{"ResponseCodeRatio(500, 599, 0, 600) > 0.25", {599, 599, 200, 200}, 1, false},
	{"ResponseCodeRatio(500, 600, 300, 400) > 0", {500, 200, 200, 200}, 1, false},
	{"LatencyAtQuantileMS(50.0) > 100", {200, 200, 200, 200}, 150, true},
	{"LatencyAtQuantileMS(50.0) > 100", {200, 200, 200, 200}, 90, false},
	{"NetworkErrorRatio() > 0.1 && RequestThreshold() >= 4", {502, 502, 502, 502}, 1, true},
	{"NetworkErrorRatio() > 0.1 && RequestThreshold() >= 5", {502, 502, 502, 502}, 1, false},
};

static void the_circuit_opens_when_the_expression_holds(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct lab lab;

		print_message("  %s\n", rows[i].expression);
		lab_init(&lab);
		assert_int_equal(
			lab_mw(&lab, "circuitBreaker",
			       arena_printf(&lab.arena, "{'expression':'%s','checkPeriod':'15s'}",
					    rows[i].expression)
				       .at),
			0);
		/* One check long before, and then only when the last one has ended. */
		exchange(&lab, 0, 1, 200);
		for (uint64_t j = 0; j < 4; j++)
			exchange(&lab, j < 3 ? 14700 + j : 15100, rows[i].took_ms,
				 rows[i].statuses[j]);
		enum mw_verdict verdict = exchange(&lab, 16000, 1, 200);

		assert_int_equal(verdict, rows[i].trips ? MW_REPLY : MW_NEXT);
		if (rows[i].trips) {
			assert_int_equal(lab.call.reply.status, 503);
			lab_assert_str(lab.call.reply.body, "Service Unavailable");
		}
		assert_true(lab.mw.mw->explain(&lab.mw, &lab.request, &lab.arena).len > 0);
		lab_done(&lab);
	}
}

static void it_answers_as_configured_and_closes_again(void **state)
{
	struct lab lab;

	(void)state;
	lab_init(&lab);
	lab_mw(&lab, "circuitBreaker",
	       "{'expression':'NetworkErrorRatio() > 0.5','fallbackDuration':'2s',"
	       "'recoveryDuration':'1s','responseCode':418,'checkPeriod':'10ms'}");
	exchange(&lab, 0, 1, 502);
	assert_int_equal(exchange(&lab, 1000, 1, 200), MW_REPLY);
	assert_int_equal(lab.call.reply.status, 418);
	exchange(&lab, 2100, 1, 200); /* recovering begins */
	assert_int_equal(exchange(&lab, 3200, 1, 200), MW_NEXT);
	assert_int_equal(exchange(&lab, 3210, 1, 200), MW_NEXT);
	lab_done(&lab);
}

static void faults_are_told(void **state)
{
	static const char *const configs[] = {
		"{}",
		"{'expression':'NetworkErrorRatio()'}",
		"{'expression':'Ratio() > 1'}",
		"{'expression':'NetworkErrorRatio() > 1','responseCode':100}",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(configs) / sizeof(*configs); i++) {
		struct lab lab;

		lab_init(&lab);
		assert_int_not_equal(lab_mw(&lab, "circuitBreaker", configs[i]), 0);
		assert_true(lab.sink.n_errors > 0);
		lab_done(&lab);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_circuit_opens_when_the_expression_holds),
		cmocka_unit_test(it_answers_as_configured_and_closes_again),
		cmocka_unit_test(faults_are_told),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
