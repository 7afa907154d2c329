// SPDX-License-Identifier: Apache-2.0
/*
 * crash_test: a process that is killed at any moment of its changes leaves maps from which the next
 * one comes to the same as a fresh program: entries, policies, services, rings.
 */
#include <bpf/bpf.h>
#include <poll.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "balance_lab.h"
#include "flow_hash.h"

enum {
	ROUNDS = 6,
	KILLS = 5,
	SERVICES = 8,
	MEMBERS = 12,
	POLICIES = 4,
	LINES_MAX = 400,
	LINE_BYTES = 160
};

/* What a configuration is made of: bits and small numbers, so that any change is a valid one. */
struct model {
	uint16_t members[SERVICES]; /* a bit for each; 0: no such service */
	uint8_t weights[SERVICES], policy_of[SERVICES];
	uint16_t limits[POLICIES]; /* 0: no such policy */
};

static uint32_t dice(uint64_t *seed, uint32_t sides)
{
	*seed = *seed * 6364136223846793005ULL + 1442695040888963407ULL;
	return (uint32_t)(*seed >> 33) % sides;
}

static void change(struct model *model, uint64_t *seed)
{
	uint32_t k = dice(seed, SERVICES), p = dice(seed, POLICIES);

	switch (dice(seed, 6)) {
	case 0:
		model->members[k] = dice(seed, 3) ? (uint16_t)dice(seed, 1 << MEMBERS) : 0;
		break;
	case 1:
		model->limits[p] = dice(seed, 3) ? (uint16_t)(1 + dice(seed, 1000)) : 0;
		break;
	case 2:
		model->policy_of[k] = (uint8_t)p;
		break;
	case 3:
		model->weights[k] = (uint8_t)dice(seed, 4);
		break;
	default:
		model->members[k] ^= (uint16_t)(1 << dice(seed, MEMBERS));
	}
}

static void add_service(struct kernel_config *config, const struct model *model, uint32_t k)
{
	struct kernel_policy *policy = NULL;
	struct kernel_service *service;
	char text[32];
	struct addr addr;

	snprintf(text, sizeof(text), "s%u", k);
	service = kernel_config_service(config, str_of(text));
	service->mode = KERNEL_MODE_DSR_IPIP;
	service->backends = ARENA_ARRAY(config->arena, struct kernel_backend, MEMBERS);
	for (uint32_t i = 0; i < MEMBERS; i++) {
		if (!(model->members[k] & 1 << i))
			continue;
		snprintf(text, sizeof(text), "10.9.%u.%u", k, i + 1);
		service->backends[service->n_backends++] = (struct kernel_backend){
			.addr = lab_addr(text), .weight = 1 + (i + model->weights[k]) % 3};
	}
	if (model->limits[model->policy_of[k]]) {
		snprintf(text, sizeof(text), "p%u", model->policy_of[k]);
		policy = kernel_config_policy(config, str_of(text));
		policy->packets.per_second = model->limits[model->policy_of[k]];
	}
	snprintf(text, sizeof(text), "192.0.2.%u", 10 + k);
	addr = lab_addr(text);
	snprintf(text, sizeof(text), "e%u", k);
	assert_true(kernel_config_add(config, str_of(text), &addr, 80, IPPROTO_TCP, policy));
	config->entries[config->n_entries - 1].service = service;
}

static const struct kernel_config *make(const struct model *model, struct arena *arena)
{
	struct kernel_config *config;

	arena_reset(arena);
	config = kernel_config_new(arena);
	for (uint32_t k = 0; k < SERVICES; k++)
		if (model->members[k])
			add_service(config, model, k);
	return config;
}

/* ------------------------------------------------------------------- reading -- */

struct lines {
	char at[LINES_MAX][LINE_BYTES];
	size_t n;
};

static int by_text(const void *a, const void *b)
{
	return strcmp(a, b);
}

/* The rows of a map in memory. */
static const void *rows_of(const struct bpf_map *map)
{
	size_t size = (size_t)bpf_map__value_size(map) * bpf_map__max_entries(map);
	void *at = mmap(NULL, size, PROT_READ, MAP_SHARED, bpf_map__fd(map), 0);

	assert_ptr_not_equal(at, MAP_FAILED);
	return at;
}

static void let_go(const struct bpf_map *map, const void *rows)
{
	munmap((void *)(uintptr_t)rows,
	       (size_t)bpf_map__value_size(map) * bpf_map__max_entries(map));
}

/* A copy of one row. */
static void read_row(const struct bpf_map *map, uint32_t index, void *ret)
{
	const uint8_t *rows = rows_of(map);

	memcpy(ret, rows + (size_t)index * bpf_map__value_size(map), bpf_map__value_size(map));
	let_go(map, rows);
}

/* Who is in the ring, slot by slot, as one number; marks and free numbers of rows do not count. */
static uint64_t read_ring(const struct abi_ring_line *rings, const struct abi_backend *backends,
			  uint32_t ring)
{
	const uint16_t *slots = rings[ring >> 2].slot;
	uint64_t hash = 1;

	for (uint32_t i = 0; i < ring_slots(ring); i++) {
		const struct abi_backend *backend = &backends[slots[i] & ABI_RING_BACKEND];

		assert_int_equal(backend->state, ABI_BACKEND_ACTIVE);
		hash = (hash ^ backend->addr.word[3] ^ (uint64_t)backend->mode << 32) *
		       0x9e3779b97f4a7c15ULL;
	}
	return hash;
}

static void read_services(const struct plane *plane, struct lines *lines)
{
	const struct abi_service *rows = rows_of(plane->skel->maps.service);
	const struct abi_ring_line *rings = rows_of(plane->skel->maps.ring);
	const struct abi_backend *backends = rows_of(plane->skel->maps.backend);

	for (uint32_t i = 1; i < ABI_SERVICES; i++)
		if (rows[i].used)
			snprintf(lines->at[lines->n++], LINE_BYTES, "service %s %u %u %llx",
				 rows[i].name, rows[i].families, rows[i].affinity,
				 (unsigned long long)read_ring(rings, backends, rows[i].ring));
	let_go(plane->skel->maps.service, rows);
	let_go(plane->skel->maps.ring, rings);
	let_go(plane->skel->maps.backend, backends);
}

static void read_policies(const struct plane *plane, uint32_t half, struct lines *lines)
{
	const struct abi_policy *rows = rows_of(plane->skel->maps.policy);

	for (uint32_t i = half * ABI_POLICIES + 1; i < (half + 1) * ABI_POLICIES; i++) {
		const uint64_t *word = (const uint64_t *)rows[i].limit;
		uint64_t hash = 1;

		for (size_t k = 0; k < sizeof(rows[i].limit) / (sizeof(*word)); k++)
			hash = (hash ^ word[k]) * 0x9e3779b97f4a7c15ULL;
		if (rows[i].name[0])
			snprintf(lines->at[lines->n++], LINE_BYTES, "policy %s %x %llx",
				 rows[i].name, rows[i].flags, (unsigned long long)hash);
	}
	let_go(plane->skel->maps.policy, rows);
}

/* Entries, and where packets find them: one line for each cell that is taken. */
static void read_entries(const struct plane *plane, uint32_t half, struct lines *lines)
{
	const struct abi_entry *all = rows_of(plane->skel->maps.entry), *rows;
	const struct abi_vip_line *vips = rows_of(plane->skel->maps.vip);
	const struct abi_policy *policies = rows_of(plane->skel->maps.policy);
	const struct abi_service *services = rows_of(plane->skel->maps.service);

	rows = all + half * ABI_ENTRIES;
	for (uint32_t i = 1; i < ABI_ENTRIES; i++)
		if (rows[i].target)
			snprintf(lines->at[lines->n++], LINE_BYTES, "entry %s %x:%u %u %u %x %s %s",
				 rows[i].name, rows[i].addr.word[3], rows[i].port, rows[i].proto,
				 rows[i].target, rows[i].flags,
				 policies[half * ABI_POLICIES + rows[i].policy].name,
				 services[rows[i].service].name);
	for (uint32_t i = 0; i < ABI_VIP_LINES * 32; i++) {
		uint16_t id = vips[half * ABI_VIP_LINES + i / 32].entry[i % 32];

		if (id)
			snprintf(lines->at[lines->n++], LINE_BYTES, "vip %s %x", rows[id].name,
				 rows[id].addr.word[3]);
	}
	let_go(plane->skel->maps.entry, all);
	let_go(plane->skel->maps.vip, vips);
	let_go(plane->skel->maps.policy, policies);
	let_go(plane->skel->maps.service, services);
}

static void read_all(const struct plane *plane, bool other_half, struct lines *ret)
{
	struct abi_control control;
	uint32_t half;

	ret->n = 0;
	read_row(plane->skel->maps.control, 0, &control);
	half = (control.generation & 1) ^ other_half;
	read_services(plane, ret);
	read_policies(plane, half, ret);
	read_entries(plane, half, ret);
	assert_true(ret->n < LINES_MAX);
	qsort(ret->at, ret->n, LINE_BYTES, by_text);
}

static void compare(const struct lines *a, const struct lines *b, uint32_t round)
{
	for (size_t i = 0; i < a->n && i < b->n; i++)
		if (strcmp(a->at[i], b->at[i])) {
			print_message("round %u: %s\n instead of %s\n", round, a->at[i], b->at[i]);
			fail();
		}
	assert_int_equal(a->n, b->n);
}

/* -------------------------------------------------------------------- rounds -- */

/* Changes without an end. */
static void live(struct lab *lab, struct model *model, uint64_t seed)
{
	struct dataplane_result result;
	struct loader_maps maps = plane_maps(&lab->plane);
	struct dataplane *dataplane;

	if (dataplane_open(&maps, &dataplane))
		_exit(1);
	for (uint64_t i = 0;; i++) {
		change(model, &seed);
		if (dataplane_publish(dataplane, make(model, &lab->arena), &result))
			_exit(2);
		if (i % 16 == 0)
			dataplane_tick(dataplane, clock_mono_ns());
	}
}

static void live_and_die(struct lab *lab, struct model *model, uint64_t seed)
{
	pid_t child = fork();
	int status;

	assert_true(child >= 0);
	if (!child)
		live(lab, model, seed);
	poll(NULL, 0, (int)(10 + dice(&seed, 60)));
	kill(child, SIGKILL);
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFSIGNALED(status));
}

static void apply(struct plane *plane, const struct model *model, struct arena *arena)
{
	struct dataplane_result result;
	struct loader_maps maps = plane_maps(plane);
	struct dataplane *dataplane;

	assert_int_equal(dataplane_open(&maps, &dataplane), 0);
	CHECK_INT("apply", dataplane_apply(dataplane, make(model, arena), &result), 0);
	dataplane_close(dataplane);
}

static void a_killed_process_leaves_what_the_next_one_can_go_on_from(void **state)
{
	static struct lines had, fresh, spare;
	struct model model = {.members = {1, 2, 3, 4}, .limits = {10, 20}};
	struct lab *lab = lab_of(state);
	uint64_t seed = 7;

	dataplane_close(lab->dataplane);
	lab->dataplane = NULL;
	for (uint32_t round = 0; round < ROUNDS; round++) {
		struct plane other;

		for (uint32_t i = 0; i < KILLS; i++)
			live_and_die(lab, &model, seed + round * KILLS + i);
		for (int i = 0; i < 20; i++)
			change(&model, &seed);
		apply(&lab->plane, &model, &lab->arena);
		assert_int_equal(plane_open(&other, NULL), 0);
		apply(&other, &model, &lab->arena);
		read_all(&lab->plane, false, &had);
		read_all(&other, false, &fresh);
		compare(&had, &fresh, round);
		read_all(&lab->plane, true, &spare);
		compare(&had, &spare, round);
		plane_close(&other);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		LAB_TEST(a_killed_process_leaves_what_the_next_one_can_go_on_from),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
