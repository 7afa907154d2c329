// SPDX-License-Identifier: Apache-2.0
/* kube_object_test: what is kept of an object, and what it names. */
#include "source/kube_object.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

static json_t *load(const char *text)
{
	json_t *json = json_loads(text, 0, NULL);

	assert_non_null(json);
	return json;
}

static void what_only_others_want_is_dropped(void **state)
{
	const char *fault;
	json_t *a =
		load("{\"metadata\":{\"name\":\"web-1\",\"namespace\":\"shop\",\"managedFields\":"
		     "[{}],\"annotations\":{\"x\":\"1\"},\"resourceVersion\":\"1\"},"
		     "\"addressType\":\"IPv4\",\"endpoints\":[],\"ports\":[]}");
	json_t *b = load("{\"metadata\":{\"name\":\"web-1\",\"namespace\":\"shop\",\"annotations\":"
			 "{\"x\":\"2\"},\"resourceVersion\":\"2\"},\"addressType\":\"IPv4\","
			 "\"endpoints\":[],\"ports\":[]}");
	struct object *first = kube_object_decode(KIND_ENDPOINT_SLICE, a, &fault);
	struct object *second = kube_object_decode(KIND_ENDPOINT_SLICE, b, &fault);

	(void)state;
	assert_non_null(first);
	assert_true(first->valid);
	assert_int_equal(first->content_hash, second->content_hash);
	assert_true(str_eq(first->id, STR("EndpointSlice/shop/web-1")));
	assert_null(json_object_get(json_object_get(a, "metadata"), "managedFields"));
	object_unref(first);
	object_unref(second);
	json_decref(a);
	json_decref(b);
}

static void what_is_not_what_was_asked_for_is_no_object(void **state)
{
	static const char *const rows[] = {
		"[]",
		"{}",
		"{\"metadata\":{}}",
		"{\"metadata\":{\"name\":\"a\"}}",
		"{\"metadata\":{\"name\":7,\"namespace\":\"b\"}}",
		"{\"kind\":\"Pod\",\"apiVersion\":\"v1\",\"metadata\":{\"name\":\"a\","
		"\"namespace\":\"b\"}}",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		const char *fault;
		json_t *document = load(rows[i]);

		assert_null(kube_object_decode(KIND_SERVICE, document, &fault));
		json_decref(document);
	}
}

static void see_ref(void *context, const struct kube_ref *ref)
{
	char *text = context;

	sprintf(text + strlen(text), "%s/" STR_FMT "/" STR_FMT " ", kind_infos[ref->kind].kind,
		STR_ARG(ref->namespace_), STR_ARG(ref->name));
}

static void names_of_secrets_are_found_wherever_they_stand(void **state)
{
	char text[512] = "";
	json_t *document = load(
		"{\"metadata\":{\"name\":\"m\",\"namespace\":\"shop\"},\"spec\":{"
		"\"tls\":{\"secretName\":\"a\"},\"basicAuth\":{\"secret\":\"b\"},"
		"\"rootCAsSecrets\":[\"c\",\"d\"],\"rootCAs\":[{\"configMap\":\"e\"},{\"secret\":"
		"\"f\"}],\"jwksSecret\":\"g\",\"secret\":{\"deep\":{\"caSecret\":\"h\"}},"
		"\"denyFrom\":[{\"configMap\":{\"name\":\"i\",\"key\":\"j\"}}],"
		"\"certSecret\":\"NOT A NAME\",\"x\":{\"secretNames\":[7,\"\"]}}}");

	(void)state;
	kube_object_refs(KIND_MIDDLEWARE, document, see_ref, text);
	for (const char *name = "abcdfgh"; *name; name++) {
		char expected[32];

		snprintf(expected, sizeof(expected), "Secret/shop/%c ", *name);
		assert_non_null(strstr(text, expected));
	}
	assert_non_null(strstr(text, "ConfigMap/shop/e "));
	assert_non_null(strstr(text, "ConfigMap/shop/i "));
	assert_null(strstr(text, "NOT"));
	text[0] = '\0';
	kube_object_refs(KIND_SERVICE, document, see_ref, text);
	assert_string_equal(text, "");
	json_decref(document);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_only_others_want_is_dropped),
		cmocka_unit_test(what_is_not_what_was_asked_for_is_no_object),
		cmocka_unit_test(names_of_secrets_are_found_wherever_they_stand),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
