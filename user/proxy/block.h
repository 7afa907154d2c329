/* SPDX-License-Identifier: Apache-2.0 */
#ifndef BLOCK_H
#define BLOCK_H

/*
 * block: memory of one worker, kept for reuse: objects of one size (slab) and byte buffers in
 * powers of two (block). Nothing here is shared between threads, and in steady state nothing comes
 * from malloc.
 */

#include <stddef.h>
#include <stdint.h>

/* Objects of one size. They come in batches that are freed with the slab only. */
struct slab {
	size_t object_bytes; /* a multiple of 16 */
	void *free;	     /* a chain through the first word of each */
	void *batches;
	size_t n_used, n_made;
};

void slab_init(struct slab *slab, size_t object_bytes);
void slab_done(struct slab *slab);
/* NULL without memory. The content is zero at first, later what it was but for the first pointer's
 * bytes. */
void *slab_take(struct slab *slab);
void slab_give(struct slab *slab, void *object);

enum {
	BLOCK_MIN_SHIFT = 9,	    /* 512 bytes */
	BLOCK_CLASSES = 14,	    /* up to 4 MiB */
	BLOCK_KEPT_BYTES = 4 << 20, /* idle ones of one size that are kept */
};

struct block_pool {
	struct block_class {
		void *free;
		size_t n_free;
	} classes[BLOCK_CLASSES];
	size_t idle_bytes;
};

void block_pool_done(struct block_pool *pool);
/* At least n bytes, *ret_cap says how many; NULL without memory or when n is beyond the largest
 * class. */
char *block_take(struct block_pool *pool, size_t n, uint32_t *ret_cap);
/* cap as it came from block_take(). NULL is allowed. */
void block_give(struct block_pool *pool, char *block, uint32_t cap);

#endif
