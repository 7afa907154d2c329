/* SPDX-License-Identifier: Apache-2.0 */
#ifndef STREAM_PLAN_H
#define STREAM_PLAN_H

/*
 * stream_plan: raw TCP and UDP as the compiler has made it and workers read it (reference a.2, a.3,
 * b.3 to b.5, d.6, d.7). Part of a snapshot, immutable; what changes at run time is behind pointers
 * (plan/live.h).
 *
 * A connection keeps the route and the service with which it began: its worker holds a use of the
 * snapshot until it ends.
 */

#include <stdbool.h>
#include <stdint.h>

#include "base/addr.h"
#include "base/str.h"
#include "mw/in_flight.h"
#include "plan/live.h"
#include "plan/service.h"
#include "rule/rule_tcp.h"

struct tls_client; /* tls/tls_client.h */

/* How TCP servers are spoken to: a ServersTransportTCP (reference a.8), or the service's own
 * fields. */
struct stream_transport {
	uint64_t id; /* of this process; never used again */
	uint64_t dial_ns;
	int64_t keep_alive_ns;	      /* negative: off */
	int64_t termination_delay_ns; /* after one side's end; negative: wait for the other for good
				       */
	uint8_t proxy_protocol;	      /* 0: none, 1, 2: the version of the header before all else */
	struct tls_client *tls;	      /* NULL: plain */
	struct str problem; /* what of its certificates could not be read; empty: nothing */
};

struct stream_server {
	uint32_t id; /* dense, as those of HTTP servers and from the same numbers */
	struct addr addr;
	uint16_t port;
	struct live_server *live;
	struct live_member *member; /* NULL: servers are not probed */
	struct str dns_name;	    /* empty: addr is what it is; else live->addrs */
	struct str address;	    /* "10.0.0.1:5432" */
};

/* An endpoint that gets no new connections, and may still have some. */
struct stream_drain {
	struct addr addr;
	uint16_t port;
};

struct stream_service {
	uint32_t id, series;
	struct str name; /* qualified */
	struct balance_state *state;
	struct turn_order turns; /* over servers, or over children; none: connections are closed */
	struct stream_server *servers;
	uint32_t n_servers;
	const struct stream_transport *transport; /* NULL for UDP and for a service of services */
	const struct stream_service **children;	  /* weighted: of a route with several services */
	uint32_t n_children;
	bool is_bare;		     /* while compiling: only addresses of servers are asked for */
	bool minds_health;	     /* of children: one none of whose servers is up gets no turn */
	struct stream_drain *drains; /* of the kernel plane */
	uint32_t n_drains;
	const struct stream_probe *probe; /* NULL: servers are not probed */
};

/* Active probes of TCP servers (reference d.3): connect, send, expect exactly that. */
struct stream_probe {
	const struct stream_probe *next; /* in snapshot->stream_probes */
	const struct stream_service *service;
	uint16_t port; /* 0: the server's */
	struct str send, expect;
	uint64_t interval_ns, unhealthy_interval_ns, timeout_ns;
};

/* TCP middlewares (reference c.15), in order; each may close the connection before anything is
 * dialled. */
struct stream_guard {
	enum { STREAM_GUARD_IN_FLIGHT, STREAM_GUARD_ALLOW } kind;
	struct str name;
	const struct cidr_set *allow; /* _ALLOW */
	struct mw_state *in_flight; /* _IN_FLIGHT: mw/in_flight.h, by address; kept over updates */
	int64_t amount;
};

struct tcp_route {
	const struct rule *rule;
	const struct stream_service *service; /* NULL: disabled */
	const struct stream_guard *guards;
	uint32_t n_guards;
	bool is_tls;	     /* for TLS connections only */
	bool passthrough;    /* the client's TLS goes to the server as it came */
	bool is_catch_all;   /* the rule is exactly HostSNI(`*`) */
	uint16_t tls_policy; /* of the handshake, when TLS ends here */
	uint32_t series, index;
	int64_t priority;
	struct str name, rule_text, object;
	uint32_t route_index;
	int64_t created_ns; /* of the object; 0: unknown */
	struct strs entry_points;
	struct strs middleware_names;
	struct str tls_option; /* id of its TLSOption; empty: the default */
	uint8_t status;	       /* enum route_status */
	struct str problem;
};

/* Of a route, by its index: whether the kernel plane forwards it by itself, and why (not). */
struct stream_offload {
	struct str text; /* empty: the route is disabled */
	bool is_offloaded;
};

/* All datagrams of an entry point go to one service: its route with the greatest name (reference
 * a.3). */
struct udp_route {
	const struct stream_service *service; /* NULL: disabled */
	uint32_t series, index;
	struct str name, object;
	uint32_t route_index;
	int64_t created_ns; /* of the object; 0: unknown */
	struct strs entry_points;
	uint8_t status; /* enum route_status */
	struct str problem;
};

#endif
