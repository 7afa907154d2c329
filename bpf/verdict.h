/* SPDX-License-Identifier: GPL-2.0-only OR Apache-2.0 */
#ifndef VERDICT_H
#define VERDICT_H

/* verdict: what a stage decided: nothing yet (0), to pass or to drop, with the reason that is
 * counted. */

#include "abi.h"

enum verdict { VERDICT_OPEN = 0, VERDICT_PASS = 0x100, VERDICT_DROP = 0x200, VERDICT_WHY = 0xff };

static inline int verdict_pass(enum abi_pass why)
{
	return VERDICT_PASS | why;
}

static inline int verdict_drop(enum abi_drop why)
{
	return VERDICT_DROP | why;
}

#endif
