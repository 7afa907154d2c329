// SPDX-License-Identifier: Apache-2.0
/* dataplane_debt: what a source owes a limit that is changed, or that goes, or that stays. */

#include <linux/bpf.h>

#include "dataplane_lab.h"

static const char *const sources[] = {"198.51.100.7", "2001:db8:5::7"};

/* A limit of one packet an hour, reached: the next one is due an hour from now. */
static const struct kernel_limit slow = {1.0 / 3600, 1}, fast = {1000, 10};

enum which { OWN, OF_NETWORK };

static void limit(struct dataplane_lab *lab, enum which which, struct kernel_limit packets)
{
	struct kernel_config *config;
	struct kernel_policy *policy = lab_config(lab, &config);

	*(which == OWN ? &policy->packets : &policy->network.packets) = packets;
	lab_apply(lab, config);
}

static void reach(struct dataplane_lab *lab)
{
	for (int i = 0; i < 2; i++) {
		CHECK_INT("the first", lab_send(lab, sources[i]), XDP_PASS);
		CHECK_INT("the second", lab_send(lab, sources[i]), XDP_DROP);
	}
}

static void expect(struct dataplane_lab *lab, const char *what, int verdict)
{
	for (int i = 0; i < 2; i++)
		CHECK_INT(what, lab_send(lab, sources[i]), verdict);
}

static void a_raised_limit_is_in_force_at_once(void **state)
{
	struct dataplane_lab *lab = lab_of(state);

	for (enum which which = OWN; which <= OF_NETWORK; which++) {
		limit(lab, which, slow);
		reach(lab);
		limit(lab, which, fast);
		plane_at_ms(&lab->plane, 1020 + 100 * which);
		expect(lab, "raised", XDP_PASS);
		/* The next round's sources owe nothing. */
		limit(lab, which, (struct kernel_limit){0});
	}
}

/* The change is no gift: what was used up under the old limit stays used up. */
static void a_limit_with_another_burst_does_not_begin_anew(void **state)
{
	struct dataplane_lab *lab = lab_of(state);

	limit(lab, OWN, (struct kernel_limit){1.0 / 3600, 1});
	reach(lab);
	limit(lab, OWN, (struct kernel_limit){1, 3});
	for (int i = 0; i < 2; i++) {
		/* At the limit exactly: the packet of now, and none of the burst. */
		CHECK_INT("the limit", lab_send(lab, sources[i]), XDP_PASS);
		CHECK_INT("no burst", lab_send(lab, sources[i]), XDP_DROP);
	}
	plane_at_ms(&lab->plane, 2010);
	expect(lab, "a second later", XDP_PASS);
	expect(lab, "and no more", XDP_DROP);
}

static void a_limit_that_goes_and_comes_back_forgives(void **state)
{
	struct dataplane_lab *lab = lab_of(state);

	limit(lab, OWN, slow);
	reach(lab);
	limit(lab, OWN, (struct kernel_limit){0});
	expect(lab, "no limit", XDP_PASS);
	limit(lab, OWN, slow);
	reach(lab);
}

static void other_changes_leave_debts_alone(void **state)
{
	struct dataplane_lab *lab = lab_of(state);
	struct kernel_config *config;
	struct kernel_policy *policy;

	limit(lab, OWN, slow);
	reach(lab);
	policy = lab_config(lab, &config);
	policy->packets = slow;
	policy->bytes = (struct kernel_limit){1000000, 1000000};
	kernel_config_add(config, STR("more"), &(struct addr){0}, 81, IPPROTO_TCP,
			  kernel_config_policy(config, STR("other")));
	lab_apply(lab, config);
	expect(lab, "still over", XDP_DROP);
}

/* The slot of a policy that is gone is another's, two changes later. */
static void who_has_the_slot_next_does_not_inherit(void **state)
{
	struct dataplane_lab *lab = lab_of(state);
	static const char *const names[] = {"second", "third"};

	limit(lab, OWN, slow);
	reach(lab);
	for (int i = 0; i < 2; i++) {
		struct kernel_config *config = kernel_config_new(&lab->arena);
		struct kernel_policy *policy = kernel_config_policy(config, str_of(names[i]));

		policy->packets = slow;
		kernel_config_add(config, STR("web"), &(struct addr){0}, 80, IPPROTO_TCP, policy);
		lab_apply(lab, config);
		reach(lab);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		LAB_TEST(a_raised_limit_is_in_force_at_once),
		LAB_TEST(a_limit_with_another_burst_does_not_begin_anew),
		LAB_TEST(a_limit_that_goes_and_comes_back_forgives),
		LAB_TEST(other_changes_leave_debts_alone),
		LAB_TEST(who_has_the_slot_next_does_not_inherit),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
