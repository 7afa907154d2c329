// SPDX-License-Identifier: Apache-2.0
/* route_order: which of two routes that both match a request answers it. */

#include "plan/route_order.h"

#include "plan/names.h"

int route_order(const struct route *a, const struct route *b)
{
	int order;

	if (a->priority != b->priority)
		return a->priority > b->priority ? -1 : 1;
	order = names_provider_rank(a->name) - names_provider_rank(b->name);
	if (order)
		return order;
	/* Nobody is displaced by an object that came later. */
	if (a->created_ns != b->created_ns)
		return a->created_ns < b->created_ns ? -1 : 1;
	return str_cmp(a->name, b->name);
}
