// SPDX-License-Identifier: Apache-2.0
/*
 * neighbour_test: other people's programs on the same interfaces: tc and tcx programs stay, in
 * their order, and go on seeing packets while ours comes and goes a hundred times, native, generic
 * and by tc, on several interfaces at once. A foreign XDP program stays, and ours runs behind it.
 */
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <linux/if_link.h>
#include <linux/pkt_cls.h>
#include <net/if.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "abi.h"
#include "check.h"
#include "loader.h"

enum { CYCLES = 100, TCX_INGRESS = 46 /* newer than these headers */, TCX_PROGRAMS = 2 };

static char folder[64];
static struct loader_options options = {.folder = folder, .no_dispatcher = true};
static struct loader_fault fault;

static int begin(void **state)
{
	snprintf(folder, sizeof(folder), "/sys/fs/bpf/tg-near-%d", (int)getpid());
	assert_int_equal(unshare(CLONE_NEWNET), 0);
	assert_int_equal(system("ip link set lo up && ip link add tga type veth peer name tgb && "
				"ip link set tga up && ip link set tgb up"),
			 0);
	if (loader_load(&options, &fault)) {
		print_message("%s\n", fault.text);
		return 0;
	}
	*state = &options;
	return 0;
}

static int clean(void **state)
{
	(void)state;
	return loader_unload(&options, &fault);
}

/* Counts in a map of its own, and lets everything go on to whoever comes next. */
static int make_counting(const char *name, int *ret_map)
{
	int map = bpf_map_create(BPF_MAP_TYPE_ARRAY, name, 4, 8, 1, NULL);
	const struct bpf_insn insns[] = {
		{.code = BPF_ST | BPF_MEM | BPF_W, .dst_reg = 10, .off = -4},
		{.code = BPF_ALU64 | BPF_MOV | BPF_X, .dst_reg = 2, .src_reg = 10},
		{.code = BPF_ALU64 | BPF_ADD | BPF_K, .dst_reg = 2, .imm = -4},
		{.code = BPF_LD | BPF_DW | BPF_IMM,
		 .dst_reg = 1,
		 .src_reg = BPF_PSEUDO_MAP_FD,
		 .imm = map},
		{0},
		{.code = BPF_JMP | BPF_CALL, .imm = BPF_FUNC_map_lookup_elem},
		{.code = BPF_JMP | BPF_JEQ | BPF_K, .dst_reg = 0, .off = 2},
		{.code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = 1, .imm = 1},
		{.code = BPF_STX | BPF_ATOMIC | BPF_DW, .dst_reg = 0, .src_reg = 1, .imm = BPF_ADD},
		{.code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = 0, .imm = TC_ACT_UNSPEC},
		{.code = BPF_JMP | BPF_EXIT},
	};
	int fd = bpf_prog_load(BPF_PROG_TYPE_SCHED_CLS, name, "GPL", insns,
			       sizeof(insns) / sizeof(*insns), NULL);

	assert_true(map >= 0 && fd >= 0);
	*ret_map = map;
	return fd;
}

static uint64_t seen(int map)
{
	uint64_t n = 0;

	assert_int_equal(bpf_map_lookup_elem(map, &(uint32_t){0}, &n), 0);
	return n;
}

/* Ids in the order in which they run. libbpf of this age has no call for it. */
static uint32_t tcx_order(uint32_t ifindex, uint32_t ids[8])
{
	union bpf_attr attr = {.query = {.target_fd = ifindex,
					 .attach_type = TCX_INGRESS,
					 .prog_ids = (uintptr_t)ids,
					 .prog_cnt = 8}};

	if (syscall(SYS_bpf, BPF_PROG_QUERY, &attr, sizeof(attr)))
		return 0;
	return attr.query.prog_cnt;
}

static void send_some(void)
{
	assert_int_equal(system("bash -c 'for i in 1 2 3; do echo > /dev/udp/10.0.0.1/9; done'"),
			 0);
}

static void cycle(enum loader_mode mode)
{
	struct loader_attachment attachment;

	options.mode = mode;
	for (int i = 0; i < CYCLES; i++) {
		if (loader_attach(&options, "tgb", &attachment, &fault) ||
		    loader_attach(&options, "tga", &attachment, &fault) ||
		    loader_detach(&options, "tgb", &fault) ||
		    loader_detach(&options, "tga", &fault))
			fail_msg("%s", fault.text);
	}
	/* With ours there, packets still reach theirs. */
	assert_int_equal(loader_attach(&options, "tgb", &attachment, &fault), 0);
	CHECK_INT("mode", attachment.is_native, mode == LOADER_NATIVE);
}

static void tc_and_tcx_programs_stay_in_their_order(void **state)
{
	if (!*state)
		skip();
	uint32_t ifindex = if_nametoindex("tgb"), ids[8] = {0}, now[8] = {0};
	int maps[TCX_PROGRAMS], links[TCX_PROGRAMS], tc_map;
	LIBBPF_OPTS(bpf_tc_hook, hook, .ifindex = (int)ifindex, .attach_point = BPF_TC_INGRESS);
	LIBBPF_OPTS(bpf_tc_opts, filter, .handle = 1, .priority = 1);

	for (int i = 0; i < TCX_PROGRAMS; i++) {
		int prog = make_counting(i ? "second" : "first", &maps[i]);

		links[i] = bpf_link_create(prog, (int)ifindex, (enum bpf_attach_type)TCX_INGRESS,
					   NULL);
		if (links[i] < 0)
			print_message("no tcx here: %s\n", strerror(errno));
	}
	filter.prog_fd = make_counting("classic", &tc_map);
	assert_int_equal(bpf_tc_hook_create(&hook), 0);
	assert_int_equal(bpf_tc_attach(&hook, &filter), 0);
	uint32_t n = tcx_order(ifindex, ids), classic = filter.prog_id;

	for (int mode = LOADER_NATIVE; mode <= LOADER_TC; mode++) {
		uint64_t before = seen(tc_map), first = seen(maps[0]);

		cycle((enum loader_mode)mode);
		assert_int_equal(
			system("ip addr replace 10.0.0.2/24 dev tga && "
			       "ip neigh replace 10.0.0.1 lladdr 02:00:00:00:00:01 dev tga"),
			0);
		send_some();
		assert_true(seen(tc_map) >= before + 3);
		assert_true(links[0] < 0 || seen(maps[0]) >= first + 3);
		/* Of tcx ours is the first, unless it is a filter. */
		uint32_t ours = mode == LOADER_TC && links[0] >= 0;

		CHECK_INT("as many", tcx_order(ifindex, now), n + ours);
		assert_memory_equal(now + ours, ids, n * sizeof(*ids));
		filter.prog_fd = 0;
		filter.prog_id = 0;
		assert_int_equal(bpf_tc_query(&hook, &filter), 0);
		CHECK_INT("the same", filter.prog_id, classic);
		assert_int_equal(loader_detach(&options, "tgb", &fault), 0);
	}
	for (int i = 0; i < TCX_PROGRAMS; i++)
		if (links[i] >= 0)
			close(links[i]);
}

/* What our program has seen. */
static uint64_t received(void)
{
	struct loader_maps maps;
	struct abi_counter rows[256];
	uint64_t sum = 0;

	assert_int_equal(loader_maps_open(folder, &maps), 0);
	assert_int_equal(bpf_map_lookup_elem(maps.fd[LOADER_MAP_COUNTER], &(uint32_t){0}, rows), 0);
	for (int cpu = 0; cpu < libbpf_num_possible_cpus(); cpu++)
		sum += rows[cpu].received;
	loader_maps_close(&maps);
	return sum;
}

static void ours_runs_behind_a_foreign_xdp_program(void **state)
{
	if (!*state)
		skip();
	const struct bpf_insn insns[] = {
		{.code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = 0, .imm = XDP_PASS},
		{.code = BPF_JMP | BPF_EXIT},
	};
	uint32_t ifindex = if_nametoindex("tgb"), id = 0;
	int prog = bpf_prog_load(BPF_PROG_TYPE_XDP, "foreign", "GPL", insns, 2, NULL);
	struct loader_attachment attachment, rows[8];

	assert_int_equal(bpf_xdp_attach((int)ifindex, prog, XDP_FLAGS_DRV_MODE, NULL), 0);
	options.mode = LOADER_AUTO;
	for (int i = 0; i < CYCLES; i++) {
		if (loader_attach(&options, "tgb", &attachment, &fault) ||
		    loader_attach(&options, "tgb", &attachment, &fault) ||
		    loader_detach(&options, "tgb", &fault))
			fail_msg("%s", fault.text);
		CHECK_INT("tc", attachment.is_tc, 1);
		CHECK_INT("found again", attachment.was_there, 1);
	}
	assert_int_equal(loader_attach(&options, "tgb", &attachment, &fault), 0);
	assert_non_null(strstr(attachment.why, "'foreign'"));
	CHECK_INT("listed", loader_attachments(&options, rows, 8, &fault), 1);
	CHECK_INT("as tc", rows[0].is_tc, 1);
	/* A new program goes there, too. */
	assert_int_equal(loader_load(&options, &fault), 0);
	CHECK_INT("still", loader_attachments(&options, rows, 8, &fault), 1);
	assert_int_not_equal(rows[0].program_id, attachment.program_id);
	uint64_t before = received();

	send_some();
	assert_true(received() >= before + 3);
	assert_int_equal(bpf_xdp_query_id((int)ifindex, 0, &id), 0);
	assert_int_not_equal(id, 0);
	assert_int_equal(loader_detach(&options, "tgb", &fault), 0);
	assert_int_equal(bpf_xdp_query_id((int)ifindex, 0, &id), 0);
	assert_int_not_equal(id, 0);
	assert_int_equal(bpf_xdp_detach((int)ifindex, XDP_FLAGS_DRV_MODE, NULL), 0);
	close(prog);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(tc_and_tcx_programs_stay_in_their_order),
		cmocka_unit_test(ours_runs_behind_a_foreign_xdp_program),
	};

	return cmocka_run_group_tests(tests, begin, clean);
}
