// SPDX-License-Identifier: Apache-2.0
/* kube_event_test: an Event has the form that an API server takes, and the name of what it says. */
#include "source/kube_event.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

static void an_event_says_what_is_wrong_with_whom(void **state)
{
	const struct kube_event event = {
		.kind = KIND_INGRESS_ROUTE,
		.namespace_ = STR("shop"),
		.name = STR("web"),
		.uid = STR("u-1"),
		.version = STR("7"),
		.message = STR("spec.routes[0].match: \"x\" is unknown"),
		.reason = "Invalid",
	};
	char name[KUBE_EVENT_NAME_BYTES], other[KUBE_EVENT_NAME_BYTES];
	struct kube_event later = event;
	json_t *json = kube_event_make(&event, "pod-1", 1795374301ULL * 1000000000ULL);
	char *text = json_dumps(json, JSON_COMPACT);

	(void)state;
	assert_non_null(text);
	assert_non_null(strstr(text, "\"involvedObject\":{\"apiVersion\":\"traefik.io/v1alpha1\","
				     "\"kind\":\"IngressRoute\",\"name\":\"web\",\"namespace\":"
				     "\"shop\",\"uid\":\"u-1\",\"resourceVersion\":\"7\"}"));
	assert_non_null(strstr(text, "\"firstTimestamp\":\"2026-11-22T19:05:01Z\""));
	assert_non_null(strstr(text, "\"count\":1"));
	kube_event_name(&event, name);
	assert_memory_equal(name, "web.", 4);
	assert_int_equal(strlen(name), 20);
	later.version = STR("8");
	kube_event_name(&later, other);
	assert_string_equal(name, other);
	later.message = STR("another");
	kube_event_name(&later, other);
	assert_string_not_equal(name, other);
	free(text);
	json_decref(json);
	json = kube_event_again(1795374301ULL * 1000000000ULL);
	text = json_dumps(json, JSON_COMPACT);
	assert_string_equal(text, "{\"lastTimestamp\":\"2026-11-22T19:05:01Z\"}");
	free(text);
	json_decref(json);
}

static void an_event_of_a_node_is_in_the_namespace_for_that(void **state)
{
	const struct kube_event event = {
		.kind = KIND_NODE,
		.namespace_ = STR("default"),
		.name = STR("n1"),
		.uid = STR("u-1"),
		.message = STR("eth1 is gone"),
		.reason = "InterfaceLost",
	};
	json_t *json = kube_event_make(&event, "pod-1", 1795374301ULL * 1000000000ULL), *about;

	(void)state;
	about = json_object_get(json, "involvedObject");
	assert_string_equal(json_string_value(json_object_get(about, "kind")), "Node");
	assert_null(json_object_get(about, "namespace"));
	assert_string_equal(
		json_string_value(json_object_get(json_object_get(json, "metadata"), "namespace")),
		"default");
	json_decref(json);
}

static void a_long_name_is_cut_to_a_name(void **state)
{
	char given[300], name[KUBE_EVENT_NAME_BYTES];
	struct kube_event event = {.kind = KIND_INGRESS_ROUTE, .namespace_ = STR("shop")};

	(void)state;
	memset(given, 'a', sizeof(given));
	given[234] = '-';
	given[235] = '.';
	given[253] = '\0';
	event.name = str_of(given);
	kube_event_name(&event, name);
	assert_true(strlen(name) <= 253);
	assert_null(strstr(name, "-."));
	assert_null(strstr(name, ".."));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_event_says_what_is_wrong_with_whom),
		cmocka_unit_test(an_event_of_a_node_is_in_the_namespace_for_that),
		cmocka_unit_test(a_long_name_is_cut_to_a_name),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
