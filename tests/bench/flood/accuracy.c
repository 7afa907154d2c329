// SPDX-License-Identifier: Apache-2.0
/*
 * accuracy: how exactly a limit is kept over a minute (SECONDS), on all CPUs at once: for one
 * source, for sixteen thousand, and for as many that stay below it. Test-run of the real program,
 * real clock.
 */
#include <bpf/bpf.h>
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/clock.h"
#include "dataplane/dataplane.h"
#include "drive.skel.h"
#include "ingress_rows.h"
#include "packet.h"
#include "plane.h"

enum { CPUS_MAX = 64, LINES = 1 << 18, PER_CALL = 200000, SECONDS = 60 };

struct sender {
	pthread_t thread;
	int fd, cpu;
	const uint8_t *frame;
	size_t n;
	uint64_t until_ns;
	double per_second; /* 0: as fast as it goes */
};

struct run {
	const char *name;
	uint32_t sources; /* a power of two */
	double rate, burst;
	double offered; /* of the rate; 0: as much as there is */
};

static void die(const char *what)
{
	perror(what);
	exit(1);
}

static void *send_frames(void *argument)
{
	struct sender *sender = argument;
	uint64_t begun_ns = clock_mono_ns(), sent = 0;
	uint32_t batch =
		sender->per_second > 0 ? (uint32_t)(sender->per_second / 100) + 1 : PER_CALL;
	cpu_set_t cpus;

	CPU_ZERO(&cpus);
	CPU_SET(sender->cpu, &cpus);
	pthread_setaffinity_np(pthread_self(), sizeof(cpus), &cpus);
	while (clock_mono_ns() < sender->until_ns) {
		LIBBPF_OPTS(bpf_test_run_opts, run, .data_in = sender->frame,
			    .data_size_in = (__u32)sender->n, .repeat = (int)batch);
		double ahead_s;

		if (bpf_prog_test_run_opts(sender->fd, &run))
			die("test-run");
		sent += batch;
		ahead_s = sender->per_second > 0
				  ? (double)sent / sender->per_second -
					    (double)(clock_mono_ns() - begun_ns) / 1e9
				  : 0;
		if (ahead_s > 0)
			usleep((useconds_t)(ahead_s * 1e6)); /* lint-ok: a pace */
	}
	return NULL;
}

static struct drive *open_drive(const struct plane *plane, uint32_t sources)
{
	struct drive *drive = drive__open();

	if (!drive)
		die("open");
	drive->rodata->source_mask = sources - 1;
	if (drive__load(drive) || bpf_map_update_elem(bpf_map__fd(drive->maps.target_frags),
						      &(__u32){0}, &plane->prog_fd, BPF_ANY))
		die("load");
	return drive;
}

static void measure(const struct run *run, double seconds)
{
	long n_cpus = sysconf(_SC_NPROCESSORS_ONLN);
	struct sender senders[CPUS_MAX];
	struct dataplane *dataplane;
	struct dataplane_result result;
	struct dataplane_totals totals;
	uint8_t frame[PACKET_ROOM];
	struct plane plane;
	struct arena arena;

	n_cpus = n_cpus > CPUS_MAX ? CPUS_MAX : n_cpus;
	if (plane_open(&plane, &(struct plane_options){.real_clock = true, .lines = LINES}))
		die("plane");
	struct loader_maps maps = plane_maps(&plane);

	if (dataplane_open(&maps, &dataplane))
		die("maps");
	arena_init(&arena, 1 << 20, 0);
	struct kernel_config *config = kernel_config_new(&arena);
	struct kernel_policy *policy = kernel_config_policy(config, STR("edge"));

	policy->packets = (struct kernel_limit){run->rate, (uint64_t)run->burst};
	ingress_rows_entry(config, "web", NULL, 80, IPPROTO_TCP, policy);
	if (dataplane_apply(dataplane, config, &result))
		die("apply");
	struct drive *drive = open_drive(&plane, run->sources);
	size_t n = packet_build(&(struct packet_spec){.frame_bytes = 60}, frame);
	uint64_t begun_ns = clock_mono_ns();

	for (long i = 0; i < n_cpus; i++) {
		senders[i] = (struct sender){
			.fd = bpf_program__fd(drive->progs.drive_frags),
			.cpu = (int)i,
			.frame = frame,
			.n = n,
			.until_ns = begun_ns + (uint64_t)(seconds * 1e9),
			.per_second = run->offered * run->rate * run->sources / (double)n_cpus,
		};
		pthread_create(&senders[i].thread, NULL, send_frames, &senders[i]);
	}
	for (long i = 0; i < n_cpus; i++)
		pthread_join(senders[i].thread, NULL);
	double lasted = (double)(clock_mono_ns() - begun_ns) / 1e9;

	if (dataplane_totals(dataplane, &totals))
		die("totals");
	double got = (double)totals.pass[ABI_PASS_ADMITTED];
	double want = run->sources * (run->rate * lasted + run->burst);

	if (run->offered > 0)
		printf("%-44s offered %12lu  refused %lu\n", run->name, totals.received,
		       totals.drop[ABI_DROP_RATE_PACKETS]);
	else
		printf("%-44s offered %12lu  admitted %12.0f  of %12.0f: %+.2f %%\n", run->name,
		       totals.received, got, want, (got - want) / want * 100);
	fflush(stdout);
	drive__destroy(drive);
	dataplane_close(dataplane);
	plane_close(&plane);
	arena_done(&arena);
}

int main(void)
{
	static const struct run runs[] = {
		{"1 source, 100,000/s", 1, 100000, 10000, 0},
		{"16,384 sources, 20/s each", 16384, 20, 20, 0},
		{"16,384 sources at half of their 20/s", 16384, 20, 40, 0.5},
	};
	double seconds = getenv("SECONDS") ? atof(getenv("SECONDS")) : SECONDS;

	for (size_t i = 0; i < sizeof(runs) / sizeof(*runs); i++)
		measure(&runs[i], seconds);
	return 0;
}
