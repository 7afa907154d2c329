// SPDX-License-Identifier: Apache-2.0
/* object_node_test: of both kinds that the kernel plane works by each node has one row. */
#include "model_help.h"

#include "model/object_node.h"
#include "model/schema_crd.h"
#include "model/yaml_json.h"

static void both_kinds_have_a_row_for_each_node(void **state)
{
	static const char *const path[] = {
		"spec",	      "versions", "schema",	"openAPIV3Schema",
		"properties", "status",	  "properties", "nodes"};
	const enum kind kinds[] = {KIND_VIRTUAL_ADDRESS, KIND_SOURCE_POLICY};

	(void)state;
	for (size_t i = 0; i < sizeof(kinds) / sizeof(*kinds); i++) {
		const json_t *at, *words;
		struct yaml_json yaml;
		struct buf crd;

		buf_init(&crd, 4 << 20);
		schema_crd_print(&kind_infos[kinds[i]], &crd);
		assert_int_equal(yaml_json_load(&yaml, buf_str(&crd), false), 0);
		at = yaml.at[0].json;
		for (size_t k = 0; k < sizeof(path) / sizeof(*path); k++) {
			at = json_object_get(at, path[k]);
			if (json_is_array(at))
				at = json_array_get(at, 0);
		}
		assert_non_null(at);
		assert_string_equal(json_string_value(json_array_get(
					    json_object_get(at, "x-kubernetes-list-map-keys"), 0)),
				    "name");
		assert_int_equal(json_integer_value(json_object_get(at, "maxItems")),
				 OBJECT_NODES_MAX);
		at = json_object_get(json_object_get(at, "items"), "properties");
		words = json_object_get(json_object_get(at, "programmed"), "enum");
		assert_int_equal(json_array_size(words), 2);
		yaml_json_done(&yaml);
		buf_done(&crd);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(both_kinds_have_a_row_for_each_node),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
