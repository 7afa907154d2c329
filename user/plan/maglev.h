/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MAGLEV_H
#define MAGLEV_H

/*
 * maglev: which member owns which slot of a ring (Eisenbud et al., NSDI 2016, 3.4), by weight.
 *
 * Pure. Members take slots in turns, each along its own permutation, so that every one gets its
 * share to a slot or two, and few slots change hands when one comes or goes. The order in which
 * members are given does not matter: equal sets make equal rings, on every node.
 */

#include <stdint.h>

#include "base/arena.h"

struct maglev_member {
	uint64_t key;	 /* who it is: a hash that is the same everywhere */
	uint32_t weight; /* 0: no slots */
	uint16_t id;	 /* what stands in its slots */
};

/* The size class (see ring_slots() in bpf/include/flow_hash.h) that so many members want. */
uint32_t maglev_class(uint32_t n_members);
/*
 * Fills n_slots, a prime. Members are put into another order. Without a weight anywhere all slots
 * are 0. -ENOMEM.
 */
int maglev_build(struct maglev_member *members, uint32_t n, uint32_t n_slots, struct arena *scratch,
		 uint16_t *ret_slots);
/* A good key of anything. */
uint64_t maglev_key(const void *at, size_t n);

#endif
