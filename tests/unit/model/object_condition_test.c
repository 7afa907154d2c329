// SPDX-License-Identifier: Apache-2.0
/* object_condition_test: both of our kinds say conditions in the form of meta/v1. */
#include "model_help.h"

#include "model/object_condition.h"
#include "model/schema_crd.h"
#include "model/yaml_json.h"

static const json_t *at(const json_t *json, const char *path)
{
	struct str rest = str_of(path), name;

	while (str_next(&rest, '/', &name))
		json = json_is_array(json) ? json_array_get(json, 0)
					   : json_object_getn(json, name.at, name.len);
	return json;
}

static void conditions_are_lists_by_type_with_times_that_are_times(void **state)
{
	const enum kind kinds[] = {KIND_VIRTUAL_ADDRESS, KIND_SOURCE_POLICY};

	(void)state;
	for (size_t i = 0; i < sizeof(kinds) / sizeof(*kinds); i++) {
		const json_t *conditions, *item;
		struct yaml_json yaml;
		struct buf crd;

		buf_init(&crd, 4 << 20);
		schema_crd_print(&kind_infos[kinds[i]], &crd);
		assert_int_equal(yaml_json_load(&yaml, buf_str(&crd), false), 0);
		conditions = at(yaml.at[0].json, "spec/versions/0/schema/openAPIV3Schema/"
						 "properties/status/properties/conditions");
		assert_string_equal(
			json_string_value(json_object_get(conditions, "x-kubernetes-list-type")),
			"map");
		assert_int_equal(json_integer_value(json_object_get(conditions, "maxItems")),
				 OBJECT_CONDITIONS_MAX);
		item = at(conditions, "items/properties");
		assert_string_equal(json_string_value(at(item, "lastTransitionTime/format")),
				    "date-time");
		assert_int_equal(json_array_size(at(item, "status/enum")), 3);
		yaml_json_done(&yaml);
		buf_done(&crd);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(conditions_are_lists_by_type_with_times_that_are_times),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
