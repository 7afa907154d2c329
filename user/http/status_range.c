// SPDX-License-Identifier: Apache-2.0
/* status_range: see the header. */

#include "http/status_range.h"

#include <errno.h>

#include "base/num.h"

static bool parse_range(struct str text, struct status_range *ret)
{
	ptrdiff_t dash = str_find(text, '-');

	if (num_uint16(dash < 0 ? text : str_take(text, (size_t)dash), &ret->from))
		return false;
	ret->to = ret->from;
	if (dash >= 0 && num_uint16(str_from(text, (size_t)dash + 1), &ret->to))
		return false;
	return ret->from >= 100 && ret->to <= 599 && ret->from <= ret->to;
}

int status_range_parse(const struct strs *texts, struct arena *arena,
		       struct status_range **ret_ranges, uint32_t *ret_n, struct str *ret_bad)
{
	struct str rest, piece;
	size_t room = 0;

	*ret_n = 0;
	for (size_t i = 0; i < texts->n; i++)
		for (rest = texts->at[i]; str_next(&rest, ',', &piece);)
			room++;
	*ret_ranges = ARENA_ARRAY(arena, struct status_range, room + 1);
	if (!*ret_ranges)
		return -ENOMEM;
	for (size_t i = 0; i < texts->n; i++)
		for (rest = texts->at[i]; str_next(&rest, ',', &piece);)
			if (!parse_range(piece, &(*ret_ranges)[(*ret_n)++])) {
				*ret_bad = texts->at[i];
				return -EINVAL;
			}
	return 0;
}
