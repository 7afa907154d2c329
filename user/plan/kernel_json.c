// SPDX-License-Identifier: Apache-2.0
/* kernel_json: see kernel_json.h. */
#include "plan/kernel_json.h"

#include <stdio.h>

#include "base/hash.h"

static json_t *text_of(struct str text)
{
	return json_stringn(text.at ? text.at : "", text.len);
}

static void put(json_t *object, const char *key, json_t *value)
{
	json_object_set_new(object, key, value);
}

static void put_limit(json_t *to, const char *key, const struct kernel_limit *limit)
{
	if (limit->per_second > 0)
		put(to, key,
		    json_pack("{s:f, s:I}", "perSecond", limit->per_second, "burst",
			      (json_int_t)limit->burst));
}

/* Lists of equal content are equal; which prefixes there are, only `drops` and the maps tell. */
static uint64_t acl_hash(const struct kernel_acl *at, size_t n, uint64_t hash)
{
	for (size_t i = 0; i < n; i++) {
		char text[ADDR_TEXT_MAX];
		size_t length = cidr_print(&at[i].cidr, text);

		hash = hash_mix64(hash ^ hash_fnv1a64(str_n(text, length)) ^ at[i].action);
	}
	return hash;
}

static json_t *policy_json(const struct kernel_policy *policy)
{
	json_t *json = json_object();
	uint64_t hash = acl_hash(policy->acl, policy->n_acl, 0);
	char digest[24];

	for (size_t i = 0; i < policy->n_lists; i++)
		hash = acl_hash(policy->lists[i]->at, policy->lists[i]->n, hash);
	snprintf(digest, sizeof(digest), "%016llx", (unsigned long long)hash);
	put(json, "object", text_of(policy->object));
	put_limit(json, "packets", &policy->packets);
	put_limit(json, "newConnections", &policy->syns);
	put_limit(json, "bytes", &policy->bytes);
	put(json, "ipv4PrefixLength", json_integer(policy->v4_bits));
	put(json, "ipv6PrefixLength", json_integer(policy->v6_bits));
	put(json, "prefixes", json_integer((json_int_t)kernel_policy_prefixes(policy)));
	if (kernel_policy_prefixes(policy))
		put(json, "prefixesDigest", json_string(digest));
	return json;
}

static const char *proto_text(uint8_t proto)
{
	return proto == IPPROTO_UDP ? "UDP" : "TCP";
}

static json_t *entry_json(const struct kernel_entry *entry)
{
	json_t *json = json_object();
	char address[ADDR_TEXT_MAX];

	put(json, "address", json_stringn(address, addr_print(&entry->addr, address)));
	put(json, "port", json_integer(entry->port));
	if (entry->port_last)
		put(json, "lastPort", json_integer(entry->port_last));
	put(json, "protocol", json_string(proto_text(entry->proto)));
	if (entry->policy)
		put(json, "policy", text_of(entry->policy->name));
	put(json, "to", entry->service ? text_of(entry->service->name) : json_string("the proxy"));
	if (entry->is_spread)
		put(json, "spread", json_true());
	return json;
}

static const char *mode_text(enum kernel_mode mode)
{
	static const char *const words[] = {
#define MODE(id, word, text) [KERNEL_MODE_##id] = word,
		KERNEL_MODES(MODE)
#undef MODE
	};

	return words[mode];
}

static const char *affinity_text(enum kernel_affinity affinity)
{
	static const char *const words[] = {
#define AFFINITY(id, word, text) [KERNEL_AFFINITY_##id] = word,
		KERNEL_AFFINITIES(AFFINITY)
#undef AFFINITY
	};

	return words[affinity];
}

static json_t *service_json(const struct kernel_service *service)
{
	static const char *const states[] = {[KERNEL_BACKEND_ACTIVE] = "active",
					     [KERNEL_BACKEND_DRAIN] = "drain",
					     [KERNEL_BACKEND_DEAD] = "dead"};
	json_t *json = json_object(), *backends = json_object();

	for (uint32_t i = 0; i < service->n_backends; i++) {
		const struct kernel_backend *backend = &service->backends[i];
		char address[ADDR_TEXT_MAX];

		addr_print_port(&backend->addr, backend->port, address);
		put(backends, address,
		    json_pack("{s:I, s:s}", "weight", (json_int_t)backend->weight, "state",
			      states[backend->state]));
	}
	put(json, "object", text_of(service->object));
	put(json, "mode", json_string(mode_text(service->mode)));
	put(json, "affinity", json_string(affinity_text(service->affinity)));
	if (service->drain_ns)
		put(json, "drainSeconds", json_real((double)service->drain_ns / 1e9));
	put(json, "backends", backends);
	return json;
}

static void put_named(json_t *to, struct str name, json_t *value)
{
	char key[256];

	snprintf(key, sizeof(key), STR_FMT, STR_ARG(name));
	put(to, key, value);
}

json_t *kernel_json(const struct kernel_config *config)
{
	json_t *policies = json_object(), *entries = json_object(), *services = json_object();

	for (size_t i = 0; config && i < config->n_policies; i++)
		put_named(policies, config->policies[i]->name, policy_json(config->policies[i]));
	for (size_t i = 0; config && i < config->n_entries; i++)
		put_named(entries, config->entries[i].name, entry_json(&config->entries[i]));
	for (size_t i = 0; config && i < config->n_services; i++)
		put_named(services, config->services[i]->name, service_json(config->services[i]));
	return json_pack("{s:o, s:o, s:o}", "kernelPolicies", policies, "kernelEntries", entries,
			 "kernelServices", services);
}
