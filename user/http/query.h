/* SPDX-License-Identifier: Apache-2.0 */
#ifndef QUERY_H
#define QUERY_H

/*
 * query: the pairs of a query, decoded as Go's url.ParseQuery does: '+' is a space, pairs with a
 * bad escape are skipped, empty pairs are skipped, "k" is "k" with an empty value. canon_request()
 * has replaced ';'.
 */

#include "base/arena.h"
#include "base/str.h"

struct query {
	struct str rest;
	struct arena *arena; /* for values that need decoding */
};

static inline struct query query_of(struct str text, struct arena *arena)
{
	return (struct query){text, arena};
}

/* The next pair, decoded; false at the end. */
bool query_next(struct query *query, struct str *ret_key, struct str *ret_value);

#endif
