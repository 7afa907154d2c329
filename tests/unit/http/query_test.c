// SPDX-License-Identifier: Apache-2.0
/* query_test: queries as lists of pairs (reference/traefik.md b.2, Query). */

#include "http/query.h"

#include <stdio.h>

#include "check.h"
#include "guard.h"

static void queries_are_read_as_go_does(void **state)
{
	static const struct {
		const char *query, *pairs;
	} rows[] = {
		{"", ""},
		{"a=b", "[a=b]"},
		{"a=b&c=d", "[a=b][c=d]"},
		{"a", "[a=]"},
		{"a=", "[a=]"},
		{"=b", "[=b]"},
		{"&&a=b&&", "[a=b]"},
		{"a=b=c", "[a=b=c]"},
		{"a+b=c+d", "[a b=c d]"},
		{"%61=%62", "[a=b]"},
		{"a=%zz&b=c", "[b=c]"},
		{"%zz=a&b", "[b=]"},
		{"a=1&a=2", "[a=1][a=2]"},
		{"a=%26%3D", "[a=&=]"},
		{"a%", ""},
		{"=", "[=]"},
		{"A=1&a=2", "[A=1][a=2]"},
	};

	(void)state;
	for (size_t i = 0; i < ROWS(rows); i++) {
		struct str text = guard_copy(str_of(rows[i].query)), key, value;
		struct arena arena;
		char pairs[128] = "";
		struct query query;

		arena_init(&arena, 65536, 0);
		query = query_of(text, &arena);
		while (query_next(&query, &key, &value))
			snprintf(pairs + strlen(pairs), sizeof(pairs) - strlen(pairs),
				 "[" STR_FMT "=" STR_FMT "]", STR_ARG(key), STR_ARG(value));
		CHECK_STR(rows[i].query, str_of(pairs), str_of(rows[i].pairs));
		guard_free(text);
		arena_done(&arena);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(queries_are_read_as_go_does),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
