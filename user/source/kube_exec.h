/* SPDX-License-Identifier: Apache-2.0 */
#ifndef KUBE_EXEC_H
#define KUBE_EXEC_H

/*
 * kube_exec: the exec plug-in of a kubeconfig (client.authentication.k8s.io), run by a helper
 * process of its own, because the proxy may not start programs once it serves.
 *
 * The helper is forked before privileges go and threads come. It runs one command, the one it was
 * forked with, whenever it is told to; nothing else can be asked of it. It ends with its parent.
 */

#include "source/kube_config.h"

struct kube_exec;

enum { KUBE_EXEC_SECONDS_MAX = 60, KUBE_EXEC_ANSWER_MAX_BYTES = 1 << 20 };

/* NULL with a negative errno. */
struct kube_exec *kube_exec_start(const struct kube_config *config, int *ret_error);
void kube_exec_stop(struct kube_exec *exec);
/* Readable when an answer is there. */
int kube_exec_fd(const struct kube_exec *exec);
/* Runs the command, unless it runs already. */
void kube_exec_ask(struct kube_exec *exec);

struct kube_credential {
	struct str token, cert_pem, key_pem; /* in the arena */
	int64_t expires_ns;		     /* since the epoch; 0: it does not say */
};
/* 1: there is an answer; 0: not yet; negative: the command failed, and ret_fault says how. */
int kube_exec_take(struct kube_exec *exec, struct arena *arena,
		   struct kube_credential *ret_credential, char *ret_fault);
/* What a plug-in printed -> what it means. */
int kube_exec_parse(struct str text, struct str api_version, struct arena *arena,
		    struct kube_credential *ret_credential, char *ret_fault);

#endif
