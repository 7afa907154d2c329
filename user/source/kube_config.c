// SPDX-License-Identifier: Apache-2.0
/*
 * kube_config: the order is Traefik's (reference a.11): the pod's service account, KUBECONFIG, the
 * options; only --kubeconfig goes before all of them.
 *
 * Of several kubeconfig files the first that says a thing counts, as for kubectl. Paths in a file
 * are relative to its folder.
 */
#include "source/kube_config.h"

#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "base/codec.h"
#include "base/file.h"
#include "base/log.h"
#include "model/yaml_json.h"

#define SERVICE_ACCOUNT "/var/run/secrets/kubernetes.io/serviceaccount"

enum { ARENA_MAX_BYTES = 32 << 20, FILES_MAX = 16, ARGS_MAX = 64, ENV_MAX = 64 };

struct load {
	const struct kube_config_options *options;
	struct kube_config *config;
	char *fault;
	/* Kubeconfig files, in their order. */
	struct {
		json_t *json;
		struct str folder;
	} files[FILES_MAX];
	size_t n_files;
};

static int fail(struct load *load, int error, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

static int fail(struct load *load, int error, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(load->fault, KUBE_CONFIG_FAULT_BYTES, format, args);
	va_end(args);
	return error;
}

static struct str env_of(const struct load *load, const char *name)
{
	return str_of(load->options->env ? load->options->env(name) : getenv(name));
}

/* A whole file into the arena. */
static int read_file(struct load *load, struct str path, struct str *ret_text)
{
	struct arena *arena = &load->config->arena;
	struct str name = arena_str(arena, path);
	struct buf buf;

	buf_init(&buf, KUBE_FILE_MAX_BYTES);
	int error = name.at ? file_read(name.at, &buf) : -ENOMEM;

	if (!error)
		*ret_text = arena_str(arena, buf_str(&buf));
	if (buf.at)
		explicit_bzero(buf.at, buf.len);
	buf_done(&buf);
	return error ? fail(load, error, STR_FMT ": %s", STR_ARG(path), log_strerror(error)) : 0;
}

static struct str without_slash(struct str url)
{
	while (url.len && url.at[url.len - 1] == '/')
		url.len--;
	return url;
}

/* ------------------------------------------------------------- in a cluster -- */

static struct str service_url(struct load *load, struct str host, struct str port)
{
	bool is_v6 = str_find(host, ':') >= 0 && host.at[0] != '[';

	return arena_printf(&load->config->arena, "https://%s" STR_FMT "%s:" STR_FMT,
			    is_v6 ? "[" : "", STR_ARG(host), is_v6 ? "]" : "", STR_ARG(port));
}

static int load_service_account(struct load *load, struct str host, struct str port)
{
	struct kube_config *config = load->config;
	const char *folder =
		load->options->service_account ? load->options->service_account : SERVICE_ACCOUNT;
	struct str text;

	config->origin = STR("the pod's service account");
	config->server = load->options->endpoint.len ? without_slash(load->options->endpoint)
						     : service_url(load, host, port);
	config->token_file = arena_printf(&config->arena, "%s/token", folder);
	TRY(read_file(load, config->token_file, &text));
	config->ca_file = arena_printf(&config->arena, "%s/ca.crt", folder);
	TRY(read_file(load, config->ca_file, &config->ca_pem));
	/* Only who writes must know it. */
	if (read_file(load, arena_printf(&config->arena, "%s/namespace", folder), &text) == 0)
		config->namespace_ = str_trim_space(text);
	load->fault[0] = '\0';
	return 0;
}

/* --------------------------------------------------------------- kubeconfig -- */

static struct str text_at(const json_t *object, const char *key)
{
	const json_t *value = json_object_get(object, key);

	return json_is_string(value) ? str_n(json_string_value(value), json_string_length(value))
				     : (struct str){0};
}

static struct str copy_at(struct load *load, const json_t *object, const char *key)
{
	struct str text = text_at(object, key);

	return text.len ? arena_str(&load->config->arena, text) : text;
}

static struct str folder_of(struct str path)
{
	ptrdiff_t slash = str_rfind(path, '/');

	return slash < 0 ? STR(".") : slash == 0 ? STR("/") : str_take(path, (size_t)slash);
}

static int add_file(struct load *load, struct str path, bool may_miss)
{
	struct yaml_json yaml;
	struct str text;

	if (load->n_files == FILES_MAX)
		return fail(load, -E2BIG, "more than %d kubeconfig files", FILES_MAX);
	int error = read_file(load, path, &text);

	if (error == -ENOENT && may_miss)
		return 0;
	if (error)
		return error;
	error = yaml_json_load(&yaml, text, false);
	if (error || yaml.n == 0 || !json_is_object(yaml.at[0].json)) {
		fail(load, -EINVAL, STR_FMT ": line %zu: %s", STR_ARG(path), yaml.line,
		     error ? yaml.message : "this is no kubeconfig");
		yaml_json_done(&yaml);
		return -EINVAL;
	}
	load->files[load->n_files].json = json_incref(yaml.at[0].json);
	load->files[load->n_files++].folder = arena_str(&load->config->arena, folder_of(path));
	yaml_json_done(&yaml);
	return 0;
}

static int add_files(struct load *load)
{
	struct str list = load->options->kubeconfig, path;
	struct arena *arena = &load->config->arena;

	if (list.len == 0)
		list = env_of(load, "KUBECONFIG");
	if (list.len == 0 && env_of(load, "HOME").len)
		list = arena_printf(arena, STR_FMT "/.kube/config", STR_ARG(env_of(load, "HOME")));
	load->config->origin = arena_printf(arena, "kubeconfig " STR_FMT, STR_ARG(list));
	bool is_list = str_find(list, ':') >= 0;

	while (str_next(&list, ':', &path))
		if (path.len)
			TRY(add_file(load, path, is_list));
	if (!load->n_files)
		return fail(load, -ENOENT, STR_FMT ": there is no such file",
			    STR_ARG(load->config->origin));
	return 0;
}

/* What "list" of the files calls name: {name: X, inner: {…}}; *ret_file is whose it is. */
static const json_t *find_named(const struct load *load, const char *list, const char *inner,
				struct str name, size_t *ret_file)
{
	for (size_t i = 0; i < load->n_files; i++) {
		const json_t *entries = json_object_get(load->files[i].json, list);

		for (size_t k = 0; k < json_array_size(entries); k++) {
			const json_t *entry = json_array_get(entries, k);

			if (!str_eq(text_at(entry, "name"), name))
				continue;
			*ret_file = i;
			return json_object_get(entry, inner);
		}
	}
	return NULL;
}

static struct str path_in(struct load *load, size_t file, struct str path)
{
	if (path.at[0] == '/')
		return arena_str(&load->config->arena, path);
	return arena_printf(&load->config->arena, STR_FMT "/" STR_FMT,
			    STR_ARG(load->files[file].folder), STR_ARG(path));
}

/* Bytes that stand in base64 under one key, or in a file that the other names. */
static int take_pem(struct load *load, size_t file, const json_t *from, const char *data_key,
		    const char *file_key, struct str *ret_pem, struct str *ret_file)
{
	struct str data = text_at(from, data_key), path = text_at(from, file_key);

	if (data.len) {
		if (codec_base64_decode(str_trim_space(data), &load->config->arena, ret_pem))
			return fail(load, -EINVAL, "%s is no base64", data_key);
		return 0;
	}
	if (!path.len)
		return 0;
	*ret_file = path_in(load, file, path);
	return read_file(load, *ret_file, ret_pem);
}

/* clusters[].cluster.extensions, what is meant for plug-ins. */
static void take_exec_cluster(struct load *load, const json_t *cluster)
{
	const json_t *extensions = json_object_get(cluster, "extensions"), *entry;
	size_t i;

	json_array_foreach(extensions, i, entry)
	{
		if (!str_eq(text_at(entry, "name"), STR("client.authentication.k8s.io/exec")))
			continue;
		char *text = json_dumps(json_object_get(entry, "extension"),
					JSON_COMPACT | JSON_ENCODE_ANY);

		load->config->exec.cluster_config = arena_str(&load->config->arena, str_of(text));
		free(text);
	}
}

static int take_cluster(struct load *load, const json_t *cluster, size_t file)
{
	struct kube_config *config = load->config;

	config->server = without_slash(copy_at(load, cluster, "server"));
	if (!config->server.len)
		return fail(load, -EINVAL, STR_FMT ": the cluster has no server",
			    STR_ARG(config->origin));
	config->insecure = json_is_true(json_object_get(cluster, "insecure-skip-tls-verify"));
	config->tls_server_name = copy_at(load, cluster, "tls-server-name");
	config->proxy_url = copy_at(load, cluster, "proxy-url");
	take_exec_cluster(load, cluster);
	return take_pem(load, file, cluster, "certificate-authority-data", "certificate-authority",
			&config->ca_pem, &config->ca_file);
}

/* Nobody is there to answer a plug-in's questions. */
static int check_mode(struct load *load, const json_t *exec)
{
	struct str mode = text_at(exec, "interactiveMode");

	if (!mode.len || str_eq(mode, STR("Never")) || str_eq(mode, STR("IfAvailable")))
		return 0;
	if (str_eq(mode, STR("Always")))
		return fail(load, -ENOTSUP,
			    "user.exec.interactiveMode: Always cannot be, nobody is there to "
			    "answer; expected Never or IfAvailable");
	return fail(load, -EINVAL, "user.exec.interactiveMode: " STR_FMT " is not known",
		    STR_ARG(mode));
}

static int take_exec(struct load *load, size_t file, const json_t *exec)
{
	struct kube_exec_conf *conf = &load->config->exec;
	const json_t *args = json_object_get(exec, "args"), *env = json_object_get(exec, "env");
	size_t n_args = json_array_size(args), n_env = json_array_size(env);
	struct arena *arena = &load->config->arena;
	struct str command = text_at(exec, "command");

	conf->api_version = copy_at(load, exec, "apiVersion");
	conf->gives_cluster = json_is_true(json_object_get(exec, "provideClusterInfo"));
	if (!command.len || n_args > ARGS_MAX || n_env > ENV_MAX)
		return fail(load, -EINVAL, "user.exec: a command with at most %d arguments",
			    ARGS_MAX);
	if (!str_eq(conf->api_version, STR("client.authentication.k8s.io/v1")) &&
	    !str_eq(conf->api_version, STR("client.authentication.k8s.io/v1beta1")))
		return fail(load, -EINVAL, "user.exec: apiVersion " STR_FMT " is not known",
			    STR_ARG(conf->api_version));
	TRY(check_mode(load, exec));
	/* A path with a slash is relative to the file, a bare name is looked up in PATH. */
	if (str_find(command, '/') > 0)
		command = path_in(load, file, command);
	conf->argv = ARENA_ARRAY(arena, const char *, n_args + 2);
	conf->env = ARENA_ARRAY(arena, const char *, n_env + 1);
	if (!conf->argv || !conf->env)
		return -ENOMEM;
	conf->argv[0] = arena_str(arena, command).at;
	for (size_t i = 0; i < n_args; i++) {
		const char *arg = json_string_value(json_array_get(args, i));

		conf->argv[i + 1] = arena_str(arena, str_of(arg ? arg : "")).at;
	}
	for (size_t i = 0; i < n_env; i++)
		conf->env[i] = arena_printf(arena, STR_FMT "=" STR_FMT,
					    STR_ARG(text_at(json_array_get(env, i), "name")),
					    STR_ARG(text_at(json_array_get(env, i), "value")))
				       .at;
	return 0;
}

/* To ask with more rights than were meant would be worse than not to ask. */
static int take_impersonation(struct load *load, const json_t *user)
{
	struct kube_config *config = load->config;
	const json_t *groups = json_object_get(user, "as-groups");
	size_t n = json_array_size(groups);

	config->as_user = copy_at(load, user, "as");
	config->as_uid = copy_at(load, user, "as-uid");
	if (json_object_size(json_object_get(user, "as-user-extra")))
		return fail(load, -ENOTSUP, "user.as-user-extra is not supported");
	if ((n || config->as_uid.len) && !config->as_user.len)
		return fail(load, -EINVAL, "user.as-groups and user.as-uid need user.as");
	if (n > ARGS_MAX)
		return fail(load, -EINVAL, "user.as-groups: at most %d", ARGS_MAX);
	config->as_groups.at = ARENA_ARRAY(&config->arena, struct str, n + 1);
	for (size_t i = 0; config->as_groups.at && i < n; i++) {
		const char *group = json_string_value(json_array_get(groups, i));

		config->as_groups.at[config->as_groups.n++] =
			arena_str(&config->arena, str_of(group ? group : ""));
	}
	return 0;
}

static int take_user(struct load *load, const json_t *user, size_t file)
{
	struct kube_config *config = load->config;
	const json_t *exec = json_object_get(user, "exec");
	struct str path = text_at(user, "tokenFile");

	config->token = copy_at(load, user, "token");
	/* The file goes before the text, as for kubectl. */
	if (path.len)
		config->token_file = path_in(load, file, path);
	config->username = copy_at(load, user, "username");
	config->password = copy_at(load, user, "password");
	TRY(take_pem(load, file, user, "client-certificate-data", "client-certificate",
		     &config->cert_pem, &config->cert_file));
	TRY(take_pem(load, file, user, "client-key-data", "client-key", &config->key_pem,
		     &config->key_file));
	TRY(take_impersonation(load, user));
	if (json_object_get(user, "auth-provider"))
		return fail(load, -ENOTSUP,
			    "user.auth-provider was removed from Kubernetes; use "
			    "exec");
	return json_is_object(exec) ? take_exec(load, file, exec) : 0;
}

static int load_kubeconfig(struct load *load)
{
	struct kube_config *config = load->config;
	struct str context_name = {0};
	size_t file = 0;

	TRY(add_files(load));
	for (size_t i = 0; i < load->n_files && !context_name.len; i++)
		context_name = text_at(load->files[i].json, "current-context");
	const json_t *context = find_named(load, "contexts", "context", context_name, &file);

	if (!context)
		return fail(load, -EINVAL, STR_FMT ": there is no context \"" STR_FMT "\"",
			    STR_ARG(config->origin), STR_ARG(context_name));
	config->namespace_ = copy_at(load, context, "namespace");
	struct str cluster_name = text_at(context, "cluster"), user_name = text_at(context, "user");
	const json_t *cluster = find_named(load, "clusters", "cluster", cluster_name, &file);

	if (!cluster)
		return fail(load, -EINVAL, STR_FMT ": there is no cluster \"" STR_FMT "\"",
			    STR_ARG(config->origin), STR_ARG(cluster_name));
	TRY(take_cluster(load, cluster, file));
	const json_t *user = find_named(load, "users", "user", user_name, &file);

	return user ? take_user(load, user, file) : 0;
}

/* ------------------------------------------------------------------ options -- */

static int load_options(struct load *load)
{
	const struct kube_config_options *options = load->options;
	struct kube_config *config = load->config;
	struct str text;

	if (!options->endpoint.len)
		return fail(load, -ENOENT,
			    "nothing says where the API server is: not in a pod, no KUBECONFIG, no "
			    "endpoint");
	config->origin = STR("the options");
	config->server = without_slash(arena_str(&config->arena, options->endpoint));
	config->ca_file = arena_str(&config->arena, options->ca_file);
	if (options->ca_file.len)
		TRY(read_file(load, config->ca_file, &config->ca_pem));
	if (!options->token.len)
		return 0;
	/* A file, or the token itself (reference a.11). */
	if (options->token.at[0] == '/' || read_file(load, options->token, &text) == 0) {
		config->token_file = arena_str(&config->arena, options->token);
		return read_file(load, options->token, &text);
	}
	config->token = arena_str(&config->arena, options->token);
	load->fault[0] = '\0';
	return 0;
}

static int check(struct load *load)
{
	struct kube_config *config = load->config;

	/* "10.0.0.1:6443" means https, as for kubectl. */
	if (str_search(config->server, STR("://")) < 0)
		config->server =
			arena_printf(&config->arena, "https://" STR_FMT, STR_ARG(config->server));
	config->server = arena_str(&config->arena, config->server);
	if (!str_starts(config->server, STR("https://")) &&
	    !str_starts(config->server, STR("http://")))
		return fail(load, -EINVAL, STR_FMT " is no URL of an API server",
			    STR_ARG(config->server));
	if (config->cert_pem.len && !config->key_pem.len)
		return fail(load, -EINVAL, STR_FMT ": a client certificate without its key",
			    STR_ARG(config->origin));
	return config->arena.failed ? -ENOMEM : 0;
}

int kube_config_load(const struct kube_config_options *options, struct kube_config *ret_config,
		     char *ret_fault)
{
	struct load load = {.options = options, .config = ret_config, .fault = ret_fault};
	struct str host, port;
	int error;

	*ret_config = (struct kube_config){0};
	ret_fault[0] = '\0';
	arena_init(&ret_config->arena, ARENA_MAX_BYTES, 0);
	host = env_of(&load, "KUBERNETES_SERVICE_HOST");
	port = env_of(&load, "KUBERNETES_SERVICE_PORT");
	if (options->is_kubeconfig)
		error = load_kubeconfig(&load);
	else if (host.len && port.len)
		error = load_service_account(&load, host, port);
	else if (env_of(&load, "KUBECONFIG").len)
		error = load_kubeconfig(&load);
	else
		error = load_options(&load);
	if (!error)
		error = check(&load);
	for (size_t i = 0; i < load.n_files; i++)
		json_decref(load.files[i].json);
	if (error)
		kube_config_done(ret_config);
	return error;
}

void kube_config_done(struct kube_config *config)
{
	if (config->key_pem.len)
		explicit_bzero((char *)(uintptr_t)config->key_pem.at, config->key_pem.len);
	arena_done(&config->arena);
	*config = (struct kube_config){0};
}

int kube_config_token(const struct kube_config *config, struct buf *buf)
{
	struct buf text;

	if (!config->token_file.len) {
		buf_add(buf, config->token);
		return 0;
	}
	buf_init(&text, KUBE_TOKEN_MAX_BYTES);
	int error = file_read(config->token_file.at, &text);

	if (!error)
		buf_add(buf, str_trim_space(buf_str(&text)));
	buf_done(&text);
	return error;
}

static bool refresh(struct kube_config *config, struct str file, struct str *pem)
{
	bool is_new = false;
	struct buf text;

	if (!file.len)
		return false;
	buf_init(&text, KUBE_FILE_MAX_BYTES);
	if (file_read(file.at, &text) == 0 && text.len && !str_eq(buf_str(&text), *pem)) {
		struct str copy = arena_str(&config->arena, buf_str(&text));

		is_new = copy.at != NULL;
		if (is_new && pem->len)
			explicit_bzero((char *)(uintptr_t)pem->at, pem->len);
		if (is_new)
			*pem = copy;
	}
	if (text.at)
		explicit_bzero(text.at, text.len);
	buf_done(&text);
	return is_new;
}

bool kube_config_refresh(struct kube_config *config)
{
	bool is_ca_new = refresh(config, config->ca_file, &config->ca_pem);
	bool is_cert_new = refresh(config, config->cert_file, &config->cert_pem);

	return refresh(config, config->key_file, &config->key_pem) || is_ca_new || is_cert_new;
}
