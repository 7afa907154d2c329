// SPDX-License-Identifier: Apache-2.0
/* kube_health_test: when requests may begin while the server is lost. */
#include "source/kube_source_state.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/clock.h"

static void one_at_a_time_asks_while_the_server_is_lost_later_and_later(void **state)
{
	struct kube_slot slot;
	struct kube_source source = {.has_identity = true, .seed = 7, .now_ns = NS_PER_SEC};
	uint64_t last = 0;

	(void)state;
	assert_true(kube_health_may_ask(&source));
	for (int i = 0; i < 8; i++) {
		kube_health_lost(&source, "refused");
		assert_false(kube_health_may_ask(&source));
		last = source.down_until_ns - source.now_ns;
		assert_in_range(last, 100 * NS_PER_MS, 8000 * NS_PER_MS);
		source.now_ns = source.down_until_ns;
		assert_true(kube_health_may_ask(&source));
		source.scout = &slot;
		assert_false(kube_health_may_ask(&source));
		source.scout = NULL;
	}
	assert_true(last >= 4000 * NS_PER_MS);
	assert_string_equal(source.down_message, "refused");
	kube_health_answered(&source);
	assert_true(kube_health_may_ask(&source));
	assert_int_equal(source.n_reconnects, 1);
	assert_int_equal(source.revision.due_ns, source.now_ns);
}

static void nobody_asks_before_it_is_known_who_we_are(void **state)
{
	struct kube_source source = {.seed = 7};

	(void)state;
	assert_false(kube_health_may_ask(&source));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(one_at_a_time_asks_while_the_server_is_lost_later_and_later),
		cmocka_unit_test(nobody_asks_before_it_is_known_who_we_are),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
