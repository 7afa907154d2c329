// SPDX-License-Identifier: Apache-2.0
/*
 * migrate_test: maps of an older layout, with another program running over them on a veth pair:
 * nothing that they know is lost, and no packet, while the present program takes over.
 */
#include <arpa/inet.h>
#include <bpf/bpf.h>
#include <linux/if_link.h>
#include <net/if.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "check.h"
#include "dataplane/dataplane.h"
#include "loader.h"
#include "older.skel.h"
#include "packet.h"

enum { FRAMES = 1000000, LAYOUT = 2, OLD_DENIED = 3, COUNTED = 41, KEPT_DUE = 77 };

static char folder[64];
static const struct loader_options options = {.folder = folder, .no_dispatcher = true};
static struct loader_fault fault;
static struct older *older;

static void put(struct bpf_map *map, uint32_t at, const void *value)
{
	assert_int_equal(bpf_map_update_elem(bpf_map__fd(map), &at, value, BPF_ANY), 0);
}

static void pin(int fd, const char *name)
{
	char path[128];

	snprintf(path, sizeof(path), "%s/%s", folder, name);
	assert_int_equal(bpf_obj_pin(fd, path), 0);
}

/* An entry point for UDP port 53 at 192.0.2.1 and one for TCP port 80 at any address, both halves.
 */
static void fill_entries(void)
{
	struct abi_entry row;

	for (uint32_t half = 0; half < 2; half++) {
		row = (struct abi_entry){.port = htons(53),
					 .proto = IPPROTO_UDP,
					 .target = ABI_TARGET_LOCAL,
					 .policy = 1,
					 .name = "dns"};
		row.addr.word[2] = htonl(0xffff);
		inet_pton(AF_INET, "192.0.2.1", &row.addr.word[3]);
		put(older->maps.entry, half * 256 + 5, &row);
		row = (struct abi_entry){.port = htons(80),
					 .proto = IPPROTO_TCP,
					 .target = ABI_TARGET_LOCAL,
					 .name = "web"};
		put(older->maps.entry, half * 256 + 6, &row);
	}
}

static void fill(void)
{
	struct abi_control control = {.abi_version = LAYOUT,
				      .generation = 9,
				      .seed = {0x1234567, 0x89abcdef},
				      .tick_ns = 4000000};
	int n_cpus = libbpf_num_possible_cpus();
	uint64_t *rows = calloc((size_t)n_cpus, 192);
	uint8_t policy[320] = {0};

	put(older->maps.control, 0, &control);
	fill_entries();
	memcpy(policy + offsetof(struct abi_policy, name), "strict", 7);
	put(older->maps.policy, 256 + 1, policy);
	/* What was counted of the first entry: received, and a drop. */
	rows[0] = COUNTED;
	rows[10 + OLD_DENIED] = COUNTED;
	put(older->maps.counter, 5, rows);
	free(rows);
}

static int begin(void **state)
{
	snprintf(folder, sizeof(folder), "/sys/fs/bpf/tg-migrate-%d", (int)getpid());
	if (loader_load(&options, &fault)) {
		print_message("%s\n", fault.text);
		return 0;
	}
	assert_int_equal(loader_unload(&options, &fault), 0);
	assert_int_equal(unshare(CLONE_NEWNET), 0);
	assert_int_equal(system("echo 1 > /proc/sys/net/ipv6/conf/all/disable_ipv6 && "
				"echo 1 > /proc/sys/net/ipv6/conf/default/disable_ipv6 && "
				"ip link add tga type veth peer name tgb && ip link set tga up && "
				"ip link set tgb up && ethtool -K tgb gro on"),
			 0);
	*state = &older;
	return 0;
}

/* Makes what an older build left behind: maps, program, link. */
static void make_older(void)
{
	/* A bucket of policy 1, of connection attempts, as layout 2 wrote it. */
	static const struct abi_rate4 line = {
		.source = {7}, .owner = {1 << 3 | 1 << 1 | 1}, .due_ns = {KEPT_DUE}};
	LIBBPF_OPTS(bpf_link_create_opts, create, .flags = XDP_FLAGS_DRV_MODE);
	LIBBPF_OPTS(bpf_map_create_opts, rates, .map_flags = BPF_F_MMAPABLE);

	assert_int_equal(mkdir(folder, 0700), 0);
	older = older__open_and_load();
	assert_non_null(older);
	fill();
	struct bpf_map *map;

	bpf_object__for_each_map(map, older->obj) pin(bpf_map__fd(map), bpf_map__name(map));
	int rate = bpf_map_create(BPF_MAP_TYPE_ARRAY, "rate4", 4, sizeof(line), 4096, &rates);

	assert_true(rate >= 0);
	assert_int_equal(bpf_map_update_elem(rate, &(uint32_t){99}, &line, BPF_ANY), 0);
	pin(rate, "rate4");
	close(rate);
	rate = bpf_map_create(BPF_MAP_TYPE_ARRAY, "rate6", 4, sizeof(line), 2048, &rates);
	pin(rate, "rate6");
	close(rate);
	int link = bpf_link_create(bpf_program__fd(older->progs.older), (int)if_nametoindex("tgb"),
				   BPF_XDP, &create);

	assert_true(link >= 0);
	pin(link, "link_tgb");
	close(link);
}

static int clean(void **state)
{
	(void)state;
	older__destroy(older);
	older = NULL;
	return loader_unload(&options, &fault);
}

static struct dataplane_totals totals_of(void)
{
	struct dataplane_totals totals;
	struct dataplane *dataplane;

	assert_int_equal(dataplane_open_pinned(folder, &dataplane), 0);
	assert_int_equal(dataplane_totals(dataplane, &totals), 0);
	dataplane_close(dataplane);
	return totals;
}

static void what_the_old_maps_knew_is_known(void **state)
{
	struct dataplane_entry_totals rows[4];
	struct dataplane *dataplane;
	struct abi_rate4 line;
	char path[128];

	if (!*state)
		skip();
	make_older();
	if (loader_load(&options, &fault))
		fail_msg("%s", fault.text);
	struct dataplane_totals totals = totals_of();

	CHECK_INT("drops", totals.drop[ABI_DROP_DENIED], COUNTED);
	assert_int_equal(dataplane_open_pinned(folder, &dataplane), 0);
	CHECK_INT("entries", dataplane_entries(dataplane, rows, 4), 2);
	assert_string_equal(rows[0].name, "dns");
	assert_string_equal(rows[0].policy, "strict");
	CHECK_INT("its own", rows[0].totals.drop[ABI_DROP_DENIED], COUNTED);
	dataplane_close(dataplane);
	snprintf(path, sizeof(path), "%s/rate4", folder);
	int fd = bpf_obj_get(path);

	assert_int_equal(bpf_map_lookup_elem(fd, &(uint32_t){99}, &line), 0);
	CHECK_INT("buckets", line.due_ns[0], KEPT_DUE);
	CHECK_INT("theirs", line.owner[0], abi_bucket_owner(1, ABI_LIMIT_SYNS));
	close(fd);
	snprintf(path, sizeof(path), "%s/counter_old", folder);
	CHECK_INT("nothing is left aside", access(path, F_OK), -1);
	/* Again, and it is the present layout: nothing to do. */
	assert_int_equal(loader_load(&options, &fault), 0);
	CHECK_INT("still", totals_of().drop[ABI_DROP_DENIED], COUNTED);
}

static void packets_find_the_entries_that_were_there(void **state)
{
	uint8_t frame[PACKET_ROOM];
	char path[128];

	if (!*state)
		skip();
	make_older();
	assert_int_equal(loader_load(&options, &fault), 0);
	snprintf(path, sizeof(path), "%s/prog_ingress", folder);
	int fd = bpf_obj_get(path);

	for (int i = 0; i < 3; i++) {
		const struct packet_spec specs[] = {
			{.proto = IPPROTO_UDP, .dest_port = 53},
			{.dest = "203.0.113.5"},
			{.proto = IPPROTO_UDP, .dest_port = 53, .dest = "203.0.113.5"},
		};
		size_t n = packet_build(&specs[i], frame);
		LIBBPF_OPTS(bpf_test_run_opts, run, .data_in = frame, .data_size_in = (__u32)n);

		assert_int_equal(bpf_prog_test_run_opts(fd, &run), 0);
	}
	close(fd);
	struct dataplane_totals totals = totals_of();

	CHECK_INT("by address and by port", totals.pass[ABI_PASS_ADMITTED], 2);
	CHECK_INT("not the third", totals.pass[ABI_PASS_NO_ENTRY], 1);
}

static void a_layout_without_a_way_is_refused_and_left_alone(void **state)
{
	struct abi_control control;
	char path[128];

	if (!*state)
		skip();
	for (unsigned version = 1; version < 100; version += 98) {
		make_older();
		assert_int_equal(bpf_map_lookup_elem(bpf_map__fd(older->maps.control),
						     &(uint32_t){0}, &control),
				 0);
		control.abi_version = version;
		put(older->maps.control, 0, &control);
		CHECK_INT("refused", loader_load(&options, &fault), -EPROTO);
		snprintf(path, sizeof(path), "%s/counter", folder);
		CHECK_INT("still there", access(path, F_OK), 0);
		clean(state);
	}
}

static void what_cannot_be_taken_over_is_put_back(void **state)
{
	char path[128];

	if (!*state)
		skip();
	make_older();
	snprintf(path, sizeof(path), "%s/entry", folder);
	unlink(path);
	CHECK_INT("a map is missing", loader_load(&options, &fault), -ENOENT);
	assert_non_null(strstr(fault.text, "layout 2"));
	snprintf(path, sizeof(path), "%s/counter", folder);
	CHECK_INT("put back", access(path, F_OK), 0);
	snprintf(path, sizeof(path), "%s/counter_old", folder);
	CHECK_INT("not aside", access(path, F_OK), -1);
}

/* ------------------------------------------------------------------------- traffic -- */

static void *flood(void *ret)
{
	struct bpf_insn redirect[] = {{.code = BPF_ALU64 | BPF_MOV | BPF_K,
				       .dst_reg = 1,
				       .imm = (int)if_nametoindex("tga")},
				      {.code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = 2},
				      {.code = BPF_JMP | BPF_CALL, .imm = BPF_FUNC_redirect},
				      {.code = BPF_JMP | BPF_EXIT}};
	LIBBPF_OPTS(bpf_prog_load_opts, load, .expected_attach_type = BPF_XDP);
	int fd = bpf_prog_load(BPF_PROG_TYPE_XDP, "flood", "GPL", redirect, 4, &load);
	uint8_t frame[PACKET_ROOM];
	size_t n = packet_build(&(struct packet_spec){.dest_port = 4242}, frame);
	LIBBPF_OPTS(bpf_test_run_opts, run, .data_in = frame, .data_size_in = (__u32)n,
		    .repeat = FRAMES, .flags = BPF_F_TEST_XDP_LIVE_FRAMES, .batch_size = 64);

	*(bool *)ret = fd >= 0 && !bpf_prog_test_run_opts(fd, &run);
	close(fd);
	return NULL;
}

static uint64_t arrived(void)
{
	FILE *file = fopen("/proc/thread-self/net/dev", "re");
	unsigned long n = 0;
	char line[512];

	while (fgets(line, sizeof(line), file))
		if (strstr(line, "tgb:"))
			sscanf(strchr(line, ':') + 1, "%*u %lu", &n);
	fclose(file);
	return n;
}

static void no_packet_and_no_count_is_lost_at_full_rate(void **state)
{
	pthread_t thread;
	bool done = false;

	if (!*state)
		skip();
	make_older();
	uint64_t before = arrived();

	assert_int_equal(pthread_create(&thread, NULL, flood, &done), 0);
	poll(NULL, 0, 50);
	if (loader_load(&options, &fault))
		fail_msg("%s", fault.text);
	uint64_t late = arrived() - before;

	pthread_join(thread, NULL);
	assert_true(done);
	poll(NULL, 0, 300);
	uint64_t reached = arrived() - before;

	assert_in_range(reached, FRAMES / 2, FRAMES);
	CHECK_INT("seen by either program", totals_of().pass[ABI_PASS_NO_ENTRY], reached);
	print_message("taken over under way, at packet %u of %u\n", (unsigned)late,
		      (unsigned)reached);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_teardown(name, clean)
	const struct CMUnitTest tests[] = {
		TEST(what_the_old_maps_knew_is_known),
		TEST(packets_find_the_entries_that_were_there),
		TEST(a_layout_without_a_way_is_refused_and_left_alone),
		TEST(what_cannot_be_taken_over_is_put_back),
		TEST(no_packet_and_no_count_is_lost_at_full_rate),
	};

	return cmocka_run_group_tests(tests, begin, clean);
}
