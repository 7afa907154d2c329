/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CUCKOO_H
#define CUCKOO_H

/*
 * cuckoo: a table in which every key has two cells and stands in one of them, so that a packet
 * looks at two at most. Pure. Values are small numbers; the caller keeps their hashes.
 */

#include <stdint.h>

struct cuckoo {
	uint16_t *cells;	/* 0: empty */
	uint32_t n;		/* a power of two */
	const uint64_t *hashes; /* by value */
};

/* The cells of a hash; the same as vip_cell() and quic_cell() in bpf/include/vip_key.h. */
static inline uint32_t cuckoo_cell(const struct cuckoo *cuckoo, uint64_t hash, int which)
{
	return (uint32_t)(which ? hash >> 40 : hash >> 16) & (cuckoo->n - 1);
}

/* -ENOSPC when there is no way to place it, which does not happen below a third of the cells. */
int cuckoo_put(struct cuckoo *cuckoo, uint16_t value);
void cuckoo_remove(struct cuckoo *cuckoo, uint16_t value);

#endif
