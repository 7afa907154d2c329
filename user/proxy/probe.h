/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PROBE_H
#define PROBE_H

/*
 * probe: asks one server once whether it is well (reference d.3).
 *
 * By the rules of the server's transport, on a connection of its own where HTTP/1.1 is spoken; only
 * the answer's head is read. Redirections that stay at the server are followed; one that leads
 * elsewhere is an answer like any other. In gRPC's health protocol (grpc.health.v1.Health/Check,
 * for the server as a whole) the answer must say SERVING.
 */

#include "http/h1_body.h"
#include "plan/snapshot.h"
#include "proxy/upstream.h"

enum probe_result {
	PROBE_DOWN,
	PROBE_UP,
	PROBE_UNKNOWN, /* we could not ask: no memory, no descriptor, too many connections */
};

enum { PROBE_MESSAGE_MAX = 64 /* of a gRPC answer, which has 7 bytes */ };

struct probe {
	struct upstream_owner owner; /* first */
	struct worker *worker;
	const struct health_probe *conf;
	const struct server *target;
	/* Once, when it is known; not from within probe_begin(). */
	void (*on_done)(struct probe *probe, enum probe_result result, struct str why);
	/* The rest is its own. */
	struct upstream *upstream;
	struct timer timer;
	struct arena arena;
	struct request request;
	unsigned int n_redirects;
	bool runs, was_sent;
	struct str why_not; /* found out before anything was asked: told when the timer fires */
	enum probe_result result_then;
	/* gRPC: the answer's message. */
	bool has_head;
	struct h1_body body;
	struct str grpc_status; /* of the head */
	char message[PROBE_MESSAGE_MAX];
	size_t n_message;
};

/* worker, conf, target, owner.use and on_done are set. All they point at must live until on_done.
 */
void probe_begin(struct probe *probe);
/* Gives up: on_done is not called. Harmless when nothing runs. */
void probe_cancel(struct probe *probe);

#endif
