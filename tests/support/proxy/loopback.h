/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LOOPBACK_H
#define LOOPBACK_H

/*
 * loopback: a running proxy without objects and compiler: configuration and snapshot made by hand,
 * on free ports of 127.0.0.1.
 */

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "mw/mw.h"
#include "proxy/proxy.h"

enum { LOOPBACK_ROUTES_MAX = 8, LOOPBACK_SERVERS_MAX = 8 };

struct loopback_route {
	const char *rule;
	uint16_t ports[LOOPBACK_SERVERS_MAX]; /* of servers on 127.0.0.1; 0 ends the list */
	const struct mw_instance *middlewares;
	uint16_t n_middlewares;
	const char *sticky_cookie; /* NULL: none */
	bool keep_server_host;	   /* passHostHeader: false */
	/* What the fields above cannot say: changes the route (and its service) once it is made. */
	void (*edit)(struct route *route, struct snapshot *snapshot);
	const struct transport *transport; /* NULL: transport_plain */
};

struct loopback {
	struct arena arena;
	struct static_config config;
	struct static_entry_point *entry_point;
	struct balance_state *states[LOOPBACK_ROUTES_MAX];
	uint64_t revision;
	bool tls; /* with a generated certificate */
	struct tls_cache *tls_cache;
	uint16_t port; /* where it listens */
	struct proxy *proxy;
};

/* Configuration with defaults: change config and entry_point before loopback_start(). */
void loopback_init(struct loopback *loopback, uint16_t port);
struct snapshot *loopback_snapshot(struct loopback *loopback, const struct loopback_route *routes,
				   size_t n_routes);
/* 0 or a negative errno. Takes over the reference to the snapshot. */
int loopback_start(struct loopback *loopback, struct snapshot *snapshot, uint16_t n_workers,
		   struct proxy_hooks hooks);
void loopback_stop(struct loopback *loopback);

/* A server that gives its answers in turn, over all connections; NULL: it closes instead. */
struct loopback_server {
	int fd;
	uint16_t port;
	const char *const *answers; /* NULL-terminated by count */
	size_t n_answers;
	_Atomic unsigned int n_accepted, n_requests;
	_Atomic bool stopping;
	char last[8192]; /* the last request, whole */
	pthread_t thread;
};

void loopback_serve(struct loopback_server *server, const char *const *answers, size_t n_answers);
void loopback_serve_done(struct loopback_server *server);

/* Sends text, reads until the end; all answers, NUL-terminated, in a static buffer. */
const char *loopback_ask(uint16_t port, const char *text);
/* The proxy's figures, once no connection and no request is left (or after 3 s). */
struct proxy_status loopback_settled(const struct loopback *loopback);

/* A blocking socket connected to the port, with a time-out of 5 s. */
int loopback_connect(uint16_t port);
/* A listening socket on a free port. */
int loopback_listen(uint16_t *ret_port);

#endif
