/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SNAPSHOT_H
#define SNAPSHOT_H

/*
 * snapshot: the compiled, immutable result of one store revision.
 *
 * Made by compile (one thread), then read by every worker without locks; freed when the last
 * reference goes. Lists are the snapshot's own; what they point at lives in parts that it shares
 * with its neighbours (plan/part.h). Ids are dense and stable: the
 * same service, server or series has the same id in every snapshot of this process
 * (plan/registry.h), so that workers keep pools, round-robin positions and counters in plain arrays
 * indexed by id, over any number of updates.
 */

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/addr.h"
#include "base/arena.h"
#include "base/ref.h"
#include "http/message.h"
#include "model/diag.h"
#include "model/static_config.h"
#include "mw/mw.h"
#include "plan/kernel_config.h"
#include "plan/part.h"
#include "plan/service.h"
#include "plan/reading.h"
#include "rule/rule.h"

struct router;	   /* plan/router.h */
struct tcp_router; /* plan/tcp_router.h */
struct tcp_route;
struct udp_route;
struct stream_service;
struct stream_probe;
struct vip_probe;
struct stream_offload;
struct tls_table; /* tls/tls_table.h */

enum route_status { ROUTE_ENABLED, ROUTE_WARNING, ROUTE_DISABLED };

struct route {
	/* What every request reads: one cache line. */
	const struct rule *rule;
	struct mw_chain chain;
	const struct service *service; /* NULL when disabled, and for a parent of other routes */
	/* For a parent of other routes (reference a.1, multi-layer routing): where to go on after
	 * the chain. */
	const struct router *below;
	uint32_t series;     /* metrics block of router+service */
	uint16_t tls_policy; /* the policy a connection must have been made under, else 421 */
	bool is_tls;
	/* The rest. */
	enum route_status status;
	struct str name;      /* qualified: "shop-web-0123456789abcdef0123@kubernetescrd" */
	struct str rule_text; /* as written */
	int64_t priority;
	struct str object;	  /* "IngressRoute/shop/web" */
	uint32_t route_index;	  /* spec.routes[i] */
	int64_t created_ns;	  /* of the object: the older one wins; 0: unknown, the oldest */
	struct str tls_option;	  /* id of its TLSOption; empty: the default */
	struct strs entry_points; /* names */
	struct str problem;	  /* why it is disabled or warned about */
	struct strs middleware_names;
};

struct entry_point {
	uint16_t index;
	struct str name;
	const struct static_entry_point *conf;
	/* Its options in the form in which requests are read. */
	struct reading reading;
	const struct router *plain; /* never NULL */
	const struct router *tls;
	struct tls_table *tls_table; /* NULL: the registry has no TLS (explain, tests) */
	/* Raw TCP: NULL without such routes. HTTP gets what none of them takes. */
	const struct tcp_router *tcp;
	const struct stream_service *udp; /* of a UDP entry point; NULL: datagrams are dropped */
	const struct udp_route *udp_route;
	uint32_t series;
	/* A source that is refused this often within the window is dropped by the kernel plane. */
	struct escalate_rule {
		int64_t refusals; /* 0: never */
		int64_t window_ns, drop_for_ns;
	} escalate;
};

struct snapshot {
	struct ref ref;
	uint64_t revision;
	struct arena arena;
	struct entry_point *entry_points;
	uint16_t n_entry_points;
	struct route **routes; /* all, disabled ones too, sorted by name */
	uint32_t n_routes;
	struct service **services; /* sorted by name */
	uint32_t n_services;
	/* Services whose servers are probed; of several that have one name the first counts. */
	const struct service **probed;
	uint32_t n_probed;
	struct mw_named {
		struct str name;
		const char *type;
		bool broken;
		struct str object, problem;
		const struct schema *schema; /* of decoded; NULL when broken */
		const void *decoded;
	} * middlewares; /* sorted by name, for the API */
	uint32_t n_middlewares;
	/* Raw TCP and UDP (plan/stream_plan.h), all sorted by name, disabled ones too. */
	struct tcp_route **tcp_routes;
	struct udp_route **udp_routes;
	struct stream_service **tcp_services, **udp_services;
	struct mw_named *tcp_middlewares;
	uint32_t n_tcp_routes, n_udp_routes, n_tcp_services, n_udp_services, n_tcp_middlewares;
	const struct stream_probe *stream_probes;
	const struct vip_probe *vip_probes;
	const struct stream_offload *tcp_offload, *udp_offload; /* by index of the route */
	/* Routes that others hide (plan/compile_conflict.h), sorted by name. */
	const struct route_conflict {
		struct str route, problem;
	} * conflicts;
	uint32_t n_conflicts;
	uint32_t max_service_id, max_server_id,
		max_series; /* sizes of the workers' arrays: ids are below */
	const struct kernel_config *kernel;
	struct part_grave *grave;     /* a reference: what it shares stays; NULL: nothing */
	struct diag_sink diags;	      /* of compiling; decoding diags stay with their objects */
	struct snapshot_owned *owned; /* things to release: expressions, states, TLS tables */
};

struct snapshot *snapshot_new(uint64_t revision);
struct snapshot *snapshot_ref(struct snapshot *snapshot);
void snapshot_unref(struct snapshot *snapshot);
/* A new one begins with what last has but for HTTP's lists, which it borrows: last's parts must
 * stay. */
void snapshot_begin_from(struct snapshot *snapshot, const struct snapshot *last);
/* Releases thing with the snapshot, in reverse order. */
void snapshot_own(struct snapshot *snapshot, void *thing, void (*release)(void *));

#endif
