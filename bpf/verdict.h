/* SPDX-License-Identifier: GPL-2.0-only OR Apache-2.0 */
#ifndef VERDICT_H
#define VERDICT_H

/*
 * verdict: what a stage decided: nothing yet (0), to pass, to drop or to send, with the reason that
 * is counted; or which program goes on with the packet, and counts it.
 */

#include "abi.h"

enum verdict {
	VERDICT_OPEN = 0,
	VERDICT_PASS = 0x100,
	VERDICT_DROP = 0x200,
	VERDICT_TX = 0x400,	  /* out where it came in */
	VERDICT_REDIRECT = 0x800, /* bpf_redirect() was called */
	VERDICT_STAGE = 0x1000,
	VERDICT_WHY = 0xff,
};

static inline int verdict_pass(enum abi_pass why)
{
	return VERDICT_PASS | why;
}

static inline int verdict_drop(enum abi_drop why)
{
	return VERDICT_DROP | why;
}

static inline int verdict_tx(enum abi_send why)
{
	return VERDICT_TX | why;
}

static inline int verdict_redirect(enum abi_send why)
{
	return VERDICT_REDIRECT | why;
}

static inline int verdict_stage(enum abi_stage which)
{
	return VERDICT_STAGE | which;
}

#endif
