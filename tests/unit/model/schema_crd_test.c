// SPDX-License-Identifier: Apache-2.0
/* schema_crd_test: the CRDs are YAML, say what the tables say, and the files in deploy/crds are
 * current. */
#include "model_help.h"

#include <stdio.h>

#include "base/file.h"
#include "model/schema_crd.h"
#include "model/yaml_json.h"

static json_t *at(json_t *json, const char *path)
{
	struct str rest = str_of(path), name;

	while (str_next(&rest, '/', &name)) {
		json = json_is_array(json) ? json_array_get(json, 0)
					   : json_object_getn(json, name.at, name.len);
		if (!json)
			fail_msg("no " STR_FMT " in %s", STR_ARG(name), path);
	}
	return json;
}

static void every_crd_is_yaml_and_the_committed_one(void **state)
{
	(void)state;
	for (int i = 0; i < KIND__COUNT; i++) {
		struct buf crd, file;
		struct yaml_json yaml;
		char path[256];

		if (!kind_infos[i].ours)
			continue;
		buf_init(&crd, 4 << 20);
		schema_crd_print(&kind_infos[i], &crd);
		if (yaml_json_load(&yaml, buf_str(&crd), false))
			fail_msg("%s: %zu: %s", kind_infos[i].kind, yaml.line, yaml.message);
		assert_int_equal(yaml.n, 1);
		assert_string_equal(json_string_value(at(yaml.at[0].json, "spec/names/kind")),
				    kind_infos[i].kind);
		at(yaml.at[0].json,
		   "spec/versions/0/schema/openAPIV3Schema/properties/spec/properties");
		snprintf(path, sizeof(path), "deploy/crds/%s_%s.yaml",
			 json_string_value(at(yaml.at[0].json, "spec/group")),
			 kind_infos[i].plural);
		buf_init(&file, 4 << 20);
		assert_int_equal(file_read(path, &file), 0);
		if (!str_eq(buf_str(&file), buf_str(&crd)))
			fail_msg("%s is stale: make gen", path);
		buf_done(&file);
		buf_done(&crd);
		yaml_json_done(&yaml);
	}
}

static void rules_are_told_to_the_api_server(void **state)
{
	struct buf crd;
	struct yaml_json yaml;
	json_t *spec;

	(void)state;
	buf_init(&crd, 4 << 20);
	schema_crd_print(&kind_infos[KIND_SOURCE_POLICY], &crd);
	assert_int_equal(yaml_json_load(&yaml, buf_str(&crd), false), 0);
	at(yaml.at[0].json, "spec/versions/0/subresources/status");
	assert_string_equal(json_string_value(at(yaml.at[0].json, "spec/names/singular")),
			    "sourcepolicy");
	assert_string_equal(json_string_value(at(yaml.at[0].json, "spec/names/shortNames/0")),
			    "srcpol");
	spec = at(yaml.at[0].json,
		  "spec/versions/0/schema/openAPIV3Schema/properties/spec/properties");
	assert_int_equal(json_integer_value(at(spec, "limits/properties/packetsPerSecond/maximum")),
			 1000000000);
	assert_true(json_is_true(
		at(spec, "limits/properties/bytesPerSecond/x-kubernetes-int-or-string")));
	assert_string_equal(json_string_value(at(spec, "deny/items/type")), "string");
	yaml_json_done(&yaml);
	buf_clear(&crd);
	schema_crd_print(&kind_infos[KIND_TRAEFIK_SERVICE], &crd);
	assert_int_equal(yaml_json_load(&yaml, buf_str(&crd), false), 0);
	spec = at(yaml.at[0].json,
		  "spec/versions/0/schema/openAPIV3Schema/properties/spec/properties");
	/* Flat: the service's own fields and what mirroring adds. */
	at(spec, "mirroring/properties/name");
	at(spec, "mirroring/properties/mirrors/items/properties/percent");
	assert_string_equal(json_string_value(at(spec, "mirroring/required/0")), "name");
	assert_int_equal(json_array_size(at(spec, "mirroring/properties/kind/enum")), 2);
	yaml_json_done(&yaml);
	buf_done(&crd);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_crd_is_yaml_and_the_committed_one),
		cmocka_unit_test(rules_are_told_to_the_api_server),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
