// SPDX-License-Identifier: Apache-2.0
/* cache_test: what is kept and given again, from the answers' side: RFC 9111, 9211, 5861. */

#include "cache_help.h"

#define URL "GET http://a.test/x"
static struct lab lab;

static void begin(const char *config)
{
	lab_init(&lab);
	assert_int_equal(lab_mw(&lab, "cache", config), 0);
}

static void what_was_kept_is_given_again(void **state)
{
	(void)state;
	begin("{}");
	assert_int_equal(cache_ask(&lab, 1000, URL, ""), MW_NEXT);
	assert_int_equal(cache_answered(&lab, 200,
					"Content-Type: text/x\nCache-Control: max-age=60\nX-A: 1\n"
					"Connection: X-Hop\nX-Hop: 1\nAge: 10",
					"hello world", false),
			 MW_NEXT);
	lab_assert_header(&lab.response.headers, "Cache-Status", "tidegate; fwd=uri-miss; stored");
	assert_int_equal(lab.response.content_length, 11);
	cache_end(&lab);
	assert_int_equal(cache_ask(&lab, 1005, URL, ""), MW_REPLY);
	assert_int_equal(lab.call.reply.status, 200);
	lab_assert_str(lab.call.reply.body, "hello world");
	lab_assert_str(lab.call.reply.content_type, "text/x");
	lab_assert_str(str_of(lab_print(&lab, &lab.call.reply.headers)),
		       "Cache-Control: max-age=60\nX-A: 1\nAge: 15\n"
		       "Cache-Status: tidegate; hit; ttl=45\n");
	cache_end(&lab);
	cache_assert_hit(&lab, 1049, URL, "", "hello world");
	cache_assert_miss(&lab, 1050, URL, "");
	lab_done(&lab);
}

static void bodies_without_a_length_are_kept_too(void **state)
{
	(void)state;
	begin("{}");
	assert_int_equal(cache_ask(&lab, 1000, URL, ""), MW_NEXT);
	cache_answered(&lab, 200, "Cache-Control: max-age=60", "piece by piece", true);
	cache_end(&lab);
	cache_assert_hit(&lab, 1001, URL, "", "piece by piece");
	lab_done(&lab);
	begin("{'maxObjectBytes':10}");
	assert_int_equal(cache_ask(&lab, 1000, URL, ""), MW_NEXT);
	cache_answered(&lab, 200, "Cache-Control: max-age=60", "piece by piece", true);
	cache_end(&lab);
	cache_assert_miss(&lab, 1001, URL, "");
	cache_fetched(&lab, 1002, URL, "", "Cache-Control: max-age=60", "too long again");
	cache_assert_miss(&lab, 1003, URL, "");
	cache_fetched(&lab, 1002, URL, "", "Cache-Control: max-age=60", "short");
	cache_assert_hit(&lab, 1003, URL, "", "short");
	lab_done(&lab);
}

static void an_empty_body_needs_no_filter(void **state)
{
	(void)state;
	begin("{}");
	assert_int_equal(cache_ask(&lab, 1000, URL, ""), MW_NEXT);
	cache_answered(&lab, 301, "Cache-Control: max-age=60\nLocation: /y", "", false);
	assert_false(lab.call.filter_response);
	cache_end(&lab);
	assert_int_equal(cache_ask(&lab, 1000, URL, ""), MW_REPLY);
	assert_int_equal(lab.call.reply.status, 301);
	assert_string_equal(cache_reply_header(&lab, "Location"), "/y");
	cache_end(&lab);
	lab_done(&lab);
}

static void a_body_that_is_cut_is_not_kept(void **state)
{
	struct mw_span span = {.bytes = STR("half")};
	struct mw_body_out out;

	(void)state;
	begin("{}");
	assert_int_equal(cache_ask(&lab, 1000, URL, ""), MW_NEXT);
	lab_answer(&lab, 200, 100, "Cache-Control: max-age=60");
	mw_body_init(&out, 1000);
	mw_body_begin(&out, NULL);
	lab.mw.mw->on_response_body(&lab.mw, &lab.call, &span, &out);
	cache_end(&lab);
	mw_body_done(&out);
	cache_assert_miss(&lab, 1001, URL, "");
	lab_done(&lab);
}

/* A middleware further out may ask again: the last answer counts. */
static void an_answer_that_was_dropped_is_not_kept(void **state)
{
	(void)state;
	begin("{}");
	assert_int_equal(cache_ask(&lab, 1000, URL, ""), MW_NEXT);
	lab_answer(&lab, 404, 100, "Cache-Control: max-age=60");
	assert_true(lab.call.filter_response);
	lab_answer(&lab, 503, 0, "");
	assert_int_equal(cache_answered(&lab, 200, "Cache-Control: max-age=60", "last", false),
			 MW_NEXT);
	cache_end(&lab);
	cache_assert_hit(&lab, 1001, URL, "", "last");
	lab_done(&lab);
}

static void only_answers_of_servers_are_kept(void **state)
{
	(void)state;
	begin("{'defaultTTL':'60s'}");
	assert_int_equal(cache_ask(&lab, 1000, URL, ""), MW_NEXT);
	lab_answer(&lab, 404, 3, "");
	assert_true(lab.call.filter_response);
	cache_end(&lab);
	assert_int_equal(cache_ask(&lab, 1000, URL, ""), MW_NEXT);
	lab.call.response = &lab.response;
	lab.call.from_server = false;
	lab.call.filter_response = false;
	lab.mw.mw->on_response(&lab.mw, &lab.call);
	assert_false(lab.call.filter_response);
	cache_end(&lab);
	lab_done(&lab);
}

static void variants_are_kept_apart(void **state)
{
	static const char *const vary = "Cache-Control: max-age=60\nVary: Accept-Language, "
					"ACCEPT-encoding";

	(void)state;
	begin("{}");
	cache_fetched(&lab, 1000, URL, "Accept-Language: de\nAccept-Encoding: gzip, br", vary,
		      "hallo");
	cache_assert_hit(&lab, 1001, URL, "Accept-Language: de\nAccept-Encoding: GZIP,br", "hallo");
	assert_int_equal(cache_ask(&lab, 1001, URL, "Accept-Language: fr"), MW_NEXT);
	cache_answered(&lab, 200, vary, "salut", false);
	lab_assert_header(&lab.response.headers, "Cache-Status", "tidegate; fwd=vary-miss; stored");
	cache_end(&lab);
	cache_assert_hit(&lab, 1001, URL, "Accept-Language: fr", "salut");
	cache_assert_hit(&lab, 1001, URL, "Accept-Language: de\nAccept-Encoding: gzip,br", "hallo");
	cache_assert_miss(&lab, 1001, URL, "Accept-Language: d\nAccept-Encoding: gzip,br");
	/* Absent is not empty. */
	cache_assert_miss(&lab, 1001, URL, "Accept-Language: fr\nAccept-Encoding:");
	/* A change takes all variants along. */
	assert_int_equal(cache_ask(&lab, 1002, "POST http://a.test/x", ""), MW_NEXT);
	lab_answer(&lab, 204, 0, "");
	cache_end(&lab);
	cache_assert_miss(&lab, 1003, URL, "Accept-Language: fr");
	lab_done(&lab);
}

/* Headers that middlewares behind the cache set or remove are not the client's. */
static void variants_are_those_of_the_request_as_it_came(void **state)
{
	(void)state;
	begin("{}");
	assert_int_equal(cache_ask(&lab, 1000, URL, "X-User: anna"), MW_NEXT);
	header_set(&lab.request.headers, STR("X-User"), STR("berta"));
	cache_answered(&lab, 200, "Cache-Control: max-age=60\nVary: X-User", "for anna", false);
	cache_end(&lab);
	cache_assert_miss(&lab, 1001, URL, "X-User: berta");
	lab_done(&lab);
}

static void stale_responses_are_validated(void **state)
{
	(void)state;
	begin("{}");
	cache_fetched(&lab, 1000, URL, "",
		      "Cache-Control: max-age=10\nETag: \"1\"\nLast-Modified: Sun, 06 Nov 1994 "
		      "08:00:00 GMT\nContent-Type: text/x\nX-Old: 1\nX-Both: 1",
		      "hello");
	assert_int_equal(cache_ask(&lab, 1010, URL, "If-None-Match: \"mine\"\nRange: bytes=0-1"),
			 MW_NEXT);
	assert_int_equal(cache_answered(&lab, 304, "Cache-Control: max-age=0", "", false),
			 MW_REPLY);
	assert_int_equal(lab.call.reply.status, 206);
	lab_assert_str(lab.call.reply.body, "he");
	cache_end(&lab);
	assert_int_equal(cache_ask(&lab, 1010, URL, "If-None-Match: \"mine\""), MW_NEXT);
	lab_assert_str(str_of(lab_print(&lab, &lab.request.headers)),
		       "If-None-Match: \"1\"\nIf-Modified-Since: Sun, 06 Nov 1994 08:00:00 GMT\n");
	assert_int_equal(
		cache_answered(&lab, 304, "Cache-Control: max-age=20\nX-Both: 2", "", false),
		MW_REPLY);
	assert_int_equal(lab.call.reply.status, 200);
	lab_assert_str(lab.call.reply.body, "hello");
	lab_assert_str(lab.call.reply.content_type, "text/x");
	assert_string_equal(cache_reply_header(&lab, "X-Old"), "1");
	assert_string_equal(cache_reply_header(&lab, "X-Both"), "2");
	assert_string_equal(cache_reply_header(&lab, "Cache-Status"),
			    "tidegate; fwd=stale; fwd-status=304; stored");
	cache_end(&lab);
	cache_assert_hit(&lab, 1029, URL, "", "hello");
	/* The client may have had it all the time. */
	assert_int_equal(cache_ask(&lab, 1030, URL, "If-None-Match: W/\"1\""), MW_NEXT);
	assert_int_equal(cache_answered(&lab, 304, "Cache-Control: max-age=20", "", false),
			 MW_REPLY);
	assert_int_equal(lab.call.reply.status, 304);
	assert_int_equal(lab.call.reply.body.len, 0);
	cache_end(&lab);
	/* Another one takes its place. */
	cache_fetched(&lab, 1060, URL, "", "Cache-Control: max-age=5", "other");
	cache_assert_hit(&lab, 1061, URL, "", "other");
	lab_done(&lab);
}

static void a_304_that_forbids_keeping_is_obeyed(void **state)
{
	(void)state;
	begin("{}");
	cache_fetched(&lab, 1000, URL, "", "Cache-Control: max-age=1\nETag: \"1\"", "hello");
	assert_int_equal(cache_ask(&lab, 1010, URL, ""), MW_NEXT);
	assert_int_equal(cache_answered(&lab, 304, "Cache-Control: no-store", "", false), MW_REPLY);
	lab_assert_str(lab.call.reply.body, "hello");
	cache_end(&lab);
	assert_int_equal(cache_ask(&lab, 1011, URL, ""), MW_NEXT);
	lab_assert_header(&lab.request.headers, "If-None-Match", NULL);
	cache_end(&lab);
	lab_done(&lab);
}

static void no_cache_is_validated_each_time(void **state)
{
	(void)state;
	begin("{}");
	cache_fetched(&lab, 1000, URL, "", "Cache-Control: no-cache, max-age=60\nETag: \"1\"", "a");
	for (int i = 0; i < 3; i++) {
		assert_int_equal(cache_ask(&lab, 1001, URL, ""), MW_NEXT);
		lab_assert_header(&lab.request.headers, "If-None-Match", "\"1\"");
		assert_int_equal(cache_answered(&lab, 304, "", "", false), MW_REPLY);
		lab_assert_str(lab.call.reply.body, "a");
		cache_end(&lab);
	}
	lab_done(&lab);
}

static void failures_are_hidden_by_what_is_stale(void **state)
{
	static const struct {
		const char *name, *control;
		uint64_t at_s;
		uint16_t status;
		bool is_hidden;
	} rows[] = {
		{"503", "max-age=10, stale-if-error=60", 1011, 503, true},
		{"500", "max-age=10, stale-if-error=60", 1069, 500, true},
		{"too late", "max-age=10, stale-if-error=60", 1070, 503, false},
		{"not a failure", "max-age=10, stale-if-error=60", 1011, 404, false},
		{"not allowed", "max-age=10, stale-if-error=60, must-revalidate", 1011, 503, false},
		{"not said", "max-age=10", 1011, 503, false},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		char headers[128];

		snprintf(headers, sizeof(headers), "ETag: \"1\"\nCache-Control: %s",
			 rows[i].control);
		begin("{}");
		cache_fetched(&lab, 1000, URL, "", headers, "kept");
		assert_int_equal(cache_ask(&lab, rows[i].at_s, URL, ""), MW_NEXT);
		enum mw_verdict verdict =
			cache_answered(&lab, rows[i].status, "", "failure", false);

		if (verdict != (rows[i].is_hidden ? MW_REPLY : MW_NEXT))
			fail_msg("%s", rows[i].name);
		if (rows[i].is_hidden)
			lab_assert_str(lab.call.reply.body, "kept");
		cache_end(&lab);
		lab_done(&lab);
	}
	begin("{'staleIfError':'1m'}");
	cache_fetched(&lab, 1000, URL, "", "Cache-Control: max-age=10", "kept");
	assert_int_equal(cache_ask(&lab, 1020, URL, ""), MW_NEXT);
	lab_answer(&lab, 502, 0, "");
	lab.call.from_server = false;
	lab.call.fail = 1;
	cache_end(&lab);
	assert_int_equal(cache_ask(&lab, 1020, URL, ""), MW_NEXT);
	lab.call.fail = 1;
	assert_int_equal(cache_answered(&lab, 502, "", "", false), MW_REPLY);
	assert_string_equal(cache_reply_header(&lab, "Cache-Status"),
			    "tidegate; fwd=stale; fwd-status=502; detail=stale-if-error");
	cache_end(&lab);
	lab_done(&lab);
}

static void unsafe_methods_drop_what_they_change(void **state)
{
	static const struct {
		const char *method, *url, *headers;
		uint16_t status;
		bool is_dropped;
	} rows[] = {
		{"POST", "/x", "", 200, true},
		{"PUT", "/x", "", 204, true},
		{"DELETE", "/x", "", 302, true},
		{"PURGE", "/x", "", 200, true},
		{"POST", "/x", "", 400, false},
		{"POST", "/x", "", 503, false},
		{"POST", "/x?q", "", 200, false},
		{"OPTIONS", "/x", "", 200, false},
		{"HEAD", "/x", "", 200, false},
		{"POST", "/y", "Location: /x", 201, true},
		{"POST", "/y", "Location: http://a.test/x#top", 201, true},
		{"POST", "/y", "Content-Location: /x", 200, true},
		{"POST", "/y", "Location: http://b.test/x", 201, false},
		{"POST", "/y", "Location: http://a.test.evil/x", 201, false},
		{"POST", "/y", "Location: //a.test/x", 201, false},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		char line[64];

		begin("{}");
		cache_fetched(&lab, 1000, URL, "", "Cache-Control: max-age=60", "kept");
		snprintf(line, sizeof(line), "%s http://a.test%s", rows[i].method, rows[i].url);
		if (cache_ask(&lab, 1001, line, "") == MW_NEXT)
			lab_answer(&lab, rows[i].status, 0, rows[i].headers);
		cache_end(&lab);
		if (rows[i].is_dropped)
			cache_assert_miss(&lab, 1002, URL, "");
		else
			cache_assert_hit(&lab, 1002, URL, "", "kept");
		lab_done(&lab);
	}
}

/* What a fetch brings that began before a change is outdated. */
static void a_change_voids_a_fetch(void **state)
{
	static struct lab other;

	(void)state;
	begin("{}");
	assert_int_equal(cache_ask(&lab, 1000, URL, ""), MW_NEXT);
	cache_second(&other, &lab);
	cache_ask(&other, 1000, "POST http://a.test/x", "");
	lab_answer(&other, 200, 0, "");
	cache_end(&other);
	cache_answered(&lab, 200, "Cache-Control: max-age=60", "before", false);
	cache_end(&lab);
	cache_assert_miss(&lab, 1001, URL, "");
	cache_second_done(&other);
	lab_done(&lab);
}

static void memory_is_bounded(void **state)
{
	char body[5000], line[64];

	(void)state;
	begin("{'maxSizeBytes':'256Ki','maxObjectBytes':'8Ki'}");
	memset(body, 'x', sizeof(body) - 1);
	body[sizeof(body) - 1] = 0;
	for (int i = 0; i < 500; i++) {
		snprintf(line, sizeof(line), "GET http://a.test/%d", i);
		cache_fetched(&lab, 1000, line, "", "Cache-Control: max-age=60", body);
		assert_true(atomic_load(cache_store_used(lab.mw.state)) <= 256 << 10);
		/* What is asked for stays. */
		if (i == 0)
			continue;
		cache_assert_hit(&lab, 1001, "GET http://a.test/0", "", body);
		arena_reset(&lab.arena);
	}
	cache_assert_hit(&lab, 1001, "GET http://a.test/499", "", body);
	cache_assert_miss(&lab, 1001, "GET http://a.test/1", "");
	lab_done(&lab);
}

static void explanations_say_what_would_be_done(void **state)
{
	(void)state;
	begin("{}");
	lab_request(&lab, "GET http://a.test/x?y=1", "");
	lab_assert_str(lab.mw.mw->explain(&lab.mw, &lab.request, &lab.arena),
		       "answers from its store if it has a fresh response for a.test/x?y=1, else "
		       "keeps the service's if it may");
	lab_request(&lab, "POST http://a.test/x", "");
	lab_assert_str(lab.mw.mw->explain(&lab.mw, &lab.request, &lab.arena),
		       "passes it on, neither answered from the store nor kept (fwd=method)");
	lab_done(&lab);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_was_kept_is_given_again),
		cmocka_unit_test(bodies_without_a_length_are_kept_too),
		cmocka_unit_test(an_empty_body_needs_no_filter),
		cmocka_unit_test(a_body_that_is_cut_is_not_kept),
		cmocka_unit_test(an_answer_that_was_dropped_is_not_kept),
		cmocka_unit_test(only_answers_of_servers_are_kept),
		cmocka_unit_test(variants_are_kept_apart),
		cmocka_unit_test(variants_are_those_of_the_request_as_it_came),
		cmocka_unit_test(stale_responses_are_validated),
		cmocka_unit_test(a_304_that_forbids_keeping_is_obeyed),
		cmocka_unit_test(no_cache_is_validated_each_time),
		cmocka_unit_test(failures_are_hidden_by_what_is_stale),
		cmocka_unit_test(unsafe_methods_drop_what_they_change),
		cmocka_unit_test(a_change_voids_a_fetch),
		cmocka_unit_test(memory_is_bounded),
		cmocka_unit_test(explanations_say_what_would_be_done),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
