// SPDX-License-Identifier: Apache-2.0
/* dataplane_count: totals, entry points, and who is over a limit. */

#include <linux/bpf.h>

#include "dataplane_lab.h"

static void entry_points_are_counted_apart(void **state)
{
	struct dataplane_lab *lab = lab_of(state);
	struct dataplane_entry_totals rows[4];
	struct dataplane_totals totals;
	struct kernel_config *config;
	struct kernel_policy *policy = lab_config(lab, &config);
	uint8_t frame[PACKET_ROOM];

	policy->packets = (struct kernel_limit){1, 2};
	kernel_config_add(config, STR("plain"), &(struct addr){0}, 81, IPPROTO_TCP, NULL);
	lab_apply(lab, config);
	for (int i = 0; i < 5; i++)
		lab_send(lab, "198.51.100.7");
	size_t n = packet_build(&(struct packet_spec){.dest_port = 81}, frame);

	plane_run(&lab->plane, frame, n, NULL);
	n = packet_build(&(struct packet_spec){.dest_port = 22, .payload_bytes = 46}, frame);
	plane_run(&lab->plane, frame, n, NULL);

	assert_int_equal(dataplane_entries(lab->dataplane, rows, 4), 2);
	assert_string_equal(rows[0].name, "web");
	assert_string_equal(rows[0].policy, "edge");
	CHECK_INT("port", rows[0].port, 80);
	CHECK_INT("received", rows[0].totals.received, 5);
	CHECK_INT("admitted", rows[0].totals.pass[ABI_PASS_ADMITTED], 2);
	CHECK_INT("dropped", rows[0].totals.drop[ABI_DROP_RATE_PACKETS], 3);
	assert_string_equal(rows[1].name, "plain");
	assert_string_equal(rows[1].policy, "");
	CHECK_INT("admitted", rows[1].totals.received, 1);
	assert_int_equal(dataplane_entries(lab->dataplane, rows, 1), 1);
	assert_int_equal(dataplane_totals(lab->dataplane, &totals), 0);
	CHECK_INT("all", totals.received, 7);
	CHECK_INT("other", totals.pass[ABI_PASS_NO_ENTRY], 1);
	CHECK_INT("bytes", totals.received_bytes, 6 * 54 + 100);
}

static void counts_outlive_the_entry_point(void **state)
{
	struct dataplane_lab *lab = lab_of(state);
	struct dataplane_totals totals;
	struct kernel_config *config;

	lab_config(lab, &config);
	lab_apply(lab, config);
	lab_send(lab, "198.51.100.7");
	lab_apply(lab, kernel_config_new(&lab->arena));
	assert_int_equal(dataplane_totals(lab->dataplane, &totals), 0);
	CHECK_INT("received", totals.received, 1);
}

static void who_is_over_a_limit_is_listed(void **state)
{
	struct dataplane_lab *lab = lab_of(state);
	struct dataplane_limited rows[8];
	struct kernel_config *config;
	struct kernel_policy *policy = lab_config(lab, &config);
	char text[ADDR_TEXT_MAX];

	policy->packets = (struct kernel_limit){1, 2};
	policy->v4_bits = 24;
	lab_apply(lab, config);
	for (int i = 0; i < 5; i++) {
		lab_send(lab, "198.51.100.7");
		lab_send(lab, "2001:db8:5::7");
	}
	lab_send(lab, "192.0.2.1");
	assert_int_equal(dataplane_limited(lab->dataplane, rows, 8), 2);
	addr_print(&rows[0].source, text);
	assert_string_equal(text, "198.51.100.0");
	assert_string_equal(rows[0].policy, "edge");
	CHECK_INT("kind", rows[0].kind, ABI_LIMIT_PACKETS);
	CHECK_INT("wait", rows[0].wait_ns, NS_PER_SEC);
	addr_print(&rows[1].source, text);
	assert_string_equal(text, "2001:db8:5::");
	plane_at_ms(&lab->plane, 3001);
	assert_int_equal(dataplane_limited(lab->dataplane, rows, 8), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		LAB_TEST(entry_points_are_counted_apart),
		LAB_TEST(counts_outlive_the_entry_point),
		LAB_TEST(who_is_over_a_limit_is_listed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
