// SPDX-License-Identifier: Apache-2.0
/* cuckoo: whatever goes in is found in one of its two cells. */
#include "plan/cuckoo.h"

#include <errno.h>
#include <stdlib.h>

#include "check.h"

enum { CELLS = 1 << 12 };

static uint64_t hashes[CELLS];
static uint16_t cells[CELLS];

static bool holds(const struct cuckoo *cuckoo, uint16_t value)
{
	return cuckoo->cells[cuckoo_cell(cuckoo, hashes[value], 0)] == value ||
	       cuckoo->cells[cuckoo_cell(cuckoo, hashes[value], 1)] == value;
}

static void a_third_of_the_cells_can_be_used(void **state)
{
	struct cuckoo cuckoo = {.cells = cells, .n = CELLS, .hashes = hashes};
	uint64_t seed = 42;

	(void)state;
	for (int round = 0; round < 20; round++) {
		memset(cells, 0, sizeof(cells));
		for (uint16_t i = 1; i < CELLS / 3; i++) {
			seed = seed * 6364136223846793005ULL + 1442695040888963407ULL;
			hashes[i] = seed ^ seed >> 33;
			CHECK_INT("put", cuckoo_put(&cuckoo, i), 0);
		}
		for (uint16_t i = 1; i < CELLS / 3; i++)
			assert_true(holds(&cuckoo, i));
		for (uint16_t i = 1; i < CELLS / 3; i += 2)
			cuckoo_remove(&cuckoo, i);
		for (uint16_t i = 1; i < CELLS / 3; i++)
			assert_int_equal(holds(&cuckoo, i), i % 2 == 0);
	}
}

static void equal_hashes_have_two_cells_between_them(void **state)
{
	struct cuckoo cuckoo = {.cells = cells, .n = CELLS, .hashes = hashes};

	(void)state;
	memset(cells, 0, sizeof(cells));
	hashes[1] = hashes[2] = hashes[3] = 0x123456789abcdef0ULL;
	CHECK_INT("first", cuckoo_put(&cuckoo, 1), 0);
	CHECK_INT("second", cuckoo_put(&cuckoo, 2), 0);
	CHECK_INT("third", cuckoo_put(&cuckoo, 3), -ENOSPC);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_third_of_the_cells_can_be_used),
		cmocka_unit_test(equal_hashes_have_two_cells_between_them),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
