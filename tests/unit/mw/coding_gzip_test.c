// SPDX-License-Identifier: Apache-2.0
/* coding_gzip_test: bodies come back as they were, whole, in pieces, and up to each flush. */

#include "coding_help.h"

static void bodies_come_back(void **state)
{
	(void)state;
	coding_check(CODING_GZIP);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(bodies_come_back),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
