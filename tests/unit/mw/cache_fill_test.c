// SPDX-License-Identifier: Apache-2.0
/* cache_fill_test: bodies that are known, unknown, too long, too short, and cut. */

#include "mw/cache_fill.h"
#include "mw_lab.h"

static struct mw_state *store;
static char text[100000];

static bool fill_one(int64_t length, size_t n, size_t max_bytes, bool is_cut)
{
	struct cache_terms terms = {.fresh_s = 60};
	struct response response = {.status = 200,
				    .body = length < 0 ? BODY_CHUNKED : BODY_LENGTH,
				    .content_length = length};
	struct cache_fill fill;
	bool is_busy;

	cache_store_drop(store, STR("key"));
	if (!cache_fill_begin(&fill, store, STR("key"), &response, &terms, max_bytes, 1))
		return false;
	for (size_t at = 0; at < n; at += 1000)
		cache_fill_add(&fill, store, str_take(str_n(text + at, n - at), 1000));
	if (!is_cut)
		cache_fill_end(&fill, store);
	cache_fill_drop(&fill);
	struct cache_object *object = cache_store_find(store, STR("key"), &is_busy);
	bool is_kept = object != NULL;

	if (object && object->body) {
		assert_int_equal(object->body->len, n);
		assert_memory_equal(object->body->at, text, n);
	}
	cache_object_put(object);
	return is_kept;
}

static void what_fits_is_kept(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(text); i++)
		text[i] = (char)('a' + i % 26);
	store = cache_store_new(1 << 20);
	assert_true(fill_one(5000, 5000, 10000, false));
	assert_true(fill_one(-1, 5000, 10000, false));
	assert_true(fill_one(-1, 100000, 100000, false));
	assert_true(fill_one(-1, 0, 100000, false));
	assert_true(fill_one(0, 0, 100000, false));
	assert_false(fill_one(-1, 100000, 99999, false));
	assert_false(fill_one(5000, 5000, 4999, false));
	assert_false(fill_one(-1, 5000, 100000, true));
	cache_store_drop(store, STR("key"));
	assert_int_equal(atomic_load(cache_store_used(store)), 0);
	store->free(store);
}

static void a_store_that_is_full_keeps_nothing_more(void **state)
{
	(void)state;
	store = cache_store_new(64 << 10);
	assert_false(fill_one(-1, 100000, 100000, false));
	assert_false(fill_one(100000, 100000, 100000, false));
	assert_true(fill_one(-1, 10000, 100000, false));
	store->free(store);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_fits_is_kept),
		cmocka_unit_test(a_store_that_is_full_keeps_nothing_more),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
