/* SPDX-License-Identifier: Apache-2.0 */
#ifndef REGEX_TAIL_H
#define REGEX_TAIL_H

/*
 * regex_tail: what every text that a pattern matches must end with: of `^[a-z]+\.shop\.test$` it is
 * ".shop.test". So that thousands of routes by HostRegexp can be found by name too. When in doubt
 * it is empty.
 */

#include "base/arena.h"
#include "base/str.h"

/* {0} when nothing is known, or memory is short. Pure. */
struct str regex_tail(struct str pattern, struct arena *arena);

#endif
