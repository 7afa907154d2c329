/* SPDX-License-Identifier: Apache-2.0 */
#ifndef KUBE_CONFIG_H
#define KUBE_CONFIG_H

/*
 * kube_config: where the API server is, and who we are to it: the service account of a pod, a
 * kubeconfig file (or a list of them, as KUBECONFIG), or Traefik's options endpoint, token and
 * certAuthFilePath.
 *
 * Files that stay small are read here at once; a token file is read again by kube_config_token()
 * whenever a token is needed, because it is replaced long before it expires. One thread.
 */

#include "base/arena.h"
#include "base/buf.h"
#include "base/str.h"

enum {
	KUBE_CONFIG_FAULT_BYTES = 320,
	KUBE_TOKEN_MAX_BYTES = 64 << 10,
	KUBE_FILE_MAX_BYTES = 4 << 20,
};

/* What was asked for; texts are followed by a NUL. */
struct kube_config_options {
	bool is_kubeconfig;    /* --kubeconfig was given */
	struct str kubeconfig; /* its value; empty: KUBECONFIG, or ~/.kube/config */
	struct str endpoint, token, ca_file;
	const char *(*env)(const char *name); /* NULL: getenv() */
	const char *service_account;	      /* folder; NULL: where kubelet puts it */
};

/* A program that says who we are (client.authentication.k8s.io). */
struct kube_exec_conf {
	const char **argv; /* NULL at the end; NULL: none */
	const char **env;  /* "NAME=value", what is added */
	struct str api_version;
	bool gives_cluster;	   /* it is told of the cluster */
	struct str cluster_config; /* what the kubeconfig has for it there, as JSON; or empty */
};

struct kube_config {
	struct arena arena;
	struct str server; /* "https://10.0.0.1:443", no slash at the end */
	struct str origin; /* where this comes from, for people */
	struct str ca_pem; /* empty: the system's */
	struct str cert_pem, key_pem;
	struct str ca_file, cert_file, key_file; /* where these come from; empty: not from files */
	struct str token, token_file;
	struct str username, password;
	struct str as_user, as_uid; /* whom to act for; empty: oneself */
	struct strs as_groups;
	struct str proxy_url, tls_server_name;
	struct str namespace_; /* of the pod, or of the context */
	bool insecure;
	struct kube_exec_conf exec;
};

/* 0, or a negative errno with a sentence in ret_fault (KUBE_CONFIG_FAULT_BYTES). -ENOENT: nothing
 * says where an API server is. */
int kube_config_load(const struct kube_config_options *options, struct kube_config *ret_config,
		     char *ret_fault);
void kube_config_done(struct kube_config *config);
/* Appends the token of now to buf; nothing when there is none. A token file that cannot be read is
 * an error. */
int kube_config_token(const struct kube_config *config, struct buf *buf);
/* Reads the files of the CA and of the client's certificate again, as they are rotated while we
 * run; true: one has changed. What cannot be read stays as it was. */
bool kube_config_refresh(struct kube_config *config);

#endif
