// SPDX-License-Identifier: Apache-2.0
/* kube_condition_test: what a status should say. */
#include "source/kube_condition.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
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

static void a_condition_keeps_its_time_while_it_holds(void **state)
{
	struct store store;
	json_t *before;
	struct object *object;

	(void)state;
	store_init(&store);
	object = put(&store, "{\"apiVersion\":\"tidegate.io/v1alpha1\",\"kind\":\"VirtualAddress\","
			     "\"metadata\":{\"name\":\"v\",\"namespace\":\"shop\"},\"spec\":{"
			     "\"addresses\":[\"192.0.2.1\"],\"ports\":[{\"port\":80}],"
			     "\"backendRefs\":[{\"name\":\"web\",\"port\":80}]}}");
	expect(kube_condition_of_address(object, "", "", NULL, 1795374301ULL * 1000000000ULL),
	       "{\"status\":{\"addresses\":[\"192.0.2.1\"],\"conditions\":[{\"type\":\"Accepted\","
	       "\"status\":\"True\",\"reason\":\"Accepted\",\"message\":\"the address is "
	       "understood\",\"lastTransitionTime\":\"2026-11-22T19:05:01Z\"}]}}");
	before = json_loads("{\"conditions\":[{\"type\":\"Accepted\",\"status\":\"False\","
			    "\"lastTransitionTime\":\"2020-01-01T00:00:00Z\"}]}",
			    0, NULL);
	expect(kube_condition_of_address(object, "bad", "Invalid", before,
					 1795374301ULL * 1000000000ULL),
	       "{\"status\":{\"addresses\":[],\"conditions\":[{\"type\":\"Accepted\","
	       "\"status\":\"False\",\"reason\":\"Invalid\",\"message\":\"bad\","
	       "\"lastTransitionTime\":\"2020-01-01T00:00:00Z\"}]}}");
	json_decref(before);
	store_done(&store);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(addresses_come_from_the_service_the_options_or_the_nodes),
		cmocka_unit_test(only_ingresses_of_our_class_are_ours),
		cmocka_unit_test(a_condition_keeps_its_time_while_it_holds),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
