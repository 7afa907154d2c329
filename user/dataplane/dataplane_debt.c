// SPDX-License-Identifier: Apache-2.0
/*
 * dataplane_debt: sources that are ahead of their limit when the limit changes.
 *
 * A bucket is a due time, which says nothing of the limit it was reached under: who owes an hour to
 * "one a minute" would owe an hour to "a thousand a second" too, and to whatever other policy has
 * that slot next. So after a change every bucket of a limit that changed is brought to what the new
 * one can have made of it; buckets of limits that are gone are free.
 */

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "base/cleanup.h"
#include "base/log.h"
#include "dataplane/dataplane_maps.h"

enum { PIECE_BYTES = 1 << 20, OWNERS = ABI_POLICIES * (ABI_BUCKET_KIND + 1) };

/* By the owner without its lowest bit: when its buckets are due at the latest. */
struct caps {
	uint64_t due_ns[OWNERS];
};

static uint32_t index_of(uint16_t owner)
{
	return owner >> 1 & (OWNERS - 1);
}

/* Whether there is anything to do. A limit that there was not has no buckets. */
static bool cap_limits(struct caps *caps, uint32_t policy, uint32_t first_kind, bool is_other,
		       const struct abi_limit *old, const struct abi_limit *new, uint64_t now_ns)
{
	bool any = false;

	for (uint32_t i = 0; i < ABI_LIMIT__COUNT; i++) {
		uint32_t at = index_of(abi_bucket_owner(policy, first_kind + i));
		bool is_gone = is_other || !new[i].cost_fp;

		if (!old[i].cost_fp ||
		    (!is_gone &&
		     old[i].cost_fp == new[i].cost_fp &&old[i].ahead_ns == new[i].ahead_ns))
			continue;
		caps->due_ns[at] = is_gone ? 0 : now_ns + new[i].ahead_ns;
		any = true;
	}
	return any;
}

static bool cap_all(const struct dataplane *dataplane, uint32_t old_half, uint64_t now_ns,
		    struct caps *ret)
{
	const struct abi_policy *old = dataplane->policies + old_half * ABI_POLICIES;
	const struct abi_policy *new = dataplane->policies + !old_half *ABI_POLICIES;
	bool any = false;

	memset(ret, 0xff, sizeof(*ret));
	for (uint32_t i = 1; i < ABI_POLICIES; i++) {
		bool is_other = memcmp(old[i].name, new[i].name, ABI_NAME_BYTES) != 0;

		any |= cap_limits(ret, i, 0, is_other, old[i].limit, new[i].limit, now_ns);
		any |= cap_limits(ret, i, ABI_BUCKET_NETWORK, is_other, old[i].network,
				  new[i].network, now_ns);
	}
	return any;
}

/* Packets charge the bucket meanwhile, by the new limit. */
static void settle(const struct caps *caps, uint16_t owner, __u64 *due_ns)
{
	__u64 cap = caps->due_ns[index_of(owner)];
	__u64 seen = __atomic_load_n(due_ns, __ATOMIC_RELAXED);

	while (seen > cap && !__atomic_compare_exchange_n(due_ns, &seen, cap, false,
							  __ATOMIC_RELAXED, __ATOMIC_RELAXED))
		;
}

static void settle4(const struct caps *caps, void *at, size_t bytes)
{
	struct abi_rate4 *lines = at;

	for (size_t i = 0; i < bytes / sizeof(*lines); i++)
		for (int way = 0; way < 4; way++)
			settle(caps, lines[i].owner[way], &lines[i].due_ns[way]);
}

static void settle6(const struct caps *caps, void *at, size_t bytes)
{
	struct abi_rate6 *lines = at;

	for (size_t i = 0; i < bytes / sizeof(*lines); i++)
		for (int way = 0; way < 3; way++)
			settle(caps, lines[i].owner[way], &lines[i].due_ns[way]);
}

/* A piece after the other: whole, the table would count as tens of megabytes of the process. */
static int settle_map(int fd, size_t bytes, const struct caps *caps,
		      void (*settle_lines)(const struct caps *caps, void *at, size_t bytes))
{
	for (size_t from = 0; from < bytes; from += PIECE_BYTES) {
		size_t n = bytes - from < PIECE_BYTES ? bytes - from : PIECE_BYTES;
		void *at = mmap(NULL, n, PROT_READ | PROT_WRITE, MAP_SHARED, fd, (off_t)from);

		if (at == MAP_FAILED)
			return -errno;
		settle_lines(caps, at, n);
		munmap(at, n);
	}
	return 0;
}

void dataplane_settle_debts(struct dataplane *dataplane, uint32_t old_half)
{
	AUTO_FREE struct caps *caps = malloc(sizeof(*caps));
	uint64_t now_ns;
	int err = caps ? dataplane_now(dataplane, &now_ns) : -ENOMEM;

	if (!err && !cap_all(dataplane, old_half, now_ns, caps))
		return;
	if (!err)
		err = settle_map(dataplane->maps.fd[LOADER_MAP_RATE4], dataplane->rate_bytes[0],
				 caps, settle4);
	if (!err)
		err = settle_map(dataplane->maps.fd[LOADER_MAP_RATE6], dataplane->rate_bytes[1],
				 caps, settle6);
	if (err)
		LOG(LOG_WARN,
		    "limits have changed, and sources that were over the old ones may stay refused "
		    "for as long as those would have refused them",
		    LOG_ERRNO(-err));
}
