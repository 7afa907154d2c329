// SPDX-License-Identifier: Apache-2.0
/* metric_table: the rows. Traffic metrics have three owners and the same meaning: one macro writes
 * a set. */

#include "obs/metric_table.h"

const char *const metric_kind_labels[METRIC_KIND__COUNT][METRIC_LABELS_MAX + 1] = {
	[METRIC_OF_ENTRY_POINT] = {"entrypoint"},
	[METRIC_OF_ROUTER] = {"router", "service"},
	[METRIC_OF_SERVICE] = {"service"},
	[METRIC_OF_STREAM] = {"service", "protocol"},
	[METRIC_OF_MIDDLEWARE] = {"middleware"},
	[METRIC_OF_KTLS] = {"direction", "result", "reason"},
	[METRIC_OF_SERVER_TLS] = {"result", "reason"},
	[METRIC_OF_CLIENT_TLS] = {"result", "reason"},
	[METRIC_OF_SERVER] = {"service", "url"},
	[METRIC_OF_CERT] = {"cn", "serial", "sans"},
};

#define ROW(name_, type_, kind_, slot_, help_)                                                \
	{                                                                                     \
		.name = "tidegate_" name_, .type = METRIC_##type_, .kind = METRIC_OF_##kind_, \
		.slot = METRIC_##slot_, .id = METRIC_ID_NONE, .help = help_                   \
	}
#define SOURCE(name_, type_, id_, help_, ...)                                            \
	{                                                                                \
		.name = name_, .type = METRIC_##type_, .kind = METRIC_OF_SOURCE,         \
		.slot = METRIC_SLOT_NONE, .id = METRIC_##id_, .help = help_, .labels = { \
			__VA_ARGS__                                                      \
		}                                                                        \
	}
#define TRAFFIC(owner_, kind_, of_)                                                       \
	ROW(owner_ "_request_duration_seconds", HISTOGRAM, kind_, SLOT_DURATION,          \
	    "How long requests of " of_ " took, in seconds."),                            \
		ROW(owner_ "_requests_bytes_total", COUNTER, kind_, SLOT_REQUEST_BYTES,   \
		    "Bytes of request bodies of " of_ "."),                               \
		ROW(owner_ "_requests_tls_total", COUNTER, kind_, SLOT_TLS,               \
		    "Requests of " of_ " that came over TLS, by version and cipher."),    \
		ROW(owner_ "_requests_total", COUNTER, kind_, SLOT_REQUESTS,              \
		    "Requests of " of_ ", by status, method and protocol."),              \
		ROW(owner_ "_responses_bytes_total", COUNTER, kind_, SLOT_RESPONSE_BYTES, \
		    "Bytes of response bodies of " of_ ".")

const struct metric_row metric_rows[] = {
	SOURCE("process_cpu_seconds_total", COUNTER, PROCESS_CPU_SECONDS,
	       "User and system CPU time spent, in seconds.", NULL),
	SOURCE("process_max_fds", GAUGE, PROCESS_MAX_FDS, "Most file descriptors that may be open.",
	       NULL),
	SOURCE("process_open_fds", GAUGE, PROCESS_OPEN_FDS, "Open file descriptors.", NULL),
	SOURCE("process_resident_memory_bytes", GAUGE, PROCESS_RESIDENT_BYTES, "Resident memory.",
	       NULL),
	SOURCE("process_start_time_seconds", GAUGE, PROCESS_START_TIME,
	       "When the process started, in seconds since the epoch.", NULL),
	SOURCE("process_virtual_memory_bytes", GAUGE, PROCESS_VIRTUAL_BYTES, "Virtual memory.",
	       NULL),
	ROW("access_log_dropped_total", COUNTER, PROGRAM, ACCESS_LOG_DROPPED,
	    "Access log lines that were dropped because their writer was too slow."),
	SOURCE("tidegate_build_info", GAUGE, BUILD_INFO, "1, with the version as label.",
	       "version"),
	SOURCE("tidegate_config_compile_seconds", HISTOGRAM, CONFIG_COMPILE,
	       "How long compiling took: everything, or only what changed.", "kind"),
	SOURCE("tidegate_config_event_to_effect_seconds", HISTOGRAM, CONFIG_EFFECT,
	       "Time from the event at the source until all workers and the kernel plane work by "
	       "it.",
	       NULL),
	ROW("config_last_reload_success", GAUGE, RELOAD, SLOT_1,
	    "When the configuration was last loaded, in seconds since the epoch."),
	SOURCE("tidegate_config_ready", GAUGE, CONFIG_READY,
	       "Whether a whole configuration serves and the program does not end, as /ready says.",
	       NULL),
	ROW("config_reloads_total", COUNTER, RELOAD, SLOT_0, "Configurations loaded."),
	SOURCE("tidegate_config_unsupported_fields", GAUGE, CONFIG_UNSUPPORTED,
	       "Fields of objects that have no effect or are refused, because they are not "
	       "supported.",
	       "kind"),
	ROW("connections_refused_total", COUNTER, PROGRAM, CONNECTIONS_REFUSED,
	    "Connections that the proxy closed because a limit was reached."),
	ROW("entrypoint_connections_refused_total", COUNTER, ENTRY_POINT, STREAMS_REFUSED,
	    "Connections closed before a server was asked: by a TCP middleware, or because no TCP "
	    "route takes them."),
	ROW("entrypoint_datagrams_dropped_total", COUNTER, ENTRY_POINT, DATAGRAMS_DROPPED,
	    "Datagrams from clients that went to no server."),
	TRAFFIC("entrypoint", ENTRY_POINT, "an entry point"),
	ROW("escalations_total", COUNTER, PROGRAM, ESCALATIONS,
	    "Sources that the proxy asked the kernel plane to drop for a while."),
	SOURCE("tidegate_kernel_attached", GAUGE, KERNEL_ATTACHED,
	       "1 for every interface that runs the kernel plane, 0 for one that should; 0 with "
	       "mode "
	       "off: there is none, though it was asked for.",
	       "interface", "mode"),
	SOURCE("tidegate_kernel_backend_bytes_total", COUNTER, KERNEL_BACKEND_BYTES,
	       "Bytes that the kernel plane forwarded to a backend.", "service", "backend"),
	SOURCE("tidegate_kernel_backend_packets_total", COUNTER, KERNEL_BACKEND_PACKETS,
	       "Packets that the kernel plane forwarded to a backend.", "service", "backend"),
	SOURCE("tidegate_kernel_backend_unreachable_packets_total", COUNTER,
	       KERNEL_BACKEND_UNREACHABLE,
	       "Packets for a backend that were dropped for want of a route or neighbour.",
	       "service", "backend"),
	SOURCE("tidegate_kernel_bans", GAUGE, KERNEL_BANS,
	       "Sources that the kernel plane drops for a while.", "policy"),
	SOURCE("tidegate_kernel_entrypoint_packets_total", COUNTER, KERNEL_ENTRY_PACKETS,
	       "Packets to an entry point, by what the kernel plane did with them and why.",
	       "entrypoint", "policy", "address", "verdict", "reason"),
	SOURCE("tidegate_kernel_event_to_effect_seconds", HISTOGRAM, KERNEL_EFFECT,
	       "Time from the event at the source until packets are forwarded by it.", NULL),
	SOURCE("tidegate_kernel_generation", GAUGE, KERNEL_GENERATION,
	       "Generation of the kernel plane's configuration.", NULL),
	SOURCE("tidegate_kernel_packets_total", COUNTER, KERNEL_PACKETS,
	       "Packets by what the kernel plane did with them and why.", "verdict", "reason"),
	SOURCE("tidegate_kernel_received_bytes_total", COUNTER, KERNEL_RECEIVED_BYTES,
	       "Bytes that reached the kernel plane.", NULL),
	SOURCE("tidegate_kernel_received_packets_total", COUNTER, KERNEL_RECEIVED_PACKETS,
	       "Packets that reached the kernel plane.", NULL),
	SOURCE("tidegate_kernel_service_backends", GAUGE, KERNEL_SERVICE_BACKENDS,
	       "Backends of a service that the kernel plane forwards, by state.", "service",
	       "state"),
	SOURCE("tidegate_kernel_service_bytes_total", COUNTER, KERNEL_SERVICE_BYTES,
	       "Bytes of packets that the kernel plane forwarded for a service.", "service"),
	SOURCE("tidegate_kernel_service_connections_total", COUNTER, KERNEL_SERVICE_CONNECTIONS,
	       "TCP connection attempts that the kernel plane forwarded for a service.", "service"),
	SOURCE("tidegate_kernel_service_kept_flows_total", COUNTER, KERNEL_SERVICE_KEPT,
	       "Flows that were written down because their slot changed hands: made, or refused "
	       "because there were too many at once.",
	       "service", "result"),
	SOURCE("tidegate_kernel_service_packets_total", COUNTER, KERNEL_SERVICE_PACKETS,
	       "Packets that the kernel plane forwarded for a service.", "service"),
	ROW("ktls_connections_total", COUNTER, KTLS, KTLS_CONNECTIONS,
	    "TLS connections by whether the kernel took the keys, and why not."),
	SOURCE("tidegate_kube_connected", GAUGE, KUBE_CONNECTED, "Whether the API server answers.",
	       NULL),
	SOURCE("tidegate_kube_errors_total", COUNTER, KUBE_ERRORS,
	       "Lists and watches that failed, by the kind they are for.", "kind"),
	SOURCE("tidegate_kube_events_total", COUNTER, KUBE_EVENTS,
	       "Changes that the API server told of.", "kind"),
	SOURCE("tidegate_kube_lists_total", COUNTER, KUBE_LISTS,
	       "Times that everything of a kind was listed.", "kind"),
	SOURCE("tidegate_kube_objects", GAUGE, KUBE_OBJECTS,
	       "Objects that are known from the API server.", "kind"),
	SOURCE("tidegate_kube_silence_seconds", GAUGE, KUBE_SILENCE,
	       "Time since the API server last answered anything.", NULL),
	ROW("middleware_replies_total", COUNTER, MIDDLEWARE, MIDDLEWARE_REPLIES,
	    "Requests that a middleware answered itself."),
	ROW("middleware_requests_total", COUNTER, MIDDLEWARE, MIDDLEWARE_REQUESTS,
	    "Requests that reached a middleware."),
	ROW("middleware_waits_total", COUNTER, MIDDLEWARE, MIDDLEWARE_WAITS,
	    "Requests that a middleware made wait."),
	ROW("open_connections", GAUGE, ENTRY_POINT, OPEN_CONNECTIONS, "Open client connections."),
	TRAFFIC("router", ROUTER, "a router"),
	ROW("server_tls_handshakes_total", COUNTER, SERVER_TLS, SERVER_HANDSHAKES,
	    "TLS handshakes with servers, by result (new, resumed, failed) and reason."),
	TRAFFIC("service", SERVICE, "a service"),
	ROW("service_retries_total", COUNTER, SERVICE, RETRIES,
	    "Tries after the first, by service."),
	ROW("service_server_up", GAUGE, SERVER, SLOT_0, "Whether a server is up (1) or down (0)."),
	ROW("stream_open_sessions", GAUGE, STREAM, STREAM_OPEN,
	    "TCP connections and UDP sessions of a service that are open."),
	ROW("stream_received_bytes_total", COUNTER, STREAM, STREAM_RECEIVED,
	    "Bytes that clients sent to a TCP or UDP service."),
	ROW("stream_retries_total", COUNTER, STREAM, RETRIES,
	    "Servers asked after the first, by TCP or UDP service."),
	ROW("stream_sent_bytes_total", COUNTER, STREAM, STREAM_SENT,
	    "Bytes that a TCP or UDP service sent to clients."),
	ROW("stream_sessions_total", COUNTER, STREAM, STREAM_SESSIONS,
	    "TCP connections and UDP sessions that a server of a service took."),
	ROW("tls_certs_not_after", GAUGE, CERT, SLOT_0,
	    "When a certificate expires, in seconds since the epoch."),
	ROW("tls_handshakes_total", COUNTER, CLIENT_TLS, CLIENT_HANDSHAKES,
	    "TLS handshakes with clients, by result (new, resumed, failed) and reason."),
};

const size_t metric_row_count = sizeof(metric_rows) / sizeof(*metric_rows);
