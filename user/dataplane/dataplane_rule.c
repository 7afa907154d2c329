// SPDX-License-Identifier: Apache-2.0
/* dataplane_rule: see the header. */
#include "dataplane/dataplane_rule.h"

#include <arpa/inet.h>
#include <bpf/bpf.h>
#include <stdio.h>
#include <string.h>

#include "abi_state.h"
#include "acl_key.h"
#include "dataplane/dataplane_maps.h"
#include "plan/kernel_slot.h"

/* The action of the prefix of that name, or 0; as bpf/acl.h finds it. */
static uint32_t find(struct dataplane *dataplane, const struct abi_policy *policy, uint64_t name)
{
	if (dataplane_need_acl(dataplane))
		return 0;
	uint32_t lines = dataplane->n_acl_lines / 2;
	uint32_t start = acl_line(name, policy->acl_mask, dataplane->control->seed);
	const struct abi_acl_line *half =
		dataplane->acl + (size_t)dataplane_half(dataplane) * lines;

	for (uint32_t i = 0; i < ABI_ACL_RUN; i++) {
		const uint64_t *slot =
			(const uint64_t *)half[(start + i) & policy->acl_mask & (lines - 1)].slot;

		for (int k = 0; k < ABI_ACL_SLOTS; k++)
			if (!slot[k] || (slot[k] ^ name) <= ACL_ACTION_MASK)
				return slot[k] & ACL_ACTION_MASK;
	}
	return 0;
}

/* "deny 198.51.100.0/24": the longest prefix that matches. */
static void prefix_text(struct dataplane *dataplane, const struct abi_policy *policy,
			const struct addr *source, char *ret_text, size_t size)
{
	bool is_v4 = addr_is_v4(source);
	const uint8_t *lengths = is_v4 ? policy->acl4 : policy->acl6;
	uint32_t max = is_v4 ? ABI_ACL4_LENGTHS : ABI_ACL6_LENGTHS, word[4];

	memcpy(word, source->byte, sizeof(word));
	const struct acl_addr addr = {(uint64_t)ntohl(word[0]) << 32 | ntohl(word[1]),
				      (uint64_t)ntohl(word[2]) << 32 | ntohl(word[3])};

	for (uint32_t i = 0; i < max && lengths[i]; i++) {
		uint32_t bits = lengths[i] - 1u, owner = policy->acl_owner;
		uint64_t name = is_v4 ? acl_name4((uint32_t)addr.low, bits, owner)
				      : acl_name6(&addr, bits, owner, dataplane->control->seed);
		uint32_t action = find(dataplane, policy, name), skip = is_v4 ? 96 : 0;
		struct addr net = *source;
		char text[ADDR_TEXT_MAX];

		if (!action)
			continue;
		for (uint32_t bit = bits + skip; bit < 128; bit++)
			net.byte[bit / 8] &= (uint8_t) ~(0x80 >> bit % 8);
		addr_print(&net, text);
		snprintf(ret_text, size, "%s %s/%u", action == ABI_ACTION_DENY ? "deny" : "allow",
			 text, bits);
		return;
	}
}

static unsigned network_bits(const struct abi_policy *policy, bool is_v4)
{
	return (unsigned)(is_v4 ? __builtin_popcount(policy->network_v4_mask)
				: __builtin_popcountll(policy->network_v6_mask));
}

/* "limits.packetsPerSecond 100 of each /32" */
static void limit_text(const struct abi_policy *policy, bool is_network, int kind, bool is_v4,
		       char *ret_text, size_t size)
{
	static const char *const fields[] = {[ABI_LIMIT_PACKETS] = "packetsPerSecond",
					     [ABI_LIMIT_SYNS] = "newConnectionsPerSecond",
					     [ABI_LIMIT_BYTES] = "bytesPerSecond"};
	const struct abi_limit *limit = is_network ? &policy->network[kind] : &policy->limit[kind];
	unsigned bits = is_network ? network_bits(policy, is_v4)
			: is_v4	   ? policy->v4_bits
				   : policy->v6_bits;

	if (limit->cost_fp)
		snprintf(ret_text, size, "%slimits.%s %.0f of each /%u",
			 is_network ? "network." : "", fields[kind],
			 1e9 * 65536 / (double)limit->cost_fp, bits);
}

static void connections_text(const struct abi_policy *policy, bool is_v4, char *ret_text,
			     size_t size)
{
	char own[40] = "", network[40] = "";

	if (policy->connections)
		snprintf(own, sizeof(own), " %u of each /%u", policy->connections,
			 is_v4 ? policy->v4_bits : policy->v6_bits);
	if (policy->network_connections)
		snprintf(network, sizeof(network), "%s %u of each /%u", *own ? " or" : "",
			 policy->network_connections, network_bits(policy, is_v4));
	snprintf(ret_text, size, "limits.concurrentConnections%s%s", own, network);
}

/* "ban after 20 refusals": of this policy, or of all. */
static void ban_text(const struct dataplane *dataplane, uint32_t slot, const struct addr *source,
		     char *ret_text, size_t size)
{
	struct abi_ban_key key = {.policy = slot};
	struct abi_ban_info info;

	memcpy(&key.source, source->byte, sizeof(key.source));
	if (!addr_is_v4(source))
		key.source.word[2] = key.source.word[3] = 0;
	for (int i = 0; i < 2; i++, key.policy = 0) {
		if (bpf_map_lookup_elem(dataplane->maps.fd[LOADER_MAP_BAN_INFO], &key, &info))
			continue;
		snprintf(ret_text, size, "ban: %.*s", (int)sizeof(info.reason), info.reason);
		return;
	}
}

static void dropped_text(struct dataplane *dataplane, const struct abi_policy *policy,
			 const struct addr *source, struct dataplane_seen *seen)
{
	bool is_v4 = addr_is_v4(source);
	size_t size = sizeof(seen->rule);

	switch (seen->why) {
	case ABI_DROP_DENIED:
		prefix_text(dataplane, policy, source, seen->rule, size);
		return;
	case ABI_DROP_BANNED:
		ban_text(dataplane, seen->policy_slot, source, seen->rule, size);
		return;
	case ABI_DROP_RATE_PACKETS:
	case ABI_DROP_RATE_SYNS:
	case ABI_DROP_RATE_BYTES:
		limit_text(policy, false, (int)(seen->why - ABI_DROP_RATE_PACKETS), is_v4,
			   seen->rule, size);
		return;
	case ABI_DROP_AGGREGATE_PACKETS:
	case ABI_DROP_AGGREGATE_SYNS:
	case ABI_DROP_AGGREGATE_BYTES:
		limit_text(policy, true, (int)(seen->why - ABI_DROP_AGGREGATE_PACKETS), is_v4,
			   seen->rule, size);
		return;
	case ABI_DROP_CONNECTIONS:
		connections_text(policy, is_v4, seen->rule, size);
		return;
	case ABI_DROP_COOKIE_BAD:
		snprintf(seen->rule, size, "floodProtection.straysPerSecond");
		return;
	case ABI_DROP_FRAGMENT_FLOOD:
		snprintf(seen->rule, size, "floodProtection.fragmentsPerSecond or fragmentsTotal");
		return;
	default:
		return;
	}
}

void dataplane_rule(struct dataplane *dataplane, const struct addr *source,
		    struct dataplane_seen *seen)
{
	const struct abi_policy *policy = dataplane_policy(dataplane, seen->policy_slot);
	struct abi_policy_object object = {0};
	uint32_t slot = seen->policy_slot;

	_Static_assert(ABI_DROP_RATE_BYTES == ABI_DROP_RATE_PACKETS + ABI_LIMIT_BYTES &&
			       ABI_DROP_AGGREGATE_BYTES ==
				       ABI_DROP_AGGREGATE_PACKETS + ABI_LIMIT_BYTES,
		       "reasons of limits stand in the order of the limits");
	seen->object[0] = seen->rule[0] = 0;
	if (slot &&
	    !bpf_map_lookup_elem(dataplane->maps.fd[LOADER_MAP_POLICY_OBJECT], &slot, &object))
		snprintf(seen->object, sizeof(seen->object), "%.*s", (int)sizeof(object.text) - 1,
			 object.text);
	if (seen->verdict == ABI_CAPTURE_DROPPED)
		dropped_text(dataplane, policy, source, seen);
	else if (seen->verdict == ABI_CAPTURE_PASSED && seen->why == ABI_PASS_TRUSTED)
		prefix_text(dataplane, policy, source, seen->rule, sizeof(seen->rule));
	else if (seen->verdict == ABI_CAPTURE_SENT && seen->why == ABI_SEND_SYN_COOKIE)
		snprintf(seen->rule, sizeof(seen->rule), "synCookies");
}

void dataplane_rule_objects(struct dataplane *dataplane, const struct kernel_config *config,
			    const struct kernel_image *image)
{
	for (uint32_t slot = 1; slot < ABI_POLICIES; slot++) {
		struct abi_policy_object object = {0};
		char name[ABI_NAME_BYTES];

		if (!image->policies[slot].name[0])
			continue;
		for (size_t i = 0; i < config->n_policies; i++) {
			kernel_slot_name(name, config->policies[i]->name);
			if (memcmp(name, image->policies[slot].name, sizeof(name)))
				continue;
			snprintf(object.text, sizeof(object.text), STR_FMT,
				 STR_ARG(config->policies[i]->object));
			break;
		}
		bpf_map_update_elem(dataplane->maps.fd[LOADER_MAP_POLICY_OBJECT], &slot, &object,
				    BPF_ANY);
	}
}
