// SPDX-License-Identifier: Apache-2.0
/* kube_duty_pass_test: nothing is written about what the server has not said, or of a node that the
 * cluster does not know. */
#include "source/kube_source_state.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "base/clock.h"

static void put(struct store *store, const char *text)
{
	json_t *document = json_loads(text, 0, NULL);
	struct diag_sink sink;
	struct arena arena;
	bool skip;

	arena_init(&arena, 1 << 20, 0);
	diag_init(&sink, &arena);
	struct object *object = object_decode(document, STR("t"), 1, &sink, &skip);

	assert_non_null(object);
	store_put(store, object);
	object_unref(object);
	json_decref(document);
	arena_done(&arena);
}

static void what_the_server_has_not_said_is_left_alone(void **state)
{
	struct static_config config = {0};
	struct kube_source source = {.config = &config, .now_ns = 1000 * (uint64_t)NS_PER_SEC};
	struct store store;

	(void)state;
	store_init(&store);
	source.store = &store;
	kube_duty_init(&source.duty);
	put(&store, "{\"apiVersion\":\"tidegate.io/v1alpha1\",\"kind\":\"VirtualAddress\","
		    "\"metadata\":{\"name\":\"v\",\"namespace\":\"shop\"},\"spec\":{\"addresses\":["
		    "\"192.0.2.1\"],\"ports\":[{\"port\":80}],\"backendRefs\":[{\"name\":\"web\","
		    "\"port\":80}]}}");
	snprintf(source.duty.node, sizeof(source.duty.node), "here");
	assert_true(kube_duty_pass(&source));
	assert_true(kube_duty_pass_node(&source));
	/* Now it has, but the node is none of the cluster's. */
	struct kube_row *row = kube_duty_row(&source.duty, STR("VirtualAddress/shop/v"), false);

	assert_non_null(row);
	snprintf(row->version, sizeof(row->version), "7");
	put(&store, "{\"apiVersion\":\"v1\",\"kind\":\"Node\",\"metadata\":{\"name\":\"n\"},"
		    "\"status\":{\"addresses\":[]}}");
	assert_true(kube_duty_pass_node(&source));
	assert_int_equal(source.duty.writes.n_running, 0);
	kube_duty_end(&source);
	store_done(&store);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_the_server_has_not_said_is_left_alone),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
