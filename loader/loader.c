// SPDX-License-Identifier: Apache-2.0
/* loader: see loader.h. The order of steps; how each is done stands in program, pin, attach and
 * dispatcher. */
#include "loader.h"

#include <bpf/bpf.h>
#include <errno.h>
#include <net/if.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "attach.h"
#include "counting.h"
#include "dispatcher.h"
#include "fault.h"
#include "migrate.h"
#include "pin.h"
#include "program.h"
#include "socket_steer.h"
#include "tc.h"

/* Maps are charged to the cgroup since Linux 5.11; before that they needed this. Not fatal where it
 * fails. */
static void raise_memlock(void)
{
	struct rlimit all = {RLIM_INFINITY, RLIM_INFINITY};

	(void)setrlimit(RLIMIT_MEMLOCK, &all);
}

static int forget_pin(const char *name, const char *path, void *user)
{
	(void)name;
	(void)user;
	unlink(path);
	return 0;
}

static int load_locked(const struct loader_options *options, struct loader_fault *ret_fault)
{
	struct migration migration;
	struct ingress *skel;
	int had_maps = pin_get(options, "control");
	int err = migrate_begin(options, &migration, ret_fault);

	if (had_maps >= 0)
		close(had_maps);
	if (!err && (err = program_open(options, &skel, ret_fault)))
		migrate_end(options, &migration, NULL, err);
	if (err)
		return err;
	err = ingress__load(skel);
	if (err)
		err = program_refused(err, ret_fault);
	if (!err)
		err = program_ready(skel, ret_fault);
	if (!err)
		err = migrate_fill(&migration, skel, ret_fault);
	int prog_fd = err ? -1 : bpf_program__fd(skel->progs.ingress);

	if (!err &&
	    ((err = pin_replace(options, prog_fd, "prog_ingress")) ||
	     (err = pin_replace(options, bpf_program__fd(skel->progs.clock), "prog_clock"))))
		fault_set(ret_fault, err, "cannot pin the program in %s: %s", pin_folder(options),
			  strerror(-err));
	if (!err)
		err = attach_switch_all(options, prog_fd, BPF_LINK_TYPE_XDP, ret_fault);
	if (!err)
		err = dispatcher_switch_all(options, ret_fault);
	if (!err)
		err = tc_switch_all(options, ret_fault);
	migrate_end(options, &migration, skel, err);
	/* Sockets can be chosen without us: no reason to fail. */
	if (!err)
		socket_steer_load(options, NULL);
	ingress__destroy(skel);
	/* What a failed first load made would be taken for the work of another loader. */
	if (err && had_maps < 0)
		pin_each(options, "", forget_pin, NULL);
	return err;
}

int loader_load(const struct loader_options *options, struct loader_fault *ret_fault)
{
	fault_hush(options->verbose);
	raise_memlock();
	int folder = pin_open_folder(options, ret_fault);

	if (folder < 0)
		return folder;
	int err = load_locked(options, ret_fault);

	/* Not fatal: only limits of connections need it, and the maps say whether it runs. */
	if (!err)
		(void)counting_start(options);
	close(folder);
	return err;
}

/* How it is attached is not how it was asked for. */
static bool is_other_mode(const struct loader_options *options,
			  const struct loader_attachment *attachment)
{
	return (options->mode == LOADER_NATIVE && !attachment->is_native) ||
	       (options->mode == LOADER_GENERIC && (attachment->is_native || attachment->is_tc)) ||
	       (options->mode == LOADER_TC && !attachment->is_tc);
}

/* The program for the link, a descriptor to close; of tc where the link is. */
static int program_for(const struct loader_options *options, int link_fd,
		       struct loader_fault *ret_fault)
{
	return attach_link_type(link_fd) == TC_LINK_TYPE ? tc_program(options, ret_fault)
							 : pin_get(options, "prog_ingress");
}

/* Ours already: exchange the program. Returns 1 when that was all there was to do. */
static int attach_again(const struct loader_options *options, struct loader_attachment *attachment,
			struct loader_fault *ret_fault)
{
	struct attach_seen seen = {0};
	char name[64], path[PATH_MAX];

	attach_pin_name(attachment->ifname, name);
	int fd = pin_get(options, name);

	if (fd < 0)
		return 0;
	uint32_t program_id = 0, ifindex = attach_link_ifindex(fd, &program_id);
	int err = 0;

	attach_look(attachment->ifindex, &seen);
	if (!ifindex) {
		/* Its interface is gone, and with it what the link was for. */
		close(fd);
		if (!pin_path(options, name, path))
			unlink(path);
		return 0;
	}
	bool is_tc = attach_link_type(fd) == TC_LINK_TYPE;
	int prog_fd = program_for(options, fd, ret_fault);

	if (prog_fd < 0)
		err = prog_fd;
	else if (ifindex != attachment->ifindex || (!is_tc && program_id != seen.program_id))
		err = fault_set(ret_fault, -EEXIST,
				"%s holds the link of a %s in another network namespace: detach it "
				"there, or "
				"use --folder",
				pin_folder(options), attachment->ifname);
	else if (bpf_link_update(fd, prog_fd, NULL))
		err = fault_set(ret_fault, -errno, "cannot replace the program of %s: %m",
				attachment->ifname);
	else
		attach_link_ifindex(fd, &attachment->program_id);
	close(fd);
	if (prog_fd >= 0)
		close(prog_fd);
	if (err)
		return err;
	attachment->is_tc = is_tc;
	attachment->is_native = !is_tc && seen.is_native;
	attachment->was_there = true;
	if (is_tc)
		attachment->how = LOADER_BY_TCX;
	if (is_other_mode(options, attachment))
		snprintf(attachment->why, sizeof(attachment->why),
			 "it was attached that way before; detach first to change the mode");
	return 1;
}

static int busy(const struct loader_attachment *attachment, const struct attach_seen *seen,
		const char *folder, struct loader_fault *ret_fault)
{
	return fault_set(ret_fault, -EBUSY,
			 "%s already runs the XDP program '%s' (id %u, %s mode), and it stays: an "
			 "interface holds one program. --mode=tc runs Tidegate behind it, on what "
			 "it passes; "
			 "to run it behind Tidegate, detach it, attach "
			 "Tidegate, then `tidegate-loader next PINNED-PROGRAM` (folder %s)",
			 attachment->ifname, seen->name, seen->program_id,
			 seen->is_native ? "native" : "generic", folder);
}

static int attach_locked(const struct loader_options *options, int prog_fd,
			 struct loader_attachment *attachment, struct loader_fault *ret_fault)
{
	struct attach_seen seen;
	int err = attach_again(options, attachment, ret_fault);

	if (err)
		return err < 0 ? err : 0;
	if (options->mode == LOADER_TC || tc_is_there(options, attachment->ifname))
		return tc_attach(options, attachment, ret_fault);
	err = attach_look(attachment->ifindex, &seen);
	if (err)
		return fault_set(ret_fault, err, "cannot ask %s for its XDP program: %s",
				 attachment->ifname, strerror(-err));
	err = dispatcher_attach(options, attachment);
	if (!err)
		return 0;
	if (seen.program_id && options->mode == LOADER_AUTO) {
		snprintf(attachment->why, sizeof(attachment->why),
			 "the XDP program '%s' (id %u, %s mode) is there, and it stays: Tidegate "
			 "sees what it passes",
			 seen.name, seen.program_id, seen.is_native ? "native" : "generic");
		return tc_attach(options, attachment, ret_fault);
	}
	if (seen.program_id)
		return busy(attachment, &seen, pin_folder(options), ret_fault);
	return attach_link(options, prog_fd, attachment, ret_fault);
}

int loader_attach(const struct loader_options *options, const char *ifname,
		  struct loader_attachment *ret_attachment, struct loader_fault *ret_fault)
{
	struct loader_attachment attachment = {.ifindex = if_nametoindex(ifname)};

	fault_hush(options->verbose);
	if (!attachment.ifindex)
		return fault_set(ret_fault, -ENODEV, "there is no interface %s here", ifname);
	snprintf(attachment.ifname, sizeof(attachment.ifname), "%s", ifname);
	int folder = pin_open_folder(options, ret_fault);

	if (folder < 0)
		return folder;
	int prog_fd = pin_get(options, "prog_ingress");
	int err = prog_fd < 0
			  ? fault_set(ret_fault, prog_fd,
				      "nothing is loaded in %s: run `tidegate-loader load` first",
				      pin_folder(options))
			  : attach_locked(options, prog_fd, &attachment, ret_fault);

	if (prog_fd >= 0)
		close(prog_fd);
	close(folder);
	if (!err)
		*ret_attachment = attachment;
	return err;
}

/* Unpinning is not enough while the proxy or bpftool has the link open: detach says so to the
 * kernel. */
static int detach_pin(const char *path)
{
	int fd = bpf_obj_get(path);

	if (fd < 0)
		return -errno;
	bpf_link_detach(fd);
	close(fd);
	unlink(path);
	return 0;
}

int loader_detach(const struct loader_options *options, const char *ifname,
		  struct loader_fault *ret_fault)
{
	char name[64], path[PATH_MAX];

	fault_hush(options->verbose);
	attach_pin_name(ifname, name);
	int err = pin_path(options, name, path);

	if (!err)
		err = detach_pin(path);
	if (err == -ENOENT)
		err = tc_detach(options, ifname);
	if (err == -ENOENT)
		err = dispatcher_detach(if_nametoindex(ifname));
	if (err == -ENOENT)
		return fault_set(ret_fault, err, "Tidegate does not run on %s", ifname);
	return err ? fault_set(ret_fault, err, "cannot detach from %s: %s", ifname, strerror(-err))
		   : 0;
}

int loader_set_next(const struct loader_options *options, const char *path,
		    struct loader_fault *ret_fault)
{
	int err = 0;

	fault_hush(options->verbose);
	int map = pin_get(options, "next");

	if (map < 0)
		return fault_set(ret_fault, map, "nothing is loaded in %s", pin_folder(options));
	if (!path) {
		if (bpf_map_delete_elem(map, &(__u32){0}) && errno != ENOENT)
			err = fault_set(ret_fault, -errno, "cannot empty the next slot: %m");
	} else {
		int prog = bpf_obj_get(path);

		if (prog < 0)
			err = fault_set(ret_fault, -errno, "cannot open the pinned program %s: %m",
					path);
		else if (bpf_map_update_elem(map, &(__u32){0}, &prog, BPF_ANY))
			err = fault_set(
				ret_fault, -errno,
				"%s does not fit behind Tidegate (%m): it must be an XDP program "
				"with frags support, SEC(\"xdp.frags\")",
				path);
		if (prog >= 0)
			close(prog);
	}
	close(map);
	return err;
}

static int unload_pin(const char *name, const char *path, void *user)
{
	(void)user;
	if (!strncmp(name, "link_", 5) || !strncmp(name, "netns_", 6))
		detach_pin(path);
	unlink(path);
	return 0;
}

int loader_unload(const struct loader_options *options, struct loader_fault *ret_fault)
{
	fault_hush(options->verbose);
	if (access(pin_folder(options), F_OK))
		return 0;
	int folder = pin_open_folder(options, ret_fault);

	if (folder < 0)
		return folder;
	dispatcher_detach_all(options);
	tc_detach_all(options);
	int err = pin_each(options, "", unload_pin, NULL);

	close(folder);
	if (!err && rmdir(pin_folder(options)))
		err = -errno;
	return err ? fault_set(ret_fault, err, "cannot remove %s: %s", pin_folder(options),
			       strerror(-err))
		   : 0;
}

struct listing {
	struct loader_attachment *rows;
	int n, max;
};

static int list_one(const char *name, const char *path, void *user)
{
	struct listing *listing = user;
	struct loader_attachment row = {.how = LOADER_BY_LINK};
	struct attach_seen seen = {0};
	int fd = bpf_obj_get(path);

	if (fd < 0)
		return 0;
	row.ifindex = attach_link_ifindex(fd, &row.program_id);
	row.is_tc = attach_link_type(fd) == TC_LINK_TYPE;
	if (row.is_tc)
		row.how = LOADER_BY_TCX;
	close(fd);
	if (!row.ifindex || listing->n == listing->max)
		return 0;
	snprintf(row.ifname, sizeof(row.ifname), "%.15s", name + strlen("link_"));
	/* An interface of another network namespace cannot be asked for its mode from here. */
	if (row.is_tc)
		row.is_elsewhere = if_nametoindex(row.ifname) != row.ifindex;
	else if (!attach_look(row.ifindex, &seen) && seen.program_id == row.program_id)
		row.is_native = seen.is_native;
	else
		row.is_elsewhere = true;
	listing->rows[listing->n++] = row;
	return 0;
}

int loader_attachments(const struct loader_options *options, struct loader_attachment *ret_rows,
		       int max, struct loader_fault *ret_fault)
{
	struct listing listing = {.rows = ret_rows, .max = max};

	fault_hush(options->verbose);
	int err = pin_each(options, "link_", list_one, &listing);

	if (err)
		return fault_set(ret_fault, err, "cannot read %s: %s", pin_folder(options),
				 strerror(-err));
	listing.n += tc_list(options, ret_rows + listing.n, max - listing.n);
	return listing.n + dispatcher_list(options, ret_rows + listing.n, max - listing.n);
}

int loader_run(const struct loader_options *options, const char *const *ifnames, size_t n,
	       struct loader_attachment *ret_attachments, struct loader_maps *ret_maps,
	       struct loader_fault *ret_fault)
{
	int err = loader_load(options, ret_fault), refused = 0;
	size_t n_attached = 0;

	for (size_t i = 0; i < n && !err; i++) {
		err = loader_attach(options, ifnames[i], &ret_attachments[i], ret_fault);
		n_attached += !err;
		if (!err || options->mode != LOADER_AUTO)
			continue;
		refused = err;
		err = 0;
		ret_attachments[i] = (struct loader_attachment){.is_refused = true};
		snprintf(ret_attachments[i].ifname, sizeof(ret_attachments[i].ifname), "%s",
			 ifnames[i]);
		snprintf(ret_attachments[i].why, sizeof(ret_attachments[i].why), "%.383s",
			 ret_fault->text);
	}
	if (!err && !n_attached)
		err = refused;
	if (err)
		return err;
	err = loader_maps_open(pin_folder(options), ret_maps);
	return err ? fault_set(ret_fault, err, "cannot open the maps in %s: %s",
			       pin_folder(options), strerror(-err))
		   : 0;
}
