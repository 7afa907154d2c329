// SPDX-License-Identifier: Apache-2.0
/* dataplane_count: per-CPU counters summed up, and who is over a limit. */
#include <arpa/inet.h>
#include <bpf/bpf.h>
#include <errno.h>
#include <string.h>
#include <sys/mman.h>

#include "base/cleanup.h"
#include "dataplane/dataplane_maps.h"

/* Adds one row. received is what has a verdict, so that the books balance while packets are under
 * way. */
static int add_row(struct dataplane *dataplane, uint32_t slot, struct dataplane_totals *totals)
{
	if (bpf_map_lookup_elem(dataplane->maps.fd[LOADER_MAP_COUNTER], &slot, dataplane->rows))
		return -errno;
	for (int cpu = 0; cpu < dataplane->n_cpus; cpu++) {
		const struct abi_counter *row = &dataplane->rows[cpu];

		totals->received_bytes += row->received_bytes;
		totals->tx += row->tx;
		totals->redirect += row->redirect;
		totals->received += row->tx + row->redirect;
		for (int i = 0; i < ABI_SEND__COUNT; i++)
			totals->send[i] += row->send[i];
		for (int i = 0; i < ABI_PASS__COUNT; i++) {
			totals->pass[i] += row->pass[i];
			totals->received += row->pass[i];
		}
		for (int i = 0; i < ABI_DROP__COUNT; i++) {
			totals->drop[i] += row->drop[i];
			totals->received += row->drop[i];
		}
	}
	return 0;
}

int dataplane_totals(struct dataplane *dataplane, struct dataplane_totals *ret_totals)
{
	struct dataplane_totals totals = {0};

	/* Slots of entries that are gone keep their counts: totals never run backwards. */
	for (uint32_t slot = 0; slot < ABI_ENTRIES; slot++)
		TRY(add_row(dataplane, slot, &totals));
	*ret_totals = totals;
	return 0;
}

int dataplane_entries(struct dataplane *dataplane, struct dataplane_entry_totals *ret_rows,
		      uint32_t max)
{
	uint32_t n = 0;

	for (uint32_t slot = 1; slot < ABI_ENTRIES && n < max; slot++) {
		const struct abi_entry *entry = dataplane_entry(dataplane, slot);
		struct dataplane_entry_totals row = {.port = ntohs(entry->port),
						     .proto = entry->proto};

		if (entry->target == ABI_TARGET_NONE)
			continue;
		row.addr = dataplane_addr(&entry->addr);
		memcpy(row.name, entry->name, KERNEL_NAME_MAX);
		if (entry->policy)
			memcpy(row.policy, dataplane_policy(dataplane, entry->policy)->name,
			       KERNEL_NAME_MAX);
		TRY(add_row(dataplane, slot, &row.totals));
		ret_rows[n++] = row;
	}
	return (int)n;
}

/* Fills in a row when the bucket is over its limit now. */
static bool is_over(const struct dataplane *dataplane, uint16_t owner, uint64_t due_ns,
		    uint64_t now_ns, struct dataplane_limited *ret)
{
	const struct abi_policy *policy = dataplane_policy(dataplane, abi_bucket_policy(owner));
	uint32_t kind = abi_bucket_kind(owner);

	if (!(owner & 1) || kind >= ABI_LIMIT__COUNT || due_ns <= now_ns ||
	    !policy->limit[kind].cost_fp || due_ns - now_ns <= policy->limit[kind].ahead_ns)
		return false;
	*ret = (struct dataplane_limited){
		.kind = (enum abi_limit_kind)kind,
		.wait_ns = due_ns - now_ns - policy->limit[kind].ahead_ns,
	};
	memcpy(ret->policy, policy->name, KERNEL_NAME_MAX);
	return true;
}

static uint32_t limited4(const struct dataplane *dataplane, const struct abi_rate4 *lines,
			 uint64_t now_ns, struct dataplane_limited *ret_rows, uint32_t max)
{
	uint32_t n = 0;

	for (uint32_t i = 0; i < dataplane->n_rate4; i++) {
		for (int way = 0; way < 4 && n < max; way++) {
			const struct abi_rate4 *line = &lines[i];

			if (!is_over(dataplane, line->owner[way], line->due_ns[way], now_ns,
				     &ret_rows[n]))
				continue;
			ret_rows[n++].source = addr_from_in4((struct in_addr){line->source[way]});
		}
	}
	return n;
}

static uint32_t limited6(const struct dataplane *dataplane, const struct abi_rate6 *lines,
			 uint64_t now_ns, struct dataplane_limited *ret_rows, uint32_t max)
{
	uint32_t n = 0;

	for (uint32_t i = 0; i < dataplane->n_rate6; i++) {
		const struct abi_rate6 *line = &lines[i];

		for (int way = 0; way < 3 && n < max; way++) {
			struct in6_addr addr = {0};

			if (!is_over(dataplane, line->owner[way], line->due_ns[way], now_ns,
				     &ret_rows[n]))
				continue;
			/* Prefixes longer than 64 bits are folded and cannot be shown. */
			if (dataplane_policy(dataplane, abi_bucket_policy(line->owner[way]))
				    ->v6_mask_low)
				continue;
			memcpy(&addr, &line->prefix[way], sizeof(line->prefix[way]));
			ret_rows[n++].source = addr_from_in6(&addr);
		}
	}
	return n;
}

/* The table is large: it is in our memory only while it is read. */
int dataplane_limited(struct dataplane *dataplane, struct dataplane_limited *ret_rows, uint32_t max)
{
	const enum loader_map maps[] = {LOADER_MAP_RATE4, LOADER_MAP_RATE6};
	uint64_t now_ns;
	uint32_t n = 0;

	TRY(dataplane_now(dataplane, &now_ns));
	for (int i = 0; i < 2; i++) {
		void *lines = mmap(NULL, dataplane->rate_bytes[i], PROT_READ, MAP_SHARED,
				   dataplane->maps.fd[maps[i]], 0);

		if (lines == MAP_FAILED)
			return -errno;
		n += i ? limited6(dataplane, lines, now_ns, ret_rows + n, max - n)
		       : limited4(dataplane, lines, now_ns, ret_rows + n, max - n);
		munmap(lines, dataplane->rate_bytes[i]);
	}
	return (int)n;
}
