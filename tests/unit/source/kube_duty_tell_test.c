// SPDX-License-Identifier: Apache-2.0
/* kube_duty_tell_test: what is told when writing is not allowed. */
#include "source/kube_source_state.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>

#include <cmocka.h>

static void a_rule_that_lacks_is_told_by_what_it_is_for(void **state)
{
	struct kube_source source = {.now_ns = 5};
	struct diag_sink sink;
	struct arena arena;

	(void)state;
	arena_init(&arena, 1 << 20, 0);
	diag_init(&sink, &arena);
	assert_string_equal(kube_duty_tell(&source, &sink), "");
	assert_int_equal(sink.n, 0);
	source.duty.writes.of[KUBE_WRITE_EVENT].refused_until_ns = 10;
	source.duty.lease.is_forbidden = true;
	assert_string_equal(kube_duty_tell(&source, &sink), "al");
	assert_int_equal(sink.n, 2);
	assert_non_null(strstr(sink.at[0].suggestion.at, "\"events\""));
	assert_non_null(strstr(sink.at[1].suggestion.at, "\"leases\""));
	arena_done(&arena);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_rule_that_lacks_is_told_by_what_it_is_for),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
