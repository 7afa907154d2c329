// SPDX-License-Identifier: Apache-2.0
/* program: see program.h. */
#include "program.h"

#include <bpf/bpf.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>
#include <unistd.h>

#include "abi.h"
#include "fault.h"
#include "ingress_tc.skel.h"
#include "loader_maps.h"
#include "pin.h"
#include "stages.h"

enum {
	WAYS4 = 4,
	WAYS_BAN = 4,
	HALVES = 2,
	FLOWS_PER_NEW = ABI_FLOWS / ABI_FLOWS_NEW,
	LINES_MIN = 64,
	LINES_MAX = 1 << 24,
	EVENT_GAP_MS = 20
};

/* Lines of a pinned map, or 0. */
static uint32_t pinned_lines(const struct loader_options *options, const char *name)
{
	struct bpf_map_info info = {0};
	__u32 size = sizeof(info);
	int fd = pin_get(options, name);

	if (fd < 0)
		return 0;
	if (bpf_obj_get_info_by_fd(fd, &info, &size))
		info.max_entries = 0;
	close(fd);
	return info.max_entries;
}

/* The power of two that holds n sources at `ways` in a line. */
static uint32_t lines_for(uint32_t n, uint32_t ways)
{
	uint32_t lines = LINES_MIN;

	while (lines < LINES_MAX && (uint64_t)lines * ways < n)
		lines *= 2;
	return lines;
}

/* Maps that exist keep their size; the program's mask follows that of one of the map's parts. */
static int set_lines(const struct loader_options *options, struct bpf_map *map, uint32_t wanted,
		     uint32_t parts, const volatile __u32 *mask)
{
	uint32_t lines = pinned_lines(options, bpf_map__name(map));
	char aside[64];
	int err = 0;

	/* One that is being migrated keeps its size, too. */
	snprintf(aside, sizeof(aside), "%s_old", bpf_map__name(map));
	if (!lines)
		lines = pinned_lines(options, aside);

	if (!lines)
		lines = wanted ? wanted : bpf_map__max_entries(map);
	if (lines & (lines - 1))
		return -EPROTO;
	if (lines != bpf_map__max_entries(map))
		err = bpf_map__set_max_entries(map, lines);
	*(__u32 *)mask = lines / parts - 1;
	return err;
}

/* A hash table: any size will do, and no mask follows. */
static int set_room(const struct loader_options *options, struct bpf_map *map, uint32_t wanted)
{
	uint32_t pinned = pinned_lines(options, bpf_map__name(map));
	uint32_t entries = pinned ? pinned : wanted;

	return entries ? bpf_map__set_max_entries(map, entries) : 0;
}

static int set_sizes(const struct loader_options *options, struct ingress *skel)
{
	uint32_t sources = options->max_sources ? lines_for(options->max_sources, WAYS4) : 0;
	uint32_t bans = options->max_bans ? lines_for(options->max_bans, WAYS_BAN) : 0;
	uint32_t prefixes =
		options->max_prefixes ? HALVES * lines_for(options->max_prefixes, ABI_ACL_FILL) : 0;
	int err = set_lines(options, skel->maps.rate4, sources, 1, &skel->rodata->rate4_mask);

	if (!err)
		err = set_lines(options, skel->maps.rate6, sources / 2, 1,
				&skel->rodata->rate6_mask);
	if (!err)
		err = set_lines(options, skel->maps.ban, bans, 1, &skel->rodata->ban_mask);
	if (!err)
		err = set_lines(options, skel->maps.acl, prefixes, HALVES,
				&skel->rodata->acl_half_mask);
	if (!err)
		err = set_room(options, skel->maps.flow, options->max_flows);
	if (!err)
		err = set_room(options, skel->maps.flow_new, options->max_flows / FLOWS_PER_NEW);
	if (!err)
		err = set_room(options, skel->maps.track, options->max_flows);
	if (!err)
		err = set_room(options, skel->maps.track_new, options->max_flows / FLOWS_PER_NEW);
	return err;
}

static int check_pinned(const struct loader_options *options, struct loader_fault *ret_fault)
{
	unsigned version = 0;
	int fd = pin_get(options, "control");

	if (fd == -ENOENT)
		return 0;
	if (fd < 0)
		return fault_set(ret_fault, fd, "cannot open %s/control: %s", pin_folder(options),
				 strerror(-fd));
	int err = loader_maps_check(fd, &version);

	close(fd);
	if (err == -EPROTO)
		return fault_set(
			ret_fault, err,
			"the maps in %s have layout version %u and this loader knows version "
			"%d: stop what uses them and run `tidegate-loader unload` first "
			"(limits, bans and counters start anew)",
			pin_folder(options), version, ABI_VERSION);
	return err == -ENOENT ? 0 : err;
}

/* A map's pin; program arrays hold programs of one type, so tc's are its own. */
static int set_pin(const struct loader_options *options, struct bpf_map *map, bool is_tc)
{
	char name[64], path[PATH_MAX];

	snprintf(name, sizeof(name), "%s%s", bpf_map__name(map),
		 is_tc && bpf_map__type(map) == BPF_MAP_TYPE_PROG_ARRAY ? "_tc" : "");
	int err = pin_path(options, name, path);

	return err ? err : bpf_map__set_pin_path(map, path);
}

struct ingress *program_object(bool is_tc)
{
	_Static_assert(sizeof(struct ingress) == sizeof(struct ingress_tc) &&
			       sizeof(*((struct ingress *)0)->rodata) ==
				       sizeof(*((struct ingress_tc *)0)->rodata),
		       "both objects come of one source");
	struct ingress *skel = is_tc ? calloc(1, sizeof(*skel)) : ingress__open();

	if (!is_tc || !skel)
		return skel;
	int err = ingress__create_skeleton(skel);

	if (!err) {
		skel->skeleton->data =
			(void *)(uintptr_t)ingress_tc__elf_bytes(&skel->skeleton->data_sz);
		err = bpf_object__open_skeleton(skel->skeleton, NULL);
	}
	if (!err)
		return skel;
	ingress__destroy(skel);
	errno = -err;
	return NULL;
}

static int open_either(const struct loader_options *options, bool is_tc, struct ingress **ret_skel,
		       struct loader_fault *ret_fault)
{
	struct bpf_program *program;
	struct bpf_map *map;
	int err = check_pinned(options, ret_fault);

	if (err)
		return err;
	struct ingress *skel = program_object(is_tc);

	if (!skel)
		return fault_set(ret_fault, -errno, "cannot open the embedded program: %m");
	bpf_object__for_each_map(map, skel->obj)
	{
		if (bpf_map__is_internal(map))
			continue;
		err = set_pin(options, map, is_tc);
		if (err)
			goto failed;
	}
	err = set_sizes(options, skel);
	if (err)
		goto failed;
	/* XDP is said explicitly: kernels from 6.18 compare it between a program array and a link.
	 */
	bpf_object__for_each_program(program, skel->obj)
	{
		if (bpf_program__type(program) == BPF_PROG_TYPE_XDP)
			bpf_program__set_expected_attach_type(program, BPF_XDP);
	}
	*ret_skel = skel;
	return 0;
failed:
	ingress__destroy(skel);
	return fault_set(ret_fault, err, "cannot prepare the maps in %s: %s", pin_folder(options),
			 strerror(-err));
}

int program_open(const struct loader_options *options, struct ingress **ret_skel,
		 struct loader_fault *ret_fault)
{
	return open_either(options, false, ret_skel, ret_fault);
}

int program_open_tc(const struct loader_options *options, struct ingress **ret_skel,
		    struct loader_fault *ret_fault)
{
	return open_either(options, true, ret_skel, ret_fault);
}

int program_refused(int err, struct loader_fault *ret_fault)
{
	if (err == -EPERM)
		return fault_set(
			ret_fault, err,
			"the kernel does not let us load BPF programs: run as root, or with "
			"CAP_BPF, CAP_NET_ADMIN and CAP_PERFMON");
	return fault_set(ret_fault, err, "the kernel refused the program (%s%s%s): see `doctor`",
			 strerror(-err), *fault_last_words() ? "; " : "", fault_last_words());
}

int program_ready(struct ingress *skel, struct loader_fault *ret_fault)
{
	int fd = bpf_map__fd(skel->maps.control);
	struct abi_control control = {.abi_version = ABI_VERSION,
				      .event_gap_ns = EVENT_GAP_MS * 1000000ULL};
	struct timespec tick;
	unsigned version;
	int err = stages_fill(skel);

	if (err)
		return fault_set(ret_fault, err, "cannot put the programs into the map stage: %s",
				 strerror(-err));
	err = loader_maps_check(fd, &version);
	if (err != -ENOENT)
		return err ? fault_set(ret_fault, err, "the map control is not ours") : 0;
	/* The coarse clock advances once per jiffy. */
	if (clock_getres(CLOCK_MONOTONIC_COARSE, &tick) ||
	    getrandom(control.seed, sizeof(control.seed), 0) != sizeof(control.seed))
		return fault_set(ret_fault, -errno, "no clock or no random numbers: %m");
	control.tick_ns = tick.tv_nsec;
	memcpy(control.flow_seed, control.seed, sizeof(control.flow_seed));
	if (bpf_map_update_elem(fd, &(__u32){0}, &control, BPF_ANY))
		return fault_set(ret_fault, -errno, "cannot write the map control: %m");
	return 0;
}
