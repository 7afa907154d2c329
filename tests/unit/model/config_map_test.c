// SPDX-License-Identifier: Apache-2.0
/* config_map_test: the texts of a ConfigMap. */
#include "model_help.h"

#include "model/config_map.h"

static void texts_are_found_by_key(void **state)
{
	struct decoded d;

	(void)state;
	decode(&d, &schema_config_map, "{'data':{'ca.crt':'PEM','b':''},'immutable':true}");
	assert_int_equal(d.errors, 0);
	assert_str(config_map_get(d.out, STR("ca.crt")), "PEM");
	assert_non_null(config_map_get(d.out, STR("b")).at);
	assert_null(config_map_get(d.out, STR("c")).at);
	decoded_done(&d);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(texts_are_found_by_key),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
