// SPDX-License-Identifier: Apache-2.0
/* rehearse: see rehearse.h. */
#include "rehearse.h"

#include <bpf/bpf.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "abi.h"
#include "fault.h"
#include "pin.h"
#include "program.h"
#include "stages.h"

static bool is_one_of(const char *name, const char *const *names, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (!strcmp(names[i], name))
			return true;
	return false;
}

/* Read by the program and hardly written: the pinned ones themselves. Others are its own. */
static bool is_shared(const char *name)
{
	static const char *const shared[] = {"control", "port", "vip",	    "entry",
					     "policy",	"gate", "acl",	    "here",
					     "service", "ring", "backend",  "quic",
					     "node",	"ban",	"ban_info", "policy_object"};

	return is_one_of(name, shared, sizeof(shared) / sizeof(*shared));
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
		if (!bpf_map__is_internal(map) && !is_shared(bpf_map__name(map)))
			bpf_map__set_pin_path(map, NULL);
	}
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

/* The buckets as they are now, so that a source over its limit is over it here, too. */
static void copy_buckets(const struct loader_options *options, struct bpf_map *map)
{
	uint32_t n = bpf_map__max_entries(map), size = bpf_map__value_size(map);
	int from = pin_get(options, bpf_map__name(map));
	void *values = from < 0 ? NULL : malloc((size_t)n * size);
	uint32_t *keys = from < 0 ? NULL : malloc(n * sizeof(*keys)), next = 0, count = n;

	for (uint32_t i = 0; keys && i < n; i++)
		keys[i] = i;
	if (values && keys && !bpf_map_lookup_batch(from, NULL, &next, keys, values, &count, NULL))
		bpf_map_update_batch(bpf_map__fd(map), keys, values, &count, NULL);
	free(values);
	free(keys);
	if (from >= 0)
		close(from);
}

/* The row of a per-CPU map of counters that has counted, or 0. */
static uint32_t counted(const struct bpf_map *map)
{
	uint32_t n = bpf_map__max_entries(map), size = bpf_map__value_size(map);
	size_t all = (size_t)libbpf_num_possible_cpus() * size;
	uint64_t *values = calloc(1, all);
	uint32_t found = 0;

	for (uint32_t i = 1; values && i < n && !found; i++) {
		if (bpf_map_lookup_elem(bpf_map__fd(map), &i, values))
			break;
		for (size_t at = 0; at < all / sizeof(*values); at++)
			if (values[at])
				found = i;
	}
	free(values);
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

static void fill(const struct ingress *skel, struct rehearsal *ret)
{
	struct abi_control control;
	uint32_t service = counted(skel->maps.service_stat),
		 backend = counted(skel->maps.backend_stat);

	row_of(skel->maps.control, 0, &control);
	uint32_t half = control.generation & 1;

	if (ret->seen.entry)
		row_of(skel->maps.entry, half * ABI_ENTRIES + ret->seen.entry % ABI_ENTRIES,
		       &ret->entry);
	if (ret->seen.policy)
		row_of(skel->maps.policy, half * ABI_POLICIES + ret->seen.policy % ABI_POLICIES,
		       &ret->policy);
	if (service)
		row_of(skel->maps.service, service, &ret->service);
	if (backend)
		row_of(skel->maps.backend, backend, &ret->backend);
}

static int run(struct ingress *skel, const void *frame, size_t n, uint32_t ifindex,
	       struct rehearsal *ret)
{
	const struct abi_capture everything = {.until_ns = UINT64_MAX, .verdicts = 7};
	struct xdp_md context = {.data_end = (uint32_t)n, .ingress_ifindex = ifindex};
	LIBBPF_OPTS(bpf_test_run_opts, opts, .data_in = frame, .data_size_in = (uint32_t)n,
		    .repeat = 1);

	if (ifindex) {
		opts.ctx_in = &context;
		opts.ctx_size_in = sizeof(context);
	}
	struct ring_buffer *ring =
		ring_buffer__new(bpf_map__fd(skel->maps.captured), on_row, ret, NULL);
	int err = ring ? 0 : -errno;

	if (!err && bpf_map_update_elem(bpf_map__fd(skel->maps.capture), &(uint32_t){0},
					&everything, BPF_ANY))
		err = -errno;
	if (!err && bpf_prog_test_run_opts(bpf_program__fd(skel->progs.ingress), &opts))
		err = -errno;
	if (!err) {
		ring_buffer__consume(ring);
		ret->action = opts.retval;
		fill(skel, ret);
	}
	ring_buffer__free(ring);
	return err;
}

int rehearse(const struct loader_options *options, const void *frame, size_t n, uint32_t ifindex,
	     struct rehearsal *ret_rehearsal, struct loader_fault *ret_fault)
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
	copy_buckets(options, skel->maps.rate4);
	copy_buckets(options, skel->maps.rate6);
	err = run(skel, frame, n, ifindex, ret_rehearsal);
	ingress__destroy(skel);
	return err ? fault_set(ret_fault, err, "the kernel does not run it: %s", strerror(-err))
		   : 0;
}
