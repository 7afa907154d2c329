// SPDX-License-Identifier: Apache-2.0
/*
 * dataplane_apply: executes the operations between two configurations so that no packet sees a mix.
 *
 * Fill the spare half, flip the generation, wait until no packet can be using the old half any
 * more, do the same there. Because every change ends that way, both halves are equal and the spare
 * one is quiet when the next one begins; so a change costs what changes, among a million prefixes
 * too. Services and backends do not stand in halves: their changes follow each other without
 * waiting, as long as there is room for what the former ones left.
 */
#include <bpf/bpf.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/log.h"
#include "dataplane/dataplane_links.h"
#include "dataplane/dataplane_maps.h"
#include "dataplane/dataplane_ports.h"
#include "dataplane/dataplane_rule.h"
#include "plan/kernel_digest.h"

enum { STRAYS_MAX = 256 /* looked at each time */ };

static uint32_t slot_count(const struct dataplane *dataplane, enum kernel_op_kind kind)
{
	static const uint32_t counts[] = {[KERNEL_OP_POLICY] = ABI_POLICIES,
					  [KERNEL_OP_ENTRY] = ABI_ENTRIES,
					  [KERNEL_OP_PORT] = ABI_PORT_LINES,
					  [KERNEL_OP_VIP] = ABI_VIP_LINES,
					  [KERNEL_OP_HERE] = 1,
					  [KERNEL_OP_GATE] = ABI_GATE_LINES};

	return kind == KERNEL_OP_ACL ? dataplane->n_acl_lines / 2 : counts[kind];
}

/* Writes slots of a table into a half of its map. */
static void put(struct dataplane *dataplane, uint32_t half, enum kernel_op_kind kind,
		uint32_t index, uint32_t n, const void *at)
{
	size_t slot = (size_t)half * slot_count(dataplane, kind) + index;

	switch (kind) {
	case KERNEL_OP_POLICY:
		memcpy(dataplane->policies + slot, at, n * sizeof(*dataplane->policies));
		break;
	case KERNEL_OP_ENTRY:
		memcpy(dataplane->entries + slot, at, n * sizeof(*dataplane->entries));
		break;
	case KERNEL_OP_PORT:
		memcpy(dataplane->ports + slot, at, n * sizeof(*dataplane->ports));
		break;
	case KERNEL_OP_VIP:
		memcpy(dataplane->vips + slot, at, n * sizeof(*dataplane->vips));
		break;
	case KERNEL_OP_HERE:
		memcpy(dataplane->here + slot, at, n * sizeof(*dataplane->here));
		break;
	case KERNEL_OP_GATE:
		memcpy(dataplane->gate + slot, at, n * sizeof(*dataplane->gate));
		break;
	case KERNEL_OP_ACL:
		memcpy(dataplane->acl + slot, at, n * sizeof(*dataplane->acl));
		break;
	}
}

static void put_all(struct dataplane *dataplane, uint32_t half, const struct kernel_ops *ops)
{
	for (size_t i = 0; i < ops->n; i++)
		put(dataplane, half, ops->at[i].kind, ops->at[i].index, ops->at[i].n,
		    ops->at[i].at);
}

static void put_image(struct dataplane *dataplane, uint32_t half, const struct kernel_image *image)
{
	put(dataplane, half, KERNEL_OP_POLICY, 0, ABI_POLICIES, image->policies);
	put(dataplane, half, KERNEL_OP_ENTRY, 0, ABI_ENTRIES, image->entries);
	put(dataplane, half, KERNEL_OP_PORT, 0, ABI_PORT_LINES, image->ports);
	put(dataplane, half, KERNEL_OP_VIP, 0, ABI_VIP_LINES, image->vips);
	put(dataplane, half, KERNEL_OP_HERE, 0, 1, &image->here);
	put(dataplane, half, KERNEL_OP_GATE, 0, ABI_GATE_LINES, image->gate);
	if (image->n_acl_lines)
		put(dataplane, half, KERNEL_OP_ACL, 0, image->n_acl_lines, image->acl);
}

/* Every policy with prefixes says how large their table is. */
static uint32_t acl_lines_of(const struct dataplane *dataplane, const struct kernel_image *image)
{
	for (uint32_t i = 1; i < ABI_POLICIES; i++)
		if (image->policies[i].flags & (ABI_POLICY_ACL4 | ABI_POLICY_ACL6) &&
		    image->policies[i].acl_mask < dataplane->n_acl_lines / 2)
			return image->policies[i].acl_mask + 1;
	return 0;
}

/*
 * What another process, or this one before a restart, left in force. The other half may be
 * anything: it may have been about to become the next configuration.
 */
static int read_back(struct dataplane *dataplane)
{
	struct arena *arena = &dataplane->arenas[dataplane->arena];
	struct kernel_image *image = ARENA_NEW(arena, struct kernel_image);
	uint32_t half = dataplane_half(dataplane);

	if (!image)
		return -ENOMEM;
	memcpy(image->policies, dataplane->policies + half * ABI_POLICIES, sizeof(image->policies));
	memcpy(image->entries, dataplane->entries + half * ABI_ENTRIES, sizeof(image->entries));
	memcpy(image->ports, dataplane->ports + half * ABI_PORT_LINES, sizeof(image->ports));
	memcpy(image->vips, dataplane->vips + half * ABI_VIP_LINES, sizeof(image->vips));
	image->here = dataplane->here[half];
	for (uint32_t i = 0; i < ABI_SERVICES; i++)
		if (dataplane->tables.services[i].used)
			memcpy(image->services[i], dataplane->tables.services[i].name,
			       ABI_NAME_BYTES);
	for (uint32_t i = 0; i < ABI_NODES; i++)
		memcpy(image->nodes[i], dataplane->tables.nodes[i].name, ABI_NAME_BYTES);
	memcpy(image->gate, dataplane->gate + half * ABI_GATE_LINES, sizeof(image->gate));
	image->n_acl_lines = acl_lines_of(dataplane, image);
	if (image->n_acl_lines) {
		image->acl = ARENA_ARRAY(arena, struct abi_acl_line, image->n_acl_lines);
		if (!image->acl)
			return -ENOMEM;
		TRY(dataplane_need_acl(dataplane));
		memcpy(image->acl, dataplane->acl + (size_t)half * (dataplane->n_acl_lines / 2),
		       image->n_acl_lines * sizeof(*image->acl));
	}
	dataplane_wait_for_packets(); /* a generation may have come into force just now */
	put_image(dataplane, !half, image);
	dataplane->image = image;
	return 0;
}

static void note_forgotten(struct dataplane_pending *pending, const struct kernel_image *old,
			   const struct kernel_image *new)
{
	memset(pending->forget, 0, sizeof(pending->forget));
	for (uint32_t i = 1; i < ABI_POLICIES; i++)
		if (old->policies[i].name[0] &&
		    memcmp(old->policies[i].name, new->policies[i].name, ABI_NAME_BYTES))
			pending->forget[i / 8] |= (uint8_t)(1 << i % 8);
}

static const struct addr *first_backend(const struct kernel_config *config, bool is_v4)
{
	for (size_t i = 0; i < config->n_services; i++)
		for (uint32_t k = 0; k < config->services[i]->n_backends; k++)
			if (addr_is_v4(&config->services[i]->backends[k].addr) == is_v4)
				return &config->services[i]->backends[k].addr;
	for (size_t i = 0; i < config->n_nodes; i++)
		if (!config->nodes[i].is_self && addr_is_v4(&config->nodes[i].addr) == is_v4)
			return &config->nodes[i].addr;
	return NULL;
}

/* Tunnels need an address of ours; where the configuration names none, the kernel knows one. */
static void complete_self(const struct kernel_config *config, struct kernel_config *ret)
{
	for (int is_v4 = 0; is_v4 < 2; is_v4++) {
		struct addr *self = is_v4 ? &ret->self4 : &ret->self6;
		const struct addr *towards = first_backend(config, is_v4);
		static const struct addr none;

		if (addr_eq(self, &none) && towards)
			*self = dataplane_self(towards);
	}
}

/*
 * The seed by which flows choose: the configuration's; without one, nodes that share addresses use
 * one that they all know, and a node alone its secret.
 */
static void set_flow_seed(struct dataplane *dataplane, const struct kernel_config *config)
{
	static const __u64 known[2] = {0x243f6a8885a308d3ULL, 0x13198a2e03707344ULL};
	const __u64 given[2] = {config->flow_seed[0], config->flow_seed[1]};
	const __u64 *seed = given[0] | given[1] ? given
			    : config->n_nodes	? known
						: dataplane->control->seed;

	for (int i = 0; i < 2; i++)
		if (dataplane->control->flow_seed[i] != seed[i])
			dataplane->control->flow_seed[i] = seed[i];
}

/* Counters of a row that somebody else had begin anew. */
static void zero_counters(struct dataplane *dataplane, const struct kernel_fleet_plan *plan)
{
	struct abi_backend_stat *zeros =
		plan->n_fresh ? calloc((size_t)dataplane->n_cpus, sizeof(*zeros)) : NULL;

	for (size_t i = 0; zeros && i < plan->n_fresh; i++)
		bpf_map_update_elem(dataplane->maps.fd[LOADER_MAP_BACKEND_STAT],
				    &(__u32){plan->fresh[i]}, zeros, BPF_ANY);
	free(zeros);
}

struct change {
	const struct kernel_image *image; /* the one in force: only backends may differ */
	struct kernel_ops ops;
	struct kernel_fleet_plan *plan;
};

/* Everything that can fail. */
static int prepare(struct dataplane *dataplane, const struct kernel_config *config,
		   struct arena *arena, struct change *ret)
{
	struct kernel_scale scale = {.tick_ns = dataplane->control->tick_ns,
				     .acl_lines = dataplane->n_acl_lines / 2};
	struct kernel_config *whole = ARENA_NEW(arena, struct kernel_config);

	if (!whole)
		return -ENOMEM;
	*whole = *config;
	complete_self(config, whole);
	memcpy(scale.seed, dataplane->control->seed, sizeof(scale.seed));
	memcpy(dataplane->tables.seed, dataplane->control->seed, sizeof(scale.seed));
	if (!dataplane->fleet)
		dataplane->fleet = kernel_fleet_new(&dataplane->tables, clock_mono_ns());
	if (!dataplane->fleet)
		return -ENOMEM;
	ret->image = dataplane->image;
	ret->ops = (struct kernel_ops){0};
	if (dataplane->image->digest != kernel_digest(whole, &scale)) {
		struct kernel_image *image;

		TRY(kernel_image(whole, dataplane->image, &scale, arena, &image));
		if (image->n_acl_lines)
			TRY(dataplane_need_acl(dataplane));
		TRY(kernel_diff(dataplane->image, image, arena, &ret->ops));
		ret->image = image;
	}
	return kernel_fleet_prepare(dataplane->fleet, whole, ret->image, clock_mono_ns(), arena,
				    &ret->plan);
}

/* Once, when it begins to matter. */
static void tell_ports(struct dataplane *dataplane, const struct kernel_config *config)
{
	uint32_t n = dataplane->told_ports ? 0 : dataplane_ports_check(config);

	if (!n)
		return;
	dataplane->told_ports = true;
	LOG(LOG_WARN,
	    "this node may give ports of translated flows to its own sockets, whose answers could "
	    "then go to clients: put those of forwarding.natPorts into sysctl "
	    "net.ipv4.ip_local_reserved_ports",
	    LOG_I("ports", n));
}

/* -------------------------------------------------------------------- cleanup -- */

/* Backends that were taken out before anybody used them are free again. */
static void judge_strays(struct dataplane *dataplane)
{
	uint16_t ids[STRAYS_MAX];
	size_t n = kernel_fleet_strays(dataplane->fleet, ids, STRAYS_MAX);
	struct abi_backend_stat *rows = n ? calloc((size_t)dataplane->n_cpus, sizeof(*rows)) : NULL;

	for (size_t i = 0; rows && i < n; i++) {
		bool was_used = bpf_map_lookup_elem(dataplane->maps.fd[LOADER_MAP_BACKEND_STAT],
						    &(__u32){ids[i]}, rows) != 0;

		for (int cpu = 0; cpu < dataplane->n_cpus; cpu++)
			was_used |= rows[cpu].packets != 0;
		kernel_fleet_judge(dataplane->fleet, ids[i], was_used);
	}
	free(rows);
}

static void end_pending(struct dataplane *dataplane)
{
	struct dataplane_pending *pending = &dataplane->pending;

	if (pending->is_whole)
		dataplane_settle_debts(dataplane, pending->half);
	put_all(dataplane, pending->half, &pending->ops);
	kernel_fleet_settle(dataplane->fleet);
	for (uint32_t i = 1; pending->is_whole && i < ABI_POLICIES; i++)
		if (pending->forget[i / 8] & 1 << i % 8)
			dataplane_forget_policy(dataplane, i);
	*pending = (struct dataplane_pending){0};
	judge_strays(dataplane);
}

/* Begins to wait for the packets that may see what was left. */
static void begin_pending(struct dataplane *dataplane, struct dataplane_pending *pending)
{
	bool is_due = kernel_fleet_await(dataplane->fleet);

	if (!is_due && !pending->ops.n)
		return;
	pending->is_on = true;
	pending->number = dataplane_grace_begin(dataplane->grace);
	dataplane->pending = *pending;
}

void dataplane_clean(struct dataplane *dataplane, bool must_end)
{
	struct dataplane_pending *pending = &dataplane->pending;

	if (!dataplane->fleet)
		return;
	if (pending->is_on && must_end)
		dataplane_grace_wait(dataplane->grace, pending->number);
	if (pending->is_on && !dataplane_grace_is_over(dataplane->grace, pending->number))
		return;
	if (pending->is_on)
		end_pending(dataplane);
	begin_pending(dataplane, &(struct dataplane_pending){0});
}

/* ---------------------------------------------------------------------- whole -- */

/* Everything that can fail; room that others have left is waited for if it must be. */
static int prepare_whole(struct dataplane *dataplane, const struct kernel_config *config,
			 struct arena *arena, struct change *ret)
{
	int err;

	dataplane_clean(dataplane, dataplane->pending.is_whole);
	arena_reset(arena);
	err = prepare(dataplane, config, arena, ret);
	for (int i = 0; i < 2 && err == -ENOSPC && dataplane->pending.is_on; i++) {
		dataplane_clean(dataplane, true);
		arena_reset(arena);
		err = prepare(dataplane, config, arena, ret);
	}
	return err;
}

static void flip(struct dataplane *dataplane, const struct change *change)
{
	struct dataplane_pending pending = {.half = dataplane_half(dataplane), .ops = change->ops};

	put_all(dataplane, !pending.half, &change->ops);
	__atomic_store_n(&dataplane->control->generation, dataplane->control->generation + 1,
			 __ATOMIC_RELEASE);
	/* Again when the last packet that obeys the old limits has charged its bucket. */
	dataplane_settle_debts(dataplane, pending.half);
	note_forgotten(&pending, dataplane->image, change->image);
	pending.is_whole = true;
	/* One that runs already may have begun before: another one then. */
	begin_pending(dataplane, &pending);
}

int dataplane_publish(struct dataplane *dataplane, const struct kernel_config *config,
		      struct dataplane_result *ret_result)
{
	struct arena *arena = &dataplane->arenas[!dataplane->arena];
	uint64_t begun_ns = clock_mono_ns(), rings_ns;
	struct change change;
	bool is_other;

	if (!dataplane->image) {
		arena_reset(&dataplane->arenas[dataplane->arena]);
		TRY(read_back(dataplane));
	}
	*ret_result = (struct dataplane_result){.generation = dataplane->control->generation};
	TRY(prepare_whole(dataplane, config, arena, &change));
	dataplane_meet(dataplane, change.plan->fresh, change.plan->n_fresh);
	set_flow_seed(dataplane, config);
	zero_counters(dataplane, change.plan);
	is_other = change.image != dataplane->image;
	if (is_other) {
		dataplane_shield(dataplane, config);
		tell_ports(dataplane, config);
		dataplane_links_refresh(&dataplane->links, dataplane->maps.fd[LOADER_MAP_LINK]);
		dataplane_rule_objects(dataplane, config, change.image);
	}
	rings_ns = clock_mono_ns();
	kernel_fleet_commit(dataplane->fleet, change.plan, rings_ns);
	ret_result->rings_ns = clock_mono_ns() - rings_ns;
	ret_result->n_services = (uint32_t)change.plan->n;
	ret_result->n_ops = (uint32_t)change.ops.n;
	if (change.ops.n || kernel_fleet_is_shrinking(dataplane->fleet))
		flip(dataplane, &change);
	else if (change.plan->n && !dataplane->pending.is_on)
		begin_pending(dataplane, &(struct dataplane_pending){0});
	/* Nothing that is pending is in the other arena: see prepare_whole(). */
	dataplane->image = change.image;
	if (is_other)
		dataplane->arena = !dataplane->arena;
	ret_result->generation = dataplane->control->generation;
	ret_result->publish_ns = clock_mono_ns() - begun_ns;
	return 0;
}

int dataplane_apply(struct dataplane *dataplane, const struct kernel_config *config,
		    struct dataplane_result *ret_result)
{
	uint64_t published_ns;

	TRY(dataplane_publish(dataplane, config, ret_result));
	published_ns = clock_mono_ns();
	while (dataplane->pending.is_on)
		dataplane_clean(dataplane, true);
	ret_result->cleanup_ns = clock_mono_ns() - published_ns;
	return 0;
}
