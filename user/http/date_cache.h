/* SPDX-License-Identifier: Apache-2.0 */
#ifndef DATE_CACHE_H
#define DATE_CACHE_H

/* date_cache: the Date header's text (RFC 9110 6.6.1), formatted once a second. One per thread. */

#include "base/date.h"
#include "base/str.h"

struct date_cache {
	int64_t second; /* of text */
	size_t len;	/* 0 (a zeroed struct): no text yet */
	char text[DATE_TEXT_MAX];
};

/* "Sun, 06 Nov 1994 08:49:37 GMT"; valid until the next call with another second. */
struct str date_cache_text(struct date_cache *cache, int64_t wall_s);

#endif
