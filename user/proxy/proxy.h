/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PROXY_H
#define PROXY_H

/*
 * proxy: the user plane as the rest of the program sees it: worker threads that serve HTTP by the
 * current snapshot.
 *
 * Everything here is called from one control thread unless it says otherwise; none of it waits for
 * a request. Hooks are called on worker threads. The order of a life: proxy_listeners_open (while
 * ports below 1024 may be bound), proxy_start, proxy_publish as often as one likes, proxy_drain,
 * proxy_drained until it says true or the time is up, proxy_stop.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/addr.h"
#include "base/str.h"
#include "model/static_config.h"
#include "plan/snapshot.h"

struct metric_registry; /* obs/metric.h */
struct proxy;

enum { PROXY_WORKERS_MAX = 256, PROXY_ENTRY_POINTS_MAX = 64 };

/* A bound socket: one per worker and entry point (SO_REUSEPORT); it listens if it is TCP. */
struct proxy_listener {
	int fd;
	uint16_t entry_point; /* index in the static configuration, and in every snapshot */
	uint16_t worker;
};

/* A source that was refused (429) too often within the configured window. */
struct proxy_ban {
	struct addr source; /* the TCP peer, or who a trusted PROXY header names */
	struct addr local;  /* what it was connected to */
	uint16_t local_port;
	uint16_t entry_point;
	bool by_proxy_header; /* source is not who sends the packets: dropping it in the kernel has
				 no effect */
	uint32_t refusals;
	struct str route, middleware; /* of the last refusal; valid during the call */
};

struct proxy_hooks {
	void *context;
	/* On a worker thread: must not block. NULL: nobody asks. */
	void (*on_ban)(void *context, const struct proxy_ban *ban);
};

struct proxy_options {
	const struct static_config *config; /* outlives the proxy; its accessLog is written, too */
	uint16_t n_workers;		    /* at least 1 */
	bool pin_workers;		    /* worker i runs on the i-th CPU that we may use */
	const struct proxy_listener
		*listeners; /* copied; the descriptors now belong to the proxy */
	size_t n_listeners;
	struct snapshot *snapshot;	 /* the first; the proxy takes references of its own */
	struct metric_registry *metrics; /* NULL: no metrics */
	struct str server_name;		 /* X-Forwarded-Server; empty: the host's name */
	struct proxy_hooks hooks;
};

/*
 * How many workers a configuration asks for: its own figure, or one per CPU that we may use.
 */
uint16_t proxy_worker_count(const struct static_config *config);
/*
 * Binds every entry point once per worker. Sockets that were inherited from another process are
 * used where they are bound as the entry point wants, and their fd is then set to -1; as many of
 * them as there are, so that none of their queues is forgotten. Returns 0 and a list to free(), or
 * a negative errno with the entry point's index in *ret_bad (nothing stays open then).
 */
int proxy_listeners_open(const struct static_config *config, uint16_t n_workers,
			 struct proxy_listener *inherited, size_t n_inherited,
			 struct proxy_listener **ret_listeners, size_t *ret_n, size_t *ret_bad);

/* Starts the workers. Returns 0, or a negative errno (the descriptors are closed then). */
int proxy_start(const struct proxy_options *options, struct proxy **ret_proxy);
/*
 * Hands the snapshot to every worker; returns at once. Requests that have begun keep theirs. The
 * caller keeps its own reference.
 */
void proxy_publish(struct proxy *proxy, struct snapshot *snapshot);
/* The oldest revision that some worker still gives to new requests. */
uint64_t proxy_revision(const struct proxy *proxy);

/*
 * Begins the end (reference j): after accept_grace_ns the listeners close; from now on every answer
 * says "Connection: close" and connections without a request are closed.
 */
/* Asks every worker for a sign of life; true when all have given the one asked for before. */
bool proxy_beat(struct proxy *proxy);
void proxy_drain(struct proxy *proxy, uint64_t accept_grace_ns);
/*
 * The same when another process has the listeners already: ours close at once, what waits there is
 * the other's. No connection is closed under a client: each gets "Connection: close" with its next
 * answer, and only those without a request for idle_grace_ns are closed.
 */
void proxy_leave(struct proxy *proxy, uint64_t idle_grace_ns);
/* True when no connection and no datagram session is left. */
bool proxy_drained(const struct proxy *proxy);
/* Closes what is left, joins the threads, frees. Accepts NULL. */
void proxy_stop(struct proxy *proxy);

/* The access log's file is opened anew (after rotation, SIGUSR1). */
void proxy_reopen_logs(struct proxy *proxy);

/* Sums over the workers, read without stopping them. */
struct proxy_status {
	uint64_t connections_accepted, connections_open, connections_idle;
	uint64_t connections_refused; /* over a limit */
	uint64_t requests, requests_active;
	uint64_t tunnels_active;
	uint64_t streams_active, udp_sessions; /* raw TCP connections; datagram sessions */
	uint64_t upstream_dialled, upstream_reused, upstream_dial_failed, upstream_idle,
		upstream_active;
	uint64_t upstream_tls_handshakes, upstream_tls_failed, upstream_tls_resumed;
	uint64_t retries;
	uint64_t mirrored, mirrors_dropped; /* copies for mirrors that were sent, that were not */
	uint64_t tls_handshakes, tls_handshakes_failed, tls_resumed;
	uint64_t ktls_tx, ktls_rx,
		ktls_none; /* connections by what the kernel took, counted once each */
	uint64_t bytes_spliced;
	uint64_t bans;
	uint64_t snapshots_held; /* by workers, the current one included */
};

void proxy_status(const struct proxy *proxy, struct proxy_status *ret_status);
/* Open connections of one entry point. */
uint64_t proxy_entry_point_connections(const struct proxy *proxy, uint16_t entry_point);

#endif
