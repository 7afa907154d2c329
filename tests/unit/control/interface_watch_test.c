// SPDX-License-Identifier: Apache-2.0
/* interface_watch_test: what is said of interfaces that are gone, were made anew, or run it slower
 * than they could. */
#include "control/interface_watch.h"

#include <net/if.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static const struct interface_given eth0 = {"eth0", 2, "native", ""},
				    eth1 = {"eth1", 3, "generic", "the driver has no native XDP"},
				    eth2 = {"eth2", 4, "tc", ""}, eth3 = {"eth3", 0, "none", "no"},
				    eth4 = {"eth4", 5, "unknown", ""},
				    eth5 = {"eth5", 6, "pinned", ""};

static void an_interface_is_lost_with_what_ran_on_it(void **state)
{
	static const struct {
		const struct interface_given *given;
		struct interface_seen seen;
		bool is_lost;
	} rows[] = {
		{&eth0, {2, true}, false},  {&eth0, {0, false}, true},	{&eth0, {2, false}, true},
		{&eth0, {7, false}, true},  {&eth0, {7, true}, false}, /* attached anew */
		{&eth1, {3, false}, true},  {&eth2, {4, false}, false}, {&eth2, {9, false}, true},
		{&eth3, {0, false}, true},  {&eth3, {8, false}, true},	{&eth3, {8, true}, false},
		{&eth4, {0, false}, false}, {&eth5, {6, false}, false}, {&eth5, {0, false}, true},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++)
		assert_int_equal(interface_watch_is_lost(rows[i].given, &rows[i].seen),
				 rows[i].is_lost);
}

static void all_of_them_are_in_one_sentence(void **state)
{
	const struct interface_given given[] = {eth0, eth1, eth3};
	const struct interface_seen well[] = {{2, true}, {3, true}, {8, true}};
	const struct interface_seen ill[] = {{0, false}, {3, true}, {8, false}};
	char text[200], small[20];

	(void)state;
	assert_false(interface_watch_judge(given, well, 1, text, sizeof(text)));
	assert_string_equal(text, "");
	assert_false(interface_watch_judge(given, well, 2, text, sizeof(text)));
	assert_string_equal(text, "interface eth1 runs it in mode generic: the driver has no "
				  "native XDP");
	assert_true(interface_watch_judge(given, ill, 3, text, sizeof(text)));
	assert_string_equal(text, "interface eth0: is not there; interface eth1 runs it in mode "
				  "generic: the driver has no native XDP; interface eth3: no");
	assert_true(interface_watch_judge(given, ill, 3, small, sizeof(small)));
	assert_int_equal(strlen(small), sizeof(small) - 1);
}

static void the_kernel_is_asked(void **state)
{
	struct interface_seen seen;

	(void)state;
	assert_true(interface_watch_look("lo", &seen));
	assert_int_equal(seen.ifindex, if_nametoindex("lo"));
	assert_false(seen.has_xdp);
	assert_true(interface_watch_look("nosuch0", &seen));
	assert_int_equal(seen.ifindex, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_interface_is_lost_with_what_ran_on_it),
		cmocka_unit_test(all_of_them_are_in_one_sentence),
		cmocka_unit_test(the_kernel_is_asked),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
