/* SPDX-License-Identifier: Apache-2.0 */
#ifndef EXPLAIN_STREAM_H
#define EXPLAIN_STREAM_H

/*
 * explain_stream: what would be done with one TCP connection or the datagrams of one client, and
 * why: the kernel plane's lists and addresses first, then the compiled routers themselves.
 *
 * The target is an entry point's name, or an address with a port, which may be a VirtualAddress's.
 */

#include <jansson.h>

#include "base/arena.h"
#include "base/buf.h"
#include "plan/snapshot.h"
#include "plan/stream_plan.h"
#include "plan/tcp_router.h"

struct explain_stream_spec {
	struct str id;
	struct str target; /* "db", "192.0.2.1:5432", "[::1]:53" */
	bool is_udp;
	bool is_tls; /* a ClientHello is sent; also when sni or alpn are given */
	struct str sni;
	const struct str *alpn;
	uint32_t n_alpn;
	struct str remote_addr; /* empty: 127.0.0.1 */
};

enum stream_action {
	STREAM_FORWARD, /* to one of the servers */
	STREAM_HTTP,	/* HTTP's routes have it */
	STREAM_CLOSE,	/* the connection is closed */
	STREAM_DROP,	/* packets are dropped, or nobody listens */
};

enum { EXPLAIN_STREAM_STEPS_MAX = 64 };

struct explain_stream_result {
	struct str id, why;
	bool is_udp;
	enum stream_action action;
	const struct entry_point *entry_point;	/* NULL: a VirtualAddress's backends get it */
	const struct kernel_entry *entry;	/* NULL: the kernel plane does not know it */
	const struct kernel_service *by_kernel; /* forwarded by the kernel plane to these */
	enum kernel_action kernel_action;
	const struct kernel_acl *kernel_acl; /* the prefix that decides; NULL: none */
	const struct tcp_route *tcp;
	const struct udp_route *udp;
	const struct stream_service *service;
	const struct stream_offload *offload; /* of the route; NULL: none */
	struct tcp_router_step steps[EXPLAIN_STREAM_STEPS_MAX];
	size_t n_steps;
};

/* Everything made lives in the arena, beside the snapshot. */
struct explain_stream_result explain_stream(const struct snapshot *snapshot,
					    const struct explain_stream_spec *spec,
					    struct arena *arena);
/* Why a connection never gets to HTTP's routes: a sentence; empty: it does. */
struct str explain_stream_taken(const struct entry_point *entry_point,
				const struct tcp_facts *facts, struct arena *arena);

/* Whether a line is such a question: it has a member "tcp" or "udp". */
bool explain_stream_is_asked(const json_t *json);
/* From {"id","tcp"|"udp","tls","sni","alpn":[...],"remote_addr"}. 0, or -EINVAL with a sentence. */
int explain_stream_from_json(const json_t *json, struct arena *arena,
			     struct explain_stream_spec *ret_spec, const char **ret_message);
json_t *explain_stream_to_json(const struct explain_stream_result *result, struct arena *arena);
void explain_stream_print(const struct explain_stream_result *result, struct arena *arena,
			  struct buf *buf);

#endif
