/* SPDX-License-Identifier: Apache-2.0 */
#ifndef KERNEL_FLEET_H
#define KERNEL_FLEET_H

/*
 * kernel_fleet: services, their rings and backends: what does not stand in halves.
 *
 * Pure but for its tables, which are the maps in the proxy's memory (or arrays, in tests): it
 *writes them by plain stores, in an order in which packets never see half a change. A service's
 *ring is built in lines that nobody reads, then one store of a word puts it in force and keeps the
 *one before. For a time after that (KERNEL_FLEET_WINDOW_NS from the last change) flows of slots
 *that changed hands are found by the old ring. While a window is open the old ring stays the one
 *from before its first change: flows of later ones have been written down by then.
 *
 * A backend that is taken out of the configuration drains: its flows stay until the window closes
 * and none of them is left in the map "stick".
 *
 *	prepare -> commit (-> the generation flips) -> await -> packets have left -> settle
 *
 * More may be prepared and committed between await and settle, unless that made services go.
 *
 * One thread at a time.
 */

#include "plan/kernel_image.h"
#include "plan/kernel_room.h"

#define KERNEL_FLEET_WINDOW_NS (600ULL * 1000000000)
/* A window that changes keep open is renewed after this time. */
#define KERNEL_FLEET_WINDOW_MAX_NS (3600ULL * 1000000000)

/* The map "ring", of which only a part need be in memory at a time. */
struct kernel_rings {
	/* The ring that begins at that line, which is good until three others were asked for; NULL
	 * without memory. */
	struct abi_ring_line *(*at)(void *context, uint32_t line);
	void *context;
	uint32_t n_lines;
};

struct kernel_tables {
	struct abi_service *services;
	struct kernel_rings rings;
	struct abi_backend *backends;
	struct abi_quic_line *quic;
	struct abi_node *nodes;
	__u64 seed[2];
};

/* What is known of a service beyond its row. */
struct kernel_fleet_service {
	uint64_t digest;	     /* of what its ring was built from; 0: unknown */
	uint64_t begun_ns, until_ns; /* the window; until 0: closed */
	uint64_t changed_ns;
	uint64_t drain_ns;	 /* struct kernel_service */
	uint16_t first;		 /* of its backends */
	bool is_used, is_marked; /* some slots may be checked */
	bool is_wanted;
};

struct kernel_fleet_backend {
	uint16_t next;	 /* of the same service */
	uint16_t member; /* while preparing: its place among the members */
	uint32_t stamp;
	uint32_t n_sticks; /* while sweeping */
	bool is_used, is_new;
	bool is_before; /* the ring before may name it: it was there when the window opened */
	bool is_retired, is_leaving, is_awaited, was_used;
	uint64_t retired_ns;
	uint64_t drained_ns; /* since when it drains; 0: it does not */
};

struct kernel_fleet {
	struct kernel_tables tables;
	struct kernel_room room;
	struct kernel_fleet_service services[ABI_SERVICES];
	struct kernel_fleet_backend backends[ABI_BACKENDS];
	uint64_t quic_hashes[ABI_BACKENDS];
	uint16_t slots[1 << 16]; /* the ring being built */
	uint32_t stamp;
	uint32_t hint;		 /* for a free backend */
	bool is_empty;		 /* no service was ever there: nothing to look after */
	uint64_t sweep_begun_ns; /* 0: none */
	uint8_t *live;		 /* a bit for each slot of each ring, while sweeping */
};

/* Reads what is in force, perhaps from another process; NULL without memory. */
struct kernel_fleet *kernel_fleet_new(const struct kernel_tables *tables, uint64_t now_ns);
void kernel_fleet_free(struct kernel_fleet *fleet);

struct kernel_fleet_change {
	uint32_t slot; /* of the service */
	bool is_ring_new;
	uint32_t ring, before;
	bool is_marked;
	uint64_t digest;
	const struct kernel_service *service; /* NULL: the nodes */
	uint16_t *ids;			      /* of its backends, in their order */
};

struct kernel_fleet_plan {
	struct kernel_fleet_change *changes;
	size_t n;
	uint16_t *fresh; /* backends in slots that were free: their counters begin anew */
	size_t n_fresh;
	const struct kernel_config *config;
	const struct kernel_image *image;
};

/*
 * Makes rings and rows for what differs, unseen by packets. -ENOMEM; -ENOSPC: too many backends or
 * rings; then nothing happened.
 */
int kernel_fleet_prepare(struct kernel_fleet *fleet, const struct kernel_config *config,
			 const struct kernel_image *image, uint64_t now_ns, struct arena *arena,
			 struct kernel_fleet_plan **ret_plan);
/* Undoes it. */
void kernel_fleet_abandon(struct kernel_fleet *fleet, const struct kernel_fleet_plan *plan);
/* Puts it in force. Services that are gone stay until settle. */
void kernel_fleet_commit(struct kernel_fleet *fleet, const struct kernel_fleet_plan *plan,
			 uint64_t now_ns);
/* Packets that begin from now on do not see what was left. True: something waits for the others. */
bool kernel_fleet_await(struct kernel_fleet *fleet);
/* No packet that began before the last await is under way: what was left then is free. */
void kernel_fleet_settle(struct kernel_fleet *fleet);
/* Whether a service goes: nothing is to be prepared before that is settled. */
bool kernel_fleet_is_shrinking(const struct kernel_fleet *fleet);
/*
 * Backends that were taken out, and neither a ring nor the ring before names them: what no flow
 * ever used need not wait for the window's end. At most max. kernel_fleet_judge() says which it is.
 */
size_t kernel_fleet_strays(const struct kernel_fleet *fleet, uint16_t *ret_ids, size_t max);
void kernel_fleet_judge(struct kernel_fleet *fleet, uint16_t id, bool was_used);
/* Closes windows. True: settle is due after packets have left. */
bool kernel_fleet_tick(struct kernel_fleet *fleet, uint64_t now_ns);

#endif
