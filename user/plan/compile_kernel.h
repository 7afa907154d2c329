/* SPDX-License-Identifier: Apache-2.0 */
#ifndef COMPILE_KERNEL_H
#define COMPILE_KERNEL_H

/*
 * compile_kernel: what the files of compile that fill the kernel plane's configuration have for
 * each other: VirtualAddresses, routes that it forwards by itself, nodes. The entry points stand
 * there already (compile_source_policy), in the order of snapshot->entry_points.
 */

#include "model/virtual_address.h"
#include "plan/compile_stream.h"
#include "plan/vip_probe.h"

/* The section of the kernel plane: policies, then everything below. */
void compile_kernel(struct compile *c);

/* Switched off by the options, or found to be impossible here: nothing of it is in force. */
bool compile_kernel_is_off(const struct compile *c);

/* What a thing is called in the maps: cut, with a hash of the whole, when it is too long. */
struct str compile_kernel_name(struct compile *c, struct str text);

/* compile_offload: routes of TCP and UDP. */
void compile_offload(struct compile *c, struct kernel_config *config);
/* compile_virtual_address: VirtualAddress objects. */
void compile_virtual_addresses(struct compile *c, struct kernel_config *config);
/* compile_vip: what a VirtualAddress object means by itself; what its unit is made by. */
struct vip_entry {
	struct addr addr;
	uint16_t first, last; /* ports */
	uint32_t place;	      /* of the address among the object's */
	struct str name;
};
struct compiled_vip {
	const struct kernel_service *services[2]; /* for IPv6, for IPv4; NULL: there is none */
	const struct vip_probe *probe;		  /* NULL: none */
	struct vip_entry *entries;
	size_t n_entries;
};
/* NULL: the object is not valid. */
const struct compiled_vip *compile_vip_object(struct compile *c, const struct object *object);

/* compile_node: the set of nodes over which flows are spread. */
void compile_nodes(struct compile *c, struct kernel_config *config);

/* compile_kernel_backends: members by reference, each with its share. */
#define COMPILE_HEALTH "health" /* the key of what stands on checks' results */
struct kernel_shares {
	struct compile *compile;
	struct share {
		struct addr addr;
		uint16_t port;
		double weight;
		enum kernel_backend_state state;
		struct live_member *member; /* NULL: not checked */
	} * at;
	size_t n, room;
};
bool compile_kernel_share(struct kernel_shares *shares, const struct share *share);
/* Each of the ones from `from` on that are active gets an equal part of weight. */
void compile_kernel_divide(struct kernel_shares *shares, size_t from, double weight);
/* Of one family, with whole weights; equal ones once. When none is well, all are (fail open). */
bool compile_kernel_fill(const struct kernel_shares *shares, bool is_v4,
			 struct kernel_service *ret_service);
/* Whether there is one of that family. */
bool compile_kernel_has(const struct kernel_shares *shares, bool is_v4);

#endif
