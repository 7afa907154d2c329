/* SPDX-License-Identifier: Apache-2.0 */
#ifndef STATUS_RANGE_H
#define STATUS_RANGE_H

/* status_range: "404", "500-599", "404,500-503": which status codes something is about. */

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/str.h"

struct status_range {
	uint16_t from, to; /* inclusive */
};

/*
 * All ranges of a list of texts, of the format "status" (model/schema_format.c). -EINVAL with the
 * text in *ret_bad, -ENOMEM.
 */
int status_range_parse(const struct strs *texts, struct arena *arena,
		       struct status_range **ret_ranges, uint32_t *ret_n, struct str *ret_bad);

static inline bool status_range_has(const struct status_range *ranges, uint32_t n, uint16_t status)
{
	for (uint32_t i = 0; i < n; i++)
		if (status >= ranges[i].from && status <= ranges[i].to)
			return true;
	return false;
}

#endif
