// SPDX-License-Identifier: Apache-2.0
/* kube_crd_test: a definition that appears makes its kind be asked for, no other. */
#include "source/kube_source_state.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/clock.h"

#define SEC ((uint64_t)NS_PER_SEC)

static void add(struct kube_source *source, struct kube_slot *slot, enum kind kind)
{
	slot->watch = kube_watch_new(&(struct kube_watch_options){.kind = kind}, &source->hub, 7);
	assert_non_null(slot->watch);
	slot->watch->state = KUBE_ABSENT;
	slot->watch->due_ns = UINT64_MAX;
	slot->source = source;
	slot->next = source->slots;
	source->slots = slot;
}

static void who_is_defined_is_asked_for_at_once(void **state)
{
	const struct {
		const char *line;
		bool asks, goes_on;
	} rows[] = {
		{"{\"type\":\"ADDED\",\"object\":{\"metadata\":{\"name\":\"gateways.traefik.io\"}}"
		 "}",
		 false, true},
		{"{\"type\":\"ADDED\",\"object\":{\"metadata\":{\"name\":\"middlewares.other.io\"}}"
		 "}",
		 false, true},
		{"{\"type\":\"DELETED\",\"object\":{\"metadata\":{\"name\":"
		 "\"middlewares.traefik.io\"}}}",
		 false, true},
		{"{\"type\":\"BOOKMARK\",\"object\":{\"metadata\":{\"resourceVersion\":\"7\"}}}",
		 false, true},
		{"{\"type\":\"ERROR\",\"object\":{\"code\":410}}", false, false},
		{"nonsense", false, false},
		{"{\"type\":\"MODIFIED\",\"object\":{\"metadata\":{\"name\":"
		 "\"middlewares.traefik.io\"}}}",
		 true, true},
	};
	struct kube_source source = {.seed = 7, .now_ns = 100 * SEC};
	struct kube_slot middlewares = {0}, policies = {0};

	(void)state;
	add(&source, &middlewares, KIND_MIDDLEWARE);
	add(&source, &policies, KIND_SOURCE_POLICY);
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		assert_int_equal(kube_crd_take(&source, str_of(rows[i].line)), rows[i].goes_on);
		assert_int_equal(middlewares.watch->due_ns == source.now_ns, rows[i].asks);
	}
	assert_true(policies.watch->due_ns == UINT64_MAX);
	kube_watch_free(middlewares.watch);
	kube_watch_free(policies.watch);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(who_is_defined_is_asked_for_at_once),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
