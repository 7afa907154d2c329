// SPDX-License-Identifier: Apache-2.0
/* kernel_image: policies become costs and masks; entries become lines of ports and addresses. */
#include "plan/kernel_image.h"

#include <arpa/inet.h>
#include <errno.h>

#include "base/cleanup.h"
#include "base/hash.h"
#include "plan/kernel_acl.h"
#include "plan/kernel_digest.h"
#include "plan/kernel_seat.h"
#include "plan/kernel_slot.h"

enum { COST_BITS = 16, TICKS_AHEAD_MIN = 2 };

/* Times the bytes of the largest frame (2^19) it must still fit 64 bits: slower than 2 B/s there is
 * nothing. */
#define COST_MAX_BYTES (UINT64_MAX >> 19)
#define COST_MAX       (UINT64_MAX >> 2)

/*
 * Time per unit, and how far ahead of now the due time may run. Packets and SYNs: burst n admits
 * exactly n at once. Bytes: a frame is admitted whole when any budget is left. Two ticks at least,
 * or the coarse clock would starve fast sources between its steps.
 */
static struct abi_limit compile_limit(const struct kernel_limit *limit, bool is_bytes,
				      uint64_t tick_ns)
{
	if (!(limit->per_second > 0))
		return (struct abi_limit){0};

	double burst = limit->burst ? (double)limit->burst : limit->per_second;
	uint64_t cost_max = is_bytes ? COST_MAX_BYTES : COST_MAX;
	double cost_ns = 1e9 / limit->per_second;
	double cost_fp = cost_ns * (1 << COST_BITS) + 0.5;
	double ahead_ns = ((burst > 1 ? burst : 1) - (is_bytes ? 0 : 1)) * cost_ns;

	if (ahead_ns < (double)(TICKS_AHEAD_MIN * tick_ns))
		ahead_ns = (double)(TICKS_AHEAD_MIN * tick_ns);
	return (struct abi_limit){
		.cost_fp = cost_fp < 1			? 1
			   : cost_fp < (double)cost_max ? (uint64_t)cost_fp
							: cost_max,
		.ahead_ns = ahead_ns < (double)INT64_MAX / 2 ? (uint64_t)ahead_ns : INT64_MAX / 2,
	};
}

static void compile_masks(const struct kernel_policy *policy, struct abi_policy *ret)
{
	struct addr ones, masked;
	uint32_t word[4];

	memset(ones.byte, 0xff, sizeof(ones.byte));
	ret->v4_bits = policy->v4_bits;
	ret->v6_bits = policy->v6_bits;
	ret->v4_mask = htonl(policy->v4_bits ? UINT32_MAX << (32 - policy->v4_bits) : 0);
	masked = addr_mask(&ones, 32, policy->v6_bits);
	memcpy(word, masked.byte, sizeof(word));
	ret->v6_mask = (uint64_t)word[1] << 32 | word[0];
	ret->v6_mask_low = (uint64_t)word[3] << 32 | word[2];
}

/* The network's prefixes may have no bits: all sources are one network then. */
static void compile_network(const struct kernel_policy *policy, uint64_t tick_ns,
			    struct abi_policy *ret)
{
	const struct kernel_network *network = &policy->network;
	struct addr ones, masked;

	memset(ones.byte, 0xff, sizeof(ones.byte));
	masked = addr_mask(&ones, 32, network->v6_bits);
	memcpy(&ret->network_v6_mask, masked.byte, sizeof(ret->network_v6_mask));
	ret->network_v4_mask = htonl(network->v4_bits ? UINT32_MAX << (32 - network->v4_bits) : 0);
	ret->network[ABI_LIMIT_PACKETS] = compile_limit(&network->packets, false, tick_ns);
	ret->network[ABI_LIMIT_SYNS] = compile_limit(&network->syns, false, tick_ns);
	ret->network[ABI_LIMIT_BYTES] = compile_limit(&network->bytes, true, tick_ns);
	ret->connections = policy->connections;
	ret->network_connections = network->connections;
	for (int i = 0; i < ABI_LIMIT__COUNT; i++)
		if (ret->network[i].cost_fp)
			ret->flags |= ABI_POLICY_NETWORK;
	if (ret->connections || ret->network_connections)
		ret->flags |= ABI_POLICY_CONNECTIONS;
}

/* Of the whole name, by a hash that no tenant can aim at another's policy; never 0. */
static uint64_t identity_of(struct str name)
{
	unsigned char digest[32];
	uint64_t ret;

	hash_sha256(name, digest);
	memcpy(&ret, digest, sizeof(ret));
	return ret ? ret : 1;
}

static void compile_policy(const struct kernel_policy *policy, uint64_t tick_ns,
			   struct abi_policy *ret)
{
	*ret = (struct abi_policy){0};
	kernel_slot_name(ret->name, policy->name);
	ret->identity = identity_of(policy->name);
	compile_masks(policy, ret);
	ret->limit[ABI_LIMIT_PACKETS] = compile_limit(&policy->packets, false, tick_ns);
	ret->limit[ABI_LIMIT_SYNS] = compile_limit(&policy->syns, false, tick_ns);
	ret->limit[ABI_LIMIT_BYTES] = compile_limit(&policy->bytes, true, tick_ns);
	for (int i = 0; i < ABI_LIMIT__COUNT; i++)
		if (ret->limit[i].cost_fp)
			ret->flags |= ABI_POLICY_LIMITS;
	compile_network(policy, tick_ns, ret);
}

static struct str policy_name(const void *user, size_t i)
{
	return ((const struct kernel_config *)user)->policies[i]->name;
}

static struct str entry_name(const void *user, size_t i)
{
	return ((const struct kernel_config *)user)->entries[i].name;
}

static struct str service_name(const void *user, size_t i)
{
	return ((const struct kernel_config *)user)->services[i]->name;
}

static int place_policies(const struct kernel_config *config, const struct kernel_image *old,
			  const struct kernel_scale *scale, struct arena *arena,
			  struct kernel_image *image, uint32_t *slots)
{
	const struct kernel_slot_table table = {old ? old->policies[0].name : NULL,
						sizeof(*image->policies), ABI_POLICIES};

	TRY(kernel_slot_assign(&table, policy_name, config, config->n_policies, arena, slots));
	for (size_t i = 0; i < config->n_policies; i++)
		compile_policy(config->policies[i], scale->tick_ns, &image->policies[slots[i]]);
	return 0;
}

static int place_services(const struct kernel_config *config, const struct kernel_image *old,
			  struct arena *arena, struct kernel_image *image, uint32_t *slots)
{
	const struct kernel_slot_table table = {old ? old->services[0] : NULL,
						sizeof(*image->services), ABI_SERVICES};

	TRY(kernel_slot_assign(&table, service_name, config, config->n_services, arena, slots));
	for (size_t i = 0; i < config->n_services; i++) {
		image->here.flags |= ABI_HERE_SERVICES;
		kernel_slot_name(image->services[slots[i]], config->services[i]->name);
	}
	return 0;
}

static struct str node_name(const void *user, size_t i)
{
	return ((const struct kernel_config *)user)->nodes[i].name;
}

static int place_nodes(const struct kernel_config *config, const struct kernel_image *old,
		       struct arena *arena, struct kernel_image *image, uint32_t *slots)
{
	const struct kernel_slot_table table = {old ? old->nodes[0] : NULL, sizeof(*image->nodes),
						ABI_NODES};

	TRY(kernel_slot_assign(&table, node_name, config, config->n_nodes, arena, slots));
	for (size_t i = 0; i < config->n_nodes; i++) {
		kernel_slot_name(image->nodes[slots[i]], config->nodes[i].name);
		if (config->nodes[i].is_self)
			image->here.self_node = slots[i];
	}
	return 0;
}

static uint8_t flags_of(const struct kernel_config *config, const struct kernel_entry *entry)
{
	uint8_t flags = 0;

	if (entry->is_spread && config->n_nodes)
		flags |= ABI_ENTRY_SPREAD;
	if (entry->proto == IPPROTO_TCP && entry->cookies == KERNEL_COOKIES_ON)
		flags |= ABI_ENTRY_COOKIES;
	if (entry->proto == IPPROTO_TCP && entry->cookies == KERNEL_COOKIES_AUTO)
		flags |= ABI_ENTRY_COOKIES_AUTO;
	if (entry->proto == IPPROTO_TCP && entry->service && kernel_policy_counts(entry->policy))
		flags |= ABI_ENTRY_TRACK;
	return flags;
}

static struct abi_entry compile_entry(const struct kernel_config *config,
				      const struct kernel_entry *entry,
				      const uint32_t *policy_slots, const uint32_t *service_slots)
{
	uint16_t last = entry->port_last > entry->port ? entry->port_last : entry->port;
	struct abi_entry ret = {
		.port = htons(entry->port),
		.port_last = htons(last),
		.point = entry->service ? 0 : entry->point,
		.proto = entry->proto,
		.target = entry->service ? ABI_TARGET_SERVICE : ABI_TARGET_LOCAL,
		.policy = entry->policy ? (uint16_t)policy_slots[entry->policy->index] : 0,
		.service = entry->service ? (uint16_t)service_slots[entry->service->index] : 0,
		.flags = flags_of(config, entry),
	};

	memcpy(&ret.addr, entry->addr.byte, sizeof(ret.addr));
	kernel_slot_name(ret.name, entry->name);
	return ret;
}

/* The ends of tunnels and those who may send some are entries, too: found like others. */
static int place_tunnels(const struct kernel_config *config, struct kernel_seats *seats,
			 struct kernel_image *image)
{
	static const struct addr none;

	memcpy(&image->here.v4, config->self4.byte, sizeof(image->here.v4));
	memcpy(&image->here.v6, config->self6.byte, sizeof(image->here.v6));
	if (!config->opens_tunnels)
		return 0;
	image->here.flags |= ABI_HERE_DECAP;
	for (int i = 0; i < 2; i++) {
		const struct addr *self = i ? &config->self6 : &config->self4;

		if (!addr_eq(self, &none))
			TRY(kernel_seat_tunnel(seats, self));
	}
	for (size_t i = 0; i < config->n_nodes; i++)
		if (!config->nodes[i].is_self)
			TRY(kernel_seat_peer(seats, &config->nodes[i].addr));
	for (size_t i = 0; i < config->n_tunnel_peers; i++)
		TRY(kernel_seat_peer(seats, &config->tunnel_peers[i]));
	return 0;
}

/* What comes back to this machine, and echo requests to addresses that are not its own. */
static int place_answers(const struct kernel_config *config, struct kernel_seats *seats,
			 struct kernel_image *image)
{
	static const struct addr none;
	struct abi_here *here = &image->here;

	for (size_t i = 0; i < config->n_entries; i++)
		if (config->entries[i].service && !addr_eq(&config->entries[i].addr, &none))
			TRY(kernel_seat_echo(seats, &config->entries[i].addr));
	/* Whatever the mode is now: flows of the one before may still go on. */
	if (!(here->flags & ABI_HERE_SERVICES))
		return 0;
	here->nat_first = config->nat_first ? config->nat_first : ABI_NAT_PORT_FIRST;
	here->nat_last = config->nat_last ? config->nat_last : ABI_NAT_PORT_LAST;
	for (int i = 0; i < 2; i++) {
		const struct addr *self = i ? &config->self6 : &config->self4;

		if (!addr_eq(self, &none))
			TRY(kernel_seat_answer(seats, self, here->nat_first, here->nat_last));
	}
	return 0;
}

static int place_entries(const struct kernel_config *config, const struct kernel_image *old,
			 const struct kernel_scale *scale, const uint32_t *policy_slots,
			 const uint32_t *service_slots, struct arena *arena,
			 struct kernel_image *image)
{
	const struct kernel_slot_table table = {old ? old->entries[0].name : NULL,
						sizeof(*image->entries), ABI_ENTRIES};
	uint32_t *slots = ARENA_ARRAY(arena, uint32_t, config->n_entries + 1);
	struct kernel_seats *seats = kernel_seats_new(image, scale->seed, arena);

	if (!slots || !seats)
		return -ENOMEM;
	TRY(kernel_slot_assign(&table, entry_name, config, config->n_entries, arena, slots));
	for (size_t i = 0; i < config->n_entries; i++)
		image->entries[slots[i]] =
			compile_entry(config, &config->entries[i], policy_slots, service_slots);
	TRY(place_tunnels(config, seats, image));
	TRY(place_answers(config, seats, image));
	return kernel_seats_fill(seats);
}

int kernel_image(const struct kernel_config *config, const struct kernel_image *old,
		 const struct kernel_scale *scale, struct arena *arena,
		 struct kernel_image **ret_image)
{
	struct kernel_image *image = ARENA_NEW(arena, struct kernel_image);
	uint32_t policy_slots[KERNEL_POLICIES_MAX] = {0};
	uint32_t *service_slots = ARENA_ARRAY(arena, uint32_t, config->n_services + 1);
	uint32_t *node_slots = ARENA_ARRAY(arena, uint32_t, config->n_nodes + 1);

	if (!image || !service_slots || !node_slots)
		return -ENOMEM;
	TRY(place_policies(config, old, scale, arena, image, policy_slots));
	TRY(place_services(config, old, arena, image, service_slots));
	TRY(place_nodes(config, old, arena, image, node_slots));
	TRY(place_entries(config, old, scale, policy_slots, service_slots, arena, image));
	TRY(kernel_acl_build(config, policy_slots, old, scale, arena, image));
	image->digest = kernel_digest(config, scale);
	image->service_slots = service_slots;
	image->node_slots = node_slots;
	*ret_image = image;
	return 0;
}
