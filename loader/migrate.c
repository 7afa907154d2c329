// SPDX-License-Identifier: Apache-2.0
/*
 * migrate: see migrate.h. One table per step; a map that is in none of them has not changed.
 *
 * From 2 to 3: more entries, found by hash of their address instead of a chain per port; more
 * reasons in the counters; more limits in policies, and therefore more kinds of buckets.
 */
#include "migrate.h"

#include <arpa/inet.h>
#include <bpf/bpf.h>
#include <errno.h>
#include <linux/membarrier.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "abi.h"
#include "fault.h"
#include "loader_maps.h"
#include "pin.h"
#include "vip_key.h"

enum { OLDEST = 2, ROW_MAX = 1024, LATE_ROW = ABI_ENTRIES - 1, OLD_PACKETS_MS = 100 };

/* ------------------------------------------------------------- layout 2, as it was -- */

enum { PASSES_2 = 6, DROPS_2 = 8, ENTRIES_2 = 256 };

struct counter_2 {
	uint64_t received, received_bytes, pass[PASSES_2], tx, redirect, drop[DROPS_2];
	uint64_t event_due_ns, reserved[5];
};

struct entry_2 {
	struct abi_addr addr;
	__be16 port;
	uint8_t proto, target;
	uint16_t policy, next;
	uint64_t pad;
	char name[ABI_NAME_BYTES];
};

static void counter_from_2(const void *from, void *to)
{
	const struct counter_2 *old = from;
	struct abi_counter *row = to;

	/* The first reasons are the same. */
	row->received = old->received;
	row->received_bytes = old->received_bytes;
	row->tx = old->tx;
	row->redirect = old->redirect;
	memcpy(row->pass, old->pass, sizeof(old->pass));
	memcpy(row->drop, old->drop, sizeof(old->drop));
}

static void entry_from_2(const void *from, void *to)
{
	const struct entry_2 *old = from;
	struct abi_entry *row = to;

	*row = (struct abi_entry){
		.addr = old->addr,
		.port = old->port,
		.port_last = old->port,
		.proto = old->proto,
		.target = old->target,
		.policy = old->policy,
	};
	memcpy(row->name, old->name, sizeof(row->name));
}

/* The owner of a bucket had one bit less for its kind. */
static uint16_t owner_from_2(uint16_t old)
{
	return old ? abi_bucket_owner(old >> 3, old >> 1 & 3) : 0;
}

static void rate4_from_2(const void *from, void *to)
{
	struct abi_rate4 *row = to;

	memcpy(row, from, sizeof(*row));
	for (size_t i = 0; i < sizeof(row->owner) / sizeof(*row->owner); i++)
		row->owner[i] = owner_from_2(row->owner[i]);
}

static void rate6_from_2(const void *from, void *to)
{
	struct abi_rate6 *row = to;

	memcpy(row, from, sizeof(*row));
	for (size_t i = 0; i < sizeof(row->owner) / sizeof(*row->owner); i++)
		row->owner[i] = owner_from_2(row->owner[i]);
}

/* --------------------------------------------------------------------------- table -- */

/* A map that changed. convert NULL: fields were added in what was zero, rows only grew. */
struct change {
	const char *name;
	bool in_halves;
	uint32_t old_bytes; /* of a row */
	void (*convert)(const void *from, void *to);
	bool is_made_anew; /* from other maps, see below */
};

static const struct change changes[] = {
	{"counter", false, sizeof(struct counter_2), counter_from_2, false},
	{"policy", true, 320, NULL, false},
	{"entry", true, sizeof(struct entry_2), entry_from_2, false},
	{"rate4", false, sizeof(struct abi_rate4), rate4_from_2, false},
	{"rate6", false, sizeof(struct abi_rate6), rate6_from_2, false},
	{"port", true, sizeof(struct abi_port_line), NULL, true},
};

enum { N_CHANGES = sizeof(changes) / sizeof(*changes), COUNTER = 0 };

_Static_assert((int)N_CHANGES <= (int)MIGRATE_MAPS_MAX, "room for every map");

/* ------------------------------------------------------------------ setting aside -- */

static int rename_pin(const struct loader_options *options, const char *name, bool aside)
{
	char here[PATH_MAX], there[PATH_MAX + 8];
	int err = pin_path(options, name, here);

	if (err)
		return err;
	snprintf(there, sizeof(there), "%s_old", here);
	if (!aside) {
		/* Perhaps it never came as far as being set aside. */
		if (access(there, F_OK))
			return 0;
		unlink(here);
	}
	return rename(aside ? here : there, aside ? there : here) ? -errno : 0;
}

/* The version stands in a map that both programs use; only its own words are touched. */
static int set_version(const struct loader_options *options, unsigned version)
{
	int fd = pin_get(options, "control");

	if (fd < 0)
		return fd;
	struct abi_control *control = mmap(NULL, (size_t)sysconf(_SC_PAGESIZE),
					   PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	int err = control == MAP_FAILED ? -errno : 0;

	close(fd);
	if (err)
		return err;
	if (!control->flow_seed[0] && !control->flow_seed[1])
		memcpy(control->flow_seed, control->seed, sizeof(control->flow_seed));
	__atomic_store_n(&control->abi_version, version, __ATOMIC_RELEASE);
	munmap(control, (size_t)sysconf(_SC_PAGESIZE));
	return 0;
}

static unsigned version_of(const struct loader_options *options)
{
	int fd = pin_get(options, "control");
	unsigned version = 0;

	if (fd < 0)
		return 0;
	loader_maps_check(fd, &version);
	close(fd);
	return version;
}

int migrate_begin(const struct loader_options *options, struct migration *ret_migration,
		  struct loader_fault *ret_fault)
{
	struct migration self = {0};
	unsigned version = version_of(options);
	int err = 0;

	for (int i = 0; i < MIGRATE_MAPS_MAX; i++)
		self.old_fd[i] = -1;
	if (version >= OLDEST && version < ABI_VERSION) {
		self.from = version;
		for (int i = 0; i < N_CHANGES && !err; i++) {
			self.old_fd[i] = pin_get(options, changes[i].name);
			err = self.old_fd[i] < 0 ? self.old_fd[i]
						 : rename_pin(options, changes[i].name, true);
		}
		if (!err)
			err = set_version(options, ABI_VERSION);
	}
	*ret_migration = self;
	if (!err)
		return 0;
	migrate_end(options, ret_migration, NULL, err);
	return fault_set(ret_fault, err,
			 "the maps in %s are of layout %u and cannot be taken over: %s",
			 pin_folder(options), version, strerror(-err));
}

/* ------------------------------------------------------------------------- filling -- */

static const struct bpf_map *map_of(const struct ingress *skel, const char *name)
{
	return bpf_object__find_map_by_name(skel->obj, name);
}

struct copying {
	const struct change *change;
	int from, to;
	uint32_t n_from, n_to; /* rows, of a half where there are halves */
	uint32_t from_bytes, to_bytes;
	int n_cpus; /* 1 but for per-CPU maps */
};

static int copying_of(const struct migration *self, const struct ingress *skel, int which,
		      struct copying *ret)
{
	const struct bpf_map *map = map_of(skel, changes[which].name);
	struct bpf_map_info info = {0};
	__u32 size = sizeof(info);

	if (!map || bpf_obj_get_info_by_fd(self->old_fd[which], &info, &size))
		return -errno ?: -ENOENT;
	*ret = (struct copying){
		.change = &changes[which],
		.from = self->old_fd[which],
		.to = bpf_map__fd(map),
		.n_from = info.max_entries >> changes[which].in_halves,
		.n_to = bpf_map__max_entries(map) >> changes[which].in_halves,
		.from_bytes = info.value_size,
		.to_bytes = bpf_map__value_size(map),
		.n_cpus = info.type == BPF_MAP_TYPE_PERCPU_ARRAY ? libbpf_num_possible_cpus() : 1,
	};
	return info.value_size == changes[which].old_bytes && ret->to_bytes <= ROW_MAX ? 0
										       : -EPROTO;
}

/* One row, of every CPU. room has space for both. */
static int copy_row(const struct copying *copying, uint32_t half, uint32_t i, uint8_t *room)
{
	uint32_t from = half * copying->n_from + i, to = half * copying->n_to + i;
	uint8_t *old = room, *row = room + (size_t)copying->n_cpus * ROW_MAX;

	if (bpf_map_lookup_elem(copying->from, &from, old))
		return -errno;
	memset(row, 0, (size_t)copying->n_cpus * copying->to_bytes);
	for (int cpu = 0; cpu < copying->n_cpus; cpu++) {
		const uint8_t *one = old + (size_t)cpu * copying->from_bytes;
		uint8_t *into = row + (size_t)cpu * copying->to_bytes;

		if (copying->change->convert)
			copying->change->convert(one, into);
		else
			memcpy(into, one,
			       copying->from_bytes < copying->to_bytes ? copying->from_bytes
								       : copying->to_bytes);
	}
	return bpf_map_update_elem(copying->to, &to, row, BPF_ANY) ? -errno : 0;
}

static int copy_map(const struct copying *copying)
{
	uint8_t *room = calloc((size_t)copying->n_cpus, (size_t)2 * ROW_MAX);
	int err = room ? 0 : -ENOMEM;

	uint32_t n_halves = copying->change->in_halves ? 2 : 1;

	for (uint32_t half = 0; half < n_halves; half++)
		for (uint32_t i = 0; i < copying->n_from && i < copying->n_to && !err; i++)
			err = copy_row(copying, half, i, room);
	free(room);
	return err;
}

static int set_vip(int vip, uint32_t half, const struct abi_entry *entry, uint32_t index,
		   const uint64_t seed[2])
{
	uint64_t hash = vip_hash(&entry->addr, entry->port, entry->proto, (const __u64 *)seed);

	for (int which = 0; which < 2; which++) {
		uint32_t cell = vip_cell(hash, which), at = half * ABI_VIP_LINES + cell / 32;
		struct abi_vip_line line;

		if (bpf_map_lookup_elem(vip, &at, &line))
			return -errno;
		if (line.entry[cell % 32])
			continue;
		line.entry[cell % 32] = (uint16_t)index;
		return bpf_map_update_elem(vip, &at, &line, BPF_ANY) ? -errno : 0;
	}
	/* Two in a row are taken in one of ten thousand cases: the proxy's next word seats it. */
	return 0;
}

/* Ports and addresses find their entries in another way now: written anew from the entries. */
static int seat_entry(const struct ingress *skel, uint32_t half, uint32_t index,
		      const struct abi_control *control)
{
	static const struct abi_addr any;
	int entries = bpf_map__fd(skel->maps.entry), ports = bpf_map__fd(skel->maps.port);
	uint32_t at = half * ABI_ENTRIES + index;
	struct abi_port_line line;
	struct abi_entry entry;

	if (bpf_map_lookup_elem(entries, &at, &entry))
		return -errno;
	if (entry.target == ABI_TARGET_NONE)
		return 0;
	uint32_t port = ntohs(entry.port);

	at = half * ABI_PORT_LINES + (entry.proto == IPPROTO_UDP ? ABI_PORT_LINES / 2 : 0) +
	     port / 32;
	if (bpf_map_lookup_elem(ports, &at, &line))
		return -errno;
	bool is_any = !memcmp(&entry.addr, &any, sizeof(any));

	line.first[port % 32] |= (uint16_t)(is_any ? index : ABI_PORT_VIP);
	if (bpf_map_update_elem(ports, &at, &line, BPF_ANY))
		return -errno;
	return is_any ? 0
		      : set_vip(bpf_map__fd(skel->maps.vip), half, &entry, index,
				(const uint64_t *)control->seed);
}

static int seat_entries(const struct ingress *skel)
{
	struct abi_control control;
	int err = bpf_map_lookup_elem(bpf_map__fd(skel->maps.control), &(uint32_t){0}, &control)
			  ? -errno
			  : 0;

	for (uint32_t half = 0; half < 2; half++)
		for (uint32_t i = 1; i < ENTRIES_2 && !err; i++)
			err = seat_entry(skel, half, i, &control);
	return err;
}

/* The sum over CPUs and rows of the old counters. */
static struct counter_2 sum_of(int fd)
{
	int n_cpus = libbpf_num_possible_cpus();
	struct counter_2 *rows = calloc((size_t)n_cpus, sizeof(*rows)), sum = {0};

	for (uint32_t i = 0; rows && i < ENTRIES_2; i++) {
		if (bpf_map_lookup_elem(fd, &i, rows))
			break;
		for (int cpu = 0; cpu < n_cpus; cpu++)
			for (size_t at = 0; at < sizeof(sum) / sizeof(uint64_t); at++)
				((uint64_t *)&sum)[at] += ((const uint64_t *)&rows[cpu])[at];
	}
	free(rows);
	return sum;
}

/* Nobody counts in the new map yet: it has what was copied, and nothing else. */
static int note_counted(struct migration *self, const struct ingress *skel)
{
	int n_cpus = libbpf_num_possible_cpus();
	struct abi_counter *rows = calloc((size_t)n_cpus, sizeof(*rows));
	struct counter_2 *sum = calloc(1, sizeof(*sum));
	int err = rows && sum ? 0 : -ENOMEM;

	for (uint32_t i = 0; i < ENTRIES_2 && !err; i++) {
		if (bpf_map_lookup_elem(bpf_map__fd(skel->maps.counter), &i, rows))
			err = -errno;
		for (int cpu = 0; cpu < n_cpus && !err; cpu++) {
			sum->received += rows[cpu].received;
			sum->received_bytes += rows[cpu].received_bytes;
			sum->tx += rows[cpu].tx;
			sum->redirect += rows[cpu].redirect;
			for (int at = 0; at < PASSES_2; at++)
				sum->pass[at] += rows[cpu].pass[at];
			for (int at = 0; at < DROPS_2; at++)
				sum->drop[at] += rows[cpu].drop[at];
		}
	}
	free(rows);
	self->counted = sum;
	return err;
}

int migrate_fill(struct migration *self, const struct ingress *skel, struct loader_fault *ret_fault)
{
	struct copying copying;
	int err = 0;

	if (!self->from)
		return 0;
	for (int i = 0; i < N_CHANGES && !err; i++) {
		err = changes[i].is_made_anew ? 0 : copying_of(self, skel, i, &copying);
		if (!err && !changes[i].is_made_anew)
			err = copy_map(&copying);
	}
	if (!err)
		err = note_counted(self, skel);
	if (!err)
		err = seat_entries(skel);
	return err ? fault_set(ret_fault, err, "the maps of layout %u cannot be taken over: %s",
			       self->from, strerror(-err))
		   : 0;
}

/* What the old program counted after its counters were copied goes to a row that nobody else uses:
 * sums over all rows are exact. */
static void add_late(const struct migration *self, const struct ingress *skel,
		     const struct counter_2 *copied)
{
	struct counter_2 late = sum_of(self->old_fd[COUNTER]);
	int n_cpus = libbpf_num_possible_cpus();
	struct abi_counter *rows = calloc((size_t)n_cpus, sizeof(*rows));
	uint32_t at = LATE_ROW;

	for (size_t i = 0; i < sizeof(late) / sizeof(uint64_t); i++)
		((uint64_t *)&late)[i] -= ((const uint64_t *)copied)[i];
	if (rows && !bpf_map_lookup_elem(bpf_map__fd(skel->maps.counter), &at, rows)) {
		counter_from_2(&late, &rows[0]);
		bpf_map_update_elem(bpf_map__fd(skel->maps.counter), &at, rows, BPF_ANY);
	}
	free(rows);
}

void migrate_end(const struct loader_options *options, struct migration *self,
		 const struct ingress *skel, int err)
{
	char path[PATH_MAX], old[PATH_MAX + 8];

	if (!self->from)
		return;
	if (!err && self->counted) {
		/* Until no packet is in the old program any more. */
		if (syscall(SYS_membarrier, MEMBARRIER_CMD_GLOBAL, 0, 0))
			poll(NULL, 0, OLD_PACKETS_MS);
		add_late(self, skel, self->counted);
	}
	for (int i = 0; i < N_CHANGES; i++) {
		if (self->old_fd[i] < 0)
			continue;
		if (err)
			rename_pin(options, changes[i].name, false);
		else if (!pin_path(options, changes[i].name, path) &&
			 snprintf(old, sizeof(old), "%s_old", path) < (int)sizeof(old))
			unlink(old);
		close(self->old_fd[i]);
	}
	if (err)
		set_version(options, self->from);
	free(self->counted);
	self->from = 0;
}
