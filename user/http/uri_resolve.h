/* SPDX-License-Identifier: Apache-2.0 */
#ifndef URI_RESOLVE_H
#define URI_RESOLVE_H

/* uri_resolve: what a reference in a Location header means, seen from the URL that was asked (RFC
 * 3986 5.2). Pure. */

#include "base/arena.h"
#include "base/str.h"

/*
 * base is an absolute http(s) URL without fragment. The absolute URL that the reference stands for,
 * the reference itself when it is absolute; {0} when it holds bytes that no URL may hold, or memory
 * is short.
 */
struct str uri_resolve(struct str base, struct str reference, struct arena *arena);

#endif
