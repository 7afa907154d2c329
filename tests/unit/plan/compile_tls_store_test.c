// SPDX-License-Identifier: Apache-2.0
/* compile_tls_store_test: which TLSStore counts (reference a.10). */

#include "plan/compile_parts.h"

#include "compile_fixture.h"

static void there_is_one_that_counts(void **state)
{
	static const struct {
		const char *name, *first, *second, *told;
	} rows[] = {
		{"one", "default", NULL, NULL},
		{"another name", "other", NULL, "only the TLSStore named default counts"},
		{"two", "default", "far/default", "neither is used"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct fixture f;
		struct compile c = {0};
		struct str names[2];
		const struct object *store;

		fixture_init(&f);
		fixture_add(&f, "TLSStore", rows[i].first,
			    "'spec':{'certificates':[{'secretName':'a'},{'secretName':'b'}]}");
		if (rows[i].second)
			fixture_add(&f, "TLSStore", rows[i].second, "'spec':{}");
		c.store = &f.store;
		arena_init(&c.scratch, 1 << 20, 0);
		diag_init(&f.sink, &f.arena);
		store = compile_tls_store(&c, &f.sink);
		if ((store != NULL) != !rows[i].told || (f.sink.n > 0) != (rows[i].told != NULL) ||
		    (rows[i].told &&
		     str_search(f.sink.at[f.sink.n - 1].message, str_of(rows[i].told)) < 0))
			fail_msg("%s", rows[i].name);
		assert_int_equal(compile_tls_store_names(store, names, 2), store ? 2 : 0);
		if (store)
			assert_text(names[1], "b");
		arena_done(&c.scratch);
		fixture_done(&f);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(there_is_one_that_counts)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
