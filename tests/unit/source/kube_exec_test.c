// SPDX-License-Identifier: Apache-2.0
/* kube_exec_test: a helper runs a plug-in, and what it says is understood or refused. */
#include "source/kube_exec.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <poll.h>

#include <cmocka.h>

#define V1 "client.authentication.k8s.io/v1"

static int run(const char *script, struct kube_credential *credential, struct arena *arena,
	       char *fault)
{
	const char *argv[] = {"sh", "-c", script, NULL}, *env[] = {"WHO=me", NULL};
	struct kube_config config = {
		.server = STR("https://a:1"),
		.ca_pem = STR("PEM"),
		.tls_server_name = STR("b"),
		.exec = {.argv = argv,
			 .env = env,
			 .api_version = STR(V1),
			 .gives_cluster = true,
			 .cluster_config = STR("{\"x\":1}")},
	};
	int error, rc = 0;
	struct kube_exec *exec = kube_exec_start(&config, &error);

	assert_non_null(exec);
	kube_exec_ask(exec);
	kube_exec_ask(exec);
	while (rc == 0) {
		struct pollfd wait = {.fd = kube_exec_fd(exec), .events = POLLIN};

		assert_int_equal(poll(&wait, 1, 10000), 1);
		rc = kube_exec_take(exec, arena, credential, fault);
	}
	kube_exec_stop(exec);
	return rc;
}

static void a_plugin_says_who_we_are(void **state)
{
	char fault[KUBE_CONFIG_FAULT_BYTES] = "";
	struct kube_credential credential;
	struct arena arena;

	(void)state;
	arena_init(&arena, 1 << 20, 0);
	assert_int_equal(run("echo '{\"kind\":\"ExecCredential\",\"apiVersion\":\"" V1
			     "\",\"status\":{\"token\":\"'$WHO${KUBERNETES_EXEC_INFO:+-told}'\","
			     "\"expirationTimestamp\":\"2026-11-22T19:05:01Z\"}}'",
			     &credential, &arena, fault),
			 1);
	assert_true(str_eq(credential.token, STR("me-told")));
	assert_int_equal(credential.expires_ns, 1795374301LL * 1000000000LL);
	arena_done(&arena);
}

static void a_plugin_is_told_of_the_cluster(void **state)
{
	char fault[KUBE_CONFIG_FAULT_BYTES] = "";
	struct kube_credential credential;
	struct arena arena;

	(void)state;
	arena_init(&arena, 1 << 20, 0);
	assert_int_equal(run("echo '{\"kind\":\"ExecCredential\",\"apiVersion\":\"" V1
			     "\",\"status\":{\"token\":\"'$(echo \"$KUBERNETES_EXEC_INFO\" | tr -d "
			     "'\"')'\"}}'",
			     &credential, &arena, fault),
			 1);
	assert_true(
		str_eq(credential.token,
		       STR("{apiVersion:" V1 ",kind:ExecCredential,spec:{interactive:false,cluster:"
			   "{server:https://a:1,tls-server-name:b,certificate-authority-data:UEVN,"
			   "config:{x:1}}}}")));
	arena_done(&arena);
}

static void a_plugin_that_fails_is_told_of(void **state)
{
	static const char *const scripts[] = {
		"exit 3",
		"echo no json",
		"echo '{\"kind\":\"ExecCredential\",\"apiVersion\":\"" V1 "\",\"status\":{}}'",
		"echo '{\"kind\":\"ExecCredential\",\"apiVersion\":\"x/v9\",\"status\":{\"token\":"
		"\"a\"}}'",
		"yes | head -c 2000000",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(scripts) / sizeof(*scripts); i++) {
		char fault[KUBE_CONFIG_FAULT_BYTES] = "";
		struct kube_credential credential;
		struct arena arena;

		arena_init(&arena, 4 << 20, 0);
		assert_true(run(scripts[i], &credential, &arena, fault) < 0);
		assert_string_not_equal(fault, "");
		arena_done(&arena);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_plugin_says_who_we_are),
		cmocka_unit_test(a_plugin_is_told_of_the_cluster),
		cmocka_unit_test(a_plugin_that_fails_is_told_of),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
