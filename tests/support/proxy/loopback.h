/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LOOPBACK_H
#define LOOPBACK_H

/*
 * loopback: a running proxy without objects and compiler: configuration and snapshot made by hand,
 * on free ports of 127.0.0.1.
 */

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

/* A blocking socket connected to the port, with a time-out of 5 s. */
int loopback_connect(uint16_t port);
/* A listening socket on a free port. */
int loopback_listen(uint16_t *ret_port);

#endif
