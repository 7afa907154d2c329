// SPDX-License-Identifier: Apache-2.0
/*
 * dataplane: opening and closing, labels, the clock.
 *
 * Tried on Linux 6.18 with kernel.unprivileged_bpf_disabled=2, as nobody with no capability and
 * no_new_privs: element operations on hash, trie and per-CPU maps, mmap of arrays, a ring buffer's
 * consumer and test-run of an open program all work; only making maps, loading programs and opening
 * pins need privileges.
 */
#include "dataplane/dataplane.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <arpa/inet.h>
#include <errno.h>
#include <stdlib.h>
#include <sys/mman.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "dataplane/dataplane_links.h"
#include "dataplane/dataplane_maps.h"

enum {
	ARENA_CAP_BYTES = 256 << 20, /* two of the largest images and the operations between them */
	ARENA_BLOCK_BYTES = 1 << 20,
};

static const char *const drop_labels[] = {
#define LABEL(id, label, text) [ABI_DROP_##id] = label,
	ABI_DROPS(LABEL)
#undef LABEL
};

static const char *const drop_texts[] = {
#define TEXT(id, label, text) [ABI_DROP_##id] = text,
	ABI_DROPS(TEXT)
#undef TEXT
};

static const char *const pass_labels[] = {
#define LABEL(id, label, text) [ABI_PASS_##id] = label,
	ABI_PASSES(LABEL)
#undef LABEL
};

static const char *const send_labels[] = {
#define LABEL(id, label, text) [ABI_SEND_##id] = label,
	ABI_SENDS(LABEL)
#undef LABEL
};

static const char *const limit_labels[] = {
#define LABEL(id, label, text) [ABI_LIMIT_##id] = label,
	ABI_LIMITS(LABEL)
#undef LABEL
};

const char *dataplane_drop_label(enum abi_drop reason)
{
	return (unsigned)reason < ABI_DROP__COUNT ? drop_labels[reason] : "unknown";
}

const char *dataplane_drop_text(enum abi_drop reason)
{
	return (unsigned)reason < ABI_DROP__COUNT ? drop_texts[reason] : "unknown";
}

const char *dataplane_pass_label(enum abi_pass why)
{
	return (unsigned)why < ABI_PASS__COUNT ? pass_labels[why] : "unknown";
}

const char *dataplane_send_label(enum abi_send why)
{
	return (unsigned)why < ABI_SEND__COUNT ? send_labels[why] : "unknown";
}

const char *dataplane_limit_label(enum abi_limit_kind kind)
{
	return (unsigned)kind < ABI_LIMIT__COUNT ? limit_labels[kind] : "unknown";
}

int dataplane_now(const struct dataplane *dataplane, uint64_t *ret_now_ns)
{
	struct abi_clock clock = {0};
	LIBBPF_OPTS(bpf_test_run_opts, run, .ctx_in = &clock, .ctx_size_in = sizeof(clock));

	if (bpf_prog_test_run_opts(dataplane->maps.clock_fd, &run))
		return -errno;
	*ret_now_ns = clock.now_ns;
	return 0;
}

/* Maps an array whole. ret_n: how many values it has. */
static int map_array(struct dataplane *dataplane, enum loader_map map, size_t value_bytes, int prot,
		     size_t *ret_bytes, void **ret_at, uint32_t *ret_n)
{
	struct bpf_map_info info = {0};
	__u32 size = sizeof(info);
	int fd = dataplane->maps.fd[map];

	if (bpf_obj_get_info_by_fd(fd, &info, &size))
		return -errno;
	if (info.value_size != value_bytes)
		return -EPROTO;
	size_t page = (size_t)sysconf(_SC_PAGESIZE);
	size_t bytes = (value_bytes * info.max_entries + page - 1) & ~(page - 1);
	void *at = mmap(NULL, bytes, prot, MAP_SHARED, fd, 0);

	if (at == MAP_FAILED)
		return -errno;
	*ret_bytes = bytes;
	*ret_at = at;
	if (ret_n)
		*ret_n = info.max_entries;
	return 0;
}

/* Of what is large and seldom needed only the size is kept. */
static int measure_large(struct dataplane *dataplane)
{
	struct kernel_rings *rings = &dataplane->tables.rings;
	size_t ring_bytes;
	void *at;

	TRY(map_array(dataplane, LOADER_MAP_RING, sizeof(struct abi_ring_line), PROT_READ,
		      &ring_bytes, &at, &rings->n_lines));
	munmap(at, ring_bytes);
	dataplane_windows_init(&dataplane->windows, dataplane->maps.fd[LOADER_MAP_RING],
			       rings->n_lines);
	rings->at = dataplane_windows_at;
	rings->context = &dataplane->windows;

	TRY(map_array(dataplane, LOADER_MAP_RATE4, sizeof(struct abi_rate4), PROT_READ,
		      &dataplane->rate_bytes[0], &at, &dataplane->n_rate4));
	munmap(at, dataplane->rate_bytes[0]);
	TRY(map_array(dataplane, LOADER_MAP_RATE6, sizeof(struct abi_rate6), PROT_READ,
		      &dataplane->rate_bytes[1], &at, &dataplane->n_rate6));
	munmap(at, dataplane->rate_bytes[1]);
	TRY(map_array(dataplane, LOADER_MAP_ACL, sizeof(*dataplane->acl), PROT_READ,
		      &dataplane->acl_bytes, &at, &dataplane->n_acl_lines));
	munmap(at, dataplane->acl_bytes);
	return 0;
}

int dataplane_need_acl(struct dataplane *dataplane)
{
	void *at;

	if (dataplane->acl)
		return 0;
	/* Without asking bpf() for its size again, which may be forbidden by now. */
	at = mmap(NULL, dataplane->acl_bytes, PROT_READ | PROT_WRITE, MAP_SHARED,
		  dataplane->maps.fd[LOADER_MAP_ACL], 0);
	if (at == MAP_FAILED)
		return -errno;
	dataplane->acl = at;
	return 0;
}

static int map_all(struct dataplane *dataplane)
{
	const struct {
		enum loader_map map;
		size_t value_bytes;
		int prot;
		void **at;
		uint32_t *n;
	} arrays[] = {
		{LOADER_MAP_CONTROL, sizeof(*dataplane->control), PROT_READ | PROT_WRITE,
		 (void **)&dataplane->control, NULL},
		{LOADER_MAP_POLICY, sizeof(*dataplane->policies), PROT_READ | PROT_WRITE,
		 (void **)&dataplane->policies, NULL},
		{LOADER_MAP_ENTRY, sizeof(*dataplane->entries), PROT_READ | PROT_WRITE,
		 (void **)&dataplane->entries, NULL},
		{LOADER_MAP_PORT, sizeof(*dataplane->ports), PROT_READ | PROT_WRITE,
		 (void **)&dataplane->ports, NULL},
		{LOADER_MAP_VIP, sizeof(*dataplane->vips), PROT_READ | PROT_WRITE,
		 (void **)&dataplane->vips, NULL},
		{LOADER_MAP_SHIELD, sizeof(*dataplane->shield), PROT_READ | PROT_WRITE,
		 (void **)&dataplane->shield, NULL},
		{LOADER_MAP_PRESSURE, sizeof(*dataplane->pressures), PROT_READ,
		 (void **)&dataplane->pressures, NULL},
		{LOADER_MAP_HERE, sizeof(*dataplane->here), PROT_READ | PROT_WRITE,
		 (void **)&dataplane->here, NULL},
		{LOADER_MAP_SERVICE, sizeof(struct abi_service), PROT_READ | PROT_WRITE,
		 (void **)&dataplane->tables.services, NULL},
		{LOADER_MAP_BACKEND, sizeof(struct abi_backend), PROT_READ | PROT_WRITE,
		 (void **)&dataplane->tables.backends, NULL},
		{LOADER_MAP_QUIC, sizeof(struct abi_quic_line), PROT_READ | PROT_WRITE,
		 (void **)&dataplane->tables.quic, NULL},
		{LOADER_MAP_NODE, sizeof(struct abi_node), PROT_READ | PROT_WRITE,
		 (void **)&dataplane->tables.nodes, NULL},
		{LOADER_MAP_GATE, sizeof(*dataplane->gate), PROT_READ | PROT_WRITE,
		 (void **)&dataplane->gate, NULL},
		{LOADER_MAP_BAN, sizeof(*dataplane->bans), PROT_READ | PROT_WRITE,
		 (void **)&dataplane->bans, &dataplane->n_ban_lines},
	};

	for (size_t i = 0; i < sizeof(arrays) / sizeof(*arrays); i++)
		TRY(map_array(dataplane, arrays[i].map, arrays[i].value_bytes, arrays[i].prot,
			      &dataplane->mapped_bytes[i], arrays[i].at, arrays[i].n));
	return measure_large(dataplane);
}

static int on_event(void *context, void *data, size_t bytes)
{
	struct dataplane *dataplane = context;
	const struct abi_event *raw = data;

	if (bytes < sizeof(*raw) || !dataplane->event_fn)
		return 0;
	struct dataplane_event event = {
		.wall_ns = clock_wall_ns(),
		.source = dataplane_addr(&raw->source),
		.dest = dataplane_addr(&raw->dest),
		.source_port = ntohs(raw->source_port),
		.dest_port = ntohs(raw->dest_port),
		.proto = raw->proto,
		.reason = raw->reason,
		.ifindex = raw->ifindex,
	};

	if (raw->entry)
		memcpy(event.entry, dataplane_entry(dataplane, raw->entry)->name, KERNEL_NAME_MAX);
	if (raw->policy)
		memcpy(event.policy, dataplane_policy(dataplane, raw->policy)->name,
		       KERNEL_NAME_MAX);
	dataplane->event_fn(dataplane->event_user, &event);
	dataplane->n_events++;
	return 0;
}

int dataplane_event_fd(struct dataplane *dataplane)
{
	return ring_buffer__epoll_fd(dataplane->ring);
}

int dataplane_events(struct dataplane *dataplane, dataplane_event_fn fn, void *user)
{
	dataplane->event_fn = fn;
	dataplane->event_user = user;
	dataplane->n_events = 0;
	int err = ring_buffer__consume(dataplane->ring);

	dataplane->event_fn = NULL;
	return err < 0 ? err : dataplane->n_events;
}

int dataplane_open(const struct loader_maps *maps, struct dataplane **ret_dataplane)
{
	struct dataplane *dataplane = calloc(1, sizeof(*dataplane));
	int err = -ENOMEM;

	if (!dataplane) {
		struct loader_maps taken = *maps;

		loader_maps_close(&taken);
		return err;
	}
	dataplane->maps = *maps;
	pthread_mutex_init(&dataplane->ban_lock, NULL);
	for (int i = 0; i < 2; i++)
		arena_init(&dataplane->arenas[i], ARENA_CAP_BYTES, ARENA_BLOCK_BYTES);
	dataplane->n_cpus = libbpf_num_possible_cpus();
	if (dataplane->n_cpus > 0)
		dataplane->rows = calloc((size_t)dataplane->n_cpus, sizeof(*dataplane->rows));
	dataplane->grace = dataplane_grace_new();
	if (dataplane->rows && dataplane->grace)
		err = loader_maps_check(maps->fd[LOADER_MAP_CONTROL], NULL);
	if (!err)
		err = map_all(dataplane);
	if (!err) {
		dataplane->ring =
			ring_buffer__new(maps->fd[LOADER_MAP_EVENTS], on_event, dataplane, NULL);
		if (!dataplane->ring)
			err = -errno;
	}
	if (err) {
		dataplane_close(dataplane);
		return err;
	}
	*ret_dataplane = dataplane;
	return 0;
}

int dataplane_open_pinned(const char *folder, struct dataplane **ret_dataplane)
{
	struct loader_maps maps;

	TRY(loader_maps_open(folder, &maps));
	return dataplane_open(&maps, ret_dataplane);
}

void dataplane_close(struct dataplane *dataplane)
{
	if (!dataplane)
		return;
	const void *const mapped[] = {dataplane->control,
				      dataplane->policies,
				      dataplane->entries,
				      dataplane->ports,
				      dataplane->vips,
				      dataplane->shield,
				      dataplane->pressures,
				      dataplane->here,
				      dataplane->tables.services,
				      dataplane->tables.backends,
				      dataplane->tables.quic,
				      dataplane->tables.nodes,
				      dataplane->gate,
				      dataplane->bans};

	if (dataplane->pending.is_on)
		dataplane_clean(dataplane, true);
	dataplane_grace_free(dataplane->grace);
	dataplane_links_free(dataplane->links);
	dataplane_care_free(dataplane->care);
	kernel_fleet_free(dataplane->fleet);
	for (size_t i = 0; i < sizeof(mapped) / sizeof(*mapped); i++)
		if (mapped[i])
			munmap((void *)mapped[i], dataplane->mapped_bytes[i]);
	if (dataplane->acl)
		munmap(dataplane->acl, dataplane->acl_bytes);
	dataplane_windows_done(&dataplane->windows);
	ring_buffer__free(dataplane->ring);
	loader_maps_close(&dataplane->maps);
	for (int i = 0; i < 2; i++)
		arena_done(&dataplane->arenas[i]);
	pthread_mutex_destroy(&dataplane->ban_lock);
	free(dataplane->rows);
	free(dataplane);
}
