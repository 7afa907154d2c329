// SPDX-License-Identifier: Apache-2.0
/* cache_look_test: what is looked up, who waits for whom, and what clients may ask of a cache (RFC
 * 9111 5.2.1, reference/security.md A2.1). */

#include "cache_help.h"

#define URL "GET http://a.test/x"
static struct lab lab, other;

static void begin(const char *config)
{
	lab_init(&lab);
	assert_int_equal(lab_mw(&lab, "cache", config), 0);
}

static void some_requests_are_not_looked_up(void **state)
{
	static const struct {
		const char *line, *headers, *why;
	} rows[] = {
		{"POST http://a.test/x", "", "method"},
		{"OPTIONS http://a.test/x", "", "method"},
		{URL, "Cache-Control: no-store", "request"},
		{URL, "If-Match: \"1\"", "bypass"},
		{URL, "If-Unmodified-Since: Sun, 06 Nov 1994 08:49:37 GMT", "bypass"},
		{URL, "X-HTTP-Method-Override: DELETE", "bypass"},
		{URL, "x-original-url: /admin", "bypass"},
		{URL, "X-Rewrite-Url: /admin", "bypass"},
		{URL, "X-Host: evil.test", "bypass"},
		{URL, "X_Original-URL: /evil", "bypass"},
		{URL, "front-end-https: on", "bypass"},
	};

	(void)state;
	begin("{}");
	cache_fetched(&lab, 1000, URL, "", "Cache-Control: max-age=60", "kept");
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		char expected[64];

		assert_int_equal(cache_ask(&lab, 1001, rows[i].line, rows[i].headers), MW_NEXT);
		assert_int_equal(
			cache_answered(&lab, 200, "Cache-Control: max-age=60", "planted", false),
			MW_NEXT);
		snprintf(expected, sizeof(expected), "tidegate; fwd=%s", rows[i].why);
		lab_assert_header(&lab.response.headers, "Cache-Status", expected);
		cache_end(&lab);
	}
	/* A body would be part of the question. */
	lab_request(&lab, URL, "");
	lab.request.body = BODY_CHUNKED;
	assert_int_equal(lab_run_at(&lab, 1001 * NS_PER_SEC), MW_NEXT);
	cache_end(&lab);
	lab_done(&lab);
}

/* One cannot plant an answer for others by what the key does not hold. */
static void where_a_request_came_in_is_part_of_the_key(void **state)
{
	static const struct {
		const char *line, *headers;
	} others[] = {
		{"GET https://a.test/x", ""},	    {"GET http://b.test/x", ""},
		{"GET http://a.test:8080/x", ""},   {"GET http://a.test/X", ""},
		{"GET http://a.test/x?", ""},	    {"GET http://a.test/x?y", ""},
		{"GET http://a.test/x/", ""},	    {URL, "X-Forwarded-Host: evil.test"},
		{URL, "X-Forwarded-Proto: https"},  {URL, "X-Forwarded-Port: 1337"},
		{URL, "X-Forwarded-Prefix: /evil"}, {URL, "Forwarded: host=evil.test"},
	};

	(void)state;
	begin("{}");
	for (size_t i = 0; i < sizeof(others) / sizeof(*others); i++) {
		cache_fetched(&lab, 1000, others[i].line, others[i].headers,
			      "Cache-Control: max-age=60", "planted");
		cache_assert_miss(&lab, 1001, URL, "");
		cache_assert_hit(&lab, 1001, others[i].line, others[i].headers, "planted");
	}
	cache_fetched(&lab, 1000, URL, "", "Cache-Control: max-age=60", "right");
	cache_assert_hit(&lab, 1000, "GET http://A.TEST/x", "", "right");
	lab_done(&lab);
}

static void authorized_requests_get_only_what_is_for_them(void **state)
{
	(void)state;
	begin("{}");
	cache_fetched(&lab, 1000, URL, "", "Cache-Control: max-age=60", "for all");
	cache_assert_hit(&lab, 1001, URL, "", "for all");
	cache_assert_miss(&lab, 1001, URL, "Authorization: Basic x");
	cache_fetched(&lab, 1002, URL, "Authorization: Basic x", "Cache-Control: max-age=60",
		      "for x");
	cache_assert_hit(&lab, 1003, URL, "", "for all");
	cache_fetched(&lab, 1004, URL, "Authorization: Basic x",
		      "Cache-Control: max-age=60, public", "for x and all");
	cache_assert_hit(&lab, 1005, URL, "", "for x and all");
	cache_assert_hit(&lab, 1005, URL, "Authorization: Basic y", "for x and all");
	lab_done(&lab);
}

static void heads_come_from_what_get_brought(void **state)
{
	(void)state;
	begin("{}");
	assert_int_equal(cache_ask(&lab, 1000, "HEAD http://a.test/x", ""), MW_NEXT);
	lab_answer(&lab, 200, 5, "Cache-Control: max-age=60");
	assert_false(lab.call.filter_response);
	cache_end(&lab);
	cache_assert_miss(&lab, 1000, URL, "");
	cache_fetched(&lab, 1000, URL, "", "Cache-Control: max-age=60", "hello");
	cache_assert_hit(&lab, 1001, "HEAD http://a.test/x", "", "hello");
	lab_done(&lab);
}

static void one_asks_and_others_wait(void **state)
{
	(void)state;
	begin("{}");
	cache_second(&other, &lab);
	assert_int_equal(cache_ask(&lab, 1000, URL, ""), MW_NEXT);
	assert_int_equal(cache_ask(&other, 1000, URL, ""), MW_WAIT);
	uint64_t now_ns = other.call.wait.until_ns;

	assert_int_equal(now_ns, 1000 * NS_PER_SEC + NS_PER_MS);
	for (int i = 0; i < 10; i++) {
		other.call.now_ns = now_ns;
		other.call.wait = (struct mw_wait){0};
		assert_int_equal(other.mw.mw->on_resume(&other.mw, &other.call), MW_WAIT);
		assert_true(other.call.wait.until_ns - now_ns <= 32 * NS_PER_MS);
		now_ns = other.call.wait.until_ns;
	}
	cache_answered(&lab, 200, "Cache-Control: max-age=60", "hello", false);
	cache_end(&lab);
	other.call.now_ns = now_ns;
	assert_int_equal(other.mw.mw->on_resume(&other.mw, &other.call), MW_REPLY);
	lab_assert_str(other.call.reply.body, "hello");
	assert_string_equal(cache_reply_header(&other, "Cache-Status"),
			    "tidegate; fwd=uri-miss; collapsed; ttl=60");
	cache_end(&other);
	cache_second_done(&other);
	lab_done(&lab);
}

/* The request of `other` has waited until at_ms; what it does then. */
static enum mw_verdict resume(uint64_t at_ms)
{
	other.call.now_ns = at_ms * NS_PER_MS;
	other.call.wait = (struct mw_wait){0};
	return other.mw.mw->on_resume(&other.mw, &other.call);
}

static void waiting_has_an_end(void **state)
{
	(void)state;
	begin("{'collapseTimeout':'2s'}");
	cache_second(&other, &lab);
	assert_int_equal(cache_ask(&lab, 1000, URL, ""), MW_NEXT);
	assert_int_equal(cache_ask(&other, 1000, URL, ""), MW_WAIT);
	assert_int_equal(resume(1001999), MW_WAIT);
	assert_int_equal(other.call.wait.until_ns, 1002 * NS_PER_SEC);
	assert_int_equal(resume(1002000), MW_NEXT);
	/* It may bring what is kept nevertheless. */
	cache_answered(&other, 200, "Cache-Control: max-age=60", "hello", false);
	cache_end(&other);
	cache_end(&lab);
	cache_assert_hit(&lab, 1003, URL, "", "hello");
	cache_second_done(&other);
	lab_done(&lab);
	begin("{'collapseTimeout':'0s'}");
	cache_second(&other, &lab);
	assert_int_equal(cache_ask(&lab, 1000, URL, ""), MW_NEXT);
	assert_int_equal(cache_ask(&other, 1000, URL, ""), MW_NEXT);
	cache_end(&other);
	cache_end(&lab);
	cache_second_done(&other);
	lab_done(&lab);
}

static void who_waits_for_nothing_asks_at_once(void **state)
{
	(void)state;
	begin("{}");
	cache_second(&other, &lab);
	assert_int_equal(cache_ask(&lab, 1000, URL, ""), MW_NEXT);
	assert_int_equal(cache_ask(&other, 1000, URL, ""), MW_WAIT);
	cache_answered(&lab, 200, "Cache-Control: private", "mine", false);
	assert_int_equal(resume(1000001), MW_NEXT);
	/* For a while nobody waits for this key. */
	cache_end(&lab);
	assert_int_equal(cache_ask(&lab, 1001, URL, ""), MW_NEXT);
	cache_end(&lab);
	cache_end(&other);
	cache_second_done(&other);
	lab_done(&lab);
}

static void when_the_first_one_leaves_another_leads(void **state)
{
	static struct lab third;

	(void)state;
	begin("{}");
	cache_second(&other, &lab);
	cache_second(&third, &lab);
	assert_int_equal(cache_ask(&lab, 1000, URL, ""), MW_NEXT);
	assert_int_equal(cache_ask(&other, 1000, URL, ""), MW_WAIT);
	assert_int_equal(cache_ask(&third, 1000, URL, ""), MW_WAIT);
	cache_end(&lab);
	assert_int_equal(resume(1000001), MW_NEXT);
	third.call.now_ns += NS_PER_MS;
	assert_int_equal(third.mw.mw->on_resume(&third.mw, &third.call), MW_WAIT);
	/* A client that goes while it waits leaves nothing behind. */
	cache_end(&third);
	cache_answered(&other, 200, "Cache-Control: max-age=60", "hello", false);
	cache_end(&other);
	cache_assert_hit(&lab, 1001, URL, "", "hello");
	cache_second_done(&third);
	cache_second_done(&other);
	lab_done(&lab);
}

static void while_one_validates_others_get_what_is_stale(void **state)
{
	(void)state;
	begin("{'staleWhileRevalidate':'30s'}");
	cache_fetched(&lab, 1000, URL, "", "Cache-Control: max-age=10\nETag: \"1\"", "stale");
	cache_second(&other, &lab);
	assert_int_equal(cache_ask(&lab, 1020, URL, ""), MW_NEXT);
	lab_assert_header(&lab.request.headers, "If-None-Match", "\"1\"");
	assert_int_equal(cache_ask(&other, 1020, URL, ""), MW_REPLY);
	lab_assert_str(other.call.reply.body, "stale");
	assert_string_equal(cache_reply_header(&other, "Cache-Status"), "tidegate; hit; ttl=-10");
	cache_end(&other);
	/* Too stale: they wait. */
	assert_int_equal(cache_ask(&other, 1041, URL, ""), MW_WAIT);
	cache_end(&other);
	cache_end(&lab);
	cache_second_done(&other);
	lab_done(&lab);
}

static void clients_may_say_what_they_take(void **state)
{
	static const struct {
		uint64_t at_s;
		const char *ask;
		const char *config;
		int status; /* 0: the service is asked */
	} rows[] = {
		{1010, "", "{}", 200},
		{1010, "Cache-Control: no-cache", "{}", 0},
		{1010, "Pragma: no-cache", "{}", 0},
		{1010, "Cache-Control: max-age=0", "{}", 0},
		{1010, "Cache-Control: max-age=10", "{}", 200},
		{1010, "Cache-Control: max-age=9", "{}", 0},
		{1010, "Cache-Control: min-fresh=50", "{}", 200},
		{1010, "Cache-Control: min-fresh=51", "{}", 0},
		{1070, "", "{}", 0},
		{1070, "Cache-Control: max-stale", "{}", 200},
		{1070, "Cache-Control: max-stale=10", "{}", 200},
		{1070, "Cache-Control: max-stale=9", "{}", 0},
		{1010, "Cache-Control: only-if-cached", "{}", 200},
		{1070, "Cache-Control: only-if-cached", "{}", 504},
		{1010, "Cache-Control: no-cache", "{'ignoreClientDirectives':true}", 200},
		{1010, "Cache-Control: no-store", "{'ignoreClientDirectives':true}", 200},
		{1070, "Cache-Control: only-if-cached", "{'ignoreClientDirectives':true}", 0},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		begin(rows[i].config);
		cache_fetched(&lab, 1000, URL, "", "Cache-Control: max-age=60", "kept");
		enum mw_verdict verdict = cache_ask(&lab, rows[i].at_s, URL, rows[i].ask);

		if (verdict != (rows[i].status ? MW_REPLY : MW_NEXT) ||
		    (rows[i].status && lab.call.reply.status != rows[i].status))
			fail_msg("row %zu \"%s\"", i, rows[i].ask);
		cache_end(&lab);
		lab_done(&lab);
	}
	begin("{}");
	assert_int_equal(cache_ask(&lab, 1000, URL, "Cache-Control: only-if-cached"), MW_REPLY);
	assert_int_equal(lab.call.reply.status, 504);
	cache_end(&lab);
	lab_done(&lab);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(some_requests_are_not_looked_up),
		cmocka_unit_test(where_a_request_came_in_is_part_of_the_key),
		cmocka_unit_test(authorized_requests_get_only_what_is_for_them),
		cmocka_unit_test(heads_come_from_what_get_brought),
		cmocka_unit_test(one_asks_and_others_wait),
		cmocka_unit_test(waiting_has_an_end),
		cmocka_unit_test(who_waits_for_nothing_asks_at_once),
		cmocka_unit_test(when_the_first_one_leaves_another_leads),
		cmocka_unit_test(while_one_validates_others_get_what_is_stale),
		cmocka_unit_test(clients_may_say_what_they_take),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
