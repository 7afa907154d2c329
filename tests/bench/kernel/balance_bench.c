// SPDX-License-Identifier: Apache-2.0
/*
 * balance_bench: nanoseconds per packet of balancing, net of the driver.
 *
 * As kernel_bench does it: the cases take turns on one CPU, medians are told. The floor is the
 * driver with a program that does nothing, and with the adjustment of the frame that undoing a
 * tunnel header takes. Prints a table, or with --json one object. ONLY=word runs the cases whose
 * name has it; AGAINST=FILE runs each case with that build's ingress.bpf.o as well, in turns.
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
#include "flows.skel.h"
#include "packet.h"
#include "plane.h"

enum {
	PER_CALL = 300000,
	ROUNDS_MAX = 64,
	CASES_MAX = 96,
	LINES = 1 << 18,
	RING_LINES = 1 << 19,
	CPU = 1
};

enum limit { NO_LIMIT, UNDER, OVER };

struct bench_case {
	const char *name;
	uint32_t flows, vips, backends;
	enum kernel_mode mode;
	enum limit limit;
	bool is_v6, is_syn, is_local, is_floor;
	int want;
};

#define MODE(id) .mode = KERNEL_MODE_##id, .want = XDP_TX

static const struct bench_case cases[] = {
	{"nothing", 4096, .is_floor = true, .want = XDP_DROP},
	{"nothing, IPv6", 4096, .is_v6 = true, .is_floor = true, .want = XDP_DROP},
	{"room for a header", 4096, .is_floor = true, .want = XDP_TX},
	{"established, IPIP", 4096, 1, 100, MODE(DSR_IPIP)},
	{"established, IPIP", 1 << 16, 1, 100, MODE(DSR_IPIP)},
	{"established, IPIP", 1 << 20, 1, 100, MODE(DSR_IPIP)},
	{"established, limit, IPIP", 4096, 1, 100, MODE(DSR_IPIP), .limit = UNDER},
	{"established, limit, IPIP", 1 << 16, 1, 100, MODE(DSR_IPIP), .limit = UNDER},
	{"established, limit, IPIP", 1 << 20, 1, 100, MODE(DSR_IPIP), .limit = UNDER},
	{"established, IP6IP6", 4096, 1, 100, MODE(DSR_IPIP), .is_v6 = true},
	{"established, IP6IP6", 1 << 20, 1, 100, MODE(DSR_IPIP), .is_v6 = true},
	{"established, limit, IP6IP6", 4096, 1, 100, MODE(DSR_IPIP), .limit = UNDER, .is_v6 = true},
	{"established, limit, IP6IP6", 1 << 20, 1, 100, MODE(DSR_IPIP), .limit = UNDER,
	 .is_v6 = true},
	{"SYN, IPIP", 4096, 1, 100, MODE(DSR_IPIP), .is_syn = true},
	{"SYN, IPIP", 1 << 20, 1, 100, MODE(DSR_IPIP), .is_syn = true},
	{"SYN, limit, IPIP", 4096, 1, 100, MODE(DSR_IPIP), .limit = UNDER, .is_syn = true},
	{"SYN, limit, IPIP", 1 << 20, 1, 100, MODE(DSR_IPIP), .limit = UNDER, .is_syn = true},
	{"SYN, limit, IP6IP6", 1 << 20, 1, 100, MODE(DSR_IPIP), .limit = UNDER, .is_syn = true,
	 .is_v6 = true},
	{"established, GUE", 4096, 1, 100, MODE(DSR_GUE)},
	{"established, by link address", 4096, 1, 100, MODE(DSR_L2)},
	{"drop by limit", 1 << 15, 1, 100, .mode = KERNEL_MODE_DSR_IPIP, .limit = OVER,
	 .want = XDP_DROP},
	{"drop by limit", 1 << 18, 1, 100, .mode = KERNEL_MODE_DSR_IPIP, .limit = OVER,
	 .want = XDP_DROP},
	{"drop by limit, IPv6", 1 << 15, 1, 100, .mode = KERNEL_MODE_DSR_IPIP, .limit = OVER,
	 .is_v6 = true, .want = XDP_DROP},
	{"64 addresses", 4096, 64, 10, MODE(DSR_IPIP)},
	{"1,000 addresses and services", 4096, 1000, 10, MODE(DSR_IPIP)},
	{"1,000 addresses of the proxy", 4096, 1000, .is_local = true, .want = XDP_PASS},
	{"1 address of the proxy", 4096, 1, .is_local = true, .want = XDP_PASS},
	{"10 backends", 1 << 16, 1, 10, MODE(DSR_IPIP)},
	{"1,000 backends", 1 << 16, 1, 1000, MODE(DSR_IPIP)},
	{"10,000 backends", 1 << 16, 1, 10000, MODE(DSR_IPIP)},
};

struct running {
	const struct bench_case *what;
	const char *object; /* of another build; NULL: ours */
	struct plane plane;
	struct dataplane *dataplane;
	struct flows *drive;
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

static struct kernel_service *add_service(struct kernel_config *config, uint32_t i,
					  const struct bench_case *what)
{
	char name[32];

	snprintf(name, sizeof(name), "service%u", i);
	struct kernel_service *service = kernel_config_service(config, str_of(name));

	service->mode = what->mode;
	service->backends = ARENA_ARRAY(config->arena, struct kernel_backend, what->backends);
	service->n_backends = what->backends;
	for (uint32_t k = 0; k < what->backends; k++) {
		struct in6_addr in6 = {.s6_addr = {0xfd, 9}};
		uint32_t word = htonl(0x0b000000 + (i << 14) + k);

		memcpy(in6.s6_addr + 12, &word, sizeof(word));
		service->backends[k] = (struct kernel_backend){
			.addr = what->is_v6 ? addr_from_in6(&in6)
					    : addr_from_in4((struct in_addr){word}),
			.weight = 1};
	}
	return service;
}

/* What the program writes beside the next hop when it has looked the way up. */
static uint32_t tunnel_bytes(const struct abi_backend *row)
{
	bool is_v4 = !row->addr.word[0] && !row->addr.word[1];

	if (row->mode == ABI_MODE_DSR_L2)
		return 0;
	return (is_v4 ? 20 : 40) + (row->mode == ABI_MODE_DSR_GUE ? 8 : 0);
}

/* Every backend's way, for ever. */
static void set_ways(const struct plane *plane)
{
	int fd = bpf_map__fd(plane->skel->maps.backend);
	struct abi_backend row;

	for (uint32_t i = 1; i < ABI_BACKENDS; i++) {
		if (bpf_map_lookup_elem(fd, &i, &row) || !row.mode)
			continue;
		row.hop_to = 0x020000000001ULL << 16 | tunnel_bytes(&row);
		row.hop_from = 0x020000000002ULL << 16;
		row.hop_ifindex = 1;
		row.hop_until_ns = UINT64_MAX;
		row.mtu = 1500;
		bpf_map_update_elem(fd, &i, &row, BPF_ANY);
	}
}

static void configure(struct running *run, struct arena *arena)
{
	const struct bench_case *what = run->what;
	struct kernel_config *config = kernel_config_new(arena);
	struct kernel_policy *policy =
		what->limit ? kernel_config_policy(config, STR("edge")) : NULL;
	struct dataplane_result result;
	char name[32];

	addr_parse(STR("192.0.2.254"), &config->self4);
	addr_parse(STR("2001:db8::254"), &config->self6);
	if (what->limit == OVER)
		policy->packets = (struct kernel_limit){0.01, 1};
	if (what->limit == UNDER)
		policy->packets = (struct kernel_limit){1e9, 0};
	for (uint32_t i = 0; i < what->vips; i++) {
		struct addr addr = addr_from_in4((struct in_addr){htonl(0xc0000201 + i)});

		if (what->is_v6)
			addr_parse(STR("2001:db8::1"), &addr);
		snprintf(name, sizeof(name), "vip%u", i);
		kernel_config_add(config, str_of(name), &addr, 80, IPPROTO_TCP, policy);
		if (!what->is_local)
			config->entries[i].service = add_service(config, i, what);
	}
	if (dataplane_apply(run->dataplane, config, &result))
		die("apply");
	set_ways(&run->plane);
}

static void open_case(struct running *run, const struct bench_case *what, const char *object)
{
	static uint8_t frame[PACKET_ROOM];
	struct packet_spec spec = {.source = what->is_v6 ? "2001:db8::1" : "10.0.0.1",
				   .tcp_flags = what->is_syn ? PACKET_SYN : PACKET_ACK,
				   .payload_bytes = 6};
	struct arena arena;
	int target;

	run->what = what;
	run->object = object;
	run->n = packet_build(&spec, frame);
	memcpy(run->frame, frame, run->n);
	run->drive = flows__open();
	run->drive->rodata->flow_mask = what->flows - 1;
	run->drive->rodata->vip_count = what->vips ? what->vips : 1;
	run->drive->rodata->is_v6 = what->is_v6;
	run->drive->rodata->frame_bytes = (__u32)run->n;
	if (flows__load(run->drive))
		die("load the driver");
	memcpy(run->drive->bss->frame, frame, sizeof(run->drive->bss->frame));
	if (what->is_floor) {
		target = bpf_program__fd(what->want == XDP_TX ? run->drive->progs.grow
							      : run->drive->progs.nothing);
	} else {
		struct plane_options options = {
			.real_clock = true,
			.lines = what->limit ? LINES : 64,
			.ban_lines = 64,
			.acl_lines = 64,
			.ring_lines = what->vips > 64 ? RING_LINES : RING_LINES / 16,
			.object = object,
		};

		if (plane_open(&run->plane, &options))
			die("load the program");
		struct loader_maps maps = plane_maps(&run->plane);

		if (dataplane_open(&maps, &run->dataplane))
			die("open the maps");
		arena_init(&arena, 256 << 20, 1 << 20);
		configure(run, &arena);
		arena_done(&arena);
		target = run->plane.prog_fd;
	}
	if (bpf_map_update_elem(bpf_map__fd(run->drive->maps.flow_target), &(__u32){0}, &target,
				BPF_ANY))
		die(what->name);
	run->prog_fd = bpf_program__fd(run->drive->progs.drive_flows);
}

static void close_case(struct running *run)
{
	if (run->dataplane) {
		dataplane_close(run->dataplane);
		plane_close(&run->plane);
	}
	flows__destroy(run->drive);
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
	for (int i = 0; i < 200; i++) {
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

static void summarize(struct running *run, int rounds)
{
	qsort(run->ns, (size_t)rounds, sizeof(*run->ns), compare_doubles);
	run->median = rounds % 2 ? run->ns[rounds / 2]
				 : (run->ns[rounds / 2 - 1] + run->ns[rounds / 2]) / 2;
	run->least = run->ns[0];
}

static void print(struct running *running, int n, int rounds, FILE *json)
{
	printf("%-34s %9s %6s %9s %8s %8s   (%d rounds, the driver subtracted)\n", "ns per packet",
	       "flows", "VIPs", "backends", "least", "median", rounds);
	if (json)
		fprintf(json, "{\"rounds\":%d,\"cases\":[", rounds);
	for (int i = 0; i < n; i++) {
		const struct bench_case *what = running[i].what;
		double floor = running[what->is_v6].median, least = running[what->is_v6].least;

		if (what->want == XDP_TX && what->mode != KERNEL_MODE_DSR_L2) {
			floor += (running[2].median - running[0].median) / 2;
			least += (running[2].least - running[0].least) / 2;
		}
		running[i].net = running[i].median - floor;
		printf("%-34s %9u %6u %9u %8.1f %8.1f%s\n", what->name, what->flows, what->vips,
		       what->backends, running[i].least - least, running[i].net,
		       running[i].object ? "   (the other build)" : "");
		if (json)
			fprintf(json,
				"%s{\"name\":\"%s\",\"flows\":%u,\"vips\":%u,\"backends\":%u,"
				"\"is_other_build\":%s,\"raw_median_ns\":%.1f,"
				"\"net_median_ns\":%.1f,\"net_least_ns\":%.1f}",
				i ? "," : "", what->name, what->flows, what->vips, what->backends,
				running[i].object ? "true" : "false", running[i].median,
				running[i].net, running[i].least - least);
	}
	if (json)
		fprintf(json, "]}\n");
}

/* Those whose names have the word, and the floors; returns how many. */
static int open_cases(struct running *running, const char *word, const char *against)
{
	int n = 0;

	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		if (word && !cases[i].is_floor && !strstr(cases[i].name, word))
			continue;
		open_case(&running[n], &cases[i], NULL);
		check_verdict(&running[n++]);
		if (!against || cases[i].is_floor)
			continue;
		open_case(&running[n], &cases[i], against);
		check_verdict(&running[n++]);
	}
	return n;
}

int main(int argc, char **argv)
{
	static struct running running[CASES_MAX];
	int n, rounds = 11;
	FILE *json = argc > 2 && !strcmp(argv[1], "--json") ? fopen(argv[2], "w") : NULL;
	cpu_set_t cpus;

	if (getenv("ROUNDS"))
		rounds = atoi(getenv("ROUNDS"));
	if (rounds < 1 || rounds > ROUNDS_MAX)
		rounds = ROUNDS_MAX;
	CPU_ZERO(&cpus);
	CPU_SET(sysconf(_SC_NPROCESSORS_ONLN) > CPU ? CPU : 0, &cpus);
	sched_setaffinity(0, sizeof(cpus), &cpus);
	n = open_cases(running, getenv("ONLY"), getenv("AGAINST"));
	for (int round = 0; round < rounds; round++)
		for (int i = 0; i < n; i++)
			running[i].ns[round] = run_once(&running[i]);
	for (int i = 0; i < n; i++)
		summarize(&running[i], rounds);
	print(running, n, rounds, json);
	for (int i = 0; i < n; i++)
		close_case(&running[i]);
	if (json)
		fclose(json);
	return 0;
}
