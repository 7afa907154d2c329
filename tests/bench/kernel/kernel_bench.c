// SPDX-License-Identifier: Apache-2.0
/*
 * kernel_bench: nanoseconds per packet of the XDP program, beside XDP_DROP and Debian's xdp-filter.
 *
 * By test-run: a driver program gives each packet another source and tail-calls the program under
 * test; what the driver with XDP_DROP costs is subtracted. The cases take turns, round by round, on
 * one CPU; medians are told. Prints a table, or with --json one object.
 */
#include <arpa/inet.h>
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <linux/bpf.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "dataplane/dataplane.h"
#include "drive.skel.h"
#include "ingress_rows.h"
#include "packet.h"
#include "plane.h"

enum {
	PER_CALL = 400000,
	ROUNDS_MAX = 64,
	CASES_MAX = 64,
	PEER_SOURCES = 8192,
	LINES = 1 << 18,
	BAN_LINES = 1 << 16,
	CPU = 1
};

#define PEER_OBJECT "/usr/lib/x86_64-linux-gnu/bpf/xdpfilt_alw_ip.o"

enum setup { SET_NULL, SET_PEER, SET_DENY, SET_LIMIT, SET_BAN, SET_UNDER, SET_OPEN, SET_LISTED };

struct bench_case {
	const char *name;
	enum setup setup;
	uint32_t sources;
	bool is_v6;
	int want; /* verdict of all but a few packets */
};

static const struct bench_case cases[] = {
	{"XDP_DROP alone", SET_NULL, 8192, false, XDP_DROP},
	{"xdp-filter: drop by deny list", SET_PEER, 8192, false, XDP_DROP},
	{"xdp-filter, its table made larger", SET_PEER, 65536, false, XDP_DROP},
	{"drop by deny list of 8192", SET_DENY, 8192, false, XDP_DROP},
	{"drop by deny list of 65536", SET_DENY, 65536, false, XDP_DROP},
	{"drop by deny list of 1048576", SET_DENY, 1 << 20, false, XDP_DROP},
	{"drop by deny list of 8192, IPv6", SET_DENY, 8192, true, XDP_DROP},
	{"drop by one denied /8", SET_LISTED, 65536, false, XDP_DROP},
	{"drop a banned source", SET_BAN, 8192, false, XDP_DROP},
	{"drop a banned source", SET_BAN, 65536, false, XDP_DROP},
	{"drop by limit", SET_LIMIT, 1, false, XDP_DROP},
	{"drop by limit", SET_LIMIT, 8192, false, XDP_DROP},
	{"drop by limit", SET_LIMIT, 16384, false, XDP_DROP},
	{"drop by limit", SET_LIMIT, 65536, false, XDP_DROP},
	{"drop by limit, IPv6", SET_LIMIT, 8192, true, XDP_DROP},
	{"pass under limit", SET_UNDER, 1, false, XDP_PASS},
	{"pass under limit", SET_UNDER, 8192, false, XDP_PASS},
	{"pass under limit", SET_UNDER, 65536, false, XDP_PASS},
	{"pass under limit", SET_UNDER, 1 << 20, false, XDP_PASS},
	{"pass under limit, IPv6", SET_UNDER, 8192, true, XDP_PASS},
	{"pass, no policy for it", SET_OPEN, 65536, false, XDP_PASS},
};

struct running {
	const struct bench_case *what;
	struct plane plane;
	struct dataplane *dataplane;
	struct drive *drive;
	struct bpf_object *peer;
	int prog_fd;
	uint8_t frame[128];
	size_t n;
	double ns[ROUNDS_MAX], median, least, net;
};

static void die(const char *what)
{
	perror(what);
	exit(1);
}

static double cpu_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
	return (double)now.tv_sec * 1e9 + (double)now.tv_nsec;
}

/* The driver's i-th source. */
static struct addr source_of(const struct bench_case *what, uint32_t i)
{
	struct in6_addr in6 = {.s6_addr = {0x20, 1, 0xd, 0xb8, [15] = 1}};
	uint32_t word = htonl(0x0a000000 + i);

	if (!what->is_v6)
		return addr_from_in4((struct in_addr){word});
	memcpy(in6.s6_addr + 4, &word, sizeof(word));
	return addr_from_in6(&in6);
}

static void configure(struct running *run, struct arena *arena)
{
	struct kernel_config *config = kernel_config_new(arena);
	struct kernel_policy *policy = kernel_config_policy(config, STR("edge"));
	struct dataplane_result result;
	uint32_t n = run->what->sources;

	if (run->what->setup == SET_LIMIT)
		policy->packets = (struct kernel_limit){0.01, 1};
	if (run->what->setup == SET_UNDER)
		policy->packets = (struct kernel_limit){1e9, 0};
	if (run->what->setup == SET_LISTED)
		ingress_rows_cidr(config, policy, "10.0.0.0/8", KERNEL_DENY);
	for (uint32_t i = 0; run->what->setup == SET_DENY && i < n; i++) {
		struct cidr cidr = {
			.addr = source_of(run->what, i), .bits = 128, .is_v4 = !run->what->is_v6};

		kernel_policy_add(config, policy, &cidr, KERNEL_DENY);
	}
	ingress_rows_entry(config, "web", NULL, run->what->setup == SET_OPEN ? 443 : 80,
			   IPPROTO_TCP, policy);
	if (dataplane_apply(run->dataplane, config, &result))
		die("apply");
	for (uint32_t i = 0; run->what->setup == SET_BAN && i < n; i++) {
		struct addr source = source_of(run->what, i);

		dataplane_ban(run->dataplane, &source, "edge", 3600 * NS_PER_SEC, "bench", 1);
	}
}

/* xdp-filter with a deny list of all the sources, as `xdp-filter ip -m src` fills it. */
static int open_peer(struct running *run)
{
	enum { MATCH_SOURCE = 1, DENY = 1 << 5 };
	static __u64 values[1024];
	struct bpf_map *map;
	int n_cpus = libbpf_num_possible_cpus();

	run->peer = bpf_object__open_file(PEER_OBJECT, NULL);
	if (!run->peer)
		return -1;
	bpf_object__for_each_map(map, run->peer) bpf_map__set_pin_path(map, NULL);
	struct bpf_program *program = bpf_object__find_program_by_name(run->peer, "xdpfilt_alw_ip");

	bpf_program__set_type(program, BPF_PROG_TYPE_XDP);
	bpf_program__set_expected_attach_type(program, BPF_XDP);
	map = bpf_object__find_map_by_name(run->peer, "filter_ipv4");
	if (bpf_map__max_entries(map) < run->what->sources)
		bpf_map__set_max_entries(map, run->what->sources);
	if (bpf_object__load(run->peer))
		return -1;
	for (int i = 0; i < n_cpus; i++)
		values[i] = MATCH_SOURCE | DENY;
	int fd = bpf_object__find_map_fd_by_name(run->peer, "filter_ipv4");

	for (uint32_t i = 0; i < run->what->sources; i++) {
		__u32 key = htonl(0x0a000000 + i);

		if (bpf_map_update_elem(fd, &key, values, BPF_ANY))
			return -1;
	}
	return bpf_program__fd(program);
}

static void open_case(struct running *run, const struct bench_case *what)
{
	bool is_ours = what->setup != SET_NULL && what->setup != SET_PEER;
	uint32_t acl_lines = what->setup == SET_DENY ? 0 : 64; /* 32 MiB only where needed */
	struct arena arena;
	struct timespec tick;
	int target;

	run->what = what;
	run->drive = drive__open();
	run->drive->rodata->source_mask = what->sources - 1;
	run->drive->rodata->is_v6 = what->is_v6;
	if (drive__load(run->drive))
		die("load the driver");
	if (is_ours) {
		if (plane_open(&run->plane, &(struct plane_options){.real_clock = true,
								    .lines = LINES,
								    .ban_lines = BAN_LINES,
								    .acl_lines = acl_lines}))
			die("load the program");
		struct loader_maps maps = plane_maps(&run->plane);

		if (dataplane_open(&maps, &run->dataplane))
			die("open the maps");
		clock_getres(CLOCK_MONOTONIC_COARSE, &tick);
		arena_init(&arena, 256 << 20, 1 << 20);
		configure(run, &arena);
		arena_done(&arena);
		target = run->plane.prog_fd;
	} else if (what->setup == SET_PEER) {
		target = open_peer(run);
	} else {
		target = bpf_program__fd(run->drive->progs.drop);
	}
	int map = bpf_map__fd(is_ours ? run->drive->maps.target_frags : run->drive->maps.target);

	if (target < 0 || bpf_map_update_elem(map, &(__u32){0}, &target, BPF_ANY))
		die(what->name);
	run->prog_fd =
		bpf_program__fd(is_ours ? run->drive->progs.drive_frags : run->drive->progs.drive);

	static uint8_t frame[PACKET_ROOM];
	struct packet_spec spec = {.source = what->is_v6 ? "2001:db8::1" : "10.0.0.1",
				   .frame_bytes = 60};

	run->n = packet_build(&spec, frame);
	memcpy(run->frame, frame, run->n);
}

static double run_once(struct running *run)
{
	LIBBPF_OPTS(bpf_test_run_opts, test, .data_in = run->frame, .data_size_in = (__u32)run->n,
		    .repeat = PER_CALL);
	struct sched_param fifo = {.sched_priority = 1}, normal = {0};

	sched_setscheduler(0, SCHED_FIFO, &fifo);
	double begun = cpu_ns();

	if (bpf_prog_test_run_opts(run->prog_fd, &test))
		die("test-run");
	double ns = (cpu_ns() - begun) / PER_CALL;

	sched_setscheduler(0, SCHED_OTHER, &normal);
	return ns;
}

/* The verdict is right before it is fast. */
static void check_verdict(struct running *run)
{
	int wrong = 0;

	run_once(run); /* fills the buckets */
	for (int i = 0; i < 200 && run->what->want >= 0; i++) {
		LIBBPF_OPTS(bpf_test_run_opts, test, .data_in = run->frame,
			    .data_size_in = (__u32)run->n);

		if (bpf_prog_test_run_opts(run->prog_fd, &test))
			die("test-run");
		wrong += (int)test.retval != run->what->want;
	}
	if (wrong > 10) {
		fprintf(stderr, "%s: %d of 200 verdicts are wrong\n", run->what->name, wrong);
		exit(1);
	}
}

static int compare_doubles(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static double median_of(const double *values, int n)
{
	double copy[ROUNDS_MAX];

	memcpy(copy, values, (size_t)n * sizeof(*copy));
	qsort(copy, (size_t)n, sizeof(*copy), compare_doubles);
	return n % 2 ? copy[n / 2] : (copy[n / 2 - 1] + copy[n / 2]) / 2;
}

/* What each kind of frame of the tests costs, the test-run loop included. */
static void run_rows(FILE *json)
{
	static uint8_t frame[PACKET_ROOM];
	struct dataplane_result result;
	struct dataplane *dataplane;
	struct plane plane;
	struct arena arena;

	if (plane_open(&plane, &(struct plane_options){.real_clock = true}))
		die("load the program");
	struct loader_maps maps = plane_maps(&plane);

	arena_init(&arena, 16 << 20, 0);
	if (dataplane_open(&maps, &dataplane) ||
	    dataplane_apply(dataplane, ingress_rows_config(&arena), &result))
		die("configure");
	printf("\neach kind of frame, with the test-run loop (about 20 ns)\n");
	if (json)
		fprintf(json, ",\"frames\":[");
	for (size_t i = 0; i < ROWS(ingress_rows); i++) {
		size_t n = packet_build(&ingress_rows[i].spec, frame);
		__u32 least = UINT32_MAX;

		for (int round = 0; round < 3; round++) {
			LIBBPF_OPTS(bpf_test_run_opts, test, .data_in = frame,
				    .data_size_in = (__u32)n, .repeat = PER_CALL / 4);

			if (bpf_prog_test_run_opts(plane.prog_fd, &test))
				die("test-run");
			if (test.duration < least)
				least = test.duration;
		}
		printf("  %-50s %4u\n", ingress_rows[i].name, least);
		if (json)
			fprintf(json, "%s{\"name\":\"%s\",\"ns\":%u}", i ? "," : "",
				ingress_rows[i].name, least);
	}
	if (json)
		fprintf(json, "]");
	dataplane_close(dataplane);
	plane_close(&plane);
	arena_done(&arena);
}

static void print(const struct running *running, int n, int rounds, FILE *json)
{
	printf("%-46s %9s %8s %8s %8s   (%d rounds, XDP_DROP subtracted)\n", "ns per packet",
	       "sources", "least", "median", "of peer", rounds);
	if (json)
		fprintf(json, "{\"rounds\":%d,\"cases\":[", rounds);
	for (int i = 0; i < n; i++) {
		const struct running *run = &running[i];
		const struct running *peer = NULL;

		/* Beside the peer's drop of as many sources, or of the fewest that it was given. */
		for (int j = n - 1; j >= 0; j--)
			if (running[j].what->setup == SET_PEER &&
			    (!peer || running[j].what->sources >= run->what->sources))
				peer = &running[j];
		printf("%-46s %9u %8.1f %8.1f %7.2fx\n", run->what->name, run->what->sources,
		       run->least - running[0].least, run->net, run->net / peer->net);
		if (json)
			fprintf(json,
				"%s{\"name\":\"%s\",\"sources\":%u,\"raw_median_ns\":%.1f,"
				"\"net_median_ns\":%.1f,\"ratio_to_xdp_filter\":%.2f}",
				i ? "," : "", run->what->name, run->what->sources, run->median,
				run->net, run->net / peer->net);
	}
	if (json)
		fprintf(json, "]");
}

int main(int argc, char **argv)
{
	static struct running running[CASES_MAX];
	int n = (int)(sizeof(cases) / sizeof(*cases)), rounds = 11;
	FILE *json = argc > 2 && !strcmp(argv[1], "--json") ? fopen(argv[2], "w") : NULL;
	cpu_set_t cpus;

	if (getenv("ROUNDS"))
		rounds = atoi(getenv("ROUNDS"));
	if (rounds < 1 || rounds > ROUNDS_MAX)
		rounds = ROUNDS_MAX;
	if (access(PEER_OBJECT, R_OK)) {
		fprintf(stderr, "kernel_bench: %s is missing: apt-get install xdp-tools\n",
			PEER_OBJECT);
		return 1;
	}
	CPU_ZERO(&cpus);
	CPU_SET(sysconf(_SC_NPROCESSORS_ONLN) > CPU ? CPU : 0, &cpus);
	sched_setaffinity(0, sizeof(cpus), &cpus);
	for (int i = 0; i < n; i++) {
		open_case(&running[i], &cases[i]);
		check_verdict(&running[i]);
	}
	for (int round = 0; round < rounds; round++)
		for (int i = 0; i < n; i++)
			running[i].ns[round] = run_once(&running[i]);
	for (int i = 0; i < n; i++) {
		running[i].median = median_of(running[i].ns, rounds);
		running[i].least = running[i].ns[0];
		for (int round = 1; round < rounds; round++)
			if (running[i].ns[round] < running[i].least)
				running[i].least = running[i].ns[round];
		running[i].net = running[i].median - running[0].median;
	}
	print(running, n, rounds, json);
	run_rows(json);
	if (json) {
		fprintf(json, "}\n");
		fclose(json);
	}
	return 0;
}
