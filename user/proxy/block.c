// SPDX-License-Identifier: Apache-2.0
/* block: free lists, last given first taken, since that one is in the cache. */

#include "proxy/block.h"

#include <stdlib.h>

#include "base/die.h"

enum { SLAB_BATCH_BYTES = 16384, SLAB_ALIGN = 16 };

struct slab_batch {
	struct slab_batch *next;
	_Alignas(SLAB_ALIGN) char room[];
};

void slab_init(struct slab *slab, size_t object_bytes)
{
	*slab = (struct slab){.object_bytes =
				      (object_bytes + SLAB_ALIGN - 1) & ~(size_t)(SLAB_ALIGN - 1)};
}

void slab_done(struct slab *slab)
{
	struct slab_batch *batch = slab->batches, *next;

	for (; batch; batch = next) {
		next = batch->next;
		free(batch);
	}
	slab_init(slab, slab->object_bytes);
}

static void grow(struct slab *slab)
{
	size_t n = SLAB_BATCH_BYTES / slab->object_bytes;

	if (n == 0)
		n = 1;
	struct slab_batch *batch = calloc(1, sizeof(*batch) + n * slab->object_bytes);

	if (!batch)
		return;
	batch->next = slab->batches;
	slab->batches = batch;
	slab->n_made += n;
	while (n--) {
		void **object = (void **)(void *)(batch->room + n * slab->object_bytes);

		*object = slab->free;
		slab->free = object;
	}
}

void *slab_take(struct slab *slab)
{
	if (!slab->free)
		grow(slab);
	void *object = slab->free;

	if (object) {
		slab->free = *(void **)object;
		slab->n_used++;
	}
	return object;
}

void slab_give(struct slab *slab, void *object)
{
	*(void **)object = slab->free;
	slab->free = object;
	slab->n_used--;
}

static unsigned int class_of(size_t n)
{
	unsigned int class_ = 0;

	while (class_ < BLOCK_CLASSES && ((size_t)1 << (class_ + BLOCK_MIN_SHIFT)) < n)
		class_++;
	return class_;
}

void block_pool_done(struct block_pool *pool)
{
	for (int i = 0; i < BLOCK_CLASSES; i++) {
		while (pool->classes[i].free) {
			void *block = pool->classes[i].free;

			pool->classes[i].free = *(void **)block;
			free(block);
		}
		pool->classes[i].n_free = 0;
	}
	pool->idle_bytes = 0;
}

char *block_take(struct block_pool *pool, size_t n, uint32_t *ret_cap)
{
	unsigned int i = class_of(n);

	if (i >= BLOCK_CLASSES)
		return NULL;
	struct block_class *class_ = &pool->classes[i];
	size_t cap = (size_t)1 << (i + BLOCK_MIN_SHIFT);
	void *block = class_->free;

	if (block) {
		class_->free = *(void **)block;
		class_->n_free--;
		pool->idle_bytes -= cap;
	} else {
		block = malloc(cap);
		if (!block)
			return NULL;
	}
	*ret_cap = (uint32_t)cap;
	return block;
}

void block_give(struct block_pool *pool, char *block, uint32_t cap)
{
	unsigned int i = class_of(cap);

	if (!block)
		return;
	ASSERT(i < BLOCK_CLASSES);
	if ((pool->classes[i].n_free + 1) * cap > BLOCK_KEPT_BYTES) {
		free(block);
		return;
	}
	*(void **)(void *)block = pool->classes[i].free;
	pool->classes[i].free = block;
	pool->classes[i].n_free++;
	pool->idle_bytes += cap;
}
