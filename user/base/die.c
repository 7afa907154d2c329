// SPDX-License-Identifier: Apache-2.0
/* die: says where the bug is with one write and no allocation, then aborts for the core dump. */

#include "base/die.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

void die_bug(const char *file, int line, const char *condition)
{
	char text[512];
	int n = snprintf(text, sizeof(text),
			 "level=error msg=\"bug, aborting\" at=%s:%d violated=\"%s\"\n", file, line,
			 condition);

	if (n >= (int)sizeof(text))
		n = sizeof(text) - 1;
	if (n > 0 && write(STDERR_FILENO, text, (size_t)n) < 0) {
		/* Nothing is left to tell it to; the core dump has the place. */
	}
	abort();
}
