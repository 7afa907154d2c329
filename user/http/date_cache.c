// SPDX-License-Identifier: Apache-2.0
/* date_cache: formats when the second has changed. */

#include "http/date_cache.h"

struct str date_cache_text(struct date_cache *cache, int64_t wall_s)
{
	if (cache->len == 0 || cache->second != wall_s) {
		struct date date = date_of(wall_s);

		cache->len = date_print_http(&date, cache->text);
		cache->second = wall_s;
	}
	return str_n(cache->text, cache->len);
}
