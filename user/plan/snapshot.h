/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SNAPSHOT_H
#define SNAPSHOT_H

/*
 * snapshot: the compiled, immutable result of one store revision.
 *
 * Made by compile (one thread), then read by every worker without locks; freed when the last
 * reference goes. Everything below lives in the snapshot's arena. Ids are dense and stable: the
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
#include "http/status_range.h"
#include "model/diag.h"
#include "model/static_config.h"
#include "mw/mw.h"
#include "plan/kernel_config.h"
#include "plan/live.h"
#include "plan/reading.h"
#include "rule/rule.h"

struct router;	  /* plan/router.h */
struct tls_table; /* tls/tls_table.h */

struct sticky {
	struct str cookie_name;
	struct str attributes; /* "; Path=/; HttpOnly" as it is appended to name=value */
};

/* How servers are spoken to (reference a.7): compiled ServersTransport, or the default one. */
struct transport; /* plan/transport.h */

struct server {
	uint32_t id; /* dense: address, port, scheme, transport */
	struct addr addr;
	uint16_t port;
	bool is_https;
	uint8_t scheme; /* enum transport_scheme */
	bool fenced;	/* terminating: keeps sticky clients, gets no new ones */
	int32_t weight;
	struct str url;	 /* "http://10.0.0.1:80" */
	struct str host; /* "10.0.0.1:80": Host when passHostHeader is false */
	/* Sticky values accepted from clients: [0] is what we write, the rest are older spellings.
	 */
	struct str sticky_values[4];
	const struct transport *transport; /* NULL: transport_plain */
	/* The name that addr is looked up by (live->addrs); empty: addr is what it is. */
	struct str dns_name;
	struct live_server *live;   /* NULL in tests only */
	struct live_member *member; /* NULL: nothing is known of it, it is up */
	uint32_t up_series;	    /* service_server_up */
};

enum service_kind {
	SERVICE_SERVERS,	       /* endpoints */
	SERVICE_WEIGHTED,	       /* over children */
	SERVICE_MIRRORING,	       /* children[0] answers; the others get copies */
	SERVICE_HIGHEST_RANDOM_WEIGHT, /* over children, by client address */
	SERVICE_FAILOVER, /* children[0], and children[1] when that is down or its answer is bad */
	SERVICE_NOOP,	  /* answers 418 (redirections never reach it) */
};

enum { SERVICE_LEVELS_MAX = 8 }; /* of services in services, the servers' one included */

/* How one of the servers is chosen (reference d.1). */
enum service_strategy {
	STRATEGY_WRR,	    /* by turns */
	STRATEGY_P2C,	    /* the one with fewer requests in flight of two at random */
	STRATEGY_HRW,	    /* by client address: rendezvous hashing */
	STRATEGY_LEASTTIME, /* the shortest time to first byte, by load */
};

/* Active probes of the servers of a service (reference d.3). */
struct health_probe {
	struct str method, path; /* path with query: "/" when there is none */
	struct str host;	 /* Host header; empty: that of the target */
	struct str_map headers;
	uint16_t status; /* that means healthy; 0: 200 to 399 */
	bool is_grpc, follow_redirects;
	uint64_t interval_ns, unhealthy_interval_ns, timeout_ns;
	/* For each server a service that has only what is to be probed: scheme and port may
	 * differ. */
	const struct service **targets;
};

/* The turns of weighted round robin, unrolled: turn t goes to order[t % n_order]. Smooth (EDF)
 * order. */
struct turn_order {
	uint16_t *order;
	uint32_t n_order;
};

struct service_child {
	const struct service *service;
	int32_t weight;
	uint8_t percent; /* of SERVICE_MIRRORING: how many requests get a copy */
	struct str name;
	struct str sticky_values[4];
};

struct service {
	/* What every request reads: one cache line. */
	enum service_kind kind;
	uint32_t series; /* metrics block */
	struct balance_state *state;
	struct turn_order turns;     /* over servers that are not fenced, or over children */
	const struct sticky *sticky; /* NULL: none */
	/* SERVICE_SERVERS */
	struct server *servers;
	uint32_t n_servers;
	bool pass_host_header;
	uint8_t strategy; /* enum service_strategy */
	uint8_t levels;	  /* itself, and those of the deepest child */
	/* Service-level middlewares: they run when the choice has come down to this service, and
	 * before it goes on. NULL: none. */
	const struct mw_chain *chain;
	/* The rest. */
	uint32_t id;	 /* dense */
	struct str name; /* qualified: "shop-web-80@kubernetescrd" */
	int64_t flush_interval_ns;
	const struct health_probe *probe;   /* NULL: servers are not probed */
	const struct live_passive *passive; /* NULL: failures are not counted */
	/* SERVICE_WEIGHTED, _MIRRORING, _HIGHEST_RANDOM_WEIGHT, _FAILOVER */
	struct service_child *children;
	uint32_t n_children;
	/* _MIRRORING and _FAILOVER: a request body longer than this is not copied, or is refused
	 * with 413; negative: no limit. */
	int64_t max_body_bytes;
	bool mirror_body;
	/* _FAILOVER: statuses of the first child's answer that make the second one answer. */
	const struct status_range *statuses;
	uint32_t n_statuses;
};

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
	uint32_t index; /* in snapshot->routes */
	enum route_status status;
	struct str name;      /* qualified: "shop-web-0123456789abcdef0123@kubernetescrd" */
	struct str rule_text; /* as written */
	int64_t priority;
	struct str object;	  /* "IngressRoute/shop/web" */
	uint32_t route_index;	  /* spec.routes[i] */
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
	struct mw_named {
		struct str name;
		const char *type;
		bool broken;
		struct str object, problem;
		const struct schema *schema; /* of decoded; NULL when broken */
		const void *decoded;
	} * middlewares; /* sorted by name, for the API */
	uint32_t n_middlewares;
	uint32_t max_service_id, max_server_id,
		max_series; /* sizes of the workers' arrays: ids are below */
	const struct kernel_config *kernel;
	struct diag_sink diags;	      /* of compiling; decoding diags stay with their objects */
	struct snapshot_owned *owned; /* things to release: expressions, states, TLS tables */
};

struct snapshot *snapshot_new(uint64_t revision);
struct snapshot *snapshot_ref(struct snapshot *snapshot);
void snapshot_unref(struct snapshot *snapshot);
/* Releases thing with the snapshot, in reverse order. */
void snapshot_own(struct snapshot *snapshot, void *thing, void (*release)(void *));

#endif
