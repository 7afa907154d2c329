// SPDX-License-Identifier: Apache-2.0
/* hidden_test: what stands in a query as a credential is not shown, wherever the URL stands. */

#include "proxy/hidden.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "model/mw_conf_token.h"
#include "plan/snapshot.h"

static struct token_source in_key = {.query = {"key", 3}},
			   in_token = {.query = {"access token", 12}},
			   in_header = {.header = {"X-Key", 5}};
static const struct mwc_api_key keys[] = {
	{.source = &in_key}, {.source = &in_key}, {.source = NULL}};
static const struct mwc_jwt tokens[] = {{.source = &in_token}, {.source = &in_header}};
static struct mw_named named[] = {
	{.type = "apiKey", .decoded = &keys[0]}, {.type = "apiKey", .decoded = &keys[1]},
	{.type = "apiKey", .decoded = &keys[2]}, {.type = "jwt", .decoded = &tokens[0]},
	{.type = "jwt", .decoded = &tokens[1]},	 {.type = "chain", .broken = true},
};

static void parameters_of_all_middlewares_are_known_once(void **state)
{
	struct snapshot snapshot = {.middlewares = named, .n_middlewares = 6};
	struct hidden *hidden;

	(void)state;
	assert_true(hidden_of(&snapshot, &hidden));
	assert_int_equal(hidden->n, 2);
	free(hidden);
	snapshot.n_middlewares = 0;
	assert_true(hidden_of(&snapshot, &hidden));
	assert_null(hidden);
}

static void what_logs_show_is_without_their_values(void **state)
{
	static const struct {
		const char *url, *told;
	} rows[] = {
		{"/?x=1&key=abc&y", "/?x=1&key=REDACTED&y"},
		{"/a?key=abc", "/a?key=REDACTED"},
		{"/a?key=abc;key=def&", "/a?key=REDACTED;key=REDACTED&"},
		{"/a?%6bey=abc", "/a?%6bey=REDACTED"},
		{"/a?%zzkey=abc", "/a?%zzkey=REDACTED"},
		{"/a?access+token=abc&access%20token=d",
		 "/a?access+token=REDACTED&access%20token=REDACTED"},
		{"/a?key", "/a?key=REDACTED"},
		{"/key=abc?keys=abc&akey=b", "/key=abc?keys=abc&akey=b"},
		{"https://a/b?key=abc#key=abc", "https://a/b?key=REDACTED#key=REDACTED"},
		{"https://a/b#key=abc", "https://a/b#key=REDACTED"},
		{"/a??key=abc", "/a??key=REDACTED"},
		{"/a?&&", "/a?&&"},
		{"/a?", "/a?"},
		{"", ""},
	};
	struct snapshot snapshot = {.middlewares = named, .n_middlewares = 6};
	struct hidden *hidden;
	struct arena arena;

	(void)state;
	assert_true(hidden_of(&snapshot, &hidden));
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		arena_init(&arena, 1 << 16, 0);
		struct str told = hidden_told(hidden, str_of(rows[i].url), &arena);

		if (!str_eq(told, str_of(rows[i].told)))
			fail_msg("%s: " STR_FMT, rows[i].url, STR_ARG(told));
		told = hidden_told(NULL, str_of(rows[i].url), &arena);
		assert_true(str_eq(told, str_of(rows[i].url)));
		arena_done(&arena);
	}
	free(hidden);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(parameters_of_all_middlewares_are_known_once),
		cmocka_unit_test(what_logs_show_is_without_their_values),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
