// SPDX-License-Identifier: Apache-2.0
/* dataplane_links_test: which entries VLANs make. */
#include <bpf/bpf.h>
#include <errno.h>

#include "dataplane_lab.h"

#include "dataplane/dataplane_links.h"

enum { TAG7 = 0x8100 << 16 | 7, TAG9 = (int)(0x88a8u << 16 | 9), ROOM = 16 };

struct row {
	const char *name;
	struct dataplane_link links[6];
	struct {
		struct abi_link_key key;
		struct abi_link value;
	} want[ROOM];
};

static const struct row rows[] = {
	{"devices without VLANs", {{1, 0, 0, 0}, {2, 0, 0, 0}, {3, 2, 0, 0}}, {{{0}, {0}}}},
	{"a VLAN, both ways",
	 {{2, 0, 0, 0}, {5, 2, 0, TAG7}},
	 {{{5, 0}, {2, TAG7}}, {{2, TAG7}, {5, 0}}}},
	{"two on one device, one of a provider",
	 {{5, 2, 0, TAG7}, {6, 2, 0, (uint32_t)TAG9}, {2, 0, 0, 0}},
	 {{{5, 0}, {2, TAG7}},
	  {{2, TAG7}, {5, 0}},
	  {{6, 0}, {2, (uint32_t)TAG9}},
	  {{2, (uint32_t)TAG9}, {6, 0}}}},
	{"on a bond: frames come in on its members",
	 {{2, 0, 4, 0}, {3, 0, 4, 0}, {4, 0, 0, 0}, {5, 4, 0, TAG7}},
	 {{{5, 0}, {4, TAG7}}, {{2, TAG7}, {5, 0}}, {{3, TAG7}, {5, 0}}, {{4, TAG7}, {5, 0}}}},
	{"a VLAN in a VLAN is not sent by XDP",
	 {{2, 0, 0, 0}, {5, 2, 0, TAG7}, {6, 5, 0, TAG7}},
	 {{{5, 0}, {2, TAG7}}, {{2, TAG7}, {5, 0}}}},
	{"what is below is not here", {{5, 2, 0, TAG7}}, {{{0}, {0}}}},
};

static void vlans_are_known_both_ways(void **state)
{
	struct abi_link_key keys[ROOM];
	struct abi_link values[ROOM];

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		size_t n_links = 0, n_want = 0, n;

		while (n_links < 6 && rows[i].links[n_links].ifindex)
			n_links++;
		while (rows[i].want[n_want].key.ifindex)
			n_want++;
		n = dataplane_links_map(rows[i].links, n_links, keys, values, ROOM);
		if (n != n_want)
			fail_msg("%s: %zu", rows[i].name, n);
		for (size_t k = 0; k < n; k++)
			if (memcmp(&keys[k], &rows[i].want[k].key, sizeof(*keys)) ||
			    memcmp(&values[k], &rows[i].want[k].value, sizeof(*values)))
				fail_msg("%s: entry %zu", rows[i].name, k);
		/* What has no room is left out. */
		assert_int_equal(
			dataplane_links_map(rows[i].links, n_links, keys, values, n ? n - 1 : 0),
			n ? n - 1 : 0);
	}
}

static void what_is_no_more_leaves_the_map(void **state)
{
	struct dataplane_lab *lab = lab_of(state);
	int fd = bpf_map__fd(lab->plane.skel->maps.link);
	struct abi_link_key key = {.ifindex = 0x7ffffffe};
	struct dataplane_links *links = NULL;
	struct abi_link value = {.ifindex = 1};

	assert_int_equal(bpf_map_update_elem(fd, &key, &value, BPF_ANY), 0);
	dataplane_links_refresh(&links, fd);
	assert_non_null(links);
	assert_int_equal(bpf_map_lookup_elem(fd, &key, &value), -ENOENT);
	/* Devices have not changed: nobody looks again. */
	assert_int_equal(bpf_map_update_elem(fd, &key, &value, BPF_ANY), 0);
	dataplane_links_refresh(&links, fd);
	assert_int_equal(bpf_map_lookup_elem(fd, &key, &value), 0);
	dataplane_links_free(links);
	links = NULL;
	dataplane_links_refresh(&links, -1);
	assert_null(links);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(vlans_are_known_both_ways),
		cmocka_unit_test_setup_teardown(what_is_no_more_leaves_the_map, lab_begin, lab_end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
