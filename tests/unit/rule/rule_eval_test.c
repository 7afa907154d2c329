// SPDX-License-Identifier: Apache-2.0
/* rule_eval_test: rules against whole requests, parsed and made canonical as the proxy does it
 * (reference/traefik.md b.2). */

#include "rule/rule.h"

#include "check.h"
#include "http/canon.h"
#include "http/h1_parse.h"

enum { SLOTS = 32 };

struct row {
	const char *rule, *request; /* request line and headers; Host is added when there is none */
	bool matches;
	const char *peer; /* NULL: 192.0.2.1 */
};

#define YES(rule, request)                \
	{                                 \
		rule, request, true, NULL \
	}
#define NO(rule, request)                  \
	{                                  \
		rule, request, false, NULL \
	}
#define FROM(peer, rule, matches)                                    \
	{                                                            \
		rule, "GET / HTTP/1.1\r\nHost: a\r\n", matches, peer \
	}
#define H(host)	  "GET / HTTP/1.1\r\nHost: " host "\r\n"
#define P(target) "GET " target " HTTP/1.1\r\nHost: a\r\n"
#define F(fields) "GET / HTTP/1.1\r\nHost: a\r\n" fields "\r\n"
#define M(method) method " / HTTP/1.1\r\nHost: a\r\n"

/* clang-format off */
static const struct row rows[] = {
	/* Host */
	YES("Host(`a.b`)", H("a.b")), YES("Host(`a.b`)", H("A.B")), YES("Host(`A.b`)", H("a.B")), NO("Host(`a.b`)", H("a.c")),
	NO("Host(`a.b`)", H("x.a.b")), NO("Host(`a.b`)", H("a.b.c")), YES("Host(`a.b`)", H("a.b:8080")), YES("Host(`a.b`)", H("a.b:")),
	YES("Host(`a.b.`)", H("a.b")), YES("Host(`a.b`)", H("a.b.")), YES("Host(`a.b.`)", H("a.b.")), NO("Host(`a.b`)", H("a.b..")),
	NO("Host(`a.b:80`)", H("a.b:80")), YES("Host(`1.2.3.4`)", H("1.2.3.4:80")), YES("Host(`::1`)", H("[::1]:80")), NO("Host(`[::1]`)", H("[::1]")),
	YES("Host(`*`)", H("x.y")), YES("Host(`*`)", H("")), YES("Host(`*`)", "GET / HTTP/1.0\r\n"), NO("Host(`a`)", "GET / HTTP/1.0\r\n"),
	YES("Host(`*.b.c`)", H("a.b.c")), YES("Host(`*.b.c`)", H("A.B.C:1")), NO("Host(`*.b.c`)", H("x.a.b.c")), NO("Host(`*.b.c`)", H("b.c")),
	NO("Host(`*.b.c`)", H("a.b.d")), YES("Host(`*.b.c.`)", H("a.b.c")), YES("Host(`*.b.c`)", H("a.b.c.")), NO("Host(`*b.c`)", H("ab.c")),
	NO("Host(`*.`)", H("a")), NO("Host(`*.a`)", H("a")), NO("Host(`*.a`)", H("")), NO("Host(`a.*`)", H("a.b")), YES("Host(`a_b`)", H("a_b")),
	YES("Host(`b`)", "GET http://b/ HTTP/1.1\r\nHost: a\r\n"), NO("Host(`a`)", "GET http://b/ HTTP/1.1\r\nHost: a\r\n"),
	YES("Host(`a`)", "GET http://@/ HTTP/1.1\r\nHost: a\r\n"), YES("Host(`b`)", "GET http://B:81/x HTTP/1.1\r\nHost: a\r\n"),
	/* HostRegexp */
	YES("HostRegexp(`^[a-z]+\\.b$`)", H("x.b")), YES("HostRegexp(`^[a-z]+\\.b$`)", H("X.B:1")), NO("HostRegexp(`X`)", H("X.b")), YES("HostRegexp(`(?i)X`)", H("x.b")),
	YES("HostRegexp(`b`)", H("a.b.c")), NO("HostRegexp(`^b`)", H("a.b")), YES("HostRegexp(`.*`)", H("")), YES("HostRegexp(`^$`)", "GET / HTTP/1.0\r\n"), NO("HostRegexp(`^.+$`)", "GET / HTTP/1.0\r\n"),
	/* Path */
	YES("Path(`/`)", P("/")), YES("Path(`/a`)", P("/a")), NO("Path(`/a`)", P("/a/")), NO("Path(`/a/`)", P("/a")), NO("Path(`/a`)", P("/A")), YES("Path(`/a`)", P("/a?b=c")),
	YES("Path(`/foo bar`)", P("/foo%20bar")), NO("Path(`/foo%20bar`)", P("/foo%20bar")), YES("Path(`/foo%2Fbar`)", P("/foo%2Fbar")), YES("Path(`/foo%2Fbar`)", P("/foo%2fbar")),
	NO("Path(`/foo/bar`)", P("/foo%2Fbar")), NO("Path(`/foo%2Fbar`)", P("/foo/bar")), NO("Path(`/foo%2fbar`)", P("/foo%2fbar")), YES("Path(`/a`)", P("/%61")), YES("Path(`/\xc3\xa9`)", P("/%C3%A9")),
	YES("Path(`/a`)", P("/b/../a")), YES("Path(`/a/b`)", P("//a//b")), YES("Path(`/b`)", P("/../b")), YES("Path(`/a`)", P("/%2e%2e/a")), YES("Path(`/a%3Bb`)", P("/a%3bb")), YES("Path(`/a;b`)", P("/a;b")),
	YES("Path(`/a%25b`)", P("/a%25b")), YES("Path(`/a%3Fb`)", P("/a%3Fb")), YES("Path(`/x`)", "GET http://h/x HTTP/1.1\r\nHost: a\r\n"), YES("Path(`/`)", "GET http://h HTTP/1.1\r\nHost: a\r\n"), YES("Path(`/\"`)", P("/%22")), YES("Path(`/|`)", P("/|")),
	/* PathPrefix: of the string */
	YES("PathPrefix(`/`)", P("/a")), YES("PathPrefix(`/foo`)", P("/foo")), YES("PathPrefix(`/foo`)", P("/foobar")), YES("PathPrefix(`/foo`)", P("/foo/bar")), NO("PathPrefix(`/foo/`)", P("/foo")),
	YES("PathPrefix(`/foo/`)", P("/foo/")), NO("PathPrefix(`/foo`)", P("/fo")), NO("PathPrefix(`/foo`)", P("/Foo")), YES("PathPrefix(`/a b`)", P("/a%20bc")), NO("PathPrefix(`/admin`)", P("/x/../y")), YES("PathPrefix(`/admin`)", P("/x/../admin/y")), YES("PathPrefix(`/admin`)", P("/./admin")),
	YES("PathPrefix(`/admin`)", P("/%61dmin")), YES("PathPrefix(`/admin`)", P("//admin")),
	/* PathRegexp */
	YES("PathRegexp(`^/a/[0-9]+$`)", P("/a/12")), NO("PathRegexp(`^/a/[0-9]+$`)", P("/a/x")), YES("PathRegexp(`b`)", P("/abc")), NO("PathRegexp(`B`)", P("/abc")), YES("PathRegexp(`(?i)B`)", P("/abc")), YES("PathRegexp(`/a b$`)", P("/a%20b")), YES("PathRegexp(`%2F`)", P("/a%2fb")), YES("PathRegexp(`\\.(jpg|png)$`)", P("/x.png")),
	/* Method */
	YES("Method(`GET`)", M("GET")), YES("Method(`get`)", M("GET")), NO("Method(`GET`)", M("get")), NO("Method(`GET`)", M("POST")), NO("Method(`GET`)", M("HEAD")), YES("Method(`purge`)", M("PURGE")),
	/* Header */
	YES("Header(`X-A`, `1`)", F("X-A: 1")), YES("Header(`x-a`, `1`)", F("X-A: 1")), YES("Header(`X-A`, `1`)", F("x-a:  1 ")), NO("Header(`X-A`, `a`)", F("X-A: A")), NO("Header(`X-A`, `1`)", F("X-A: 1, 2")), YES("Header(`X-A`, `1, 2`)", F("X-A: 1, 2")),
	YES("Header(`X-A`, `2`)", F("X-A: 1\r\nX-a: 2")), NO("Header(`X-A`, `1`)", F("X-B: 1")), NO("Header(`Host`, `a`)", F("X-B: 1")), NO("HeaderRegexp(`Host`, `.*`)", F("X-B: 1")), YES("Header(`User-Agent`, `c`)", F("user-agent: c")), YES("Header(`Content-Type`, `text/html`)", F("Content-Type: text/html")),
	NO("Header(`X-A`, `1`)", H("a")), NO("Header(`X A`, `1`)", F("X-A: 1")),
	/* HeaderRegexp */
	YES("HeaderRegexp(`X-A`, `^1`)", F("X-A: 12")), YES("HeaderRegexp(`X-A`, `2`)", F("X-A: 12")), NO("HeaderRegexp(`X-A`, `^2`)", F("X-A: 12")), YES("HeaderRegexp(`X-A`, `^3$`)", F("X-A: 1\r\nX-A: 3")), NO("HeaderRegexp(`X-A`, `.*`)", F("X-B: 1")), YES("HeaderRegexp(`X-A`, `^$`)", F("X-A:")), YES("HeaderRegexp(`Cookie`, `(^|; )a=`)", F("Cookie: b=1; a=2")),
	/* Query */
	YES("Query(`k`)", P("/?k")), YES("Query(`k`)", P("/?k=")), NO("Query(`k`)", P("/?k=1")), NO("Query(`k`)", P("/")), NO("Query(`k`)", P("/?K")), YES("Query(`k`)", P("/?k=1&k")), YES("Query(`k`, `v`)", P("/?k=v")), NO("Query(`k`, `v`)", P("/?k=V")), NO("Query(`k`, `v`)", P("/?k=vv")),
	YES("Query(`k`, `v`)", P("/?k=1&k=v")), YES("Query(`k`, `a b`)", P("/?k=a+b")), YES("Query(`k`, `a b`)", P("/?k=a%20b")), YES("Query(`k`, `v`)", P("/?%6b=%76")), YES("Query(`k`, `v`)", P("/?a=1;k=v")), NO("Query(`k`, `v`)", P("/?k=%zz&x=v")), YES("Query(`k`, `a=b`)", P("/?k=a=b")), YES("Query(`k`, `1;2`)", P("/?k=1%3B2")), NO("Query(`k`, `1;2`)", P("/?k=1;2")), NO("Query(`k`)", P("/?")),
	YES("Query(`a b`, `c`)", P("/?a+b=c")), YES("Query(`k`, `+`)", P("/?k=%2B")),
	/* QueryRegexp */
	YES("QueryRegexp(`k`)", P("/?k")), NO("QueryRegexp(`k`)", P("/?k=1")), YES("QueryRegexp(`k`, `^[0-9]+$`)", P("/?k=12")), NO("QueryRegexp(`k`, `^[0-9]+$`)", P("/?k=x")), YES("QueryRegexp(`k`, `b`)", P("/?k=a&k=b")), NO("QueryRegexp(`k`, `.*`)", P("/?j=1")), YES("QueryRegexp(`k`, `^$`)", P("/?k")),
	/* ClientIP */
	FROM("10.1.2.3", "ClientIP(`10.1.2.3`)", true), FROM("10.1.2.4", "ClientIP(`10.1.2.3`)", false), FROM("10.1.2.3", "ClientIP(`10.0.0.0/8`)", true), FROM("11.1.2.3", "ClientIP(`10.0.0.0/8`)", false), FROM("10.1.2.3", "ClientIP(`10.1.2.77/24`)", true),
	FROM("::ffff:10.1.2.3", "ClientIP(`10.0.0.0/8`)", true), FROM("10.1.2.3", "ClientIP(`::ffff:10.1.2.3`)", true), FROM("2001:db8::1", "ClientIP(`2001:db8::/32`)", true), FROM("2001:db9::1", "ClientIP(`2001:db8::/32`)", false), FROM("10.1.2.3", "ClientIP(`0.0.0.0/0`)", true), FROM("2001:db8::1", "ClientIP(`0.0.0.0/0`)", false), FROM("10.1.2.3", "!ClientIP(`10.0.0.0/8`)", false),
	{"ClientIP(`1.1.1.1`)", F("X-Forwarded-For: 1.1.1.1"), false, NULL},
	/* operators */
	YES("Host(`a`) && Path(`/`)", H("a")), NO("Host(`a`) && Path(`/x`)", H("a")), YES("Host(`b`) || Path(`/`)", H("a")), NO("Host(`b`) || Path(`/x`)", H("a")), YES("Host(`a`) || Host(`b`) && Host(`c`)", H("a")), NO("(Host(`a`) || Host(`b`)) && Host(`c`)", H("a")),
	NO("!Host(`a`)", H("a")), YES("!Host(`b`)", H("a")), YES("!!Host(`a`)", H("a")), YES("!(Host(`a`) && Path(`/x`))", H("a")), NO("!(Host(`a`) || Path(`/x`))", H("a")), YES("!(Host(`b`) || Path(`/x`))", H("a")), NO("!(Host(`a`) && Path(`/`))", H("a")),
	YES("Host(`a`) && !PathPrefix(`/api`)", H("a")), NO("PathPrefix(`/`) && !PathPrefix(`/api`)", P("/api/x")), YES("!Header(`X-A`, `1`)", H("a")), YES("!Query(`k`)", P("/?k=1")), YES("!(Host(`b`) || !Path(`/`))", H("a")),
};
/* clang-format on */

struct scene {
	struct arena arena;
	struct header slots[SLOTS];
	struct request request;
	const struct rule *rule;
};

static void set(struct scene *scene, const struct row *row)
{
	static const struct h1_limits limits = {4096, SLOTS};
	struct rule_fault fault;
	struct str text;
	enum fail fail = FAIL_NONE;

	arena_init(&scene->arena, 1 << 20, 0);
	if (rule_parse(str_of(row->rule), &scene->arena, &scene->rule, &fault))
		fail_msg("%s: %s", row->rule, fault.message);
	text = arena_printf(&scene->arena, "%s\r\n", row->request);
	scene->request = (struct request){
		.arena = &scene->arena,
		.headers = {.at = scene->slots, .cap = SLOTS, .arena = &scene->arena}};
	h1_parse_request(text, &limits, &scene->request, &fail);
	if (fail == FAIL_NONE)
		fail = canon_request(&scene->request, &(const struct canon_options){0});
	CHECK_INT(row->request, fail, FAIL_NONE);
	assert_int_equal(
		addr_parse(str_of(row->peer ? row->peer : "192.0.2.1"), &scene->request.peer), 0);
}

static void done(struct scene *scene)
{
	rule_done(scene->rule);
	arena_done(&scene->arena);
}

static void rules_match_what_the_reference_says(void **state)
{
	(void)state;
	for (size_t i = 0; i < ROWS(rows); i++) {
		struct scene scene;
		const struct rule *leaf;

		set(&scene, &rows[i]);
		if (rule_match(scene.rule, &scene.request) != rows[i].matches)
			fail_msg("%s should%s match %s from %s", rows[i].rule,
				 rows[i].matches ? "" : " not", rows[i].request,
				 rows[i].peer ? rows[i].peer : "192.0.2.1");
		leaf = rule_failed_leaf(scene.rule, &scene.request);
		CHECK_INT(rows[i].rule, leaf == NULL, rows[i].matches);
		if (leaf) {
			CHECK_INT(rows[i].rule, leaf->op, RULE_LEAF);
			CHECK_INT(rows[i].rule, rule_match(leaf, &scene.request), false);
		}
		done(&scene);
	}
}

static void the_guilty_leaf_is_named(void **state)
{
	static const struct {
		struct row row;
		const char *leaf;
	} guilty[] = {
		{NO("Host(`a`) && Path(`/x`) && Method(`PUT`)", H("a")), "Path(`/x`)"},
		{NO("Host(`b`) || Path(`/x`)", H("a")), "Host(`b`)"},
		{NO("Host(`a`) && (Path(`/x`) || Path(`/y`))", H("a")), "Path(`/x`)"},
		{NO("!(Host(`a`) || Path(`/x`))", H("a")), "!Host(`a`)"},
	};

	(void)state;
	for (size_t i = 0; i < ROWS(guilty); i++) {
		struct scene scene;
		const struct rule *leaf;

		set(&scene, &guilty[i].row);
		leaf = rule_failed_leaf(scene.rule, &scene.request);
		assert_non_null(leaf);
		CHECK_STR(guilty[i].row.rule, rule_print_leaf(leaf, &scene.arena),
			  str_of(guilty[i].leaf));
		done(&scene);
	}
}

static void hosts_of_a_rule_are_listed(void **state)
{
	static const struct {
		const char *rule, *hosts;
	} lists[] = {
		{"Host(`a`)", "a "},
		{"Host(`A`) && Path(`/`) || Host(`b.`)", "a b "},
		{"!Host(`a`) && (Host(`c`) || HostRegexp(`d`))", "c "},
		{"!(!Host(`a`))", "a "},
		{"Host(`*.a`) && Host(`*`)", "*.a * "},
		{"Path(`/`)", ""},
	};

	(void)state;
	for (size_t i = 0; i < ROWS(lists); i++) {
		struct arena arena;
		const struct rule *rule;
		struct rule_fault fault;
		struct strs hosts;
		struct str all = {0};

		arena_init(&arena, 1 << 20, 0);
		assert_int_equal(rule_parse(str_of(lists[i].rule), &arena, &rule, &fault), 0);
		rule_hosts(rule, &arena, &hosts);
		for (size_t n = 0; n < hosts.n; n++)
			all = arena_printf(&arena, STR_FMT STR_FMT " ", STR_ARG(all),
					   STR_ARG(hosts.at[n]));
		CHECK_STR(lists[i].rule, all, str_of(lists[i].hosts));
		rule_done(rule);
		arena_done(&arena);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(rules_match_what_the_reference_says),
		cmocka_unit_test(the_guilty_leaf_is_named),
		cmocka_unit_test(hosts_of_a_rule_are_listed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
