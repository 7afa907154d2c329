/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CACHE_CONTROL_H
#define CACHE_CONTROL_H

/*
 * cache_control: the Cache-Control field of requests and responses (RFC 9111 5.2, RFC 5861). Pure.
 *
 * Read so that doubt means "keep less": of a directive that is repeated the smallest time counts,
 * a time that is no number is 0, and no-cache and private hold for the whole response even where
 * they name fields.
 */

#include "http/header.h"
#include "model/schema_types.h"

enum { CACHE_CONTROL_SECONDS_MAX = INT32_MAX }; /* longer times are this (RFC 9111 1.2.2) */

struct cache_control {
	bool no_store, no_cache, no_transform, is_private, is_public, must_revalidate,
		proxy_revalidate;
	bool only_if_cached;
	bool is_said; /* there is a Cache-Control */
	/* In seconds. */
	struct opt_int max_age, s_maxage, max_stale, min_fresh;
	struct opt_int stale_while_revalidate, stale_if_error;
};

/* All lines together. Pragma counts in requests that have no Cache-Control. */
void cache_control_of_request(const struct headers *headers, struct cache_control *ret_control);
void cache_control_of_response(const struct headers *headers, struct cache_control *ret_control);

#endif
