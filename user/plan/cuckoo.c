// SPDX-License-Identifier: Apache-2.0
/* cuckoo: who finds both cells taken moves one of their owners to its other cell, and so on. */
#include "plan/cuckoo.h"

#include <errno.h>

enum { MOVES_MAX = 500 };

int cuckoo_put(struct cuckoo *cuckoo, uint16_t value)
{
	uint32_t at = cuckoo_cell(cuckoo, cuckoo->hashes[value], 0);

	for (int moves = 0; moves < MOVES_MAX; moves++) {
		uint16_t moved = cuckoo->cells[at];

		if (moved && !moves) {
			/* The other one first, if it is free: nobody has to move. */
			uint32_t other = cuckoo_cell(cuckoo, cuckoo->hashes[value], 1);

			if (!cuckoo->cells[other]) {
				cuckoo->cells[other] = value;
				return 0;
			}
		}
		cuckoo->cells[at] = value;
		if (!moved)
			return 0;
		value = moved;
		uint32_t first = cuckoo_cell(cuckoo, cuckoo->hashes[value], 0);

		at = at == first ? cuckoo_cell(cuckoo, cuckoo->hashes[value], 1) : first;
	}
	return -ENOSPC;
}
