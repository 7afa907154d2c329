// SPDX-License-Identifier: Apache-2.0
/* dataplane_ban: who is banned from what, until when, and why. */

#include <arpa/inet.h>
#include <errno.h>
#include <linux/bpf.h>

#include "dataplane_lab.h"

static void a_ban_has_its_reason_and_its_time(void **state)
{
	struct dataplane_lab *lab = lab_of(state);
	struct addr source = lab_addr("198.51.100.7");
	struct dataplane_ban rows[4];
	struct kernel_config *config;
	char text[ADDR_TEXT_MAX];

	lab_config(lab, &config);
	lab_apply(lab, config);
	uint64_t before_ns = clock_wall_ns();

	CHECK_INT(
		"ban",
		dataplane_ban(lab->dataplane, &source, "edge", 60 * NS_PER_SEC, "20 refusals", 20),
		0);
	assert_int_equal(dataplane_bans(lab->dataplane, rows, 4), 1);
	addr_print(&rows[0].source, text);
	assert_string_equal(text, "198.51.100.7");
	assert_string_equal(rows[0].policy, "edge");
	assert_string_equal(rows[0].reason, "20 refusals");
	CHECK_INT("count", rows[0].count, 20);
	CHECK_INT("lasts", rows[0].until_ns - rows[0].since_ns, 60 * NS_PER_SEC);
	assert_in_range(rows[0].since_ns, before_ns, clock_wall_ns());
	CHECK_INT("banned", lab_send(lab, "198.51.100.7"), XDP_DROP);
	CHECK_INT("its neighbour is not", lab_send(lab, "198.51.100.8"), XDP_PASS);
}

static void a_ban_is_extended_never_shortened(void **state)
{
	struct dataplane_lab *lab = lab_of(state);
	struct addr source = lab_addr("198.51.100.7");
	struct dataplane_ban rows[4];
	struct kernel_config *config;

	lab_config(lab, &config);
	lab_apply(lab, config);
	assert_int_equal(
		dataplane_ban(lab->dataplane, &source, "edge", 10 * NS_PER_SEC, "first", 5), 0);
	assert_int_equal(
		dataplane_ban(lab->dataplane, &source, "edge", 1 * NS_PER_SEC, "shorter", 1), 0);
	plane_at_ms(&lab->plane, 9000);
	CHECK_INT("still banned", lab_send(lab, "198.51.100.7"), XDP_DROP);
	assert_int_equal(
		dataplane_ban(lab->dataplane, &source, "edge", 10 * NS_PER_SEC, "longer", 1), 0);
	plane_at_ms(&lab->plane, 18900);
	CHECK_INT("extended", lab_send(lab, "198.51.100.7"), XDP_DROP);
	plane_at_ms(&lab->plane, 19100);
	CHECK_INT("over", lab_send(lab, "198.51.100.7"), XDP_PASS);
	assert_int_equal(dataplane_bans(lab->dataplane, rows, 4), 1);
	CHECK_INT("refusals add up", rows[0].count, 7);
}

static void policies_are_banned_apart_or_together(void **state)
{
	struct dataplane_lab *lab = lab_of(state);
	struct addr source = lab_addr("198.51.100.7");
	struct kernel_config *config;
	uint8_t frame[PACKET_ROOM];
	size_t n = packet_build(&(struct packet_spec){.dest_port = 81}, frame);

	lab_config(lab, &config);
	kernel_config_add(config, STR("other"), &(struct addr){0}, 81, IPPROTO_TCP,
			  kernel_config_policy(config, STR("other")));
	lab_apply(lab, config);
	assert_int_equal(dataplane_ban(lab->dataplane, &source, "other", NS_PER_SEC, "x", 1), 0);
	CHECK_INT("web", lab_send(lab, "198.51.100.7"), XDP_PASS);
	CHECK_INT("other", plane_run(&lab->plane, frame, n, NULL), XDP_DROP);
	assert_int_equal(dataplane_ban(lab->dataplane, &source, "", NS_PER_SEC, "x", 1), 0);
	CHECK_INT("web", lab_send(lab, "198.51.100.7"), XDP_DROP);
	assert_int_equal(dataplane_unban(lab->dataplane, &source, ""), 0);
	CHECK_INT("web again", lab_send(lab, "198.51.100.7"), XDP_PASS);
	CHECK_INT("other still", plane_run(&lab->plane, frame, n, NULL), XDP_DROP);
	assert_int_equal(dataplane_unban(lab->dataplane, &source, "other"), 0);
	CHECK_INT("other again", plane_run(&lab->plane, frame, n, NULL), XDP_PASS);
	CHECK_INT("twice", dataplane_unban(lab->dataplane, &source, "other"), -ENOENT);
	CHECK_INT("unknown", dataplane_ban(lab->dataplane, &source, "none", NS_PER_SEC, "x", 1),
		  -ENOENT);
}

static void a_full_line_is_told(void **state)
{
	struct dataplane_lab *lab = lab_of(state);
	struct kernel_config *config;
	int n_full = 0, n_banned = 0;

	lab_config(lab, &config);
	lab_apply(lab, config);
	/* As many bans as places: some lines get more than their four. */
	for (uint32_t i = 0; i < PLANE_LINES * 4; i++) {
		struct addr source = addr_from_in4((struct in_addr){htonl(0x0a000000 + i)});
		int err = dataplane_ban(lab->dataplane, &source, "edge", 10 * NS_PER_SEC, "x", 1);

		if (err != -ENOSPC)
			CHECK_INT("ban", err, 0);
		n_full += err == -ENOSPC;
		n_banned += !err;
	}
	assert_in_range(n_full, PLANE_LINES / 10, PLANE_LINES * 2);
	/* Expired ones make room. */
	plane_at_ms(&lab->plane, 20000);
	for (uint32_t i = 0; i < 100; i++) {
		struct addr source = addr_from_in4((struct in_addr){htonl(0x0b000000 + i)});

		CHECK_INT("ban", dataplane_ban(lab->dataplane, &source, "edge", NS_PER_SEC, "x", 1),
			  0);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		LAB_TEST(a_ban_has_its_reason_and_its_time),
		LAB_TEST(a_ban_is_extended_never_shortened),
		LAB_TEST(policies_are_banned_apart_or_together),
		LAB_TEST(a_full_line_is_told),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
