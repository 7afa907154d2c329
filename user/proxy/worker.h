/* SPDX-License-Identifier: Apache-2.0 */
#ifndef WORKER_H
#define WORKER_H

/*
 * worker: one thread with everything it needs: loop, listeners, pools, current snapshot, counters.
 * Other threads reach it through its mailbox alone, and read its counters.
 */

#include <pthread.h>
#include <stdatomic.h>

#include "http/date_cache.h"
#include "net/loop.h"
#include "net/mailbox.h"
#include "net/pipe.h"
#include "net/redis.h"
#include "obs/metric.h"
#include "proxy/block.h"
#include "proxy/body_store.h"
#include "proxy/entry.h"
#include "proxy/proxy.h"
#include "proxy/publish.h"
#include "tls/tls_conn.h"

struct access_conf;
struct acceptor;
struct escalation;
struct health;
struct jobs;
struct log_ring;
struct resolver;
struct server_pool;
struct udp_batch;
struct udp_entry;

enum {
	/*
	 * What is read goes into the middle of the scratch buffer: a new head is put in front of a
	 * body where it stands, and chunk framing around it, so that head and body leave in one
	 * piece and one system call.
	 */
	WORKER_HEADROOM_BYTES = 16 << 10,
	WORKER_READ_BYTES =
		256 << 10, /* fewer, larger calls: a fifth of the cost of large bodies */
	WORKER_TAILROOM_BYTES = 16 << 10,
	WORKER_SCRATCH_BYTES = WORKER_HEADROOM_BYTES + WORKER_READ_BYTES + WORKER_TAILROOM_BYTES,
	WORKER_OUT_BYTES = 64 << 10,  /* heads are written here first */
	WORKER_RESPONSE_HEADERS = 64, /* slots before an arena is asked for more */
	/* One per enum tls_failure (none: a new session), and one for resumed sessions. */
	WORKER_TLS_RESUMED = TLS_FAILURE__COUNT,
	WORKER_TLS_SERIES,
};

/* Written by the worker alone; read by anybody with relaxed loads. */
#define WORKER_COUNTERS(X)         \
	X(connections_accepted)    \
	X(connections_open)        \
	X(connections_idle)        \
	X(connections_refused)     \
	X(requests)                \
	X(requests_active)         \
	X(tunnels_active)          \
	X(streams_active)          \
	X(udp_sessions)            \
	X(upstream_dialled)        \
	X(upstream_reused)         \
	X(upstream_dial_failed)    \
	X(upstream_idle)           \
	X(upstream_active)         \
	X(upstream_tls_handshakes) \
	X(upstream_tls_failed)     \
	X(upstream_tls_resumed)    \
	X(retries)                 \
	X(mirrored)                \
	X(mirrors_dropped)         \
	X(tls_handshakes)          \
	X(tls_handshakes_failed)   \
	X(tls_resumed)             \
	X(ktls_tx)                 \
	X(ktls_rx)                 \
	X(ktls_none)               \
	X(bytes_spliced)           \
	X(bans)                    \
	X(snapshots_held)

struct worker_counters {
#define WORKER_COUNTER(name) _Atomic uint64_t name;
	WORKER_COUNTERS(WORKER_COUNTER)
#undef WORKER_COUNTER
	_Atomic uint64_t open_by_entry_point[PROXY_ENTRY_POINTS_MAX];
};

/* What all workers share; read-only after start unless it says otherwise. */
struct worker_shared {
	const struct static_config *config;
	const struct entry *entries; /* by index; name is empty where there is no TCP entry point */
	size_t n_entries;
	struct metric_registry *metrics;	       /* NULL: none */
	uint32_t ktls_series[2][8];		       /* by direction (tx, rx) and enum tls_ktls */
	uint32_t server_tls_series[WORKER_TLS_SERIES]; /* see dial.c */
	uint32_t client_tls_series[WORKER_TLS_SERIES]; /* see tls_facts.c */
	uint32_t program_series;
	struct jobs *jobs;	       /* thread-safe */
	struct resolver *resolver;     /* thread-safe */
	struct escalation *escalation; /* lock-free; NULL: off */
	struct log_ring *rings;	       /* one per worker; NULL: no access log */
	const struct access_conf *access;
	struct proxy_hooks hooks;
	uint32_t max_open_per_server; /* 0: unlimited */
	uint64_t max_connections;     /* of one worker */
	size_t request_memory_bytes;
	_Atomic uint64_t request_count; /* for the access log only */
	struct body_spool spool;	/* lock-free */
};

struct worker {
	struct loop loop;
	struct mailbox mailbox;
	struct worker_shared *shared;
	uint16_t index;
	bool draining;
	bool leaving; /* another process takes new connections; ours have one more answer each */
	struct health *health;	   /* of the first worker; see health.h */
	struct timer accept_grace; /* how long new connections are still taken */
	struct snapshot_use *use;  /* the current snapshot */
	_Atomic uint64_t revision;
	/* Pools. */
	struct block_pool blocks;
	struct slab conns, exchanges, upstreams, streams;
	struct pipe_pool pipes;
	struct redis_clients redis;
	struct list open;	/* every struct conn */
	uint64_t n_private;	/* client connections with servers' of their own, ever */
	struct list mirrorings; /* struct mirroring: copies on their way */
	uint32_t n_mirrorings;
	struct server_pool **servers; /* by server id */
	struct server_pool *gone_pools;
	uint32_t n_servers;
	/* Per thread. */
	struct metric_worker *metrics; /* NULL: none */
	struct date_cache date;
	char *scratch, *out;
	struct header *response_headers;
	struct acceptor *acceptors;
	size_t n_acceptors;
	struct udp_entry **udp_entries;
	size_t n_udp_entries;
	struct udp_batch *udp_batch; /* room for datagrams; NULL: none were expected yet */
	struct slab udp_sessions;
	struct worker_counters counters;
	struct mail beat;
	atomic_bool beat_is_due; /* asked for, not given */
	pthread_t thread;
	bool started;
	int cpu; /* -1: any */
};

static inline void worker_count(_Atomic uint64_t *cell, int64_t n)
{
	metric_bump(cell, (uint64_t)n);
}

static inline char *worker_read_at(struct worker *worker)
{
	return worker->scratch + WORKER_HEADROOM_BYTES;
}

/* Date header of this round. */
struct str worker_date(struct worker *worker);

/* Prepares everything but the thread. listeners of other workers are skipped. */
int worker_init(struct worker *worker, struct worker_shared *shared, uint16_t index,
		struct snapshot *snapshot, const struct proxy_listener *listeners,
		size_t n_listeners);
int worker_start(struct worker *worker);
/* After the thread has ended, or instead of starting it: closes and frees everything. */
void worker_done(struct worker *worker);

/* A request, handshake or probe has ended that had its own use of a snapshot. NULL is allowed. */
void worker_drop_use(struct worker *worker, struct snapshot_use *use);

/* From any thread. Takes over a reference to the snapshot. */
int worker_publish(struct worker *worker, struct snapshot *snapshot);
/* Asks for a sign of life; false while the one asked for before is still missing. One thread. */
bool worker_beat(struct worker *worker);
int worker_drain(struct worker *worker, uint64_t accept_grace_ns);
int worker_leave(struct worker *worker, uint64_t idle_grace_ns);
int worker_stop(struct worker *worker);

#endif
