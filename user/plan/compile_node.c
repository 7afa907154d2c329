// SPDX-License-Identifier: Apache-2.0
/*
 * compile_node: Node objects -> the set of nodes over which flows of VirtualAddresses are spread.
 *
 * A node is in the set when it says so (label or annotation tidegate.io/spread: "true"), and is
 * what its InternalIP is. This node knows itself by forwarding.nodeName. One that is not ready, or
 * is about to leave (tidegate.io/spread: "drain"), keeps the flows that it has.
 */

#include "base/hash.h"
#include "model/core_node.h"
#include "plan/compile_kernel.h"

#define SPREAD_KEY "tidegate.io/spread"

static struct str word_of(const struct object *object)
{
	const struct str_map *maps[] = {&object->meta.labels, &object->meta.annotations};

	for (size_t i = 0; i < 2; i++)
		for (size_t j = 0; j < maps[i]->n; j++)
			if (str_eq(maps[i]->at[j].key, STR(SPREAD_KEY)))
				return maps[i]->at[j].value;
	return (struct str){0};
}

/* The first InternalIP of a family; false: none. */
static bool address_of(const struct core_node *node, bool is_v4, struct addr *ret_addr)
{
	for (size_t i = 0; i < node->addresses.n; i++) {
		const struct node_address *row =
			LIST_AT(node->addresses, const struct node_address, i);
		struct addr addr;

		if (!str_eq(row->type, STR("InternalIP")) || addr_parse(row->address, &addr) < 0 ||
		    addr_is_v4(&addr) != is_v4)
			continue;
		*ret_addr = addr;
		return true;
	}
	return false;
}

static void set_seed(struct compile *c, struct kernel_config *config)
{
	unsigned char digest[32];
	struct str text = c->config->forwarding.flow_secret;

	for (size_t i = 0; !c->config->forwarding.flow_secret.len && i < config->n_nodes; i++)
		text = arena_printf(&c->scratch, STR_FMT "\n" STR_FMT, STR_ARG(text),
				    STR_ARG(config->nodes[i].name));
	hash_sha256(text, digest);
	memcpy(config->flow_seed, digest, sizeof(config->flow_seed));
}

static void add(struct compile *c, struct kernel_config *config, const struct object *object)
{
	const struct core_node *spec = object->spec;
	struct str word = word_of(object);
	struct kernel_node *node = &config->nodes[config->n_nodes];
	struct diag *diag;

	if (!str_eq(word, STR("true")) && !str_eq(word, STR("drain")))
		return;
	*node = (struct kernel_node){
		.name = object->meta.name,
		.is_self = str_eq(object->meta.name, c->config->forwarding.node_name),
		.state = str_eq(word, STR("true")) ? KERNEL_BACKEND_ACTIVE : KERNEL_BACKEND_DRAIN,
	};
	if (!address_of(spec, true, &node->addr) && !address_of(spec, false, &node->addr)) {
		diag = diag_error(c->sink, DIAG_FIELD(NULL, "status"),
				  "the node has no InternalIP, so no flow is spread to it");
		diag_suggest(c->sink, diag, "status.addresses: [{type: InternalIP, address: ...}]");
		return;
	}
	if (node->is_self) {
		address_of(spec, true, &config->self4);
		address_of(spec, false, &config->self6);
	}
	config->n_nodes++;
}

void compile_nodes(struct compile *c, struct kernel_config *config)
{
	bool has_self = false;
	size_t n;
	struct object **objects = compile_sorted(c, KIND_NODE, &n);

	config->nodes = ARENA_ARRAY(c->arena, struct kernel_node, KERNEL_NODES_MAX);
	for (size_t i = 0; objects && config->nodes && i < n; i++) {
		struct compile_about before;

		if (!objects[i]->valid)
			continue;
		before = compile_about(c, objects[i]);
		if (config->n_nodes == KERNEL_NODES_MAX)
			diag_error(c->sink, NULL, "there is no room for more than %d nodes",
				   KERNEL_NODES_MAX);
		else
			add(c, config, objects[i]);
		compile_about_end(c, before);
	}
	for (size_t i = 0; i < config->n_nodes; i++)
		has_self |= config->nodes[i].is_self;
	/* A set without this node would send everything away. */
	if (!has_self)
		config->n_nodes = 0;
	if (!config->n_nodes)
		return;
	config->opens_tunnels = true;
	set_seed(c, config);
}
