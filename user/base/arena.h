/* SPDX-License-Identifier: Apache-2.0 */
#ifndef ARENA_H
#define ARENA_H

/*
 * arena: a bump allocator with one owner and one end of life.
 *
 * Memory comes in blocks; nothing is freed alone. cap_bytes bounds the total: beyond it, and when
 * the system has no memory, allocation returns NULL and arena->failed is set (sticky), so that a
 * caller may check once after a batch. arena_reset() keeps the first block for reuse (request
 * arenas). Not thread-safe.
 */

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>

#include "base/str.h"

struct arena_block;

struct arena {
	struct arena_block *head; /* newest block */
	char *at, *end;		  /* free room in it */
	size_t total_bytes;	  /* of all blocks */
	size_t cap_bytes;
	size_t block_bytes; /* size of the next ordinary block */
	bool failed;
};

/* No memory is taken before the first allocation. block_bytes 0 means 4096. */
void arena_init(struct arena *arena, size_t cap_bytes, size_t block_bytes);
/* Frees everything but one ordinary block, which is kept for reuse. */
void arena_reset(struct arena *arena);
void arena_done(struct arena *arena);

void *arena_alloc_slow(struct arena *arena, size_t n, size_t align);

/* Uninitialised memory; align is a power of two up to 64. */
static inline void *arena_alloc(struct arena *arena, size_t n, size_t align)
{
	size_t skip = (size_t)(-(ptrdiff_t)arena->at) & (align - 1);
	size_t room = (size_t)(arena->end - arena->at);

	/* Two comparisons: skip + n could wrap. */
	if (!arena->at || room < skip || room - skip < n)
		return arena_alloc_slow(arena, n, align);
	char *p = arena->at + skip;
	arena->at = p + n;
	return p;
}

/* Zeroed memory for count things; checks the multiplication. */
void *arena_zero(struct arena *arena, size_t count, size_t size);
/*
 * Room for one more of n things of this size: at itself, or a copy that is twice as large; *room is
 * how many at has. NULL without memory.
 */
void *arena_room(struct arena *arena, void *at, size_t n, size_t *room, size_t size);
/* The same as arena_zero() for what every request touches: it begins at a cache line. */
void *arena_zero_line(struct arena *arena, size_t count, size_t size);
#define ARENA_NEW(arena, type)		((type *)arena_zero((arena), 1, sizeof(type)))
#define ARENA_ARRAY(arena, type, count) ((type *)arena_zero((arena), (count), sizeof(type)))

/* Copies; the copy is followed by a NUL that its length does not count. {0} when out of memory. */
struct str arena_str(struct arena *arena, struct str text);
struct str arena_lower(struct arena *arena, struct str text);
struct str arena_printf(struct arena *arena, const char *format, ...)
	__attribute__((format(printf, 2, 3)));
struct str arena_vprintf(struct arena *arena, const char *format, va_list args);
/*
 * Joins two pieces without copying the first when it is the newest text made by this arena (or its
 * end); such an a keeps its bytes but is no longer followed by a NUL.
 */
struct str arena_join(struct arena *arena, struct str a, struct str b);

#endif
