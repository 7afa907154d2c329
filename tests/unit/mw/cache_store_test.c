// SPDX-License-Identifier: Apache-2.0
/* cache_store_test: keeping, dropping, flights; and many threads at once. */

#include <pthread.h>

#include "mw/cache_store.h"
#include "mw_lab.h"

static struct cache_object *object_of(struct mw_state *store, size_t bytes, char c)
{
	struct cache_body *body = cache_body_new(bytes, cache_store_used(store));
	struct cache_terms terms = {0};
	struct response response = {.status = 200};

	memset(body->at, c, bytes);
	body->len = bytes;
	return cache_object_new(&response, &terms, body, 0, cache_store_used(store));
}

static void put(struct mw_state *store, const char *key, char c)
{
	struct cache_object *object = object_of(store, 1000, c);

	assert_true(cache_store_put(store, str_of(key), object));
	cache_object_put(object);
}

/* The first byte of the body that is kept; 0: none. */
static char get(struct mw_state *store, const char *key)
{
	bool is_busy;
	struct cache_object *object = cache_store_find(store, str_of(key), &is_busy);
	char c = object ? object->body->at[0] : 0;

	assert_false(is_busy);
	cache_object_put(object);
	return c;
}

static void what_is_put_is_found_until_it_is_dropped(void **state)
{
	struct mw_state *store = cache_store_new(1 << 20);

	(void)state;
	put(store, "a", 'a');
	put(store, "b", 'b');
	assert_int_equal(get(store, "a"), 'a');
	assert_int_equal(get(store, "b"), 'b');
	assert_int_equal(get(store, "c"), 0);
	put(store, "a", 'x');
	assert_int_equal(get(store, "a"), 'x');
	cache_store_drop(store, STR("a"));
	cache_store_drop(store, STR("a"));
	assert_int_equal(get(store, "a"), 0);
	cache_store_drop(store, STR("b"));
	assert_int_equal(atomic_load(cache_store_used(store)), 0);
	assert_true(store->memory_bytes(store) > 4096);
	assert_int_not_equal(cache_store_id(store), cache_store_id(store));
	store->free(store);
}

/* What an exchange still has counts. */
static void memory_counts_until_the_last_reference_is_gone(void **state)
{
	struct mw_state *store = cache_store_new(100000);
	struct cache_object *held = object_of(store, 60000, 'h');

	(void)state;
	assert_true(cache_store_put(store, STR("held"), held));
	assert_false(cache_store_make_room(store, 60000));
	assert_false(cache_store_make_room(store, 200000));
	assert_int_equal(get(store, "held"), 0);
	cache_object_put(held);
	assert_true(cache_store_make_room(store, 60000));
	store->free(store);
}

static void one_leads_a_flight(void **state)
{
	struct mw_state *store = cache_store_new(1 << 20);
	bool leads;
	struct cache_flight *first = cache_store_join(store, STR("k"), 0, 100, &leads), *second;

	(void)state;
	assert_true(leads);
	second = cache_store_join(store, STR("k"), 99, 200, &leads);
	assert_false(leads);
	assert_ptr_equal(first, second);
	cache_store_land(store, first, CACHE_LANDED);
	assert_int_equal(cache_flight_state(second), CACHE_LANDED);
	cache_flight_put(second);
	/* Another one begins; this one is too late to be waited for. */
	first = cache_store_join(store, STR("k"), 0, 100, &leads);
	assert_true(leads);
	second = cache_store_join(store, STR("k"), 100, 200, &leads);
	assert_true(leads);
	cache_store_land(store, first, CACHE_LOST);
	cache_store_drop(store, STR("k"));
	assert_int_equal(cache_flight_state(second), CACHE_VOID);
	cache_store_land(store, second, CACHE_LANDED);
	cache_store_land(store, NULL, CACHE_LANDED);
	cache_flight_put(NULL);
	/* One that never lands goes with the store. */
	cache_flight_put(cache_store_join(store, STR("left"), 0, 1, &leads));
	store->free(store);
}

enum { THREADS = 4, ROUNDS = 20000 };

static void *hammer(void *arg)
{
	struct mw_state *store = arg;
	unsigned int seed = (unsigned int)(uintptr_t)&seed;

	for (int i = 0; i < ROUNDS; i++) {
		char key[2] = {(char)('a' + (seed = seed * 1664525 + 1013904223) % 16), 0};
		bool is_busy, leads;
		struct cache_object *object = cache_store_find(store, str_of(key), &is_busy);

		if (object) {
			ASSERT(object->body->at[0] == key[0]);
			cache_object_put(object);
			if (seed % 32 == 0)
				cache_store_drop(store, str_of(key));
			continue;
		}
		struct cache_flight *flight = cache_store_join(store, str_of(key), 0, 1, &leads);

		if (leads && cache_store_make_room(store, 4000)) {
			object = object_of(store, 4000, key[0]);
			cache_store_put(store, str_of(key), object);
			cache_object_put(object);
		}
		if (leads)
			cache_store_land(store, flight, CACHE_LANDED);
		else
			cache_flight_put(flight);
	}
	return NULL;
}

static void threads_share_a_store_that_is_too_small(void **state)
{
	struct mw_state *store = cache_store_new(32 << 10);
	pthread_t threads[THREADS];

	(void)state;
	for (int i = 0; i < THREADS; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, hammer, store), 0);
	for (int i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
	/* Room is asked for before it is taken: each thread may be one object over. */
	assert_true(atomic_load(cache_store_used(store)) <= (32 << 10) + THREADS * 5000);
	for (char c = 'a'; c < 'a' + 16; c++)
		cache_store_drop(store, str_n(&c, 1));
	assert_int_equal(atomic_load(cache_store_used(store)), 0);
	store->free(store);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_put_is_found_until_it_is_dropped),
		cmocka_unit_test(memory_counts_until_the_last_reference_is_gone),
		cmocka_unit_test(one_leads_a_flight),
		cmocka_unit_test(threads_share_a_store_that_is_too_small),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
