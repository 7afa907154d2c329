// SPDX-License-Identifier: Apache-2.0
/* loader_maps: opens the pins, refuses maps of another layout. */
#include "loader_maps.h"

#include <bpf/bpf.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <unistd.h>

#include "abi.h"

static const char *const names[] = {
#define NAME(id, name) [LOADER_MAP_##id] = name,
	LOADER_MAPS(NAME)};

const char *loader_map_name(enum loader_map map)
{
	return names[map];
}

int loader_maps_check(int control_fd, unsigned *ret_version)
{
	struct bpf_map_info info = {0};
	__u32 size = sizeof(info);
	union {
		__u32 version; /* stands first in every layout, past and to come */
		char room[4096];
	} value = {0};

	if (bpf_obj_get_info_by_fd(control_fd, &info, &size))
		return -errno;
	if (info.value_size < sizeof(value.version) || info.value_size > sizeof(value))
		return -EPROTO;
	if (bpf_map_lookup_elem(control_fd, &(__u32){0}, &value))
		return -errno;
	if (ret_version)
		*ret_version = value.version;
	if (!value.version)
		return -ENOENT;
	return value.version == ABI_VERSION && info.value_size == sizeof(struct abi_control)
		       ? 0
		       : -EPROTO;
}

static int open_pin(const char *folder, const char *name)
{
	char path[PATH_MAX];

	if (snprintf(path, sizeof(path), "%s/%s", folder, name) >= (int)sizeof(path))
		return -ENAMETOOLONG;
	int fd = bpf_obj_get(path);

	return fd < 0 ? -errno : fd;
}

/* Programs of before there were such maps keep their place until the loader runs. */
static bool may_be_missing(int map)
{
	return map == LOADER_MAP_LINK || map == LOADER_MAP_POLICY_OBJECT;
}

int loader_maps_open(const char *folder, struct loader_maps *ret_maps)
{
	struct loader_maps maps = LOADER_MAPS_NONE;
	int err = 0;

	for (int i = 0; i < LOADER_MAP__COUNT && !err; i++) {
		maps.fd[i] = open_pin(folder, names[i]);
		if (maps.fd[i] == -ENOENT && may_be_missing(i))
			maps.fd[i] = -1;
		else if (maps.fd[i] < 0)
			err = maps.fd[i];
		else if (i ==
			 LOADER_MAP_CONTROL) /* first, so that another layout is told as such */
			err = loader_maps_check(maps.fd[i], NULL);
	}
	if (!err) {
		maps.clock_fd = open_pin(folder, "prog_clock");
		err = maps.clock_fd < 0 ? maps.clock_fd : 0;
	}
	if (err) {
		loader_maps_close(&maps);
		return err;
	}
	*ret_maps = maps;
	return 0;
}

void loader_maps_close(struct loader_maps *maps)
{
	if (!maps)
		return;
	for (int i = 0; i < LOADER_MAP__COUNT; i++)
		if (maps->fd[i] >= 0)
			close(maps->fd[i]);
	if (maps->clock_fd >= 0)
		close(maps->clock_fd);
	*maps = LOADER_MAPS_NONE;
}
