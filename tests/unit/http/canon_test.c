// SPDX-License-Identifier: Apache-2.0
/* canon_test: paths and hosts before and after, as rows (reference/traefik.md b.2 and e;
 * reference/security.md A2.3). */

#include "http/canon.h"

#include "check.h"
#include "guard.h"

struct path_row {
	const char *raw, *canonical;
	const char *decoded, *routing; /* NULL: like the canonical one */
	enum fail fail;
};

#define SAME(path)                                \
	{                                         \
		path, path, NULL, NULL, FAIL_NONE \
	}
#define TO(path, canonical)                            \
	{                                              \
		path, canonical, NULL, NULL, FAIL_NONE \
	}
#define THREE(path, canonical, dec, rout)             \
	{                                             \
		path, canonical, dec, rout, FAIL_NONE \
	}
#define BAD(path, fail)                             \
	{                                           \
		path, NULL, NULL, NULL, FAIL_##fail \
	}

/* clang-format off */
static const struct path_row path_rows[] = {
	SAME("/"), SAME("/a"), SAME("/a/"), SAME("/a/b.c/d-e_f~g"), SAME("/a.b/c..d"), SAME("/a:b@c!$&'()*+,=;d"),
	SAME("/.well-known/x"), SAME("/..a/...b/.c"), SAME("/a;b=c"), SAME("/[a]"),
	/* e: escapes become upper case, unreserved ones are decoded */
	TO("/%61%2d%2E%5f%7e%41%30", "/a-._~A0"), TO("/a%2Db", "/a-b"),
	THREE("/a%2fb", "/a%2Fb", "/a/b", "/a%2Fb"), THREE("/a%20b", "/a%20b", "/a b", "/a b"),
	THREE("/%c3%a9", "/%C3%A9", "/\xc3\xa9", "/\xc3\xa9"), THREE("/a%3Fb", "/a%3Fb", "/a?b", "/a%3Fb"),
	THREE("/a%2525", "/a%2525", "/a%25", "/a%2525"), THREE("/%7e%7B", "/~%7B", "/~{", "/~{"),
	/* b.2: the reserved set stays escaped for rules */
	THREE("/%3a%2f%3f%23%5b%5d%40%21%24%26%27%28%29%2a%2b%2c%3b%3d%25", "/%3A%2F%3F%23%5B%5D%40%21%24%26%27%28%29%2A%2B%2C%3B%3D%25",
	      "/:/?#[]@!$&'()*+,;=%", "/%3A%2F%3F%23%5B%5D%40%21%24%26%27%28%29%2A%2B%2C%3B%3D%25"),
	THREE("/%22%3c%3e%5c%5e%60%7c", "/%22%3C%3E%5C%5E%60%7C", "/\"<>\\^`|", "/\"<>\\^`|"),
	/* bytes that no path may hold are escaped, so that every server reads the same */
	THREE("/a\"<>\\^`{|}", "/a%22%3C%3E%5C%5E%60%7B%7C%7D", "/a\"<>\\^`{|}", "/a\"<>\\^`{|}"),
	THREE("/\xc3\xa9", "/%C3%A9", "/\xc3\xa9", "/\xc3\xa9"),
	/* e: dot segments and duplicate slashes go; a final slash stays; never above the root */
	TO("//", "/"), TO("///a", "/a"), TO("/a//b", "/a/b"), TO("/a///b//", "/a/b/"), TO("/.", "/"), TO("/..", "/"),
	TO("/./", "/"), TO("/../", "/"), TO("/a/.", "/a"), TO("/a/./", "/a/"), TO("/a/..", "/"), TO("/a/../", "/"),
	TO("/a/b/..", "/a"), TO("/a/b/../", "/a/"), TO("/a/./b", "/a/b"), TO("/a/../b", "/b"), TO("/../../a", "/a"),
	TO("/a/../../../b/../c/", "/c/"), TO("/a/b/c/../../d", "/a/d"), TO("/a//../b", "/b"), TO("//..//a", "/a"),
	TO("/%2e%2e/a", "/a"), TO("/a/%2E%2e/b", "/b"), TO("/a/.%2e/b", "/b"), TO("/a/%2e/b", "/a/b"), TO("/admin/%2e%2e/x", "/x"),
	TO("/a/..b", "/a/..b"), TO("/a/...", "/a/..."),
	/* an encoded slash is no separator, and what is beside one is no dot segment... */
	THREE("/a%2F/b", "/a%2F/b", "/a//b", "/a%2F/b"), THREE("/a/%2Fb", "/a/%2Fb", "/a//b", "/a/%2Fb"),
	THREE("/x/http:%2F%2Fa.b", "/x/http:%2F%2Fa.b", "/x/http://a.b", "/x/http:%2F%2Fa.b"),
	THREE("/a%2F..b", "/a%2F..b", "/a/..b", "/a%2F..b"), THREE("/a%2F.%2Fb", "/a%2F.%2Fb", "/a/./b", "/a%2F.%2Fb"),
	THREE("/a/b%5Cc", "/a/b%5Cc", "/a/b\\c", "/a/b\\c"),
	/* ...but some servers take it for one: that is refused (A2.3) */
	BAD("/a/..%2Fb", PATH_AMBIGUOUS), BAD("/a%2F../b", PATH_AMBIGUOUS), BAD("/a%2f..%2fb", PATH_AMBIGUOUS),
	BAD("/a%2F..", PATH_AMBIGUOUS), BAD("/a/%2e%2e%2fb", PATH_AMBIGUOUS), BAD("/a/..%5Cb", PATH_AMBIGUOUS),
	BAD("/a%5c..%5cb", PATH_AMBIGUOUS), BAD("/a\\..\\b", PATH_AMBIGUOUS), BAD("/..\\a", PATH_AMBIGUOUS),
	BAD("/..;/a", PATH_AMBIGUOUS), BAD("/a/..;x=y/b", PATH_AMBIGUOUS), BAD("/a/..;", PATH_AMBIGUOUS), BAD("/.;/a", PATH_AMBIGUOUS),
	BAD("/a/..%3b/b", PATH_AMBIGUOUS), BAD("/%2e%2e;/a", PATH_AMBIGUOUS), BAD("/a/%2e;x", PATH_AMBIGUOUS),
	SAME("/a..;/b"), SAME("/a/...;/b"), SAME("/a/.b;/c"),
	/* what is malformed */
	BAD("/%", ESCAPE_BAD), BAD("/%a", ESCAPE_BAD), BAD("/%ag", ESCAPE_BAD), BAD("/%g0", ESCAPE_BAD), BAD("/a%2", ESCAPE_BAD),
	BAD("/%%20", ESCAPE_BAD), BAD("/%u0041", ESCAPE_BAD), BAD("/a#b", FRAGMENT), BAD("/#", FRAGMENT), BAD("a", TARGET_BAD), BAD("", TARGET_BAD),
	BAD("%2Fa", TARGET_BAD), BAD("../a", TARGET_BAD),
};
/* clang-format on */

static struct request request_of(struct arena *arena, struct str path)
{
	return (struct request){
		.arena = arena, .raw_path = path, .authority = STR("a"), .target = path};
}

static void paths_become_canonical_once(void **state)
{
	const struct canon_options options = {0};

	(void)state;
	for (size_t i = 0; i < ROWS(path_rows); i++) {
		const struct path_row *row = &path_rows[i];
		struct str raw = guard_copy(str_of(row->raw));
		struct arena arena;
		struct request request;

		arena_init(&arena, 65536, 0);
		request = request_of(&arena, raw);
		CHECK_STR(row->raw, fail_row(canon_request(&request, &options))->log,
			  fail_row(row->fail)->log);
		if (row->fail == FAIL_NONE) {
			CHECK_STR(row->raw, request.raw_path, str_of(row->canonical));
			CHECK_STR(row->raw, request.path,
				  str_of(row->decoded ? row->decoded : row->canonical));
			CHECK_STR(row->raw, request.routing_path,
				  str_of(row->routing ? row->routing : row->canonical));
			CHECK_STR(row->raw, canon_routing_path(request.raw_path, &arena),
				  request.routing_path);
			/* Canonical is canonical: doing it again changes nothing. */
			CHECK_INT(row->raw, canon_set_path(&request, request.raw_path), FAIL_NONE);
			CHECK_STR(row->raw, request.raw_path, str_of(row->canonical));
		}
		guard_free(raw);
		arena_done(&arena);
	}
}

static void a_canonical_path_is_not_copied(void **state)
{
	const struct canon_options options = {0};
	struct str path = STR("/a/b-c/d.html");
	struct request request = request_of(NULL, path);

	(void)state;
	assert_int_equal(canon_request(&request, &options), FAIL_NONE);
	assert_ptr_equal(request.raw_path.at, path.at);
	assert_ptr_equal(request.path.at, path.at);
	assert_ptr_equal(request.routing_path.at, path.at);
}

static void sanitising_can_be_switched_off(void **state)
{
	const struct canon_options options = {.keep_path = true};
	struct arena arena;
	struct request request;

	(void)state;
	arena_init(&arena, 65536, 0);
	request = request_of(&arena, STR("/a//b/../%2e/c%2f"));
	assert_int_equal(canon_request(&request, &options), FAIL_NONE);
	CHECK_STR("kept", request.raw_path, STR("/a//b/.././c%2F"));
	/* Middlewares' paths are sanitised all the same. */
	assert_int_equal(canon_set_path(&request, STR("/a//b/../c")), FAIL_NONE);
	CHECK_STR("set", request.raw_path, STR("/a/c"));
	assert_int_equal(canon_set_path(&request, STR("b")), FAIL_TARGET_BAD);
	CHECK_STR("untouched", request.raw_path, STR("/a/c"));
	/* What an administrator wrote stays, but for its escapes. */
	assert_int_equal(canon_set_path_kept(&request, STR("/a//b/../c%2d d")), FAIL_NONE);
	assert_true(str_eq(request.raw_path, STR("/a//b/../c-%20d")));
	assert_true(str_eq(request.path, STR("/a//b/../c- d")));
	arena_done(&arena);
}

static void semicolons_in_queries_follow_the_option(void **state)
{
	static const struct {
		const char *query, *plain, *escaped;
	} rows[] = {
		{"", "", ""},
		{"a=b&c", "a=b&c", "a=b&c"},
		{"a;b", "a&b", "a%3Bb"},
		{";;", "&&", "%3B%3B"},
		{"a=%3b;%zz", "a=%3b&%zz", "a=%3b%3B%zz"},
	};

	(void)state;
	for (size_t i = 0; i < ROWS(rows) * 2; i++) {
		const struct canon_options options = {.encode_query_semicolons = i % 2};
		struct arena arena;
		struct request request;

		arena_init(&arena, 65536, 0);
		request = request_of(&arena, STR("/"));
		request.query = str_of(rows[i / 2].query);
		assert_int_equal(canon_request(&request, &options), FAIL_NONE);
		CHECK_STR(rows[i / 2].query, request.query,
			  str_of(i % 2 ? rows[i / 2].escaped : rows[i / 2].plain));
		arena_done(&arena);
	}
}

static void hosts_become_canonical(void **state)
{
	static const struct {
		const char *authority, *host; /* NULL: refused */
	} rows[] = {
		{"", ""},
		{"a", "a"},
		{"A.Example.COM", "a.example.com"},
		{"a:80", "a"},
		{"A:", "a"},
		{"a.", "a"},
		{"a.:80", "a"},
		{"a..", "a."},
		{".", "."},
		{"[::1]", "::1"},
		{"[2001:DB8::1]:443", "2001:db8::1"},
		{"1.2.3.4:5", "1.2.3.4"},
		{"a_b-c~d", "a_b-c~d"},
		{"a b", NULL},
		{"a,b", NULL},
		{"u@a", NULL},
		{"a/b", NULL},
		{"a:x", NULL},
		{"a:99999", NULL},
		{"[::1", NULL},
		{"[::1]x", NULL},
		{"[1.2.3.4]", NULL},
		{"[::1%25eth0]", NULL},
		{"a%41", NULL},
		{"\xc3\xa9", NULL},
		{"a\\b", NULL},
		{"a?b", NULL},
		{"a#b", NULL},
		{"a:-1", NULL},
		{"a:1:2", NULL},
	};

	(void)state;
	for (size_t i = 0; i < ROWS(rows); i++) {
		struct str authority = guard_copy(str_of(rows[i].authority)), host;
		struct arena arena;
		bool is_good;

		arena_init(&arena, 65536, 0);
		is_good = canon_host(authority, &arena, &host);
		CHECK_INT(rows[i].authority, is_good, rows[i].host != NULL);
		if (is_good)
			CHECK_STR(rows[i].authority, host, str_of(rows[i].host));
		guard_free(authority);
		arena_done(&arena);
	}
}

static void denied_escapes_are_found(void **state)
{
	static const struct {
		const char *path;
		unsigned int bit;
	} rows[] = {
		{"/a%2Fb", CANON_ENCODED_SLASH},   {"/a%5Cb", CANON_ENCODED_BACKSLASH},
		{"/a%00", CANON_ENCODED_NUL},	   {"/%3Ba", CANON_ENCODED_SEMICOLON},
		{"/%2541", CANON_ENCODED_PERCENT}, {"/a%3F", CANON_ENCODED_QUESTION_MARK},
		{"/%20%23", CANON_ENCODED_HASH},
	};

	(void)state;
	for (size_t i = 0; i < ROWS(rows); i++) {
		struct str path = guard_copy(str_of(rows[i].path));

		CHECK_INT(rows[i].path, canon_check_encoded(path, rows[i].bit),
			  FAIL_ENCODED_CHARACTER);
		CHECK_INT(rows[i].path, canon_check_encoded(path, CANON_ENCODED_ALL & ~rows[i].bit),
			  FAIL_NONE);
		CHECK_INT(rows[i].path, canon_check_encoded(path, 0), FAIL_NONE);
		guard_free(path);
	}
	assert_int_equal(canon_check_encoded(STR("/a%20%C3%A9"), CANON_ENCODED_ALL), FAIL_NONE);
}

static void options_of_the_server_are_told_apart(void **state)
{
	const struct canon_options options = {0};
	struct request request = request_of(NULL, STR("*"));

	(void)state;
	assert_int_equal(canon_request(&request, &options), FAIL_SERVER_OPTIONS);
}

static void short_memory_is_a_failure(void **state)
{
	const struct canon_options options = {0};
	struct arena arena;
	struct request request;

	(void)state;
	arena_init(&arena, 0, 0);
	request = request_of(&arena, STR("/%41"));
	assert_int_equal(canon_request(&request, &options), FAIL_INTERNAL);
	request = request_of(&arena, STR("/"));
	request.query = STR(";");
	assert_int_equal(canon_request(&request, &options), FAIL_INTERNAL);
	arena_done(&arena);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(paths_become_canonical_once),
		cmocka_unit_test(a_canonical_path_is_not_copied),
		cmocka_unit_test(sanitising_can_be_switched_off),
		cmocka_unit_test(semicolons_in_queries_follow_the_option),
		cmocka_unit_test(hosts_become_canonical),
		cmocka_unit_test(denied_escapes_are_found),
		cmocka_unit_test(options_of_the_server_are_told_apart),
		cmocka_unit_test(short_memory_is_a_failure),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
