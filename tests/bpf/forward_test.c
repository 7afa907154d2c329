// SPDX-License-Identifier: Apache-2.0
/*
 * forward_test: what comes out for what goes in, for each mode, family and protocol: link header,
 * tags, outer header, checksums, hop limits; and why nothing comes out.
 */
#include <arpa/inet.h>

#include "balance_lab.h"

struct mode_row {
	const char *name;
	enum kernel_mode mode;
	bool is_outer_v6;
	uint32_t more; /* bytes before the packet */
};

static const struct mode_row modes[] = {
	{"DSR by link address", KERNEL_MODE_DSR_L2, false, 0},
	{"IPIP", KERNEL_MODE_DSR_IPIP, false, 20},
	{"IP6", KERNEL_MODE_DSR_IPIP, true, 40},
	{"GUE", KERNEL_MODE_DSR_GUE, false, 28},
	{"GUE over IPv6", KERNEL_MODE_DSR_GUE, true, 48},
};

static const struct {
	const char *name;
	struct packet_spec spec;
} packets[] = {
	{"TCP", {.payload_bytes = 100}},
	{"a SYN", {.tcp_flags = PACKET_SYN}},
	{"UDP", {.proto = IPPROTO_UDP, .dest_port = 53, .payload_bytes = 11}},
	{"TCP over IPv6", {.source = "2001:db8:5::7", .payload_bytes = 100}},
	{"UDP over IPv6", {.source = "2001:db8:5::7", .proto = IPPROTO_UDP, .dest_port = 53}},
	{"TCP in a VLAN", {.n_vlans = 1, .payload_bytes = 9}},
	{"TCP in QinQ", {.n_vlans = 2, .vlan_type = 0x88a8}},
	{"UDP over IPv6 in QinQ",
	 {.source = "2001:db8:5::7", .proto = IPPROTO_UDP, .dest_port = 53, .n_vlans = 2}},
	{"options", {.option_words = 3, .payload_bytes = 10}},
	{"extension headers", {.source = "2001:db8:5::7", .exts = {60}, .payload_bytes = 10}},
	{"a padded frame", {.frame_bytes = 60}},
};

static uint16_t sum16(const void *at, size_t n)
{
	const uint8_t *byte = at;
	uint32_t sum = 0;

	for (size_t i = 0; i + 1 < n; i += 2)
		sum += (uint32_t)byte[i] << 8 | byte[i + 1];
	sum = (sum & 0xffff) + (sum >> 16);
	return (uint16_t)(sum + (sum >> 16));
}

static uint16_t be16(const uint8_t *at)
{
	return (uint16_t)(at[0] << 8 | at[1]);
}

/* The packet itself is as it was, with one hop less. */
static void check_inner(const char *name, const uint8_t *was, const uint8_t *is, size_t n)
{
	uint8_t want[PACKET_ROOM];

	memcpy(want, was, n);
	if (was[0] >> 4 == 4) {
		want[8]--;
		CHECK_INT(name, sum16(is, (is[0] & 15) * 4u), 0xffff);
		memcpy(want + 10, is + 10, 2);
	} else {
		want[7]--;
	}
	if (memcmp(want, is, n))
		fail_msg("%s: the packet itself was changed", name);
}

static void check_outer(const char *name, const struct mode_row *mode, const uint8_t *inner,
			size_t inner_bytes, const uint8_t *outer)
{
	bool is_gue = mode->mode == KERNEL_MODE_DSR_GUE, is_v4 = inner[0] >> 4 == 4;
	uint8_t proto = is_gue ? IPPROTO_UDP : is_v4 ? IPPROTO_IPIP : IPPROTO_IPV6;
	const uint8_t *udp = outer + (mode->is_outer_v6 ? 40 : 20);
	struct addr self = lab_addr(mode->is_outer_v6 ? "2001:db8::10" : "192.0.2.10");

	if (mode->is_outer_v6) {
		CHECK_INT(name, outer[0] >> 4, 6);
		CHECK_INT(name, be16(outer + 4), inner_bytes + mode->more - 40);
		CHECK_INT(name, outer[6], proto);
		CHECK_INT(name, outer[7], 64);
		assert_memory_equal(outer + 8, self.byte, 16);
	} else {
		CHECK_INT(name, outer[0], 0x45);
		CHECK_INT(name, be16(outer + 2), inner_bytes + mode->more);
		CHECK_INT(name, be16(outer + 6), 0x4000);
		CHECK_INT(name, outer[8], 64);
		CHECK_INT(name, outer[9], proto);
		CHECK_INT(name, sum16(outer, 20), 0xffff);
		assert_memory_equal(outer + 12, self.byte + 12, 4);
	}
	if (!is_gue)
		return;
	assert_true(be16(udp) >= 0xc000);
	CHECK_INT(name, be16(udp + 2), ABI_GUE_PORT);
	CHECK_INT(name, be16(udp + 4), inner_bytes + 8);
}

static void check_frame(const struct mode_row *mode, size_t packet, const uint8_t *frame, size_t n,
			const struct lab_out *out)
{
	const struct packet_spec *spec = &packets[packet].spec;
	size_t l3 = 14u + 4u * spec->n_vlans;
	bool is_v4 = frame[l3] >> 4 == 4;
	size_t inner_bytes = is_v4 ? be16(frame + l3 + 2) : be16(frame + l3 + 4) + 40u;
	const char *name = packets[packet].name;
	uint16_t type =
		mode->more ? (mode->is_outer_v6 ? 0x86dd : 0x0800) : (is_v4 ? 0x0800 : 0x86dd);

	CHECK_INT(name, out->verdict, XDP_TX);
	CHECK_INT(name, out->n, n + mode->more);
	CHECK_INT(name, be16(out->frame + l3 - 2), type);
	assert_memory_equal(out->frame + 12, frame + 12, l3 - 14);
	CHECK_INT(name, out->frame[6 + 4], 0x0a); /* the interface's MAC */
	check_inner(name, frame + l3, out->frame + l3 + mode->more, inner_bytes);
	if (mode->more)
		check_outer(name, mode, frame + l3, inner_bytes, out->frame + l3);
}

static void packets_come_out_as_their_mode_says(void **state)
{
	struct lab *lab = lab_of(state);
	static struct lab_out out;
	uint8_t frame[PACKET_ROOM];
	uint64_t n_sent = 0;
	struct dataplane_totals totals;

	for (size_t i = 0; i < ROWS(modes); i++) {
		lab_service(lab, modes[i].mode, KERNEL_AFFINITY_NONE);
		/* Another one: flows of the same would stay where they are. */
		lab->service->name = str_of(modes[i].name);
		lab_backends(lab, modes[i].is_outer_v6, 1, 5);
		lab_entries(lab);
		lab_apply(lab);
		for (size_t k = 0; k < ROWS(packets); k++) {
			/* Without a tunnel, backends of the other family are out of reach. */
			bool passes = modes[i].mode == KERNEL_MODE_DSR_L2 && packets[k].spec.source;
			size_t n = packet_build(&packets[k].spec, frame);

			lab_run(lab, frame, n, &out);
			if (passes) {
				CHECK_INT(packets[k].name, out.verdict, XDP_PASS);
				continue;
			}
			check_frame(&modes[i], k, frame, n, &out);
			n_sent++;
		}
	}
	lab_balance(lab);
	dataplane_totals(lab->dataplane, &totals);
	CHECK_INT("forwarded", totals.send[ABI_SEND_FORWARDED], n_sent);
	CHECK_INT("tx", totals.tx, n_sent);
}

/* ---------------------------------------------------------------- refusals -- */

static void set_row(struct lab *lab, uint64_t until_ns, uint8_t fault, uint32_t ifindex)
{
	int fd = bpf_map__fd(lab->plane.skel->maps.backend);
	struct abi_backend row;

	for (uint32_t i = 1; i < 100; i++) {
		assert_int_equal(bpf_map_lookup_elem(fd, &i, &row), 0);
		row.hop_until_ns = until_ns;
		row.fault = fault;
		row.hop_ifindex = ifindex;
		assert_int_equal(bpf_map_update_elem(fd, &i, &row, BPF_ANY), 0);
	}
}

static void expect_drop(struct lab *lab, const char *name, const struct packet_spec *spec,
			enum abi_drop why)
{
	static struct lab_out out;
	uint64_t before = lab_dropped(lab, why);

	lab_send(lab, spec, &out);
	CHECK_INT(name, out.verdict, XDP_DROP);
	CHECK_INT(name, lab_dropped(lab, why), before + 1);
	lab_balance(lab);
}

static void what_cannot_be_sent_is_dropped_and_says_why(void **state)
{
	struct lab *lab = lab_of(state);
	struct packet_spec plain = {0}, large = {.payload_bytes = 1450};
	static struct lab_out out;

	lab_service(lab, KERNEL_MODE_DSR_IPIP, KERNEL_AFFINITY_NONE);
	lab_entries(lab);
	lab_apply(lab);
	expect_drop(lab, "no backend", &plain, ABI_DROP_NO_BACKEND);
	lab_backends(lab, false, 1, 3);
	for (int i = 0; i < 3; i++)
		lab->service->backends[i].state = KERNEL_BACKEND_DEAD;
	lab_apply(lab);
	expect_drop(lab, "all are dead", &plain, ABI_DROP_NO_BACKEND);
	for (int i = 0; i < 3; i++)
		lab->service->backends[i].state = KERNEL_BACKEND_DRAIN;
	lab_apply(lab);
	lab_send(lab, &plain, &out);
	CHECK_INT("all are draining: they go on", out.verdict, XDP_TX);
	set_row(lab, UINT64_MAX, ABI_HOP_NO_ROUTE, LAB_IFINDEX);
	lab_send(lab, &plain, &out);
	CHECK_INT("no route: the sender is told", out.frame[14 + 9], IPPROTO_ICMP);
	set_row(lab, UINT64_MAX, ABI_HOP_NO_NEIGHBOUR, LAB_IFINDEX);
	uint64_t before = lab_forwarded(lab);

	lab_send(lab, &plain, &out);
	lab_send(lab, &large, &out);
	CHECK_INT("no neighbour", lab_forwarded(lab), before);
	lab_balance(lab);
	set_row(lab, UINT64_MAX, ABI_HOP_OK, 2);
	lab_send(lab, &plain, &out);
	CHECK_INT("another interface", out.verdict, XDP_REDIRECT);
	set_row(lab, UINT64_MAX, ABI_HOP_OK, LAB_IFINDEX);
	before = lab_forwarded(lab);
	lab_send(lab, &large, &out);
	CHECK_INT("too large: its sender is told", out.verdict, XDP_TX);
	CHECK_INT("too large", lab_forwarded(lab), before);
	lab_balance(lab);
}

/* The loopback interface of this namespace forwards nothing, or has no route: the kernel says so.
 */
static void the_way_is_asked_for_when_it_is_old(void **state)
{
	struct lab *lab = lab_of(state);
	struct abi_backend row;
	uint32_t first = 0;
	static struct lab_out out;

	lab_service(lab, KERNEL_MODE_DSR_IPIP, KERNEL_AFFINITY_NONE);
	lab_backends(lab, false, 1, 1);
	lab->service->backends[0].addr = lab_addr("240.1.2.3"); /* nobody has a route to it */
	lab_entries(lab);
	lab_apply(lab);
	set_row(lab, 0, ABI_HOP_OK, LAB_IFINDEX);
	lab_send(lab, &(struct packet_spec){0}, &out);
	CHECK_INT("asked, and the sender told", out.frame[14 + 9], IPPROTO_ICMP);
	int fd = bpf_map__fd(lab->plane.skel->maps.backend);

	while (!bpf_map_lookup_elem(fd, &first, &row) && !row.mode)
		first++;
	CHECK_INT("remembered for a hundredth of a second", row.hop_until_ns, 1010000000);
	CHECK_INT("as", row.fault, ABI_HOP_NO_ROUTE);
	lab_balance(lab);
}

static void an_address_of_ours_needs_no_way(void **state)
{
	struct lab *lab = lab_of(state);
	static struct lab_out out;

	lab_service(lab, KERNEL_MODE_DSR_L2, KERNEL_AFFINITY_NONE);
	lab_backends(lab, false, 1, 1);
	lab->service->backends[0].addr = lab->config->self4;
	lab_entries(lab);
	lab_apply(lab);
	lab_send(lab, &(struct packet_spec){0}, &out);
	CHECK_INT("passes", out.verdict, XDP_PASS);
	lab_balance(lab);
}

static void limits_come_before_services(void **state)
{
	struct lab *lab = lab_of(state);
	static struct lab_out out;

	lab_service(lab, KERNEL_MODE_DSR_IPIP, KERNEL_AFFINITY_NONE);
	lab_backends(lab, false, 1, 3);
	lab_entries(lab);
	struct kernel_policy *policy = kernel_config_policy(lab->config, STR("edge"));

	policy->packets = (struct kernel_limit){1, 2};
	lab->config->entries[0].policy = policy;
	lab_apply(lab);
	for (int i = 0; i < 5; i++) {
		lab_send(lab, &(struct packet_spec){0}, &out);
		CHECK_INT("limited", out.verdict, i < 2 ? XDP_TX : XDP_DROP);
	}
	lab_balance(lab);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		LAB_TEST(packets_come_out_as_their_mode_says),
		LAB_TEST(what_cannot_be_sent_is_dropped_and_says_why),
		LAB_TEST(the_way_is_asked_for_when_it_is_old),
		LAB_TEST(an_address_of_ours_needs_no_way),
		LAB_TEST(limits_come_before_services),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
