/* SPDX-License-Identifier: Apache-2.0 */
#ifndef DIE_H
#define DIE_H

/* die: a bug, and nothing else, ends the program: ASSERT stays in release builds and says where. */

void die_bug(const char *file, int line, const char *condition) __attribute__((noreturn, cold));

#define ASSERT(condition)                                        \
	do {                                                     \
		if (__builtin_expect(!(condition), 0))           \
			die_bug(__FILE__, __LINE__, #condition); \
	} while (0)

#endif
