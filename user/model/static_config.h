/* SPDX-License-Identifier: Apache-2.0 */
#ifndef STATIC_CONFIG_H
#define STATIC_CONFIG_H

/*
 * static_config: the options one starts with, under Traefik's names (reference e and a.11) and
 * ours. Three layers become one document: --configFile (YAML), then the environment (TIDEGATE_A_B,
 * TRAEFIK_A_B), then flags (--a.b=v); a later layer overrides key by key. Names compare without
 * case; an unknown one is an error.
 */

#include "model/static_entry_point.h"
#include "model/static_flood.h"
#include "model/static_forwarding.h"
#include "model/static_provider.h"

struct file_provider {
	struct str directory, filename;
	bool watch, debug_log_generated_template;
};

struct static_providers {
	struct file_provider file;
	struct kubernetes_crd_provider kubernetes_crd;
	struct kubernetes_ingress_provider kubernetes_ingress;
	struct duration providers_throttle_duration;
	/* Derived: the option is there, and not false. */
	bool is_crd_on, is_ingress_on;
};

/* How an API server is asked. */
struct static_kubernetes {
	struct str secrets;		/* named, type, all */
	struct duration probe_interval; /* between two questions whether it lives */
};

struct static_log {
	struct str level, format, file_path;
};

struct static_access_log {
	struct str file_path, format;
	int64_t buffering_size;
};

struct static_prometheus {
	struct strs buckets; /* seconds, increasing */
	bool add_entry_points_labels, add_routers_labels, add_services_labels;
	struct str entry_point;
	bool manual_routing;
	struct str_map header_labels;
};

struct static_metrics {
	bool add_internals;
	struct static_prometheus *prometheus;
};

struct static_ping {
	struct str entry_point;
	bool manual_routing;
	int64_t terminating_status_code;
};

struct static_api {
	bool insecure, dashboard, debug;
	struct str base_path;
};

struct forwarding_timeouts {
	struct duration dial, response_header, idle_conn;
};

struct static_servers_transport {
	bool insecure_skip_verify;
	struct strs root_cas;
	int64_t max_idle_conns_per_host; /* per worker and endpoint; negative: no keep-alive */
	struct forwarding_timeouts forwarding_timeouts;
};

struct static_core {
	struct str default_rule_syntax;
};

struct static_global {
	bool check_new_version, send_anonymous_usage, not_append_x_forwarded_for;
};

struct static_admin {
	struct str address; /* "127.0.0.1:9180"; empty: no TCP listener */
	struct str socket;  /* "/run/tidegate/admin.sock": asked by the operator's commands; empty:
			       none */
	/* Derived. */
	struct listen_address listen;
};

/* Every limit has a documented answer when it is reached: see docs/reference/options.md. */
struct static_limits {
	int64_t max_connections;	  /* of all workers together */
	int64_t max_header_count;	  /* fields in one request or response head */
	int64_t max_upstream_connections; /* per worker and endpoint; 0: unlimited */
	struct quantity request_memory;	  /* arena of one request */
	struct str body_directory;	  /* of temporary files */
	struct quantity body_disk;	  /* of all of them */
};

/* Source that is refused at L7 so often within window is dropped in the kernel for drop_for. */
struct static_escalation {
	int64_t refusals; /* 0: never */
	struct duration window, drop_for;
};

/* Safety that an operator may lower (reference/security.md A2.7). */
struct static_security {
	bool seccomp;		      /* filter system calls after start (default true) */
	bool allow_loopback_backends; /* endpoints on loopback or link-local addresses (default
					 false) */
};

struct static_config {
	struct map_of entry_points; /* struct static_entry_point */
	struct static_providers providers;
	struct static_log log;
	struct static_access_log *access_log;
	struct static_metrics metrics;
	struct static_ping *ping;
	struct static_api *api;
	struct static_servers_transport servers_transport;
	struct static_core core;
	struct static_global global;
	struct str manifests;  /* folder, empty: none */
	struct str kubeconfig; /* file; "auto": KUBECONFIG or ~/.kube/config; empty: none */
	struct static_kubernetes kubernetes;
	struct str config_file; /* as given */
	struct str state_file;	/* empty: none */
	struct static_admin admin;
	int64_t workers;	    /* 0: one per CPU that we may use */
	struct str kernel_plane;    /* auto, native, generic, off */
	struct str socket_steering; /* hash, cpu, off */
	struct duration upgrade_grace;
	struct strs interfaces;
	struct str pin_folder; /* pinFolder, default /sys/fs/bpf/tidegate */
	struct static_security security;
	struct static_limits limits;
	struct static_escalation escalation;
	struct static_forwarding forwarding;
	struct str lists_directory; /* of files that SourcePolicies name; empty: none */
	struct static_flood_protection flood_protection;
};

extern const struct schema schema_static_config;

/*
 * Reads flags (argv without program and command name), environment and file. Returns 0, or -EINVAL
 * with the faults in sink, or a negative errno when the file cannot be read (also in sink). Texts
 * live in the arena. A word that is no flag is a fault, unless ret_words is given: then those are
 * collected there. read_file is file_read(), from those who may read files.
 */
int static_config_from_args(int argc, char *const *argv, char *const *envp,
			    int (*read_file)(const char *path, struct buf *buf),
			    struct arena *arena, struct diag_sink *sink,
			    struct static_config *ret_config, struct strs *ret_words);
/* The same from one JSON document (tests, tools). */
int static_config_from_json(const json_t *document, struct arena *arena, struct diag_sink *sink,
			    struct static_config *ret_config);
struct static_entry_point *static_entry_point(const struct static_config *config, size_t i);
/* The entry point of that name, or NULL. */
struct static_entry_point *static_entry_point_find(const struct static_config *config,
						   struct str name);

#endif
