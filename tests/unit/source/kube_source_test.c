// SPDX-License-Identifier: Apache-2.0
/* kube_source_test: which options name an API server, and one that nobody listens at. */
#include "source/kube_source.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <poll.h>

#include <cmocka.h>

#include "base/clock.h"

static void a_server_is_named_by_options_and_not_beside_a_folder(void **state)
{
	struct static_config config = {0};

	(void)state;
	assert_false(kube_source_is_named(&config));
	config.providers.is_crd_on = true;
	assert_true(kube_source_is_named(&config));
	config.manifests = STR("/etc/manifests");
	assert_false(kube_source_is_named(&config));
	config.providers.kubernetes_ingress.endpoint = STR("https://a");
	assert_true(kube_source_is_named(&config));
	config.providers.kubernetes_ingress.endpoint = (struct str){0};
	config.kubeconfig = STR("auto");
	assert_true(kube_source_is_named(&config));
}

static void a_server_that_is_not_there_is_told_of_and_changes_nothing(void **state)
{
	struct static_config config = {
		.providers = {.is_crd_on = true,
			      .kubernetes_crd = {.endpoint = STR("http://127.0.0.1:1")}},
		.kubernetes = {.secrets = STR("named"), .probe_interval = {.ns = NS_PER_SEC}},
	};
	uint64_t end = clock_mono_ns() + 5 * (uint64_t)NS_PER_SEC;
	char fault[KUBE_FAULT_BYTES];
	size_t n_faults = 0;
	struct store store;
	int error;
	struct kube_source *source = kube_source_open(&config, fault, &error);

	(void)state;
	assert_non_null(source);
	store_init(&store);
	while (n_faults == 0 && clock_mono_ns() < end) {
		struct pollfd wait = {.fd = kube_source_fd(source), .events = POLLIN};
		struct arena arena;
		struct diag_sink sink;

		arena_init(&arena, 1 << 20, 0);
		diag_init(&sink, &arena);
		poll(&wait, 1, 1000);
		kube_source_read(source, &store, &sink);
		n_faults = sink.n;
		arena_done(&arena);
	}
	assert_int_equal(n_faults, 1);
	assert_false(kube_source_listed(source));
	assert_int_equal(store.revision, 0);
	json_t *status = kube_source_status(source);

	assert_true(json_is_false(json_object_get(status, "connected")));
	assert_true(json_array_size(json_object_get(status, "watches")) > 10);
	json_decref(status);
	kube_source_close(source);
	store_done(&store);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_server_is_named_by_options_and_not_beside_a_folder),
		cmocka_unit_test(a_server_that_is_not_there_is_told_of_and_changes_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
