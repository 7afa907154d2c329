// SPDX-License-Identifier: Apache-2.0
/*
 * dataplane_ban: bans, written into the table that packets read.
 *
 * What the kernel needs (source, policy, until) is stored by plain memory writes, the time last, so
 * that a packet sees a whole ban or none. What people need stands in a second map. Bans of several
 * processes at once (the proxy and an operator's command) may in theory take the same free place;
 * the loser's ban is then not in force.
 */
#include <bpf/bpf.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "dataplane/dataplane_maps.h"
#include "spread.h"

enum { WAYS = 4, UNTIL_SHIFT = 16, POLICY_MASK = 0xffff };

#define DURATION_MAX_NS (366ULL * 24 * 3600 * 1000000000)

struct place {
	uint64_t source; /* as in abi_ban_line */
	struct abi_ban_key key;
};

static struct place place_of(const struct addr *source, uint32_t policy)
{
	struct addr cut = addr_mask(source, 32, 64);
	struct place place = {.key.policy = policy};
	const uint32_t *word = place.key.source.word;

	memcpy(&place.key.source, cut.byte, sizeof(place.key.source));
	place.source = addr_is_v4(&cut) ? (uint64_t)word[3] << 32 | word[2]
					: (uint64_t)word[1] << 32 | word[0];
	return place;
}

/* The slot of a policy by name; 0 for every policy. */
static int find_policy(const struct dataplane *dataplane, const char *name, uint32_t *ret_slot)
{
	*ret_slot = 0;
	if (!name || !*name)
		return 0;
	for (uint32_t i = 1; i < ABI_POLICIES; i++) {
		if (!strncmp(dataplane_policy(dataplane, i)->name, name, KERNEL_NAME_MAX)) {
			*ret_slot = i;
			return 0;
		}
	}
	return -ENOENT;
}

static struct abi_ban_line *line_of(const struct dataplane *dataplane, uint64_t source)
{
	return &dataplane->bans[(spread(source, dataplane->control->seed) >> 32) &
				(dataplane->n_ban_lines - 1)];
}

static uint64_t end_ns(uint64_t until)
{
	return (until >> UNTIL_SHIFT) * NS_PER_MS;
}

/* The place of this very ban, or of one that is over, or -1. */
static int find_way(const struct abi_ban_line *line, const struct place *place, uint64_t now_ns)
{
	int free_way = -1;

	for (int i = 0; i < WAYS; i++) {
		if (line->until[i] && line->source[i] == place->source &&
		    (line->until[i] & POLICY_MASK) == place->key.policy)
			return i;
		if (end_ns(line->until[i]) <= now_ns)
			free_way = i;
	}
	return free_way;
}

/* Opens the gate that lets packets look for bans at all. It closes by itself when the last ban
 * ends. */
static void open_gate(struct dataplane *dataplane, uint64_t until_ns)
{
	__u64 *gate = &dataplane->control->ban_until_ns;
	__u64 seen = __atomic_load_n(gate, __ATOMIC_RELAXED);

	while (seen < until_ns && !__atomic_compare_exchange_n(gate, &seen, until_ns, false,
							       __ATOMIC_RELEASE, __ATOMIC_RELAXED))
		;
}

static void describe(struct dataplane *dataplane, const struct place *place, uint64_t duration_ns,
		     const char *reason, uint64_t count)
{
	int fd = dataplane->maps.fd[LOADER_MAP_BAN_INFO];
	uint64_t now_ns = clock_wall_ns();
	struct abi_ban_info info = {0}, before;

	info.since_wall_ns = now_ns;
	info.until_wall_ns = now_ns + duration_ns;
	info.count = count;
	if (!bpf_map_lookup_elem(fd, &place->key, &before) && before.until_wall_ns > now_ns) {
		info.since_wall_ns = before.since_wall_ns;
		info.count += before.count;
		if (before.until_wall_ns > info.until_wall_ns)
			info.until_wall_ns = before.until_wall_ns;
	}
	if (reason)
		memcpy(info.reason, reason, strnlen(reason, DATAPLANE_REASON_MAX));
	/* A full map costs the description, not the ban. */
	bpf_map_update_elem(fd, &place->key, &info, BPF_ANY);
}

int dataplane_ban(struct dataplane *dataplane, const struct addr *source, const char *policy,
		  uint64_t duration_ns, const char *reason, uint64_t count)
{
	uint64_t now_ns;
	uint32_t slot;

	TRY(find_policy(dataplane, policy, &slot));
	TRY(dataplane_now(dataplane, &now_ns));
	if (duration_ns > DURATION_MAX_NS)
		duration_ns = DURATION_MAX_NS;

	struct place place = place_of(source, slot);
	struct abi_ban_line *line = line_of(dataplane, place.source);
	uint64_t until = ((now_ns + duration_ns + NS_PER_MS - 1) / NS_PER_MS) << UNTIL_SHIFT | slot;

	pthread_mutex_lock(&dataplane->ban_lock);
	int way = find_way(line, &place, now_ns);

	if (way >= 0) {
		if (line->source[way] != place.source) {
			__atomic_store_n(&line->until[way], 0, __ATOMIC_RELEASE);
			__atomic_store_n(&line->source[way], place.source, __ATOMIC_RELEASE);
		}
		if ((line->until[way] & POLICY_MASK) != slot || line->until[way] < until)
			__atomic_store_n(&line->until[way], until, __ATOMIC_RELEASE);
		open_gate(dataplane, end_ns(until));
		describe(dataplane, &place, duration_ns, reason, count);
	}
	pthread_mutex_unlock(&dataplane->ban_lock);
	return way < 0 ? -ENOSPC : 0;
}

static void lift(struct dataplane *dataplane, const struct place *place)
{
	struct abi_ban_line *line = line_of(dataplane, place->source);

	for (int i = 0; i < WAYS; i++)
		if (line->source[i] == place->source &&
		    (line->until[i] & POLICY_MASK) == place->key.policy)
			__atomic_store_n(&line->until[i], 0, __ATOMIC_RELEASE);
}

int dataplane_unban(struct dataplane *dataplane, const struct addr *source, const char *policy)
{
	uint32_t slot;
	int err = 0;

	TRY(find_policy(dataplane, policy, &slot));
	struct place place = place_of(source, slot);

	pthread_mutex_lock(&dataplane->ban_lock);
	lift(dataplane, &place);
	if (bpf_map_delete_elem(dataplane->maps.fd[LOADER_MAP_BAN_INFO], &place.key))
		err = -errno;
	pthread_mutex_unlock(&dataplane->ban_lock);
	return err;
}

void dataplane_forget_policy(struct dataplane *dataplane, uint32_t slot)
{
	int fd = dataplane->maps.fd[LOADER_MAP_BAN_INFO];
	struct abi_ban_key key, next, *at = NULL;

	pthread_mutex_lock(&dataplane->ban_lock);
	for (uint32_t i = 0; i < dataplane->n_ban_lines; i++)
		for (int way = 0; way < WAYS; way++)
			if ((dataplane->bans[i].until[way] & POLICY_MASK) == slot)
				__atomic_store_n(&dataplane->bans[i].until[way], 0,
						 __ATOMIC_RELEASE);
	while (!bpf_map_get_next_key(fd, at, &next)) {
		if (at && at->policy == slot)
			bpf_map_delete_elem(fd, at);
		key = next;
		at = &key;
	}
	if (at && at->policy == slot)
		bpf_map_delete_elem(fd, at);
	pthread_mutex_unlock(&dataplane->ban_lock);
}

/* One row of the list; false when the ban is over. */
static bool list_row(const struct dataplane *dataplane, const struct abi_ban_key *key,
		     uint64_t now_ns, struct dataplane_ban *ret)
{
	struct abi_ban_info info;

	if (bpf_map_lookup_elem(dataplane->maps.fd[LOADER_MAP_BAN_INFO], key, &info) ||
	    info.until_wall_ns <= now_ns)
		return false;
	*ret = (struct dataplane_ban){
		.source = dataplane_addr(&key->source),
		.since_ns = info.since_wall_ns,
		.until_ns = info.until_wall_ns,
		.count = info.count,
	};
	memcpy(ret->reason, info.reason, DATAPLANE_REASON_MAX);
	if (key->policy)
		memcpy(ret->policy, dataplane_policy(dataplane, key->policy)->name,
		       KERNEL_NAME_MAX);
	return true;
}

int dataplane_bans(struct dataplane *dataplane, struct dataplane_ban *ret_rows, uint32_t max)
{
	int fd = dataplane->maps.fd[LOADER_MAP_BAN_INFO];
	struct abi_ban_key key, next;
	uint64_t now_ns = clock_wall_ns();
	uint32_t n = 0;

	pthread_mutex_lock(&dataplane->ban_lock);
	bool more = !bpf_map_get_next_key(fd, NULL, &key);

	while (more && n < max) {
		/* The successor first: a deleted key has none. */
		more = !bpf_map_get_next_key(fd, &key, &next);
		if (list_row(dataplane, &key, now_ns, &ret_rows[n]))
			n++;
		else
			bpf_map_delete_elem(fd, &key);
		key = next;
	}
	pthread_mutex_unlock(&dataplane->ban_lock);
	return (int)n;
}
