/* SPDX-License-Identifier: Apache-2.0 */
#ifndef METRIC_H
#define METRIC_H

/*
 * metric: counters, gauges and histograms. One writer per cell, summed on read.
 *
 * The registry gives every set of labels a dense id, its series, that stays the same in every
 * snapshot; ids are asked for while a snapshot is compiled, never per request. Every worker thread
 * owns a struct metric_worker: a plain array of blocks, one per series, which only it writes and a
 * scrape reads with relaxed atomics (on x86 and ARM the same instructions as plain memory).
 * Recording a request is: metric_class() once (a table lookup by code, method and protocol), then
 * metric_request() for the entry point, the router and the service, an array index each.
 * METRIC_SERIES_NONE is a block that is never shown, so that a metric that is switched off needs no
 * branch.
 *
 * Registry functions are thread-safe (one lock, never taken on the request path but by the first
 * request of a new class). Values that are set, not counted, live in the registry: metric_gauge_*.
 */

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/str.h"
#include "obs/metric_source.h"
#include "obs/metric_table.h"

enum {
	METRIC_SERIES_NONE = 0,
	METRIC_SERIES_MAX =
		1 << 18,	 /* beyond: METRIC_SERIES_NONE, so nothing breaks but the numbers */
	METRIC_BUCKETS_MAX = 13, /* with +Inf */
	METRIC_SOURCES_MAX = 8,
	METRIC_CLASSES_MAX = 256,
	METRIC_TLS_CLASSES_MAX = 32,
	METRIC_CHUNK = 4, /* cells that are allocated together */
	METRIC_CHUNKS = METRIC_CLASSES_MAX / METRIC_CHUNK,
	METRIC_PAGE_SHIFT = 8, /* blocks that are allocated together */
	METRIC_PAGES = METRIC_SERIES_MAX >> METRIC_PAGE_SHIFT,
};

enum metric_method {
	METRIC_EXTENSION_METHOD,
	METRIC_NON_UTF8_METHOD,
	METRIC_HEAD,
	METRIC_GET,
	METRIC_POST,
	METRIC_PUT,
	METRIC_DELETE,
	METRIC_CONNECT,
	METRIC_OPTIONS,
	METRIC_TRACE,
	METRIC_PATCH,
	METRIC_PRI,
	METRIC_METHOD__COUNT,
};

enum metric_protocol {
	METRIC_HTTP,
	METRIC_GRPC,
	METRIC_GRPC_WEB,
	METRIC_SSE, /* Accept: text/event-stream */
	METRIC_WEBSOCKET,
	METRIC_PROTOCOL__COUNT,
};

/* What one worker counted for one (code, method, protocol) of one series. */
struct metric_cell {
	_Atomic uint64_t duration_ns, request_bytes, response_bytes;
	_Atomic uint64_t bucket[METRIC_BUCKETS_MAX]; /* not cumulative; their sum is the number of
							requests */
};

struct metric_chunks {
	_Atomic(struct metric_cell *) at[METRIC_CHUNKS];
};

/*
 * Most series see one class for most of their requests: the first that comes has its cell here, so
 * that counting a fast request of it touches one cache line. Others go to chunks.
 */
struct metric_block {
	_Alignas(64) _Atomic uint16_t first_class; /* 0: none yet; never changes then */
	struct metric_cell first;
	_Atomic(struct metric_chunks *) chunks;
	_Atomic(_Atomic uint64_t *) tls;
	_Atomic uint64_t plain[METRIC_SLOT__PLAIN];
};

struct metric_registry;

struct metric_worker {
	struct metric_registry *registry;
	struct metric_worker *next;	       /* in the registry's list */
	uint64_t bound_ns[METRIC_BUCKETS_MAX]; /* upper bounds of the buckets; the last is
						  UINT64_MAX */
	struct arena arena;		       /* of the pages */
	_Atomic(struct metric_block *) page[METRIC_PAGES];
	/* Class by what it counts; 0 is not known yet. Private to the worker. */
	uint16_t class_of[METRIC_PROTOCOL__COUNT][METRIC_METHOD__COUNT][600];
};

/* ------------------------------------------------------------------ registry -- */

struct metric_registry *metric_registry_new(void);
/* Upper bounds in seconds, increasing, instead of 0.1 0.3 1.2 5: before the first worker. -EINVAL,
 * -E2BIG. */
int metric_registry_set_buckets(struct metric_registry *registry, const double *seconds, size_t n);
/* Frees the workers too. */
void metric_registry_free(struct metric_registry *registry);
/*
 * A new snapshot begins to be compiled, and is in force: series of entry points, routers, services,
 * middlewares, servers and certificates that were not asked for in between vanish after the next
 * scrape (reference h.1).
 */
void metric_registry_begin(struct metric_registry *registry);
void metric_registry_commit(struct metric_registry *registry);
/* The series with these label values, in the order of metric_kind_labels; made when it is new. */
uint32_t metric_series(struct metric_registry *registry, enum metric_kind kind,
		       const struct str *labels);
/*
 * The same of either kind for as long as somebody holds it, whatever is compiled meanwhile:
 * *ret_held is for metric_drop(), NULL without memory. It vanishes after the scrape that follows
 * the last drop.
 */
struct metric_series;
uint32_t metric_hold(struct metric_registry *registry, enum metric_kind kind,
		     const struct str *labels, struct metric_series **ret_held);
void metric_drop(struct metric_registry *registry, struct metric_series *held);
/* All series are below this: what workers must reserve before they use a snapshot. */
uint32_t metric_series_limit(struct metric_registry *registry);

/* The same for values that are set (METRIC_OF_RELOAD, _SERVER, _CERT): an id of its own kind of
 * number. */
uint32_t metric_gauge(struct metric_registry *registry, enum metric_kind kind,
		      const struct str *labels);
void metric_gauge_set(struct metric_registry *registry, uint32_t gauge, double value);
/* Counts a reload: config_reloads_total, and the time of the last good one. */
void metric_reload(struct metric_registry *registry, bool good, uint64_t wall_ns);

/* ------------------------------------------------------------------- workers -- */

/* NULL without memory. Belongs to the registry, which frees it. */
struct metric_worker *metric_worker_new(struct metric_registry *registry);
/* Makes every series below limit usable. Called by the worker's own thread. */
int metric_worker_reserve(struct metric_worker *worker, uint32_t limit);

/* Of a method token; translate an enum to this once, by a table, on the request path. */
enum metric_method metric_method_of(struct str method);
/* code is the HTTP status (for grpc the grpc-status). Slow only the first time. */
uint16_t metric_class_slow(struct metric_worker *worker, unsigned code, enum metric_method method,
			   enum metric_protocol protocol);
static inline uint16_t metric_class(struct metric_worker *worker, unsigned code,
				    enum metric_method method, enum metric_protocol protocol)
{
	uint16_t class_ = code < 600 ? worker->class_of[protocol][method][code] : 0;

	return class_ ? class_ : metric_class_slow(worker, code, method, protocol);
}

/* Index of a TLS version ("1.3") and cipher name, for metric_tls(): once per connection. */
uint16_t metric_tls_class(struct metric_worker *worker, struct str version, struct str cipher);
void metric_tls(struct metric_worker *worker, uint32_t series, uint16_t tls_class);

static inline struct metric_block *metric_block(struct metric_worker *worker, uint32_t series)
{
	struct metric_block *page = atomic_load_explicit(&worker->page[series >> METRIC_PAGE_SHIFT],
							 memory_order_relaxed);

	return &page[series & ((1u << METRIC_PAGE_SHIFT) - 1)];
}

/* One writer: a load and a store, no locked instruction. */
static inline void metric_bump(_Atomic uint64_t *cell, uint64_t n)
{
	atomic_store_explicit(cell, atomic_load_explicit(cell, memory_order_relaxed) + n,
			      memory_order_relaxed);
}

/* slot is one of the plain cells in metric_table.h; n may be negative for gauges. */
static inline void metric_add(struct metric_worker *worker, uint32_t series, unsigned slot,
			      int64_t n)
{
	metric_bump(&metric_block(worker, series)->plain[slot], (uint64_t)n);
}

/* One request, answered: counts it, its duration and its bytes. */
void metric_request(struct metric_worker *worker, uint32_t series, uint16_t class_,
		    uint64_t duration_ns, uint64_t request_bytes, uint64_t response_bytes);

#endif
