// SPDX-License-Identifier: Apache-2.0
/* plane: see plane.h. */
#include "plane.h"

#include <bpf/bpf.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/pkt_cls.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "abi.h"
#include "program.h"
#include "stages.h"

enum { OBJECT_BYTES_MAX = 16 << 20 };

static int quiet(enum libbpf_print_level level, const char *format, va_list args)
{
	return level == LIBBPF_WARN ? vfprintf(stderr, format, args) : 0;
}

/* It must have the same maps, programs and variables. */
static struct ingress *object_of_file(const char *path)
{
	struct ingress *skel = calloc(1, sizeof(*skel));
	FILE *file = fopen(path, "rb");
	void *bytes = malloc(OBJECT_BYTES_MAX);
	int err = skel && file && bytes ? ingress__create_skeleton(skel) : -ENOENT;

	if (!err) {
		skel->skeleton->data_sz = fread(bytes, 1, OBJECT_BYTES_MAX, file);
		skel->skeleton->data = bytes;
		err = bpf_object__open_skeleton(skel->skeleton, NULL);
	}
	free(bytes);
	if (file)
		fclose(file);
	if (!err)
		return skel;
	ingress__destroy(skel);
	errno = -err;
	return NULL;
}

static uint64_t sent_back; /* of the plane that is open */

int plane_open(struct plane *ret_plane, const struct plane_options *options)
{
	uint32_t lines = options && options->lines ? options->lines : PLANE_LINES;
	uint32_t ban_lines = options && options->ban_lines ? options->ban_lines : lines;
	struct abi_control control = {.abi_version = ABI_VERSION,
				      .seed = {0x1234567, 0x89abcdef},
				      .flow_seed = {0xfedcba9, 0x76543210},
				      .tick_ns = PLANE_TICK_NS};

	libbpf_set_print(quiet);
	bool is_tc = getenv("PLANE_TC");
	struct ingress *skel = options && options->object ? object_of_file(options->object)
							  : program_object(is_tc);

	if (!skel)
		return -errno;
	skel->rodata->tick_is_fake = !(options && options->real_clock);
	bpf_map__set_max_entries(skel->maps.ring, options && options->ring_lines
							  ? options->ring_lines
							  : PLANE_RING_LINES);
	bpf_map__set_max_entries(skel->maps.rate4, lines);
	bpf_map__set_max_entries(skel->maps.rate6, lines);
	bpf_map__set_max_entries(skel->maps.ban, ban_lines);
	if (options && options->acl_lines) {
		bpf_map__set_max_entries(skel->maps.acl, 2 * options->acl_lines);
		skel->rodata->acl_half_mask = options->acl_lines - 1;
	}
	skel->rodata->rate4_mask = skel->rodata->rate6_mask = lines - 1;
	skel->rodata->ban_mask = ban_lines - 1;
	if (!is_tc)
		bpf_program__set_expected_attach_type(skel->progs.ingress, BPF_XDP);
	int err = ingress__load(skel);

	if (!err)
		err = stages_fill(skel);
	if (!err &&
	    bpf_map_update_elem(bpf_map__fd(skel->maps.control), &(__u32){0}, &control, BPF_ANY))
		err = -errno;
	if (err) {
		ingress__destroy(skel);
		return err;
	}
	ret_plane->skel = skel;
	ret_plane->is_tc = is_tc;
	sent_back = 0;
	ret_plane->prog_fd = bpf_program__fd(skel->progs.ingress);
	return 0;
}

void plane_close(struct plane *plane)
{
	ingress__destroy(plane->skel);
	plane->skel = NULL;
}

struct loader_maps plane_maps(const struct plane *plane)
{
	struct loader_maps maps = LOADER_MAPS_NONE;

#define OPEN(id, name)                                                                            \
	maps.fd[LOADER_MAP_##id] = fcntl(bpf_object__find_map_fd_by_name(plane->skel->obj, name), \
					 F_DUPFD_CLOEXEC, 3);
	LOADER_MAPS(OPEN)
	maps.clock_fd = fcntl(bpf_program__fd(plane->skel->progs.clock), F_DUPFD_CLOEXEC, 3);
	return maps;
}

bool plane_takes(const struct plane *plane, size_t n)
{
	return !plane->is_tc || (n > PLANE_TC_LEAST && n <= PLANE_TC_BYTES);
}

void plane_at_ms(struct plane *plane, uint64_t ms)
{
	plane->skel->bss->tick_fake_ns = ms * 1000000;
}

/* Both are one action of tc; the counters tell them apart. */
static bool is_sent_back(const struct plane *plane)
{
	struct abi_counter rows[256];
	int fd = bpf_map__fd(plane->skel->maps.counter);
	uint64_t now = 0;

	for (__u32 entry = 0; entry < ABI_ENTRIES; entry++) {
		if (bpf_map_lookup_elem(fd, &entry, rows))
			break;
		for (int cpu = 0; cpu < libbpf_num_possible_cpus(); cpu++)
			now += rows[cpu].tx;
	}
	bool is_more = now != sent_back;

	sent_back = now;
	return is_more;
}

int plane_action(const struct plane *plane, uint32_t action)
{
	if (!plane->is_tc)
		return (int)action;
	switch ((int)action) {
	case TC_ACT_UNSPEC:
		return XDP_PASS;
	case TC_ACT_SHOT:
		return XDP_DROP;
	case TC_ACT_REDIRECT:
		return is_sent_back(plane) ? XDP_TX : XDP_REDIRECT;
	default:
		return -EPROTO;
	}
}

int plane_run(const struct plane *plane, const uint8_t *frame, size_t n, uint8_t *ret_out)
{
	LIBBPF_OPTS(bpf_test_run_opts, run, .data_in = frame, .data_size_in = (__u32)n,
		    .data_out = ret_out, .data_size_out = ret_out ? (__u32)n : 0);

	if (bpf_prog_test_run_opts(plane->prog_fd, &run))
		return -errno;
	return plane_action(plane, run.retval);
}
