// SPDX-License-Identifier: Apache-2.0
/* rule_v2_test: the matchers of reference/traefik.md b.2 (v2): what they become, what they match,
 * what is wrong where. */

#include "rule/rule_v2.h"

#include <errno.h>
#include <stdio.h>

#include "check.h"
#include "guard.h"

/* clang-format off */
static const struct {
	const char *v2, *v3;
} good_rows[] = {
	{"Host(`a.b`)", "Host(`a.b`)"},
	{"Host(`A.b`, `c.d.`)", "Host(`a.b`) || Host(`c.d`)"},
	{"!Host(`a`, `b`)", "!Host(`a`) && !Host(`b`)"},
	{"HostHeader(`a`)", "Host(`a`)"}, {"hostheader(`a`)", "Host(`a`)"}, {"HOSTHEADER(`a`)", "Host(`a`)"}, {"Hostheader(`a`)", "Host(`a`)"},
	{"Host(`*.a.b`)", "HostRegexp(`^\\*\\.a\\.b$`)"},
	{"HostRegexp(`a.b`)", "HostRegexp(`^a\\.b$`)"},
	{"HostRegexp(`{sub:[a-z]+}.Example.com`)", "HostRegexp(`^([a-z]+)\\.example\\.com$`)"},
	{"HostRegexp(`{sub:[A-Z]+}.a`)", "HostRegexp(`^(?i:[A-Z]+)\\.a$`)"},
	{"HostRegexp(`{any}.a`, `b`)", "HostRegexp(`^([^.]+)\\.a$`) || HostRegexp(`^b$`)"},
	{"HostRegexp(`{x:a{2,3}}.b`)", "HostRegexp(`^(a{2,3})\\.b$`)"},
	{"Path(`/a`)", "Path(`/a`)"}, {"Path(`/a`, `/b`)", "Path(`/a`) || Path(`/b`)"},
	{"Path(`/a/{id:[0-9]+}/c.d`)", "PathRegexp(`^/a/([0-9]+)/c\\.d$`)"},
	{"Path(`/{x}`)", "PathRegexp(`^/([^/]+)$`)"},
	{"PathPrefix(`/a`, `/b/{x}`)", "PathPrefix(`/a`) || PathRegexp(`^/b/([^/]+)`)"},
	{"Method(`get`, `POST`)", "Method(`GET`) || Method(`POST`)"},
	{"Headers(`X`, `y`)", "Header(`X`, `y`)"}, {"Headers(`X`, `y`, `Z`, `w`)", "Header(`X`, `y`) && Header(`Z`, `w`)"},
	{"!Headers(`X`, `y`, `Z`, `w`)", "!Header(`X`, `y`) || !Header(`Z`, `w`)"},
	{"HeadersRegexp(`X`, `{a:b}`)", "HeaderRegexp(`X`, `{a:b}`)"},
	{"Query(`a=b`)", "Query(`a`, `b`)"}, {"Query(`a=b`, `c=d`)", "Query(`a`, `b`) && Query(`c`, `d`)"},
	{"Query(`a`, `b`)", "Query(`a`, `b`)"}, {"Query(`a=`)", "QueryRegexp(`a`, `^.*$`)"}, {"Query(`a=b=c`)", "Query(`a`, `b=c`)"},
	{"Query(`a={x:[0-9]+}`)", "QueryRegexp(`a`, `^([0-9]+)$`)"}, {"Query(`a={x}`)", "QueryRegexp(`a`, `^(.*)$`)"},
	{"ClientIP(`10.0.0.1`, `10.1.0.0/16`)", "ClientIP(`10.0.0.1`) || ClientIP(`10.1.0.0/16`)"},
	{"Host(`a`) && (PathPrefix(`/b`, `/c`) || !Method(`GET`))", "Host(`a`) && (PathPrefix(`/b`) || PathPrefix(`/c`) || !Method(`GET`))"},
	{"Host(`a`, `b`) && Headers(`X`, `y`, `Z`, `w`)", "(Host(`a`) || Host(`b`)) && Header(`X`, `y`) && Header(`Z`, `w`)"},
};

static const struct {
	const char *text;
	size_t column;
	const char *message;
} bad_rows[] = {
	{"Header(`a`, `b`)", 0, "unknown matcher Header; did you mean Headers?"}, {"PathRegexp(`a`)", 0, "unknown matcher PathRegexp"},
	{"HostRegExp(`a`)", 0, "did you mean HostRegexp?"}, {"Hots(`a`)", 0, "did you mean Host?"},
	{"Host()", 0, "at least one argument"}, {"Host(`a`, ``)", 10, "must not be empty"}, {"Host(`é`)", 5, "Host: a host must be ASCII"},
	{"HostRegexp(`a`, `{x`)", 16, "HostRegexp: unbalanced braces"}, {"HostRegexp(`x}`)", 11, "unbalanced braces"}, {"HostRegexp(`{}`)", 11, "missing name or expression"},
	{"HostRegexp(`{x:}`)", 11, "missing name or expression"}, {"HostRegexp(`{:a}`)", 11, "missing name or expression"}, {"HostRegexp(`{x:[}`)", 11, "bad regular expression"},
	{"HostRegexp(`{x:a)(b}`)", 11, "bad regular expression"},
	{"Path(`a`)", 5, "Path: a path must begin with /"}, {"PathPrefix(`/a`, `b`)", 17, "PathPrefix: a path must begin"}, {"Path(`/{x`)", 5, "unbalanced braces"},
	{"Headers(`a`)", 0, "Headers takes names and values in pairs"}, {"HeadersRegexp(`a`, `(`)", 14, "HeadersRegexp: bad regular expression"},
	{"Query(`a`)", 6, "Query: takes key=value"}, {"Query(`a=b`, `c`)", 13, "takes key=value"}, {"ClientIP(`10.0.0.1`, `x`)", 21, "ClientIP: expected an IP address"},
};
/* clang-format on */

static void old_matchers_become_present_ones(void **state)
{
	(void)state;
	for (size_t i = 0; i < ROWS(good_rows); i++) {
		struct str text = guard_copy(str_of(good_rows[i].v2));
		struct rule_fault fault = {0};
		const struct rule *root = NULL, *again;
		struct arena arena;

		arena_init(&arena, 1 << 20, 0);
		int result = rule_parse_as(RULE_V2, text, &arena, &root, &fault);

		guard_free(text);
		if (result)
			fail_msg("%s: %zu: %s", good_rows[i].v2, fault.column, fault.message);
		struct str printed = rule_print(root, &arena);

		CHECK_STR(good_rows[i].v2, printed, str_of(good_rows[i].v3));
		CHECK_INT(good_rows[i].v2, rule_parse(printed, &arena, &again, &fault), 0);
		rule_done(again);
		rule_done(root);
		arena_done(&arena);
	}
}

static void faults_name_the_argument(void **state)
{
	(void)state;
	for (size_t i = 0; i < ROWS(bad_rows); i++) {
		struct rule_fault fault = {0};
		const struct rule *root = NULL;
		struct arena arena;

		arena_init(&arena, 1 << 20, 0);
		CHECK_INT(bad_rows[i].text,
			  rule_parse_as(RULE_V2, str_of(bad_rows[i].text), &arena, &root, &fault),
			  -EINVAL);
		if (!strstr(fault.message, bad_rows[i].message) ||
		    fault.column != bad_rows[i].column)
			fail_msg("%s: got %zu \"%s\", wanted %zu \"%s\"", bad_rows[i].text,
				 fault.column, fault.message, bad_rows[i].column,
				 bad_rows[i].message);
		arena_done(&arena);
	}
}

/* clang-format off */
static const struct {
	const char *rule, *host, *path, *query;
	bool matches;
} match_rows[] = {
	{"Host(`*.a`)", "x.a", "/", "", false}, {"Host(`a`, `b`)", "b", "/", "", true},
	{"HostRegexp(`{x}.A.com`)", "s.a.com", "/", "", true}, {"HostRegexp(`{x}.a.com`)", "s.t.a.com", "/", "", false},
	{"HostRegexp(`{x:.+}.a.com`)", "s.t.a.com", "/", "", true}, {"HostRegexp(`a.com`)", "abcom", "/", "", false},
	{"HostRegexp(`{x:[A-Z]+}.a`)", "s.a", "/", "", true}, {"HostRegexp(`a`)", "xa", "/", "", false},
	{"Path(`/a/{id:[0-9]+}`)", "h", "/a/12", "", true}, {"Path(`/a/{id:[0-9]+}`)", "h", "/a/12/", "", false}, {"Path(`/a/{id}`)", "h", "/a/b/c", "", false},
	{"PathPrefix(`/a/{id:[0-9]+}`)", "h", "/a/12/x", "", true}, {"PathPrefix(`/a/{id:[0-9]+}`)", "h", "/b/a/12", "", false},
	{"Query(`k=1`)", "h", "/", "k=1&k=2", true}, {"Query(`k=2`)", "h", "/", "k=1&k=2", false}, {"Query(`k=`)", "h", "/", "k=x", true}, {"Query(`k=`)", "h", "/", "j=x", false},
	{"Query(`k={x:[0-9]+}`)", "h", "/", "k=12", true}, {"Query(`k={x:[0-9]+}`)", "h", "/", "k=12a", false}, {"Query(`k=1`, `j=2`)", "h", "/", "j=2&k=1", true}, {"Query(`k=1`, `j=2`)", "h", "/", "k=1", false},
};
/* clang-format on */

static void old_rules_match_as_they_did(void **state)
{
	(void)state;
	for (size_t i = 0; i < ROWS(match_rows); i++) {
		struct rule_fault fault;
		const struct rule *root = NULL;
		struct arena arena;

		arena_init(&arena, 1 << 20, 0);
		assert_int_equal(
			rule_parse_as(RULE_V2, str_of(match_rows[i].rule), &arena, &root, &fault),
			0);
		struct request request = {.arena = &arena,
					  .host = str_of(match_rows[i].host),
					  .routing_path = str_of(match_rows[i].path),
					  .query = str_of(match_rows[i].query)};

		if (rule_match(root, &request) != match_rows[i].matches)
			fail_msg("%s should%s match %s%s?%s", match_rows[i].rule,
				 match_rows[i].matches ? "" : " not", match_rows[i].host,
				 match_rows[i].path, match_rows[i].query);
		rule_done(root);
		arena_done(&arena);
	}
}

static void too_many_arguments_are_refused(void **state)
{
	char text[1024] = "Host(";
	struct rule_fault fault;
	const struct rule *root;
	struct arena arena;

	(void)state;
	for (int i = 0; i <= RULE_ARGS_MAX; i++)
		strcat(text, "`a`,");
	strcat(text, ")");
	arena_init(&arena, 1 << 20, 0);
	assert_int_equal(rule_parse_as(RULE_V2, str_of(text), &arena, &root, &fault), -EINVAL);
	assert_non_null(strstr(fault.message, "more than 64"));
	arena_done(&arena);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(old_matchers_become_present_ones),
		cmocka_unit_test(faults_name_the_argument),
		cmocka_unit_test(old_rules_match_as_they_did),
		cmocka_unit_test(too_many_arguments_are_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
