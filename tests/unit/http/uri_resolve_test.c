// SPDX-License-Identifier: Apache-2.0
/* uri_resolve_test: RFC 3986 5.4. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "http/uri_resolve.h"

static const struct {
	const char *base, *reference, *expected; /* NULL: refused */
} rows[] = {
	{"http://a/b/c/d;p?q", "g:h", "g:h"},
	{"http://a/b/c/d;p?q", "https://x/y", "https://x/y"},
	{"http://a/b/c/d;p?q", "g", "http://a/b/c/g"},
	{"http://a/b/c/d;p?q", "./g", "http://a/b/c/g"},
	{"http://a/b/c/d;p?q", "g/", "http://a/b/c/g/"},
	{"http://a/b/c/d;p?q", "/g", "http://a/g"},
	{"http://a/b/c/d;p?q", "//g", "http://g"},
	{"http://a/b/c/d;p?q", "?y", "http://a/b/c/d;p?y"},
	{"http://a/b/c/d;p?q", "g?y", "http://a/b/c/g?y"},
	{"http://a/b/c/d;p?q", "#s", "http://a/b/c/d;p?q#s"},
	{"http://a/b/c/d;p?q", "g#s", "http://a/b/c/g#s"},
	{"http://a/b/c/d;p?q", "..", "http://a/b/"},
	{"http://a/b/c/d;p?q", "../g", "http://a/b/g"},
	{"http://a/b/c/d;p?q", "../../../g", "http://a/g"},
	{"http://a/b/c/d;p?q", "g/../h", "http://a/b/c/h"},
	{"http://a/b/c/d;p?q", "/a/./b//c", "http://a/a/b//c"},
	{"http://auth:8080", "/login", "http://auth:8080/login"},
	{"http://auth:8080", "login", "http://auth:8080/login"},
	{"https://auth", "?rd=x", "https://auth/?rd=x"},
	{"https://auth?a=b", "#s", "https://auth/?a=b#s"},
	{"http://a/b", "/x\ny", NULL},
	{"http://a/b", "/%zz", NULL},
	{"http://a/b", "/%1", NULL},
};

static void references_mean_what_the_standard_says(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct arena arena;
		struct str got;

		arena_init(&arena, 1 << 16, 0);
		got = uri_resolve(str_of(rows[i].base), str_of(rows[i].reference), &arena);
		if (!str_eq(got, str_of(rows[i].expected)))
			fail_msg("%s: \"%.*s\" is not \"%s\"", rows[i].reference, STR_ARG(got),
				 rows[i].expected);
		arena_done(&arena);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(references_mean_what_the_standard_says),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
