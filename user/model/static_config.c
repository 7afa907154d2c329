// SPDX-License-Identifier: Apache-2.0
/*
 * static_config: the option tables (reference e, a.11, h), and what is derived from them.
 *
 * Options of Traefik that are not in these tables stand in static_unsupported.c: known, and told
 * of.
 */
#include "model/static_config.h"

#include <errno.h>

#include "base/num.h"
#include "model/static_args.h"
#include "model/static_unsupported.h"

#define OPTION_FLAGS (SCHEMA_ANY_CASE | SCHEMA_BOOL_IS_EMPTY | SCHEMA_FROM_TEXT)
#define OPTION_GROUP(variable, type_, name_, doc_, rows) \
	static const struct schema variable = {          \
		.name = (name_),                         \
		.doc = (doc_),                           \
		.size = sizeof(type_),                   \
		SCHEMA_FIELDS(rows),                     \
		.flags = OPTION_FLAGS,                   \
	}
#define NOT_NEGATIVE .min = 0, .max = INT64_MAX
#define OURS	     .support = DIFFERS, .note = "Tidegate only"
#define AT_ONCE	     .support = IGNORED, .note = "changes are applied at once"
#define OF_FOLDERS   .support = DIFFERS, .note = "in a folder of manifests all objects count"

static const struct field crd_fields[] = {
	FIELD(struct kubernetes_crd_provider, endpoint, .name = "endpoint",
	      .doc = "URL of the API server."),
	FIELD(struct kubernetes_crd_provider, token, .name = "token", .secret = true,
	      .doc = "Token for the API server, or the file that holds it."),
	FIELD(struct kubernetes_crd_provider, cert_auth_file_path, .name = "certAuthFilePath",
	      .doc = "File with the API server's certificate authority."),
	FIELD(struct kubernetes_crd_provider, namespaces, .name = "namespaces",
	      .format = "namespace", OF_FOLDERS,
	      .doc = "Namespaces whose objects count; all when absent."),
	FIELD(struct kubernetes_crd_provider, label_selector, .name = "labelSelector", OF_FOLDERS,
	      .doc = "Labels that objects must have to count."),
	FIELD(struct kubernetes_crd_provider, ingress_class, .name = "ingressClass",
	      .doc = "Class that IngressRoutes must have; when empty: none, or traefik."),
	FIELD(struct kubernetes_crd_provider, throttle_duration, .name = "throttleDuration",
	      .preset = "0", NOT_NEGATIVE, AT_ONCE,
	      .doc = "Time between two compilations at least."),
	FIELD(struct kubernetes_crd_provider, allow_cross_namespace, .name = "allowCrossNamespace",
	      .doc = "Allows references to other namespaces."),
	FIELD(struct kubernetes_crd_provider, allow_external_name_services,
	      .name = "allowExternalNameServices", .doc = "Allows Services of type ExternalName."),
	FIELD(struct kubernetes_crd_provider, allow_empty_services, .name = "allowEmptyServices",
	      .doc = "Answers 503 for a Service without endpoints; its routes are dropped "
		     "otherwise."),
	FIELD(struct kubernetes_crd_provider, native_lb_by_default, .name = "nativeLBByDefault",
	      .doc = "Sends to cluster IPs where a service does not say otherwise."),
	FIELD(struct kubernetes_crd_provider, disable_cluster_scope_resources,
	      .name = "disableClusterScopeResources",
	      .doc = "Reads no objects that have no namespace."),
	FIELD(struct kubernetes_crd_provider, cross_provider_namespaces,
	      .name = "crossProviderNamespaces", .format = "namespace",
	      .doc = "Namespaces whose objects may name objects of other providers; all when "
		     "absent."),
};
OPTION_GROUP(schema_crd, struct kubernetes_crd_provider, "kubernetesCRD",
	     "Rules for Traefik's own kinds, wherever they come from.", crd_fields);

static const struct field ingress_endpoint_fields[] = {
	FIELD(struct ingress_endpoint, ip, .name = "ip", .doc = "Address in the status."),
	FIELD(struct ingress_endpoint, hostname, .name = "hostname", .doc = "Host in the status."),
	FIELD(struct ingress_endpoint, published_service, .name = "publishedService",
	      .doc = "Service whose addresses are in the status."),
};
OPTION_GROUP(schema_ingress_endpoint, struct ingress_endpoint, "ingressEndpoint",
	     "What the status of Ingresses says.", ingress_endpoint_fields);

static const struct field ingress_fields[] = {
	FIELD(struct kubernetes_ingress_provider, endpoint, .name = "endpoint",
	      .doc = "URL of the API server."),
	FIELD(struct kubernetes_ingress_provider, token, .name = "token", .secret = true,
	      .doc = "Token for the API server, or the file that holds it."),
	FIELD(struct kubernetes_ingress_provider, cert_auth_file_path, .name = "certAuthFilePath",
	      .doc = "File with the API server's certificate authority."),
	FIELD(struct kubernetes_ingress_provider, namespaces, .name = "namespaces",
	      .format = "namespace", OF_FOLDERS,
	      .doc = "Namespaces whose objects count; all when absent."),
	FIELD(struct kubernetes_ingress_provider, label_selector, .name = "labelSelector",
	      OF_FOLDERS, .doc = "Labels that Ingresses must have to count."),
	FIELD(struct kubernetes_ingress_provider, ingress_class, .name = "ingressClass",
	      .doc = "Class that Ingresses must have; when empty: one of ours, none, or traefik."),
	FIELD_IN(struct kubernetes_ingress_provider, ingress_endpoint, &schema_ingress_endpoint,
		 .name = "ingressEndpoint", .doc = "What the status of Ingresses says."),
	FIELD(struct kubernetes_ingress_provider, throttle_duration, .name = "throttleDuration",
	      .preset = "0", NOT_NEGATIVE, AT_ONCE,
	      .doc = "Time between two compilations at least."),
	FIELD(struct kubernetes_ingress_provider, allow_external_name_services,
	      .name = "allowExternalNameServices", .doc = "Allows Services of type ExternalName."),
	FIELD(struct kubernetes_ingress_provider, allow_empty_services,
	      .name = "allowEmptyServices",
	      .doc = "Answers 503 for a Service without endpoints; its routes are dropped "
		     "otherwise."),
	FIELD(struct kubernetes_ingress_provider, native_lb_by_default, .name = "nativeLBByDefault",
	      .doc = "Sends to cluster IPs where a Service does not say otherwise."),
	FIELD(struct kubernetes_ingress_provider, disable_cluster_scope_resources,
	      .name = "disableClusterScopeResources",
	      .doc = "Looks at no IngressClass: names are compared with ingressClass only."),
	FIELD(struct kubernetes_ingress_provider, disable_ingress_class_lookup,
	      .name = "disableIngressClassLookup",
	      .doc = "Deprecated: the same as disableClusterScopeResources."),
	FIELD(struct kubernetes_ingress_provider, report_node_internal_ips,
	      .name = "reportNodeInternalIPs", .doc = "Puts the nodes' addresses into the status."),
	FIELD(struct kubernetes_ingress_provider, strict_prefix_matching,
	      .name = "strictPrefixMatching",
	      .doc = "A Prefix of /a matches /a and /a/b, not /ab."),
	FIELD(struct kubernetes_ingress_provider, cross_provider_namespaces,
	      .name = "crossProviderNamespaces", .format = "namespace",
	      .doc = "Namespaces whose Ingresses may name objects of other providers; all when "
		     "absent."),
};
OPTION_GROUP(schema_ingress_provider, struct kubernetes_ingress_provider, "kubernetesIngress",
	     "Rules for Ingresses, wherever they come from.", ingress_fields);

static const struct field file_fields[] = {
	FIELD(struct file_provider, directory, .name = "directory",
	      .doc = "Folder of files in Traefik's own format (*.yaml, *.yml, *.toml)."),
	FIELD(struct file_provider, filename, .name = "filename",
	      .doc = "One such file; directory counts when both are given."),
	FIELD(struct file_provider, watch, .name = "watch", .preset = "true",
	      .doc = "Takes changes while running."),
	FIELD(struct file_provider, debug_log_generated_template,
	      .name = "debugLogGeneratedTemplate", .support = IGNORED,
	      .note = "templates are not rendered", .doc = "Logs what templates become."),
};
OPTION_GROUP(schema_file_provider, struct file_provider, "file",
	     "Routers, services and middlewares in Traefik's own files.", file_fields);

static const struct field providers_fields[] = {
	FIELD_IN(struct static_providers, file, &schema_file_provider, .name = "file",
		 .doc = "Routers, services and middlewares in Traefik's own files."),
	FIELD_IN(struct static_providers, kubernetes_ingress, &schema_ingress_provider,
		 .name = "kubernetesIngress",
		 .doc = "Rules for Ingresses, wherever they come from."),
	FIELD_IN(struct static_providers, kubernetes_crd, &schema_crd, .name = "kubernetesCRD",
		 .doc = "Rules for Traefik's own kinds, wherever they come from."),
	FIELD(struct static_providers, providers_throttle_duration,
	      .name = "providersThrottleDuration", .preset = "2s", NOT_NEGATIVE, AT_ONCE,
	      .doc = "Time between two compilations at least."),
};
OPTION_GROUP(schema_providers, struct static_providers, "providers", "Where objects come from.",
	     providers_fields);

static const struct field log_fields[] = {
	FIELD(struct static_log, level, .name = "level", .preset = "INFO",
	      .choices = "TRACE|DEBUG|INFO|WARN|ERROR|FATAL|PANIC", .any_case = true,
	      .support = DIFFERS, .note = "Traefik's default is ERROR",
	      .doc = "What is logged, and what is worse."),
	FIELD(struct static_log, format, .name = "format", .preset = "common",
	      .choices = "common|json", .any_case = true, .doc = "logfmt (common) or JSON lines."),
	FIELD(struct static_log, file_path, .name = "filePath",
	      .doc = "File of the log; standard error when absent."),
};
OPTION_GROUP(schema_log, struct static_log, "log", "The log.", log_fields);

static const struct field access_log_fields[] = {
	FIELD(struct static_access_log, file_path, .name = "filePath",
	      .doc = "File of the access log; standard output when absent."),
	FIELD(struct static_access_log, format, .name = "format", .preset = "common",
	      .choices = "common|json|genericCLF", .any_case = true, .doc = "Format of its lines."),
	FIELD(struct static_access_log, buffering_size, .name = "bufferingSize", .preset = "0",
	      NOT_NEGATIVE, .support = IGNORED,
	      .note = "lines are written by a thread of their own",
	      .doc = "Lines that are kept before they are written."),
};
OPTION_GROUP(schema_access_log, struct static_access_log, "accessLog", "The access log.",
	     access_log_fields);

static const struct field prometheus_fields[] = {
	FIELD(struct static_prometheus, buckets, .name = "buckets", .preset = "0.1,0.3,1.2,5",
	      .min = 1, .max = 12, .doc = "Bounds of the histograms of durations, in seconds."),
	FIELD(struct static_prometheus, add_entry_points_labels, .name = "addEntryPointsLabels",
	      .preset = "true", .doc = "Counts by entry point."),
	FIELD(struct static_prometheus, add_routers_labels, .name = "addRoutersLabels",
	      .doc = "Counts by route."),
	FIELD(struct static_prometheus, add_services_labels, .name = "addServicesLabels",
	      .preset = "true", .doc = "Counts by service."),
	FIELD(struct static_prometheus, entry_point, .name = "entryPoint", .preset = "traefik",
	      .support = IGNORED, .note = "metrics are at admin.address",
	      .doc = "Entry point of the metrics."),
	FIELD(struct static_prometheus, manual_routing, .name = "manualRouting", .support = IGNORED,
	      .note = "metrics are at admin.address",
	      .doc = "Leaves the route to the metrics to the user."),
	FIELD(struct static_prometheus, header_labels, .name = "headerLabels", .support = IGNORED,
	      .note = "request headers make no labels", .doc = "Labels by request header."),
};
OPTION_GROUP(schema_prometheus, struct static_prometheus, "prometheus", "Prometheus.",
	     prometheus_fields);

static const struct field metrics_fields[] = {
	FIELD(struct static_metrics, add_internals, .name = "addInternals", .support = IGNORED,
	      .note = "there are no internal services", .doc = "Counts internal services too."),
	FIELD_SUB(struct static_metrics, prometheus, &schema_prometheus, .name = "prometheus",
		  .doc = "Prometheus."),
};
OPTION_GROUP(schema_metrics, struct static_metrics, "metrics", "Metrics.", metrics_fields);

static const struct field ping_fields[] = {
	FIELD(struct static_ping, entry_point, .name = "entryPoint", .preset = "traefik",
	      .support = IGNORED, .note = "/ping is at admin.address",
	      .doc = "Entry point of /ping."),
	FIELD(struct static_ping, manual_routing, .name = "manualRouting", .support = IGNORED,
	      .note = "/ping is at admin.address", .doc = "Leaves the route to /ping to the user."),
	FIELD(struct static_ping, terminating_status_code, .name = "terminatingStatusCode",
	      .preset = "503", .min = 200, .max = 599,
	      .doc = "Status of /ping after the signal to stop."),
};
OPTION_GROUP(schema_ping, struct static_ping, "ping", "The health check /ping.", ping_fields);

static const struct field api_fields[] = {
	FIELD(struct static_api, insecure, .name = "insecure", .support = IGNORED,
	      .note = "the API is at admin.address", .doc = "Serves the API without a route."),
	FIELD(struct static_api, dashboard, .name = "dashboard", .preset = "true",
	      .support = IGNORED, .note = "there is no dashboard", .doc = "Serves the dashboard."),
	FIELD(struct static_api, debug, .name = "debug", .support = IGNORED,
	      .note = "there are no debugging endpoints", .doc = "Serves debugging endpoints."),
	FIELD(struct static_api, base_path, .name = "basePath", .preset = "/", .support = IGNORED,
	      .note = "the API is at /api", .doc = "Path of the API."),
};
OPTION_GROUP(schema_api, struct static_api, "api", "The API.", api_fields);

static const struct field forwarding_fields[] = {
	FIELD(struct forwarding_timeouts, dial, .name = "dialTimeout", .preset = "30s",
	      NOT_NEGATIVE, .doc = "How long connecting to a server may take; 0: 30s."),
	FIELD(struct forwarding_timeouts, response_header, .name = "responseHeaderTimeout",
	      .preset = "0", NOT_NEGATIVE,
	      .doc = "How long a server may take to answer; 0: one hour."),
	FIELD(struct forwarding_timeouts, idle_conn, .name = "idleConnTimeout", .preset = "90s",
	      NOT_NEGATIVE, .doc = "How long an idle connection is kept; 0: 90s."),
};
OPTION_GROUP(schema_forwarding, struct forwarding_timeouts, "forwardingTimeouts",
	     "Time limits towards servers.", forwarding_fields);

static const struct field servers_transport_fields[] = {
	FIELD(struct static_servers_transport, insecure_skip_verify, .name = "insecureSkipVerify",
	      .doc = "Does not verify the servers' certificates."),
	FIELD(struct static_servers_transport, root_cas, .name = "rootCAs",
	      .doc = "Files with certificate authorities; those of the system when absent."),
	FIELD(struct static_servers_transport, max_idle_conns_per_host,
	      .name = "maxIdleConnsPerHost", .preset = "200", .min = -1, .max = 1000000,
	      .doc = "Idle connections kept to a server by a worker; 0: two, -1: none."),
	FIELD_IN(struct static_servers_transport, forwarding_timeouts, &schema_forwarding,
		 .name = "forwardingTimeouts", .doc = "Time limits towards servers."),
};
OPTION_GROUP(schema_servers_transport, struct static_servers_transport, "serversTransport",
	     "Connections to servers.", servers_transport_fields);

static const struct field core_fields[] = {
	FIELD(struct static_core, default_rule_syntax, .name = "defaultRuleSyntax", .preset = "v3",
	      .choices = "v3|v2", .any_case = true, .doc = "Syntax of rules that name none."),
};
OPTION_GROUP(schema_core, struct static_core, "core", "Rules.", core_fields);

#define NO_CALLS .support = IGNORED, .note = "Tidegate calls nobody"

static const struct field global_fields[] = {
	FIELD(struct static_global, check_new_version, .name = "checkNewVersion", .preset = "true",
	      NO_CALLS, .doc = "Asks for newer versions."),
	FIELD(struct static_global, send_anonymous_usage, .name = "sendAnonymousUsage", NO_CALLS,
	      .doc = "Reports how it is used."),
	FIELD(struct static_global, not_append_x_forwarded_for, .name = "notAppendXForwardedFor",
	      .doc = "Does not append the peer to X-Forwarded-For, on all entry points."),
};
OPTION_GROUP(schema_global, struct static_global, "global", "Everything.", global_fields);

static const struct field admin_fields[] = {
	FIELD(struct static_admin, address, .name = "address", .preset = "127.0.0.1:9180", OURS,
	      .format = "address",
	      .doc = "Where /ping, /metrics and /api listen; nowhere when empty."),
	FIELD(struct static_admin, socket, .name = "socket", .preset = "/run/tidegate/admin.sock",
	      OURS,
	      .doc = "Unix socket with the same pages, asked by the operator's commands; none when "
		     "empty."),
};
OPTION_GROUP(schema_admin, struct static_admin, "admin", "The listener for operators.",
	     admin_fields);

static const struct field limits_fields[] = {
	FIELD(struct static_limits, max_connections, .name = "maxConnections", .preset = "100000",
	      .min = 1, .max = 100000000, OURS,
	      .doc = "Client connections of all workers; further ones wait to be accepted."),
	FIELD(struct static_limits, max_header_count, .name = "maxHeaderCount", .preset = "128",
	      .min = 16, .max = 4096, OURS,
	      .doc = "Header fields of a message; more are answered 431, or 502 from servers."),
	FIELD(struct static_limits, max_upstream_connections, .name = "maxUpstreamConnections",
	      .preset = "0", .min = 0, .max = 1000000, OURS,
	      .doc = "Connections of a worker to a server; 0: no limit. Requests beyond get 503."),
	FIELD(struct static_limits, request_memory, .name = "requestMemory", .preset = "2Mi",
	      .min = 65536, .max = 1 << 30, OURS,
	      .doc = "Memory of one request; one that needs more is answered 431."),
	FIELD(struct static_limits, body_directory, .name = "bodyDirectory", .preset = "/tmp", OURS,
	      .doc = "Folder of the nameless files for bodies that are kept and are too large for "
		     "memory."),
	FIELD(struct static_limits, body_disk, .name = "bodyDisk", .preset = "1Gi", .min = 0,
	      .max = INT64_MAX, OURS,
	      .doc = "What all those files together may take; a request that needs more is "
		     "answered 500."),
};
OPTION_GROUP(schema_limits, struct static_limits, "limits", "What is held at once.", limits_fields);

static const struct field escalation_fields[] = {
	FIELD(struct static_escalation, refusals, .name = "refusals", .preset = "100", .min = 0,
	      .max = 1000000000, OURS,
	      .doc = "Answers 429 within window after which the kernel drops a source; 0: never."),
	FIELD(struct static_escalation, window, .name = "window", .preset = "10s",
	      .min = 100000000LL, .max = 3600000000000LL, OURS,
	      .doc = "Time in which they are counted."),
	FIELD(struct static_escalation, drop_for, .name = "dropFor", .preset = "60s",
	      .min = 1000000000LL, .max = 86400000000000LL, OURS, .doc = "How long it is dropped."),
};
OPTION_GROUP(schema_escalation, struct static_escalation, "escalation",
	     "When a source that rateLimit keeps refusing is dropped by the kernel.",
	     escalation_fields);

static const struct field flood_fields[] = {
	FIELD(struct static_flood_protection, syn_cookies, .name = "synCookies", .preset = "auto",
	      .choices = "auto|on|off", OURS,
	      .doc = "Whether the kernel plane answers TCP SYNs with cookies, where no "
		     "SourcePolicy "
		     "says."),
	FIELD(struct static_flood_protection, syns_per_second, .name = "synsPerSecond",
	      .preset = "10000", .min = 100, .max = 1000000000, OURS,
	      .doc = "SYNs to an entry point above which synCookies: auto answers with cookies; it "
		     "ends below half of them."),
	FIELD(struct static_flood_protection, strays_per_second, .name = "straysPerSecond",
	      .preset = "10000", .min = 0, .max = 1000000000, OURS,
	      .doc = "TCP segments to an entry point that belong to no connection, above which "
		     "they "
		     "are dropped before the network stack; it ends below half of them. 0: never."),
	FIELD(struct static_flood_protection, fragments_per_second, .name = "fragmentsPerSecond",
	      .preset = "1000", .min = 0, .max = 1000000000, OURS,
	      .doc = "Later fragments of IP packets a source may send; 0: no limit."),
	FIELD(struct static_flood_protection, fragments_total, .name = "fragmentsTotal",
	      .preset = "50000", .min = 0, .max = 1000000000, OURS,
	      .doc = "Later fragments per second that each CPU lets through, of all sources; 0: no "
		     "limit."),
	FIELD(struct static_flood_protection, set_sysctls, .name = "setSysctls", .preset = "true",
	      OURS,
	      .doc = "Sets net.ipv4.tcp_syncookies=2 and net.ipv4.tcp_timestamps=2 at the start, "
		     "which cookies of the kernel plane need; off: set them yourself."),
};
OPTION_GROUP(
	schema_flood_protection, struct static_flood_protection, "floodProtection",
	"What the kernel plane does against floods from addresses that nobody can limit one by "
	"one.",
	flood_fields);

static const struct field security_fields[] = {
	FIELD(struct static_security, seccomp, .name = "seccomp", .preset = "true", OURS,
	      .doc = "Filters system calls after start and forbids core dumps; off for debuggers "
		     "only."),
	FIELD(struct static_security, allow_loopback_backends, .name = "allowLoopbackBackends",
	      OURS, .doc = "Lets endpoints be on loopback, link-local and metadata addresses."),
};
OPTION_GROUP(schema_security, struct static_security, "security", "Safety that may be lowered.",
	     security_fields);

static const struct field kubernetes_fields[] = {
	FIELD(struct static_kubernetes, secrets, .name = "secrets", .preset = "named",
	      .choices = "named|type|all", OURS,
	      .doc = "Secrets that are watched: those that objects name, one by one (by type when "
		     "they are many); TLS Secrets by type and others by name; or all."),
	FIELD(struct static_kubernetes, probe_interval, .name = "probeInterval", .preset = "20s",
	      .min = 100000000LL, .max = 3600000000000LL, OURS,
	      .doc = "Time between two questions to the API server whether it still answers."),
};
OPTION_GROUP(schema_kubernetes, struct static_kubernetes, "kubernetes",
	     "How an API server is asked.", kubernetes_fields);

static const struct field config_fields[] = {
	FIELD(struct static_config, entry_points, .name = "entryPoints",
	      .sub = &schema_static_entry_point,
	      .doc = "Addresses to listen on, by name; http on :80 when there is none."),
	FIELD_IN(struct static_config, providers, &schema_providers, .name = "providers",
		 .doc = "Where objects come from."),
	FIELD_IN(struct static_config, log, &schema_log, .name = "log", .doc = "The log."),
	FIELD_SUB(struct static_config, access_log, &schema_access_log, .name = "accessLog",
		  .doc = "The access log; none when absent."),
	FIELD_IN(struct static_config, metrics, &schema_metrics, .name = "metrics",
		 .doc = "Metrics."),
	FIELD_SUB(struct static_config, ping, &schema_ping, .name = "ping", .preset = "{}",
		  .doc = "The health check /ping."),
	FIELD_SUB(struct static_config, api, &schema_api, .name = "api", .preset = "{}",
		  .doc = "The API."),
	FIELD_IN(struct static_config, servers_transport, &schema_servers_transport,
		 .name = "serversTransport", .doc = "Connections to servers."),
	FIELD_IN(struct static_config, core, &schema_core, .name = "core", .doc = "Rules."),
	FIELD_IN(struct static_config, global, &schema_global, .name = "global",
		 .doc = "Everything."),
	FIELD(struct static_config, manifests, .name = "manifests", OURS,
	      .doc = "Folder of manifests, watched for changes."),
	FIELD(struct static_config, kubeconfig, .name = "kubeconfig", OURS,
	      .doc = "kubeconfig file of the API server that objects come from; auto: KUBECONFIG, "
		     "or "
		     "~/.kube/config."),
	FIELD_IN(struct static_config, kubernetes, &schema_kubernetes, .name = "kubernetes",
		 .doc = "How an API server is asked."),
	FIELD(struct static_config, config_file, .name = "configFile",
	      .doc = "YAML or TOML file with options; the environment and flags override it."),
	FIELD(struct static_config, state_file, .name = "stateFile", OURS,
	      .doc = "File in which the API server's last objects are kept, Secrets among them, "
		     "for a "
		     "start while it cannot be asked; none when absent."),
	FIELD_IN(struct static_config, admin, &schema_admin, .name = "admin",
		 .doc = "The listener for operators."),
	FIELD(struct static_config, workers, .name = "workers", .preset = "0", .min = 0, .max = 256,
	      OURS, .doc = "Worker threads; 0: one per CPU."),
	FIELD(struct static_config, kernel_plane, .name = "kernelPlane", .preset = "auto",
	      .choices = "auto|native|generic|tc|pinned|off", .any_case = true, OURS,
	      .doc = "How it attaches; native, generic: by XDP; tc: behind whatever holds the "
		     "XDP hook; auto: natively, else generically, else, where another XDP program "
		     "is in the way, by tc, else not at all; pinned: "
		     "uses what tidegate-loader has brought up, which needs no privilege."),
	FIELD_IN(struct static_config, security, &schema_security, .name = "security",
		 .doc = "Safety that may be lowered."),
	FIELD(struct static_config, pin_folder, .name = "pinFolder",
	      .preset = "/sys/fs/bpf/tidegate", OURS,
	      .doc = "Folder on a bpffs where the kernel plane is pinned."),
	FIELD(struct static_config, socket_steering, .name = "socketSteering", .preset = "hash",
	      .choices = "hash|cpu|off", OURS,
	      .doc = "Which worker gets a new connection: by the hash of its addresses and ports; "
		     "the "
		     "one on the CPU that took its packet, which is faster where the network card "
		     "spreads packets over CPUs and one-sided where it does not; off: the kernel "
		     "decides, and virtual addresses of mode local must be bound."),
	FIELD(struct static_config, upgrade_grace, .name = "upgradeGrace", .preset = "15m",
	      NOT_NEGATIVE, OURS,
	      .doc = "How long a proxy that another one has replaced may go on with the "
		     "connections "
		     "that it has."),
	FIELD(struct static_config, interfaces, .name = "interfaces", OURS,
	      .doc = "Interfaces of the kernel plane; those with a default route when absent. With "
		     "kernelPlane=pinned: which ones the loader was given, to tell when one is "
		     "lost."),
	FIELD_IN(struct static_config, limits, &schema_limits, .name = "limits",
		 .doc = "What is held at once."),
	FIELD_IN(struct static_config, escalation, &schema_escalation, .name = "escalation",
		 .doc = "When a source that rateLimit keeps refusing is dropped by the kernel."),
	FIELD(struct static_config, lists_directory, .name = "listsDirectory", OURS,
	      .doc = "Folder of lists of addresses, watched for changes: the only place from which "
		     "a SourcePolicy's denyFrom and allowFrom may name a file."),
	FIELD_IN(struct static_config, forwarding, &schema_static_forwarding, .name = "forwarding",
		 .doc = "What the kernel plane forwards by itself."),
	FIELD_IN(struct static_config, flood_protection, &schema_flood_protection,
		 .name = "floodProtection", .doc = "What is done against floods."),
};

static void config_check(const void *decoded, struct diag_sink *sink, const struct diag_path *path)
{
	const struct static_config *config = decoded;
	double before = 0, bound;

	static_forwarding_check(&config->forwarding, sink, path);
	if (!config->metrics.prometheus)
		return;
	const struct strs *buckets = &config->metrics.prometheus->buckets;

	for (size_t i = 0; i < buckets->n; i++) {
		if (num_double(buckets->at[i], &bound) || bound <= before) {
			struct diag *diag =
				diag_error(sink, DIAG_FIELD(path, "metrics.prometheus.buckets"),
					   "wrong value");

			diag_expected(sink, diag, "increasing numbers of seconds");
			diag_found(sink, diag, buckets->at[i]);
			return;
		}
		before = bound;
	}
}

const struct schema schema_static_config = {
	.name = "options",
	.doc = "The options one starts with.",
	.size = sizeof(struct static_config),
	SCHEMA_FIELDS(config_fields),
	.flags = OPTION_FLAGS,
	.check = config_check,
};

static int add_default_entry_point(struct static_config *config, struct arena *arena)
{
	struct static_entry_point *entry_point = ARENA_NEW(arena, struct static_entry_point);
	struct str *key = ARENA_NEW(arena, struct str);

	if (!entry_point || !key)
		return -ENOMEM;
	schema_preset(&schema_static_entry_point, arena, entry_point);
	entry_point->address = STR(":80");
	*key = STR("http");
	config->entry_points = (struct map_of){.keys = key, .at = entry_point, .n = 1};
	return 0;
}

static void check_listeners(const struct static_config *config, struct diag_sink *sink)
{
	for (size_t i = 0; i < config->entry_points.n; i++) {
		const struct static_entry_point *a = static_entry_point(config, i);
		const struct diag_path *path = DIAG_FIELD(
			DIAG_FIELD(DIAG_FIELD(NULL, "entryPoints"), a->name.at), "address");

		for (size_t k = 0; k < i; k++) {
			const struct static_entry_point *b = static_entry_point(config, k);

			if (a->listen.port && a->listen.port == b->listen.port &&
			    a->listen.udp == b->listen.udp &&
			    addr_eq(&a->listen.addr, &b->listen.addr) && !a->reuse_port)
				diag_error(sink, path, "the address of entry point " STR_FMT " too",
					   STR_ARG(b->name));
		}
	}
}

/* What other parts want ready-made. */
static int derive(struct static_config *config, struct arena *arena, struct diag_sink *sink)
{
	if (config->entry_points.n == 0 && add_default_entry_point(config, arena))
		return -ENOMEM;
	for (size_t i = 0; i < config->entry_points.n; i++) {
		struct static_entry_point *entry_point = static_entry_point(config, i);

		entry_point->name = config->entry_points.keys[i];
		/* Its format was checked. */
		listen_address_parse(entry_point->address, &entry_point->listen);
		if (config->global.not_append_x_forwarded_for)
			entry_point->forwarded_headers.not_append_x_forwarded_for = true;
	}
	if (config->admin.address.len)
		listen_address_parse(config->admin.address, &config->admin.listen);
	check_listeners(config, sink);
	return 0;
}

/* reference a.11: a provider is on when it is named at all. */
static bool is_on(const json_t *document, const char *path)
{
	const json_t *value = static_args_at(document, str_of(path));
	bool is_false =
		json_is_string(value) && (strcasecmp(json_string_value(value), "false") == 0 ||
					  strcmp(json_string_value(value), "0") == 0);

	return value && !json_is_null(value) && !json_is_false(value) && !is_false;
}

int static_config_from_json(const json_t *document, struct arena *arena, struct diag_sink *sink,
			    struct static_config *ret_config)
{
	json_t *known = static_unsupported_remove(document, sink);
	size_t errors_before = sink->n_errors;
	int error = known ? 0 : -ENOMEM;

	if (!error) {
		schema_decode(&schema_static_config, known, arena, ret_config, sink, NULL);
		ret_config->providers.is_crd_on = is_on(known, "providers.kubernetesCRD");
		ret_config->providers.is_ingress_on = is_on(known, "providers.kubernetesIngress");
		if (sink->n_errors == errors_before)
			error = derive(ret_config, arena, sink);
	}
	json_decref(known);
	return error ? error : sink->n_errors ? -EINVAL : 0;
}

struct static_entry_point *static_entry_point(const struct static_config *config, size_t i)
{
	return LIST_AT(config->entry_points, struct static_entry_point, i);
}

struct static_entry_point *static_entry_point_find(const struct static_config *config,
						   struct str name)
{
	for (size_t i = 0; i < config->entry_points.n; i++)
		if (str_eq(config->entry_points.keys[i], name))
			return static_entry_point(config, i);
	return NULL;
}
