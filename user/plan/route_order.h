/* SPDX-License-Identifier: Apache-2.0 */
#ifndef ROUTE_ORDER_H
#define ROUTE_ORDER_H

/*
 * route_order: which of two routes that both match a request answers it (reference: router
 * priority).
 *
 * Higher priority first; of equal ones by provider, then the older object, then the name. The names
 * of routes differ, so the order is total and the same on every node. Pure.
 */

#include "plan/snapshot.h"

/* < 0: a goes first; > 0: b does. */
int route_order(const struct route *a, const struct route *b);

#endif
