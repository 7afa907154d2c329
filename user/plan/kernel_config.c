// SPDX-License-Identifier: Apache-2.0
/* kernel_config: arrays that double. */
#include "plan/kernel_config.h"

#include <string.h>

struct kernel_config *kernel_config_new(struct arena *arena)
{
	struct kernel_config *config = ARENA_NEW(arena, struct kernel_config);

	if (config) {
		config->arena = arena;
		table_init(&config->service_names, arena);
	}
	return config;
}

struct kernel_policy *kernel_config_policy(struct kernel_config *config, struct str name)
{
	for (size_t i = 0; i < config->n_policies; i++)
		if (str_eq(config->policies[i]->name, name))
			return config->policies[i];
	if (config->n_policies == KERNEL_POLICIES_MAX)
		return NULL;

	struct kernel_policy *policy = ARENA_NEW(config->arena, struct kernel_policy);
	struct str copy = arena_str(config->arena, name);

	if (!policy || (name.len && !copy.at))
		return NULL;
	*policy = (struct kernel_policy){
		.name = copy,
		.v4_bits = 32,
		.v6_bits = 64,
		.network = {.v4_bits = 24, .v6_bits = 48},
		.index = (uint32_t)config->n_policies,
	};
	config->policies[config->n_policies++] = policy;
	return policy;
}

bool kernel_policy_counts(const struct kernel_policy *policy)
{
	return policy && (policy->connections || policy->network.connections);
}

size_t kernel_policy_prefixes(const struct kernel_policy *policy)
{
	size_t n = policy->n_acl;

	for (size_t i = 0; i < policy->n_lists; i++)
		n += policy->lists[i]->n;
	return n;
}

bool kernel_policy_add(struct kernel_config *config, struct kernel_policy *policy,
		       const struct cidr *cidr, enum kernel_action action)
{
	if (policy->n_acl == KERNEL_ACL_MAX)
		return false;
	if (policy->n_acl == policy->acl_room) {
		size_t room = policy->acl_room ? policy->acl_room * 2 : 8;
		struct kernel_acl *acl = ARENA_ARRAY(config->arena, struct kernel_acl, room);

		if (!acl)
			return false;
		if (policy->n_acl)
			memcpy(acl, policy->acl, policy->n_acl * sizeof(*acl));
		policy->acl = acl;
		policy->acl_room = room;
	}
	policy->acl[policy->n_acl++] = (struct kernel_acl){*cidr, action};
	return true;
}

bool kernel_policy_add_list(struct kernel_policy *policy, const struct kernel_list *list)
{
	if (policy->n_lists == KERNEL_LISTS_MAX ||
	    kernel_policy_prefixes(policy) + list->n > KERNEL_ACL_MAX)
		return false;
	policy->lists[policy->n_lists++] = list;
	return true;
}

/* Room for one more entry. */
static bool kernel_config_entry_room(struct kernel_config *config)
{
	if (config->n_entries == KERNEL_ENTRIES_MAX)
		return false;
	if (config->n_entries < config->entries_room)
		return true;
	size_t room = config->entries_room ? config->entries_room * 2 : 16;
	struct kernel_entry *entries = ARENA_ARRAY(config->arena, struct kernel_entry, room);

	if (!entries)
		return false;
	if (config->n_entries)
		memcpy(entries, config->entries, config->n_entries * sizeof(*entries));
	config->entries = entries;
	config->entries_room = room;
	return true;
}

bool kernel_config_add(struct kernel_config *config, struct str name, const struct addr *addr,
		       uint16_t port, uint8_t proto, const struct kernel_policy *policy)
{
	struct str copy = arena_str(config->arena, name);

	if (!kernel_config_entry_room(config) || (name.len && !copy.at))
		return false;
	config->entries[config->n_entries++] = (struct kernel_entry){
		.name = copy, .addr = *addr, .port = port, .proto = proto, .policy = policy};
	return true;
}

struct kernel_service *kernel_config_service(struct kernel_config *config, struct str name)
{
	struct kernel_service *known = table_find(&config->service_names, name);

	if (known)
		return known;
	if (config->n_services == KERNEL_SERVICES_MAX)
		return NULL;
	if (config->n_services == config->services_room) {
		size_t room = config->services_room ? config->services_room * 2 : 8;
		struct kernel_service **at =
			ARENA_ARRAY(config->arena, struct kernel_service *, room);

		if (!at)
			return NULL;
		if (config->n_services)
			memcpy(at, config->services,
			       config->n_services * sizeof(struct kernel_service *));
		config->services = at;
		config->services_room = room;
	}

	struct kernel_service *service = ARENA_NEW(config->arena, struct kernel_service);
	struct str copy = arena_str(config->arena, name);

	if (!service || (name.len && !copy.at))
		return NULL;
	*service = (struct kernel_service){.name = copy, .index = (uint32_t)config->n_services};
	if (table_put(&config->service_names, copy, service, NULL) < 0)
		return NULL;
	config->services[config->n_services++] = service;
	return service;
}

enum kernel_action kernel_policy_match(const struct kernel_policy *policy,
				       const struct addr *source, const struct kernel_acl **ret_acl)
{
	const struct kernel_acl *best = NULL;

	if (policy)
		best = kernel_list_match(
			&(struct kernel_list){.at = policy->acl, .n = policy->n_acl}, source, NULL);
	for (size_t i = 0; policy && i < policy->n_lists; i++)
		best = kernel_list_match(policy->lists[i], source, best);
	*ret_acl = best;
	return best ? best->action : KERNEL_NONE;
}
