// SPDX-License-Identifier: Apache-2.0
/*
 * live_bench: what it costs to drop a flood that really arrives, beside nftables, hashlimit and
 * xdp-filter.
 *
 * A generator (XDP live frames) redirects SYNs of 8192 sources into a veth pair in a network
 * namespace of this process; the far end's softirq runs on the same CPU, so time per packet is
 * everything: generator, veth and filter. Receivers take turns, round by round. Every one but the
 * plain drops lets one packet a second of each source pass.
 */
#include <arpa/inet.h>
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <linux/if_link.h>
#include <net/if.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "dataplane/dataplane.h"
#include "drive.skel.h"
#include "ingress_rows.h"
#include "packet.h"
#include "plane.h"

enum { SOURCES = 8192, PER_RUN = 400000, ROUNDS_MAX = 64, CPU = 1, LINES = 1 << 18 };

#define PEER_OBJECT "/usr/lib/x86_64-linux-gnu/bpf/xdpfilt_alw_ip.o"

enum receiver_kind { DROP, PEER, OURS, SHELL };

struct receiver {
	const char *name;
	enum receiver_kind kind;
	bool is_generic;
	const char *set, *unset; /* shell lines of SHELL */
	double ns[ROUNDS_MAX], median, least;
	bool is_missing;
};

static struct receiver receivers[] = {
	{.name = "XDP_DROP, native", .kind = DROP},
	{.name = "xdp-filter, static deny list, native", .kind = PEER},
	{.name = "Tidegate limit, native", .kind = OURS},
	{.name = "XDP_DROP, generic", .kind = DROP, .is_generic = true},
	{.name = "Tidegate limit, generic", .kind = OURS, .is_generic = true},
	{.name = "nft ingress meter",
	 .kind = SHELL,
	 .set = "printf '%b' 'table netdev t { set m { type ipv4_addr; size 65536; flags dynamic; "
		"}\n"
		"chain c { type filter hook ingress device lvb priority 0; policy accept;\n"
		"update @m { ip saddr limit rate over 1/second burst 1 packets } drop\n"
		"}\n}\n' | nft -f -",
	 .unset = "nft delete table netdev t"},
	{.name = "iptables raw hashlimit",
	 .kind = SHELL,
	 .set = "iptables-legacy -t raw -A PREROUTING -i lvb -m hashlimit --hashlimit-above 1/sec "
		"--hashlimit-burst 1 --hashlimit-mode srcip --hashlimit-name tg "
		"--hashlimit-htable-size 65536 --hashlimit-htable-max 65536 -j DROP",
	 .unset = "iptables-legacy -t raw -F PREROUTING"},
};

enum { N_RECEIVERS = sizeof(receivers) / sizeof(*receivers) };

static struct {
	struct drive *drive;
	struct plane plane;
	struct dataplane *dataplane;
	int ours_fd, peer_fd;
	uint8_t frame[128];
	size_t n;
} lab;

static void die(const char *what)
{
	perror(what);
	exit(1);
}

static int shell(const char *line)
{
	char command[1024];

	snprintf(command, sizeof(command), "{ %s; } >/dev/null 2>&1", line);
	return system(command);
}

static void make_network(void)
{
	static const char *const lines[] = {
		"ip link add lva type veth peer name lvb",
		"ip addr add 10.200.1.1/32 dev lvb",
		"ip link set lva up",
		"ip link set lvb up",
		"ip route add 10.0.0.0/8 dev lvb",
		"ip neigh add 10.200.1.2 lladdr 02:00:00:00:00:02 dev lvb nud permanent",
		"ethtool -K lva gro on",
		"ethtool -K lvb gro on",
	};

	if (unshare(CLONE_NEWNET))
		die("unshare");
	for (size_t i = 0; i < sizeof(lines) / sizeof(*lines); i++)
		if (shell(lines[i]))
			die(lines[i]);
}

static int open_peer(void)
{
	enum { MATCH_SOURCE = 1, DENY = 1 << 5 };
	static __u64 values[1024];
	struct bpf_object *peer = bpf_object__open_file(PEER_OBJECT, NULL);
	struct bpf_map *map;

	if (!peer)
		return -1;
	bpf_object__for_each_map(map, peer) bpf_map__set_pin_path(map, NULL);
	struct bpf_program *program = bpf_object__find_program_by_name(peer, "xdpfilt_alw_ip");

	bpf_program__set_type(program, BPF_PROG_TYPE_XDP);
	bpf_program__set_expected_attach_type(program, BPF_XDP);
	if (bpf_object__load(peer))
		return -1;
	for (int i = 0; i < libbpf_num_possible_cpus(); i++)
		values[i] = MATCH_SOURCE | DENY;
	for (uint32_t i = 0; i < SOURCES; i++) {
		__u32 key = htonl(0x0a000000 + i);

		bpf_map_update_elem(bpf_object__find_map_fd_by_name(peer, "filter_ipv4"), &key,
				    values, BPF_ANY);
	}
	return bpf_program__fd(program);
}

static void open_lab(void)
{
	struct dataplane_result result;
	static uint8_t frame[PACKET_ROOM];
	struct arena arena;
	FILE *mac;

	lab.drive = drive__open();
	lab.drive->rodata->source_mask = SOURCES - 1;
	lab.drive->rodata->into_ifindex = if_nametoindex("lva");
	if (drive__load(lab.drive))
		die("load the generator");
	if (plane_open(&lab.plane, &(struct plane_options){.real_clock = true, .lines = LINES}))
		die("load the program");
	struct loader_maps maps = plane_maps(&lab.plane);

	if (dataplane_open(&maps, &lab.dataplane))
		die("open the maps");
	arena_init(&arena, 1 << 20, 0);
	struct kernel_config *config = kernel_config_new(&arena);
	struct kernel_policy *policy = kernel_config_policy(config, STR("edge"));

	policy->packets = (struct kernel_limit){1, 1};
	ingress_rows_entry(config, "web", NULL, 80, IPPROTO_TCP, policy);
	if (dataplane_apply(lab.dataplane, config, &result))
		die("apply");
	arena_done(&arena);
	lab.ours_fd = lab.plane.prog_fd;
	lab.peer_fd = open_peer();

	struct packet_spec spec = {.source = "10.0.0.1",
				   .dest = "10.200.1.1",
				   .tcp_flags = PACKET_SYN,
				   .frame_bytes = 60};

	lab.n = packet_build(&spec, frame);
	memcpy(lab.frame, frame, lab.n);
	mac = popen("ip -o link show lvb | sed 's/.*ether \\([^ ]*\\).*/\\1/'", "r");
	if (!mac || fscanf(mac, "%hhx:%hhx:%hhx:%hhx:%hhx:%hhx", lab.frame, lab.frame + 1,
			   lab.frame + 2, lab.frame + 3, lab.frame + 4, lab.frame + 5) != 6)
		die("the address of lvb");
	pclose(mac);
}

/* Puts the receiver in place, or takes it away. */
static int place(const struct receiver *receiver, bool there)
{
	__u32 flags = receiver->is_generic ? XDP_FLAGS_SKB_MODE : XDP_FLAGS_DRV_MODE;
	int fds[] = {[DROP] = bpf_program__fd(lab.drive->progs.drop),
		     [PEER] = lab.peer_fd,
		     [OURS] = lab.ours_fd};

	if (receiver->kind == SHELL)
		return shell(there ? receiver->set : receiver->unset);
	if (!there)
		return bpf_xdp_detach((int)if_nametoindex("lvb"), flags, NULL);
	return fds[receiver->kind] < 0 ? -1
				       : bpf_xdp_attach((int)if_nametoindex("lvb"),
							fds[receiver->kind], flags, NULL);
}

static uint64_t received(void)
{
	FILE *file = fopen("/proc/self/net/dev", "r");
	char line[512];
	uint64_t packets = 0;

	while (file && fgets(line, sizeof(line), file))
		if (strstr(line, "lvb:"))
			sscanf(strchr(line, ':') + 1, "%*u %lu", &packets);
	if (file)
		fclose(file);
	return packets;
}

static double run_once(void)
{
	struct sched_param fifo = {.sched_priority = 1}, normal = {0};
	LIBBPF_OPTS(bpf_test_run_opts, run, .data_in = lab.frame, .data_size_in = (__u32)lab.n,
		    .repeat = PER_RUN, .flags = BPF_F_TEST_XDP_LIVE_FRAMES, .batch_size = 64);

	sched_setscheduler(0, SCHED_FIFO, &fifo);
	uint64_t begun = clock_mono_ns();

	if (bpf_prog_test_run_opts(bpf_program__fd(lab.drive->progs.flood), &run))
		die("flood");
	double ns = (double)(clock_mono_ns() - begun) / PER_RUN;

	sched_setscheduler(0, SCHED_OTHER, &normal);
	return ns;
}

static int compare_doubles(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static void print(int rounds, FILE *json)
{
	const double base = receivers[0].median;

	printf("%-40s %8s %8s %10s   (%d rounds)\n", "ns per packet, all in", "least", "median",
	       "over drop", rounds);
	if (json)
		fprintf(json, "{\"rounds\":%d,\"receivers\":[", rounds);
	for (int i = 0; i < N_RECEIVERS; i++) {
		const struct receiver *receiver = &receivers[i];

		if (receiver->is_missing)
			continue;
		printf("%-40s %8.0f %8.0f %10.0f\n", receiver->name, receiver->least,
		       receiver->median, receiver->median - base);
		if (json)
			fprintf(json,
				"%s{\"name\":\"%s\",\"least_ns\":%.0f,\"median_ns\":%.0f,\"net_"
				"ns\":%.0f}",
				i ? "," : "", receiver->name, receiver->least, receiver->median,
				receiver->median - base);
	}
	if (json)
		fprintf(json, "]}\n");
}

static void sum_up(int rounds)
{
	for (int i = 0; i < N_RECEIVERS; i++) {
		qsort(receivers[i].ns, (size_t)rounds, sizeof(*receivers[i].ns), compare_doubles);
		receivers[i].least = receivers[i].ns[0];
		receivers[i].median = receivers[i].ns[rounds / 2];
	}
}

int main(int argc, char **argv)
{
	FILE *json = argc > 2 && !strcmp(argv[1], "--json") ? fopen(argv[2], "w") : NULL;
	int rounds = getenv("ROUNDS") ? atoi(getenv("ROUNDS")) : 9;
	cpu_set_t cpus;

	if (rounds < 1 || rounds > ROUNDS_MAX)
		rounds = ROUNDS_MAX;
	make_network();
	open_lab();
	CPU_ZERO(&cpus);
	CPU_SET(sysconf(_SC_NPROCESSORS_ONLN) > CPU ? CPU : 0, &cpus);
	sched_setaffinity(0, sizeof(cpus), &cpus);
	for (int round = -1; round < rounds; round++) {
		for (int i = 0; i < N_RECEIVERS; i++) {
			struct receiver *receiver = &receivers[i];

			if (receiver->is_missing)
				continue;
			if (place(receiver, true)) {
				fprintf(stderr, "live_bench: %s is not to be had here\n",
					receiver->name);
				receiver->is_missing = true;
				continue;
			}
			uint64_t before = received();
			double ns = run_once();
			uint64_t arrived = received() - before;

			place(receiver, false);
			if (arrived < PER_RUN * 99ULL / 100 && receiver->kind != SHELL)
				fprintf(stderr, "live_bench: %s: only %lu of %d arrived\n",
					receiver->name, arrived, PER_RUN);
			/* The first round warms up. */
			if (round >= 0)
				receiver->ns[round] = ns;
		}
	}
	sum_up(rounds);
	print(rounds, json);
	if (json)
		fclose(json);
	dataplane_close(lab.dataplane);
	plane_close(&lab.plane);
	return 0;
}
