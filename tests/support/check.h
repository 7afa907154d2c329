/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CHECK_H
#define CHECK_H

/* check: cmocka with what it needs before it, and a comparison of struct str that prints both
 * sides. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/str.h"

/* Fails at the caller's line, naming the row of its table. */
#define CHECK_STR(row, got, wanted)                                                        \
	do {                                                                               \
		struct str got_ = (got), wanted_ = (wanted);                               \
		if (!str_eq(got_, wanted_))                                                \
			fail_msg("%s: got \"" STR_FMT "\", wanted \"" STR_FMT "\"", (row), \
				 STR_ARG(got_), STR_ARG(wanted_));                         \
	} while (0)

#define CHECK_INT(row, got, wanted)                                                  \
	do {                                                                         \
		long long got_ = (long long)(got), wanted_ = (long long)(wanted);    \
		if (got_ != wanted_)                                                 \
			fail_msg("%s: got %lld, wanted %lld", (row), got_, wanted_); \
	} while (0)

#define ROWS(table) (sizeof(table) / sizeof(*(table)))

#endif
