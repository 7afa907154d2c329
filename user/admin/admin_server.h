/* SPDX-License-Identifier: Apache-2.0 */
#ifndef ADMIN_SERVER_H
#define ADMIN_SERVER_H

/*
 * admin_server: the operator's own small HTTP server, on its own thread, away from the workers.
 *
 * It listens on a unix socket (mode 0600) and on one TCP address, loopback by default. GET and HEAD
 * only, one request per connection, no CORS, and over TCP the Host must be an IP address, localhost
 * or a name given in the options: a page in a browser cannot reach it by rebinding a name
 * (reference/security.md A2.8). Every wait has a deadline, and there are at most
 * ADMIN_CONNECTIONS_MAX connections: the oldest gives way.
 */

#include <stdbool.h>

#include "base/buf.h"
#include "base/str.h"
#include "model/static_entry_point.h"

enum { ADMIN_CONNECTIONS_MAX = 64, ADMIN_DEADLINE_MS = 5000, ADMIN_BODY_MAX = 256 << 20 };

struct admin_answer {
	unsigned status; /* 200 unless the handler sets another */
	const char *content_type;
	struct buf *body;
};

/* Runs on the admin thread. query is without '?'. */
struct admin_handler {
	const char *path; /* "/metrics"; the whole path must be equal */
	void (*answer)(void *context, struct str query, struct admin_answer *answer);
};

struct admin_options {
	const struct listen_address *listen; /* NULL: no TCP */
	const char *socket_path;	     /* NULL: no unix socket */
	int inherited[2]; /* listening sockets to use instead of new ones: TCP, unix; 0: none */
	const struct admin_handler *handlers;
	size_t n_handlers;
	void *context;
};

struct admin_server;

/* Opens the listeners; needs no privilege but that of the address. Errors: negative errno of bind
 * or listen. */
int admin_server_open(const struct admin_options *options, struct admin_server **ret_server);
/* Starts the thread. */
int admin_server_start(struct admin_server *server);
/* The listening sockets, TCP and unix; -1: there is none. */
void admin_server_listeners(const struct admin_server *server, int ret_fds[2]);
/* Another process answers on them from now on: they are closed, and not removed. */
void admin_server_leave(struct admin_server *server);
/* Ends the thread, closes and removes the sockets. NULL is fine. */
void admin_server_stop(struct admin_server *server);

#endif
