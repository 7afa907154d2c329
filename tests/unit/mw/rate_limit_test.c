// SPDX-License-Identifier: Apache-2.0
/* rate_limit_test: reference/traefik.md c.5, k.10. */

#include "mw_lab.h"

enum { START_S = 1000 };

/* What the n-th request in a row meets. */
struct step {
	uint64_t at_ms;
	enum mw_verdict verdict;
	uint64_t wait_ms;
	const char *retry_after, *retry_in;
};

static const struct {
	const char *name, *config;
	size_t n;
	struct step steps[5];
} rows[] = {
	{"defaults: period 1s, burst 1",
	 "{'average':1}",
	 5,
	 {{0, MW_NEXT, 0, NULL, NULL},
	  {0, MW_REPLY, 0, "1", "1s"},
	  {400, MW_REPLY, 0, "1", "600ms"},
	  {600, MW_WAIT, 400, NULL, NULL}, /* within half a period: queued */
	  {700, MW_REPLY, 0, "2", "1.3s"}}},
	{"burst",
	 "{'average':10,'burst':2}",
	 4,
	 {{0, MW_NEXT, 0, NULL, NULL},
	  {0, MW_NEXT, 0, NULL, NULL},
	  {0, MW_REPLY, 0, "1", "100ms"},
	  {60, MW_WAIT, 40, NULL, NULL}}},
	{"below one per second: half a second at most",
	 "{'average':1,'period':'1m'}",
	 4,
	 {{0, MW_NEXT, 0, NULL, NULL},
	  {0, MW_REPLY, 0, "60", "1m0s"},
	  {59400, MW_REPLY, 0, "1", "600ms"},
	  {59600, MW_WAIT, 400, NULL, NULL}}},
	{"a bare integer is seconds",
	 "{'average':1,'period':2}",
	 2,
	 {{0, MW_NEXT, 0, NULL, NULL}, {0, MW_REPLY, 0, "2", "2s"}}},
	{"average 0: unlimited",
	 "{'average':0}",
	 3,
	 {{0, MW_NEXT, 0, NULL, NULL}, {0, MW_NEXT, 0, NULL, NULL}, {0, MW_NEXT, 0, NULL, NULL}}},
	{"burst 0 is 1",
	 "{'average':1,'burst':0}",
	 2,
	 {{0, MW_NEXT, 0, NULL, NULL}, {0, MW_REPLY, 0, "1", "1s"}}},
};

static void requests_pass_wait_or_are_refused(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct lab lab;

		print_message("  %s\n", rows[i].name);
		lab_init(&lab);
		assert_int_equal(lab_mw(&lab, "rateLimit", rows[i].config), 0);
		for (size_t j = 0; j < rows[i].n; j++) {
			const struct step *step = &rows[i].steps[j];
			uint64_t now_ns = START_S * NS_PER_SEC + step->at_ms * NS_PER_MS;

			lab_request(&lab, "GET http://a.test/", NULL);
			enum mw_verdict verdict = lab_run_at(&lab, now_ns);

			assert_int_equal(verdict, step->verdict);
			assert_int_equal(lab.call.refused, verdict == MW_REPLY);
			if (verdict == MW_WAIT)
				assert_int_equal(lab.call.wait.until_ns,
						 now_ns + step->wait_ms * NS_PER_MS);
			if (verdict == MW_REPLY) {
				assert_int_equal(lab.call.reply.status, 429);
				lab_assert_str(lab.call.reply.body, "Too Many Requests");
			}
			lab_assert_header(&lab.call.reply.headers, "Retry-After",
					  step->retry_after);
			lab_assert_header(&lab.call.reply.headers, "X-Retry-In", step->retry_in);
		}
		assert_true(lab.mw.mw->explain(&lab.mw, &lab.request, &lab.arena).len > 0);
		lab_done(&lab);
	}
}

/* Two requests at once under one token: whether the second is of the same source. */
static const struct {
	const char *name, *config, *peers[2], *lines[2], *headers[2];
	bool same;
} sources[] = {
	{"peer", "{'average':1}", {"192.0.2.1", "192.0.2.1"}, {NULL}, {NULL}, true},
	{"other peer", "{'average':1}", {"192.0.2.1", "192.0.2.2"}, {NULL}, {NULL}, false},
	{"X-Forwarded-For does not count, k.9",
	 "{'average':1}",
	 {"192.0.2.1", "192.0.2.1"},
	 {NULL},
	 {"X-Forwarded-For: 10.0.0.1", "X-Forwarded-For: 10.0.0.2"},
	 true},
	{"IPv6 neighbours, alone by default",
	 "{'average':1}",
	 {"2001:db8::1", "2001:db8::2"},
	 {NULL},
	 {NULL},
	 false},
	{"ipv6Subnet 64",
	 "{'average':1,'sourceCriterion':{'ipStrategy':{'ipv6Subnet':64}}}",
	 {"2001:db8::1", "2001:db8::2"},
	 {NULL},
	 {NULL},
	 true},
	{"ipv6Subnet leaves IPv4 alone",
	 "{'average':1,'sourceCriterion':{'ipStrategy':{'ipv6Subnet':64}}}",
	 {"192.0.2.1", "192.0.2.2"},
	 {NULL},
	 {NULL},
	 false},
	{"depth",
	 "{'average':1,'sourceCriterion':{'ipStrategy':{'depth':1}}}",
	 {"192.0.2.1", "192.0.2.2"},
	 {NULL},
	 {"X-Forwarded-For: 10.0.0.9, 10.0.0.1", "X-Forwarded-For: 10.0.0.1"},
	 true},
	{"depth with ipv6Subnet",
	 "{'average':1,'sourceCriterion':{'ipStrategy':{'depth':1,'ipv6Subnet':64}}}",
	 {"192.0.2.1", "192.0.2.2"},
	 {NULL},
	 {"X-Forwarded-For: 2001:db8::1", "X-Forwarded-For: 2001:db8::2"},
	 true},
	{"excludedIPs",
	 "{'average':1,'sourceCriterion':{'ipStrategy':{'excludedIPs':['10.0.0.0/8']}}}",
	 {"192.0.2.1", "192.0.2.2"},
	 {NULL},
	 {"X-Forwarded-For: 1.1.1.1, 10.0.0.1", "X-Forwarded-For: 1.1.1.2, 10.0.0.1"},
	 false},
	{"header",
	 "{'average':1,'sourceCriterion':{'requestHeaderName':'X-Key'}}",
	 {"192.0.2.1", "192.0.2.2"},
	 {NULL},
	 {"x-key: a", "X-Key: a"},
	 true},
	{"header, other value",
	 "{'average':1,'sourceCriterion':{'requestHeaderName':'X-Key'}}",
	 {"192.0.2.1", "192.0.2.1"},
	 {NULL},
	 {"X-Key: a", "X-Key: b"},
	 false},
	{"missing headers share a bucket",
	 "{'average':1,'sourceCriterion':{'requestHeaderName':'X-Key'}}",
	 {"192.0.2.1", "192.0.2.2"},
	 {NULL},
	 {NULL},
	 true},
	{"host",
	 "{'average':1,'sourceCriterion':{'requestHost':true}}",
	 {"192.0.2.1", "192.0.2.2"},
	 {"GET http://a.test/1", "GET http://A.test/2"},
	 {NULL},
	 true},
	{"other host",
	 "{'average':1,'sourceCriterion':{'requestHost':true}}",
	 {"192.0.2.1", "192.0.2.1"},
	 {"GET http://a.test/", "GET http://b.test/"},
	 {NULL},
	 false},
};

static void sources_are_told_apart_as_configured(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(sources) / sizeof(*sources); i++) {
		struct lab lab;
		enum mw_verdict verdict = MW_NEXT;

		print_message("  %s\n", sources[i].name);
		lab_init(&lab);
		assert_int_equal(lab_mw(&lab, "rateLimit", sources[i].config), 0);
		for (int j = 0; j < 2; j++) {
			const char *line =
				sources[i].lines[j] ? sources[i].lines[j] : "GET http://a.test/";

			lab_request(&lab, line, sources[i].headers[j]);
			addr_parse(str_of(sources[i].peers[j]), &lab.request.peer);
			verdict = lab_run(&lab);
			if (j == 0)
				assert_int_equal(verdict, MW_NEXT);
		}
		assert_int_equal(verdict, sources[i].same ? MW_REPLY : MW_NEXT);
		lab_done(&lab);
	}
}

static void redis_is_asked_and_obeyed(void **state)
{
	struct lab lab;
	struct mw_redis *ask;

	(void)state;
	lab_init(&lab);
	assert_int_equal(lab_mw(&lab, "rateLimit", "{'average':10,'redis':{'endpoints':['a:1']}}"),
			 0);
	lab.mw.name = STR("m");
	lab_request(&lab, "GET http://a.test/", NULL);
	assert_int_equal(lab_run(&lab), MW_WAIT);
	ask = lab.call.wait.redis;
	assert_non_null(ask);
	lab_assert_str(ask->args[0], "EVALSHA");
	lab_assert_str(ask->args[3], "rate:m:192.0.2.1");
	assert_true(lab.mw.mw->explain(&lab.mw, &lab.request, &lab.arena).len > 0);
	/* The script is not known there. */
	ask->error = -EPROTO;
	ask->strings[0] = STR("NOSCRIPT No matching script");
	assert_int_equal(lab.mw.mw->on_resume(&lab.mw, &lab.call), MW_WAIT);
	lab_assert_str(ask->args[0], "EVAL");
	/* 20 ms to wait, which is within half of a token's time; afterwards it goes on. */
	ask->error = 0;
	ask->n_values = 2;
	ask->strings[0] = STR("20000");
	lab.call.wait = (struct mw_wait){0};
	assert_int_equal(lab.mw.mw->on_resume(&lab.mw, &lab.call), MW_WAIT);
	assert_int_equal(lab.call.wait.until_ns, lab.call.now_ns + 20 * NS_PER_MS);
	assert_int_equal(lab.mw.mw->on_resume(&lab.mw, &lab.call), MW_NEXT);
	lab_done(&lab);
}

static void redis_refuses_and_fails(void **state)
{
	static const struct {
		int error;
		const char *answer;
		uint16_t status;
	} outcomes[] = {
		{0, "60000", 429},	  {0, "what", 500},
		{0, "-1", 500},		  {-EPROTO, "ERR out of memory", 500},
		{-ECONNREFUSED, "", 500},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(outcomes) / sizeof(*outcomes); i++) {
		struct lab lab;

		lab_init(&lab);
		lab_mw(&lab, "rateLimit", "{'average':10,'redis':{'endpoints':['a:1']}}");
		lab_request(&lab, "GET http://a.test/", NULL);
		lab_run(&lab);
		lab.call.wait.redis->error = outcomes[i].error;
		lab.call.wait.redis->n_values = 1;
		lab.call.wait.redis->strings[0] = str_of(outcomes[i].answer);
		assert_int_equal(lab.mw.mw->on_resume(&lab.mw, &lab.call), MW_REPLY);
		assert_int_equal(lab.call.reply.status, outcomes[i].status);
		if (outcomes[i].status == 500)
			lab_assert_str(lab.call.reply.body, "Could not insert/update bucket");
		else
			lab_assert_header(&lab.call.reply.headers, "X-Retry-In", "60ms");
		lab_done(&lab);
	}
}

static void faults_are_told(void **state)
{
	static const char *const configs[] = {
		"{'average':-1}",
		"{'average':1,'sourceCriterion':{'requestHost':true,'requestHeaderName':'X'}}",
		"{'average':1,'redis':{'endpoints':['a:b']}}",
		"{'average':1,'redis':{'secret':'missing'}}",
		"{'average':1,'period':'soon'}",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(configs) / sizeof(*configs); i++) {
		struct lab lab;

		lab_init(&lab);
		assert_int_not_equal(lab_mw(&lab, "rateLimit", configs[i]), 0);
		assert_true(lab.sink.n_errors > 0);
		lab_done(&lab);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(requests_pass_wait_or_are_refused),
		cmocka_unit_test(sources_are_told_apart_as_configured),
		cmocka_unit_test(redis_is_asked_and_obeyed),
		cmocka_unit_test(redis_refuses_and_fails),
		cmocka_unit_test(faults_are_told),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
