// SPDX-License-Identifier: Apache-2.0
/*
 * arena: blocks are chained newest first. An allocation larger than half an ordinary block gets a
 * block of its own behind the head, so that the room left in the head stays usable. Ordinary blocks
 * double in size; from BLOCK_HUGE_FROM_BYTES on they are whole huge pages. An arena that gets a
 * large array goes over to those at once: such arrays are read all over.
 */

#include "base/arena.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/die.h"
#include "base/huge_block.h"

enum {
	BLOCK_DEFAULT_BYTES = 4096,
	BLOCK_HUGE_FROM_BYTES = 512 << 10,
	LARGE_BYTES = 64 << 10, /* an array of this size is worth a huge page */
	ALIGN_MAX = 64,
};

struct arena_block {
	struct arena_block *older;
	size_t size_bytes; /* of the room after this header */
	bool ordinary, huge;
	/* Room begins at a multiple of what malloc aligns to. */
	_Alignas(max_align_t) char room[];
};

void arena_init(struct arena *arena, size_t cap_bytes, size_t block_bytes)
{
	*arena = (struct arena){
		.cap_bytes = cap_bytes,
		.block_bytes = block_bytes ? block_bytes : BLOCK_DEFAULT_BYTES,
	};
}

static void block_free(struct arena_block *block)
{
	if (block->huge)
		huge_block_give(block);
	else
		free(block);
}

/* Room for size bytes. NULL without memory. */
static struct arena_block *block_new(size_t size)
{
	bool huge = sizeof(struct arena_block) + size == HUGE_BLOCK_BYTES;
	struct arena_block *block =
		huge ? huge_block_take() : malloc(sizeof(struct arena_block) + size);

	if (block)
		block->huge = huge;
	return block;
}

/* The size of the ordinary block after one of this size. */
static size_t next_bytes(size_t block_bytes)
{
	size_t largest = HUGE_BLOCK_BYTES - sizeof(struct arena_block);

	return block_bytes >= BLOCK_HUGE_FROM_BYTES ? largest : block_bytes * 2;
}

void arena_reset(struct arena *arena)
{
	struct arena_block *keep = NULL;

	/* The oldest ordinary block is the one of the size that was asked for. */
	for (struct arena_block *block = arena->head; block; block = block->older)
		if (block->ordinary)
			keep = block;
	for (struct arena_block *block = arena->head, *older; block; block = older) {
		older = block->older;
		if (block != keep)
			block_free(block);
	}
	arena->head = keep;
	arena->failed = false;
	arena->at = arena->end = NULL;
	arena->total_bytes = 0;
	if (keep) {
		keep->older = NULL;
		arena->at = keep->room;
		arena->end = keep->room + keep->size_bytes;
		arena->total_bytes = keep->size_bytes;
		arena->block_bytes = keep->size_bytes;
	}
}

void arena_done(struct arena *arena)
{
	if (!arena)
		return;
	for (struct arena_block *block = arena->head, *older; block; block = older) {
		older = block->older;
		block_free(block);
	}
	*arena = (struct arena){.cap_bytes = arena->cap_bytes, .block_bytes = arena->block_bytes};
}

/* Large, but with others in one huge page. */
static bool is_large(size_t n)
{
	return n >= LARGE_BYTES && n <= (HUGE_BLOCK_BYTES - sizeof(struct arena_block)) / 2;
}

static void *fail(struct arena *arena)
{
	arena->failed = true;
	return NULL;
}

void *arena_alloc_slow(struct arena *arena, size_t n, size_t align)
{
	size_t left = arena->cap_bytes - arena->total_bytes;
	size_t slack = align > _Alignof(max_align_t) ? align : 0;
	size_t need = n + slack;

	ASSERT(align && align <= ALIGN_MAX && (align & (align - 1)) == 0);
	if (need < n || need > left || need > PTRDIFF_MAX / 2)
		return fail(arena);
	if (is_large(need) && need > arena->block_bytes / 2)
		arena->block_bytes = next_bytes(BLOCK_HUGE_FROM_BYTES);
	bool ordinary = need <= arena->block_bytes / 2 || !arena->head;
	size_t size = need;

	if (ordinary && need <= arena->block_bytes)
		size = arena->block_bytes < left ? arena->block_bytes : left;
	struct arena_block *block = block_new(size);

	if (!block)
		return fail(arena);
	block->size_bytes = size;
	block->ordinary = ordinary && need <= arena->block_bytes;
	arena->total_bytes += size;
	char *p = block->room + ((size_t)(-(ptrdiff_t)block->room) & (align - 1));

	if (!ordinary) {
		block->older = arena->head->older;
		arena->head->older = block;
		return p;
	}
	if (arena->head)
		arena->block_bytes = next_bytes(arena->block_bytes);
	block->older = arena->head;
	arena->head = block;
	arena->at = p + n;
	arena->end = block->room + size;
	return p;
}

static void *zeroed(struct arena *arena, size_t count, size_t size, size_t align)
{
	size_t n;

	if (__builtin_mul_overflow(count, size, &n))
		return fail(arena);
	void *p = arena_alloc(arena, n, align);

	return p ? memset(p, 0, n) : NULL;
}

void *arena_zero(struct arena *arena, size_t count, size_t size)
{
	return zeroed(arena, count, size, _Alignof(max_align_t));
}

void *arena_zero_line(struct arena *arena, size_t count, size_t size)
{
	return zeroed(arena, count, size, ALIGN_MAX);
}

void *arena_room(struct arena *arena, void *at, size_t n, size_t *room, size_t size)
{
	void *grown;

	if (n < *room)
		return at;
	*room = *room ? *room * 2 : 4;
	grown = arena_zero(arena, *room, size);
	if (grown && n)
		memcpy(grown, at, n * size);
	return grown;
}

static char *text_room(struct arena *arena, size_t len)
{
	return len == SIZE_MAX ? fail(arena) : arena_alloc(arena, len + 1, 1);
}

struct str arena_str(struct arena *arena, struct str text)
{
	char *copy = text_room(arena, text.len);

	if (!copy)
		return (struct str){0};
	if (text.len)
		memcpy(copy, text.at, text.len);
	copy[text.len] = 0;
	return str_n(copy, text.len);
}

struct str arena_lower(struct arena *arena, struct str text)
{
	char *copy = text_room(arena, text.len);

	if (!copy)
		return (struct str){0};
	for (size_t i = 0; i < text.len; i++)
		copy[i] = ascii_lower(text.at[i]);
	copy[text.len] = 0;
	return str_n(copy, text.len);
}

struct str arena_printf(struct arena *arena, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	struct str text = arena_vprintf(arena, format, args);

	va_end(args);
	return text;
}

struct str arena_vprintf(struct arena *arena, const char *format, va_list args)
{
	va_list again;

	va_copy(again, args);
	int len = vsnprintf(NULL, 0, format, again);

	va_end(again);
	char *text = len < 0 ? fail(arena) : text_room(arena, (size_t)len);

	if (!text)
		return (struct str){0};
	vsnprintf(text, (size_t)len + 1, format, args);
	return str_n(text, (size_t)len);
}

/* Whether a, with the NUL after it, ends where the next allocation would begin. */
static bool is_newest(const struct arena *arena, struct str a)
{
	return a.at && arena->at && a.at + a.len + 1 == arena->at;
}

struct str arena_join(struct arena *arena, struct str a, struct str b)
{
	if (is_newest(arena, a) && (size_t)(arena->end - arena->at) >= b.len) {
		char *tail = arena->at - 1;

		if (b.len)
			memmove(tail, b.at, b.len);
		tail[b.len] = 0;
		arena->at += b.len;
		return str_n(a.at, a.len + b.len);
	}
	char *joined = a.len > SIZE_MAX - b.len ? fail(arena) : text_room(arena, a.len + b.len);

	if (!joined)
		return (struct str){0};
	if (a.len)
		memcpy(joined, a.at, a.len);
	if (b.len)
		memcpy(joined + a.len, b.at, b.len);
	joined[a.len + b.len] = 0;
	return str_n(joined, a.len + b.len);
}
