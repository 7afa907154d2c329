// SPDX-License-Identifier: Apache-2.0
/* stick_flood_test: how much is written down when many flows of slots that changed come at once. */
#include "stick_lab.h"

static void a_flood_writes_down_only_so_much(void **state)
{
	struct lab *lab = lab_of(state);
	struct dataplane_service_totals row;

	begin(lab, 2);
	change(lab, one_to_four);
	for (uint32_t i = 0; i < FLOWS; i++)
		send_flow(lab, i, PACKET_SYN, 0); /* all in one tick */
	CHECK_INT("services", dataplane_services(lab->dataplane, &row, 1), 1);
	assert_in_range(row.sticks, 1, 64 * libbpf_num_possible_cpus());
	CHECK_INT("written down", n_sticks(lab), row.sticks);
	assert_in_range(row.stick_limit, FLOWS / 4, FLOWS);
	/* What was not written down went where its next packet goes. */
	for (uint32_t i = 0; i < FLOWS; i++)
		had[i] = send_flow(lab, i, PACKET_SYN, 0);
	for (uint32_t i = 0; i < FLOWS; i++)
		got[i] = send_flow(lab, i, PACKET_ACK, 0);
	CHECK_INT("together", differing(had, got), 0);
	lab_balance(lab);
}

/* Rather to one that drains than to two of them. */
static void a_flood_parts_no_connection(void **state)
{
	struct lab *lab = lab_of(state);

	begin(lab, 4);
	change(lab, two_drains);
	for (uint32_t i = 0; i < FLOWS; i++)
		had[i] = send_flow(lab, i, PACKET_SYN, 0); /* all in one tick */
	assert_in_range(at(had, 2), FLOWS / 8, FLOWS / 4);
	for (uint32_t i = 0; i < FLOWS; i++)
		got[i] = send_flow(lab, i, PACKET_ACK, 0);
	CHECK_INT("together", differing(had, got), 0);
}

static void forged_datagrams_leave_room_for_connections(void **state)
{
	struct lab *lab = lab_of(state);
	uint32_t n_before;

	begin(lab, 2);
	change(lab, one_to_four);
	for (uint32_t i = 0; i < FLOWS; i++)
		send_flow(lab, i, 0, IPPROTO_UDP); /* all in one tick */
	n_before = n_sticks(lab);
	assert_in_range(n_before, 1, 32 * libbpf_num_possible_cpus());
	for (uint32_t i = 0; i < FLOWS; i++)
		send_flow(lab, i, PACKET_SYN, 0);
	assert_in_range(n_sticks(lab), n_before + 32, 64 * libbpf_num_possible_cpus());
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		LAB_TEST(a_flood_writes_down_only_so_much),
		LAB_TEST(a_flood_parts_no_connection),
		LAB_TEST(forged_datagrams_leave_room_for_connections),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
