// SPDX-License-Identifier: Apache-2.0
/*
 * kube_exec: parent and helper speak over a socket pair: a byte to run, a length and the output
 * back. A length of UINT32_MAX is a failure, and what follows is its sentence.
 */
#include "source/kube_exec.h"

#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/codec.h"
#include "model/object_time.h"

struct kube_exec {
	struct str api_version;
	pid_t pid;
	int fd;
	bool is_asked;
	struct buf answer;
};

/* ------------------------------------------------------------------- the helper -- */

static void set_text(json_t *object, const char *key, struct str text)
{
	if (text.len)
		json_object_set_new(object, key, json_stringn(text.at, text.len));
}

static json_t *cluster_info(const struct kube_config *config)
{
	json_t *cluster = json_pack("{s:s}", "server", config->server.at);
	struct str own = config->exec.cluster_config;
	struct arena arena;

	arena_init(&arena, KUBE_FILE_MAX_BYTES * 2, 0);
	if (config->insecure)
		json_object_set_new(cluster, "insecure-skip-tls-verify", json_true());
	set_text(cluster, "tls-server-name", config->tls_server_name);
	set_text(cluster, "proxy-url", config->proxy_url);
	if (config->ca_pem.len)
		set_text(cluster, "certificate-authority-data",
			 codec_base64_encode(config->ca_pem, &arena));
	if (own.len)
		json_object_set_new(cluster, "config",
				    json_loadb(own.at, own.len, JSON_DECODE_ANY, NULL));
	arena_done(&arena);
	return cluster;
}

static json_t *exec_info(const struct kube_config *config)
{
	json_t *info, *spec = json_pack("{s:b}", "interactive", 0);

	if (config->exec.gives_cluster)
		json_object_set_new(spec, "cluster", cluster_info(config));
	info = json_pack("{s:s, s:s, s:o}", "apiVersion", config->exec.api_version.at, "kind",
			 "ExecCredential", "spec", spec);
	return info;
}

static void become(const struct kube_config *config, int out)
{
	char *info = json_dumps(exec_info(config), JSON_COMPACT);
	sigset_t none;
	int null = open("/dev/null", O_RDONLY);

	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	signal(SIGPIPE, SIG_DFL);
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	dup2(null, STDIN_FILENO);
	dup2(out, STDOUT_FILENO);
	close_range(3, ~0U, 0);
	for (const char *const *env = config->exec.env; *env; env++)
		putenv((char *)(uintptr_t)*env);
	setenv("KUBERNETES_EXEC_INFO", info ? info : "", 1);
	execvp(config->exec.argv[0], (char *const *)(uintptr_t)config->exec.argv);
	fprintf(stderr, "%s: %s\n", config->exec.argv[0], strerror(errno));
	_exit(127);
}

/* Reads until the end, the limit, or the time is up. */
static bool read_all(int fd, struct buf *buf)
{
	uint64_t end = clock_mono_ns() + KUBE_EXEC_SECONDS_MAX * (uint64_t)NS_PER_SEC;
	char piece[4096];

	for (;;) {
		struct pollfd wait = {.fd = fd, .events = POLLIN};
		uint64_t now = clock_mono_ns();

		if (now >= end || poll(&wait, 1, (int)((end - now) / NS_PER_MS) + 1) <= 0)
			return false;
		ssize_t n = read(fd, piece, sizeof(piece));

		if (n <= 0)
			return n == 0;
		buf_add(buf, str_n(piece, (size_t)n));
		if (buf->failed)
			return false;
	}
}

static void answer(int fd, bool ok, struct str text)
{
	uint32_t head[2] = {ok, (uint32_t)text.len};

	if (send(fd, head, sizeof(head), MSG_NOSIGNAL) != sizeof(head))
		_exit(1);
	while (text.len) {
		ssize_t n = send(fd, text.at, text.len, MSG_NOSIGNAL);

		if (n <= 0)
			_exit(1);
		text = str_from(text, (size_t)n);
	}
}

static void run_once(const struct kube_config *config, int fd)
{
	struct buf out;
	int pipes[2], status = 0;
	char fault[160];

	if (pipe2(pipes, O_CLOEXEC) < 0)
		_exit(1);
	pid_t pid = fork();

	if (pid == 0)
		become(config, pipes[1]);
	close(pipes[1]);
	buf_init(&out, KUBE_EXEC_ANSWER_MAX_BYTES);
	bool ok = pid > 0 && read_all(pipes[0], &out);

	close(pipes[0]);
	if (pid > 0 && !ok)
		kill(pid, SIGKILL);
	if (pid > 0)
		waitpid(pid, &status, 0);
	if (ok && WIFEXITED(status) && WEXITSTATUS(status) == 0) {
		answer(fd, true, buf_str(&out));
	} else {
		snprintf(fault, sizeof(fault), "%s %s %d", config->exec.argv[0],
			 ok ? "ended with status" : "did not end within seconds:",
			 ok ? WEXITSTATUS(status) : KUBE_EXEC_SECONDS_MAX);
		answer(fd, false, str_of(fault));
	}
	buf_done(&out);
}

static void help(const struct kube_config *config, int fd)
{
	char byte;

	prctl(PR_SET_PDEATHSIG, SIGTERM);
	prctl(PR_SET_NAME, "tidegate-exec");
	prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
	signal(SIGINT, SIG_IGN); /* of the terminal: the parent decides */
	while (recv(fd, &byte, 1, 0) == 1)
		run_once(config, fd);
	_exit(0);
}

/* ------------------------------------------------------------------- the parent -- */

struct kube_exec *kube_exec_start(const struct kube_config *config, int *ret_error)
{
	struct kube_exec *exec = calloc(1, sizeof(*exec));
	int fds[2];

	*ret_error = -ENOMEM;
	if (!exec)
		return NULL;
	buf_init(&exec->answer, KUBE_EXEC_ANSWER_MAX_BYTES + 64);
	exec->api_version = config->exec.api_version;
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds) < 0) {
		*ret_error = -errno;
		free(exec);
		return NULL;
	}
	exec->fd = fds[0];
	exec->pid = fork();
	if (exec->pid == 0) {
		close(fds[0]);
		help(config, fds[1]);
	}
	close(fds[1]);
	if (exec->pid < 0) {
		*ret_error = -errno;
		close(exec->fd);
		free(exec);
		return NULL;
	}
	fcntl(exec->fd, F_SETFL, O_NONBLOCK);
	return exec;
}

void kube_exec_stop(struct kube_exec *exec)
{
	if (!exec)
		return;
	/* It ends when its socket does; init reaps it when we may not wait. */
	close(exec->fd);
	waitpid(exec->pid, NULL, WNOHANG);
	if (exec->answer.at)
		explicit_bzero(exec->answer.at, exec->answer.len);
	buf_done(&exec->answer);
	free(exec);
}

int kube_exec_fd(const struct kube_exec *exec)
{
	return exec->fd;
}

void kube_exec_ask(struct kube_exec *exec)
{
	if (!exec->is_asked && send(exec->fd, "r", 1, MSG_NOSIGNAL) == 1)
		exec->is_asked = true;
}

int kube_exec_take(struct kube_exec *exec, struct arena *arena,
		   struct kube_credential *ret_credential, char *ret_fault)
{
	char piece[4096];
	uint32_t head[2];
	ssize_t n;

	while ((n = recv(exec->fd, piece, sizeof(piece), 0)) > 0)
		buf_add(&exec->answer, str_n(piece, (size_t)n));
	if (n == 0) {
		snprintf(ret_fault, KUBE_CONFIG_FAULT_BYTES,
			 "the helper for exec plug-ins is gone");
		return -EPIPE;
	}
	if (exec->answer.len < sizeof(head))
		return 0;
	memcpy(head, exec->answer.at, sizeof(head));
	struct str text = str_from(buf_str(&exec->answer), sizeof(head));

	if (text.len < head[1])
		return 0;
	int rc = -EIO;

	if (head[0])
		rc = kube_exec_parse(text, exec->api_version, arena, ret_credential, ret_fault);
	else
		snprintf(ret_fault, KUBE_CONFIG_FAULT_BYTES, "exec plug-in: " STR_FMT,
			 STR_ARG(text));
	explicit_bzero(exec->answer.at, exec->answer.len);
	buf_clear(&exec->answer);
	exec->is_asked = false;
	return rc < 0 ? rc : 1;
}

static struct str text_at(const json_t *object, const char *key, struct arena *arena)
{
	const json_t *value = json_object_get(object, key);

	return json_is_string(value) ? arena_str(arena, str_n(json_string_value(value),
							      json_string_length(value)))
				     : (struct str){0};
}

int kube_exec_parse(struct str text, struct str api_version, struct arena *arena,
		    struct kube_credential *ret_credential, char *ret_fault)
{
	json_t *answer_ = json_loadb(text.at ? text.at : "", text.len, 0, NULL);
	const json_t *status = json_object_get(answer_, "status");
	struct str expires;
	int error = 0;

	*ret_credential = (struct kube_credential){
		.token = str_trim_space(text_at(status, "token", arena)),
		.cert_pem = text_at(status, "clientCertificateData", arena),
		.key_pem = text_at(status, "clientKeyData", arena),
	};
	expires = text_at(status, "expirationTimestamp", arena);
	if (expires.len && object_time_parse(expires, &ret_credential->expires_ns))
		ret_credential->expires_ns = 0;
	if (!str_eq(text_at(answer_, "kind", arena), STR("ExecCredential")) ||
	    !str_eq(text_at(answer_, "apiVersion", arena), api_version))
		error = -EINVAL;
	if (!ret_credential->token.len &&
	    (!ret_credential->cert_pem.len || !ret_credential->key_pem.len))
		error = -EINVAL;
	if (error)
		snprintf(ret_fault, KUBE_CONFIG_FAULT_BYTES,
			 "the exec plug-in's answer is no ExecCredential of " STR_FMT
			 " with a token, or a certificate and its key",
			 STR_ARG(api_version));
	json_decref(answer_);
	return error;
}
