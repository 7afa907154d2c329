// SPDX-License-Identifier: Apache-2.0
/*
 * stream_service_ref: the field tables of references to Services without HTTP (reference a.2, a.3).
 */
#include "model/stream_service_ref.h"

/* The fields of both kinds. */
#define COMMON_FIELDS                                                                            \
	FIELD(struct stream_service_ref, name, .name = "name", .required = true, .min = 1,       \
	      .max = 253, .doc = "Name of the Service."),                                        \
		FIELD(struct stream_service_ref, namespace_, .name = "namespace",                \
		      .format = "namespace",                                                     \
		      .doc = "Its namespace; that of the referring object when absent."),        \
		FIELD(struct stream_service_ref, port, .name = "port", .required = true,         \
		      .doc = "Port of the Service, by number or by name."),                      \
		FIELD(struct stream_service_ref, weight, .name = "weight", .preset = "1",        \
		      .min = 0, .max = INT32_MAX, .doc = "Its share among several services."),   \
		FIELD(struct stream_service_ref, native_lb, .name = "nativeLB",                  \
		      .doc = "Sends to the Service's cluster IP and lets the cluster balance."), \
		FIELD(struct stream_service_ref, node_port_lb, .name = "nodePortLB",             \
		      .doc = "Sends to the nodes' internal addresses and the Service's node "    \
			     "port.")

static const struct field proxy_protocol_fields[] = {
	FIELD(struct stream_proxy_protocol, version, .name = "version", .preset = "2", .min = 1,
	      .max = 2, .doc = "Version of the header: 1 (text) or 2 (binary)."),
};

const struct schema schema_stream_proxy_protocol = {
	.name = "proxyProtocol",
	.doc = "The PROXY protocol towards servers.",
	.size = sizeof(struct stream_proxy_protocol),
	SCHEMA_FIELDS(proxy_protocol_fields),
};

static const struct field tcp_fields[] = {
	COMMON_FIELDS,
	FIELD(struct stream_service_ref, tls, .name = "tls", .doc = "Speaks TLS with the servers."),
	FIELD(struct stream_service_ref, servers_transport, .name = "serversTransport",
	      .doc = "ServersTransportTCP with the settings of connections to the servers; of the "
		     "route's namespace."),
	FIELD(struct stream_service_ref, termination_delay, .name = "terminationDelay",
	      .min = INT64_MIN, .max = INT64_MAX,
	      .doc = "Nanoseconds that a connection may live on after one side's end; negative: "
		     "for good. Deprecated: a serversTransport says it."),
	FIELD_SUB(struct stream_service_ref, proxy_protocol, &schema_stream_proxy_protocol,
		  .name = "proxyProtocol",
		  .doc = "Sends a PROXY protocol header with the client's address before all else. "
			 "Deprecated: a serversTransport says it."),
};

static void tcp_check(const void *decoded, struct diag_sink *sink, const struct diag_path *path)
{
	const struct stream_service_ref *ref = decoded;
	const struct {
		const char *name;
		bool is_set;
	} old[] = {
		{"terminationDelay", ref->termination_delay.set},
		{"proxyProtocol", ref->proxy_protocol != NULL},
	};

	for (size_t i = 0; i < sizeof(old) / sizeof(*old); i++) {
		if (!old[i].is_set)
			continue;
		if (ref->servers_transport.len)
			diag_warning(sink, DIAG_FIELD(path, old[i].name),
				     "has no effect beside serversTransport, which says it");
		else
			diag_suggest(
				sink,
				diag_warning(sink, DIAG_FIELD(path, old[i].name), "deprecated"),
				"serversTransport: NAME, of a ServersTransportTCP that says it");
	}
}

const struct schema schema_tcp_service_ref = {
	.name = "service",
	.doc = "A Service that gets connections.",
	.size = sizeof(struct stream_service_ref),
	SCHEMA_FIELDS(tcp_fields),
	.check = tcp_check,
};

static const struct field udp_fields[] = {COMMON_FIELDS};

const struct schema schema_udp_service_ref = {
	.name = "service",
	.doc = "A Service that gets datagrams.",
	.size = sizeof(struct stream_service_ref),
	SCHEMA_FIELDS(udp_fields),
};
