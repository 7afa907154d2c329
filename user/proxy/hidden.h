/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HIDDEN_H
#define HIDDEN_H

/*
 * hidden: what logs may not show of a URL: parameters of the query in which some middleware of the
 * configuration looks for keys or tokens. On all routes: one that is refused before its key is
 * looked at has brought it all the same, and a page hands its own URL on as Referer.
 */

#include "base/arena.h"

struct snapshot;

struct hidden {
	uint32_t n;
	struct str names[]; /* the snapshot's */
};

/* NULL: there are none. false: no memory. */
bool hidden_of(const struct snapshot *snapshot, struct hidden **ret_hidden);
/* The URL with REDACTED for their values; the same one if there are none in it; "-" without memory.
 */
struct str hidden_told(const struct hidden *hidden, struct str url, struct arena *arena);

#endif
