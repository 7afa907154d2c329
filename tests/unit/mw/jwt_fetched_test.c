// SPDX-License-Identifier: Apache-2.0
/* jwt_fetched_test: one fetches, the old keys serve, attempts keep their distance. */

#include "mw_lab.h"

#include <pthread.h>
#include <stdatomic.h>

#include "mw/jwt_fetched.h"

static void done(struct mw_state *state)
{
	assert_true(ref_put(&state->ref));
	state->free(state);
}

static void one_request_fetches_at_a_time(void **unused)
{
	struct mw_state *state = jwt_fetched_new();
	uint64_t at_ns;

	(void)unused;
	assert_null(jwt_fetched_get(state, &at_ns));
	assert_int_equal(jwt_fetched_begin(state, 100, 50), JWT_FETCH_YOURS);
	assert_int_equal(jwt_fetched_begin(state, 100, 50), JWT_FETCH_UNDER_WAY);
	jwt_fetched_end(state, NULL, 110);
	assert_null(jwt_fetched_get(state, &at_ns));
	assert_int_equal(jwt_fetched_begin(state, 159, 50), JWT_FETCH_NOT_NOW);
	assert_int_equal(jwt_fetched_begin(state, 160, 50), JWT_FETCH_YOURS);
	struct jwt_keys *keys = jwt_keys_new(), *got;

	jwt_fetched_end(state, keys, 170);
	got = jwt_fetched_get(state, &at_ns);
	assert_ptr_equal(got, keys);
	assert_int_equal(at_ns, 170);
	jwt_keys_put(got);
	/* A failure later keeps them. */
	assert_int_equal(jwt_fetched_begin(state, 300, 50), JWT_FETCH_YOURS);
	jwt_fetched_end(state, NULL, 300);
	got = jwt_fetched_get(state, &at_ns);
	assert_ptr_equal(got, keys);
	jwt_keys_put(got);
	/* Given up: the next one may at once. */
	assert_int_equal(jwt_fetched_begin(state, 400, 50), JWT_FETCH_YOURS);
	jwt_fetched_end(state, NULL, 0);
	assert_int_equal(jwt_fetched_begin(state, 401, 50), JWT_FETCH_YOURS);
	jwt_fetched_end(state, NULL, 0);
	assert_true(state->memory_bytes(state) > 0);
	done(state);
}

static void what_was_verified_holds_for_the_keys_of_today(void **unused)
{
	struct mw_state *state = jwt_fetched_new();
	struct jwt_keys *keys = jwt_keys_new();
	struct auth_cache_key key;
	uint64_t at_ns;
	bool has_key;
	struct lab lab;

	(void)unused;
	lab_init(&lab);
	assert_false(
		jwt_fetched_was_verified(state, keys, STR("a.b.c"), &lab.arena, 1, &key, &has_key));
	assert_true(has_key);
	jwt_fetched_note_verified(state, &key, 1);
	assert_true(
		jwt_fetched_was_verified(state, keys, STR("a.b.c"), &lab.arena, 1, &key, &has_key));
	assert_false(
		jwt_fetched_was_verified(state, keys, STR("a.b.d"), &lab.arena, 1, &key, &has_key));
	assert_int_equal(jwt_fetched_begin(state, 100, 50), JWT_FETCH_YOURS);
	jwt_fetched_end(state, jwt_keys_new(), 100);
	jwt_keys_put(keys);
	keys = jwt_fetched_get(state, &at_ns);
	assert_false(
		jwt_fetched_was_verified(state, keys, STR("a.b.c"), &lab.arena, 1, &key, &has_key));
	jwt_keys_put(keys);
	lab_done(&lab);
	done(state);
}

struct race {
	struct mw_state *state;
	atomic_int fetches;
};

static void *race(void *arg)
{
	struct race *racing = arg;

	for (uint64_t i = 1; i < 2000; i++) {
		uint64_t at_ns;
		struct jwt_keys *keys = jwt_fetched_get(racing->state, &at_ns);

		if (keys)
			assert_true(keys->n == 0);
		jwt_keys_put(keys);
		if (jwt_fetched_begin(racing->state, i, 0) == JWT_FETCH_YOURS) {
			atomic_fetch_add(&racing->fetches, 1);
			jwt_fetched_end(racing->state, jwt_keys_new(), i);
		}
	}
	return NULL;
}

static void keys_may_be_replaced_while_others_take_them(void **unused)
{
	struct race racing = {.state = jwt_fetched_new()};
	pthread_t threads[4];

	(void)unused;
	for (int i = 0; i < 4; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, race, &racing), 0);
	for (int i = 0; i < 4; i++)
		pthread_join(threads[i], NULL);
	assert_true(atomic_load(&racing.fetches) > 0);
	done(racing.state);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(one_request_fetches_at_a_time),
		cmocka_unit_test(what_was_verified_holds_for_the_keys_of_today),
		cmocka_unit_test(keys_may_be_replaced_while_others_take_them),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
