// SPDX-License-Identifier: Apache-2.0
/* query: one pair at a time; only what is escaped is copied. */

#include "http/query.h"

#include "http/uri.h"

bool query_next(struct query *query, struct str *ret_key, struct str *ret_value)
{
	struct str pair;

	while (query->rest.at && str_next(&query->rest, '&', &pair)) {
		ptrdiff_t equals = str_find(pair, '=');
		struct str key = equals < 0 ? pair : str_take(pair, (size_t)equals);
		struct str value = equals < 0 ? STR("") : str_from(pair, (size_t)equals + 1);

		if (pair.len == 0)
			continue;
		if (uri_decode(key, true, query->arena, ret_key) == 0 &&
		    uri_decode(value, true, query->arena, ret_value) == 0)
			return true;
	}
	return false;
}
