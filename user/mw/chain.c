// SPDX-License-Identifier: Apache-2.0
/*
 * chain: several middlewares under one name (reference/traefik.md c.14).
 *
 * The compiler puts the members in its place, in order, so there is nothing to do for a request.
 * Its row in the list is for tables and pages.
 */

#include "model/mw_conf.h"
#include "mw/mw_list.h"

const struct mw chain_mw = {
	.name = "chain",
	.schema = &schema_mw_chain,
};
