/* SPDX-License-Identifier: Apache-2.0 */
#ifndef DEFAULT_ROUTE_H
#define DEFAULT_ROUTE_H

/* default_route: the interfaces that face the outside, for when nobody names any: those that have a
 * default route, of either family. */

#include <net/if.h>
#include <stddef.h>

/* Adds their names to the n that are there, each once; returns how many there are then. */
size_t default_route_add(char (*names)[IF_NAMESIZE], size_t n, size_t max);
/* One name; the loopback interface and what does not fit are left out. */
size_t default_route_add_name(char (*names)[IF_NAMESIZE], size_t n, size_t max, const char *name);

#endif
