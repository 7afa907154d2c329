/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CIDR_INDEX_H
#define CIDR_INDEX_H

/*
 * cidr_index: a set of networks made for lookups in constant time, up to millions of members.
 *
 * IPv4: the first 16 bits of an address lead straight to the few networks that begin there. IPv6:
 * one hash table, asked once per prefix length that occurs. Small sets stay sorted lists. Immutable
 * once made.
 */

#include "base/addr.h"

struct cidr_index;

/* Of a set that is sorted (cidr_set_sort), copied; NULL without memory. */
struct cidr_index *cidr_index_new(const struct cidr_set *set);
void cidr_index_free(struct cidr_index *index);
bool cidr_index_contains(const struct cidr_index *index, const struct addr *addr);
/* How many networks, after those that others contain were dropped. */
size_t cidr_index_count(const struct cidr_index *index);
size_t cidr_index_memory(const struct cidr_index *index);

#endif
