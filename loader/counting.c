// SPDX-License-Identifier: Apache-2.0
/* counting: see counting.h. */
#include "counting.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "abi.h"
#include "conn_count.skel.h"
#include "pin.h"

#define OWN_MAP "conn_of" /* the others are those of the XDP program */

static int share_maps(const struct loader_options *options, struct conn_count *skel)
{
	struct bpf_map *map;

	bpf_object__for_each_map(map, skel->obj)
	{
		char path[PATH_MAX];
		int err, fd;

		if (bpf_map__is_internal(map))
			continue;
		fd = pin_get(options, bpf_map__name(map));
		if (fd >= 0) {
			err = bpf_map__reuse_fd(map, fd);
			close(fd);
		} else if (strcmp(bpf_map__name(map), OWN_MAP)) {
			return fd;
		} else {
			err = pin_path(options, OWN_MAP, path);
			if (!err)
				err = bpf_map__set_pin_path(map, path);
		}
		if (err)
			return err;
	}
	return 0;
}

/* Whether connections are counted, for the program that asks for their number. */
static int tell(const struct loader_options *options, bool are_counted)
{
	struct abi_shield row;
	int err = 0, fd = pin_get(options, "shield");

	if (fd < 0)
		return fd;
	if (bpf_map_lookup_elem(fd, &(__u32){0}, &row))
		err = -errno;
	row.loaded = are_counted ? row.loaded | ABI_SHIELD_CONNECTIONS
				 : row.loaded & ~ABI_SHIELD_CONNECTIONS;
	if (!err && bpf_map_update_elem(fd, &(__u32){0}, &row, BPF_ANY))
		err = -errno;
	close(fd);
	return err;
}

static int start(const struct loader_options *options, struct conn_count *skel)
{
	struct bpf_link *link;
	int err = share_maps(options, skel);

	if (!err)
		err = conn_count__load(skel);
	if (err)
		return err;
	link = bpf_program__attach(skel->progs.sock_state);
	if (!link)
		return -errno;
	/* Old and new run side by side for a moment: a socket is counted once nevertheless. */
	err = pin_replace(options, bpf_link__fd(link), "counting");
	bpf_link__destroy(link);
	return err;
}

int counting_start(const struct loader_options *options)
{
	struct conn_count *skel = conn_count__open();
	int err = skel ? start(options, skel) : -errno;

	conn_count__destroy(skel);
	if (err) {
		tell(options, false);
		return err;
	}
	return tell(options, true);
}

int counting_try(void)
{
	struct conn_count *skel = conn_count__open();
	struct bpf_map *map;
	int err = skel ? 0 : -errno;

	if (!skel)
		return err;
	/* As small as they may be: nothing of it stays. */
	bpf_object__for_each_map(map, skel->obj) if (!bpf_map__is_internal(map) &&
						     bpf_map__max_entries(map) > 4096)
		bpf_map__set_max_entries(map, 4096);
	err = conn_count__load(skel);
	conn_count__destroy(skel);
	return err;
}
