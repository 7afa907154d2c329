// SPDX-License-Identifier: Apache-2.0
/* kube_duty_test: who writes at all. */
#include "source/kube_source_state.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>

#include <cmocka.h>

static void nobody_who_only_looks_asks_for_the_lease(void **state)
{
	struct kube_source source = {.now_ns = 5, .is_committed = true, .has_identity = true};

	(void)state;
	kube_duty_init(&source.duty);
	kube_duty_tick(&source);
	assert_false(source.duty.lease.is_asked);
	kube_duty_end(&source);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(nobody_who_only_looks_asks_for_the_lease),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
