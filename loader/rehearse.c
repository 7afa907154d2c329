// SPDX-License-Identifier: Apache-2.0
/* rehearse: see rehearse.h. */
#include "rehearse.h"

#include <arpa/inet.h>
#include <bpf/bpf.h>
#include <errno.h>
#include <linux/if_ether.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "abi.h"
#include "fault.h"
#include "pin.h"
#include "program.h"
#include "stages.h"

enum { VLAN_BYTES = 4 };

static bool is_one_of(const char *name, const char *const *names, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (!strcmp(names[i], name))
			return true;
	return false;
}

/* Read by the program and not written: the pinned ones themselves. Others are its own. */
static bool is_shared(const char *name)
{
	static const char *const shared[] = {
		"control", "port", "vip",  "entry", "policy", "gate",	  "acl",	  "here",
		"service", "ring", "quic", "link",  "ban",    "ban_info", "policy_object"};

	return is_one_of(name, shared, sizeof(shared) / sizeof(*shared));
}

/* Of a build before, that had no such map: nothing is made in its folder. */
static bool is_pinned(const struct loader_options *options, const char *name)
{
	int fd = pin_get(options, name);

	if (fd >= 0)
		close(fd);
	return fd >= 0;
}

static int open_apart(const struct loader_options *options, struct ingress **ret_skel,
		      struct loader_fault *ret_fault)
{
	struct ingress *skel = NULL;
	struct bpf_map *map;
	int err = program_open(options, &skel, ret_fault);

	if (err)
		return err;
	bpf_object__for_each_map(map, skel->obj)
	{
		const char *name = bpf_map__name(map);

		if (!bpf_map__is_internal(map) && (!is_shared(name) || !is_pinned(options, name)))
			bpf_map__set_pin_path(map, NULL);
	}
	/* Of the first programs, the one that runs. */
	bpf_program__set_autoload(skel->progs.ingress_shared, false);
	err = ingress__load(skel);
	if (!err)
		err = stages_fill(skel);
	if (err) {
		ingress__destroy(skel);
		return program_refused(err, ret_fault);
	}
	*ret_skel = skel;
	return 0;
}

/* By memory: a map of many lines in a few milliseconds. */
static void copy_lines(int from, const struct bpf_map *map)
{
	size_t bytes = (size_t)bpf_map__max_entries(map) * bpf_map__value_size(map);
	void *source = mmap(NULL, bytes, PROT_READ, MAP_SHARED, from, 0);
	void *target = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, bpf_map__fd(map), 0);

	if (source != MAP_FAILED && target != MAP_FAILED)
		memcpy(target, source, bytes);
	if (source != MAP_FAILED)
		munmap(source, bytes);
	if (target != MAP_FAILED)
		munmap(target, bytes);
}

static void copy_rows(int from, const struct bpf_map *map)
{
	uint32_t n = bpf_map__max_entries(map), count = n, after;
	uint8_t *values = calloc(n, bpf_map__value_size(map));
	uint8_t *keys = calloc(n, bpf_map__key_size(map));

	/* -ENOENT: that was all, count says how many. */
	if (values && keys &&
	    (!bpf_map_lookup_batch(from, NULL, &after, keys, values, &count, NULL) ||
	     errno == ENOENT) &&
	    count)
		bpf_map_update_batch(bpf_map__fd(map), keys, values, &count, NULL);
	free(values);
	free(keys);
}

/* All that a pinned map holds, into the program's own one; its value's size is a multiple of eight.
 */
static void copy_map(const struct loader_options *options, const struct bpf_map *map)
{
	int from = pin_get(options, bpf_map__name(map));

	if (from < 0)
		return;
	if (bpf_map__map_flags(map) & BPF_F_MMAPABLE)
		copy_lines(from, map);
	else
		copy_rows(from, map);
	close(from);
}

static void copy_state(const struct loader_options *options, const struct ingress *skel)
{
	struct bpf_map *const maps[] = {
		skel->maps.rate4,  skel->maps.rate6, skel->maps.backend,   skel->maps.node,
		skel->maps.shield, skel->maps.known, skel->maps.pressure,  skel->maps.conn,
		skel->maps.stick,  skel->maps.flow,  skel->maps.flow_new,  skel->maps.fragment,
		skel->maps.held,   skel->maps.track, skel->maps.track_new,
	};

	for (size_t i = 0; i < sizeof(maps) / sizeof(*maps); i++)
		copy_map(options, maps[i]);
}

/* The row of a per-CPU map of counters that has counted, or 0. */
static uint32_t counted(const struct bpf_map *map)
{
	uint32_t n = bpf_map__max_entries(map), size = bpf_map__value_size(map);
	size_t words = (size_t)libbpf_num_possible_cpus() * size / sizeof(uint64_t);
	uint64_t *values = calloc(n, words * sizeof(*values));
	uint32_t *keys = calloc(n, sizeof(*keys)), found = 0, after, count = n;

	/* -ENOENT: that was all. */
	if (!values || !keys ||
	    (bpf_map_lookup_batch(bpf_map__fd(map), NULL, &after, keys, values, &count, NULL) &&
	     errno != ENOENT))
		count = 0;
	for (size_t at = words; at < count * words && !found; at++)
		if (values[at])
			found = keys[at / words];
	free(values);
	free(keys);
	return found;
}

static int on_row(void *user, void *data, size_t size)
{
	struct rehearsal *ret = user;

	if (size >= sizeof(ret->seen))
		memcpy(&ret->seen, data, sizeof(ret->seen));
	return 0;
}

static void row_of(const struct bpf_map *map, uint32_t at, void *ret)
{
	if (bpf_map_lookup_elem(bpf_map__fd(map), &at, ret))
		memset(ret, 0, bpf_map__value_size(map));
}

/* An error about a flow is forwarded uncounted, and so is what another node gets: whose address
 * does the frame bear that leaves? */
static uint32_t sent_to(const struct bpf_map *map, size_t way_at, const struct abi_captured *seen)
{
	uint32_t size = bpf_map__value_size(map), found = 0;
	struct abi_addr to = {{0, 0, htonl(0xffff), 0}};
	size_t at = ETH_HLEN;
	uint8_t row[256];

	while (at + VLAN_BYTES <= seen->length && seen->data[at - 2] == 0x81)
		at += VLAN_BYTES;
	bool is_v4 = at < seen->length && seen->data[at] >> 4 == 4;

	if (seen->length < at + (is_v4 ? 20u : 40u) || size > sizeof(row))
		return 0;
	if (is_v4)
		memcpy(&to.word[3], seen->data + at + 16, 4);
	else
		memcpy(&to, seen->data + at + 24, sizeof(to));
	for (uint32_t i = 1; !found && i < bpf_map__max_entries(map); i++) {
		struct abi_backend way;

		if (bpf_map_lookup_elem(bpf_map__fd(map), &i, row))
			break;
		memcpy(&way, row + way_at, sizeof(way));
		uint64_t link = way.hop_to >> 16;

		if ((way.mode || size != sizeof(way)) &&
		    (way.mode == ABI_MODE_DSR_L2 ? !memcmp(seen->data, &link, ETH_ALEN)
						 : !memcmp(&way.addr, &to, sizeof(to))))
			found = i;
	}
	return found;
}

static void fill(const struct ingress *skel, struct rehearsal *ret)
{
	struct abi_control control;
	uint32_t service = counted(skel->maps.service_stat),
		 backend = counted(skel->maps.backend_stat);

	row_of(skel->maps.control, 0, &control);
	if (!backend && ret->seen.verdict == ABI_CAPTURE_SENT &&
	    ret->seen.why == ABI_SEND_ICMP_FORWARDED)
		backend = sent_to(skel->maps.backend, 0, &ret->seen);
	if (ret->seen.verdict == ABI_CAPTURE_SENT && ret->seen.why == ABI_SEND_NODE)
		row_of(skel->maps.node,
		       sent_to(skel->maps.node, offsetof(struct abi_node, way), &ret->seen),
		       &ret->node);
	uint32_t half = control.generation & 1;

	if (ret->seen.entry)
		row_of(skel->maps.entry, half * ABI_ENTRIES + ret->seen.entry % ABI_ENTRIES,
		       &ret->entry);
	if (ret->seen.policy)
		row_of(skel->maps.policy, half * ABI_POLICIES + ret->seen.policy % ABI_POLICIES,
		       &ret->policy);
	if (!service)
		service = ret->entry.service;
	if (service)
		row_of(skel->maps.service, service, &ret->service);
	if (backend)
		row_of(skel->maps.backend, backend, &ret->backend);
}

static int run_one(struct ingress *skel, const struct rehearse_frame *frame, uint32_t ifindex,
		   uint32_t *ret_action)
{
	struct xdp_md context = {.data_end = (uint32_t)frame->n, .ingress_ifindex = ifindex};
	LIBBPF_OPTS(bpf_test_run_opts, opts, .data_in = frame->at,
		    .data_size_in = (uint32_t)frame->n, .repeat = 1);

	if (ifindex) {
		opts.ctx_in = &context;
		opts.ctx_size_in = sizeof(context);
	}
	if (bpf_prog_test_run_opts(bpf_program__fd(skel->progs.ingress), &opts))
		return -errno;
	*ret_action = opts.retval;
	return 0;
}

static int run(struct ingress *skel, const struct rehearse_frame *frames, size_t n,
	       uint32_t ifindex, struct rehearsal *ret)
{
	const struct abi_capture everything = {.until_ns = UINT64_MAX, .verdicts = 7};
	struct ring_buffer *ring =
		ring_buffer__new(bpf_map__fd(skel->maps.captured), on_row, ret, NULL);
	int err = ring ? 0 : -errno;

	if (!err && bpf_map_update_elem(bpf_map__fd(skel->maps.capture), &(uint32_t){0},
					&everything, BPF_ANY))
		err = -errno;
	for (size_t i = 0; !err && i < n; i++)
		err = run_one(skel, &frames[i], ifindex, &ret->action);
	if (!err) {
		ring_buffer__consume(ring);
		fill(skel, ret);
	}
	ring_buffer__free(ring);
	return err;
}

/* The first interface of this network namespace that runs the program; 0: none. */
static uint32_t first_interface(const struct loader_options *options)
{
	struct loader_attachment rows[16];
	struct loader_fault fault;
	int n = loader_attachments(options, rows, 16, &fault);

	for (int i = 0; i < n; i++)
		if (!rows[i].is_elsewhere)
			return rows[i].ifindex;
	return 0;
}

int rehearse(const struct loader_options *options, const struct rehearse_frame *frames, size_t n,
	     uint32_t ifindex, struct rehearsal *ret_rehearsal, struct loader_fault *ret_fault)
{
	struct ingress *skel = NULL;

	fault_hush(options->verbose);
	int control = pin_get(options, "control");

	if (control < 0)
		return fault_set(ret_fault, control, "nothing is loaded in %s: %s",
				 pin_folder(options), strerror(-control));
	close(control);
	int err = open_apart(options, &skel, ret_fault);

	if (err)
		return err;
	*ret_rehearsal = (struct rehearsal){0};
	if (!ifindex)
		ifindex = first_interface(options);
	if (ifindex && !if_indextoname(ifindex, ret_rehearsal->ifname))
		ifindex = 0;
	copy_state(options, skel);
	err = run(skel, frames, n, ifindex, ret_rehearsal);
	ingress__destroy(skel);
	return err ? fault_set(ret_fault, err, "the kernel does not run it: %s", strerror(-err))
		   : 0;
}

int rehearse_peek(const struct loader_options *options, const char *map, const void *key,
		  void *ret_value)
{
	int fd = pin_get(options, map);

	if (fd < 0)
		return fd;
	int err = bpf_map_lookup_elem(fd, key, ret_value) ? -errno : 0;

	close(fd);
	return err;
}
