// SPDX-License-Identifier: Apache-2.0
/* kube_tell_test: what people are told of watches that do not get what they ask for. */
#include "source/kube_source_state.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

static void a_missing_rule_is_spelled_out(void **state)
{
	struct kube_watch watch = {.kind = KIND_INGRESS_ROUTE,
				   .state = KUBE_FORBIDDEN,
				   .problem = "RBAC does not allow this"};
	struct kube_slot slot = {.watch = &watch};
	struct kube_source source = {.has_identity = true, .slots = &slot};
	struct diag_sink sink;
	struct arena arena;

	(void)state;
	arena_init(&arena, 1 << 20, 0);
	diag_init(&sink, &arena);
	kube_tell_faults(&source, &sink);
	assert_int_equal(sink.n, 1);
	assert_true(str_eq(sink.at[0].object, STR("IngressRoute")));
	assert_true(str_eq(sink.at[0].suggestion,
			   STR("add to the ClusterRole: {apiGroups: [\"traefik.io\"], resources: "
			       "[\"ingressroutes\"], verbs: [\"list\", \"watch\"]}")));
	uint64_t hash = source.faults_hash;

	watch.namespace_ = (char[]){"shop"};
	watch.kind = KIND_SERVICE;
	kube_tell_faults(&source, &sink);
	assert_true(source.faults_hash != hash);
	assert_true(str_eq(sink.at[1].object, STR("Service/shop")));
	assert_true(str_starts(sink.at[1].suggestion,
			       STR("add to the Role: {apiGroups: [\"\"], resources: ")));
	arena_done(&arena);
}

static void what_passes_by_itself_is_not_told(void **state)
{
	struct kube_watch watch = {
		.kind = KIND_SERVICE, .state = KUBE_WAITING, .problem = "503", .n_failures = 1};
	struct kube_slot slot = {.watch = &watch};
	struct kube_source source = {
		.has_identity = true, .slots = &slot, .n_down = 1, .down_message = "refused"};
	struct diag_sink sink;
	struct arena arena;

	(void)state;
	arena_init(&arena, 1 << 20, 0);
	diag_init(&sink, &arena);
	kube_tell_faults(&source, &sink);
	assert_int_equal(sink.n, 0);
	source.n_down = 3;
	kube_tell_faults(&source, &sink);
	assert_int_equal(sink.n, 1);
	arena_done(&arena);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_missing_rule_is_spelled_out),
		cmocka_unit_test(what_passes_by_itself_is_not_told),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
