// SPDX-License-Identifier: Apache-2.0
/*
 * virtual_address: the field table of VirtualAddress, our own kind.
 */
#include "model/virtual_address.h"

#include "model/object_condition.h"
#include "model/object_node.h"

enum { ADDRESSES_MAX = 64, PORTS_MAX = 64, BACKENDS_MAX = 1024 };

static const struct field port_fields[] = {
	FIELD(struct virtual_port, name, .name = "name", .doc = "For people and messages."),
	FIELD(struct virtual_port, port, .name = "port", .required = true, .min = 1, .max = 65535,
	      .doc = "The port, or the first of a range."),
	FIELD(struct virtual_port, end_port, .name = "endPort", .min = 0, .max = 65535,
	      .doc = "The last port of a range; one port when absent."),
};

static void port_check(const void *decoded, struct diag_sink *sink, const struct diag_path *path)
{
	const struct virtual_port *port = decoded;

	if (port->end_port && port->end_port < port->port)
		diag_error(sink, DIAG_FIELD(path, "endPort"), "is before port");
}

static const struct schema schema_port = {
	.name = "port",
	.doc = "A port, or a range of them.",
	.size = sizeof(struct virtual_port),
	SCHEMA_FIELDS(port_fields),
	.check = port_check,
};

static const struct field backend_fields[] = {
	FIELD(struct virtual_backend, name, .name = "name", .format = "name",
	      .doc = "Name of a Service: its ready endpoints are the backends."),
	FIELD(struct virtual_backend, namespace_, .name = "namespace", .format = "namespace",
	      .doc = "Namespace of the Service; the object's own when absent."),
	FIELD(struct virtual_backend, address, .name = "address", .format = "ip",
	      .doc = "Address of a backend outside of Services."),
	FIELD(struct virtual_backend, port, .name = "port",
	      .doc = "Port of the Service, by number or name; of an address, the backend's port "
		     "(mode nat only; the packet's own when absent)."),
	FIELD(struct virtual_backend, weight, .name = "weight", .preset = "1", .min = 0,
	      .max = 65535,
	      .doc = "Share of the connections that all backends of this reference have together; "
		     "0: established ones go on, new ones go elsewhere."),
};

static void backend_check(const void *decoded, struct diag_sink *sink, const struct diag_path *path)
{
	const struct virtual_backend *backend = decoded;

	if (!backend->name.len == !backend->address.len)
		diag_expected(sink,
			      diag_error(sink, path,
					 "a backend is either a Service (name) or an address"),
			      "one of name, address");
	else if (backend->name.len && !backend->port.set)
		diag_error(sink, DIAG_FIELD(path, "port"), "which port of the Service is missing");
	else if (backend->address.len && backend->port.set &&
		 (!backend->port.is_number || backend->port.number < 1 ||
		  backend->port.number > 65535))
		diag_expected(sink,
			      diag_error(sink, DIAG_FIELD(path, "port"),
					 "an address has ports by number"),
			      "an integer from 1 to 65535");
}

static const struct schema schema_backend = {
	.name = "backendRef",
	.doc = "A Service, or an address.",
	.size = sizeof(struct virtual_backend),
	SCHEMA_FIELDS(backend_fields),
	.check = backend_check,
};

#define SECOND 1000000000LL

static const struct field health_fields[] = {
	FIELD(struct virtual_health, type, .name = "type", .preset = "tcp", .choices = "tcp|http",
	      .doc = "tcp: a connection can be made. http: a GET is answered well."),
	FIELD(struct virtual_health, port, .name = "port", .min = 0, .max = 65535,
	      .doc = "Port of the check; the backend's when absent (else the first of ports)."),
	FIELD(struct virtual_health, path, .name = "path", .preset = "/", .format = "path",
	      .doc = "Path that is asked for."),
	FIELD(struct virtual_health, host, .name = "host", .format = "value",
	      .doc = "Host header; the backend's address when absent."),
	FIELD(struct virtual_health, status, .name = "status", .min = 0, .max = 599,
	      .doc = "Status that means healthy; any of 200 to 399 when 0."),
	FIELD(struct virtual_health, interval, .name = "interval", .preset = "5s",
	      .min = SECOND / 10, .max = 3600 * SECOND, .doc = "Time between checks."),
	FIELD(struct virtual_health, timeout, .name = "timeout", .preset = "1s",
	      .min = SECOND / 100, .max = 60 * SECOND, .doc = "How long a check may take."),
	FIELD(struct virtual_health, healthy_threshold, .name = "healthyThreshold", .preset = "1",
	      .min = 1, .max = 100, .doc = "Good checks in a row that bring a backend back."),
	FIELD(struct virtual_health, unhealthy_threshold, .name = "unhealthyThreshold",
	      .preset = "3", .min = 1, .max = 100,
	      .doc = "Bad checks in a row that take a backend out."),
};

static const struct schema schema_health = {
	.name = "healthCheck",
	.doc = "Active checks of the backends, by this node.",
	.size = sizeof(struct virtual_health),
	SCHEMA_FIELDS(health_fields),
};

static const struct field policy_fields[] = {
	FIELD(struct virtual_policy_ref, name, .name = "name", .required = true, .format = "name",
	      .min = 1, .max = 253, .doc = "Name of the SourcePolicy."),
};

static const struct schema schema_policy_ref = {
	.name = "sourcePolicy",
	.doc = "A SourcePolicy of the object's namespace.",
	.size = sizeof(struct virtual_policy_ref),
	SCHEMA_FIELDS(policy_fields),
};

static const struct field spec_fields[] = {
	FIELD(struct virtual_address, addresses, .name = "addresses", .required = true,
	      .format = "ip", .min = 1, .max = ADDRESSES_MAX,
	      .doc = "The addresses, IPv4 and IPv6."),
	FIELD(struct virtual_address, ports, .name = "ports", .required = true, .sub = &schema_port,
	      .min = 1, .max = PORTS_MAX, .doc = "The ports and ranges."),
	FIELD(struct virtual_address, protocol, .name = "protocol", .preset = "TCP",
	      .choices = "TCP|UDP", .doc = "Of all the ports."),
	FIELD(struct virtual_address, mode, .name = "mode", .preset = "nat",
	      .choices = "local|nat|dsr-l2|dsr-ipip|dsr-gue",
	      .doc = "How packets reach a backend. nat: addresses are rewritten, answers come "
		     "back through this node. dsr-l2: the frame goes to the backend's link "
		     "address, which answers itself. dsr-ipip, dsr-gue: in a tunnel, the backend "
		     "answers itself. local: an entry point of the proxy on this node gets them."),
	FIELD(struct virtual_address, entry_point, .name = "entryPoint",
	      .doc = "Of mode local: the entry point whose sockets get the connections."),
	FIELD(struct virtual_address, backend_refs, .name = "backendRefs", .sub = &schema_backend,
	      .min = 0, .max = BACKENDS_MAX, .doc = "Where packets go, by weight."),
	FIELD_SUB(struct virtual_address, health_check, &schema_health, .name = "healthCheck",
		  .doc = "Active checks of the backends, by this node; without it a Service's "
			 "readiness decides."),
	FIELD(struct virtual_address, session_affinity, .name = "sessionAffinity", .preset = "none",
	      .choices = "none|source|quic",
	      .doc = "none: each connection for itself. source: all connections of a client "
		     "address go to one backend. quic: by QUIC's connection id, so that a client "
		     "may change its address."),
	FIELD_SUB(struct virtual_address, source_policy, &schema_policy_ref, .name = "sourcePolicy",
		  .doc = "Who may send, and how much."),
	FIELD(struct virtual_address, syn_cookies, .name = "synCookies", .preset = "auto",
	      .choices = "auto|off|on",
	      .doc = "SYN cookies of the kernel plane: auto: while too many SYNs come."),
	FIELD(struct virtual_address, drain_timeout, .name = "drainTimeout", .min = 0,
	      .max = 24 * 3600 * SECOND,
	      .doc = "How long flows stay with a backend that drains or is taken out, while "
		     "others serve; then they go to those. When absent or 0: UDP 30 seconds; TCP, "
		     "and affinity quic, until they end."),
	FIELD(struct virtual_address, spread, .name = "spread",
	      .doc = "A packet goes to the node that owns its flow, whichever node it reached: "
		     "for routers that spread one address over nodes."),
};

static void spec_check(const void *decoded, struct diag_sink *sink, const struct diag_path *path)
{
	const struct virtual_address *spec = decoded;
	bool is_local = str_eq(spec->mode, STR("local"));
	bool is_nat = str_eq(spec->mode, STR("nat"));

	if (is_local && !spec->entry_point.len)
		diag_error(sink, DIAG_FIELD(path, "entryPoint"),
			   "mode local needs the entry point that gets the connections");
	if (is_local && spec->backend_refs.n)
		diag_error(sink, DIAG_FIELD(path, "backendRefs"),
			   "mode local has no backends: the entry point's routes say them");
	if (!is_local && spec->entry_point.len)
		diag_error(sink, DIAG_FIELD(path, "entryPoint"), "is for mode local only");
	if (!is_local && !spec->backend_refs.n)
		diag_error(sink, DIAG_FIELD(path, "backendRefs"), "at least one is needed");
	if (str_eq(spec->session_affinity, STR("quic")) && !str_eq(spec->protocol, STR("UDP")))
		diag_error(sink, DIAG_FIELD(path, "sessionAffinity"), "quic is of UDP");
	if (str_eq(spec->syn_cookies, STR("on")) && str_eq(spec->protocol, STR("UDP")))
		diag_warning(sink, DIAG_FIELD(path, "synCookies"), "has no effect on UDP");
	for (size_t i = 0; !is_nat && i < spec->backend_refs.n; i++)
		if (LIST_AT(spec->backend_refs, struct virtual_backend, i)->address.len &&
		    LIST_AT(spec->backend_refs, struct virtual_backend, i)->port.set)
			diag_warning(
				sink,
				DIAG_FIELD(DIAG_INDEX(DIAG_FIELD(path, "backendRefs"), i), "port"),
				"has no effect: only mode nat changes ports");
}

static const struct schema schema_spec = {
	.name = "spec",
	.doc = "Addresses, ports, and where their packets go.",
	.size = sizeof(struct virtual_address),
	SCHEMA_FIELDS(spec_fields),
	.check = spec_check,
};

/* Written, never decoded. */
struct status {
	struct strs addresses;
	struct list_of conditions, nodes;
};

static const struct field status_fields[] = {
	FIELD(struct status, addresses, .name = "addresses", .min = 0, .max = ADDRESSES_MAX,
	      .doc = "The addresses that are forwarded."),
	FIELD(struct status, conditions, .name = "conditions", .sub = &schema_object_condition,
	      .map_key = "type", .min = 0, .max = OBJECT_CONDITIONS_MAX,
	      .doc = "What is said of the address: Accepted: it is understood, and no older one "
		     "has it; Programmed: the nodes that are listed forward it."),
	FIELD(struct status, nodes, .name = "nodes", .sub = &schema_object_node, .map_key = "name",
	      .min = 0, .max = OBJECT_NODES_MAX,
	      .doc = "Nodes that cannot forward it, and some of those that do."),
};

static const struct schema schema_status = {
	.name = "status",
	.doc = "What became of the address.",
	SCHEMA_FIELDS(status_fields),
	.flags = SCHEMA_UNREAD,
};

static const struct field object_fields[] = {
	FIELD_DEEPER(&schema_spec, .name = "spec", .required = true,
		     .doc = "Addresses, ports, and where their packets go."),
	FIELD_DEEPER(&schema_status, .name = "status",
		     .doc = "What became of the address; written by the controller, never read."),
};

const struct schema schema_virtual_address = {
	.name = "VirtualAddress",
	.doc = "Addresses and ports whose packets the kernel forwards to backends.",
	.size = sizeof(struct virtual_address),
	SCHEMA_FIELDS(object_fields),
};
