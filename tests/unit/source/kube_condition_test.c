// SPDX-License-Identifier: Apache-2.0
/* kube_condition_test: what a status should say. */
#include "source/kube_condition.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

static struct object *put(struct store *store, const char *text)
{
	json_t *document = json_loads(text, 0, NULL);
	struct diag_sink sink;
	struct arena arena;
	bool skip;

	assert_non_null(document);
	arena_init(&arena, 1 << 20, 0);
	diag_init(&sink, &arena);
	struct object *object = object_decode(document, STR("t"), 1, &sink, &skip);

	assert_non_null(object);
	store_put(store, object);
	json_decref(document);
	arena_done(&arena);
	object_unref(object);
	return object;
}

static void expect(json_t *json, const char *expected)
{
	char *text = json ? json_dumps(json, JSON_COMPACT) : NULL;

	if (expected)
		assert_string_equal(text, expected);
	else
		assert_null(json);
	free(text);
	json_decref(json);
}

static void addresses_come_from_the_service_the_options_or_the_nodes(void **state)
{
	struct kubernetes_ingress_provider provider = {0};
	struct store store;
	json_t *service;

	(void)state;
	store_init(&store);
	put(&store, "{\"apiVersion\":\"v1\",\"kind\":\"Node\",\"metadata\":{\"name\":\"n\"},"
		    "\"status\":{\"addresses\":[{\"type\":\"InternalIP\",\"address\":\"10.0.0.9\"},"
		    "{\"type\":\"ExternalIP\",\"address\":\"192.0.2.9\"}]}}");
	expect(kube_condition_addresses(&provider, NULL, &store), NULL);
	provider.ingress_endpoint.ip = STR("192.0.2.1");
	provider.ingress_endpoint.hostname = STR("a.example");
	expect(kube_condition_addresses(&provider, NULL, &store),
	       "[{\"ip\":\"192.0.2.1\"},{\"hostname\":\"a.example\"}]");
	provider.report_node_internal_ips = true;
	expect(kube_condition_addresses(&provider, NULL, &store), "[{\"ip\":\"10.0.0.9\"}]");
	provider.ingress_endpoint.published_service = STR("edge/lb");
	expect(kube_condition_addresses(&provider, NULL, &store), NULL);
	service = json_loads("{\"spec\":{\"type\":\"NodePort\"}}", 0, NULL);
	expect(kube_condition_addresses(&provider, service, &store), "[{\"ip\":\"192.0.2.9\"}]");
	json_decref(service);
	service = json_loads("{\"spec\":{\"type\":\"ExternalName\",\"externalName\":\"e\","
			     "\"externalIPs\":[\"1.2.3.4\"]},\"status\":{\"loadBalancer\":{"
			     "\"ingress\":[{\"ip\":\"5.6.7.8\"}]}}}",
			     0, NULL);
	expect(kube_condition_addresses(&provider, service, &store),
	       "[{\"ip\":\"5.6.7.8\"},{\"hostname\":\"e\"},{\"ip\":\"1.2.3.4\"}]");
	json_decref(service);
	store_done(&store);
}

#define INGRESS(class)                                                                    \
	"{\"apiVersion\":\"networking.k8s.io/v1\",\"kind\":\"Ingress\",\"metadata\":{"    \
	"\"name\":\"i\",\"namespace\":\"shop\"},\"spec\":{" class "\"rules\":[{\"host\":" \
								  "\"a\"}]}}"

static void only_ingresses_of_our_class_are_ours(void **state)
{
	struct kubernetes_ingress_provider provider = {0};
	struct store store;

	(void)state;
	store_init(&store);
	assert_true(kube_condition_is_ours(&provider, put(&store, INGRESS("")), &store));
	struct object *named = put(&store, INGRESS("\"ingressClassName\":\"edge\","));

	assert_false(kube_condition_is_ours(&provider, named, &store));
	put(&store, "{\"apiVersion\":\"networking.k8s.io/v1\",\"kind\":\"IngressClass\","
		    "\"metadata\":{\"name\":\"edge\"},\"spec\":{\"controller\":"
		    "\"traefik.io/ingress-controller\"}}");
	assert_true(kube_condition_is_ours(&provider, named, &store));
	provider.ingress_class = STR("other");
	assert_false(kube_condition_is_ours(&provider, named, &store));
	store_done(&store);
}

#define ADDRESS                                                                               \
	"{\"apiVersion\":\"tidegate.io/v1alpha1\",\"kind\":\"VirtualAddress\",\"metadata\":{" \
	"\"name\":\"v\",\"namespace\":\"shop\"},\"spec\":{\"addresses\":[\"192.0.2.1\"],"     \
	"\"ports\":[{\"port\":80}],\"backendRefs\":[{\"name\":\"web\",\"port\":80}]}}"
#define NOW  (1795374301ULL * 1000000000ULL)
#define THEN "2020-01-01T00:00:00Z"

/* The condition of that type: status, reason, time, generation. */
static void expect_condition(const json_t *patch, const char *type, const char *expected)
{
	const json_t *rows = json_object_get(json_object_get(patch, "status"), "conditions"), *row;
	char text[200] = "";
	size_t i;

	json_array_foreach(rows, i, row)
	{
		if (strcmp(json_string_value(json_object_get(row, "type")), type) == 0)
			snprintf(text, sizeof(text), "%s %s %s %d",
				 json_string_value(json_object_get(row, "status")),
				 json_string_value(json_object_get(row, "reason")),
				 json_string_value(json_object_get(row, "lastTransitionTime")),
				 (int)json_integer_value(
					 json_object_get(row, "observedGeneration")));
	}
	assert_string_equal(text, expected);
}

static void a_condition_keeps_its_time_while_it_holds(void **state)
{
	struct kube_condition condition = {.fault = "", .reason = "", .wall_ns = NOW};
	struct store store;
	json_t *before, *patch;

	(void)state;
	store_init(&store);
	condition.object = put(&store, ADDRESS);
	patch = kube_condition_of_address(&condition);
	expect_condition(patch, "Accepted", "True Accepted 2026-11-22T19:05:01Z 0");
	expect_condition(patch, "Programmed", "Unknown Pending 2026-11-22T19:05:01Z 0");
	assert_false(kube_condition_is_same(NULL, patch));
	assert_true(kube_condition_is_same(json_object_get(patch, "status"), patch));
	json_decref(patch);
	before = json_loads("{\"conditions\":[{\"type\":\"Accepted\",\"status\":\"False\","
			    "\"lastTransitionTime\":\"" THEN "\"}]}",
			    0, NULL);
	condition.before = before;
	condition.fault = "bad";
	condition.reason = "Invalid";
	condition.generation = 7;
	patch = kube_condition_of_address(&condition);
	expect_condition(patch, "Accepted", "False Invalid " THEN " 7");
	expect_condition(patch, "Programmed", "False Invalid 2026-11-22T19:05:01Z 7");
	json_decref(patch);
	patch = kube_condition_of_policy(&condition);
	expect_condition(patch, "Accepted", "False Invalid " THEN " 7");
	expect_condition(patch, "Programmed", "False Invalid 2026-11-22T19:05:01Z 7");
	json_decref(patch);
	json_decref(before);
	store_done(&store);
}

static void what_nodes_say_becomes_a_condition_that_does_not_flap(void **state)
{
	struct kube_condition condition = {.fault = "", .reason = "", .wall_ns = NOW};
	struct store store;
	json_t *before, *patch;

	(void)state;
	store_init(&store);
	condition.object = put(&store, ADDRESS);
	before = json_loads("{\"nodes\":[{\"name\":\"a\",\"programmed\":\"True\"}],\"conditions\":["
			    "{\"type\":\"Programmed\",\"status\":\"True\",\"reason\":"
			    "\"Programmed\",\"lastTransitionTime\":"
			    "\"" THEN "\"}]}",
			    0, NULL);
	condition.before = before;
	patch = kube_condition_of_address(&condition);
	expect_condition(patch, "Programmed", "True Programmed " THEN " 0");
	json_decref(patch);
	/* What is said of an older generation says nothing of this one: what was said stands. */
	condition.generation = 3;
	json_object_set_new(json_array_get(json_object_get(before, "nodes"), 0),
			    "observedGeneration", json_integer(2));
	patch = kube_condition_of_address(&condition);
	expect_condition(patch, "Programmed", "True Programmed " THEN " 0");
	json_decref(patch);
	condition.generation = 0;
	json_array_append_new(json_object_get(before, "nodes"),
			      json_pack("{s:s, s:s, s:s}", "name", "b", "programmed", "False",
					"message", "the kernel plane is off"));
	patch = kube_condition_of_address(&condition);
	expect_condition(patch, "Programmed", "False NodeFault 2026-11-22T19:05:01Z 0");
	json_decref(patch);
	json_decref(before);
	store_done(&store);
}

static json_t *say(const struct object *object, const json_t *before, const char *fault,
		   uint64_t wall_ns)
{
	return kube_condition_of_node(object, before,
				      &(struct kube_node_fact){
					      .node = "n",
					      .reason = !fault	   ? NULL
							: fault[0] ? "KernelPlaneOff"
								   : "Programmed",
					      .message = fault && fault[0] ? fault : NULL,
					      .is_programmed = fault && !fault[0],
					      .wall_ns = wall_ns,
				      });
}

static void a_node_says_what_is_new_and_only_the_first_say_that_all_is_well(void **state)
{
	struct store store;
	struct object *object;
	json_t *before = json_pack("{s:[]}", "nodes"), *said;

	(void)state;
	store_init(&store);
	object = put(&store, ADDRESS);
	expect(say(object, before, NULL, NOW), NULL);
	expect(say(object, before, "", NOW),
	       "{\"apiVersion\":\"tidegate.io/v1alpha1\",\"kind\":\"VirtualAddress\",\"metadata\":{"
	       "\"name\":\"v\",\"namespace\":\"shop\"},\"status\":{\"nodes\":[{\"name\":\"n\","
	       "\"programmed\":\"True\",\"reason\":\"Programmed\",\"message\":\"it is forwarded\","
	       "\"lastTransitionTime\":\"2026-11-22T19:05:01Z\"}]}}");
	for (int i = 0; i < KUBE_NODES_WELL_MAX; i++)
		json_array_append_new(json_object_get(before, "nodes"),
				      json_pack("{s:s}", "name", "x"));
	expect(say(object, before, "", NOW), NULL);
	said = say(object, before, "off", NOW);
	assert_non_null(said);
	json_array_append(
		json_object_get(before, "nodes"),
		json_array_get(json_object_get(json_object_get(said, "status"), "nodes"), 0));
	json_decref(said);
	expect(say(object, before, "off", NOW + NOW / 10), NULL);
	said = say(object, before, "", NOW);
	assert_non_null(said);
	json_decref(said);
	/* The object is broken: it takes back what it said. */
	expect(say(object, before, NULL, NOW),
	       "{\"apiVersion\":\"tidegate.io/v1alpha1\",\"kind\":\"VirtualAddress\",\"metadata\":{"
	       "\"name\":\"v\",\"namespace\":\"shop\"},\"status\":{}}");
	json_decref(before);
	store_done(&store);
}

static void what_lost_nodes_said_is_removed_when_nodes_are_known(void **state)
{
	struct store store;
	json_t *before = json_loads("{\"nodes\":[{\"name\":\"n\"},{\"name\":\"gone\"}]}", 0, NULL);

	(void)state;
	store_init(&store);
	expect(kube_condition_without_lost_nodes(&store, before, "7"), NULL);
	put(&store, "{\"apiVersion\":\"v1\",\"kind\":\"Node\",\"metadata\":{\"name\":\"n\"},"
		    "\"status\":{\"addresses\":[]}}");
	expect(kube_condition_without_lost_nodes(&store, before, "7"),
	       "{\"metadata\":{\"resourceVersion\":\"7\"},\"status\":{\"nodes\":[{\"name\":\"n\"}]}"
	       "}");
	json_array_remove(json_object_get(before, "nodes"), 1);
	expect(kube_condition_without_lost_nodes(&store, before, "7"), NULL);
	json_decref(before);
	store_done(&store);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(addresses_come_from_the_service_the_options_or_the_nodes),
		cmocka_unit_test(only_ingresses_of_our_class_are_ours),
		cmocka_unit_test(a_condition_keeps_its_time_while_it_holds),
		cmocka_unit_test(what_nodes_say_becomes_a_condition_that_does_not_flap),
		cmocka_unit_test(a_node_says_what_is_new_and_only_the_first_say_that_all_is_well),
		cmocka_unit_test(what_lost_nodes_said_is_removed_when_nodes_are_known),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
