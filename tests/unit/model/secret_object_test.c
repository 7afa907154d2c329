// SPDX-License-Identifier: Apache-2.0
/* secret_object_test: data is decoded, overlaid by stringData, and never told. */
#include "model_help.h"

#include "model/secret_object.h"

#define SECRET(rest) "{'apiVersion':'v1','kind':'Secret','metadata':{'name':'s'}," rest "}"

static void data_is_decoded_and_string_data_overrides_it(void **state)
{
	struct object *object =
		object_of(SECRET("'type':'kubernetes.io/tls','data':{'b':'aGk=','a':'AAE='},"
				 "'stringData':{'b':'ho','c':'x'},'immutable':true"));
	const struct secret *secret = object->spec;

	(void)state;
	assert_true(object->valid);
	assert_null(object->document);
	assert_str(secret->type, SECRET_TYPE_TLS);
	assert_int_equal(secret->data.n, 3);
	assert_str(secret->data.at[0].key, "a");
	assert_str(secret_get(secret, STR("a")), "\0\1");
	assert_str(secret_get(secret, STR("b")), "ho");
	assert_null(secret_get(secret, STR("d")).at);
	object_unref(object);
}

static void folded_base64_is_taken(void **state)
{
	struct object *object = object_of(SECRET("'data':{'a':'aG\\nk=\\n'}"));

	(void)state;
	assert_true(object->valid);
	assert_str(secret_get(object->spec, STR("a")), "hi");
	object_unref(object);
}

static void no_value_gets_into_a_message(void **state)
{
	struct object *object =
		object_of(SECRET("'data':{'k':'hunter2!','n':5},'stringData':{'m':['hunter2']}"));
	struct buf buf;

	(void)state;
	assert_false(object->valid);
	assert_int_equal(object->diags.n_errors, 2);
	buf_init(&buf, 1 << 16);
	for (size_t i = 0; i < object->diags.n; i++)
		diag_print(&object->diags.at[i], &buf);
	assert_true(str_search(buf_str(&buf), STR("hunter2")) < 0);
	buf_done(&buf);
	object_unref(object);
	object = object_of(SECRET("'data':{'k':'hunter2!'}"));
	assert_str(object->diags.at[0].field, "data.k");
	assert_str(object->diags.at[0].message, "not base64");
	assert_int_equal(object->diags.at[0].found.len, 0);
	object_unref(object);
}

static void it_is_printed_without_its_values(void **state)
{
	struct object *object = object_of(SECRET("'stringData':{'k':'hunter2'}"));
	json_t *json = schema_to_json(&schema_secret, object->spec);
	char *text = json_dumps(json, 0);

	(void)state;
	assert_null(strstr(text, "hunter2"));
	assert_non_null(strstr(text, "REDACTED"));
	free(text);
	json_decref(json);
	object_unref(object);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(data_is_decoded_and_string_data_overrides_it),
		cmocka_unit_test(folded_base64_is_taken),
		cmocka_unit_test(no_value_gets_into_a_message),
		cmocka_unit_test(it_is_printed_without_its_values),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
