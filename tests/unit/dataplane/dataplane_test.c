// SPDX-License-Identifier: Apache-2.0
/* dataplane: what can be done with open descriptors by a process that may do nothing else. */

#include "dataplane/dataplane.h"

#include <bpf/bpf.h>
#include <errno.h>
#include <grp.h>
#include <linux/bpf.h>
#include <sys/capability.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "dataplane_lab.h"

static void count_event(void *user, const struct dataplane_event *event)
{
	(void)event;
	++*(int *)user;
}

/* Everything that the proxy does, after it has given up every privilege. Returns 0 or the step that
 * failed. */
static int all_of_it(struct dataplane_lab *lab, const struct kernel_config *config)
{
	struct dataplane_entry_totals entries[4];
	struct dataplane_limited limited[4];
	struct dataplane_totals totals;
	struct dataplane_result result;
	struct dataplane_ban bans[4];
	struct addr source = lab_addr("198.51.100.7");
	int n_events = 0;

	if (dataplane_apply(lab->dataplane, config, &result) || !result.n_ops)
		return 1;
	if (lab_send(lab, "203.0.113.9") != XDP_DROP)
		return 2;
	if (dataplane_totals(lab->dataplane, &totals) || totals.drop[ABI_DROP_DENIED] != 1)
		return 3;
	if (dataplane_entries(lab->dataplane, entries, 4) != 1)
		return 4;
	if (dataplane_ban(lab->dataplane, &source, "edge", NS_PER_SEC, "test", 3))
		return 5;
	if (lab_send(lab, "198.51.100.7") != XDP_DROP)
		return 6;
	if (dataplane_bans(lab->dataplane, bans, 4) != 1)
		return 7;
	if (dataplane_unban(lab->dataplane, &source, "edge"))
		return 8;
	if (dataplane_limited(lab->dataplane, limited, 4) < 0)
		return 9;
	if (dataplane_events(lab->dataplane, count_event, &n_events) < 0 || n_events < 1)
		return 10;
	return 0;
}

static void it_works_without_any_privilege(void **state)
{
	struct dataplane_lab *lab = lab_of(state);
	struct kernel_config *config;
	struct kernel_policy *policy = lab_config(lab, &config);
	struct abi_control control;
	struct cidr cidr;
	int status, fd = bpf_map__fd(lab->plane.skel->maps.control);

	assert_int_equal(cidr_parse(STR("203.0.113.0/24"), &cidr), 0);
	kernel_policy_add(config, policy, &cidr, KERNEL_DENY);
	bpf_map_lookup_elem(fd, &(__u32){0}, &control);
	control.event_gap_ns = 1;
	bpf_map_update_elem(fd, &(__u32){0}, &control, BPF_ANY);

	pid_t child = fork();

	if (!child) {
		cap_t none = cap_init();

		if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) || setgroups(0, NULL) ||
		    setresgid(65534, 65534, 65534) || setresuid(65534, 65534, 65534) ||
		    cap_set_proc(none))
			_exit(100);
		_exit(all_of_it(lab, config));
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	CHECK_INT("exited", WIFEXITED(status), 1);
	CHECK_INT("the step that failed", WEXITSTATUS(status), 0);
}

static void nothing_pinned_is_not_found(void **state)
{
	struct dataplane *dataplane;

	(void)state;
	CHECK_INT("folder", dataplane_open_pinned("/sys/fs/bpf/tg-test-nowhere", &dataplane),
		  -ENOENT);
}

static void maps_of_another_version_are_refused(void **state)
{
	struct dataplane_lab *lab = lab_of(state);
	struct abi_control control;
	struct dataplane *dataplane;
	int fd = bpf_map__fd(lab->plane.skel->maps.control);

	bpf_map_lookup_elem(fd, &(__u32){0}, &control);
	control.abi_version++;
	bpf_map_update_elem(fd, &(__u32){0}, &control, BPF_ANY);
	struct loader_maps maps = plane_maps(&lab->plane);

	CHECK_INT("open", dataplane_open(&maps, &dataplane), -EPROTO);
}

static void every_reason_has_a_label_and_a_sentence(void **state)
{
	(void)state;
	for (int i = 0; i < ABI_DROP__COUNT; i++) {
		assert_true(strlen(dataplane_drop_label((enum abi_drop)i)) > 2);
		assert_true(strlen(dataplane_drop_text((enum abi_drop)i)) > 10);
	}
	for (int i = 0; i < ABI_PASS__COUNT; i++)
		assert_true(strlen(dataplane_pass_label((enum abi_pass)i)) > 2);
	for (int i = 0; i < ABI_LIMIT__COUNT; i++)
		assert_true(strlen(dataplane_limit_label((enum abi_limit_kind)i)) > 2);
	assert_string_equal(dataplane_drop_label((enum abi_drop)99), "unknown");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		LAB_TEST(it_works_without_any_privilege),
		cmocka_unit_test(nothing_pinned_is_not_found),
		LAB_TEST(maps_of_another_version_are_refused),
		cmocka_unit_test(every_reason_has_a_label_and_a_sentence),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
