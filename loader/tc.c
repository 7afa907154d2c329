// SPDX-License-Identifier: Apache-2.0
/*
 * tc: see tc.h. Ours stands first at its interface: a program before it that accepts a packet would
 * end the chain, and the packet would get by unchecked.
 */
#include "tc.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "attach.h"
#include "fault.h"
#include "pin.h"
#include "program.h"

enum {
	TCX_INGRESS = 46, /* newer than these headers, as is: */
	BEFORE_ALL = 1 << 3,
	FILTER_PRIORITY = 1,
	FILTER_HANDLE = 0x7467,
};

static const char *const program_pin = "prog_ingress_tc";

static void filter_pin(const char *ifname, char ret_name[64])
{
	snprintf(ret_name, 64, "filter_%s", ifname);
}

/* A pin's name has no dots. */
static void filter_ifname(const char *pin, char ret_ifname[IF_NAMESIZE])
{
	snprintf(ret_ifname, IF_NAMESIZE, "%.15s", pin + strlen("filter_"));
	for (char *c = ret_ifname; *c; c++)
		if (*c == ',')
			*c = '.';
}

static int load(const struct loader_options *options, struct loader_fault *ret_fault)
{
	struct ingress *skel;
	int err = program_open_tc(options, &skel, ret_fault);

	if (err)
		return err;
	err = ingress__load(skel);
	if (err)
		err = program_refused(err, ret_fault);
	if (!err)
		err = program_ready(skel, ret_fault);
	if (!err && (err = pin_replace(options, bpf_program__fd(skel->progs.ingress), program_pin)))
		fault_set(ret_fault, err, "cannot pin the program in %s: %s", pin_folder(options),
			  strerror(-err));
	ingress__destroy(skel);
	return err;
}

int tc_program(const struct loader_options *options, struct loader_fault *ret_fault)
{
	int fd = pin_get(options, program_pin);

	if (fd >= 0)
		return fd;
	int err = load(options, ret_fault);

	if (err)
		return err;
	fd = pin_get(options, program_pin);
	return fd < 0 ? fault_set(ret_fault, fd, "cannot open the pinned program in %s: %s",
				  pin_folder(options), strerror(-fd))
		      : fd;
}

static uint32_t program_id(int fd)
{
	struct bpf_prog_info info = {0};
	__u32 size = sizeof(info);

	return bpf_obj_get_info_by_fd(fd, &info, &size) ? 0 : info.id;
}

/* The id of what stands in our filter's place; 0: nothing. */
static uint32_t filter_id(uint32_t ifindex)
{
	LIBBPF_OPTS(bpf_tc_hook, hook, .ifindex = (int)ifindex, .attach_point = BPF_TC_INGRESS);
	LIBBPF_OPTS(bpf_tc_opts, filter, .handle = FILTER_HANDLE, .priority = FILTER_PRIORITY);

	return ifindex && !bpf_tc_query(&hook, &filter) ? filter.prog_id : 0;
}

/* Puts the filter there, or in one step the program into it. */
static int filter_put(const struct loader_options *options, int prog_fd,
		      struct loader_attachment *attachment)
{
	LIBBPF_OPTS(bpf_tc_hook, hook, .ifindex = (int)attachment->ifindex,
		    .attach_point = BPF_TC_INGRESS);
	LIBBPF_OPTS(bpf_tc_opts, filter, .handle = FILTER_HANDLE, .priority = FILTER_PRIORITY,
		    .prog_fd = prog_fd, .flags = BPF_TC_F_REPLACE);
	char name[64];
	int err = bpf_tc_hook_create(&hook);

	if (err && err != -EEXIST)
		return err;
	err = bpf_tc_attach(&hook, &filter);
	if (err)
		return err;
	attachment->how = LOADER_BY_FILTER;
	attachment->program_id = filter.prog_id;
	filter_pin(attachment->ifname, name);
	return pin_replace(options, prog_fd, name);
}

bool tc_is_there(const struct loader_options *options, const char *ifname)
{
	char name[64];

	filter_pin(ifname, name);
	int fd = pin_get(options, name);
	bool is_ours = fd >= 0 && program_id(fd) == filter_id(if_nametoindex(ifname));

	if (fd >= 0)
		close(fd);
	return is_ours;
}

static int link_put(const struct loader_options *options, int prog_fd,
		    struct loader_attachment *attachment)
{
	LIBBPF_OPTS(bpf_link_create_opts, create, .flags = BEFORE_ALL);
	int fd = bpf_link_create(prog_fd, (int)attachment->ifindex,
				 (enum bpf_attach_type)TCX_INGRESS, &create);
	char name[64];

	if (fd < 0)
		return -errno;
	attachment->how = LOADER_BY_TCX;
	attachment->program_id = program_id(prog_fd);
	attach_pin_name(attachment->ifname, name);
	int err = pin_replace(options, fd, name);

	close(fd); /* without a pin this detaches */
	return err;
}

int tc_attach(const struct loader_options *options, struct loader_attachment *attachment,
	      struct loader_fault *ret_fault)
{
	int prog_fd = tc_program(options, ret_fault);

	if (prog_fd < 0)
		return prog_fd;
	attachment->is_tc = true;
	attachment->is_native = false;
	attachment->was_there = tc_is_there(options, attachment->ifname);
	int err = attachment->was_there ? -EINVAL : link_put(options, prog_fd, attachment);

	if (err == -EINVAL) {
		uint32_t there = filter_id(attachment->ifindex);

		err = there && !attachment->was_there ? -EEXIST
						      : filter_put(options, prog_fd, attachment);
	}
	close(prog_fd);
	return err ? fault_set(ret_fault, err, "cannot attach to %s by tc: %s", attachment->ifname,
			       strerror(-err))
		   : 0;
}

struct each {
	const struct loader_options *options;
	struct loader_attachment *rows;
	int prog_fd, n, max;
};

static int switch_filter(const char *name, const char *path, void *user)
{
	struct each *each = user;
	struct loader_attachment row = {0};

	filter_ifname(name, row.ifname);
	row.ifindex = if_nametoindex(row.ifname);
	if (!tc_is_there(each->options, row.ifname)) {
		unlink(path); /* the interface is gone, or somebody took the filter away */
		return 0;
	}
	return filter_put(each->options, each->prog_fd, &row);
}

int tc_switch_all(const struct loader_options *options, struct loader_fault *ret_fault)
{
	struct each each = {.options = options};
	int before = pin_get(options, program_pin);

	if (before < 0)
		return 0;
	close(before);
	int err = load(options, ret_fault);

	if (err)
		return err;
	each.prog_fd = pin_get(options, program_pin);
	if (each.prog_fd < 0)
		return fault_set(ret_fault, each.prog_fd, "cannot open the pinned program: %s",
				 strerror(-each.prog_fd));
	err = attach_switch_all(options, each.prog_fd, TC_LINK_TYPE, ret_fault);
	if (!err && (err = pin_each(options, "filter_", switch_filter, &each)))
		fault_set(ret_fault, err, "cannot replace a filter's program: %s", strerror(-err));
	close(each.prog_fd);
	return err;
}

int tc_detach(const struct loader_options *options, const char *ifname)
{
	LIBBPF_OPTS(bpf_tc_hook, hook, .ifindex = (int)if_nametoindex(ifname),
		    .attach_point = BPF_TC_INGRESS);
	LIBBPF_OPTS(bpf_tc_opts, filter, .handle = FILTER_HANDLE, .priority = FILTER_PRIORITY);
	char name[64], path[PATH_MAX];
	int err = tc_is_there(options, ifname) ? bpf_tc_detach(&hook, &filter) : -ENOENT;

	filter_pin(ifname, name);
	if (!pin_path(options, name, path))
		unlink(path);
	return err;
}

static int detach_filter(const char *name, const char *path, void *user)
{
	char ifname[IF_NAMESIZE];

	(void)path;
	filter_ifname(name, ifname);
	tc_detach(user, ifname);
	return 0;
}

void tc_detach_all(const struct loader_options *options)
{
	pin_each(options, "filter_", detach_filter, (void *)(uintptr_t)options);
}

static int list_filter(const char *name, const char *path, void *user)
{
	struct each *each = user;
	struct loader_attachment row = {.is_tc = true, .how = LOADER_BY_FILTER};

	(void)path;
	filter_ifname(name, row.ifname);
	if (each->n == each->max || !tc_is_there(each->options, row.ifname))
		return 0;
	row.ifindex = if_nametoindex(row.ifname);
	row.program_id = filter_id(row.ifindex);
	each->rows[each->n++] = row;
	return 0;
}

int tc_list(const struct loader_options *options, struct loader_attachment *ret_rows, int max)
{
	struct each each = {.options = options, .rows = ret_rows, .max = max};

	pin_each(options, "filter_", list_filter, &each);
	return each.n;
}
