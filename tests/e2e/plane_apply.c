// SPDX-License-Identifier: Apache-2.0
/*
 * plane_apply: gives a loaded kernel plane a configuration from lines of text, without a proxy, so
 * that tests of forwarding need no process to stay alive.
 *
 *	plane_apply PIN-FOLDER < LINES	the configuration; one step of upkeep follows
 *	plane_apply PIN-FOLDER totals	counters as JSON
 *
 * Lines: self ADDR | ports FIRST LAST | tunnels | peer ADDR | node NAME ADDR self|other |
 * service NAME MODE | backend ADDR PORT STATE | entry NAME ADDR PORT LAST tcp|udp SERVICE|-
 *spread|alone | limit CONNECTIONS (open at once, of a source, to each entry that follows)
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "dataplane/dataplane.h"

enum { NODES_MAX = 16, PEERS_MAX = 16, BACKENDS_MAX = 64, WORDS = 8, WORD = 64 };

struct plan {
	struct kernel_config *config;
	struct kernel_node nodes[NODES_MAX];
	struct addr peers[PEERS_MAX];
	struct kernel_service *service;
	const struct kernel_policy *policy;
};

static void fail(const char *what)
{
	fprintf(stderr, "plane_apply: %s\n", what);
	exit(1);
}

static struct addr address(const char *text)
{
	struct addr addr = {0};

	if (strcmp(text, "any") && addr_parse(str_of(text), &addr))
		fail(text);
	return addr;
}

static enum kernel_mode mode_of(const char *word)
{
	static const char *const words[] = {
#define WORD_OF(id, word, text) word,
		KERNEL_MODES(WORD_OF)};

	for (int i = 0; i < KERNEL_MODE__COUNT; i++)
		if (!strcmp(words[i], word))
			return (enum kernel_mode)i;
	fail(word);
	return KERNEL_MODE_NAT;
}

static void take_entry(struct plan *plan, char word[WORDS][WORD])
{
	struct kernel_config *config = plan->config;
	struct addr addr = address(word[2]);
	uint8_t proto = strcmp(word[5], "udp") ? IPPROTO_TCP : IPPROTO_UDP;

	if (!kernel_config_add(config, str_of(word[1]), &addr, (uint16_t)atoi(word[3]), proto,
			       plan->policy))
		fail("no room");
	struct kernel_entry *entry = &config->entries[config->n_entries - 1];

	entry->port_last = (uint16_t)atoi(word[4]);
	entry->is_spread = !strcmp(word[7], "spread");
	if (strcmp(word[6], "-"))
		entry->service = kernel_config_service(config, str_of(word[6]));
}

static void take_backend(struct plan *plan, char word[WORDS][WORD])
{
	struct kernel_service *service = plan->service;

	if (!service || service->n_backends == BACKENDS_MAX)
		fail("backend");
	service->backends[service->n_backends++] = (struct kernel_backend){
		.addr = address(word[1]),
		.port = (uint16_t)atoi(word[2]),
		.weight = 1,
		.state = !strcmp(word[3], "dead")    ? KERNEL_BACKEND_DEAD
			 : !strcmp(word[3], "drain") ? KERNEL_BACKEND_DRAIN
						     : KERNEL_BACKEND_ACTIVE,
	};
}

static void take_service(struct plan *plan, char word[WORDS][WORD])
{
	plan->service = kernel_config_service(plan->config, str_of(word[1]));
	plan->service->mode = mode_of(word[2]);
	plan->service->backends =
		ARENA_ARRAY(plan->config->arena, struct kernel_backend, BACKENDS_MAX);
}

static void take_node(struct plan *plan, char word[WORDS][WORD])
{
	if (plan->config->n_nodes == NODES_MAX)
		fail("nodes");
	plan->nodes[plan->config->n_nodes++] = (struct kernel_node){
		.name = arena_str(plan->config->arena, str_of(word[1])),
		.addr = address(word[2]),
		.is_self = !strcmp(word[3], "self"),
	};
}

static void take_limit(struct plan *plan, char word[WORDS][WORD])
{
	struct kernel_policy *policy = kernel_config_policy(plan->config, STR("few"));

	if (!policy)
		fail("policy");
	policy->connections = (uint32_t)atoi(word[1]);
	plan->policy = policy;
}

static void take(struct plan *plan, char word[WORDS][WORD])
{
	struct kernel_config *config = plan->config;

	if (!strcmp(word[0], "self")) {
		struct addr addr = address(word[1]);

		*(addr_is_v4(&addr) ? &config->self4 : &config->self6) = addr;
	} else if (!strcmp(word[0], "ports")) {
		config->nat_first = (uint16_t)atoi(word[1]);
		config->nat_last = (uint16_t)atoi(word[2]);
	} else if (!strcmp(word[0], "tunnels")) {
		config->opens_tunnels = true;
	} else if (!strcmp(word[0], "peer") && config->n_tunnel_peers < PEERS_MAX) {
		plan->peers[config->n_tunnel_peers++] = address(word[1]);
	} else if (!strcmp(word[0], "node")) {
		take_node(plan, word);
	} else if (!strcmp(word[0], "service")) {
		take_service(plan, word);
	} else if (!strcmp(word[0], "backend")) {
		take_backend(plan, word);
	} else if (!strcmp(word[0], "entry")) {
		take_entry(plan, word);
	} else if (!strcmp(word[0], "limit")) {
		take_limit(plan, word);
	} else {
		fail(word[0]);
	}
}

static int apply(struct dataplane *dataplane)
{
	struct dataplane_result result;
	struct plan plan = {0};
	struct arena arena;
	char line[WORDS * WORD];

	arena_init(&arena, 64 << 20, 0);
	plan.config = kernel_config_new(&arena);
	plan.config->nodes = plan.nodes;
	plan.config->tunnel_peers = plan.peers;
	while (fgets(line, sizeof(line), stdin)) {
		char word[WORDS][WORD] = {""};

		if (sscanf(line, "%63s %63s %63s %63s %63s %63s %63s %63s", word[0], word[1],
			   word[2], word[3], word[4], word[5], word[6], word[7]) > 0)
			take(&plan, word);
	}
	int err = dataplane_apply(dataplane, plan.config, &result);

	if (err)
		fprintf(stderr, "plane_apply: %s\n", strerror(-err));
	arena_done(&arena);
	return err;
}

static int print_totals(struct dataplane *dataplane)
{
	struct dataplane_totals totals;

	if (dataplane_totals(dataplane, &totals))
		return 1;
	printf("{\"received\": %llu, \"tx\": %llu, \"redirect\": %llu",
	       (unsigned long long)totals.received, (unsigned long long)totals.tx,
	       (unsigned long long)totals.redirect);
	for (int i = 0; i < ABI_PASS__COUNT; i++)
		printf(", \"pass.%s\": %llu", dataplane_pass_label((enum abi_pass)i),
		       (unsigned long long)totals.pass[i]);
	for (int i = 0; i < ABI_SEND__COUNT; i++)
		printf(", \"send.%s\": %llu", dataplane_send_label((enum abi_send)i),
		       (unsigned long long)totals.send[i]);
	for (int i = 0; i < ABI_DROP__COUNT; i++)
		printf(", \"drop.%s\": %llu", dataplane_drop_label((enum abi_drop)i),
		       (unsigned long long)totals.drop[i]);
	printf("}\n");
	return 0;
}

int main(int argc, char **argv)
{
	struct dataplane *dataplane;
	int err;

	if (argc < 2 || dataplane_open_pinned(argv[1], &dataplane))
		fail("nothing is loaded there");
	err = argc > 2 ? print_totals(dataplane) : apply(dataplane);
	dataplane_close(dataplane);
	return err ? 1 : 0;
}
