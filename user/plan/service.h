/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SERVICE_H
#define SERVICE_H

/*
 * service: where requests go, as the compiler has made it and workers read it: services, their
 * servers, services made of services. Part of a snapshot, immutable; what changes at run time is
 * behind pointers (plan/live.h).
 */

#include <stdbool.h>
#include <stdint.h>

#include "base/addr.h"
#include "base/str.h"
#include "http/status_range.h"
#include "mw/mw.h"
#include "plan/live.h"

struct sticky {
	struct str cookie_name;
	struct str attributes; /* "; Path=/; HttpOnly" as it is appended to name=value */
};

/* How servers are spoken to (reference a.7): compiled ServersTransport, or the default one. */
struct transport; /* plan/transport.h */

struct server {
	/* What choosing reads: one cache line. */
	uint32_t id; /* dense: address, port, scheme, transport */
	uint16_t port;
	uint8_t scheme;	     /* enum transport_scheme */
	bool fenced : 1;     /* terminating: keeps sticky clients, gets no new ones */
	bool is_named : 1;   /* has a dns_name */
	uint8_t host_at : 4; /* in url, behind "http://" */
	int32_t weight;
	uint32_t up_series;		   /* service_server_up */
	struct live_server *live;	   /* NULL in tests only */
	struct live_member *member;	   /* NULL: nothing is known of it, it is up */
	const struct transport *transport; /* NULL: transport_plain */
	struct addr addr;
	/* The rest. The name that addr is looked up by (live->addrs); empty: addr is what it is. */
	struct str dns_name;
	struct str url;	 /* "http://10.0.0.1:80" */
	struct str path; /* put in front of requests' paths (preservePath): "/base" or empty */
	const struct str *sticky_values; /* NAMES_STICKY_VALUES (plan/names.h); NULL: not sticky */
};

/* "10.0.0.1:80": Host when passHostHeader is false. */
static inline struct str server_host(const struct server *server)
{
	return str_from(server->url, server->host_at);
}

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
	const struct str *sticky_values; /* as a server's */
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

#endif
