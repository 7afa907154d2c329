/* SPDX-License-Identifier: Apache-2.0 */
#ifndef BALANCE_H
#define BALANCE_H

/*
 * balance: which server takes a request (reference/traefik.md d.1 and d.2; sticky cookies: a.1).
 *
 * Turns are counted in one atomic per service, shared by all workers and kept over updates; the
 * order of turns was unrolled when the snapshot was compiled. Servers that lately refused a
 * connection are passed over as long as another one is there. Weighted services choose a child in
 * the same way, level by level.
 */

#include "http/message.h"
#include "plan/snapshot.h"

struct worker;

enum { BALANCE_DEPTH_MAX = 8, BALANCE_TRIED_MAX = 4 };

/* A cookie to be written, since the level chose anew. */
struct balance_cookie {
	const struct sticky *sticky;
	struct str value;
};

enum balance_result {
	BALANCE_NONE,	/* no server can take it: 503 */
	BALANCE_SERVER, /* pick->server */
	BALANCE_NOOP,	/* pick->noop answers by itself */
	BALANCE_CHAIN,	/* pick->service has middlewares (service->chain) that come first: run them,
			   then call balance_go_on() */
};

struct balance_pick {
	const struct service *service; /* of servers; where the choice stands after BALANCE_CHAIN */
	const struct server *server;
	const struct service *noop; /* instead: a service that answers by itself */
	/* Passed on the way down; NULL: none. Copies go to mirroring's further children; the second
	 * child of failover answers when the first one's answer is one of its statuses. */
	const struct service *mirroring, *failover;
	uint8_t depth;
	struct balance_cookie cookies[BALANCE_DEPTH_MAX];
	uint8_t n_cookies;
};

/*
 * tried: servers that failed for this request already; they are asked again only if no other is
 * there.
 */
enum balance_result balance_pick(struct worker *worker, const struct service *service,
				 const struct request *request, const struct server *const *tried,
				 size_t n_tried, struct balance_pick *ret_pick);
/* Goes on below pick->service, whose middlewares have run. */
enum balance_result balance_go_on(struct worker *worker, const struct request *request,
				  const struct server *const *tried, size_t n_tried,
				  struct balance_pick *pick);
/* "name=value; Path=/" */
struct str balance_cookie_text(const struct balance_cookie *cookie, struct arena *arena);

#endif
