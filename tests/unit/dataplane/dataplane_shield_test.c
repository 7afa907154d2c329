// SPDX-License-Identifier: Apache-2.0
/* dataplane_shield_test: what a configuration says of floods stands in the map. */
#include <bpf/bpf.h>
#include <sched.h>
#include <unistd.h>

#include "abi.h"
#include "dataplane_lab.h"

static struct abi_shield row_of(struct dataplane_lab *lab)
{
	struct abi_shield row;

	assert_int_equal(
		bpf_map_lookup_elem(bpf_map__fd(lab->plane.skel->maps.shield), &(__u32){0}, &row),
		0);
	return row;
}

static void rates_become_those_of_a_window(void **state)
{
	struct dataplane_lab *lab = lab_of(state);
	struct kernel_config *config = kernel_config_new(&lab->arena);
	struct dataplane_result result;
	struct abi_shield row;

	config->shield = (struct kernel_shield){
		.syns = 10000, .strays = 1, .fragments = 1000, .fragments_total = 0};
	assert_int_equal(dataplane_apply(lab->dataplane, config, &result), 0);
	row = row_of(lab);
	assert_int_equal(row.syns, 1342);
	assert_int_equal(row.strays, 1);
	assert_int_equal(row.fragments, 0);
	assert_int_equal(row.fragment_cost_fp >> 16, 1000000);
	assert_true(row.netns != 0);
	assert_in_range(row.wscale, 1, 14);
	/* Nothing said: a preset for SYNs, no bound for the others. */
	config->shield = (struct kernel_shield){0};
	assert_int_equal(dataplane_apply(lab->dataplane, config, &result), 0);
	row = row_of(lab);
	assert_int_equal(row.syns, 1342);
	assert_int_equal(row.strays, 0);
	assert_int_equal(row.fragment_cost_fp, 0);
}

static void set(const char *path, const char *value)
{
	FILE *file = fopen(path, "w");

	assert_non_null(file);
	assert_true(fputs(value, file) > 0);
	assert_int_equal(fclose(file), 0);
}

/* In a network namespace of its own. */
static void what_the_network_stack_allows_is_followed(void **state)
{
	static const char cookies[] = "/proc/sys/net/ipv4/tcp_syncookies";
	struct dataplane_lab *lab = lab_of(state);
	struct kernel_config *config = kernel_config_new(&lab->arena);
	struct dataplane_result result;

	if (unshare(CLONE_NEWNET) || access(cookies, W_OK))
		skip();
	set(cookies, "1");
	assert_int_equal(dataplane_apply(lab->dataplane, config, &result), 0);
	assert_false(row_of(lab).flags & ABI_SHIELD_COOKIES);
	set(cookies, "2");
	dataplane_tick(lab->dataplane, clock_mono_ns());
	assert_true(row_of(lab).flags & ABI_SHIELD_COOKIES);
	set(cookies, "0");
	dataplane_tick(lab->dataplane, clock_mono_ns());
	assert_false(row_of(lab).flags & ABI_SHIELD_COOKIES);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(rates_become_those_of_a_window, lab_begin, lab_end),
		cmocka_unit_test_setup_teardown(what_the_network_stack_allows_is_followed,
						lab_begin, lab_end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
