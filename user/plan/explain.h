/* SPDX-License-Identifier: Apache-2.0 */
#ifndef EXPLAIN_H
#define EXPLAIN_H

/*
 * explain: what the data plane would do with one request, and why.
 *
 * The request is written out as HTTP/1.1 and goes the way of every request: the strict parser,
 * canonical form, forwarded headers, the compiled router and the middlewares' own hooks. Only two
 * things differ: a middleware with shared state (rateLimit) runs with a state of its own, so
 * that asking spends nothing, and no server is contacted.
 *
 * Which entry point: the one named; else, by the URL's scheme and port (80 and 443 when none is
 * written), the one that listens there; else the first that speaks TLS (https) or does not (http).
 * A URL without scheme and host is taken as http, with the Host header that is given.
 */

#include <jansson.h>

#include "base/arena.h"
#include "base/buf.h"
#include "plan/snapshot.h"

struct explain_spec {
	struct str id;	   /* comes back in the result; may be empty */
	struct str method; /* empty: GET */
	struct str url;
	const struct str_pair *headers;
	size_t n_headers;
	struct str remote_addr; /* "10.0.0.1", with or without port; empty: 127.0.0.1 */
	struct str entry_point; /* empty: by the URL */
};

enum explain_action {
	EXPLAIN_FORWARD, /* a service gets the request */
	EXPLAIN_RESPOND, /* the proxy answers by itself, with status */
	EXPLAIN_DROP,	 /* nothing is answered: packets are dropped, or the connection is closed */
	EXPLAIN_TCP,	 /* a TCP route has the connection: see explain_stream.h */
};

/* A router that was considered, in order. */
struct explain_step {
	const struct route *route;
	struct str failed; /* the predicate that said no; empty: it matched */
	bool is_disabled;  /* would match, but has a problem: route->problem */
};

struct explain_middleware {
	struct str name;
	const char *type;
	struct str what; /* one sentence; may be empty */
};

struct explain_result {
	struct str id;
	enum explain_action action;
	uint16_t status; /* of the proxy's own answer; 0 when it forwards or drops */
	struct str why;	 /* one sentence */
	const struct entry_point *entry_point;	/* NULL: there is none to take it */
	const struct route *route;		/* NULL: none matched, or it was not asked */
	const struct service *service;		/* of the route */
	struct explain_middleware *middlewares; /* those that the request reaches */
	size_t n_middlewares;
	struct explain_step *steps;
	size_t n_steps;
	/* The kernel plane, by the source's address. */
	const struct kernel_policy *kernel_policy; /* NULL: counted, not limited */
	enum kernel_action kernel_action;
	const struct kernel_acl *kernel_acl; /* the prefix that decides; NULL: none does */
	struct str location;		     /* where a redirection leads */
};

/* Everything made lives in the arena, beside the snapshot. wall_ns: the time of the request. */
struct explain_result explain_run(const struct snapshot *snapshot, const struct explain_spec *spec,
				  uint64_t wall_ns, struct arena *arena);
/* From {"id","method","url","headers":[[k,v],...],"remote_addr","entryPoint"}; headers may be an
 * object too. The strings are json's. 0, or -EINVAL with a sentence. */
int explain_spec_from_json(const json_t *json, struct arena *arena, struct explain_spec *ret_spec,
			   const char **ret_message);
/* One line of the JSON form (new reference), and the readable form. */
json_t *explain_to_json(const struct explain_result *result);
void explain_print(const struct explain_result *result, struct buf *buf);

#endif
