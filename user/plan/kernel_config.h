/* SPDX-License-Identifier: Apache-2.0 */
#ifndef KERNEL_CONFIG_H
#define KERNEL_CONFIG_H

/*
 * kernel_config: what the kernel plane should do, as plain data in the units people write.
 *
 * Whoever compiles a snapshot fills one of these; dataplane_apply() makes the maps agree with it. A
 *policy is known by its name: while the name stays, so do its buckets, bans and counters. One
 *policy serves any number of entries; an entry without a policy is counted but not limited.
 *Everything lives in the caller's arena.
 *
 *	struct kernel_config *config = kernel_config_new(arena);
 *	struct kernel_policy *policy = kernel_config_policy(config, STR("web"));
 *	policy->syns = (struct kernel_limit){.per_second = 50, .burst = 100};
 *	kernel_policy_add(config, policy, cidr, KERNEL_DENY);
 *	kernel_policy_add_list(policy, list);
 *	kernel_config_add(config, STR("web"), &addr, 8000, IPPROTO_TCP, policy);
 *
 * Adding returns false, and changes nothing, when the arena is exhausted or a table is full.
 */

#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/addr.h"
#include "base/arena.h"
#include "base/table.h"
#include "plan/kernel_list.h"
#include "plan/kernel_vip.h"

enum {
	KERNEL_POLICIES_MAX = 255, /* slot 0 of the map means "no policy" */
	KERNEL_ENTRIES_MAX = 4095, /* slot 0 of the map means "no entry point" */
	KERNEL_ACL_MAX = 1 << 20,  /* prefixes of one policy; equal lists are kept once */
	KERNEL_LISTS_MAX = 16,	   /* long lists of one policy */
	KERNEL_NAME_MAX = 31,	   /* bytes of a policy's or entry's name kept in the maps */
};

/*
 * per_second 0: no such limit. burst 0: one second's worth. A source may send burst units at once;
 * the kernel counts time in ticks of 1 to 10 ms, so a burst shorter than two ticks is stretched to
 * two.
 */
struct kernel_limit {
	double per_second;
	uint64_t burst;
};

/* What all sources of one network may send together. */
struct kernel_network {
	struct kernel_limit packets, syns, bytes;
	uint32_t connections; /* open at once; 0: any number */
	uint8_t v4_bits;      /* 0..32, preset 24 */
	uint8_t v6_bits;      /* 0..64, preset 48 */
};

/* Against floods from addresses that nobody can limit one by one. Rates are per second. */
struct kernel_shield {
	uint32_t syns;	    /* to an entry; above: cookies, where they are AUTO; 0: 10,000 */
	uint32_t strays;    /* TCP segments to an entry that are of no connection; 0: any number */
	uint32_t fragments; /* later ones, of a source; 0: any number */
	uint32_t fragments_total; /* of all sources and one CPU; 0: any number */
};

/* The longest matching prefix decides. Allowed sources are trusted: never limited, never banned. */
struct kernel_policy {
	struct str name;
	struct str object; /* where it was written: "SourcePolicy/shop/strict"; for people */
	struct kernel_limit packets, syns, bytes;
	uint8_t v4_bits;      /* sources are counted by this prefix: 1..32, preset 32 */
	uint8_t v6_bits;      /* 1..128, preset 64 */
	uint32_t connections; /* open at once, of a source; 0: any number */
	struct kernel_network network;
	struct kernel_acl *acl;
	size_t n_acl, acl_room;
	const struct kernel_list *lists[KERNEL_LISTS_MAX];
	size_t n_lists;
	uint32_t index; /* in config->policies */
};

struct kernel_entry {
	struct str name;
	struct addr addr;		      /* all zero: any address */
	uint16_t port;			      /* host order */
	uint8_t proto;			      /* IPPROTO_TCP or IPPROTO_UDP */
	const struct kernel_policy *policy;   /* NULL: none */
	const struct kernel_service *service; /* NULL: the local proxy */
	uint16_t port_last; /* of a range that starts at port; 0: it is one port */
	uint8_t point;	/* without a service, whose sockets get it: index of the entry point + 1; 0:
			   those  that are bound to it */
	bool is_spread; /* over the nodes: a packet goes to the one that owns its flow */
	enum kernel_cookies cookies;
};

struct kernel_config {
	struct arena *arena;
	struct kernel_policy *policies[KERNEL_POLICIES_MAX];
	size_t n_policies;
	struct kernel_entry *entries;
	size_t n_entries, entries_room;
	struct kernel_service **services;
	size_t n_services, services_room;
	struct table service_names; /* name -> struct kernel_service */
	struct kernel_shield shield;
	struct kernel_node *nodes; /* all of the set, this one included; empty: no spreading */
	size_t n_nodes;
	struct addr self4, self6;     /* sources of our tunnels, ends of others'; zero: none */
	uint16_t nat_first, nat_last; /* reserved ports of translated flows; 0: the presets */
	bool opens_tunnels; /* IPIP, IP6IP6 and GUE to self4 and self6, from tunnel_peers */
	const struct addr *tunnel_peers; /* the other nodes need not be named */
	size_t n_tunnel_peers;
	uint64_t flow_seed[2]; /* equal on nodes that choose alike; zero: see dataplane_apply() */
};

/* An empty configuration: nothing is limited. NULL without memory. */
struct kernel_config *kernel_config_new(struct arena *arena);
/* The policy of that name, made with the presets when there is none yet; NULL when there is no
 * room. */
struct kernel_policy *kernel_config_policy(struct kernel_config *config, struct str name);
/* Whether it limits how many connections are open at once; NULL does not. */
bool kernel_policy_counts(const struct kernel_policy *policy);
/* Prefixes of the policy, those of its long lists included. */
size_t kernel_policy_prefixes(const struct kernel_policy *policy);
/* Adds a prefix to a policy's list. The same prefix twice: deny wins. */
bool kernel_policy_add(struct kernel_config *config, struct kernel_policy *policy,
		       const struct cidr *cidr, enum kernel_action action);
/* The same for a long list, which is not copied: it must live as long as the configuration. */
bool kernel_policy_add_list(struct kernel_policy *policy, const struct kernel_list *list);
/*
 * Binds a policy (or NULL) to an entry point's listening address. What is not said here (service,
 * port_last...) may be set in config->entries[config->n_entries - 1] until the next call.
 */
bool kernel_config_add(struct kernel_config *config, struct str name, const struct addr *addr,
		       uint16_t port, uint8_t proto, const struct kernel_policy *policy);
/* The service of that name, made without backends when there is none yet; NULL without room. */
struct kernel_service *kernel_config_service(struct kernel_config *config, struct str name);
/* What the kernel decides by address, for explaining: the longest match, or KERNEL_NONE with NULL.
 */
enum kernel_action kernel_policy_match(const struct kernel_policy *policy,
				       const struct addr *source,
				       const struct kernel_acl **ret_acl);

#endif
