// SPDX-License-Identifier: Apache-2.0
/* cache_control_test: RFC 9111 5.2, RFC 5861. */

#include "mw/cache_control.h"
#include "mw_lab.h"

/* What was understood, as text. */
static const char *print(const struct cache_control *c, char text[256])
{
	static const char *const names[] = {"no-store ", "no-cache ", "private ",    "public ",
					    "must ",	 "proxy ",    "only-cached "};
	const bool flags[] = {c->no_store,	c->no_cache,	    c->is_private,
			      c->is_public,	c->must_revalidate, c->proxy_revalidate,
			      c->only_if_cached};
	static const char *const keys[] = {"age", "s", "stale", "fresh", "swr", "sie"};
	const struct opt_int times[] = {c->max_age,
					c->s_maxage,
					c->max_stale,
					c->min_fresh,
					c->stale_while_revalidate,
					c->stale_if_error};
	size_t n = 0;

	text[0] = 0;
	for (size_t i = 0; i < 7; i++)
		n += (size_t)snprintf(text + n, 256 - n, "%s", flags[i] ? names[i] : "");
	for (size_t i = 0; i < 6; i++)
		if (times[i].set)
			n += (size_t)snprintf(text + n, 256 - n, "%s=%lld ", keys[i],
					      (long long)times[i].value);
	return text;
}

static const struct {
	const char *name, *lines, *understood;
} rows[] = {
	{"times", "max-age=60, s-maxage=5", "age=60 s=5 "},
	{"without case", "Max-Age=60, NO-STORE", "no-store age=60 "},
	{"blanks and empty elements", " , max-age=60 ,, public ,", "public age=60 "},
	{"quoted time", "max-age=\"60\"", "age=60 "},
	{"several lines", "public\nmax-age=1", "public age=1 "},
	{"the smallest counts", "max-age=60, max-age=5, max-age=7", "age=5 "},
	{"no number is 0", "max-age=soon, s-maxage=-1", "age=0 s=0 "},
	{"nothing is 0", "max-age", "age=0 "},
	{"a fraction is 0", "max-age=1.5", "age=0 "},
	{"very long", "max-age=99999999999999999999999", "age=2147483647 "},
	{"fields named are passed over", "no-cache=\"set-cookie, x\", private=\"a,no-store\"",
	 "no-cache private "},
	{"escaped quote", "private=\"a\\\",no-store\", public", "private public "},
	{"open quote", "private=\"a, no-store", "private "},
	{"stale", "stale-while-revalidate=30, stale-if-error=60", "swr=30 sie=60 "},
	{"requests", "no-cache, only-if-cached, min-fresh=3, max-stale",
	 "no-cache only-cached stale=2147483647 fresh=3 "},
	{"requests, how stale", "max-stale=9", "stale=9 "},
	{"unknown", "immutable, community=\"UCI\", no-transform", ""},
	{"revalidate", "must-revalidate, proxy-revalidate", "must proxy "},
	{"a part of a name", "xno-store, no-storex, no-store=", "no-store "},
};

static void directives_are_understood(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct str rest = str_of(rows[i].lines), line;
		struct cache_control control;
		struct headers headers = {0};
		struct arena arena;
		char text[256];

		arena_init(&arena, 1 << 16, 0);
		headers.arena = &arena;
		while (str_next(&rest, '\n', &line))
			header_add(&headers, STR("cache-control"), line);
		cache_control_of_response(&headers, &control);
		if (strcmp(print(&control, text), rows[i].understood))
			fail_msg("%s: \"%s\"", rows[i].name, text);
		assert_true(control.is_said);
		arena_done(&arena);
	}
}

static void pragma_counts_alone(void **state)
{
	struct cache_control control;
	struct headers headers = {0};
	struct arena arena;

	(void)state;
	arena_init(&arena, 1 << 16, 0);
	headers.arena = &arena;
	header_add(&headers, STR("Pragma"), STR("no-cache"));
	cache_control_of_request(&headers, &control);
	assert_true(control.no_cache);
	cache_control_of_response(&headers, &control);
	assert_false(control.no_cache);
	header_add(&headers, STR("Cache-Control"), STR("max-age=5"));
	cache_control_of_request(&headers, &control);
	assert_false(control.no_cache);
	arena_done(&arena);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(directives_are_understood),
		cmocka_unit_test(pragma_counts_alone),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
