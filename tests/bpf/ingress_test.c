// SPDX-License-Identifier: Apache-2.0
/*
 * ingress_test: the XDP program under BPF_PROG_TEST_RUN, with a clock of ours. Nothing is attached,
 * nothing sleeps. After every row the books must balance: received == passed + tx + redirected +
 * dropped.
 */
#include <bpf/bpf.h>
#include <errno.h>
#include <linux/bpf.h>
#include <stdlib.h>

#include "base/clock.h"
#include "check.h"
#include "dataplane/dataplane.h"
#include "ingress_rows.h"
#include "packet.h"
#include "plane.h"

enum { ROWS_IN_USE = 128 }; /* slots of entries are given from 1 on */

struct bench {
	struct plane plane;
	struct dataplane *dataplane;
	struct arena arena;
	struct dataplane_totals totals; /* before the row */
};

static struct bench *bench_of(void **state)
{
	if (!*state)
		skip();
	return *state;
}

static int open_bench(void **state)
{
	struct bench *bench = calloc(1, sizeof(*bench));

	if (plane_open(&bench->plane, NULL)) {
		print_message("the kernel refused the program: root and BPF are needed\n");
		free(bench);
		return 0;
	}
	struct loader_maps maps = plane_maps(&bench->plane);

	assert_int_equal(dataplane_open(&maps, &bench->dataplane), 0);
	arena_init(&bench->arena, 16 << 20, 0);
	plane_at_ms(&bench->plane, 1000);
	*state = bench;
	return 0;
}

static int close_bench(void **state)
{
	struct bench *bench = *state;

	if (!bench)
		return 0;
	dataplane_close(bench->dataplane);
	plane_close(&bench->plane);
	arena_done(&bench->arena);
	free(bench);
	return 0;
}

static void apply(struct bench *bench, const struct kernel_config *config)
{
	struct dataplane_result result;

	CHECK_INT("apply", dataplane_apply(bench->dataplane, config, &result), 0);
}

/* The program's own count of what came in, which nobody derives from verdicts. */
static uint64_t received(const struct bench *bench)
{
	struct abi_counter rows[256];
	uint64_t sum = 0;
	int fd = bpf_map__fd(bench->plane.skel->maps.counter);

	for (__u32 entry = 0; entry < ROWS_IN_USE; entry++) {
		assert_int_equal(bpf_map_lookup_elem(fd, &entry, rows), 0);
		for (int cpu = 0; cpu < libbpf_num_possible_cpus(); cpu++)
			sum += rows[cpu].received;
	}
	return sum;
}

static void check_balance(struct bench *bench, const char *row)
{
	struct dataplane_totals totals;

	CHECK_INT(row, dataplane_totals(bench->dataplane, &totals), 0);
	CHECK_INT(row, received(bench), totals.received);
	bench->totals = totals;
}

/* Sends a frame and checks verdict, counter, balance and that the frame stayed as it was. */
static void expect(struct bench *bench, const char *row, const uint8_t *frame, size_t n,
		   bool is_drop, int why)
{
	static uint8_t out[PACKET_ROOM];
	struct dataplane_totals before = bench->totals;

	if (!plane_takes(&bench->plane, n))
		return;
	int verdict = plane_run(&bench->plane, frame, n, out);

	check_balance(bench, row);
	for (int i = 0; i < ABI_PASS__COUNT; i++)
		if (bench->totals.pass[i] != before.pass[i] && (is_drop || i != why))
			fail_msg("%s: passed as %s", row, dataplane_pass_label((enum abi_pass)i));
	for (int i = 0; i < ABI_DROP__COUNT; i++)
		if (bench->totals.drop[i] != before.drop[i] && (!is_drop || i != why))
			fail_msg("%s: dropped as %s", row, dataplane_drop_label((enum abi_drop)i));
	CHECK_INT(row, verdict, is_drop ? XDP_DROP : XDP_PASS);
	CHECK_INT(row, bench->totals.received, before.received + 1);
	if (memcmp(out, frame, n))
		fail_msg("%s: the frame was changed", row);
}

static void every_kind_of_frame_has_its_verdict(void **state)
{
	struct bench *bench = bench_of(state);
	uint8_t frame[PACKET_ROOM];

	apply(bench, ingress_rows_config(&bench->arena));
	for (size_t i = 0; i < ROWS(ingress_rows); i++) {
		const struct ingress_row *row = &ingress_rows[i];
		size_t n = packet_build(&row->spec, frame);

		expect(bench, row->name, frame, n, row->is_drop, row->why);
	}
}

static void a_frame_cut_anywhere_is_malformed(void **state)
{
	struct bench *bench = bench_of(state);
	static const struct {
		const char *name;
		struct packet_spec spec;
		size_t from; /* shorter frames are not recognisably IP */
	} rows[] = {
		{"TCP", {0}, 14},
		{"TCP over IPv6", {ROW_V6}, 14},
		{"UDP", {.proto = IPPROTO_UDP, .dest_port = 53}, 14},
		{"ICMP", {.proto = IPPROTO_ICMP}, 14},
		{"QinQ", {.n_vlans = 2}, 14},
		{"options", {.option_words = 5}, 14},
		{"extension headers", {ROW_V6, .exts = {ROW_HOP, 43, 51, 60}, .ext_units = 2}, 14},
	};
	uint8_t frame[PACKET_ROOM];
	char name[64];

	apply(bench, ingress_rows_config(&bench->arena));
	for (size_t i = 0; i < ROWS(rows); i++) {
		size_t n = packet_build(&rows[i].spec, frame);

		for (size_t cut = rows[i].from; cut < n; cut++) {
			snprintf(name, sizeof(name), "%s cut to %zu bytes", rows[i].name, cut);
			expect(bench, name, frame, cut, true, ABI_DROP_MALFORMED);
		}
	}
}

/* ----------------------------------------------------------------- limits -- */

struct limit_row {
	const char *name, *source;
	unsigned at_ms;
	uint8_t flags;
	uint16_t payload;
	unsigned times; /* frames sent; 0: one */
	int drop;	/* enum abi_drop, or -1 */
};

static void run_limit_rows(struct bench *bench, const struct limit_row *rows, size_t n)
{
	uint8_t frame[PACKET_ROOM];

	for (size_t i = 0; i < n; i++) {
		struct packet_spec spec = {.source = rows[i].source,
					   .tcp_flags = rows[i].flags,
					   .payload_bytes = rows[i].payload};
		size_t bytes = packet_build(&spec, frame);

		plane_at_ms(&bench->plane, rows[i].at_ms);
		for (unsigned j = 0; j < (rows[i].times ? rows[i].times : 1); j++)
			expect(bench, rows[i].name, frame, bytes, rows[i].drop >= 0,
			       rows[i].drop >= 0 ? rows[i].drop : ABI_PASS_ADMITTED);
	}
}

static struct kernel_policy *limited(struct bench *bench, struct kernel_config **ret_config)
{
	struct kernel_config *config = kernel_config_new(&bench->arena);
	struct kernel_policy *policy = kernel_config_policy(config, STR("edge"));

	ingress_rows_entry(config, "web", NULL, 80, IPPROTO_TCP, policy);
	*ret_config = config;
	return policy;
}

static void a_source_is_held_to_its_packets(void **state)
{
	/* 10 a second, 3 at once */
	static const struct limit_row rows[] = {
		{"the burst", "192.0.2.9", 1000, 0, 0, 3, -1},
		{"the burst is spent", "192.0.2.9", 1000, 0, 0, 5, ABI_DROP_RATE_PACKETS},
		{"a dropped packet costs nothing", "192.0.2.9", 1100, 0, 0, 1, -1},
		{"one interval earns one packet", "192.0.2.9", 1100, 0, 0, 1,
		 ABI_DROP_RATE_PACKETS},
		{"just before the next", "192.0.2.9", 1199, 0, 0, 1, ABI_DROP_RATE_PACKETS},
		{"another source has its own bucket", "192.0.2.10", 1199, 0, 0, 3, -1},
		{"a SYN is a packet too", "192.0.2.10", 1199, PACKET_SYN, 0, 1,
		 ABI_DROP_RATE_PACKETS},
		{"idle time earns the burst, no more", "192.0.2.9", 90000, 0, 0, 3, -1},
		{"the idle burst is spent", "192.0.2.9", 90000, 0, 0, 1, ABI_DROP_RATE_PACKETS},
		{"IPv6, the burst", "2001:db8:5::1", 90000, 0, 0, 2, -1},
		{"a neighbour in its /64 shares it", "2001:db8:5::2", 90000, 0, 0, 1, -1},
		{"and is limited with it", "2001:db8:5::3", 90000, 0, 0, 1, ABI_DROP_RATE_PACKETS},
		{"the next /64 is another source", "2001:db8:5:1::1", 90000, 0, 0, 3, -1},
	};
	struct bench *bench = bench_of(state);
	struct kernel_config *config;
	struct kernel_policy *policy = limited(bench, &config);

	policy->packets = (struct kernel_limit){10, 3};
	apply(bench, config);
	run_limit_rows(bench, rows, ROWS(rows));
}

static void new_connections_have_a_limit_of_their_own(void **state)
{
	/* 5 a second, 2 at once */
	static const struct limit_row rows[] = {
		{"the burst of SYNs", "192.0.2.9", 1000, PACKET_SYN, 0, 2, -1},
		{"one too many", "192.0.2.9", 1000, PACKET_SYN, 0, 1, ABI_DROP_RATE_SYNS},
		{"established connections go on", "192.0.2.9", 1000, PACKET_ACK, 0, 50, -1},
		{"a SYN-ACK is none", "192.0.2.9", 1000, PACKET_SYN | PACKET_ACK, 0, 1, -1},
		{"a SYN-FIN is nothing at all", "192.0.2.9", 1000, PACKET_SYN | PACKET_FIN, 0, 1,
		 ABI_DROP_TCP_FLAGS},
		{"earned again", "192.0.2.9", 1200, PACKET_SYN, 0, 1, -1},
		{"but only one", "192.0.2.9", 1200, PACKET_SYN, 0, 1, ABI_DROP_RATE_SYNS},
	};
	struct bench *bench = bench_of(state);
	struct kernel_config *config;
	struct kernel_policy *policy = limited(bench, &config);

	policy->syns = (struct kernel_limit){5, 2};
	apply(bench, config);
	run_limit_rows(bench, rows, ROWS(rows));
}

static void bytes_are_counted_by_frame(void **state)
{
	/* 10 kB a second, 3 kB ahead: frames of 1000 bytes */
	static const struct limit_row rows[] = {
		{"frames while any budget is left", "192.0.2.9", 1000, 0, 946, 4, -1},
		{"over it", "192.0.2.9", 1000, 0, 946, 1, ABI_DROP_RATE_BYTES},
		{"a small frame is over it too", "192.0.2.9", 1000, 0, 0, 1, ABI_DROP_RATE_BYTES},
		{"100 ms earn 1000 bytes", "192.0.2.9", 1101, 0, 946, 1, -1},
		{"and no more", "192.0.2.9", 1101, 0, 0, 1, ABI_DROP_RATE_BYTES},
		{"a frame of several buffers counts whole", "192.0.2.10", 1000, 0, 7946, 1, -1},
		{"so the next one waits", "192.0.2.10", 1400, 0, 0, 1, ABI_DROP_RATE_BYTES},
		{"until it is paid for", "192.0.2.10", 1501, 0, 0, 1, -1},
	};
	struct bench *bench = bench_of(state);
	struct kernel_config *config;
	struct kernel_policy *policy = limited(bench, &config);

	policy->bytes = (struct kernel_limit){10000, 3000};
	apply(bench, config);
	/* A buffer of a test run for tc holds no frame of that size. */
	run_limit_rows(bench, rows, bench->plane.is_tc ? 5 : ROWS(rows));
}

static void sources_are_counted_by_the_policys_prefix(void **state)
{
	static const struct limit_row rows[] = {
		{"first of a /24", "192.0.2.9", 1000, 0, 0, 1, -1},
		{"second of it", "192.0.2.200", 1000, 0, 0, 1, -1},
		{"third is over", "192.0.2.77", 1000, 0, 0, 1, ABI_DROP_RATE_PACKETS},
		{"the next /24", "192.0.3.9", 1000, 0, 0, 2, -1},
		{"a host over IPv6", "2001:db8::1", 1000, 0, 0, 2, -1},
		{"is over", "2001:db8::1", 1000, 0, 0, 1, ABI_DROP_RATE_PACKETS},
		{"its neighbour is not", "2001:db8::2", 1000, 0, 0, 2, -1},
	};
	struct bench *bench = bench_of(state);
	struct kernel_config *config;
	struct kernel_policy *policy = limited(bench, &config);

	policy->packets = (struct kernel_limit){1, 2};
	policy->v4_bits = 24;
	policy->v6_bits = 128;
	apply(bench, config);
	run_limit_rows(bench, rows, ROWS(rows));
}

static void trusted_sources_are_never_limited(void **state)
{
	struct bench *bench = bench_of(state);
	struct kernel_config *config;
	struct kernel_policy *policy = limited(bench, &config);
	uint8_t frame[PACKET_ROOM];
	size_t n = packet_build(&(struct packet_spec){.source = "10.0.0.1"}, frame);
	struct addr source;

	policy->packets = (struct kernel_limit){1, 1};
	ingress_rows_cidr(config, policy, "10.0.0.0/24", KERNEL_ALLOW);
	apply(bench, config);
	addr_parse(STR("10.0.0.1"), &source);
	CHECK_INT("ban", dataplane_ban(bench->dataplane, &source, NULL, 10 * NS_PER_SEC, "test", 1),
		  0);
	for (int i = 0; i < 20; i++)
		expect(bench, "trusted", frame, n, false, ABI_PASS_TRUSTED);
}

/* ----------------------------------------------------------------- recalling -- */

enum { RECALLED = 12 };

/* Addresses with TCP and UDP at one port, so that two entries share a cell of the memory. */
static struct kernel_config *recalled(struct bench *bench, int closed, int gone)
{
	struct kernel_config *config = kernel_config_new(&bench->arena);
	struct kernel_policy *policy = kernel_config_policy(config, STR("closed"));
	char name[32], addr[32];

	ingress_rows_cidr(config, policy, "10.0.0.0/8", KERNEL_DENY);
	for (int i = 0; i < 2 * RECALLED; i++) {
		if (i % 3 == gone)
			continue;
		snprintf(name, sizeof(name), "entry%d", i);
		snprintf(addr, sizeof(addr), i & 4 ? "2001:db8::%x" : "192.0.2.%d", 16 + i / 2);
		ingress_rows_entry(config, name, addr, 80, i & 1 ? IPPROTO_UDP : IPPROTO_TCP,
				   i % 2 == closed ? policy : NULL);
	}
	return config;
}

static void expect_recalled(struct bench *bench, int closed, int gone)
{
	uint8_t frame[PACKET_ROOM];
	char addr[32];

	for (int i = 0; i < 2 * RECALLED; i++) {
		snprintf(addr, sizeof(addr), i & 4 ? "2001:db8::%x" : "192.0.2.%d", 16 + i / 2);
		struct packet_spec spec = {.source = i & 4 ? "2001:db8:1::1" : "10.0.0.1",
					   .dest = addr,
					   .proto = i & 1 ? IPPROTO_UDP : IPPROTO_TCP};
		size_t n = packet_build(&spec, frame);

		if (i % 3 == gone)
			expect(bench, addr, frame, n, false, ABI_PASS_NO_ENTRY);
		else if (i % 2 == closed && !(i & 4))
			expect(bench, addr, frame, n, true, ABI_DROP_DENIED);
		else
			expect(bench, addr, frame, n, false, ABI_PASS_ADMITTED);
	}
}

static void an_entry_is_recalled_only_while_it_is_in_force(void **state)
{
	struct bench *bench = bench_of(state);

	for (int turn = 0; turn < 3; turn++) {
		apply(bench, recalled(bench, turn & 1, turn % 3));
		/* The first packet finds the entry, the second one recalls it. */
		expect_recalled(bench, turn & 1, turn % 3);
		expect_recalled(bench, turn & 1, turn % 3);
	}
}

/* --------------------------------------------------------------------- rest -- */

static void a_ban_ends_by_itself(void **state)
{
	struct bench *bench = bench_of(state);
	struct addr source, source6;
	uint8_t frame[PACKET_ROOM], frame6[PACKET_ROOM];
	size_t n = packet_build(&(struct packet_spec){.source = "198.51.100.3"}, frame);
	size_t n6 = packet_build(&(struct packet_spec){.source = "2001:db8:7::1:2"}, frame6);

	apply(bench, ingress_rows_config(&bench->arena));
	addr_parse(STR("198.51.100.3"), &source);
	addr_parse(STR("2001:db8:7::9"), &source6);
	plane_at_ms(&bench->plane, 5000);
	expect(bench, "before", frame, n, false, ABI_PASS_ADMITTED);
	CHECK_INT("v4", dataplane_ban(bench->dataplane, &source, "edge", 2 * NS_PER_SEC, "test", 1),
		  0);
	CHECK_INT("v6", dataplane_ban(bench->dataplane, &source6, NULL, 3 * NS_PER_SEC, "test", 1),
		  0);
	expect(bench, "banned", frame, n, true, ABI_DROP_BANNED);
	expect(bench, "its whole /64 is banned", frame6, n6, true, ABI_DROP_BANNED);
	plane_at_ms(&bench->plane, 6999);
	expect(bench, "until the last moment", frame, n, true, ABI_DROP_BANNED);
	plane_at_ms(&bench->plane, 7000);
	expect(bench, "over", frame, n, false, ABI_PASS_ADMITTED);
	expect(bench, "the other one is not", frame6, n6, true, ABI_DROP_BANNED);
	plane_at_ms(&bench->plane, 8001);
	expect(bench, "now it is", frame6, n6, false, ABI_PASS_ADMITTED);
	n = packet_build(&(struct packet_spec){.source = "198.51.100.3", .dest_port = 22}, frame);
	plane_at_ms(&bench->plane, 5500);
	expect(bench, "SSH is never banned", frame, n, false, ABI_PASS_NO_ENTRY);
}

static void on_event(void *user, const struct dataplane_event *event)
{
	*(struct dataplane_event *)user = *event;
}

static void drops_are_sampled(void **state)
{
	struct bench *bench = bench_of(state);
	struct dataplane_event event = {0};
	uint8_t frame[PACKET_ROOM];
	size_t n = packet_build(&(struct packet_spec){.source = "203.0.113.9", .source_port = 1234},
				frame);
	char text[ADDR_TEXT_MAX];

	bench->plane.skel->bss->tick_fake_ns = 0;
	apply(bench, ingress_rows_config(&bench->arena));
	struct abi_control control;
	int fd = bpf_map__fd(bench->plane.skel->maps.control);

	bpf_map_lookup_elem(fd, &(__u32){0}, &control);
	control.event_gap_ns = 20 * NS_PER_MS;
	bpf_map_update_elem(fd, &(__u32){0}, &control, BPF_ANY);
	plane_at_ms(&bench->plane, 1000);
	for (int i = 0; i < 10; i++)
		expect(bench, "denied", frame, n, true, ABI_DROP_DENIED);
	int got = dataplane_events(bench->dataplane, on_event, &event);

	/* One per CPU that a run happened on. */
	assert_in_range(got, 1, libbpf_num_possible_cpus());
	addr_print(&event.source, text);
	assert_string_equal(text, "203.0.113.9");
	addr_print(&event.dest, text);
	assert_string_equal(text, "192.0.2.1");
	CHECK_INT("ports", event.source_port, 1234);
	CHECK_INT("ports", event.dest_port, 80);
	CHECK_INT("reason", event.reason, ABI_DROP_DENIED);
	assert_string_equal(event.entry, "web");
	assert_string_equal(event.policy, "edge");
	plane_at_ms(&bench->plane, 1100);
	for (int i = 0; i < 10; i++)
		expect(bench, "denied", frame, n, true, ABI_DROP_DENIED);
	assert_in_range(dataplane_events(bench->dataplane, on_event, &event), 1,
			libbpf_num_possible_cpus());
}

static void random_bytes_never_abort_and_always_balance(void **state)
{
	struct bench *bench = bench_of(state);
	struct packet_spec spec = {0};
	uint8_t frame[PACKET_ROOM];
	uint32_t seed = 12345;

	apply(bench, ingress_rows_config(&bench->arena));
	for (int i = 0; i < 200000; i++) {
		seed = seed * 1664525u + 1013904223u;
		spec = ingress_rows[(seed >> 8) % ROWS(ingress_rows)].spec;
		size_t n = packet_build(&spec, frame);

		if (n > 200)
			n = 200;
		for (int flips = (int)(seed >> 28); flips >= 0; flips--) {
			seed = seed * 1664525u + 1013904223u;
			frame[12 + (seed >> 8) % (n - 12)] = (uint8_t)(seed >> 24);
		}
		if (seed & 0x100)
			n = 14 + (seed >> 12) % (n - 14);
		if (!plane_takes(&bench->plane, n))
			continue;
		int verdict = plane_run(&bench->plane, frame, n, NULL);

		if (verdict != XDP_PASS && verdict != XDP_DROP)
			fail_msg("packet %d: verdict %d", i, verdict);
	}
	check_balance(bench, "random");
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, open_bench, close_bench)
	const struct CMUnitTest tests[] = {
		TEST(every_kind_of_frame_has_its_verdict),
		TEST(a_frame_cut_anywhere_is_malformed),
		TEST(a_source_is_held_to_its_packets),
		TEST(new_connections_have_a_limit_of_their_own),
		TEST(bytes_are_counted_by_frame),
		TEST(sources_are_counted_by_the_policys_prefix),
		TEST(trusted_sources_are_never_limited),
		TEST(an_entry_is_recalled_only_while_it_is_in_force),
		TEST(a_ban_ends_by_itself),
		TEST(drops_are_sampled),
		TEST(random_bytes_never_abort_and_always_balance),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
