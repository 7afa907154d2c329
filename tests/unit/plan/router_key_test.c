// SPDX-License-Identifier: Apache-2.0
/* router_key_test: rules and the keys that they are filed under. */

#include "plan/router_key.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

/* "=a.b/x*" and so on: the host with its kind (any, ~tail, *wildcard, =exact), the path with * for
 * a prefix, what path and host must hold, and ! for a key that is the whole claim. */
static void print(const struct router_key *key, char *text, size_t size)
{
	size_t n = strlen(text);

	snprintf(text + n, size - n, "%s%c" STR_FMT " " STR_FMT "%s", n ? " | " : "",
		 "?~*="[key->host_kind], STR_ARG(key->host), STR_ARG(key->path),
		 key -> exact ? "" : "*");
	n = strlen(text);
	if (key->path_holds.len)
		n += (size_t)snprintf(text + n, size - n, " +" STR_FMT, STR_ARG(key->path_holds));
	if (key->host_holds.len)
		n += (size_t)snprintf(text + n, size - n, " @" STR_FMT, STR_ARG(key->host_holds));
	snprintf(text + n, size - n, "%s", key->whole ? " !" : "");
}

static void rules_become_keys(void **state)
{
	static const struct {
		const char *rule, *keys;
	} rows[] = {
		{"Host(`a.b`)", "=a.b * !"},
		{"Host(`a.b`) && PathPrefix(`/x`)", "=a.b /x* !"},
		{"Host(`a.b`) && Path(`/x`)", "=a.b /x !"},
		{"Host(`*.b`)", "*.b * !"},
		{"Host(`*`)", "? *"},
		{"Host(`a`) || Host(`b`)", "=a * ! | =b * !"},
		{"(Host(`a`) || Host(`b`)) && Path(`/x`)", "=a /x ! | =b /x !"},
		{"!Host(`a`)", "? *"},
		{"Host(`a`) || Method(`GET`)", "? *"},
		{"Host(`a`) && Method(`GET`)", "=a *"},
		{"PathPrefix(`/a`) && PathPrefix(`/a/b`)", "? /a/b*"},
		{"HostRegexp(`^[a-z]+\\.shop$`)", "~pohs. * @.shop"},
		{"PathRegexp(`^/api/v[0-9]+/orders`)", "? /api/v* +/orders"},
		{"Host(`a`) && PathRegexp(`orders$`)", "=a * +orders"},
		{"!PathRegexp(`orders`)", "? *"},
		{"PathRegexp(`abc`) && PathRegexp(`abcd`)", "? * +abcd"},
	};
	struct arena arena;

	(void)state;
	arena_init(&arena, 1 << 20, 0);
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		const struct rule *rule;
		struct rule_fault fault;
		char text[256] = "";

		assert_int_equal(rule_parse(str_of(rows[i].rule), &arena, &rule, &fault), 0);
		struct router_keys keys = router_key_of(rule, &arena, &arena);

		for (size_t j = 0; j < keys.n; j++)
			print(&keys.at[j], text, sizeof(text));
		if (strcmp(text, rows[i].keys))
			fail_msg("%s: \"%s\" instead of \"%s\"", rows[i].rule, text, rows[i].keys);
		rule_done(rule);
	}
	arena_done(&arena);
}

static void hosts_lose_their_final_dots(void **state)
{
	char text[ROUTER_KEY_TAIL_MAX];

	(void)state;
	assert_true(str_eq(router_key_host(STR("a.b..")), STR("a.b")));
	assert_true(str_eq(router_key_host(STR(".")), STR("")));
	assert_int_equal(router_key_backwards(STR("abc"), text), 3);
	assert_memory_equal(text, "cba", 3);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(rules_become_keys),
		cmocka_unit_test(hosts_lose_their_final_dots),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
