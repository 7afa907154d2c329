// SPDX-License-Identifier: Apache-2.0
/* assumed_test: which entry points a folder alone stands for. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "app/assumed.h"

static void put(struct store *store, const char *name, const char *entry_point)
{
	json_t *document = json_pack("{s:s, s:s, s:{s:s}, s:{s:[s], s:[]}}", "apiVersion",
				     "traefik.io/v1alpha1", "kind", "IngressRoute", "metadata",
				     "name", name, "spec", "entryPoints", entry_point, "routes");
	struct arena arena;
	struct diag_sink sink;
	bool skip;

	arena_init(&arena, 1 << 20, 0);
	diag_init(&sink, &arena);
	struct object *object = object_decode(document, STR("a.yaml"), 1, &sink, &skip);

	assert_non_null(object);
	store_put(store, object);
	object_unref(object);
	json_decref(document);
	arena_done(&arena);
}

static void names_of_manifests_become_entry_points(void **state)
{
	static const struct {
		const char *name;
		int port;
	} rows[] = {{"web", 80}, {"websecure", 443}, {"internal", 8000}};
	struct store store;
	struct arena arena;
	struct diag_sink sink;
	struct static_config config;

	(void)state;
	arena_init(&arena, 16 << 20, 0);
	diag_init(&sink, &arena);
	store_init(&store);
	put(&store, "a", "internal");
	json_t *none = json_object();

	assert_int_equal(static_config_from_json(none, &arena, &sink, &config), 0);
	assert_true(assumed_entry_points(&store, &arena, &config));
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++)
		assert_int_equal(
			static_entry_point_find(&config, str_of(rows[i].name))->listen.port,
			rows[i].port);
	json_decref(none);
	store_done(&store);
	arena_done(&arena);
}

static void what_was_configured_stays(void **state)
{
	struct store store;
	struct arena arena;
	struct diag_sink sink;
	struct static_config config;
	json_t *options = json_pack("{s:{s:{s:s}}}", "entryPoints", "mine", "address", ":81");

	(void)state;
	arena_init(&arena, 16 << 20, 0);
	diag_init(&sink, &arena);
	store_init(&store);
	put(&store, "a", "web");
	assert_int_equal(static_config_from_json(options, &arena, &sink, &config), 0);
	assert_false(assumed_entry_points(&store, &arena, &config));
	assert_null(static_entry_point_find(&config, STR("web")));
	json_decref(options);
	store_done(&store);
	arena_done(&arena);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(names_of_manifests_become_entry_points),
		cmocka_unit_test(what_was_configured_stays),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
