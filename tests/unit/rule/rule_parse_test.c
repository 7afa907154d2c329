// SPDX-License-Identifier: Apache-2.0
/* rule_parse_test: the grammar of reference/traefik.md b.1 as rows of text and what it becomes, or
 * what is wrong where. */

#include "rule/rule.h"

#include <errno.h>
#include <stdio.h>

#include "check.h"
#include "guard.h"

/* The printed tree shows negation, nesting and arguments after parsing. */
struct good_row {
	struct str text;
	const char *tree; /* NULL: the text itself */
};

#define SAME(text)                             \
	{                                      \
		{text, sizeof(text) - 1}, NULL \
	}
#define GOOD(text, tree)                       \
	{                                      \
		{text, sizeof(text) - 1}, tree \
	}

/* clang-format off */
static const struct good_row good_rows[] = {
	/* every matcher */
	SAME("Host(`a.b`)"), SAME("HostRegexp(`^a.*$`)"), SAME("Path(`/a`)"), SAME("PathPrefix(`/`)"),
	SAME("PathRegexp(`x`)"), SAME("Method(`GET`)"), SAME("Header(`X`, `y`)"),
	SAME("HeaderRegexp(`X`, `y`)"), SAME("Query(`k`)"), SAME("Query(`k`, `v`)"),
	SAME("QueryRegexp(`k`)"), SAME("QueryRegexp(`k`, `v`)"), SAME("ClientIP(`10.0.0.1`)"),
	SAME("ClientIP(`10.0.0.0/8`)"), SAME("ClientIP(`2001:db8::/32`)"), SAME("ClientIP(`::ffff:1.2.3.4`)"),
	/* what the build does to arguments (b.2) */
	GOOD("Host(`A.B`)", "Host(`a.b`)"), GOOD("Host(`a.b.`)", "Host(`a.b`)"), SAME("Host(`*`)"),
	SAME("Host(`*.a`)"), GOOD("Host(`*.`)", "Host(`*..`)"), SAME("Host(`a..`)"), SAME("Host(`.`)"), GOOD("Method(`get`)", "Method(`GET`)"),
	/* four spellings (b.1) */
	GOOD("host(`a`)", "Host(`a`)"), GOOD("HOST(`a`)", "Host(`a`)"),
	GOOD("pathprefix(`/a`)", "PathPrefix(`/a`)"), GOOD("PATHPREFIX(`/a`)", "PathPrefix(`/a`)"),
	GOOD("Pathprefix(`/a`)", "PathPrefix(`/a`)"), GOOD("clientip(`::1`)", "ClientIP(`::1`)"),
	GOOD("CLIENTIP(`::1`)", "ClientIP(`::1`)"), GOOD("Clientip(`::1`)", "ClientIP(`::1`)"),
	GOOD("Hostregexp(`a`)", "HostRegexp(`a`)"), GOOD("headerregexp(`a`, `b`)", "HeaderRegexp(`a`, `b`)"),
	GOOD("QUERYREGEXP(`a`)", "QueryRegexp(`a`)"), GOOD("method(`a`)", "Method(`A`)"),
	/* both quotes, Go's escapes */
	GOOD("Host(\"a\")", "Host(`a`)"), GOOD("Path(\"/a\\\\b\")", "Path(`/a\\b`)"),
	GOOD("Path(\"/\\x41\\101\\u0041\\U00000041\")", "Path(`/AAAA`)"),
	GOOD("Path(\"/\\u00e9\")", "Path(`/\xc3\xa9`)"), GOOD("Path(\"/\\u20ac\")", "Path(`/\xe2\x82\xac`)"),
	GOOD("Path(\"/\\U0001f600\")", "Path(`/\xf0\x9f\x98\x80`)"),
	GOOD("Path(\"/\\\"\")", "Path(`/\"`)"), GOOD("Path(\"/\\t\\n\")", "Path(`/\t\n`)"),
	GOOD("Path(\"/`\")", "Path(\"/`\")"), GOOD("Path(\"/`\\a\")", "Path(\"/`\\x07\")"),
	GOOD("Path(`/a\\n`)", "Path(`/a\\n`)"), GOOD("Path(`/a\nb`)", "Path(`/a\nb`)"),
	GOOD("Path(`/a\r\nb`)", "Path(`/a\nb`)"), GOOD("Path(`/'\"`)", "Path(`/'\"`)"),
	GOOD("Path(`/\xc3\xa9`)", "Path(`/\xc3\xa9`)"), GOOD("Path(\"/'\")", "Path(`/'`)"),
	/* blanks, newlines, comments, trailing commas */
	GOOD(" Host ( `a` ) ", "Host(`a`)"), GOOD("\tHost(`a`)\r\n", "Host(`a`)"),
	GOOD("Host(`a`)\n\n \n", "Host(`a`)"), GOOD("Host(`a`,)", "Host(`a`)"),
	GOOD("Header(`a`,`b`,)", "Header(`a`, `b`)"), GOOD("Header(`a`,\n`b`,\n)", "Header(`a`, `b`)"),
	GOOD("Host(\n`a`)", "Host(`a`)"), GOOD("Host(`a`) &&\nPath(`/`)", "Host(`a`) && Path(`/`)"),
	GOOD("Host(`a`) ||\n\nPath(`/`)", "Host(`a`) || Path(`/`)"), GOOD("(\nHost(`a`))", "Host(`a`)"),
	GOOD("!\nHost(`a`)", "!Host(`a`)"), GOOD("/* x */ Host(`a`)", "Host(`a`)"),
	GOOD("Host(/* x */`a`/* y */)", "Host(`a`)"), GOOD("Host(`a`) // tail", "Host(`a`)"),
	GOOD("// head\nHost(`a`)", "Host(`a`)"), GOOD("Host(`a`) && // and\nPath(`/`)", "Host(`a`) && Path(`/`)"),
	GOOD("Host(`a`) /* x */ && Path(`/`)", "Host(`a`) && Path(`/`)"),
	GOOD("Host(`a`) && /* x\ny */ Path(`/`)", "Host(`a`) && Path(`/`)"),
	GOOD("Host(`a`) /* x\ny */", "Host(`a`)"), GOOD("Host(`a`)&&Path(`/`)||Method(`A`)", "Host(`a`) && Path(`/`) || Method(`A`)"),
	GOOD("Host(`/* a */`)", "Host(`/* a */`)"), GOOD("Host(`//a`)", "Host(`//a`)"),
	/* precedence and grouping */
	SAME("Host(`a`) && Host(`b`) || Host(`c`)"), SAME("Host(`a`) || Host(`b`) && Host(`c`)"),
	SAME("(Host(`a`) || Host(`b`)) && Host(`c`)"), SAME("Host(`a`) && (Host(`b`) || Host(`c`))"),
	GOOD("(Host(`a`) && Host(`b`)) || Host(`c`)", "Host(`a`) && Host(`b`) || Host(`c`)"),
	GOOD("Host(`a`) && (Host(`b`) && Host(`c`))", "Host(`a`) && Host(`b`) && Host(`c`)"),
	GOOD("((Host(`a`)))", "Host(`a`)"),
	GOOD("(Host(`a`) || Host(`b`)) || (Host(`c`) || Host(`d`))", "Host(`a`) || Host(`b`) || Host(`c`) || Host(`d`)"),
	SAME("(Host(`a`) || Host(`b`)) && (Path(`/c`) || Path(`/d`))"),
	/* negation */
	SAME("!Host(`a`)"), GOOD("!!Host(`a`)", "Host(`a`)"), GOOD("!!!Host(`a`)", "!Host(`a`)"),
	GOOD("!(Host(`a`))", "!Host(`a`)"), GOOD("! Host(`a`)", "!Host(`a`)"),
	GOOD("!(Host(`a`) && Host(`b`))", "!Host(`a`) || !Host(`b`)"),
	GOOD("!(Host(`a`) || Host(`b`))", "!Host(`a`) && !Host(`b`)"),
	GOOD("!Host(`a`) && Host(`b`)", "!Host(`a`) && Host(`b`)"),
	GOOD("!(Host(`a`) && !(Host(`b`) || Host(`c`)))", "!Host(`a`) || Host(`b`) || Host(`c`)"),
	GOOD("!(!(Host(`a`)))", "Host(`a`)"),
	GOOD("Host(`a`) || !(Host(`b`) && Host(`c`))", "Host(`a`) || !Host(`b`) || !Host(`c`)"),
	GOOD("Host(`a`) && !(Host(`b`) && Host(`c`))", "Host(`a`) && (!Host(`b`) || !Host(`c`))"),
	GOOD("!(Host(`a`) && Host(`b`) || Host(`c`))", "(!Host(`a`) || !Host(`b`)) && !Host(`c`)"),
};

struct bad_row {
	struct str text;
	size_t column;
	const char *message; /* a part of it */
};

#define BAD(text, column, message) {{text, sizeof(text) - 1}, column, message}

static const struct bad_row bad_rows[] = {
	/* nothing there */
	BAD("", 0, "empty"), BAD("   ", 0, "empty"), BAD("\n", 0, "empty"), BAD("// x", 0, "empty"),
	BAD("()", 1, "expected a matcher"), BAD("!", 1, "expected a matcher"), BAD("(", 1, "expected a matcher"),
	BAD("&& Host(`a`)", 0, "expected a matcher"), BAD("Host(`a`) &&", 12, "end of the rule"),
	BAD("Host(`a`) ||", 12, "end of the rule"), BAD("|| Host(`a`)", 0, "expected a matcher"),
	BAD("Host(`a`) && && Host(`b`)", 13, "expected a matcher"), BAD("Host(`a`) || && Host(`b`)", 13, "expected a matcher"),
	BAD("Host(`a`) !Host(`b`)", 10, "expected && or ||"), BAD("Host(`a`) Host(`b`)", 10, "expected && or ||"),
	BAD("Host(`a`))", 9, "expected && or ||"), BAD("(Host(`a`)", 10, "&&, || or )"),
	BAD("((Host(`a`))", 12, "&&, || or )"), BAD("Host(`a`),", 9, "expected && or ||"),
	/* arguments */
	BAD("Host()", 0, "Host takes one argument, found 0"), BAD("Host(``)", 5, "must not be empty"),
	BAD("Host(\"\")", 5, "must not be empty"), BAD("Host(`a`, `b`)", 0, "takes one argument, found 2"),
	BAD("Host(`a`, ``)", 10, "must not be empty"), BAD("Host(`a`, `b`, `c`)", 0, "found 3"),
	BAD("Path(`/a`, `/b`)", 0, "found 2"), BAD("PathPrefix()", 0, "found 0"),
	BAD("PathRegexp()", 0, "found 0"), BAD("Method()", 0, "found 0"), BAD("Method(`A`, `B`)", 0, "found 2"),
	BAD("Header(`a`)", 0, "Header takes two arguments, found 1"), BAD("Header()", 0, "found 0"),
	BAD("Header(`a`, `b`, `c`)", 0, "found 3"), BAD("Header(`a`, ``)", 12, "must not be empty"),
	BAD("Header(``, `a`)", 7, "must not be empty"), BAD("HeaderRegexp(`a`)", 0, "takes two arguments"),
	BAD("Query()", 0, "one or two arguments, found 0"), BAD("Query(`a`, `b`, `c`)", 0, "found 3"),
	BAD("Query(`k`,``)", 10, "must not be empty"), BAD("QueryRegexp()", 0, "found 0"),
	BAD("ClientIP()", 0, "found 0"), BAD("ClientIP(`::1`, `::2`)", 0, "found 2"),
	BAD("Host(,)", 5, "expected a string"), BAD("Host(`a`,,)", 9, "expected a string"),
	BAD("Host(`a` `b`)", 9, "expected , or )"), BAD("Host(`a`", 8, "end of the rule"),
	BAD("Host(", 5, "end of the rule"), BAD("Host(`a`,", 9, "end of the rule"),
	BAD("Host", 4, "expected ("), BAD("Host `a`", 5, "expected ("), BAD("Host && Path(`/`)", 5, "expected ("),
	BAD("Host(1)", 5, "must be a string"), BAD("Host(1.5)", 5, "must be a string"), BAD("Host(.5)", 5, "must be a string"),
	BAD("Host(0x1f)", 5, "must be a string"), BAD("Host('a')", 5, "must be a string"), BAD("Host('\\'')", 5, "must be a string"),
	BAD("Host(a)", 5, "write `a`"), BAD("Host(a.b)", 5, "must be a string"), BAD("Host(true)", 5, "must be a string"),
	BAD("Host(Host(`a`))", 5, "must be a string"), BAD("Host((`a`))", 5, "expected a string"),
	BAD("Host(`a` + `b`)", 9, "operator + is not supported"), BAD("Host(!`a`)", 5, "expected a string"),
	BAD("Host(`a`...)", 8, "operator . is not supported"), BAD("Host(-1)", 5, "operator - is not supported"),
	BAD("Host(1, `a`)", 5, "must be a string"), BAD("Host(`a`, 1)", 10, "must be a string"),
	/* what arguments may be (b.2) */
	BAD("Host(`\xc3\xa9.com`)", 5, "ASCII"), BAD("Host(\"\\u00e9\")", 5, "ASCII"), BAD("HostRegexp(`\xc3\xa9`)", 11, "ASCII"),
	BAD("Path(`a`)", 5, "must begin with /"), BAD("Path(` /a`)", 5, "must begin with /"), BAD("PathPrefix(`a/b`)", 11, "must begin with /"),
	BAD("PathPrefix(`*`)", 11, "must begin with /"), BAD("PathRegexp(`(`)", 11, "regular expression"),
	BAD("HostRegexp(`[`)", 11, "regular expression"), BAD("HostRegexp(`(?=a)`)", 11, "regular expression"),
	BAD("PathRegexp(`a{2000}`)", 11, "regular expression"), BAD("PathRegexp(`(a)\\1`)", 11, "regular expression"),
	BAD("HeaderRegexp(`a`, `*`)", 18, "regular expression"), BAD("QueryRegexp(`a`, `)`)", 17, "regular expression"),
	BAD("ClientIP(`a`)", 9, "IP address or a CIDR"), BAD("ClientIP(`1.2.3`)", 9, "IP address"), BAD("ClientIP(`1.2.3.4/33`)", 9, "IP address"),
	BAD("ClientIP(`1.2.3.4/`)", 9, "IP address"), BAD("ClientIP(`::1/129`)", 9, "IP address"), BAD("ClientIP(`*`)", 9, "IP address"),
	/* names: other casings are errors */
	BAD("hOST(`a`)", 0, "did you mean Host?"), BAD("hostRegexp(`a`)", 0, "did you mean HostRegexp?"),
	BAD("pathPrefix(`/`)", 0, "did you mean PathPrefix?"), BAD("PATHprefix(`/`)", 0, "did you mean PathPrefix?"),
	BAD("ClientIp(`::1`)", 0, "did you mean ClientIP?"), BAD("clientIP(`::1`)", 0, "did you mean ClientIP?"),
	BAD("Hots(`a`)", 0, "did you mean Host?"), BAD("PathPrefx(`/`)", 0, "did you mean PathPrefix?"),
	BAD("Headers(`a`, `b`)", 0, "did you mean Header?"), BAD("HostSNI(`a`)", 0, "unknown matcher HostSNI"),
	BAD("Foo(`a`)", 0, "unknown matcher Foo"), BAD("_(`a`)", 0, "unknown matcher _"), BAD("H\xc3\xb6st(`a`)", 0, "unknown matcher"),
	BAD("Host(`a`) && Bar(`b`)", 13, "unknown matcher Bar"), BAD("func(`a`)", 0, "unknown matcher func"),
	/* operators that Go has and rules have not */
	BAD("Host(`a`) == Host(`b`)", 10, "operator == is not supported"), BAD("Host(`a`) != Host(`b`)", 10, "operator != is not"),
	BAD("Host(`a`) < Host(`b`)", 10, "operator < is not"), BAD("Host(`a`) <= Host(`b`)", 10, "operator <= is not"),
	BAD("Host(`a`) > Host(`b`)", 10, "operator > is not"), BAD("Host(`a`) >= Host(`b`)", 10, "operator >= is not"),
	BAD("Host(`a`) & Host(`b`)", 10, "operator & is not"), BAD("Host(`a`) | Host(`b`)", 10, "operator | is not"),
	BAD("Host(`a`) + Host(`b`)", 10, "operator + is not"), BAD("Host(`a`); Host(`b`)", 9, "operator ; is not"),
	BAD("Host(`a`);", 9, "operator ; is not"), BAD("a.Host(`b`)", 0, "unknown matcher a"), BAD("Host(`a`).x", 9, "operator . is not"),
	BAD("Host(`a`)[0]", 9, "operator [ is not"), BAD("{Host(`a`)}", 0, "operator { is not"), BAD("-Host(`a`)", 0, "operator - is not"),
	BAD("*Host(`a`)", 0, "operator * is not"), BAD("Host(`a`)(`b`)", 9, "expected && or ||"), BAD("(Host)(`a`)", 5, "expected ("),
	BAD("Host{`a`}", 4, "operator { is not"), BAD("~Host(`a`)", 0, "operator ~ is not"),
	/* a string alone is no predicate */
	BAD("`a`", 0, "expected a matcher, found a string"), BAD("Host(`a`) && `b`", 13, "found a string"), BAD("1", 0, "expected a matcher, found 1"),
	BAD("'a'", 0, "expected a matcher"), BAD("Host(`a`) || 2", 13, "found 2"),
	/* a newline after a complete operand ends the expression */
	BAD("Host(`a`)\n&& Host(`b`)", 9, "the line ends the rule here"), BAD("Host(`a`)\nHost(`b`)", 9, "the line ends the rule here"),
	BAD("Host\n(`a`)", 4, "the line ends the rule here"), BAD("Host(`a`\n)", 8, "the line ends the rule here"),
	BAD("Host(`a`\n,)", 8, "the line ends the rule here"), BAD("(Host(`a`)\n)", 10, "the line ends the rule here"),
	BAD("Host(`a`) // x\n|| Host(`b`)", 14, "the line ends the rule here"), BAD("Host(`a`) /* \n */ || Host(`b`)", 17, "the line ends the rule here"),
	/* strings and comments that do not end; characters from nowhere */
	BAD("Host(`a)", 5, "not closed"), BAD("Host(\"a)", 5, "not closed"), BAD("Host(\"a\nb\")", 5, "not closed"), BAD("Host('a)", 5, "not closed"),
	BAD("Host(\"a\\\")", 5, "not closed"), BAD("Host(`a`) /* x", 10, "comment is not closed"), BAD("/*", 0, "comment is not closed"),
	BAD("Host(\"\\q\")", 6, "unknown escape"), BAD("Host(\"\\'\")", 6, "unknown escape"), BAD("Host(\"\\x4\")", 6, "unknown escape"),
	BAD("Host(\"\\400\")", 6, "unknown escape"), BAD("Host(\"\\08\")", 6, "unknown escape"), BAD("Host(\"\\u12\")", 6, "unknown escape"),
	BAD("Host(\"\\ud800\")", 6, "unknown escape"), BAD("Host(\"\\U00110000\")", 6, "unknown escape"), BAD("Host(\"\\", 6, "unknown escape"),
	BAD("Host(\"\\x", 6, "unknown escape"), BAD("Host(`a`) $", 10, "no place"), BAD("@", 0, "no place"), BAD("Host(`a`) \\", 10, "no place"),
	BAD("Host(`a`)\0", 9, "no place"), BAD("#", 0, "no place"),
};
/* clang-format on */

static void rules_become_trees_with_negation_at_the_leaves(void **state)
{
	(void)state;
	for (size_t i = 0; i < ROWS(good_rows); i++) {
		const struct good_row *row = &good_rows[i];
		struct str text = guard_copy(row->text);
		struct rule_fault fault = {0};
		const struct rule *root, *again;
		struct arena arena;
		int result;

		arena_init(&arena, 1 << 20, 0);
		result = rule_parse(text, &arena, &root, &fault);
		guard_free(text);
		if (result)
			fail_msg(STR_FMT ": %zu: %s", STR_ARG(row->text), fault.column,
				 fault.message);

		struct str printed = rule_print(root, &arena);

		CHECK_STR(row->text.at, printed, row->tree ? str_of(row->tree) : row->text);
		/* What is printed is a rule, and the same one. */
		CHECK_INT(row->text.at, rule_parse(printed, &arena, &again, &fault), 0);
		CHECK_STR(row->text.at, rule_print(again, &arena), printed);
		rule_done(again);
		rule_done(root);
		arena_done(&arena);
	}
}

static void faults_name_the_column_and_what_is_wrong(void **state)
{
	(void)state;
	for (size_t i = 0; i < ROWS(bad_rows); i++) {
		const struct bad_row *row = &bad_rows[i];
		struct str text = guard_copy(row->text);
		struct rule_fault fault = {0};
		const struct rule *root = NULL;
		struct arena arena;
		int result;

		arena_init(&arena, 1 << 20, 0);
		result = rule_parse(text, &arena, &root, &fault);
		guard_free(text);
		CHECK_INT(row->text.at, result, -EINVAL);
		assert_null(root);
		if (!strstr(fault.message, row->message))
			fail_msg("%s: got \"%s\", wanted \"%s\"", row->text.at, fault.message,
				 row->message);
		if (fault.column != row->column)
			fail_msg("%s: %s: got column %zu, wanted %zu", row->text.at, fault.message,
				 fault.column, row->column);
		arena_done(&arena);
	}
}

static int parse_text(struct str text, struct rule_fault *ret_fault)
{
	struct arena arena;
	const struct rule *root = NULL;
	int result;

	arena_init(&arena, 16 << 20, 0);
	result = rule_parse(text, &arena, &root, ret_fault);
	if (result == 0)
		rule_done(root);
	arena_done(&arena);
	return result;
}

static void depth_and_length_are_bounded(void **state)
{
	static char text[70000];
	struct rule_fault fault;
	size_t n = 0;

	(void)state;
	memset(text, '(', 200);
	assert_int_equal(parse_text(str_n(text, 200), &fault), -EINVAL);
	assert_non_null(strstr(fault.message, "nested deeper"));
	memset(text, '!', 60000);
	assert_int_equal(parse_text(str_n(text, 60000), &fault), -EINVAL);
	assert_non_null(strstr(fault.message, "nested deeper"));
	memset(text, ' ', sizeof(text));
	assert_int_equal(parse_text(str_n(text, 65536), &fault), -EINVAL);
	assert_non_null(strstr(fault.message, "longer than"));
	while (n + 24 < 65000)
		n += (size_t)snprintf(text + n, sizeof(text) - n, "%sHost(`a%zu`)", n ? "||" : "",
				      n);
	assert_int_equal(parse_text(str_n(text, n), &fault), 0);
}

static void every_prefix_of_a_rule_is_a_fault_or_a_rule(void **state)
{
	struct str text =
		STR("!(Host(\"a\\x41\") && /* c */ PathRegexp(`^/x`)) || Header(`k`, `v`) // end");

	(void)state;
	for (size_t n = 0; n <= text.len; n++) {
		struct str prefix = guard_copy(str_take(text, n));
		struct rule_fault fault = {0};
		int result = parse_text(prefix, &fault);

		assert_true(result == 0 ||
			    (result == -EINVAL && fault.message[0] && fault.column <= n));
		guard_free(prefix);
	}
}

static void too_small_an_arena_is_reported(void **state)
{
	(void)state;
	for (size_t cap = 64; cap < 4096; cap += 64) {
		struct rule_fault fault = {0};
		const struct rule *root = NULL;
		struct arena arena;
		int result;

		arena_init(&arena, cap, 64);
		result = rule_parse(
			STR("HostRegexp(`a`) && (Path(`/b`) || Query(`c`, `d`) || Host(`E`))"),
			&arena, &root, &fault);
		assert_true(result == 0 || result == -ENOMEM);
		if (result == 0)
			rule_done(root);
		arena_done(&arena);
	}
}

static void leaves_know_where_they_stand(void **state)
{
	struct arena arena;
	const struct rule *root;
	struct rule_fault fault;

	(void)state;
	arena_init(&arena, 1 << 20, 0);
	assert_int_equal(rule_parse(STR("Host(`a`) && !Path( `/b` )"), &arena, &root, &fault), 0);
	assert_int_equal(root->n_children, 2);
	assert_int_equal(root->children[0]->column, 0);
	assert_int_equal(root->children[0]->end, 9);
	assert_int_equal(root->children[1]->column, 14);
	assert_int_equal(root->children[1]->end, 26);
	assert_true(root->children[1]->negated);
	rule_done(root);
	rule_done(NULL);
	arena_done(&arena);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(rules_become_trees_with_negation_at_the_leaves),
		cmocka_unit_test(faults_name_the_column_and_what_is_wrong),
		cmocka_unit_test(depth_and_length_are_bounded),
		cmocka_unit_test(every_prefix_of_a_rule_is_a_fault_or_a_rule),
		cmocka_unit_test(too_small_an_arena_is_reported),
		cmocka_unit_test(leaves_know_where_they_stand),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
