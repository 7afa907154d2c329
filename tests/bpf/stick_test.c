// SPDX-License-Identifier: Apache-2.0
/*
 * stick_test: which backend each flow gets, while backends come, go, drain, die and come back; by
 * affinity and by QUIC's connection ids; and that no packet ever sees half a change.
 */
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <sys/mman.h>

#include "stick_lab.h"
#include "dataplane/dataplane_grace.h"

static void slots_follow_weights(void **state)
{
	struct lab *lab = lab_of(state);

	lab_service(lab, KERNEL_MODE_DSR_IPIP, KERNEL_AFFINITY_NONE);
	one_to_four(lab);
	lab->service->backends[0].weight = 3;
	lab->service->backends[3].weight = 0;
	lab_entries(lab);
	lab_apply(lab);
	send_all(lab, PACKET_SYN, got);
	assert_in_range(at(got, 1), FLOWS * 55 / 100, FLOWS * 65 / 100);
	assert_in_range(at(got, 2), FLOWS * 17 / 100, FLOWS * 23 / 100);
	assert_in_range(at(got, 3), FLOWS * 17 / 100, FLOWS * 23 / 100);
	CHECK_INT("none", at(got, 4), 0);
}

/* Established flows stay, new ones follow the new ring, both for good. */
static void established_flows_stay(void **state)
{
	static const struct {
		const char *name;
		void (*fn)(struct lab *lab);
		uint8_t without; /* gets no new flows */
	} rows[] = {
		{"one more", one_to_five, 0},
		{"one is taken out", without_two, 2},
		{"one drains", two_drains, 2},
		{"one weighs nothing", two_weighs_nothing, 2},
	};
	struct lab *lab = lab_of(state);
	static uint8_t fresh[FLOWS], again[FLOWS];

	for (size_t i = 0; i < ROWS(rows); i++) {
		change(lab, one_to_four);
		dataplane_tick(lab->dataplane, clock_mono_ns() + WINDOW_END_NS);
		begin(lab, 4);
		change(lab, rows[i].fn);
		send_all(lab, PACKET_ACK, got);
		CHECK_INT(rows[i].name, differing(had, got), 0);
		/* Its window over, too: those that were seen are known. */
		dataplane_tick(lab->dataplane, clock_mono_ns() + WINDOW_END_NS);
		send_all(lab, PACKET_ACK, got);
		CHECK_INT(rows[i].name, differing(had, got), 0);
		/* New connections of the same ports. */
		send_all(lab, PACKET_SYN, fresh);
		if (rows[i].without)
			CHECK_INT(rows[i].name, at(fresh, rows[i].without), 0);
		else
			assert_in_range(at(fresh, 5), FLOWS * 17 / 100, FLOWS * 23 / 100);
		send_all(lab, PACKET_ACK, again);
		CHECK_INT(rows[i].name, differing(fresh, again), 0);
	}
	lab_balance(lab);
}

static void new_flows_within_a_window_stay_where_they_began(void **state)
{
	struct lab *lab = lab_of(state);

	begin(lab, 4);
	change(lab, two_drains);
	send_all(lab, PACKET_SYN, had);
	CHECK_INT("none to the draining one", at(had, 2), 0);
	send_all(lab, PACKET_ACK, got);
	CHECK_INT("at once", differing(had, got), 0);
	/* Change after change: what each began with stays. */
	change(lab, one_to_five);
	send_all(lab, PACKET_ACK, got);
	CHECK_INT("over a second change", differing(had, got), 0);
	change(lab, one_to_four);
	send_all(lab, PACKET_ACK, got);
	CHECK_INT("over a third", differing(had, got), 0);
	lab_balance(lab);
}

static void flows_that_slept_through_changes_are_found(void **state)
{
	struct lab *lab = lab_of(state);

	begin(lab, 4);
	change(lab, one_to_five);
	change(lab, two_drains);
	change(lab, one_to_four);
	change(lab, one_to_five);
	send_all(lab, PACKET_ACK, got);
	CHECK_INT("asleep since before the first change", differing(had, got), 0);
}

static void flows_of_a_dead_backend_go_elsewhere(void **state)
{
	struct lab *lab = lab_of(state);
	uint32_t n = 0;

	begin(lab, 4);
	change(lab, two_is_dead);
	send_all(lab, PACKET_ACK, got);
	CHECK_INT("none", at(got, 2), 0);
	for (uint32_t i = 0; i < FLOWS; i++)
		n += had[i] != 2 && had[i] != got[i];
	CHECK_INT("the others' stay", n, 0);
	/* Back again: those flows have moved, all others are where they were. */
	change(lab, one_to_four);
	send_all(lab, PACKET_ACK, got);
	n = 0;
	for (uint32_t i = 0; i < FLOWS; i++)
		n += had[i] != 2 && had[i] != got[i];
	CHECK_INT("the others' stay", n, 0);
	lab_balance(lab);
}

static void udp_flows_stay_as_well(void **state)
{
	struct lab *lab = lab_of(state);

	begin(lab, 4);
	send_datagrams(lab, had);
	change(lab, one_to_five);
	send_datagrams(lab, got);
	CHECK_INT("stay", differing(had, got), 0);
}

/* What moved stays where it went: twice, since a flow is written down before or when it moves. */
static void datagrams_do_not_return_to_who_was_dead(void **state)
{
	struct lab *lab = lab_of(state);

	for (int i = 0; i < 2; i++) {
		begin(lab, 4);
		if (i) {
			change(lab, two_drains);
			send_datagrams(lab, had);
		}
		change(lab, two_is_dead);
		send_datagrams(lab, had);
		CHECK_INT("none", at(had, 2), 0);
		change(lab, one_to_four);
		send_datagrams(lab, got);
		CHECK_INT("moved for good", differing(had, got), 0);
		dataplane_tick(lab->dataplane, clock_mono_ns() + WINDOW_END_NS);
	}
}

/* ------------------------------------------------------------------- sweeps -- */

static uint32_t n_marked(struct lab *lab)
{
	struct abi_service row;
	struct abi_ring_line line;
	uint32_t n = 0, slot = 0;

	do
		assert_int_equal(bpf_map_lookup_elem(bpf_map__fd(lab->plane.skel->maps.service),
						     &(__u32){++slot}, &row),
				 0);
	while (!row.used);
	for (uint32_t i = 0; i < 128; i++) {
		assert_int_equal(bpf_map_lookup_elem(bpf_map__fd(lab->plane.skel->maps.ring),
						     &(__u32){(row.ring >> 2) + i}, &line),
				 0);
		for (int k = 0; k < ABI_RING_SLOTS; k++)
			n += !!(line.slot[k] & ABI_RING_CHECK);
	}
	return n;
}

static void marks_and_flows_are_swept_when_they_are_over(void **state)
{
	struct lab *lab = lab_of(state);
	struct dataplane_backend_totals rows[8];
	uint64_t now_ns = clock_mono_ns();

	begin(lab, 4);
	change(lab, without_two);
	send_all(lab, PACKET_ACK, got);
	assert_in_range(n_marked(lab), 4093 / 5, 4093 / 3);
	assert_in_range(n_sticks(lab), FLOWS / 5, FLOWS / 3);
	CHECK_INT("backends", dataplane_backends(lab->dataplane, rows, 8), 4);
	now_ns += WINDOW_END_NS;
	dataplane_tick(lab->dataplane, now_ns);
	for (int i = 0; i < 5; i++)
		dataplane_tick(lab->dataplane, now_ns += 31 * NS_PER_SEC);
	/* Marks only where flows are; the backend stays because of them. */
	assert_in_range(n_marked(lab), n_sticks(lab) / 3, n_sticks(lab));
	CHECK_INT("backends", dataplane_backends(lab->dataplane, rows, 8), 4);
	send_all(lab, PACKET_ACK, got);
	CHECK_INT("still there", differing(had, got), 0);
	/* An hour without a packet. */
	lab->plane.skel->bss->tick_fake_ns += 3700ULL * NS_PER_SEC;
	for (int i = 0; i < 5; i++)
		dataplane_tick(lab->dataplane, now_ns += 31 * NS_PER_SEC);
	CHECK_INT("flows", n_sticks(lab), 0);
	CHECK_INT("marks", n_marked(lab), 0);
	/* Its row is free when packets have left, which no tick waits for. */
	for (int i = 0; i < 100 && dataplane_backends(lab->dataplane, rows, 8) > 3; i++) {
		dataplane_wait_for_packets();
		dataplane_tick(lab->dataplane, now_ns += NS_PER_SEC);
	}
	CHECK_INT("backends", dataplane_backends(lab->dataplane, rows, 8), 3);
	send_all(lab, PACKET_ACK, got);
	CHECK_INT("none to it", at(got, 2), 0);
}

static void a_restarted_process_takes_over(void **state)
{
	struct lab *lab = lab_of(state);

	begin(lab, 4);
	change(lab, two_drains);
	send_all(lab, PACKET_ACK, got);
	dataplane_close(lab->dataplane);
	send_all(lab, PACKET_ACK, got);
	CHECK_INT("without any process", differing(had, got), 0);
	struct loader_maps maps = plane_maps(&lab->plane);

	assert_int_equal(dataplane_open(&maps, &lab->dataplane), 0);
	change(lab, two_drains);
	send_all(lab, PACKET_ACK, got);
	CHECK_INT("as it was", differing(had, got), 0);
	change(lab, one_to_five);
	send_all(lab, PACKET_ACK, got);
	CHECK_INT("changed", differing(had, got), 0);
}

/* ----------------------------------------------------------------- affinity -- */

static void a_source_has_one_backend(void **state)
{
	struct lab *lab = lab_of(state);
	uint32_t n_used = 0;

	lab_service(lab, KERNEL_MODE_DSR_IPIP, KERNEL_AFFINITY_SOURCE);
	one_to_four(lab);
	lab_entries(lab);
	lab_apply(lab);
	send_all(lab, PACKET_SYN, had);
	for (uint32_t i = 0; i < FLOWS; i++)
		CHECK_INT("the same", had[i], had[i % SOURCES]);
	for (uint8_t i = 1; i <= 4; i++)
		n_used += at(had, i) > 0;
	CHECK_INT("backends", n_used, 4);
	/* A draining one gets no new connections of its sources either, and keeps the old ones. */
	lab_service(lab, KERNEL_MODE_DSR_IPIP, KERNEL_AFFINITY_SOURCE);
	two_drains(lab);
	lab_entries(lab);
	lab_apply(lab);
	send_all(lab, PACKET_ACK, got);
	CHECK_INT("old ones", differing(had, got), 0);
	send_all(lab, PACKET_SYN, got);
	CHECK_INT("new ones", at(got, 2), 0);
}

/* A UDP packet with a QUIC header; id: the server's, 0 for none. */
static uint8_t send_quic(struct lab *lab, uint8_t first, uint16_t id, uint16_t port, bool is_long)
{
	static struct lab_out out;
	uint8_t frame[PACKET_ROOM];
	size_t n = packet_build(&(struct packet_spec){.proto = IPPROTO_UDP,
						      .dest_port = 53,
						      .source_port = port,
						      .payload_bytes = 30},
				frame);
	uint8_t *quic = frame + 14 + 20 + 8, *cid = quic + 1;

	memset(quic, 0, 30);
	*quic = first;
	if (is_long) {
		quic[4] = 1; /* version 1 */
		quic[5] = 8;
		cid = quic + 6;
	}
	cid[0] = id ? 0x27 : 0xe7;
	cid[1] = (uint8_t)(id >> 8);
	cid[2] = (uint8_t)id;
	lab_run(lab, frame, n, &out);
	return out.verdict == XDP_TX ? lab_outer(&out) : 0;
}

static void quic_follows_the_connection_id(void **state)
{
	struct lab *lab = lab_of(state);
	uint8_t by_hash[64];

	lab_service(lab, KERNEL_MODE_DSR_IPIP, KERNEL_AFFINITY_QUIC);
	one_to_four(lab);
	for (uint32_t i = 0; i < 4; i++)
		lab->service->backends[i].quic_server_id = 1000 + i;
	lab_entries(lab);
	lab_apply(lab);
	for (uint16_t port = 0; port < 64; port++) {
		by_hash[port] = send_quic(lab, 0x40, 0, (uint16_t)(5000 + port), false);
		CHECK_INT("an Initial packet's id is the client's", by_hash[port],
			  send_quic(lab, 0xc0, 1002, (uint16_t)(5000 + port), true));
		CHECK_INT("a Handshake packet",
			  send_quic(lab, 0xe0, 1002, (uint16_t)(5000 + port), true), 3);
		CHECK_INT("wherever it comes from",
			  send_quic(lab, 0x40, 1001, (uint16_t)(5000 + port), false), 2);
		CHECK_INT("an id of nobody",
			  send_quic(lab, 0x40, 999, (uint16_t)(5000 + port), false), by_hash[port]);
	}
	lab->service->backends[1].state = KERNEL_BACKEND_DEAD;
	lab_apply(lab);
	assert_int_not_equal(send_quic(lab, 0x40, 1001, 5000, false), 2);
	lab->service->backends[1].state = KERNEL_BACKEND_DRAIN;
	lab_apply(lab);
	CHECK_INT("a draining one keeps its own", send_quic(lab, 0x40, 1001, 5000, false), 2);
}

/* --------------------------------------------------------------------- flips -- */

enum { CHANGES = 60, FLIPS = 10000 };

struct reader {
	pthread_t thread;
	const struct lab *lab;
	_Atomic bool stop;
	uint64_t n, n_wrong;
};

/* Both rings give this flow of one SYN either backend 1 or 2; nothing else may come out. */
static void *read_flips(void *argument)
{
	struct reader *reader = argument;
	uint8_t frame[PACKET_ROOM];
	static struct lab_out out;
	size_t n = packet_build(&(struct packet_spec){.tcp_flags = PACKET_SYN}, frame);

	while (!reader->stop) {
		LIBBPF_OPTS(bpf_test_run_opts, run, .data_in = frame, .data_size_in = (__u32)n,
			    .data_out = out.frame, .data_size_out = LAB_ROOM);

		if (bpf_prog_test_run_opts(reader->lab->plane.prog_fd, &run))
			break;
		out.verdict = (int)run.retval;
		reader->n_wrong +=
			out.verdict != XDP_TX || (lab_outer(&out) != 1 && lab_outer(&out) != 2);
		reader->n++;
	}
	return NULL;
}

/* The row of the only service but one, in memory. */
static struct abi_service *services(const struct lab *lab)
{
	void *at = mmap(NULL, ABI_SERVICES * sizeof(struct abi_service), PROT_READ | PROT_WRITE,
			MAP_SHARED, bpf_map__fd(lab->plane.skel->maps.service), 0);

	assert_ptr_not_equal(at, MAP_FAILED);
	return at;
}

/* Changes as the product makes them, then nothing but the store, ten thousand times. */
static void no_packet_sees_half_a_ring(void **state)
{
	struct lab *lab = lab_of(state);
	struct reader reader = {.lab = lab};
	struct abi_service *rows = services(lab);
	uint64_t slowest_ns = 0, seed = 1;
	struct dataplane_result result;

	begin(lab, 2);
	assert_int_equal(pthread_create(&reader.thread, NULL, read_flips, &reader), 0);
	for (int i = 0; i < CHANGES; i++) {
		lab_service(lab, KERNEL_MODE_DSR_IPIP, KERNEL_AFFINITY_NONE);
		lab_backends(lab, false, 1, 2);
		seed = seed * 6364136223846793005ULL + 1;
		lab->service->backends[0].weight = 1 + (uint32_t)(seed >> 40) % 50;
		lab->service->backends[1].weight = 1 + (uint32_t)(seed >> 50) % 50;
		lab_entries(lab);
		CHECK_INT("apply", dataplane_apply(lab->dataplane, lab->config, &result), 0);
		if (result.rings_ns > slowest_ns)
			slowest_ns = result.rings_ns;
	}
	uint32_t slot = 1;

	while (!rows[slot].used)
		slot++;
	uint32_t now = rows[slot].ring, before = rows[slot].ring_before;

	for (int i = 0; i < FLIPS; i++) {
		__u64 rings = i % 2 ? (__u64)before << 32 | now : before;

		__atomic_store_n(&rows[slot].rings, rings, __ATOMIC_RELEASE);
		if (i % 64 == 0)
			sched_yield();
	}
	reader.stop = true;
	pthread_join(reader.thread, NULL);
	munmap(rows, ABI_SERVICES * sizeof(*rows));
	print_message(
		"%d changes and %d flips under %llu packets, slowest put in force in %.3f ms\n",
		CHANGES, FLIPS, (unsigned long long)reader.n, (double)slowest_ns / 1e6);
	CHECK_INT("wrong", reader.n_wrong, 0);
	assert_true(slowest_ns < NS_PER_MS);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		LAB_TEST(slots_follow_weights),
		LAB_TEST(established_flows_stay),
		LAB_TEST(new_flows_within_a_window_stay_where_they_began),
		LAB_TEST(flows_that_slept_through_changes_are_found),
		LAB_TEST(flows_of_a_dead_backend_go_elsewhere),
		LAB_TEST(udp_flows_stay_as_well),
		LAB_TEST(datagrams_do_not_return_to_who_was_dead),
		LAB_TEST(marks_and_flows_are_swept_when_they_are_over),
		LAB_TEST(a_restarted_process_takes_over),
		LAB_TEST(a_source_has_one_backend),
		LAB_TEST(quic_follows_the_connection_id),
		LAB_TEST(no_packet_sees_half_a_ring),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
