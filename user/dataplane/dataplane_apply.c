// SPDX-License-Identifier: Apache-2.0
/*
 * dataplane_apply: executes the operations between two configurations so that no packet sees a mix.
 *
 * Fill the spare half, flip the generation, wait until no packet can be using the old half any
 * more, clean up. The wait is membarrier(GLOBAL), which is an RCU grace period that needs no
 * privilege: XDP programs run inside RCU read sections. Because every apply ends with it, the spare
 * half is always quiet when the next one begins.
 */
#include <bpf/bpf.h>
#include <errno.h>
#include <linux/membarrier.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "dataplane/dataplane_maps.h"

enum { GRACE_FALLBACK_US = 100 * 1000 /* far more than a packet's time in the program */ };

static void wait_for_packets(void)
{
	/* Refused by nohz_full kernels only. */
	if (syscall(SYS_membarrier, MEMBARRIER_CMD_GLOBAL, 0, 0))
		usleep(GRACE_FALLBACK_US); /* lint-ok: nothing tells of a packet's end then */
}

static int set_prefix(const struct dataplane *dataplane, const struct abi_acl_key *key,
		      uint32_t since, enum abi_action before, enum abi_action after)
{
	struct abi_acl_value value = {
		.since = since, .before = (uint8_t)before, .after = (uint8_t)after};

	return bpf_map_update_elem(dataplane->maps.fd[LOADER_MAP_ACL], key, &value, BPF_ANY)
		       ? -errno
		       : 0;
}

/*
 * The prefixes in the trie, as packets of this generation see them. A node that waits for a
 * generation which never came (a crash between filling and flipping) is settled on its present
 * meaning.
 */
static int read_prefixes(struct dataplane *dataplane, struct arena *arena,
			 struct kernel_image *image)
{
	int fd = dataplane->maps.fd[LOADER_MAP_ACL];
	uint32_t generation = dataplane->control->generation;
	struct abi_acl_key key, *at = NULL;
	struct abi_acl_value value;
	size_t room = 0;

	while (!bpf_map_get_next_key(fd, at, &key)) {
		at = &key;
		if (bpf_map_lookup_elem(fd, &key, &value))
			continue;
		if (image->n_acl == room) {
			size_t more = room ? room * 2 : 64;
			struct kernel_image_acl *acl =
				ARENA_ARRAY(arena, struct kernel_image_acl, more);

			if (!acl)
				return -ENOMEM;
			if (room)
				memcpy(acl, image->acl, room * sizeof(*acl));
			image->acl = acl;
			room = more;
		}
		bool is_pending = (int32_t)(generation - value.since) < 0;
		enum abi_action action = is_pending ? value.before : value.after;

		if (is_pending)
			TRY(set_prefix(dataplane, &key, generation, action, action));
		image->acl[image->n_acl++] =
			(struct kernel_image_acl){.key = key, .action = action};
	}
	if (errno != ENOENT)
		return -errno;
	kernel_image_sort(image);
	return 0;
}

/* What another process, or this one before a restart, left in force. */
static int read_back(struct dataplane *dataplane)
{
	struct arena *arena = &dataplane->arenas[dataplane->arena];
	struct kernel_image *image = ARENA_NEW(arena, struct kernel_image);
	uint32_t half = dataplane_half(dataplane);

	if (!image)
		return -ENOMEM;
	memcpy(image->policies, dataplane->policies + half * ABI_POLICIES, sizeof(image->policies));
	memcpy(image->entries, dataplane->entries + half * ABI_ENTRIES, sizeof(image->entries));
	memcpy(image->ports, dataplane->ports + half * ABI_PORT_LINES, sizeof(image->ports));
	memcpy(image->gate, dataplane->gate + half * ABI_GATE_LINES, sizeof(image->gate));
	TRY(read_prefixes(dataplane, arena, image));
	dataplane->image = image;
	return 0;
}

/* The spare half becomes a copy of the one in force; then it takes the changes. */
static void copy_half(struct dataplane *dataplane, uint32_t from, uint32_t to)
{
	memcpy(dataplane->policies + to * ABI_POLICIES, dataplane->policies + from * ABI_POLICIES,
	       ABI_POLICIES * sizeof(*dataplane->policies));
	memcpy(dataplane->entries + to * ABI_ENTRIES, dataplane->entries + from * ABI_ENTRIES,
	       ABI_ENTRIES * sizeof(*dataplane->entries));
	memcpy(dataplane->ports + to * ABI_PORT_LINES, dataplane->ports + from * ABI_PORT_LINES,
	       ABI_PORT_LINES * sizeof(*dataplane->ports));
	memcpy(dataplane->gate + to * ABI_GATE_LINES, dataplane->gate + from * ABI_GATE_LINES,
	       ABI_GATE_LINES * sizeof(*dataplane->gate));
}

static int fill(struct dataplane *dataplane, const struct kernel_op *op, uint32_t half,
		uint32_t next)
{
	switch (op->kind) {
	case KERNEL_OP_POLICY:
		dataplane->policies[half * ABI_POLICIES + op->index] = *op->policy;
		return 0;
	case KERNEL_OP_ENTRY:
		dataplane->entries[half * ABI_ENTRIES + op->index] = *op->entry;
		return 0;
	case KERNEL_OP_PORT:
		dataplane->ports[half * ABI_PORT_LINES + op->index] = *op->port;
		return 0;
	case KERNEL_OP_GATE:
		dataplane->gate[half * ABI_GATE_LINES + op->index] = *op->gate;
		return 0;
	case KERNEL_OP_ACL:
		return set_prefix(dataplane, op->acl.key, next, op->acl.before, op->acl.after);
	case KERNEL_OP_ACL_DEL:
		return 0;
	}
	return -EINVAL;
}

/* Takes back the first n operations: no node may wait for a generation that means something else
 * later. */
static void take_back(struct dataplane *dataplane, const struct kernel_ops *ops, size_t n)
{
	uint32_t generation = dataplane->control->generation;

	for (size_t i = 0; i < n; i++)
		if (ops->at[i].kind == KERNEL_OP_ACL)
			set_prefix(dataplane, ops->at[i].acl.key, generation, ops->at[i].acl.before,
				   ops->at[i].acl.before);
	dataplane->image = NULL; /* read it back next time: extra nodes may remain */
}

static void clean_up(struct dataplane *dataplane, const struct kernel_ops *ops,
		     const struct kernel_image *old, const struct kernel_image *new)
{
	for (size_t i = 0; i < ops->n; i++)
		if (ops->at[i].kind == KERNEL_OP_ACL_DEL)
			bpf_map_delete_elem(dataplane->maps.fd[LOADER_MAP_ACL], ops->at[i].acl.key);
	for (uint32_t i = 1; i < ABI_POLICIES; i++)
		if (old->policies[i].name[0] &&
		    memcmp(old->policies[i].name, new->policies[i].name, ABI_NAME_BYTES))
			dataplane_forget_policy(dataplane, i);
}

int dataplane_apply(struct dataplane *dataplane, const struct kernel_config *config,
		    struct dataplane_result *ret_result)
{
	struct arena *arena = &dataplane->arenas[!dataplane->arena];
	struct kernel_scale scale = {.tick_ns = dataplane->control->tick_ns};
	uint64_t begun_ns = clock_mono_ns(), published_ns;
	struct kernel_image *new;
	struct kernel_ops ops;

	memcpy(scale.seed, dataplane->control->seed, sizeof(scale.seed));
	if (!dataplane->image) {
		arena_reset(&dataplane->arenas[dataplane->arena]);
		TRY(read_back(dataplane));
	}
	const struct kernel_image *old = dataplane->image;
	uint32_t generation = dataplane->control->generation, half = generation & 1;

	arena_reset(arena);
	TRY(kernel_image(config, old, &scale, arena, &new));
	TRY(kernel_diff(old, new, arena, &ops));
	*ret_result = (struct dataplane_result){.generation = generation};
	if (!ops.n)
		return 0;

	/* Remembered answers name 22 bits of their generation: none may live to see them again. */
	if ((generation + 1) % ABI_ANSWER_GENERATIONS == 0)
		memset(dataplane->answers, 0,
		       dataplane->n_answer_lines * sizeof(*dataplane->answers));
	copy_half(dataplane, half, !half);
	for (size_t i = 0; i < ops.n; i++) {
		int err = fill(dataplane, &ops.at[i], !half, generation + 1);

		if (err) {
			take_back(dataplane, &ops, i);
			return err;
		}
	}
	__atomic_store_n(&dataplane->control->generation, generation + 1, __ATOMIC_RELEASE);
	published_ns = clock_mono_ns();
	wait_for_packets();
	clean_up(dataplane, &ops, old, new);
	dataplane->image = new;
	dataplane->arena = !dataplane->arena;
	*ret_result = (struct dataplane_result){
		.generation = generation + 1,
		.n_ops = (uint32_t)ops.n,
		.publish_ns = published_ns - begun_ns,
		.cleanup_ns = clock_mono_ns() - published_ns,
	};
	return 0;
}
