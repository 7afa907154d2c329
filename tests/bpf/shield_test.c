// SPDX-License-Identifier: Apache-2.0
/*
 * shield_test: networks, odd flags, fragments, cookies, and a million spoofed sources, under
 * BPF_PROG_TEST_RUN.
 */
#include <arpa/inet.h>
#include <bpf/bpf.h>
#include <linux/bpf.h>
#include <linux/ip.h>
#include <linux/ipv6.h>
#include <linux/tcp.h>
#include <stdlib.h>

#include "abi.h"
#include "check.h"
#include "dataplane/dataplane.h"
#include "ingress_rows.h"
#include "packet.h"
#include "plane.h"

enum { ETH = 14, SPOOFED = 1000000, HITTER_LINES = 1 << 15 };

struct bench {
	struct plane plane;
	struct dataplane *dataplane;
	struct arena arena;
};

static int open_bench(void **state)
{
	struct bench *bench = calloc(1, sizeof(*bench));

	if (plane_open(&bench->plane, &(struct plane_options){.lines = HITTER_LINES})) {
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

static struct bench *bench_of(void **state)
{
	if (!*state)
		skip();
	return *state;
}

static void apply(struct bench *bench, const struct kernel_config *config)
{
	struct dataplane_result result;

	CHECK_INT("apply", dataplane_apply(bench->dataplane, config, &result), 0);
}

static struct dataplane_totals totals(struct bench *bench)
{
	struct dataplane_totals now;

	CHECK_INT("totals", dataplane_totals(bench->dataplane, &now), 0);
	return now;
}

static int offer(struct bench *bench, const struct packet_spec *spec)
{
	uint8_t frame[PACKET_ROOM];
	size_t n = packet_build(spec, frame);

	return plane_run(&bench->plane, frame, n, NULL);
}

static struct kernel_policy *policy(struct bench *bench, struct kernel_config **ret_config)
{
	struct kernel_config *config = kernel_config_new(&bench->arena);
	struct kernel_policy *made = kernel_config_policy(config, STR("edge"));

	ingress_rows_entry(config, "web", NULL, 80, IPPROTO_TCP, made);
	*ret_config = config;
	return made;
}

static void a_network_has_its_own_budget(void **state)
{
	static const char *const sources[] = {"192.0.2.1", "192.0.2.2", "192.0.2.3", "192.0.2.4"};
	static const char *const sources6[] = {"2001:db8:1::1", "2001:db8:1:1::1",
					       "2001:db8:1:2::1", "2001:db8:1:3::1"};
	struct bench *bench = bench_of(state);
	struct kernel_config *config;
	struct kernel_policy *made = policy(bench, &config);

	made->packets = (struct kernel_limit){10, 2};
	made->network.packets = (struct kernel_limit){10, 5};
	apply(bench, config);
	plane_at_ms(&bench->plane, 10000);
	for (int family = 0; family < 2; family++) {
		const char *const *from = family ? sources6 : sources;
		struct dataplane_totals before = totals(bench), after;

		for (int i = 0; i < 12; i++)
			offer(bench, &(struct packet_spec){.source = from[i % 4],
							   .dest = family ? "2001:db8::80" : NULL});
		after = totals(bench);
		CHECK_INT("admitted",
			  after.pass[ABI_PASS_ADMITTED] - before.pass[ABI_PASS_ADMITTED], 5);
		/* Each source had two, so three were the network's. */
		CHECK_INT("of the network",
			  after.drop[ABI_DROP_AGGREGATE_PACKETS] -
				  before.drop[ABI_DROP_AGGREGATE_PACKETS],
			  7 - (after.drop[ABI_DROP_RATE_PACKETS] -
			       before.drop[ABI_DROP_RATE_PACKETS]));
		CHECK_INT(
			"another network",
			offer(bench, &(struct packet_spec){.source = family ? "2001:db8:2::1"
									    : "192.0.3.1",
							   .dest = family ? "2001:db8::80" : NULL}),
			XDP_PASS);
	}
}

static void flags_that_no_connection_has_are_dropped(void **state)
{
	static const struct {
		const char *name;
		uint8_t flags;
		bool is_odd;
	} rows[] = {
		{"SYN", 2, false},
		{"SYN ACK", 18, false},
		{"ACK", 16, false},
		{"PSH ACK", 24, false},
		{"FIN ACK", 17, false},
		{"RST", 4, false},
		{"RST ACK", 20, false},
		{"URG PSH ACK", 56, false},
		{"ECE CWR SYN", 0xc2, false},
		{"SYN FIN", 3, true},
		{"SYN RST", 6, true},
		{"FIN", 1, true},
		{"URG PSH FIN", 41, true},
		{"PSH", 8, true},
		{"FIN RST", 5, true},
		{"all", 63, true},
		{"none of the six", 64, true},
	};
	struct bench *bench = bench_of(state);
	struct kernel_config *config;

	policy(bench, &config);
	apply(bench, config);
	for (size_t i = 0; i < ROWS(rows); i++) {
		struct dataplane_totals before = totals(bench);

		CHECK_INT(rows[i].name,
			  offer(bench, &(struct packet_spec){.tcp_flags = rows[i].flags}),
			  rows[i].is_odd ? XDP_DROP : XDP_PASS);
		CHECK_INT(rows[i].name,
			  totals(bench).drop[ABI_DROP_TCP_FLAGS] - before.drop[ABI_DROP_TCP_FLAGS],
			  rows[i].is_odd);
	}
	/* Nobody but entry points is protected from them. */
	CHECK_INT("elsewhere", offer(bench, &(struct packet_spec){.tcp_flags = 3, .dest_port = 22}),
		  XDP_PASS);
}

static void later_fragments_are_bounded(void **state)
{
	struct bench *bench = bench_of(state);
	struct packet_spec spec = {
		.proto = IPPROTO_UDP, .fragment_offset = 10, .payload_bytes = 32};
	struct kernel_config *config;
	int passed = 0;

	policy(bench, &config);
	config->shield = (struct kernel_shield){.fragments = 5, .fragments_total = 100};
	apply(bench, config);
	plane_at_ms(&bench->plane, 20000);
	for (int i = 0; i < 50; i++)
		passed += offer(bench, &spec) == XDP_PASS;
	CHECK_INT("of one source: a second's worth, and what is under way", passed, 6);
	passed = 0;
	for (int i = 0; i < 50; i++) {
		char source[32];

		snprintf(source, sizeof(source), "203.0.113.%d", i);
		spec.source = source;
		passed += offer(bench, &spec) == XDP_PASS;
	}
	/* 100 a second are 13 in a window, 6 of which are used. */
	CHECK_INT("of all sources", passed, 7);
}

static uint32_t sum16(const void *at, size_t n, uint32_t sum)
{
	const uint8_t *byte = at;

	for (size_t i = 0; i + 1 < n; i += 2)
		sum += (uint32_t)(byte[i] << 8 | byte[i + 1]);
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return sum;
}

/* The answer's headers: addresses, ports, flags, checksums. */
static void check_answer(const uint8_t *out, bool is_v6)
{
	size_t ip_bytes = is_v6 ? sizeof(struct ipv6hdr) : sizeof(struct iphdr);
	const struct tcphdr *tcp = (const void *)(out + ETH + ip_bytes);
	size_t tcp_bytes = tcp->doff * 4u;
	size_t addr_bytes = is_v6 ? 32 : 8, addr_at = is_v6 ? ETH + 8 : ETH + 12;
	uint32_t pseudo = sum16(out + addr_at, addr_bytes, (uint32_t)(IPPROTO_TCP + tcp_bytes));

	CHECK_INT("checksum of TCP", sum16(tcp, tcp_bytes, pseudo), 0xffff);
	if (!is_v6)
		CHECK_INT("checksum of IP", sum16(out + ETH, ip_bytes, 0), 0xffff);
	assert_true(tcp->syn && tcp->ack && !tcp->rst && !tcp->fin);
	CHECK_INT("port", ntohs(tcp->source), 80);
	CHECK_INT("port of the client", ntohs(tcp->dest), 40000);
	CHECK_INT("option", ((const uint8_t *)(tcp + 1))[0], 2);
}

static void a_syn_is_answered_with_a_cookie(void **state)
{
	static const struct packet_spec rows[] = {
		{.tcp_flags = PACKET_SYN},
		{.tcp_flags = PACKET_SYN, .source = "2001:db8::7", .dest = "2001:db8::80"},
		{.tcp_flags = PACKET_SYN, .n_vlans = 1},
	};
	struct bench *bench = bench_of(state);
	int fd = bpf_map__fd(bench->plane.skel->maps.shield);
	struct kernel_config *config;
	struct abi_shield row;

	policy(bench, &config);
	config->entries[0].cookies = KERNEL_COOKIES_ON;
	apply(bench, config);
	bpf_map_lookup_elem(fd, &(__u32){0}, &row);
	row.flags = ABI_SHIELD_COOKIES | ABI_SHIELD_TIMES;
	bpf_map_update_elem(fd, &(__u32){0}, &row, BPF_ANY);
	plane_at_ms(&bench->plane, 30000);
	/* The first one of a second is for the network stack. */
	CHECK_INT("IPv4", offer(bench, &rows[0]), XDP_PASS);
	CHECK_INT("IPv6", offer(bench, &rows[1]), XDP_PASS);
	for (size_t i = 0; i < ROWS(rows); i++) {
		static uint8_t out[PACKET_ROOM];
		uint8_t frame[PACKET_ROOM];
		size_t n = packet_build(&rows[i], frame);
		LIBBPF_OPTS(bpf_test_run_opts, run, .data_in = frame, .data_size_in = (__u32)n,
			    .data_out = out, .data_size_out = sizeof(out));

		CHECK_INT("run", bpf_prog_test_run_opts(bench->plane.prog_fd, &run), 0);
		CHECK_INT("verdict", plane_action(&bench->plane, run.retval), XDP_TX);
		if (!rows[i].n_vlans)
			check_answer(out, rows[i].source);
		assert_memory_equal(out, frame + 6, 6);
		assert_memory_equal(out + 6, frame, 6);
	}
	CHECK_INT("sent", totals(bench).send[ABI_SEND_SYN_COOKIE], ROWS(rows));
	/* Not one that a client's stack does not send. */
	CHECK_INT("options of IP",
		  offer(bench, &(struct packet_spec){.tcp_flags = PACKET_SYN, .option_words = 1}),
		  XDP_DROP);
}

static void pressure_begins_and_ends_by_itself(void **state)
{
	struct bench *bench = bench_of(state);
	int fd = bpf_map__fd(bench->plane.skel->maps.shield);
	struct packet_spec syn = {.tcp_flags = PACKET_SYN};
	struct kernel_config *config;
	struct abi_shield row;
	int verdict = 0;

	policy(bench, &config);
	config->shield.syns = 1000; /* 134 in a window */
	apply(bench, config);
	bpf_map_lookup_elem(fd, &(__u32){0}, &row);
	row.flags = ABI_SHIELD_COOKIES;
	bpf_map_update_elem(fd, &(__u32){0}, &row, BPF_ANY);
	plane_at_ms(&bench->plane, 100000);
	for (int i = 0; i < 128; i++)
		assert_int_equal(offer(bench, &syn), XDP_PASS);
	for (int i = 0; i < 64; i++)
		verdict = offer(bench, &syn);
	CHECK_INT("under pressure", verdict, XDP_TX);
	/* A little more than half of it keeps it up. */
	for (int second = 101; second < 110; second++) {
		plane_at_ms(&bench->plane, (uint64_t)second * 1000);
		for (int i = 0; i < 96; i++)
			verdict = offer(bench, &syn);
		CHECK_INT("still", verdict, XDP_TX);
	}
	/* Less does not. */
	for (int second = 110; second < 116; second++) {
		plane_at_ms(&bench->plane, (uint64_t)second * 1000);
		for (int i = 0; i < 48; i++)
			verdict = offer(bench, &syn);
	}
	CHECK_INT("no more", verdict, XDP_PASS);
}

/* Sends spoofed sources and, again and again, the hitter; returns how many of the hitter's passed.
 */
static int storm(struct bench *bench, const char *hitter)
{
	struct packet_spec spec = {.tcp_flags = PACKET_SYN};
	uint8_t spoofed[PACKET_ROOM], hit[PACKET_ROOM];
	size_t n = packet_build(&spec, spoofed), m;
	int passed = 0;

	spec.source = hitter;
	m = packet_build(&spec, hit);
	for (uint32_t i = 0; i < SPOOFED; i++) {
		packet_set_source(spoofed, "10.0.0.0", i);
		plane_run(&bench->plane, spoofed, n, NULL);
		if (i % 100 == 0)
			passed += plane_run(&bench->plane, hit, m, NULL) == XDP_PASS;
	}
	return passed;
}

static void a_million_spoofed_sources_hide_no_heavy_hitter(void **state)
{
	struct bench *bench = bench_of(state);
	struct kernel_config *config;
	struct kernel_policy *made = policy(bench, &config);
	struct dataplane_totals before, after;

	made->syns = (struct kernel_limit){1, 20};
	config->entries[0].cookies = KERNEL_COOKIES_OFF;
	apply(bench, config);
	plane_at_ms(&bench->plane, 200000);
	before = totals(bench);
	/* Ten thousand attempts, and time stands still: its burst and no more. */
	CHECK_INT("the hitter", storm(bench, "192.0.2.200"), 20);
	/* Established connections ask for no bucket of SYNs. */
	CHECK_INT("an established flow",
		  offer(bench, &(struct packet_spec){.source = "198.51.100.1"}), XDP_PASS);
	after = totals(bench);
	/* And each spoofed source had its one SYN, as anybody has. */
	CHECK_INT("spoofed", after.pass[ABI_PASS_ADMITTED] - before.pass[ABI_PASS_ADMITTED],
		  SPOOFED + 20 + 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_network_has_its_own_budget),
		cmocka_unit_test(flags_that_no_connection_has_are_dropped),
		cmocka_unit_test(later_fragments_are_bounded),
		cmocka_unit_test(a_syn_is_answered_with_a_cookie),
		cmocka_unit_test(pressure_begins_and_ends_by_itself),
		cmocka_unit_test(a_million_spoofed_sources_hide_no_heavy_hitter),
	};

	return cmocka_run_group_tests(tests, open_bench, close_bench);
}
