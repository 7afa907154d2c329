/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LIVE_H
#define LIVE_H

/*
 * live: what is known at run time of servers and services, and stays over updates.
 *
 * The registry keeps it by identity (plan/registry.h): a service's turns by its name; a server by
 * its URL and transport; a member by both, since health, load and speed are those of a server in
 * one service. All workers share it without locks: a word each, read with one relaxed load on the
 * request path. Time is an argument (monotonic).
 */

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/addr.h"
#include "base/ref.h"

enum {
	LIVE_FAILURES_MAX = 32,	 /* instants that are remembered of a member */
	LIVE_TTFB_SAMPLES = 100, /* reference d.1 */
	LIVE_ADDRS_MAX = 8,	 /* addresses of a name that are used */
};

/* Of a service. */
struct balance_state {
	struct ref ref;
	_Atomic uint64_t next; /* turns taken; of SERVICE_MIRRORING: requests seen */
};

/*
 * Addresses of a server that has a name. One thread at a time asks for them (live_addrs_claim),
 * any reads.
 */
struct live_addrs {
	_Atomic uint64_t until_ns;    /* they are good until then; 0: never known */
	_Atomic uint64_t asked_at_ns; /* 0: nobody is asking */
	_Atomic uint32_t version;     /* odd while they are written */
	_Atomic uint32_t n;
	_Atomic uint64_t words[LIVE_ADDRS_MAX][2];
	_Atomic uint32_t turn;
};

/* True: the caller is the one who asks now. Who takes longer than patience_ns is given up. */
bool live_addrs_claim(struct live_addrs *addrs, uint64_t now_ns, uint64_t patience_ns);
/* The answer; ends the claim. n 0 keeps the old ones (a name server that fails takes nobody down).
 */
void live_addrs_write(struct live_addrs *addrs, const struct addr *at, uint32_t n,
		      uint64_t until_ns);
/* A copy; returns how many: 0 before the first answer. */
uint32_t live_addrs_read(const struct live_addrs *addrs,
			 struct addr ret_addrs[static LIVE_ADDRS_MAX]);

/* Of a server, in whatever services. */
struct live_server {
	uint64_t serial; /* of no other one ever, while ids come back */
	/* It refused a connection, or was silent: others are asked first until then. */
	_Atomic uint64_t set_aside_until_ns;
	_Atomic uint32_t n_failed; /* dials in a row */
	struct live_addrs *addrs;  /* NULL: it has no name. The registry frees it */
};

void live_server_dial_failed(struct live_server *server, uint64_t now_ns);
static inline void live_server_dialled(struct live_server *server)
{
	if (atomic_load_explicit(&server->n_failed, memory_order_relaxed)) {
		atomic_store_explicit(&server->n_failed, 0, memory_order_relaxed);
		atomic_store_explicit(&server->set_aside_until_ns, 0, memory_order_relaxed);
	}
}
static inline bool live_server_is_set_aside(const struct live_server *server, uint64_t now_ns)
{
	return server &&
	       now_ns < atomic_load_explicit(&server->set_aside_until_ns, memory_order_relaxed);
}

/*
 * Of a server in a service whose choice or health depends on it: p2c, leasttime, healthCheck,
 * passiveHealthCheck. Others have none.
 */
struct live_member {
	/* 0: up. LIVE_DOWN: until a probe succeeds. */
	_Atomic uint64_t down_until_ns;
	_Atomic uint32_t in_flight;
	_Atomic uint32_t n_failures; /* ever; the newest are in failed_at_ns */
	_Atomic uint32_t n_forgiven; /* those before do not count: a success came after them */
	_Atomic uint64_t failed_at_ns[LIVE_FAILURES_MAX];
	/* Times to first byte. */
	_Atomic uint64_t n_ttfb, ttfb_sum_us;
	_Atomic uint32_t ttfb_us[LIVE_TTFB_SAMPLES];
	/* The prober's alone. */
	uint64_t probed_at_ns;
};

#define LIVE_DOWN UINT64_MAX

/* NULL is up. */
static inline bool live_member_is_up(const struct live_member *member, uint64_t now_ns)
{
	return !member ||
	       now_ns >= atomic_load_explicit(&member->down_until_ns, memory_order_relaxed);
}

/* Reference d.4. is_probed: active probes bring it back, not time. */
struct live_passive {
	uint64_t window_ns;
	uint32_t max_failures; /* at least 1, at most LIVE_FAILURES_MAX */
	bool is_probed;
};
/* True when this failure took it down. */
bool live_member_failed(struct live_member *member, const struct live_passive *passive,
			uint64_t now_ns);
/* True when there was a failure before it. */
bool live_member_succeeded(struct live_member *member);
/* The result of a probe; true when it changed anything. */
bool live_member_probed(struct live_member *member, bool is_up, uint64_t now_ns);

void live_member_ttfb(struct live_member *member, uint64_t ttfb_ns);
/* The average of the last samples; 0 without any. */
uint64_t live_member_average_us(const struct live_member *member);

#endif
