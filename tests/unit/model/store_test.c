// SPDX-License-Identifier: Apache-2.0
/* store_test: what is put can be found, the revision grows with content only, order is by namespace
 * and name. */
#include "model_help.h"

#define ROUTE(ns, name, match)                                                                \
	"{'apiVersion':'traefik.io/v1alpha1','kind':'IngressRoute','metadata':{'name':'" name \
	"','namespace':'" ns "'},'spec':{'routes':[{'match':'" match "'}]}}"

static bool put(struct store *store, const char *text)
{
	struct object *object = object_of(text);
	bool changed = store_put(store, object);

	object_unref(object);
	return changed;
}

static void the_revision_grows_with_content_only(void **state)
{
	struct store store;

	(void)state;
	store_init(&store);
	assert_true(put(&store, ROUTE("a", "b", "x")));
	assert_false(put(&store, ROUTE("a", "b", "x")));
	assert_int_equal(store.revision, 1);
	assert_true(put(&store, ROUTE("a", "b", "y")));
	assert_int_equal(store.revision, 2);
	assert_non_null(store_find(&store, KIND_INGRESS_ROUTE, STR("a"), STR("b")));
	assert_null(store_find(&store, KIND_INGRESS_ROUTE, STR("a"), STR("c")));
	assert_null(store_find(&store, KIND_MIDDLEWARE, STR("a"), STR("b")));
	assert_true(store_remove(&store, STR("IngressRoute/a/b"), KIND_INGRESS_ROUTE));
	assert_false(store_remove(&store, STR("IngressRoute/a/b"), KIND_INGRESS_ROUTE));
	assert_int_equal(store.revision, 3);
	assert_null(store_find(&store, KIND_INGRESS_ROUTE, STR("a"), STR("b")));
	store_done(&store);
}

static void a_reference_outlives_its_replacement(void **state)
{
	struct store store;
	struct object *held;

	(void)state;
	store_init(&store);
	put(&store, ROUTE("a", "b", "x"));
	held = object_ref(store_find(&store, KIND_INGRESS_ROUTE, STR("a"), STR("b")));
	put(&store, ROUTE("a", "b", "y"));
	store_done(&store);
	assert_str(held->id, "IngressRoute/a/b");
	object_unref(held);
}

static void objects_come_sorted_by_namespace_and_name(void **state)
{
	static const char *const want[] = {"IngressRoute/a/a", "IngressRoute/a/c",
					   "IngressRoute/a-b/a", "IngressRoute/b/a"};
	struct store store;
	struct arena arena;
	size_t n;

	(void)state;
	store_init(&store);
	put(&store, ROUTE("b", "a", "x"));
	put(&store, ROUTE("a-b", "a", "x"));
	put(&store, ROUTE("a", "c", "x"));
	put(&store, ROUTE("a", "a", "x"));
	arena_init(&arena, 1 << 16, 0);
	struct object **sorted = store_sorted(&store, KIND_INGRESS_ROUTE, &arena, &n);

	assert_int_equal(n, 4);
	for (size_t i = 0; i < n; i++)
		assert_true(str_eq(sorted[i]->id, str_of(want[i])));
	store_sorted(&store, KIND_SECRET, &arena, &n);
	assert_int_equal(n, 0);
	arena_done(&arena);
	store_done(&store);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_revision_grows_with_content_only),
		cmocka_unit_test(a_reference_outlives_its_replacement),
		cmocka_unit_test(objects_come_sorted_by_namespace_and_name),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
