// SPDX-License-Identifier: Apache-2.0
/*
 * attach: see attach.h. A bpf_link cannot be stolen by another program, its pin keeps it alive
 * without us, and its program is exchanged in one step.
 */
#include "attach.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <linux/if_link.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "fault.h"
#include "pin.h"
#include "tc.h"

void attach_pin_name(const char *ifname, char ret_name[64])
{
	snprintf(ret_name, 64, "link_%s", ifname);
}

int attach_look(uint32_t ifindex, struct attach_seen *ret_seen)
{
	LIBBPF_OPTS(bpf_xdp_query_opts, query);
	struct bpf_prog_info info = {0};
	__u32 size = sizeof(info);
	int err = bpf_xdp_query((int)ifindex, 0, &query);

	if (err)
		return err;
	*ret_seen = (struct attach_seen){
		.program_id = query.prog_id,
		.is_native = query.attach_mode == XDP_ATTACHED_DRV,
	};
	if (query.attach_mode == XDP_ATTACHED_MULTI)
		ret_seen->program_id = query.drv_prog_id ? query.drv_prog_id : query.skb_prog_id;
	if (!ret_seen->program_id)
		return 0;
	int fd = bpf_prog_get_fd_by_id(ret_seen->program_id);

	snprintf(ret_seen->name, sizeof(ret_seen->name), "?");
	if (fd >= 0) {
		if (!bpf_obj_get_info_by_fd(fd, &info, &size))
			snprintf(ret_seen->name, sizeof(ret_seen->name), "%s", info.name);
		close(fd);
	}
	return 0;
}

uint32_t attach_link_ifindex(int link_fd, uint32_t *ret_program_id)
{
	struct bpf_link_info info = {0};
	__u32 size = sizeof(info);

	/* In both types the interface stands first. */
	if (bpf_obj_get_info_by_fd(link_fd, &info, &size) ||
	    (info.type != BPF_LINK_TYPE_XDP && info.type != TC_LINK_TYPE))
		return 0;
	if (ret_program_id)
		*ret_program_id = info.prog_id;
	return info.xdp.ifindex;
}

uint32_t attach_link_type(int link_fd)
{
	struct bpf_link_info info = {0};
	__u32 size = sizeof(info);

	return bpf_obj_get_info_by_fd(link_fd, &info, &size) ? 0 : info.type;
}

const char *attach_mode_name(const struct loader_attachment *attachment)
{
	return attachment->is_refused	  ? "none"
	       : attachment->is_elsewhere ? "unknown"
	       : attachment->is_tc	  ? "tc"
	       : attachment->is_native	  ? "native"
					  : "generic";
}

const char *attach_how_name(const struct loader_attachment *attachment)
{
	static const char *const names[] = {[LOADER_BY_LINK] = "pinned link",
					    [LOADER_BY_DISPATCHER] = "libxdp dispatcher",
					    [LOADER_BY_TCX] = "tcx link",
					    [LOADER_BY_FILTER] = "clsact filter"};

	return names[attachment->how];
}

static const char *native_refused(int err)
{
	switch (err) {
	case -EOPNOTSUPP:
		return "the driver has no native XDP";
	case -ERANGE:
		return "the MTU is too large for native XDP in this driver";
	case -EINVAL:
		return "the driver refuses native XDP with its present settings (LRO, queues or "
		       "MTU)";
	case -ENOMEM:
	case -ENOSPC:
		return "the driver has too few queues or too little memory for native XDP";
	default:
		return strerror(-err);
	}
}

static int link_create(uint32_t ifindex, int prog_fd, uint32_t flags)
{
	LIBBPF_OPTS(bpf_link_create_opts, create, .flags = flags);
	int fd = bpf_link_create(prog_fd, (int)ifindex, BPF_XDP, &create);

	return fd < 0 ? -errno : fd;
}

int attach_link(const struct loader_options *options, int prog_fd,
		struct loader_attachment *attachment, struct loader_fault *ret_fault)
{
	const char *ifname = attachment->ifname;
	char name[64];
	int fd = -EOPNOTSUPP;

	if (options->mode != LOADER_GENERIC) {
		fd = link_create(attachment->ifindex, prog_fd, XDP_FLAGS_DRV_MODE);
		attachment->is_native = fd >= 0;
		if (fd < 0 && options->mode == LOADER_NATIVE)
			return fault_set(
				ret_fault, fd,
				"%s cannot run it natively: %s; --mode=generic would work, slower",
				ifname, native_refused(fd));
		if (fd < 0)
			snprintf(attachment->why, sizeof(attachment->why), "%s",
				 native_refused(fd));
	}
	if (fd < 0)
		fd = link_create(attachment->ifindex, prog_fd, XDP_FLAGS_SKB_MODE);
	if (fd < 0)
		return fault_set(ret_fault, fd, "cannot attach to %s: %s", ifname, strerror(-fd));
	attachment->how = LOADER_BY_LINK;
	attach_pin_name(ifname, name);
	int err = pin_replace(options, fd, name);

	attach_link_ifindex(fd, &attachment->program_id);
	close(fd); /* without a pin this detaches */
	return err ? fault_set(ret_fault, err, "cannot pin the link of %s in %s: %s", ifname,
			       pin_folder(options), strerror(-err))
		   : 0;
}

struct switching {
	int prog_fd;
	uint32_t type;
	struct loader_fault *fault;
};

static int switch_one(const char *name, const char *path, void *user)
{
	struct switching *switching = user;
	int fd = bpf_obj_get(path), err = 0;

	if (fd < 0)
		return fault_set(switching->fault, -errno, "cannot open %s: %m", path);
	if (!attach_link_ifindex(fd, NULL))
		unlink(path); /* the interface is gone, and with it what the link was for */
	else if (attach_link_type(fd) == switching->type &&
		 bpf_link_update(fd, switching->prog_fd, NULL))
		err = fault_set(switching->fault, -errno, "cannot replace the program of %s: %m",
				name + strlen("link_"));
	close(fd);
	return err;
}

int attach_switch_all(const struct loader_options *options, int prog_fd, uint32_t type,
		      struct loader_fault *ret_fault)
{
	struct switching switching = {.prog_fd = prog_fd, .type = type, .fault = ret_fault};

	return pin_each(options, "link_", switch_one, &switching);
}
