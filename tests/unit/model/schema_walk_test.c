// SPDX-License-Identifier: Apache-2.0
/* schema_walk_test: paths of tables, and fields by path. */
#include "model_help.h"

#include "model/schema_walk.h"
#include "model/static_config.h"
#include "model/traefik_service.h"

struct seen {
	bool address, flat, deep;
	size_t n;
};

static bool see(void *context, const struct schema_place *place)
{
	struct seen *seen = context;

	seen->n++;
	seen->address |= str_eq(place->path, STR("entryPoints.{name}.address"));
	seen->flat |= str_eq(place->path, STR("spec.mirroring.mirrors[].percent"));
	seen->deep |= str_eq(place->path, STR("spec.weighted.services[].sticky.cookie.name"));
	return true;
}

static bool see_one_level(void *context, const struct schema_place *place)
{
	assert_int_equal(place->depth, 0);
	++*(size_t *)context;
	return false;
}

static void every_field_is_walked_with_its_path(void **state)
{
	struct seen seen = {0};
	struct arena arena;
	size_t n = 0;

	(void)state;
	arena_init(&arena, 8 << 20, 0);
	schema_walk(&schema_static_config, &arena, see, &seen);
	assert_true(seen.address);
	schema_walk(&schema_traefik_service, &arena, see, &seen);
	assert_true(seen.flat && seen.deep);
	schema_walk(&schema_static_config, &arena, see_one_level, &n);
	assert_int_equal(n, schema_static_config.n_fields);
	arena_done(&arena);
}

static void fields_are_found_by_path(void **state)
{
	static const struct {
		const struct schema *schema;
		const char *path, *name; /* NULL: not there */
	} rows[] = {
		{&schema_static_config, "entryPoints.web.address", "address"},
		{&schema_static_config, "ENTRYPOINTS.web.HTTP.tls.domains[0].main", "main"},
		{&schema_static_config, "entryPoints.web", "entryPoints"},
		{&schema_static_config, "metrics.prometheus.headerLabels.x", "headerLabels"},
		{&schema_static_config, "entryPoints.web.adress", NULL},
		{&schema_static_config, "workers.x", NULL},
		{&schema_static_config, "workers[0]", NULL},
		{&schema_static_config, "interfaces[0]", "interfaces"},
		{&schema_static_config, "", NULL},
		{&schema_traefik_service, "spec.mirroring.port", "port"},
		{&schema_traefik_service, "spec.Mirroring.port", NULL},
		{&schema_traefik_service, "spec.weighted.services[3].weight", "weight"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		const struct field *field = schema_find(rows[i].schema, str_of(rows[i].path));

		if (!field != !rows[i].name || (field && strcmp(field->name, rows[i].name) != 0))
			fail_msg("%s", rows[i].path);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_field_is_walked_with_its_path),
		cmocka_unit_test(fields_are_found_by_path),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
