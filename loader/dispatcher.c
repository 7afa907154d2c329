// SPDX-License-Identifier: Apache-2.0
/* dispatcher: see dispatcher.h. */
#include "dispatcher.h"

#include <bpf/bpf.h>
#include <errno.h>
#include <linux/if_link.h>
#include <net/if.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include <xdp/libxdp.h>

#include "fault.h"
#include "program.h"

enum { RUN_PRIORITY = 10 /* before those that state none: libxdp's preset is 50 */ };

/* Named as in the object; a program of another maker with that name shares none of our maps. */
static const char *const program_name = "ingress_shared";

bool dispatcher_works(void)
{
	/* r0 = 0; exit. Without a target the kernel says EINVAL, or EPERM when it takes none of the
	 * kind. */
	const struct bpf_insn insns[] = {{.code = BPF_ALU64 | BPF_MOV | BPF_K},
					 {.code = BPF_JMP | BPF_EXIT}};
	int fd = bpf_prog_load(BPF_PROG_TYPE_EXT, "probe", "GPL", insns, 2, NULL);

	if (fd >= 0)
		close(fd);
	return fd >= 0 || errno != EPERM;
}

static int attach_in(struct ingress *skel, enum xdp_attach_mode mode, uint32_t ifindex,
		     uint32_t *ret_program_id)
{
	DECLARE_LIBXDP_OPTS(xdp_program_opts, options, .obj = skel->obj, .prog_name = program_name);
	struct xdp_program *program = xdp_program__create(&options);
	int err = (int)libxdp_get_error(program);

	if (err)
		return err;
	xdp_program__set_run_prio(program, RUN_PRIORITY);
	xdp_program__set_xdp_frags_support(program, true);
	err = xdp_program__attach(program, (int)ifindex, mode, 0);
	if (!err)
		*ret_program_id = xdp_program__id(program);
	xdp_program__close(program);
	return err;
}

/* Whether the interface has a dispatcher now, and not a program put there directly. */
static bool is_shared(uint32_t ifindex)
{
	struct xdp_multiprog *multi = xdp_multiprog__get_from_ifindex((int)ifindex);

	if (libxdp_get_error(multi))
		return false;
	bool shared = !xdp_multiprog__is_legacy(multi);

	xdp_multiprog__close(multi);
	return shared;
}

static int attach_mode(const struct loader_options *options, enum xdp_attach_mode mode,
		       struct loader_attachment *attachment)
{
	struct loader_fault fault;
	struct bpf_program *program;
	struct ingress *skel;
	int err = program_open(options, &skel, &fault);

	if (err)
		return err;
	/* A program array serves one type of program: the slot behind us is the dispatcher's
	 * business here. */
	bpf_map__set_pin_path(skel->maps.next, NULL);
	bpf_map__set_pin_path(skel->maps.stage, NULL);
	bpf_object__for_each_program(program, skel->obj)
		bpf_program__set_autoload(program, program == skel->progs.ingress_shared);
	err = attach_in(skel, mode, attachment->ifindex, &attachment->program_id);
	ingress__destroy(skel);
	if (err)
		return err;
	if (!is_shared(attachment->ifindex)) {
		/* libxdp fell back to attaching directly, which a link does better. */
		bpf_xdp_detach((int)attachment->ifindex,
			       mode == XDP_MODE_SKB ? XDP_FLAGS_SKB_MODE : XDP_FLAGS_DRV_MODE,
			       NULL);
		return -EOPNOTSUPP;
	}
	attachment->is_native = mode == XDP_MODE_NATIVE;
	attachment->how = LOADER_BY_DISPATCHER;
	return 0;
}

/* Ours among the programs of an interface, or NULL; *ret_multi must be closed in any case. */
static struct xdp_program *find_ours(uint32_t ifindex, struct xdp_multiprog **ret_multi)
{
	struct xdp_multiprog *multi = xdp_multiprog__get_from_ifindex((int)ifindex);
	struct xdp_program *program = NULL;

	*ret_multi = NULL;
	if (libxdp_get_error(multi))
		return NULL;
	*ret_multi = multi;
	if (xdp_multiprog__is_legacy(multi))
		return NULL;
	while ((program = xdp_multiprog__next_prog(program, multi)))
		if (!strcmp(xdp_program__name(program), program_name))
			return program;
	return NULL;
}

int dispatcher_attach(const struct loader_options *options, struct loader_attachment *attachment)
{
	struct xdp_multiprog *multi;
	int err = -EOPNOTSUPP;

	if (options->no_dispatcher || !dispatcher_works())
		return -EPERM;
	struct xdp_program *ours = find_ours(attachment->ifindex, &multi);

	if (ours) {
		attachment->program_id = xdp_program__id(ours);
		attachment->is_native = xdp_multiprog__attach_mode(multi) == XDP_MODE_NATIVE;
		attachment->how = LOADER_BY_DISPATCHER;
		attachment->was_there = true;
	}
	if (multi)
		xdp_multiprog__close(multi);
	if (ours)
		return 0;
	if (options->mode != LOADER_GENERIC)
		err = attach_mode(options, XDP_MODE_NATIVE, attachment);
	if (err && options->mode != LOADER_NATIVE)
		err = attach_mode(options, XDP_MODE_SKB, attachment);
	if (err)
		snprintf(attachment->why, sizeof(attachment->why),
			 "libxdp's dispatcher could not be used: %s", strerror(-err));
	return err;
}

static int switch_one(const struct loader_options *options, uint32_t ifindex)
{
	struct loader_attachment attachment = {.ifindex = ifindex};
	struct xdp_multiprog *multi;
	struct xdp_program *old = find_ours(ifindex, &multi);
	int err = 0;

	if (old) {
		enum xdp_attach_mode mode = xdp_multiprog__attach_mode(multi);

		/* The new one first: for a moment both run, but never none. */
		err = attach_mode(options, mode, &attachment);
		if (!err)
			err = xdp_program__detach(old, (int)ifindex, mode, 0);
	}
	if (multi)
		xdp_multiprog__close(multi);
	return err;
}

int dispatcher_switch_all(const struct loader_options *options, struct loader_fault *ret_fault)
{
	int err = 0;

	if (options->no_dispatcher || !dispatcher_works())
		return 0;
	struct if_nameindex *all = if_nameindex();

	for (struct if_nameindex *at = all; at && at->if_index && !err; at++) {
		err = switch_one(options, at->if_index);
		if (err)
			fault_set(ret_fault, err, "cannot replace the program of %s: %s",
				  at->if_name, strerror(-err));
	}
	if_freenameindex(all);
	return err;
}

int dispatcher_detach(uint32_t ifindex)
{
	struct xdp_multiprog *multi;
	int err = -ENOENT;

	if (!ifindex || !dispatcher_works())
		return -ENOENT;
	struct xdp_program *ours = find_ours(ifindex, &multi);

	if (ours)
		err = xdp_program__detach(ours, (int)ifindex, xdp_multiprog__attach_mode(multi), 0);
	if (multi)
		xdp_multiprog__close(multi);
	return err;
}

void dispatcher_detach_all(const struct loader_options *options)
{
	struct loader_attachment rows[64];
	int n = dispatcher_list(options, rows, 64);

	for (int i = 0; i < n; i++)
		dispatcher_detach(rows[i].ifindex);
}

int dispatcher_list(const struct loader_options *options, struct loader_attachment *ret_rows,
		    int max)
{
	int n = 0;

	if (options->no_dispatcher || !dispatcher_works())
		return 0;
	struct if_nameindex *all = if_nameindex();

	for (struct if_nameindex *at = all; at && at->if_index && n < max; at++) {
		struct xdp_multiprog *multi;
		struct xdp_program *ours = find_ours(at->if_index, &multi);

		if (ours) {
			ret_rows[n] = (struct loader_attachment){
				.ifindex = at->if_index,
				.program_id = xdp_program__id(ours),
				.is_native = xdp_multiprog__attach_mode(multi) == XDP_MODE_NATIVE,
				.how = LOADER_BY_DISPATCHER,
			};
			snprintf(ret_rows[n++].ifname, IF_NAMESIZE, "%.15s", at->if_name);
		}
		if (multi)
			xdp_multiprog__close(multi);
	}
	if_freenameindex(all);
	return n;
}
