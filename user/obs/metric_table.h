/* SPDX-License-Identifier: Apache-2.0 */
#ifndef METRIC_TABLE_H
#define METRIC_TABLE_H

/*
 * metric_table: every metric, once. Names, types and labels are Traefik's with tidegate_ in front
 * (reference/traefik.md h.1); the kernel plane, kTLS and middlewares are ours. The exposition and
 * the reference page are made from these rows.
 */

#include <stddef.h>

enum metric_type { METRIC_COUNTER, METRIC_GAUGE, METRIC_HISTOGRAM };

/* What a series belongs to; decides its labels and where its value is kept. */
enum metric_kind {
	METRIC_OF_NOTHING,
	/* Kept per worker: one writer per cell. */
	METRIC_OF_ENTRY_POINT, /* entrypoint */
	METRIC_OF_ROUTER,      /* router, service */
	METRIC_OF_SERVICE,     /* service */
	METRIC_OF_STREAM,      /* service, protocol: raw TCP, UDP */
	METRIC_OF_MIDDLEWARE,  /* middleware */
	METRIC_OF_KTLS,	       /* direction, result, reason */
	METRIC_OF_SERVER_TLS,  /* result, reason */
	METRIC_OF_CLIENT_TLS,  /* result, reason */
	METRIC_OF_PROGRAM,     /* no labels */
	/* Kept in the registry, set from any thread. */
	METRIC_OF_RELOAD, /* no labels */
	METRIC_OF_SERVER, /* service, url */
	METRIC_OF_CERT,	  /* cn, serial, sans */
	/* Asked for at every scrape. */
	METRIC_OF_SOURCE,
	METRIC_KIND__COUNT,
};

/* Where a metric's value stands within its series. */
enum metric_slot {
	/* Plain cells: for metric_add(). */
	METRIC_SLOT_0,
	METRIC_SLOT_1,
	METRIC_SLOT_2,
	METRIC_SLOT_3,
	METRIC_SLOT_4,
	METRIC_SLOT__PLAIN,
	/* Per code, method and protocol: written by metric_request(). */
	METRIC_SLOT_REQUESTS = METRIC_SLOT__PLAIN,
	METRIC_SLOT_DURATION,
	METRIC_SLOT_REQUEST_BYTES,
	METRIC_SLOT_RESPONSE_BYTES,
	/* Per TLS version and cipher: written by metric_tls(). */
	METRIC_SLOT_TLS,
	METRIC_SLOT_NONE,

	/* Plain cells by what they count. */
	METRIC_OPEN_CONNECTIONS = METRIC_SLOT_0, /* entry point, +1 and -1 */

	METRIC_STREAMS_REFUSED = METRIC_SLOT_1,	  /* entry point: before any server was asked */
	METRIC_DATAGRAMS_DROPPED = METRIC_SLOT_2, /* entry point */

	METRIC_RETRIES = METRIC_SLOT_0, /* service, stream */

	METRIC_STREAM_SESSIONS = METRIC_SLOT_1,
	METRIC_STREAM_OPEN = METRIC_SLOT_2,	/* +1 and -1 */
	METRIC_STREAM_RECEIVED = METRIC_SLOT_3, /* bytes from clients */
	METRIC_STREAM_SENT = METRIC_SLOT_4,	/* bytes to clients */

	METRIC_MIDDLEWARE_REQUESTS = METRIC_SLOT_0, /* requests that reached it */
	METRIC_MIDDLEWARE_REPLIES = METRIC_SLOT_1,  /* requests that it answered itself */
	METRIC_MIDDLEWARE_WAITS = METRIC_SLOT_2,    /* requests that it made wait */

	METRIC_KTLS_CONNECTIONS = METRIC_SLOT_0,

	METRIC_SERVER_HANDSHAKES = METRIC_SLOT_0,
	METRIC_CLIENT_HANDSHAKES = METRIC_SLOT_0,

	METRIC_ESCALATIONS = METRIC_SLOT_0,	   /* program: sources handed to the kernel plane */
	METRIC_ACCESS_LOG_DROPPED = METRIC_SLOT_1, /* program: lines that found the ring full */
	METRIC_CONNECTIONS_REFUSED = METRIC_SLOT_2, /* program: over a limit of the proxy's */
};

/* Metrics that a source supplies at scrape time. */
enum metric_id {
	METRIC_KERNEL_RECEIVED_PACKETS,
	METRIC_KERNEL_RECEIVED_BYTES,
	METRIC_KERNEL_PACKETS,
	METRIC_KERNEL_ENTRY_PACKETS,
	METRIC_KERNEL_BANS,
	METRIC_KERNEL_GENERATION,
	METRIC_KERNEL_SERVICE_PACKETS,
	METRIC_KERNEL_SERVICE_BYTES,
	METRIC_KERNEL_SERVICE_CONNECTIONS,
	METRIC_KERNEL_SERVICE_KEPT,
	METRIC_KERNEL_SERVICE_BACKENDS,
	METRIC_KERNEL_BACKEND_PACKETS,
	METRIC_KERNEL_BACKEND_BYTES,
	METRIC_KERNEL_BACKEND_UNREACHABLE,
	METRIC_KERNEL_ATTACHED,
	METRIC_PROCESS_CPU_SECONDS,
	METRIC_PROCESS_OPEN_FDS,
	METRIC_PROCESS_MAX_FDS,
	METRIC_PROCESS_VIRTUAL_BYTES,
	METRIC_PROCESS_RESIDENT_BYTES,
	METRIC_PROCESS_START_TIME,
	METRIC_BUILD_INFO,
	METRIC_CONFIG_UNSUPPORTED,
	METRIC_CONFIG_EFFECT,
	METRIC_KERNEL_EFFECT,
	METRIC_CONFIG_COMPILE,
	METRIC_CONFIG_READY,
	METRIC_KUBE_CONNECTED,
	METRIC_KUBE_ERRORS,
	METRIC_KUBE_EVENTS,
	METRIC_KUBE_LISTS,
	METRIC_KUBE_OBJECTS,
	METRIC_KUBE_SILENCE,
	METRIC_ID__COUNT,
	METRIC_ID_NONE = METRIC_ID__COUNT,
};

enum { METRIC_LABELS_MAX = 5 };

struct metric_row {
	const char *name; /* whole, as it is exposed */
	enum metric_type type;
	enum metric_kind kind;
	enum metric_slot slot;
	enum metric_id id;		       /* of METRIC_OF_SOURCE */
	const char *labels[METRIC_LABELS_MAX]; /* of METRIC_OF_SOURCE; else the kind's */
	const char *help;
};

/* Sorted as they are exposed. */
extern const struct metric_row metric_rows[];
extern const size_t metric_row_count;
/* Labels of the series of a kind, NULL-terminated, in the order in which values are given. */
extern const char *const metric_kind_labels[METRIC_KIND__COUNT][METRIC_LABELS_MAX + 1];

#endif
