// SPDX-License-Identifier: Apache-2.0
/*
 * source_policy: the field table of SourcePolicy, our own kind.
 */
#include "model/source_policy.h"

#include "model/object_condition.h"
#include "model/object_node.h"

enum { MAX_CIDRS = 1 << 20, MAX_LISTS = 8 };

static const struct field limits_fields[] = {
	FIELD(struct source_limits, packets_per_second, .name = "packetsPerSecond", .min = 0,
	      .max = 1000000000, .doc = "Packets a source may send per second; 0: no limit."),
	FIELD(struct source_limits, packets_burst, .name = "packetsBurst", .min = 0,
	      .max = 1000000000, .doc = "Packets at once; 0: one second's worth."),
	FIELD(struct source_limits, new_connections_per_second, .name = "newConnectionsPerSecond",
	      .min = 0, .max = 1000000000,
	      .doc = "TCP connections a source may open per second (SYNs); 0: no limit."),
	FIELD(struct source_limits, new_connections_burst, .name = "newConnectionsBurst", .min = 0,
	      .max = 1000000000, .doc = "Connections at once; 0: one second's worth."),
	FIELD(struct source_limits, bytes_per_second, .name = "bytesPerSecond", .min = 0,
	      .max = 1000000000000LL,
	      .doc = "Bytes a source may send per second, such as 10M or 512Ki; 0: no limit."),
	FIELD(struct source_limits, bytes_burst, .name = "bytesBurst", .min = 0,
	      .max = 1000000000000LL, .doc = "Bytes at once; 0: one second's worth."),
	FIELD(struct source_limits, concurrent_connections, .name = "concurrentConnections",
	      .min = 0, .max = 1000000,
	      .doc = "TCP connections a source may have open at once, with the proxy on this node "
		     "and, through it, with backends of forwarded addresses; 0: no limit."),
};

static void limits_check(const void *decoded, struct diag_sink *sink, const struct diag_path *path)
{
	const struct source_limits *limits = decoded;
	const struct {
		const char *burst_name, *rate_name;
		int64_t burst, rate;
	} rows[] = {
		{"packetsBurst", "packetsPerSecond", limits->packets_burst,
		 limits->packets_per_second},
		{"newConnectionsBurst", "newConnectionsPerSecond", limits->new_connections_burst,
		 limits->new_connections_per_second},
		{"bytesBurst", "bytesPerSecond", limits->bytes_burst.bytes,
		 limits->bytes_per_second.bytes},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++)
		if (rows[i].burst && !rows[i].rate)
			diag_warning(sink, DIAG_FIELD(path, rows[i].burst_name),
				     "has no effect without %s", rows[i].rate_name);
}

static const struct schema schema_limits = {
	.name = "limits",
	.doc = "What one source may send to each of the entry points.",
	.size = sizeof(struct source_limits),
	SCHEMA_FIELDS(limits_fields),
	.check = limits_check,
};

static const struct field aggregation_fields[] = {
	FIELD(struct source_aggregation, ipv4_prefix_length, .name = "ipv4PrefixLength",
	      .preset = "32", .min = 1, .max = 32,
	      .doc = "IPv4 addresses with this prefix in common count as one source."),
	FIELD(struct source_aggregation, ipv6_prefix_length, .name = "ipv6PrefixLength",
	      .preset = "64", .min = 1, .max = 128,
	      .doc = "IPv6 addresses with this prefix in common count as one source."),
};

static const struct schema schema_aggregation = {
	.name = "aggregation",
	.doc = "Which addresses count as one source.",
	.size = sizeof(struct source_aggregation),
	SCHEMA_FIELDS(aggregation_fields),
};

static const struct field network_fields[] = {
	FIELD(struct source_network, ipv4_prefix_length, .name = "ipv4PrefixLength", .preset = "24",
	      .min = 0, .max = 32,
	      .doc = "IPv4 addresses with this prefix in common are one network; 0: all of them."),
	FIELD(struct source_network, ipv6_prefix_length, .name = "ipv6PrefixLength", .preset = "48",
	      .min = 0, .max = 64,
	      .doc = "IPv6 addresses with this prefix in common are one network; 0: all of them."),
	FIELD_SUB(struct source_network, limits, &schema_limits, .name = "limits", .required = true,
		  .doc = "What all sources of one network may send together, besides what each of "
			 "them may."),
};

static const struct schema schema_network = {
	.name = "network",
	.doc = "What all sources of one network may send together: for attackers who take one "
	       "address after the other.",
	.size = sizeof(struct source_network),
	SCHEMA_FIELDS(network_fields),
};

static const struct field list_map_fields[] = {
	FIELD(struct source_list_map, name, .name = "name", .format = "name", .required = true,
	      .doc = "Name of the ConfigMap, in the namespace of the policy."),
	FIELD(struct source_list_map, key, .name = "key", .required = true,
	      .doc = "Which of its texts."),
};

static const struct schema schema_list_map = {
	.name = "listConfigMap",
	.doc = "A text of a ConfigMap: one address or CIDR a line; # and ; begin comments.",
	.size = sizeof(struct source_list_map),
	SCHEMA_FIELDS(list_map_fields),
};

static const struct field list_fields[] = {
	FIELD_SUB(struct source_list, config_map, &schema_list_map, .name = "configMap",
		  .doc = "A text of a ConfigMap: one address or CIDR a line."),
	FIELD(struct source_list, file, .name = "file",
	      .doc = "A file in the folder that the option listsDirectory names: one address or "
		     "CIDR a line; # and ; begin comments."),
};

static void list_check(const void *decoded, struct diag_sink *sink, const struct diag_path *path)
{
	const struct source_list *list = decoded;

	if (!list->config_map == !list->file.len)
		diag_error(sink, path, "needs either configMap or file");
}

static const struct schema schema_list = {
	.name = "sourceList",
	.doc = "A list of addresses and CIDRs that is kept elsewhere.",
	.size = sizeof(struct source_list),
	SCHEMA_FIELDS(list_fields),
	.check = list_check,
};

static const struct field escalation_fields[] = {
	FIELD(struct source_escalation, refusals, .name = "refusals", .preset = "100", .min = 0,
	      .max = 1000000000,
	      .doc = "Answers 429 within window after which a source is dropped; 0: never."),
	FIELD(struct source_escalation, window, .name = "window", .preset = "10s",
	      .min = 100000000LL, .max = 3600000000000LL, .doc = "Time in which they are counted."),
	FIELD(struct source_escalation, drop_for, .name = "dropFor", .preset = "60s",
	      .min = 1000000000LL, .max = 86400000000000LL, .doc = "How long it is dropped."),
};

static const struct schema schema_escalation = {
	.name = "escalation",
	.doc = "When a source that rateLimit keeps refusing is dropped by the kernel.",
	.size = sizeof(struct source_escalation),
	SCHEMA_FIELDS(escalation_fields),
};

static const struct field spec_fields[] = {
	FIELD(struct source_policy, entry_points, .name = "entryPoints",
	      .doc = "Entry points the policy is for; all of them when absent or empty."),
	FIELD(struct source_policy, allow, .name = "allow", .format = "cidr", .min = 0,
	      .max = MAX_CIDRS,
	      .doc = "Sources that are trusted: never limited. The longest prefix of both lists "
		     "decides."),
	FIELD(struct source_policy, deny, .name = "deny", .format = "cidr", .min = 0,
	      .max = MAX_CIDRS,
	      .doc = "Sources that are dropped; 0.0.0.0/0 and ::/0 drop all but the allowed ones."),
	FIELD(struct source_policy, allow_from, .name = "allowFrom", .sub = &schema_list, .min = 0,
	      .max = MAX_LISTS, .doc = "Lists of trusted sources that are kept elsewhere."),
	FIELD(struct source_policy, deny_from, .name = "denyFrom", .sub = &schema_list, .min = 0,
	      .max = MAX_LISTS, .doc = "Lists of dropped sources that are kept elsewhere."),
	FIELD_SUB(struct source_policy, limits, &schema_limits, .name = "limits",
		  .doc = "What one source may send to each of the entry points."),
	FIELD_IN(struct source_policy, aggregation, &schema_aggregation, .name = "aggregation",
		 .doc = "Which addresses count as one source."),
	FIELD_SUB(struct source_policy, network, &schema_network, .name = "network",
		  .doc = "What all sources of one network may send together."),
	FIELD(struct source_policy, syn_cookies, .name = "synCookies", .choices = "auto|on|off",
	      .doc = "Whether the kernel plane answers TCP SYNs with cookies; auto, which holds "
		     "when "
		     "nothing is said: while there are more than the option "
		     "floodProtection.synsPerSecond allows."),
	FIELD_SUB(struct source_policy, escalation, &schema_escalation, .name = "escalation",
		  .doc = "When a source that rateLimit keeps refusing is dropped by the kernel."),
};

static const struct schema schema_spec = {
	.name = "spec",
	.doc = "Who may send to which entry points, and how much.",
	.size = sizeof(struct source_policy),
	SCHEMA_FIELDS(spec_fields),
};

/* Written, never decoded. */
struct status {
	struct list_of conditions, nodes;
};

static const struct field status_fields[] = {
	FIELD(struct status, conditions, .name = "conditions", .sub = &schema_object_condition,
	      .map_key = "type", .min = 0, .max = OBJECT_CONDITIONS_MAX,
	      .doc = "What is said of the policy: Accepted: it is understood and all that it names "
		     "is there; Programmed: it is in force on the nodes that are listed."),
	FIELD(struct status, nodes, .name = "nodes", .sub = &schema_object_node, .map_key = "name",
	      .min = 0, .max = OBJECT_NODES_MAX,
	      .doc = "Nodes where it is not in force, and some of those where it is."),
};

static const struct schema schema_status = {
	.name = "status",
	.doc = "What became of the policy.",
	SCHEMA_FIELDS(status_fields),
	.flags = SCHEMA_UNREAD,
};

static const struct field object_fields[] = {
	FIELD_DEEPER(&schema_spec, .name = "spec", .required = true,
		     .doc = "Who may send to which entry points, and how much."),
	FIELD_DEEPER(&schema_status, .name = "status",
		     .doc = "What became of the policy; written by the controller, never read."),
};

const struct schema schema_source_policy = {
	.name = "SourcePolicy",
	.doc = "Who may send packets to which entry points, and how many, enforced in the kernel.",
	.size = sizeof(struct source_policy),
	SCHEMA_FIELDS(object_fields),
};
