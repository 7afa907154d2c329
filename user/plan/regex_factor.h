/* SPDX-License-Identifier: Apache-2.0 */
#ifndef REGEX_FACTOR_H
#define REGEX_FACTOR_H

/*
 * regex_factor: what every text that a pattern matches must hold somewhere: of
 * `^/api/v[0-9]+/orders` it is "/orders", and it must begin with "/api/v". So that of thousands of
 * routes by PathRegexp only those are evaluated whose literal text is there. When in doubt it is
 * empty.
 */

#include "base/arena.h"
#include "base/str.h"

struct regex_factor {
	struct str head;    /* what the text must begin with */
	struct str longest; /* what it must hold; may be the head */
};

/* Empty parts when nothing is known, or memory is short. Pure. */
struct regex_factor regex_factor(struct str pattern, struct arena *arena);

#endif
