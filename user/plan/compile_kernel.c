// SPDX-License-Identifier: Apache-2.0
/* compile_kernel: the order of work, and names that fit into the maps. */

#include "plan/compile_kernel.h"

#include "base/hash.h"

void compile_kernel(struct compile *c)
{
	struct kernel_config *config;

	c->snapshot->kernel = NULL;
	c->snapshot->vip_probes = NULL;
	compile_source_policies(c);
	/* Made just now: nobody has it yet. */
	config = (struct kernel_config *)c->snapshot->kernel;

	if (!config)
		return;
	static_forwarding_nat_ports(&c->config->forwarding, &config->nat_first, &config->nat_last);
	compile_nodes(c, config);
	compile_offload(c, config);
	compile_virtual_addresses(c, config);
}

bool compile_kernel_is_off(const struct compile *c)
{
	return str_eq_nocase(c->config->kernel_plane, STR("off"));
}

struct str compile_kernel_name(struct compile *c, struct str text)
{
	enum { HASH_TEXT = 9 };

	if (text.len <= KERNEL_NAME_MAX)
		return text;
	return arena_printf(c->arena, STR_FMT "~%08x",
			    STR_ARG(str_take(text, KERNEL_NAME_MAX - HASH_TEXT)),
			    (unsigned int)hash_fnv1a64(text));
}
