// SPDX-License-Identifier: Apache-2.0
/* kube_write_test: what an answer to a write means, and how much is written at once. */
#include "source/kube_source_state.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/clock.h"

#define SEC ((uint64_t)NS_PER_SEC)

static void an_answer_says_whether_it_is_worth_another_try(void **state)
{
	const struct {
		int status;
		const char *body;
		enum kube_write_fate fate;
	} rows[] = {
		{200, "{}", KUBE_WRITE_DONE},
		{201, "{}", KUBE_WRITE_DONE},
		{0, "", KUBE_WRITE_LATER},
		{401, "{\"reason\":\"Unauthorized\",\"code\":401}", KUBE_WRITE_LATER},
		{429, "Too many requests", KUBE_WRITE_LATER},
		{500, "", KUBE_WRITE_LATER},
		{504, "", KUBE_WRITE_LATER},
		{403, "{\"reason\":\"Forbidden\",\"code\":403}", KUBE_WRITE_REFUSED},
		{403,
		 "{\"reason\":\"Forbidden\",\"details\":{\"causes\":[{\"reason\":"
		 "\"NamespaceTerminating\"}]},\"code\":403}",
		 KUBE_WRITE_NEVER},
		{404, "{\"reason\":\"NotFound\",\"code\":404}", KUBE_WRITE_NEVER},
		{409, "{\"reason\":\"AlreadyExists\",\"code\":409}", KUBE_WRITE_THERE},
		{422, "{\"reason\":\"Invalid\",\"code\":422}", KUBE_WRITE_NEVER},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		const struct rest_result result = {.status = rows[i].status,
						   .body = str_of(rows[i].body)};

		if (kube_write_fate_of(&result) != rows[i].fate)
			fail_msg("%d %s", rows[i].status, rows[i].body);
	}
}

static void writes_are_few_at_a_time_and_few_a_second(void **state)
{
	struct kube_source source = {.now_ns = 1000 * SEC};
	size_t n = 0;

	(void)state;
	kube_write_init(&source.duty.writes);
	while (kube_write_take(&source))
		n++;
	assert_int_equal(n, 40);
	source.now_ns += SEC;
	for (n = 0; kube_write_take(&source);)
		n++;
	assert_int_equal(n, 20);
	kube_write_end(&source);
}

static void what_is_paused_is_free_again_later(void **state)
{
	struct kube_source source = {.now_ns = 1000 * SEC};

	(void)state;
	kube_write_init(&source.duty.writes);
	source.duty.writes.of[KUBE_WRITE_EVENT].pause_until_ns = source.now_ns + 1;
	assert_false(kube_write_may(&source, KUBE_WRITE_EVENT, STR("shop")));
	assert_true(kube_write_may(&source, KUBE_WRITE_INGRESS, STR("shop")));
	assert_false(kube_write_forgive(&source));
	source.now_ns++;
	assert_true(kube_write_forgive(&source));
	assert_true(kube_write_may(&source, KUBE_WRITE_EVENT, STR("shop")));
	assert_false(kube_write_forgive(&source));
	kube_write_end(&source);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_answer_says_whether_it_is_worth_another_try),
		cmocka_unit_test(writes_are_few_at_a_time_and_few_a_second),
		cmocka_unit_test(what_is_paused_is_free_again_later),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
