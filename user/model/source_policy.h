/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SOURCE_POLICY_H
#define SOURCE_POLICY_H

/*
 * source_policy: tidegate.io/v1alpha1 SourcePolicy: who may send packets to which entry points, and
 * how many. It is enforced by the kernel plane, per source address cut to the aggregation's prefix
 * length.
 */

#include "model/schema.h"

/* Every limit: 0 means none. A burst of 0 means one second's worth of its rate. */
struct source_limits {
	int64_t packets_per_second, packets_burst;
	int64_t new_connections_per_second, new_connections_burst;
	struct quantity bytes_per_second, bytes_burst;
	int64_t concurrent_connections; /* open TCP connections */
};

struct source_aggregation {
	int64_t ipv4_prefix_length; /* 1..32, 32 by default */
	int64_t ipv6_prefix_length; /* 1..128, 64 by default */
};

/* What all sources of one network may send together. */
struct source_network {
	int64_t ipv4_prefix_length; /* 0..32, 24 by default */
	int64_t ipv6_prefix_length; /* 0..64, 48 by default */
	struct source_limits *limits;
};

/* A list that is kept elsewhere, one address or CIDR a line: one of the two is given. */
struct source_list {
	struct source_list_map {
		struct str name, key;
	} * config_map;
	struct str file; /* in the folder that the option listsDirectory names */
};

/* A source that is refused (429) this often within window is dropped by the kernel plane for
 * drop_for. */
struct source_escalation {
	int64_t refusals; /* 0: never */
	struct duration window, drop_for;
};

struct source_policy {
	struct strs entry_points; /* empty: all */
	struct strs allow;	  /* CIDRs: trusted, never limited; the longest prefix decides */
	struct strs deny;	  /* CIDRs: dropped; wins over an equal allow */
	struct list_of allow_from, deny_from; /* struct source_list: the same, kept elsewhere */
	struct source_limits *limits;
	struct source_aggregation aggregation;
	struct source_network *network;
	struct str syn_cookies;		      /* auto, on, off; empty: not said */
	struct source_escalation *escalation; /* NULL: the static option escalation holds */
};

extern const struct schema schema_source_policy;

#endif
