// SPDX-License-Identifier: Apache-2.0
/* kube_config_test: where the API server is, by a pod, by kubeconfig files and by options. */
#include "source/kube_config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

static char folder[] = "/tmp/kube-config-XXXXXX";
static const char *host, *port, *kubeconfig;

static const char *env(const char *name)
{
	return !strcmp(name, "KUBERNETES_SERVICE_HOST")	  ? host
	       : !strcmp(name, "KUBERNETES_SERVICE_PORT") ? port
	       : !strcmp(name, "KUBECONFIG")		  ? kubeconfig
							  : NULL;
}

static char *put(const char *name, const char *text)
{
	static char paths[8][128];
	static unsigned next;
	char *path = paths[next++ % 8];
	FILE *file;

	snprintf(path, 128, "%s/%s", folder, name);
	file = fopen(path, "w");
	assert_non_null(file);
	fputs(text, file);
	fclose(file);
	return path;
}

static int load(const struct kube_config_options *options, struct kube_config *config, char *fault)
{
	struct kube_config_options all = *options;

	all.env = env;
	all.service_account = folder;
	return kube_config_load(&all, config, fault);
}

static void a_pod_finds_its_server_and_reads_its_token_anew(void **state)
{
	char fault[KUBE_CONFIG_FAULT_BYTES];
	struct kube_config config;
	struct buf token;

	(void)state;
	host = "fd00::1";
	port = "443";
	put("token", "one\n");
	put("ca.crt", "CA");
	put("namespace", "edge\n");
	assert_int_equal(load(&(struct kube_config_options){0}, &config, fault), 0);
	assert_string_equal(config.server.at, "https://[fd00::1]:443");
	assert_true(str_eq(config.namespace_, STR("edge")));
	assert_true(str_eq(config.ca_pem, STR("CA")));
	buf_init(&token, 1000);
	assert_int_equal(kube_config_token(&config, &token), 0);
	assert_string_equal(token.at, "one");
	put("token", "two");
	buf_clear(&token);
	assert_int_equal(kube_config_token(&config, &token), 0);
	assert_string_equal(token.at, "two");
	assert_false(kube_config_refresh(&config));
	put("ca.crt", "CA, rotated");
	assert_true(kube_config_refresh(&config));
	assert_true(str_eq(config.ca_pem, STR("CA, rotated")));
	assert_false(kube_config_refresh(&config));
	put("ca.crt", "");
	assert_false(kube_config_refresh(&config));
	put("ca.crt", "CA");
	kube_config_done(&config);
	host = "10.0.0.1";
	assert_int_equal(load(&(struct kube_config_options){.endpoint = STR("https://x:1/")},
			      &config, fault),
			 0);
	assert_string_equal(config.server.at, "https://x:1");
	kube_config_done(&config);
	host = port = NULL;
	buf_done(&token);
}

static void of_several_kubeconfigs_the_first_that_says_a_thing_counts(void **state)
{
	char fault[KUBE_CONFIG_FAULT_BYTES], list[400];
	struct kube_config config;
	char *first = put("first", "apiVersion: v1\nkind: Config\ncurrent-context: here\n"
				   "users:\n- {name: u, user: {tokenFile: tok, "
				   "client-certificate-data: Q0VSVA==, client-key-data: S0VZ}}\n");
	char *second = put(
		"second", "current-context: other\ncontexts:\n- {name: here, context: {cluster: c, "
			  "user: u, namespace: n}}\nclusters:\n- name: c\n  cluster: {server: "
			  "'https://a:6443/', certificate-authority: ca.crt, tls-server-name: t, "
			  "proxy-url: 'socks5://p:1', insecure-skip-tls-verify: true}\n"
			  "users:\n- {name: u, user: {token: wrong}}\n");

	(void)state;
	put("ca.crt", "CA");
	snprintf(list, sizeof(list), "%s:/nonexistent/config:%s", first, second);
	kubeconfig = list;
	assert_int_equal(load(&(struct kube_config_options){0}, &config, fault), 0);
	assert_string_equal(config.server.at, "https://a:6443");
	assert_true(str_eq(config.cert_pem, STR("CERT")));
	assert_true(str_eq(config.key_pem, STR("KEY")));
	assert_true(str_eq(config.ca_pem, STR("CA")));
	assert_true(str_ends(config.token_file, STR("/tok")));
	assert_int_equal(config.token.len, 0);
	assert_true(config.insecure);
	assert_true(str_eq(config.proxy_url, STR("socks5://p:1")));
	assert_true(str_eq(config.tls_server_name, STR("t")));
	kube_config_done(&config);
	kubeconfig = NULL;
}

static void an_exec_plugin_is_read(void **state)
{
	char fault[KUBE_CONFIG_FAULT_BYTES];
	struct kube_config config;
	char *path = put("exec", "current-context: c\ncontexts: [{name: c, context: {cluster: c, "
				 "user: u}}]\nclusters: [{name: c, cluster: {server: 'a:1', "
				 "extensions: [{name: other, extension: 1}, {name: "
				 "client.authentication.k8s.io/exec, extension: {a: b}}]}}]\n"
				 "users:\n- name: u\n  user:\n    exec:\n      apiVersion: "
				 "client.authentication.k8s.io/v1beta1\n      command: ./plug\n"
				 "      interactiveMode: IfAvailable\n"
				 "      args: [get, token]\n      env: [{name: A, value: b}]\n");

	(void)state;
	assert_int_equal(load(&(struct kube_config_options){.is_kubeconfig = true,
							    .kubeconfig = str_of(path)},
			      &config, fault),
			 0);
	assert_string_equal(config.server.at, "https://a:1");
	assert_true(str_starts(str_of(config.exec.argv[0]), str_of(folder)));
	assert_string_equal(config.exec.argv[2], "token");
	assert_null(config.exec.argv[3]);
	assert_string_equal(config.exec.env[0], "A=b");
	assert_true(str_eq(config.exec.cluster_config, STR("{\"a\":\"b\"}")));
	kube_config_done(&config);
}

#define CLUSTER                                                   \
	"current-context: c\n"                                    \
	"contexts: [{name: c, context: {cluster: k, user: u}}]\n" \
	"clusters: [{name: k, cluster: {server: 'https://a'}}]\n"

static void whom_to_act_for_is_read_or_refused_but_never_passed_over(void **state)
{
	char fault[KUBE_CONFIG_FAULT_BYTES];
	struct kube_config config;
	struct kube_config_options options = {.is_kubeconfig = true};

	(void)state;
	host = port = NULL;
	options.kubeconfig =
		str_of(put("as", CLUSTER
			   "users: [{name: u, user: {token: t, as: jane, as-uid: '7', as-groups: "
			   "[dev, ops]}}]\n"));
	assert_int_equal(load(&options, &config, fault), 0);
	assert_string_equal(config.as_user.at, "jane");
	assert_string_equal(config.as_uid.at, "7");
	assert_int_equal(config.as_groups.n, 2);
	assert_string_equal(config.as_groups.at[1].at, "ops");
	kube_config_done(&config);
	put("as", CLUSTER "users: [{name: u, user: {token: t, as-groups: [dev]}}]\n");
	assert_int_equal(load(&options, &config, fault), -EINVAL);
	put("as", CLUSTER "users: [{name: u, user: {as: a, as-user-extra: {k: [v]}}}]\n");
	assert_int_equal(load(&options, &config, fault), -ENOTSUP);
	assert_non_null(strstr(fault, "as-user-extra"));
}

static void what_cannot_be_used_is_told_in_a_sentence(void **state)
{
	static const struct {
		const char *name, *text, *expected;
	} rows[] = {
		{"no context", "clusters: []\n", "there is no context"},
		{"no cluster", "current-context: c\ncontexts: [{name: c, context: {cluster: x}}]\n",
		 "there is no cluster \"x\""},
		{"no YAML", "a: [\n", "line"},
		{"no document", "", "no kubeconfig"},
		{"no server",
		 "current-context: c\ncontexts: [{name: c, context: {cluster: c}}]\n"
		 "clusters: [{name: c, cluster: {}}]\n",
		 "no server"},
		{"bad base64",
		 "current-context: c\ncontexts: [{name: c, context: {cluster: c}}]\n"
		 "clusters: [{name: c, cluster: {server: x, certificate-authority-data: '*'}}]\n",
		 "no base64"},
		{"missing file",
		 "current-context: c\ncontexts: [{name: c, context: {cluster: c}}]\n"
		 "clusters: [{name: c, cluster: {server: x, certificate-authority: nope}}]\n",
		 "nope"},
		{"old plug-in",
		 "current-context: c\ncontexts: [{name: c, context: {cluster: c, user: u}}]\n"
		 "clusters: [{name: c, cluster: {server: x}}]\nusers: [{name: u, user: {exec: "
		 "{command: a, apiVersion: client.authentication.k8s.io/v1alpha1}}}]\n",
		 "v1alpha1 is not known"},
		{"a plug-in that asks",
		 "current-context: c\ncontexts: [{name: c, context: {cluster: c, user: u}}]\n"
		 "clusters: [{name: c, cluster: {server: x}}]\nusers: [{name: u, user: {exec: "
		 "{command: a, apiVersion: client.authentication.k8s.io/v1, interactiveMode: "
		 "Always}}}]\n",
		 "nobody is there to answer"},
		{"another scheme",
		 "current-context: c\ncontexts: [{name: c, context: {cluster: c}}]\n"
		 "clusters: [{name: c, cluster: {server: 'file:///etc/passwd'}}]\n",
		 "no URL"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		char fault[KUBE_CONFIG_FAULT_BYTES];
		struct kube_config config;
		char *path = put("bad", rows[i].text);
		struct kube_config_options options = {.is_kubeconfig = true,
						      .kubeconfig = str_of(path)};

		if (load(&options, &config, fault) >= 0 || !strstr(fault, rows[i].expected))
			fail_msg("%s: %s", rows[i].name, fault);
	}
	struct kube_config config;
	char fault[KUBE_CONFIG_FAULT_BYTES];

	assert_int_equal(load(&(struct kube_config_options){0}, &config, fault), -ENOENT);
	assert_non_null(strstr(fault, "nothing says where"));
}

static void the_options_name_a_server_and_a_token_or_its_file(void **state)
{
	char fault[KUBE_CONFIG_FAULT_BYTES];
	struct kube_config config;
	char *path = put("t", "from-file");
	struct buf token;

	(void)state;
	buf_init(&token, 1000);
	struct kube_config_options options = {.endpoint = STR("https://a"), .token = STR("plain")};

	assert_int_equal(load(&options, &config, fault), 0);
	assert_int_equal(kube_config_token(&config, &token), 0);
	assert_string_equal(token.at, "plain");
	kube_config_done(&config);
	options.token = str_of(path);
	buf_clear(&token);
	assert_int_equal(load(&options, &config, fault), 0);
	assert_int_equal(kube_config_token(&config, &token), 0);
	assert_string_equal(token.at, "from-file");
	kube_config_done(&config);
	buf_done(&token);
}

static int make_folder(void **state)
{
	(void)state;
	return mkdtemp(folder) ? 0 : -1;
}

static int remove_folder(void **state)
{
	char command[128];

	(void)state;
	snprintf(command, sizeof(command), "rm -r %s", folder);
	return system(command);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_pod_finds_its_server_and_reads_its_token_anew),
		cmocka_unit_test(of_several_kubeconfigs_the_first_that_says_a_thing_counts),
		cmocka_unit_test(an_exec_plugin_is_read),
		cmocka_unit_test(whom_to_act_for_is_read_or_refused_but_never_passed_over),
		cmocka_unit_test(what_cannot_be_used_is_told_in_a_sentence),
		cmocka_unit_test(the_options_name_a_server_and_a_token_or_its_file),
	};

	return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
