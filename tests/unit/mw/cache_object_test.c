// SPDX-License-Identifier: Apache-2.0
/* cache_object_test: what of a response is kept, and what it weighs. */

#include "mw/cache_object.h"
#include "mw_lab.h"

static void what_one_object_takes_is_given_back(void **state)
{
	struct cache_terms terms = {.age_s = 5, .fresh_s = 60};
	struct response response = {.status = 200};
	atomic_size_t used = 0;
	struct arena arena;

	(void)state;
	arena_init(&arena, 1 << 16, 0);
	response.headers.arena = &arena;
	header_add(&response.headers, STR("Content-Type"), STR("text/x"));
	header_add(&response.headers, STR("Connection"), STR("close, X-Hop"));
	header_add(&response.headers, STR("X-Hop"), STR("1"));
	header_add(&response.headers, STR("Content-Length"), STR("3"));
	header_add(&response.headers, STR("Transfer-Encoding"), STR("chunked"));
	header_add(&response.headers, STR("Age"), STR("5"));
	header_add(&response.headers, STR("ETag"), STR("\"e\""));
	header_add(&response.headers, STR("X-Gone"), STR("1"));
	header_remove(&response.headers, STR("X-Gone"));
	header_add(&response.headers, STR("X-Kept"), STR("1"));
	struct cache_body *body = cache_body_new(3, &used);
	struct cache_object *object =
		cache_object_new(&response, &terms, body, 1000 * NS_PER_SEC, &used);

	assert_int_equal(object->n_headers, 2);
	lab_assert_str(object->headers[0].name, "ETag");
	lab_assert_str(object->headers[1].name, "X-Kept");
	lab_assert_str(object->content_type, "text/x");
	lab_assert_str(object->etag, "\"e\"");
	assert_null(object->modified.at);
	assert_int_equal(cache_object_age(object, 1009 * NS_PER_SEC + 1), 14);
	assert_int_equal(cache_object_age(object, 0), 5);
	assert_true(atomic_load(&used) > sizeof(*object) + 3);
	cache_object_get(object);
	cache_object_put(object);
	assert_true(atomic_load(&used) > 0);
	cache_object_put(object);
	cache_object_put(NULL);
	assert_int_equal(atomic_load(&used), 0);
	arena_done(&arena);
}

static void a_body_grows(void **state)
{
	atomic_size_t used = 0;
	struct cache_body *body = cache_body_new(3, &used);

	(void)state;
	memcpy(body->at, "abc", 3);
	body->len = 3;
	body = cache_body_grow(body, 1 << 20);
	assert_memory_equal(body->at, "abc", 3);
	assert_int_equal(body->cap_bytes, 1 << 20);
	assert_true(atomic_load(&used) >= 1 << 20);
	assert_null(cache_body_grow(body, SIZE_MAX));
	cache_body_put(body);
	cache_body_put(NULL);
	assert_int_equal(atomic_load(&used), 0);
}

static void marks_are_objects_too(void **state)
{
	atomic_size_t used = 0;
	struct cache_object *varies = cache_object_varies(STR("accept"), 7, &used);
	struct cache_object *pass = cache_object_pass(5, &used);

	(void)state;
	lab_assert_str(varies->vary, "accept");
	assert_int_equal(varies->id, 7);
	assert_int_equal(pass->until_ns, 5);
	cache_object_put(varies);
	cache_object_put(pass);
	assert_int_equal(atomic_load(&used), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_one_object_takes_is_given_back),
		cmocka_unit_test(a_body_grows),
		cmocka_unit_test(marks_are_objects_too),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
