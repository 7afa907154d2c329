// SPDX-License-Identifier: Apache-2.0
/* ref: the last one out is told so, over threads too. */

#include "base/ref.h"

#include <pthread.h>

#include "check.h"

enum { THREADS = 4, TURNS = 5000 };

static void only_the_last_put_frees(void **state)
{
	struct ref ref;

	(void)state;
	ref_init(&ref);
	ref_get(&ref);
	ref_get(&ref);
	assert_false(ref_put(&ref));
	assert_false(ref_put(&ref));
	assert_true(ref_put(&ref));
}

static void *get_and_put(void *arg)
{
	for (int i = 0; i < TURNS; i++) {
		ref_get(arg);
		if (ref_put(arg))
			return arg;
	}
	return NULL;
}

static void threads_agree_on_who_is_last(void **state)
{
	pthread_t threads[THREADS];
	struct ref ref;

	(void)state;
	ref_init(&ref);
	for (int i = 0; i < THREADS; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, get_and_put, &ref), 0);
	for (int i = 0; i < THREADS; i++) {
		void *was_last;

		pthread_join(threads[i], &was_last);
		assert_null(was_last);
	}
	assert_true(ref_put(&ref));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(only_the_last_put_frees),
		cmocka_unit_test(threads_agree_on_who_is_last),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
