// SPDX-License-Identifier: Apache-2.0
/* kernel_digest: field after field. What kernel_image() learns to read belongs here, too. */

#include "plan/kernel_digest.h"

#include <string.h>

#include "base/hash.h"

static uint64_t fold(uint64_t h, uint64_t word)
{
	return hash_mix64(h ^ word);
}

static uint64_t fold_text(uint64_t h, struct str text)
{
	return fold(h, text.len ? hash_keyed(text) : 0);
}

static uint64_t fold_addr(uint64_t h, const struct addr *addr)
{
	uint64_t half[2];

	memcpy(half, addr->byte, sizeof(half));
	return fold(fold(h, half[0]), half[1]);
}

static uint64_t fold_limit(uint64_t h, const struct kernel_limit *limit)
{
	uint64_t per_second;

	memcpy(&per_second, &limit->per_second, sizeof(per_second));
	return fold(fold(h, per_second), limit->burst);
}

static uint64_t fold_network(uint64_t h, const struct kernel_network *network)
{
	h = fold_limit(h, &network->packets);
	h = fold_limit(h, &network->syns);
	h = fold_limit(h, &network->bytes);
	return fold(h, (uint64_t)network->connections << 16 | (uint64_t)network->v4_bits << 8 |
			       network->v6_bits);
}

static uint64_t fold_policy(uint64_t h, const struct kernel_policy *policy)
{
	h = fold_text(fold_text(h, policy->name), policy->object);
	h = fold_limit(h, &policy->packets);
	h = fold_limit(h, &policy->syns);
	h = fold_limit(h, &policy->bytes);
	h = fold(h, (uint64_t)policy->connections << 16 | (uint64_t)policy->v4_bits << 8 |
			    policy->v6_bits);
	h = fold_network(h, &policy->network);
	h = fold(h,
		 kernel_list_digest(&(struct kernel_list){.at = policy->acl, .n = policy->n_acl}));
	h = fold(h, policy->n_lists);
	for (size_t i = 0; i < policy->n_lists; i++)
		h = fold(h, kernel_list_digest(policy->lists[i]));
	return h;
}

/* 1 + what it is among those of the configuration; 0: none. */
static uint64_t fold_entry(uint64_t h, const struct kernel_entry *entry)
{
	uint64_t policy = entry->policy ? entry->policy->index + 1ULL : 0;
	uint64_t service = entry->service ? entry->service->index + 1ULL : 0;

	h = fold_addr(fold_text(h, entry->name), &entry->addr);
	h = fold(h, (uint64_t)entry->port << 32 | (uint64_t)entry->port_last << 16 |
			    (uint64_t)entry->proto << 8 | entry->point);
	return fold(h, policy << 40 | service << 8 | (uint64_t)entry->cookies << 1 |
			       (uint64_t)entry->is_spread);
}

static uint64_t fold_nodes(uint64_t h, const struct kernel_config *config)
{
	h = fold(h, config->n_nodes);
	for (size_t i = 0; i < config->n_nodes; i++) {
		const struct kernel_node *node = &config->nodes[i];

		h = fold(fold_addr(fold_text(h, node->name), &node->addr), node->is_self);
	}
	h = fold_addr(fold_addr(h, &config->self4), &config->self6);
	h = fold(h, (uint64_t)config->opens_tunnels << 32 | config->n_tunnel_peers);
	for (size_t i = 0; i < config->n_tunnel_peers; i++)
		h = fold_addr(h, &config->tunnel_peers[i]);
	return h;
}

static uint64_t fold_shield(uint64_t h, const struct kernel_shield *shield)
{
	h = fold(h, (uint64_t)shield->syns << 32 | shield->strays);
	return fold(h, (uint64_t)shield->fragments << 32 | shield->fragments_total);
}

uint64_t kernel_service_digest(const struct kernel_service *service)
{
	uint64_t h = hash_keyed(STR("service"));

	if (service->digest)
		return service->digest;
	h = fold(h, (uint64_t)service->mode << 32 | (uint64_t)service->affinity);
	h = fold(fold(fold_text(h, service->name), service->drain_ns), service->n_backends);
	for (uint32_t i = 0; i < service->n_backends; i++) {
		const struct kernel_backend *backend = &service->backends[i];

		h = fold(fold_addr(h, &backend->addr), (uint64_t)backend->weight << 32 |
							       (uint64_t)backend->port << 16 |
							       (uint64_t)backend->state);
		h = fold(h, backend->quic_server_id);
	}
	return h ? h : 1;
}

uint64_t kernel_digest(const struct kernel_config *config, const struct kernel_scale *scale)
{
	uint64_t h = fold(fold(hash_keyed(STR("image")), scale->tick_ns), scale->acl_lines);

	h = fold(fold(h, scale->seed[0]), scale->seed[1]);
	h = fold(h, config->n_policies);
	for (size_t i = 0; i < config->n_policies; i++)
		h = fold_policy(h, config->policies[i]);
	h = fold(h, config->n_services);
	for (size_t i = 0; i < config->n_services; i++)
		h = fold_text(h, config->services[i]->name);
	h = fold(h, config->n_entries);
	for (size_t i = 0; i < config->n_entries; i++)
		h = fold_entry(h, &config->entries[i]);
	h = fold_shield(fold_nodes(h, config), &config->shield);
	h = fold(h, (uint64_t)config->nat_first << 16 | config->nat_last);
	h = fold(fold(h, config->flow_seed[0]), config->flow_seed[1]);
	return h ? h : 1;
}
