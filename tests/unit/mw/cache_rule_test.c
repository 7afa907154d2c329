// SPDX-License-Identifier: Apache-2.0
/* cache_rule_test: RFC 9111 3, 4.2; what may be done with what is kept is in cache_look_test. */

#include "cache_help.h"

static const struct {
	const char *name, *ask, *headers;
	uint16_t status;
	int64_t default_ttl_s; /* -1: none */
	int64_t fresh_s;       /* -1: not kept */
	int64_t age_s;
} rows[] = {
	{"max-age", "", "Cache-Control: max-age=60", 200, -1, 60, 0},
	{"s-maxage wins", "", "Cache-Control: max-age=60, s-maxage=30", 200, -1, 30, 0},
	{"nothing is said", "", "ETag: \"1\"", 200, -1, -1, 0},
	{"nothing is said, default", "", "", 200, 7, 7, 0},
	{"what is said wins over the default", "", "Cache-Control: max-age=60", 200, 7, 60, 0},
	{"no-store", "", "Cache-Control: max-age=60, no-store", 200, 7, -1, 0},
	{"no-store by the client", "Cache-Control: no-store", "Cache-Control: max-age=60", 200, -1,
	 -1, 0},
	{"private", "", "Cache-Control: max-age=60, private", 200, 7, -1, 0},
	{"private for some fields", "", "Cache-Control: max-age=60, private=\"x\"", 200, 7, -1, 0},
	{"a cookie is set", "", "Cache-Control: public, max-age=60\nSet-Cookie: a=b", 200, 7, -1,
	 0},
	{"a part", "", "Cache-Control: max-age=60\nContent-Range: bytes 0-1/2", 200, -1, -1, 0},
	{"206", "", "Cache-Control: max-age=60", 206, -1, -1, 0},
	{"304", "", "Cache-Control: max-age=60", 304, -1, -1, 0},
	{"500", "", "Cache-Control: max-age=60", 500, -1, -1, 0},
	{"404 that says so", "", "Cache-Control: max-age=60", 404, -1, 60, 0},
	{"404 by default", "", "", 404, 7, 7, 0},
	{"302 that says so", "", "Cache-Control: max-age=60", 302, -1, 60, 0},
	{"302 is not guessed", "", "", 302, 7, -1, 0},
	{"403 is not guessed", "", "", 403, 7, -1, 0},
	{"Vary: *", "", "Cache-Control: max-age=60\nVary: Accept, *", 200, -1, -1, 0},
	/* RFC 9111 3.5. */
	{"authorized", "Authorization: x", "Cache-Control: max-age=60", 200, -1, -1, 0},
	{"authorized, public", "Authorization: x", "Cache-Control: max-age=60, public", 200, -1, 60,
	 0},
	{"authorized, s-maxage", "Authorization: x", "Cache-Control: s-maxage=60", 200, -1, 60, 0},
	{"authorized, must-revalidate", "Authorization: x",
	 "Cache-Control: max-age=60, must-revalidate", 200, -1, 60, 0},
	{"authorized, default", "Authorization: x", "", 200, 7, -1, 0},
	{"with a cookie, default", "Cookie: a=b", "", 200, 7, -1, 0},
	{"with a cookie, said", "Cookie: a=b", "Cache-Control: max-age=60", 200, -1, 60, 0},
	/* Dates: it is 08:49:37. */
	{"Expires", "",
	 "Date: Sun, 06 Nov 1994 08:49:37 GMT\nExpires: Sun, 06 Nov 1994 08:50:37 GMT", 200, -1, 60,
	 0},
	{"Expires counts from Date", "",
	 "Date: Sun, 06 Nov 1994 08:48:37 GMT\nExpires: Sun, 06 Nov 1994 08:50:37 GMT", 200, -1,
	 120, 60},
	{"Expires in the past", "", "Expires: Sun, 06 Nov 1994 08:00:00 GMT\nETag: \"1\"", 200, 7,
	 0, 0},
	{"Expires that is no date", "", "Expires: 0\nETag: \"1\"", 200, 7, 0, 0},
	{"... and nothing to validate by", "", "Expires: 0", 200, 7, -1, 0},
	{"max-age wins over Expires", "",
	 "Cache-Control: max-age=5\nExpires: Sun, 06 Nov 1994 08:50:37 GMT", 200, -1, 5, 0},
	{"Age", "", "Cache-Control: max-age=60\nAge: 20", 200, -1, 60, 20},
	{"an old Date", "", "Cache-Control: max-age=60\nDate: Sun, 06 Nov 1994 08:49:07 GMT", 200,
	 -1, 60, 30},
	{"too old already", "", "Cache-Control: max-age=60\nAge: 60", 200, -1, -1, 0},
	{"too old, but can be validated", "", "Cache-Control: max-age=60\nAge: 60\nETag: \"1\"",
	 200, -1, 60, 60},
	{"no-cache", "", "Cache-Control: no-cache\nETag: \"1\"", 200, -1, 0, 0},
	{"no-cache, and nothing to validate by", "", "Cache-Control: no-cache", 200, 7, -1, 0},
	{"useful when stale", "", "Cache-Control: max-age=0, stale-if-error=60", 200, -1, 0, 0},
};

static void what_is_kept_and_for_how_long(void **state)
{
	static struct lab lab;

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct cache_rule rule = {
			.default_ttl_s = {rows[i].default_ttl_s, rows[i].default_ttl_s >= 0}};
		struct str rest = str_of(rows[i].headers), header;
		struct cache_terms terms = {.fresh_s = -1};
		struct response response = {.status = rows[i].status};
		struct cache_wish wish;

		lab_init(&lab);
		lab_request(&lab, "GET http://a.test/", rows[i].ask);
		response.headers.arena = &lab.arena;
		while (str_next(&rest, '\n', &header)) {
			struct str name;

			str_next(&header, ':', &name);
			header_add(&response.headers, name, str_trim(header));
		}
		cache_rule_wish(&rule, &lab.request, &wish);
		bool kept = cache_rule_keep(&rule, &wish, &response, 0, CACHE_WALL_S, &terms);

		if (kept != (rows[i].fresh_s >= 0) ||
		    (kept && (terms.fresh_s != rows[i].fresh_s || terms.age_s != rows[i].age_s)))
			fail_msg("%s: %d, fresh %d, age %d", rows[i].name, kept, (int)terms.fresh_s,
				 (int)terms.age_s);
		lab_done(&lab);
	}
}

/* basicAuth with removeHeader, forwardAuth by a cookie: no Authorization is left to see. */
static void an_authenticated_request_is_one_with_authorization(void **state)
{
	struct cache_rule rule = {0};
	struct cache_terms terms;
	struct cache_wish wish;
	static struct lab lab;

	(void)state;
	lab_init(&lab);
	lab_request(&lab, "GET http://a.test/", "");
	lab.request.is_authenticated = true;
	cache_rule_wish(&rule, &lab.request, &wish);
	struct response response = {.status = 200};

	response.headers.arena = &lab.arena;
	header_add(&response.headers, STR("Cache-Control"), STR("max-age=60"));
	assert_false(cache_rule_keep(&rule, &wish, &response, 0, CACHE_WALL_S, &terms));
	header_add(&response.headers, STR("Cache-Control"), STR("public"));
	assert_true(cache_rule_keep(&rule, &wish, &response, 0, CACHE_WALL_S, &terms));
	for (size_t i = 0; i < 2; i++) {
		lab_request(&lab, "GET http://a.test/",
			    i ? "X-Forwarded-Tls-Client-Cert-Info: Subject%3D%22CN%3Dann%22"
			      : "X-Forwarded-Tls-Client-Cert: MIIB");
		lab.request.is_authenticated = false;
		cache_rule_wish(&rule, &lab.request, &wish);
		assert_true(wish.is_authorized);
	}
	lab_done(&lab);
}

static void the_time_it_took_counts(void **state)
{
	struct cache_rule rule = {0};
	struct cache_terms terms;
	struct cache_wish wish = {0};
	static struct lab lab;

	(void)state;
	lab_init(&lab);
	struct response response = {.status = 200};

	response.headers.arena = &lab.arena;
	header_add(&response.headers, STR("Cache-Control"), STR("max-age=60"));
	header_add(&response.headers, STR("Age"), STR("3"));
	assert_true(cache_rule_keep(&rule, &wish, &response, 4, CACHE_WALL_S, &terms));
	assert_int_equal(terms.age_s, 7);
	lab_done(&lab);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_kept_and_for_how_long),
		cmocka_unit_test(an_authenticated_request_is_one_with_authorization),
		cmocka_unit_test(the_time_it_took_counts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
