/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HELD_H
#define HELD_H

/*
 * held: bytes that a connection must keep: half a head, what the peer did not take yet. Empty (and
 * then without memory) for nearly every connection at nearly every moment. The block comes from the
 * worker's pool.
 */

#include <stdbool.h>

#include "base/str.h"
#include "proxy/block.h"

struct held {
	char *block;
	uint32_t cap, from, to; /* bytes [from, to) of the block */
};

static inline size_t held_len(const struct held *held)
{
	return held->to - held->from;
}

static inline struct str held_str(const struct held *held)
{
	return (struct str){held->block + held->from, held->to - held->from};
}

void held_drop(struct held *held, struct block_pool *pool);
/* Appends; 0, or -ENOMEM (also beyond the largest block). */
int held_add(struct held *held, struct block_pool *pool, const char *bytes, size_t n);
/* Room for at least n more bytes behind the content; NULL without memory. Then held_added(). */
char *held_room(struct held *held, struct block_pool *pool, size_t n, size_t *ret_room);
static inline void held_added(struct held *held, size_t n)
{
	held->to += (uint32_t)n;
}
/* The first n bytes are done with; the block goes when nothing is left. */
void held_take(struct held *held, struct block_pool *pool, size_t n);

#endif
