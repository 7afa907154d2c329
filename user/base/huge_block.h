/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HUGE_BLOCK_H
#define HUGE_BLOCK_H

/*
 * huge_block: memory in pieces of one huge page, for what is large and read all over, where walks
 * of page tables cost more than cache misses.
 *
 * Pieces that are given back are kept, up to HUGE_BLOCKS_KEPT_MAX, and given out again: getting a
 * huge page from the system means that it is found and zeroed, which takes longer than filling it.
 * Thread-safe.
 */

#include <stddef.h>

enum { HUGE_BLOCK_BYTES = 2 << 20, HUGE_BLOCKS_KEPT_MAX = 64 };

/* Aligned to its size; what is in it is arbitrary. NULL without memory. */
void *huge_block_take(void);
void huge_block_give(void *block);
/* Gets as many now, in memory and all, so that taking them later takes no time. */
void huge_block_reserve(size_t n);
/* How many are kept now. */
size_t huge_block_kept(void);

#endif
