// SPDX-License-Identifier: Apache-2.0
/* flip_test: while configurations change, every packet sees the whole old one or the whole new one.
 */
#include <bpf/bpf.h>
#include <linux/bpf.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

#include "check.h"
#include "dataplane/dataplane.h"
#include "ingress_rows.h"
#include "packet.h"
#include "plane.h"

enum { FLIPS = 120, PER_CALL = 2000 };

struct reader {
	pthread_t thread;
	const struct plane *plane;
	const uint8_t *frame;
	size_t n;
	_Atomic bool stop;
	uint64_t n_runs;
};

static void *read_on(void *argument)
{
	struct reader *reader = argument;

	while (!reader->stop) {
		LIBBPF_OPTS(bpf_test_run_opts, run, .data_in = reader->frame,
			    .data_size_in = (__u32)reader->n, .repeat = PER_CALL);

		if (bpf_prog_test_run_opts(reader->plane->prog_fd, &run))
			break;
		reader->n_runs += PER_CALL;
	}
	return NULL;
}

/*
 * Both configurations trust 10.0.0.1, by different means: as a host within a denied network, and as
 * part of a trusted network under another policy. Lists of one with policies of the other would
 * deny or merely admit it.
 */
static struct kernel_config *configuration(struct arena *arena, bool second, bool is_large)
{
	char text[32];

	struct kernel_config *config = kernel_config_new(arena);
	struct kernel_policy *a = kernel_config_policy(config, STR("a"));
	struct kernel_policy *b = kernel_config_policy(config, STR("b"));

	if (second) {
		ingress_rows_cidr(config, a, "10.0.0.0/8", KERNEL_DENY);
		ingress_rows_cidr(config, b, "10.0.0.0/8", KERNEL_ALLOW);
		ingress_rows_cidr(config, b, "10.0.0.0/24", KERNEL_ALLOW);
	} else {
		ingress_rows_cidr(config, a, "10.0.0.0/8", KERNEL_DENY);
		ingress_rows_cidr(config, a, "10.0.0.1", KERNEL_ALLOW);
		ingress_rows_cidr(config, b, "10.0.0.0/8", KERNEL_DENY);
	}
	/* So many, of one of the two, that the table has another size. */
	for (int i = 0; is_large && !second && i < 100; i++) {
		snprintf(text, sizeof(text), "10.9.%d.0/24", i);
		ingress_rows_cidr(config, a, text, KERNEL_DENY);
		ingress_rows_cidr(config, b, text, KERNEL_DENY);
	}
	ingress_rows_entry(config, "web", NULL, 80, IPPROTO_TCP, second ? b : a);
	return config;
}

static void flip(bool is_large)
{
	struct plane plane;
	struct dataplane *dataplane;
	struct dataplane_totals totals;
	struct dataplane_result result;
	struct reader reader = {0};
	uint8_t frame[PACKET_ROOM];
	struct arena arena;
	uint64_t slowest_ns = 0;

	if (plane_open(&plane, NULL))
		skip();
	struct loader_maps maps = plane_maps(&plane);

	assert_int_equal(dataplane_open(&maps, &dataplane), 0);
	arena_init(&arena, 64 << 20, 0);
	plane_at_ms(&plane, 1000);
	struct kernel_config *configs[] = {configuration(&arena, false, is_large),
					   configuration(&arena, true, is_large)};

	assert_int_equal(dataplane_apply(dataplane, configs[0], &result), 0);
	reader.plane = &plane;
	reader.frame = frame;
	reader.n = packet_build(&(struct packet_spec){.source = "10.0.0.1"}, frame);
	assert_int_equal(pthread_create(&reader.thread, NULL, read_on, &reader), 0);
	for (int i = 1; i <= FLIPS; i++) {
		assert_int_equal(dataplane_apply(dataplane, configs[i & 1], &result), 0);
		CHECK_INT("generation", result.generation, i + 1);
		if (result.publish_ns > slowest_ns)
			slowest_ns = result.publish_ns;
	}
	reader.stop = true;
	pthread_join(reader.thread, NULL);
	assert_int_equal(dataplane_totals(dataplane, &totals), 0);
	print_message("%d flips under %llu packets, slowest published in %.2f ms\n", FLIPS,
		      (unsigned long long)reader.n_runs, (double)slowest_ns / 1e6);
	CHECK_INT("trusted", totals.pass[ABI_PASS_TRUSTED], reader.n_runs);
	CHECK_INT("denied", totals.drop[ABI_DROP_DENIED], 0);
	CHECK_INT("admitted", totals.pass[ABI_PASS_ADMITTED], 0);
	dataplane_close(dataplane);
	plane_close(&plane);
	arena_done(&arena);
}

static void no_packet_sees_a_mix(void **state)
{
	(void)state;
	flip(false);
}

static void nor_does_one_while_the_table_changes_its_size(void **state)
{
	(void)state;
	flip(true);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(no_packet_sees_a_mix),
		cmocka_unit_test(nor_does_one_while_the_table_changes_its_size)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
