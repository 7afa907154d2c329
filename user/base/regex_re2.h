/* SPDX-License-Identifier: Apache-2.0 */
#ifndef REGEX_RE2_H
#define REGEX_RE2_H

/* regex_re2: what a compiled expression may cost, and how many groups a caller can ask for. */

enum {
	REGEX_MEM_BYTES = 8 << 20,	/* per expression, RE2's budget for program and DFA cache */
	REGEX_SET_MEM_BYTES = 16 << 20, /* per set */
	REGEX_PATTERN_MAX = 64 << 10,
	REGEX_GROUPS_MAX = 64,
};

#endif
