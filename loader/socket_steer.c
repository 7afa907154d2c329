// SPDX-License-Identifier: Apache-2.0
/* socket_steer: see socket_steer.h. */
#include "socket_steer.h"

#include <bpf/bpf.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "fault.h"
#include "pin.h"
#include "sockets.skel.h"

static const char *const link_pin = "netns_lookup";
static const char *const worker_pin = "prog_worker";

/* The maps that these programs use; of the others only the declarations stand in the object. */
static bool is_used(const char *name)
{
	static const char *const used[] = {"control", "port",	  "vip",    "entry",
					   "point",   "listener", "socket", "point_stat"};

	for (size_t i = 0; i < sizeof(used) / sizeof(*used); i++)
		if (!strcmp(used[i], name))
			return true;
	return false;
}

static int load(const struct loader_options *options, struct sockets **ret_skel)
{
	struct sockets *skel = sockets__open();
	char path[PATH_MAX];
	struct bpf_map *map;
	int err = skel ? 0 : -errno;

	if (!skel)
		return err;
	bpf_object__for_each_map(map, skel->obj)
	{
		if (!is_used(bpf_map__name(map)))
			err = bpf_map__set_autocreate(map, false);
		else if (options && !(err = pin_path(options, bpf_map__name(map), path)))
			err = bpf_map__set_pin_path(map, path);
		if (err)
			break;
	}
	if (!err)
		err = sockets__load(skel);
	if (err) {
		sockets__destroy(skel);
		return err;
	}
	*ret_skel = skel;
	return 0;
}

int socket_steer_try(void)
{
	struct sockets *skel;
	int err = load(NULL, &skel);

	if (!err)
		sockets__destroy(skel);
	return err;
}

/* Replaces the program of the pinned link, or makes and pins a link to our network namespace. */
static int attach(const struct loader_options *options, int prog_fd)
{
	int link = pin_get(options, link_pin), err;

	if (link >= 0) {
		err = bpf_link_update(link, prog_fd, NULL) ? -errno : 0;
		close(link);
		if (err != -ENOLINK)
			return err;
		/* Its network namespace is gone. */
	}
	int netns = open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC);

	if (netns < 0)
		return -errno;
	link = bpf_link_create(prog_fd, netns, BPF_SK_LOOKUP, NULL);
	err = link < 0 ? -errno : pin_replace(options, link, link_pin);
	if (link >= 0)
		close(link);
	close(netns);
	return err;
}

int socket_steer_load(const struct loader_options *options, struct loader_fault *ret_fault)
{
	struct sockets *skel;
	int err = load(options, &skel);

	if (err)
		return fault_set(ret_fault, err, "the kernel refused the programs for sockets: %s",
				 strerror(-err));
	err = pin_replace(options, bpf_program__fd(skel->progs.worker), worker_pin);
	if (!err)
		err = attach(options, bpf_program__fd(skel->progs.local));
	if (err)
		fault_set(ret_fault, err, "cannot attach to the network namespace's sockets: %s",
			  strerror(-err));
	sockets__destroy(skel);
	return err;
}

static int open_one(const char *folder, const char *name, int *ret_fd)
{
	const struct loader_options options = {.folder = folder};

	*ret_fd = pin_get(&options, name);
	return *ret_fd < 0 ? *ret_fd : 0;
}

int socket_steer_open(const char *folder, struct socket_steer *ret_steer)
{
	struct socket_steer steer = SOCKET_STEER_NONE;
	int err = open_one(folder, worker_pin, &steer.worker_prog_fd);

	if (!err)
		err = open_one(folder, "point", &steer.point_fd);
	if (!err)
		err = open_one(folder, "listener", &steer.listener_fd);
	if (!err)
		err = open_one(folder, "socket", &steer.socket_fd);
	if (!err)
		err = open_one(folder, "point_stat", &steer.stat_fd);
	if (err) {
		socket_steer_close(&steer);
		return err;
	}
	*ret_steer = steer;
	return 0;
}

void socket_steer_close(struct socket_steer *steer)
{
	int *const fds[] = {&steer->point_fd, &steer->listener_fd, &steer->socket_fd,
			    &steer->stat_fd, &steer->worker_prog_fd};

	for (size_t i = 0; i < sizeof(fds) / sizeof(*fds); i++) {
		if (*fds[i] >= 0)
			close(*fds[i]);
		*fds[i] = -1;
	}
}
