/* SPDX-License-Identifier: Apache-2.0 */
#ifndef DATAPLANE_MAPS_H
#define DATAPLANE_MAPS_H

/* dataplane_maps: what a dataplane is made of; for the files of this module only. */

#include <pthread.h>
#include <stdint.h>

#include "abi.h"
#include "base/addr.h"
#include "base/arena.h"
#include "dataplane/dataplane.h"
#include "dataplane/dataplane_grace.h"
#include "dataplane/dataplane_window.h"
#include "loader_maps.h"
#include "plan/kernel_diff.h"
#include "plan/kernel_fleet.h"

struct ring_buffer;
struct dataplane_care;

/* What an apply left behind for when packets have left the program; one at a time. */
struct dataplane_pending {
	bool is_on;
	bool is_whole;			  /* nothing may be changed before it is over */
	uint64_t number;		  /* of the wait */
	uint32_t half;			  /* of the tables: still the old ones */
	struct kernel_ops ops;		  /* to be done there */
	uint8_t forget[ABI_POLICIES / 8]; /* slots of policies that are gone */
};

struct dataplane {
	struct loader_maps maps;
	/* Mapped for writing. Tables hold both halves. */
	struct abi_control *control;
	struct abi_policy *policies;
	struct abi_entry *entries;
	struct abi_port_line *ports;
	struct abi_vip_line *vips;
	struct abi_here *here;
	struct abi_shield *shield;
	bool wants_cookies, wants_connections;
	bool told_cookies, told_connections; /* that they cannot be had */
	bool told_ports;		     /* that sockets may get those of translated flows */
	struct abi_gate_line *gate;
	struct abi_ban_line *bans;
	uint32_t n_ban_lines;
	struct abi_acl_line *acl; /* NULL until there are prefixes: dataplane_need_acl() */
	size_t acl_bytes;
	uint32_t n_acl_lines;		  /* of both halves */
	struct kernel_tables tables;	  /* what does not stand in halves */
	struct dataplane_windows windows; /* on the rings */
	/* Mapped for reading. */
	const struct abi_pressure *pressures;
	uint32_t n_rate4, n_rate6; /* lines; not mapped while nobody asks */
	size_t rate_bytes[2];
	size_t mapped_bytes[14]; /* of the mappings, in the order of dataplane.c */
	/* The configuration in force and the one being made live in the two arenas by turns. */
	struct arena arenas[2];
	int arena;
	const struct kernel_image *image; /* NULL: not read back yet */
	struct kernel_fleet *fleet;	  /* NULL: not read back yet */
	struct dataplane_links *links;	  /* VLANs of this machine; NULL: not asked for yet */
	struct dataplane_care *care;	  /* what dataplane_tick() is at; NULL: nothing yet */
	struct dataplane_grace *grace;
	struct dataplane_pending pending;
	struct ring_buffer *ring;
	dataplane_event_fn event_fn; /* during dataplane_events() */
	void *event_user;
	int n_events;
	struct abi_counter *rows; /* one per CPU */
	int n_cpus;
	pthread_mutex_t ban_lock;
};

/* The half that packets use now. */
static inline uint32_t dataplane_half(const struct dataplane *dataplane)
{
	return __atomic_load_n(&dataplane->control->generation, __ATOMIC_ACQUIRE) & 1;
}

static inline const struct abi_policy *dataplane_policy(const struct dataplane *dataplane,
							uint32_t slot)
{
	return &dataplane->policies[dataplane_half(dataplane) * ABI_POLICIES + slot % ABI_POLICIES];
}

static inline const struct abi_entry *dataplane_entry(const struct dataplane *dataplane,
						      uint32_t slot)
{
	return &dataplane->entries[dataplane_half(dataplane) * ABI_ENTRIES + slot % ABI_ENTRIES];
}

static inline struct addr dataplane_addr(const struct abi_addr *addr)
{
	struct addr copy;

	_Static_assert(sizeof(copy.byte) == sizeof(*addr), "both are 16 bytes in network order");
	__builtin_memcpy(copy.byte, addr, sizeof(copy.byte));
	return copy;
}

/* The time in which buckets and bans are measured: the kernel's, exact to a tick. */
int dataplane_now(const struct dataplane *dataplane, uint64_t *ret_now_ns);
/* Ends what is pending if packets have left, or waits for that; begins to wait for what has been
 * left behind since. */
void dataplane_clean(struct dataplane *dataplane, bool must_end);
/* The table of prefixes is large: it is in our memory from the first prefix on. */
int dataplane_need_acl(struct dataplane *dataplane);
/* This machine's address towards another, as the kernel would choose it; zero when it has none. */
struct addr dataplane_self(const struct addr *towards);
/* Has the kernel look for the neighbours of new backends, so that their first packet finds them. */
void dataplane_meet(struct dataplane *dataplane, const uint16_t *backends, size_t n);
void dataplane_care_free(struct dataplane_care *care);
/* What the kernel plane does against floods; read by each packet that needs it. */
void dataplane_shield(struct dataplane *dataplane, const struct kernel_config *config);
/* The network stack's part of it, which may change at any time. */
void dataplane_shield_stack(struct dataplane *dataplane);
/* Removes the bans of a policy slot that no longer exists. */
void dataplane_forget_policy(struct dataplane *dataplane, uint32_t slot);
/* Buckets of limits that differ between that half and the one in force, or are gone, owe no more
 * than the limit in force lets them. */
void dataplane_settle_debts(struct dataplane *dataplane, uint32_t old_half);

#endif
