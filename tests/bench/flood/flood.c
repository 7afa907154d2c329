// SPDX-License-Identifier: Apache-2.0
/*
 * flood: sends a flood of spoofed packets out of an interface of this network namespace, for so
 *many seconds, at so many a second or as fast as one core can. For namespaces of tests only.
 *
 *	flood pass IFACE                       let XDP at the far end send to this interface
 *	flood KIND IFACE MAC DEST PORT SOURCES SECONDS [PPS]
 *
 * KIND: syn, ack, udp, fragment. SOURCES (a power of two) are those from 10.128.0.0 on.
 */
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <linux/if_link.h>
#include <net/if.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "flood.skel.h"
#include "packet.h"

enum { PER_CALL = 16384, BATCH = 64, FIRST_SOURCE = 10 << 24 | 128 << 16, SECONDS_MAX = 120 };

static void die(const char *what)
{
	perror(what);
	exit(1);
}

static struct flood *open_programs(const char *kind, const char *ifname, uint32_t sources,
				   const uint8_t *frame)
{
	struct flood *skel = flood__open();

	if (!skel)
		die("open");
	skel->rodata->into_ifindex = if_nametoindex(ifname);
	skel->rodata->first_source = FIRST_SOURCE;
	skel->rodata->source_mask = sources - 1;
	skel->rodata->has_ports = strcmp(kind, "fragment") != 0;
	memcpy((void *)(uintptr_t)skel->rodata->frame, frame, sizeof(skel->rodata->frame));
	if (!skel->rodata->into_ifindex || flood__load(skel))
		die("load");
	return skel;
}

static size_t build(const char *kind, const char *mac, const char *dest, int port, uint8_t *frame)
{
	struct packet_spec spec = {.source = "10.128.0.0",
				   .dest = dest,
				   .dest_port = (uint16_t)port,
				   .frame_bytes = 64};

	if (!strcmp(kind, "syn"))
		spec.tcp_flags = PACKET_SYN;
	if (!strcmp(kind, "udp") || !strcmp(kind, "fragment"))
		spec.proto = IPPROTO_UDP;
	if (!strcmp(kind, "udp"))
		spec.payload_bytes = 32;
	if (!strcmp(kind, "fragment")) {
		spec.fragment_offset = 100;
		spec.more_fragments = 1;
		spec.payload_bytes = 32;
	}
	size_t n = packet_build(&spec, frame);

	if (sscanf(mac, "%hhx:%hhx:%hhx:%hhx:%hhx:%hhx", frame, frame + 1, frame + 2, frame + 3,
		   frame + 4, frame + 5) != 6)
		die(mac);
	return n;
}

static void pace(uint64_t begun_ns, uint64_t sent, double pps)
{
	double ahead_ns =
		pps > 0 ? (double)sent / pps * 1e9 - (double)(clock_mono_ns() - begun_ns) : 0;
	struct timespec wait = {.tv_nsec = (long)ahead_ns};

	if (ahead_ns > 100000)
		nanosleep(&wait, NULL); /* lint-ok: a pace */
}

int main(int argc, char **argv)
{
	static uint8_t frame[PACKET_ROOM];

	if (argc == 3 && !strcmp(argv[1], "pass")) {
		struct flood *skel = open_programs("syn", argv[2], 1, frame);

		if (bpf_xdp_attach((int)if_nametoindex(argv[2]), bpf_program__fd(skel->progs.pass),
				   XDP_FLAGS_DRV_MODE, NULL))
			die("attach");
		return 0;
	}
	if (argc < 8)
		return 2;
	double seconds = atof(argv[7]), pps = argc > 8 ? atof(argv[8]) : 0;
	size_t n = build(argv[1], argv[3], argv[4], atoi(argv[5]), frame);
	struct flood *skel = open_programs(argv[1], argv[2], (uint32_t)atoi(argv[6]), frame);
	uint32_t batch = pps > 0 && pps / 20 < PER_CALL ? (uint32_t)(pps / 20) + 1 : PER_CALL;
	uint64_t begun_ns = clock_mono_ns(), sent = 0;

	if (seconds > SECONDS_MAX)
		seconds = SECONDS_MAX;
	while ((double)(clock_mono_ns() - begun_ns) < seconds * 1e9) {
		LIBBPF_OPTS(bpf_test_run_opts, run, .data_in = frame, .data_size_in = (__u32)n,
			    .repeat = (int)batch, .flags = BPF_F_TEST_XDP_LIVE_FRAMES,
			    .batch_size = batch < BATCH ? batch : BATCH);

		if (bpf_prog_test_run_opts(bpf_program__fd(skel->progs.flood), &run))
			die("flood");
		sent += batch;
		pace(begun_ns, sent, pps);
	}
	printf("{\"sent\":%lu,\"pps\":%.0f}\n", sent,
	       (double)sent / ((double)(clock_mono_ns() - begun_ns) / 1e9));
	flood__destroy(skel);
	return 0;
}
