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

struct balance_pick {
	const struct service *service; /* of servers */
	const struct server *server;
	const struct service *noop; /* instead: a service that answers by itself */
	struct balance_cookie cookies[BALANCE_DEPTH_MAX];
	uint8_t n_cookies;
};

/*
 * tried: servers that failed for this request already; they are asked again only if no other is
 * there. False: there is no server at all.
 */
bool balance_pick(struct worker *worker, const struct service *service,
		  const struct request *request, const struct server *const *tried, size_t n_tried,
		  struct balance_pick *ret_pick);
/* "name=value; Path=/" */
struct str balance_cookie_text(const struct balance_cookie *cookie, struct arena *arena);

#endif
