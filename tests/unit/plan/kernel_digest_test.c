// SPDX-License-Identifier: Apache-2.0
/* kernel_digest_test: every change of a configuration that an image shows is another number, and
 * what only rings show is not. */
#include "plan/kernel_digest.h"

#include <string.h>

#include "check.h"

static struct arena arena;

static struct kernel_config *config_new(void)
{
	struct kernel_config *config = kernel_config_new(&arena);
	struct kernel_policy *policy = kernel_config_policy(config, STR("strict"));
	struct kernel_service *service = kernel_config_service(config, STR("shop/web"));
	static const struct kernel_acl acl[] = {{{.bits = 96, .is_v4 = true}, KERNEL_DENY}};
	static const struct kernel_list list = {.at = acl, .n = 1};
	struct cidr cidr;

	policy->packets.per_second = 100;
	cidr_parse(STR("192.0.2.0/24"), &cidr);
	kernel_policy_add(config, policy, &cidr, KERNEL_ALLOW);
	kernel_policy_add_list(policy, &list);
	service->backends = ARENA_ARRAY(&arena, struct kernel_backend, 2);
	service->n_backends = 2;
	kernel_config_add(config, STR("web"), &(struct addr){{1}}, 80, IPPROTO_TCP, policy);
	config->entries[0].service = service;
	kernel_config_add(config, STR("dns"), &(struct addr){{2}}, 53, IPPROTO_UDP, NULL);
	config->nodes = ARENA_ARRAY(&arena, struct kernel_node, 2);
	config->nodes[0].name = STR("n1");
	config->n_nodes = 1;
	config->tunnel_peers = ARENA_ARRAY(&arena, struct addr, 2);
	config->n_tunnel_peers = 1;
	return config;
}

static void nothing(struct kernel_config *c)
{
	(void)c;
}

#define CHANGE(name, statement)                           \
	static void name(struct kernel_config *c)         \
	{                                                 \
		struct kernel_policy *p = c->policies[0]; \
		struct kernel_entry *e = c->entries;      \
		(void)p;                                  \
		(void)e;                                  \
		statement;                                \
	}
CHANGE(policy_name, p->name = STR("other"))
CHANGE(policy_object, p->object = STR("SourcePolicy/a/b"))
CHANGE(packets, p->packets.burst = 3)
CHANGE(syns, p->syns.per_second = 0.5)
CHANGE(bytes, p->bytes.per_second = 7)
CHANGE(v4_bits, p->v4_bits = 24)
CHANGE(v6_bits, p->v6_bits = 56)
CHANGE(connections, p->connections = 9)
CHANGE(network_packets, p->network.packets.per_second = 1)
CHANGE(network_syns, p->network.syns.per_second = 1)
CHANGE(network_bytes, p->network.bytes.burst = 1)
CHANGE(network_connections, p->network.connections = 1)
CHANGE(network_v4, p->network.v4_bits = 8)
CHANGE(network_v6, p->network.v6_bits = 8)
CHANGE(acl_action, p->acl[0].action = KERNEL_DENY)
CHANGE(acl_bits, p->acl[0].cidr.bits++)
CHANGE(acl_addr, p->acl[0].cidr.addr.byte[3]++)
CHANGE(acl_gone, p->n_acl = 0)
CHANGE(list_gone, p->n_lists = 0)
CHANGE(entry_name, e[0].name = STR("other"))
CHANGE(entry_addr, e[0].addr.byte[15] = 9)
CHANGE(entry_port, e[0].port = 81)
CHANGE(entry_last, e[0].port_last = 81)
CHANGE(entry_proto, e[0].proto = IPPROTO_UDP)
CHANGE(entry_policy, e[0].policy = NULL)
CHANGE(entry_service, e[0].service = NULL)
CHANGE(entry_point, e[1].point = 1)
CHANGE(entry_spread, e[0].is_spread = true)
CHANGE(entry_cookies, e[0].cookies = KERNEL_COOKIES_ON)
CHANGE(entry_gone, c->n_entries = 1)
CHANGE(service_name, c->services[0]->name = STR("shop/other"))
CHANGE(service_gone, c->n_services = 0)
CHANGE(shield_syns, c->shield.syns = 1)
CHANGE(shield_strays, c->shield.strays = 1)
CHANGE(shield_fragments, c->shield.fragments = 1)
CHANGE(shield_total, c->shield.fragments_total = 1)
CHANGE(node_name, c->nodes[0].name = STR("n2"))
CHANGE(node_addr, c->nodes[0].addr.byte[0] = 1)
CHANGE(node_self, c->nodes[0].is_self = true)
CHANGE(node_more, c->n_nodes = 2)
CHANGE(self4, c->self4.byte[0] = 1)
CHANGE(self6, c->self6.byte[0] = 1)
CHANGE(nat_first, c->nat_first = 1)
CHANGE(nat_last, c->nat_last = 1)
CHANGE(tunnels, c->opens_tunnels = true)
CHANGE(peers, c->n_tunnel_peers = 2)
CHANGE(seed, c->flow_seed[1] = 1)
/* What only rings show. */
CHANGE(weight, c->services[0]->backends[0].weight = 5)
CHANGE(fewer, c->services[0]->n_backends = 1)
CHANGE(mode, c->services[0]->mode = KERNEL_MODE_DSR_L2)

static const struct row {
	const char *name;
	void (*change)(struct kernel_config *config);
	bool is_same;
} rows[] = {
#define ROW(name)                  \
	{                          \
#name, name, false \
	}
	ROW(policy_name),
	ROW(policy_object),
	ROW(packets),
	ROW(syns),
	ROW(bytes),
	ROW(v4_bits),
	ROW(v6_bits),
	ROW(connections),
	ROW(network_packets),
	ROW(network_syns),
	ROW(network_bytes),
	ROW(network_connections),
	ROW(network_v4),
	ROW(network_v6),
	ROW(acl_action),
	ROW(acl_bits),
	ROW(acl_addr),
	ROW(acl_gone),
	ROW(list_gone),
	ROW(entry_name),
	ROW(entry_addr),
	ROW(entry_port),
	ROW(entry_last),
	ROW(entry_proto),
	ROW(entry_policy),
	ROW(entry_service),
	ROW(entry_point),
	ROW(entry_spread),
	ROW(entry_cookies),
	ROW(entry_gone),
	ROW(service_name),
	ROW(service_gone),
	ROW(shield_syns),
	ROW(shield_strays),
	ROW(shield_fragments),
	ROW(shield_total),
	ROW(node_name),
	ROW(node_addr),
	ROW(node_self),
	ROW(node_more),
	ROW(self4),
	ROW(self6),
	ROW(nat_first),
	ROW(nat_last),
	ROW(tunnels),
	ROW(peers),
	ROW(seed),
	{"nothing", nothing, true},
	{"weight", weight, true},
	{"fewer", fewer, true},
	{"mode", mode, true},
};

static void what_an_image_shows_is_in_it(void **state)
{
	const struct kernel_scale scale = {.tick_ns = 4000000, .seed = {1, 2}, .acl_lines = 64};
	uint64_t was = kernel_digest(config_new(), &scale);

	(void)state;
	for (size_t i = 0; i < ROWS(rows); i++) {
		struct kernel_config *config = config_new();

		rows[i].change(config);
		CHECK_INT(rows[i].name, kernel_digest(config, &scale) == was, rows[i].is_same);
	}
	for (int i = 0; i < 4; i++) {
		struct kernel_scale other = scale;

		other.tick_ns += i == 0;
		other.seed[0] += i == 1;
		other.seed[1] += i == 2;
		other.acl_lines += i == 3;
		assert_true(kernel_digest(config_new(), &other) != was);
	}
}

static void a_service_is_known_by_its_backends(void **state)
{
	uint64_t was = kernel_service_digest(config_new()->services[0]);

	(void)state;
	for (int i = 0; i < 9; i++) {
		struct kernel_service *service = config_new()->services[0];
		struct kernel_backend *backend = &service->backends[1];

		backend->addr.byte[7] += i == 1;
		backend->port += i == 2;
		backend->weight += i == 3;
		backend->quic_server_id += i == 4;
		if (i == 5)
			backend->state = KERNEL_BACKEND_DRAIN;
		service->n_backends -= i == 6;
		service->drain_ns += i == 7;
		if (i == 8)
			service->affinity = KERNEL_AFFINITY_SOURCE;
		CHECK_INT("same", kernel_service_digest(service) == was, i == 0);
	}
}

static int set_up(void **state)
{
	(void)state;
	arena_init(&arena, 64 << 20, 0);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	arena_done(&arena);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_an_image_shows_is_in_it),
		cmocka_unit_test(a_service_is_known_by_its_backends),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
