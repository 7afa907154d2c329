/* SPDX-License-Identifier: Apache-2.0 */
#ifndef BALANCE_H
#define BALANCE_H

/*
 * balance: which server takes a request (reference/traefik.md d.1 and d.2; sticky cookies: a.1).
 *
 * Level by level: services made of services choose a child (a cookie's, the one whose turn it is,
 * the client's, the first that is not down), until one has servers; strategy.h chooses among those.
 * What comes of it is told here again (struct balance_load), since later choices depend on it.
 */

#include "http/message.h"
#include "plan/snapshot.h"

struct worker;

enum { BALANCE_DEPTH_MAX = SERVICE_LEVELS_MAX, BALANCE_TRIED_MAX = 4 };

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
	uint8_t n_cookies, n_cookies_above; /* in all; of the levels above failover */
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
/*
 * Reference d.2: whether the mirror with this percentage gets a copy of the total-th request (from
 * 1). As if counted: yes whenever count * 100 < total * percent.
 */
static inline bool balance_is_mirrored(uint64_t total, uint8_t percent)
{
	return (total * percent + 99) / 100 > ((total - 1) * percent + 99) / 100;
}

/* A request on its way to a server. Zeroed: none. */
struct balance_load {
	const struct service *service; /* of the server */
	const struct server *server;
	struct live_member *member; /* NULL: nobody counts */
};
/* It is about to be sent to pick->server. */
void balance_begin(struct balance_load *load, const struct balance_pick *pick);
void balance_first_byte(const struct balance_load *load, uint64_t ttfb_ns);
/*
 * It is over, or is given up for another server; harmless when it never began. status: of the
 * server's answer, or of the proxy's when the server gave none; 0: nobody can say (the client went
 * away).
 */
void balance_end(struct balance_load *load, uint16_t status, struct worker *worker);

/* "name=value; Path=/" */
struct str balance_cookie_text(const struct balance_cookie *cookie, struct arena *arena);

#endif
