/* SPDX-License-Identifier: Apache-2.0 */
#ifndef H1_PEEK_H
#define H1_PEEK_H

/*
 * h1_peek: a guess at the host of a request that is not parsed yet, for who can prepare something
 * for it meanwhile. Nothing may be decided by it.
 */

#include "base/str.h"

/* The name in Host (RFC 9112 section 3.2) when that is the first field, as nearly all clients have
 * it; without port; empty: not known. Aliases text. */
struct str h1_peek_host(struct str text);

#endif
