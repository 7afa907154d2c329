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

static struct store_change *change_of(const struct store *store, const char *id)
{
	return table_find(&store->changed, str_of(id));
}

static void what_changed_since_it_was_asked_for_is_known(void **state)
{
	struct store store;
	struct store_change *change;

	(void)state;
	store_init(&store);
	store_event(&store, 70);
	put(&store, ROUTE("a", "b", "x"));
	store_event(&store, 80);
	put(&store, ROUTE("a", "c", "x"));
	assert_int_equal(store.changed.n, 2);
	assert_int_equal(store.changed_ns, 70);
	change = change_of(&store, "IngressRoute/a/b");
	assert_null(change->before);
	assert_ptr_equal(change->after, store_find(&store, KIND_INGRESS_ROUTE, STR("a"), STR("b")));
	store_changes_taken(&store);
	assert_int_equal(store.changed.n, 0);
	assert_int_equal(store.changed_ns, 0);
	put(&store, ROUTE("a", "b", "x"));
	assert_int_equal(store.changed.n, 0);
	put(&store, ROUTE("a", "b", "y"));
	put(&store, ROUTE("a", "b", "z"));
	store_remove(&store, STR("IngressRoute/a/c"), KIND_INGRESS_ROUTE);
	assert_int_equal(store.changed.n, 2);
	change = change_of(&store, "IngressRoute/a/b");
	assert_ptr_equal(change->after, store_find(&store, KIND_INGRESS_ROUTE, STR("a"), STR("b")));
	assert_true(change->before && change->before != change->after);
	change = change_of(&store, "IngressRoute/a/c");
	assert_non_null(change->before);
	assert_null(change->after);
	store_done(&store);
}

static void beyond_a_limit_everything_counts_as_changed(void **state)
{
	struct store store;

	(void)state;
	store_init(&store);
	for (int i = 0; i <= STORE_CHANGES_MAX; i++) {
		char text[256];

		snprintf(text, sizeof(text), ROUTE("a", "r%d", "x"), i);
		assert_true(put(&store, text));
	}
	assert_true(store.all_changed);
	assert_int_equal(store.changed.n, 0);
	store_changes_taken(&store);
	assert_false(store.all_changed);
	put(&store, ROUTE("a", "new", "x"));
	assert_int_equal(store.changed.n, 1);
	store_done(&store);
}

static void what_only_the_state_file_knew_goes_with_the_first_complete_list(void **state)
{
	struct store store;
	struct object *old;

	(void)state;
	store_init(&store);
	put(&store, ROUTE("a", "gone", "x"));
	put(&store, ROUTE("a", "still", "x"));
	for (int i = 0; i < 2; i++) {
		old = store_find(&store, KIND_INGRESS_ROUTE, STR("a"),
				 i ? STR("still") : STR("gone"));
		old->is_restored = true;
	}
	assert_false(put(&store, ROUTE("a", "still", "x")));
	store_drop_restored(&store, KIND_INGRESS_ROUTE);
	assert_null(store_find(&store, KIND_INGRESS_ROUTE, STR("a"), STR("gone")));
	assert_non_null(store_find(&store, KIND_INGRESS_ROUTE, STR("a"), STR("still")));
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
		cmocka_unit_test(what_changed_since_it_was_asked_for_is_known),
		cmocka_unit_test(beyond_a_limit_everything_counts_as_changed),
		cmocka_unit_test(what_only_the_state_file_knew_goes_with_the_first_complete_list),
		cmocka_unit_test(a_reference_outlives_its_replacement),
		cmocka_unit_test(objects_come_sorted_by_namespace_and_name),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
