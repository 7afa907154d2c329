// SPDX-License-Identifier: Apache-2.0
/*
 * vlan_test: VLAN tags of what is sent: those that the way asks for, by test-run of the real
 * program; what is behind them is as without tags.
 */
#include "balance_lab.h"

enum { NO_TAG = 0 };

#define TAG7 (0x8100u << 16 | 7u)
#define TAG9 (0x88a8u << 16 | 9u)

struct row {
	const char *name;
	struct packet_spec spec;
	uint32_t way;	  /* the tag that its way needs */
	bool is_known;	  /* the machine has a device of the packet's VLAN */
	uint32_t want[3]; /* tags afterwards, the outer one first */
};

static const struct row rows[] = {
	{"none to none", {0}, NO_TAG, false, {0}},
	{"none to one", {.payload_bytes = 9}, TAG7, false, {TAG7}},
	{"none to a provider's", {.source = "2001:db8:5::7"}, TAG9, false, {TAG9}},
	{"one to another", {.n_vlans = 1}, TAG7, true, {TAG7}},
	{"one to none", {.n_vlans = 1, .payload_bytes = 30}, NO_TAG, true, {0}},
	{"one that nobody knows stays", {.n_vlans = 1}, NO_TAG, false, {0x8100u << 16 | 100}},
	{"two to one", {.n_vlans = 2, .vlan_type = 0x88a8}, TAG7, false, {TAG7}},
	{"two to none", {.n_vlans = 2, .vlan_type = 0x88a8}, NO_TAG, true, {0}},
};

static uint32_t be32(const uint8_t *at)
{
	return (uint32_t)at[0] << 24 | (uint32_t)at[1] << 16 | (uint32_t)at[2] << 8 | at[3];
}

static void set_ways(struct lab *lab, uint32_t tag)
{
	int fd = bpf_map__fd(lab->plane.skel->maps.backend);
	struct abi_backend row;

	for (uint32_t i = 1; i < 100; i++) {
		assert_int_equal(bpf_map_lookup_elem(fd, &i, &row), 0);
		row.hop_tag = tag;
		assert_int_equal(bpf_map_update_elem(fd, &i, &row, BPF_ANY), 0);
	}
}

/* Or forgets it. */
static void know(struct lab *lab, uint32_t tag, bool is_known)
{
	int fd = bpf_map__fd(lab->plane.skel->maps.link);
	struct abi_link_key key = {LAB_IFINDEX, tag};

	bpf_map_delete_elem(fd, &key);
	if (is_known)
		assert_int_equal(bpf_map_update_elem(fd, &key, &(struct abi_link){77, 0}, BPF_ANY),
				 0);
}

static void check_row(struct lab *lab, const struct row *row)
{
	static struct lab_out out, bare;
	uint8_t frame[PACKET_ROOM];
	struct packet_spec untagged = row->spec;
	size_t n = packet_build(&row->spec, frame), l3 = 14;

	set_ways(lab, row->way);
	if (row->spec.n_vlans)
		know(lab, be32(frame + 12) & ~0xf000u, row->is_known);
	lab_run(lab, frame, n, &out);
	CHECK_INT(row->name, out.verdict, XDP_TX);
	for (int i = 0; row->want[i]; i++, l3 += 4)
		CHECK_INT(row->name, be32(out.frame + 12 + 4 * i) & ~0xf000u, row->want[i]);
	set_ways(lab, NO_TAG);
	untagged.n_vlans = 0;
	lab_send(lab, &untagged, &bare);
	CHECK_INT(row->name, out.n - l3, bare.n - 14);
	assert_memory_equal(out.frame, bare.frame, 12);
	assert_memory_equal(out.frame + l3 - 2, bare.frame + 12, bare.n - 12);
	lab_balance(lab);
}

static void frames_have_the_tags_of_their_way(void **state)
{
	static const enum kernel_mode modes[] = {KERNEL_MODE_DSR_L2, KERNEL_MODE_DSR_IPIP,
						 KERNEL_MODE_DSR_GUE};
	struct lab *lab = lab_of(state);

	for (size_t m = 0; m < ROWS(modes); m++) {
		for (size_t i = 0; i < ROWS(rows); i++) {
			bool is_v6 = rows[i].spec.source;

			lab_service(lab, modes[m], KERNEL_AFFINITY_NONE);
			lab_backends(lab, is_v6, 1, 3);
			lab_entries(lab);
			lab_apply(lab);
			check_row(lab, &rows[i]);
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		LAB_TEST(frames_have_the_tags_of_their_way),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
