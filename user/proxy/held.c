// SPDX-License-Identifier: Apache-2.0
/* held: grows by doubling, moves to the front before it grows. */

#include "proxy/held.h"

#include <errno.h>

void held_drop(struct held *held, struct block_pool *pool)
{
	block_give(pool, held->block, held->cap);
	*held = (struct held){0};
}

char *held_room(struct held *held, struct block_pool *pool, size_t n, size_t *ret_room)
{
	size_t len = held_len(held);

	if (held->from && held->cap - held->to < n) {
		memmove(held->block, held->block + held->from, len);
		held->from = 0;
		held->to = (uint32_t)len;
	}
	if (held->cap - held->to < n) {
		uint32_t cap;
		char *block = block_take(pool, len + n, &cap);

		if (!block)
			return NULL;
		if (len)
			memcpy(block, held->block, len);
		block_give(pool, held->block, held->cap);
		*held = (struct held){.block = block, .cap = cap, .to = (uint32_t)len};
	}
	*ret_room = held->cap - held->to;
	return held->block + held->to;
}

int held_add(struct held *held, struct block_pool *pool, const char *bytes, size_t n)
{
	size_t room;
	char *at;

	if (n == 0)
		return 0;
	at = held_room(held, pool, n, &room);
	if (!at)
		return -ENOMEM;
	memcpy(at, bytes, n);
	held_added(held, n);
	return 0;
}

void held_take(struct held *held, struct block_pool *pool, size_t n)
{
	held->from += (uint32_t)n;
	if (held->from == held->to)
		held_drop(held, pool);
}
