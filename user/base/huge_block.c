// SPDX-License-Identifier: Apache-2.0
/* huge_block: a stack of free pieces, each with the link to the next in its first bytes. */

#include "base/huge_block.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

struct free_block {
	struct free_block *next;
};

static struct {
	pthread_mutex_t lock;
	struct free_block *first;
	size_t n;
} kept = {.lock = PTHREAD_MUTEX_INITIALIZER};

/* A sanitizer sees use after the end only of what really ends. */
#ifdef __SANITIZE_ADDRESS__
static const size_t kept_max = 0;
#else
static const size_t kept_max = HUGE_BLOCKS_KEPT_MAX;
#endif

static void *fresh_block(void)
{
	void *fresh = aligned_alloc(HUGE_BLOCK_BYTES, HUGE_BLOCK_BYTES);

	/* A wish: without huge pages it is memory like any other. */
	if (fresh)
		madvise(fresh, HUGE_BLOCK_BYTES, MADV_HUGEPAGE);
	return fresh;
}

void *huge_block_take(void)
{
	struct free_block *block;

	pthread_mutex_lock(&kept.lock);
	block = kept.first;
	if (block) {
		kept.first = block->next;
		kept.n--;
	}
	pthread_mutex_unlock(&kept.lock);
	return block ? block : fresh_block();
}

void huge_block_give(void *block)
{
	struct free_block *given = block;

	if (!given)
		return;
	pthread_mutex_lock(&kept.lock);
	if (kept.n < kept_max) {
		given->next = kept.first;
		kept.first = given;
		kept.n++;
		given = NULL;
	}
	pthread_mutex_unlock(&kept.lock);
	free(given);
}

void huge_block_reserve(size_t n)
{
	for (size_t i = 0; i < n && huge_block_kept() < kept_max; i++) {
		void *block = fresh_block();

		if (!block)
			return;
		/* Touched, it is really there. */
		memset(block, 0, HUGE_BLOCK_BYTES);
		huge_block_give(block);
	}
}

size_t huge_block_kept(void)
{
	size_t n;

	pthread_mutex_lock(&kept.lock);
	n = kept.n;
	pthread_mutex_unlock(&kept.lock);
	return n;
}
