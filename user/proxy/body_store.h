/* SPDX-License-Identifier: Apache-2.0 */
#ifndef BODY_STORE_H
#define BODY_STORE_H

/*
 * body_store: payload of a message that is kept: its beginning in memory, the rest in a temporary
 * file that has no name. Written once from front to back, read any number of times.
 *
 * What all stores of the process have in files is bounded together (struct body_spool), since a
 * full disk would harm others. Files are written and read by the event loop's thread: they stay in
 * the page cache for the moments that they live.
 */

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/str.h"

enum { BODY_STORE_MEM_BYTES = 1 << 20 };

/* Shared by all workers. */
struct body_spool {
	const char *folder; /* where files are made */
	uint64_t max_bytes; /* of all files together */
	_Atomic uint64_t used_bytes;
};

struct body_store {
	struct body_spool *spool; /* NULL: memory only */
	char *mem;
	size_t mem_len, mem_cap, mem_max;
	int fd; /* -1: none */
	uint64_t file_bytes;
};

/* mem_bytes: 0 is the default. No memory is taken before the first byte. */
void body_store_init(struct body_store *store, struct body_spool *spool, uint64_t mem_bytes);
void body_store_done(struct body_store *store);
/* 0, or -ENOMEM, -ENOSPC (the files' bound, or a full disk), or what opening the file says. */
int body_store_add(struct body_store *store, const char *bytes, size_t n);
static inline uint64_t body_store_len(const struct body_store *store)
{
	return store->mem_len + store->file_bytes;
}
/* Copies up to n bytes from offset on; how many, 0 at the end, or a negative errno. */
ssize_t body_store_read(const struct body_store *store, uint64_t offset, char *to, size_t n);
/* All of it, if it is in memory; else how it begins. Borrowed. */
static inline struct str body_store_memory(const struct body_store *store)
{
	return (struct str){store->mem, store->mem_len};
}

#endif
