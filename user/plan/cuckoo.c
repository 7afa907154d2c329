// SPDX-License-Identifier: Apache-2.0
/*
 * cuckoo: who finds both cells taken moves one of their owners to its other cell, and so on. The
 * way to an empty cell is found first and gone from its end, so that whoever reads meanwhile finds
 * every key all the time.
 */
#include "plan/cuckoo.h"

#include <errno.h>
#include <stdbool.h>

enum { MOVES_MAX = 200 };

static bool is_on(const uint32_t *path, int n, uint32_t cell)
{
	for (int i = 0; i < n; i++)
		if (path[i] == cell)
			return true;
	return false;
}

/* From a cell on, to an empty one. */
static bool place(struct cuckoo *cuckoo, uint32_t at, uint16_t value)
{
	uint32_t path[MOVES_MAX];
	int n = 0;

	while (cuckoo->cells[at]) {
		uint64_t hash = cuckoo->hashes[cuckoo->cells[at]];
		uint32_t first = cuckoo_cell(cuckoo, hash, 0);

		path[n++] = at;
		at = at == first ? cuckoo_cell(cuckoo, hash, 1) : first;
		if (n == MOVES_MAX || is_on(path, n, at))
			return false;
	}
	while (n) {
		__atomic_store_n(&cuckoo->cells[at], cuckoo->cells[path[n - 1]], __ATOMIC_RELEASE);
		at = path[--n];
	}
	__atomic_store_n(&cuckoo->cells[at], value, __ATOMIC_RELEASE);
	return true;
}

int cuckoo_put(struct cuckoo *cuckoo, uint16_t value)
{
	uint64_t hash = cuckoo->hashes[value];
	uint32_t first = cuckoo_cell(cuckoo, hash, 0), second = cuckoo_cell(cuckoo, hash, 1);

	/* The other one first, if it is free: nobody has to move. */
	if (cuckoo->cells[first] && !cuckoo->cells[second])
		first = second;
	return place(cuckoo, first, value) || place(cuckoo, second, value) ? 0 : -ENOSPC;
}

void cuckoo_remove(struct cuckoo *cuckoo, uint16_t value)
{
	for (int i = 0; i < 2; i++) {
		uint32_t at = cuckoo_cell(cuckoo, cuckoo->hashes[value], i);

		if (cuckoo->cells[at] == value)
			__atomic_store_n(&cuckoo->cells[at], 0, __ATOMIC_RELEASE);
	}
}
