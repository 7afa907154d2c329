// SPDX-License-Identifier: Apache-2.0
/* maglev: see maglev.h. Weights: who weighs half as much as the heaviest sits out every other turn.
 */
#include "plan/maglev.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* A hundred slots for each member; a small ring stays in the processor's cache. */
enum { MEMBERS_SMALL = 40, MEMBERS_MIDDLE = 160, CLASS_SMALL = 1 };

uint32_t maglev_class(uint32_t n_members)
{
	return CLASS_SMALL + (n_members > MEMBERS_SMALL) + (n_members > MEMBERS_MIDDLE);
}

static uint64_t mix(uint64_t h)
{
	h ^= h >> 33;
	h *= 0xff51afd7ed558ccdULL;
	h ^= h >> 33;
	h *= 0xc4ceb9fe1a85ec53ULL;
	return h ^ h >> 33;
}

uint64_t maglev_key(const void *at, size_t n)
{
	const uint8_t *byte = at;
	uint64_t h = n;

	for (size_t i = 0; i < n; i++)
		h = (h ^ byte[i]) * 0x100000001b3ULL ^ h >> 47;
	return mix(h);
}

static int by_key(const void *a, const void *b)
{
	const struct maglev_member *x = a, *y = b;

	return (x->key > y->key) - (x->key < y->key);
}

/* Where a member is on its way through the slots. */
struct walk {
	uint32_t at, skip;
	uint64_t credit;
};

static uint32_t next_free(struct walk *walk, uint32_t n_slots, const uint16_t *slots)
{
	uint32_t at = walk->at;

	while (slots[at]) {
		at += walk->skip;
		if (at >= n_slots)
			at -= n_slots;
	}
	walk->at = at;
	return at;
}

int maglev_build(struct maglev_member *members, uint32_t n, uint32_t n_slots, struct arena *scratch,
		 uint16_t *ret_slots)
{
	struct walk *walks = ARENA_ARRAY(scratch, struct walk, n + 1);
	uint32_t heaviest = 0, filled = 0;

	if (!walks)
		return -ENOMEM;
	memset(ret_slots, 0, n_slots * sizeof(*ret_slots));
	qsort(members, n, sizeof(*members), by_key);
	for (uint32_t i = 0; i < n; i++) {
		if (members[i].weight > heaviest)
			heaviest = members[i].weight;
		walks[i].at = (uint32_t)(mix(members[i].key) % n_slots);
		walks[i].skip =
			(uint32_t)(mix(members[i].key ^ 0x9e3779b97f4a7c15ULL) % (n_slots - 1)) + 1;
	}
	while (heaviest && filled < n_slots) {
		for (uint32_t i = 0; i < n && filled < n_slots; i++) {
			walks[i].credit += members[i].weight;
			if (walks[i].credit < heaviest)
				continue;
			walks[i].credit -= heaviest;
			ret_slots[next_free(&walks[i], n_slots, ret_slots)] = members[i].id;
			filled++;
		}
	}
	return 0;
}
