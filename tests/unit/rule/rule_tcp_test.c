// SPDX-License-Identifier: Apache-2.0
/* rule_tcp_test: rules over connections, reference b.3 row by row. */

#include "rule/rule_tcp.h"

#include <errno.h>

#include "check.h"

enum { CAP = 1 << 20 };

struct row {
	const char *rule;
	const char *sni;  /* "" none */
	const char *alpn; /* one protocol; NULL: none */
	const char *from; /* NULL: 192.0.2.1 */
	bool matches;
};

static bool matches(enum rule_syntax syntax, const struct row *row)
{
	struct arena arena;
	const struct rule *root = NULL;
	struct rule_fault fault = {0};
	struct str alpn = row->alpn ? str_of(row->alpn) : (struct str){0};
	struct tcp_facts facts = {
		.sni = str_of(row->sni), .alpn = &alpn, .n_alpn = row->alpn ? 1 : 0};
	bool result;

	addr_parse(row->from ? str_of(row->from) : STR("192.0.2.1"), &facts.source);
	arena_init(&arena, CAP, 0);
	if (rule_parse_as(syntax, str_of(row->rule), &arena, &root, &fault) < 0)
		fail_msg("%s: %s", row->rule, fault.message);
	result = rule_tcp_match(root, &facts);
	if ((rule_tcp_failed_leaf(root, &facts) == NULL) != result)
		fail_msg("%s: reason and answer differ", row->rule);
	rule_done(root);
	arena_done(&arena);
	return result;
}

static void connections_match_as_the_reference_says(void **state)
{
	static const struct row rows[] = {
		{"HostSNI(`*`)", "", NULL, NULL, true},
		{"HostSNI(`*`)", "a.test", NULL, NULL, true},
		{"HostSNI(`a.test`)", "a.test", NULL, NULL, true},
		{"HostSNI(`A.Test`)", "a.test", NULL, NULL, true},
		{"HostSNI(`a.test.`)", "a.test", NULL, NULL, true},
		{"HostSNI(`a.test`)", "", NULL, NULL, false},
		{"HostSNI(`a.test`)", "b.a.test", NULL, NULL, false},
		{"HostSNI(`*.a.test`)", "b.a.test", NULL, NULL, true},
		{"HostSNI(`*.a.test`)", "c.b.a.test", NULL, NULL, false},
		{"HostSNI(`*.a.test`)", "a.test", NULL, NULL, false},
		{"HostSNI(`*.a.test`)", ".a.test", NULL, NULL, false},
		{"HostSNI(`a_b.test`)", "a_b.test", NULL, NULL, true},
		{"HostSNI(`10.0.0.1`)", "10.0.0.1", NULL, NULL, true},
		{"HostSNI(`2001:db8::1`)", "2001:db8::1", NULL, NULL, true},
		{"HostSNIRegexp(`^.+\\.test$`)", "a.test", NULL, NULL, true},
		{"HostSNIRegexp(`^.+\\.test$`)", "", NULL, NULL, false},
		{"HostSNIRegexp(`^$`)", "", NULL, NULL, true},
		{"HostSNIRegexp(`.*`)", "", NULL, NULL, true},
		{"HostSNIRegexp(`A`)", "a", NULL, NULL, false},
		{"ClientIP(`192.0.2.0/24`)", "", NULL, NULL, true},
		{"ClientIP(`192.0.2.1`)", "", NULL, NULL, true},
		{"ClientIP(`192.0.2.7/24`)", "", NULL, NULL, true},
		{"ClientIP(`192.0.3.0/24`)", "", NULL, NULL, false},
		{"ClientIP(`::ffff:192.0.2.1`)", "", NULL, NULL, true},
		{"ClientIP(`2001:db8::/32`)", "", NULL, "2001:db8::7", true},
		{"ALPN(`h2`)", "", "h2", NULL, true},
		{"ALPN(`h2`)", "", "http/1.1", NULL, false},
		{"ALPN(`h2`)", "", NULL, NULL, false},
		{"ALPN(`H2`)", "", "h2", NULL, false},
		{"HostSNI(`a`) && ALPN(`mqtt`)", "a", "mqtt", NULL, true},
		{"HostSNI(`a`) && !ALPN(`mqtt`)", "a", "mqtt", NULL, false},
		{"!(HostSNI(`a`) || ALPN(`mqtt`))", "b", "h2", NULL, true},
		{"hostsni(`a`) || HOSTSNI(`b`)", "b", NULL, NULL, true},
		{"Hostsniregexp(`^b$`)", "b", NULL, NULL, true},
	};

	(void)state;
	for (size_t i = 0; i < ROWS(rows); i++)
		CHECK_INT(rows[i].rule, matches(RULE_TCP_V3, &rows[i]), rows[i].matches);
}

static void the_old_syntax_takes_several_arguments_and_templates(void **state)
{
	static const struct row rows[] = {
		{"HostSNI(`*`)", "", NULL, NULL, true},
		{"HostSNI(`a.test`,`b.test`)", "b.test", NULL, NULL, true},
		{"HostSNI(`a.test`,`b.test`)", "c.test", NULL, NULL, false},
		{"HostSNI(`a.test`,`*`)", "c.test", NULL, NULL, true},
		{"HostSNI(`a.test`,`*`)", "", NULL, NULL, false},
		{"HostSNIRegexp(`{n:[a-z]+}.test`)", "abc.test", NULL, NULL, true},
		{"HostSNIRegexp(`{n:[a-z]+}.test`)", "abc.testing", NULL, NULL, false},
		{"HostSNIRegexp(`{n}.test`)", "abc.test", NULL, NULL, true},
		{"HostSNIRegexp(`{n}.test`)", "a.b.test", NULL, NULL, false},
		{"HostSNIRegexp(`{n:[A-Z]+}.TEST`)", "abc.test", NULL, NULL, true},
		{"HostSNIRegexp(`axb`,`c{n}`)", "cd", NULL, NULL, true},
		{"ClientIP(`10.0.0.1`,`192.0.2.0/24`)", "", NULL, NULL, true},
		{"ALPN(`a`,`b`)", "", "b", NULL, true},
		{"!ALPN(`a`,`b`)", "", "b", NULL, false},
	};

	(void)state;
	for (size_t i = 0; i < ROWS(rows); i++)
		CHECK_INT(rows[i].rule, matches(RULE_TCP_V2, &rows[i]), rows[i].matches);
}

static void wrong_rules_are_refused_where_they_are_wrong(void **state)
{
	static const struct {
		const char *rule;
		enum rule_syntax syntax;
		size_t column;
		const char *says;
	} rows[] = {
		{"", RULE_TCP_V3, 0, "the rule is empty"},
		{"HostSNI()", RULE_TCP_V3, 0, "HostSNI takes one argument, found 0"},
		{"HostSNI(``)", RULE_TCP_V3, 8, "an argument must not be empty"},
		{"HostSNI(`a`,`b`)", RULE_TCP_V3, 0, "HostSNI takes one argument, found 2"},
		{"HostSNI(`*.*.x`)", RULE_TCP_V3, 8, "expected *, a host name"},
		{"HostSNI(`a/b`)", RULE_TCP_V3, 8, "expected *, a host name"},
		{"HostSNI(`a*`)", RULE_TCP_V3, 8, "expected *, a host name"},
		{"HostSNI(`*.`)", RULE_TCP_V3, 8, "expected *, a host name"},
		{"HostSNI(`b\303\274cher.test`)", RULE_TCP_V3, 8, "expected *, a host name"},
		{"HostSNIRegexp(`(`)", RULE_TCP_V3, 14, "bad regular expression"},
		{"ClientIP(`10.0.0.300`)", RULE_TCP_V3, 9, "expected an IP address or a CIDR"},
		{"ALPN(`acme-tls/1`)", RULE_TCP_V3, 5, "acme-tls/1"},
		{"ALPN(`h2`,`acme-tls/1`)", RULE_TCP_V2, 10, "acme-tls/1"},
		{"Host(`a`)", RULE_TCP_V3, 0, "unknown matcher Host"},
		{"Path(`/`)", RULE_TCP_V3, 0, "unknown matcher Path"},
		{"HostSNi(`a`)", RULE_TCP_V3, 0, "did you mean HostSNI?"},
		{"HostSNI(`a`) & ALPN(`b`)", RULE_TCP_V3, 13, "not supported"},
		{"HostSNI(`a`)\n&& ALPN(`b`)", RULE_TCP_V3, 12, "the line ends the rule here"},
		{"HostSNI(`*`)", RULE_V3, 0, "unknown matcher HostSNI"},
		{"HostSNIRegexp(`{a`)", RULE_TCP_V2, 14, "unbalanced braces"},
		{"HostSNI()", RULE_TCP_V2, 0, "takes at least one argument"},
	};

	(void)state;
	for (size_t i = 0; i < ROWS(rows); i++) {
		struct arena arena;
		const struct rule *root;
		struct rule_fault fault = {0};

		arena_init(&arena, CAP, 0);
		CHECK_INT(
			rows[i].rule,
			rule_parse_as(rows[i].syntax, str_of(rows[i].rule), &arena, &root, &fault),
			-EINVAL);
		CHECK_INT(rows[i].rule, fault.column, rows[i].column);
		if (str_search(str_of(fault.message), str_of(rows[i].says)) < 0)
			fail_msg("%s: \"%s\" does not say \"%s\"", rows[i].rule, fault.message,
				 rows[i].says);
		arena_done(&arena);
	}
}

static void only_the_bare_star_is_a_catch_all(void **state)
{
	static const struct {
		const char *rule;
		bool is;
	} rows[] = {
		{"HostSNI(`*`)", true},		{" hostsni( \"*\" ) ", true},
		{"(HostSNI(`*`))", true},	{"HostSNI(`*`) && ClientIP(`10.0.0.0/8`)", false},
		{"!HostSNI(`*`)", false},	{"HostSNI(`a`)", false},
		{"HostSNIRegexp(`.*`)", false},
	};

	(void)state;
	for (size_t i = 0; i < ROWS(rows); i++) {
		struct arena arena;
		const struct rule *root = NULL;
		struct rule_fault fault = {0};

		arena_init(&arena, CAP, 0);
		CHECK_INT(rows[i].rule,
			  rule_parse_as(RULE_TCP_V3, str_of(rows[i].rule), &arena, &root, &fault),
			  0);
		CHECK_INT(rows[i].rule, rule_tcp_is_catch_all(root), rows[i].is);
		rule_done(root);
		arena_done(&arena);
	}
}

static void names_come_in_written_order(void **state)
{
	struct arena arena;
	const struct rule *root = NULL;
	struct rule_fault fault = {0};
	struct strs names;

	(void)state;
	arena_init(&arena, CAP, 0);
	assert_int_equal(rule_parse_as(RULE_TCP_V3,
				       STR("HostSNI(`*`) || !HostSNI(`B`) && ALPN(`h2`)"), &arena,
				       &root, &fault),
			 0);
	rule_tcp_names(root, &arena, &names);
	assert_int_equal(names.n, 2);
	CHECK_STR("first", names.at[0], STR("*"));
	CHECK_STR("second", names.at[1], STR("b"));
	CHECK_STR("printed", rule_print(root, &arena),
		  STR("HostSNI(`*`) || !HostSNI(`b`) && ALPN(`h2`)"));
	rule_done(root);
	arena_done(&arena);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(connections_match_as_the_reference_says),
		cmocka_unit_test(the_old_syntax_takes_several_arguments_and_templates),
		cmocka_unit_test(wrong_rules_are_refused_where_they_are_wrong),
		cmocka_unit_test(only_the_bare_star_is_a_catch_all),
		cmocka_unit_test(names_come_in_written_order),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
