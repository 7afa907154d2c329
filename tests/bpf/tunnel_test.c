// SPDX-License-Identifier: Apache-2.0
/*
 * tunnel_test: what one node puts into a tunnel, another takes out as it was; from those who may
 * send it only. And whatever bytes come in, the program ends and the books balance.
 */
#include <arpa/inet.h>

#include "balance_lab.h"

static const struct {
	const char *name;
	enum kernel_mode mode;
	bool is_outer_v6;
} tunnels[] = {
	{"IPIP", KERNEL_MODE_DSR_IPIP, false},
	{"IP6", KERNEL_MODE_DSR_IPIP, true},
	{"GUE", KERNEL_MODE_DSR_GUE, false},
	{"GUE over IPv6", KERNEL_MODE_DSR_GUE, true},
};

static const struct {
	const char *name;
	struct packet_spec spec;
} packets[] = {
	{"TCP", {.payload_bytes = 100}},
	{"TCP over IPv6", {.source = "2001:db8:5::7", .payload_bytes = 100}},
	{"in a VLAN", {.n_vlans = 1, .payload_bytes = 50}},
	{"in QinQ over IPv6", {.source = "2001:db8:5::7", .n_vlans = 2, .payload_bytes = 50}},
	{"UDP", {.proto = IPPROTO_UDP, .dest_port = 53}},
};

/* What the first node sends to 10.9.0.1 or fd09::1. */
static void wrap(struct lab *lab, size_t tunnel, const struct packet_spec *spec,
		 struct lab_out *out)
{
	lab_service(lab, tunnels[tunnel].mode, KERNEL_AFFINITY_NONE);
	lab->service->name = str_of(tunnels[tunnel].name);
	lab_backends(lab, tunnels[tunnel].is_outer_v6, 1, 1);
	lab_entries(lab);
	lab_apply(lab);
	lab_send(lab, spec, out);
	CHECK_INT(tunnels[tunnel].name, out->verdict, XDP_TX);
}

/* The second node: the other end, where the addresses are the local proxy's. */
static void become_end(struct lab *lab, const char *peer4, const char *peer6)
{
	static struct addr peers[2];
	static const char *const names[] = {"a", "b", "c", "d"};
	static const char *const addrs[] = {"192.0.2.1", "2001:db8::1", "192.0.2.1", "2001:db8::1"};

	lab->config = kernel_config_new(&lab->arena);
	lab->config->self4 = lab_addr("10.9.0.1");
	lab->config->self6 = lab_addr("fd09::0:1");
	lab->config->opens_tunnels = true;
	peers[0] = lab_addr(peer4);
	peers[1] = lab_addr(peer6);
	lab->config->tunnel_peers = peers;
	lab->config->n_tunnel_peers = 2;
	lab->service = NULL;
	for (int i = 0; i < 4; i++)
		lab_entry(lab, names[i], addrs[i], i < 2 ? 80 : 53,
			  i < 2 ? IPPROTO_TCP : IPPROTO_UDP);
	lab_apply(lab);
}

static void tunnels_are_opened(void **state)
{
	struct lab *lab = lab_of(state);
	static struct lab_out wrapped, out;
	uint8_t frame[PACKET_ROOM];

	for (size_t i = 0; i < ROWS(tunnels); i++) {
		for (size_t k = 0; k < ROWS(packets); k++) {
			size_t n = packet_build(&packets[k].spec, frame);
			size_t l3 = 14u + 4u * packets[k].spec.n_vlans;
			bool is_v4 = frame[l3] >> 4 == 4;

			wrap(lab, i, &packets[k].spec, &wrapped);
			become_end(lab, "192.0.2.10", "2001:db8::10");
			lab_run(lab, wrapped.frame, wrapped.n, &out);
			CHECK_INT(packets[k].name, out.verdict, XDP_PASS);
			CHECK_INT(packets[k].name, out.n, n);
			/* One hop less, as it went in; the link header is the last hop's. */
			frame[l3 + (is_v4 ? 8 : 7)]--;
			memcpy(frame, wrapped.frame, 12);
			if (is_v4)
				memcpy(frame + l3 + 10, out.frame + l3 + 10, 2);
			if (memcmp(frame, out.frame, n))
				fail_msg("%s, %s: not what went in", tunnels[i].name,
					 packets[k].name);
			lab_balance(lab);
		}
	}
}

static void only_peers_may_send_tunnels(void **state)
{
	struct lab *lab = lab_of(state);
	static struct lab_out wrapped, out;

	for (size_t i = 0; i < ROWS(tunnels); i++) {
		uint64_t before = lab_dropped(lab, ABI_DROP_TUNNEL_SOURCE);

		wrap(lab, i, &packets[0].spec, &wrapped);
		become_end(lab, "192.0.2.99", "2001:db8::99");
		lab_run(lab, wrapped.frame, wrapped.n, &out);
		CHECK_INT(tunnels[i].name, out.verdict, XDP_DROP);
		CHECK_INT(tunnels[i].name, lab_dropped(lab, ABI_DROP_TUNNEL_SOURCE), before + 1);
		/* Where no tunnels are opened, they are none of our business. */
		lab->config->opens_tunnels = false;
		lab_apply(lab);
		lab_run(lab, wrapped.frame, wrapped.n, &out);
		CHECK_INT(tunnels[i].name, out.verdict, XDP_PASS);
		CHECK_INT(tunnels[i].name, out.n, wrapped.n);
		lab_balance(lab);
	}
}

static void what_comes_out_of_a_tunnel_may_be_forwarded(void **state)
{
	struct lab *lab = lab_of(state);
	static struct lab_out wrapped, out;

	wrap(lab, 2, &packets[0].spec, &wrapped);
	become_end(lab, "192.0.2.10", "2001:db8::10");
	lab->service = kernel_config_service(lab->config, STR("next"));
	lab->service->mode = KERNEL_MODE_DSR_IPIP;
	lab->service->backends = ARENA_ARRAY(&lab->arena, struct kernel_backend, 4);
	lab_backends(lab, false, 7, 7);
	for (size_t i = 0; i < lab->config->n_entries; i++)
		lab->config->entries[i].service = lab->service;
	lab_apply(lab);
	lab_run(lab, wrapped.frame, wrapped.n, &out);
	CHECK_INT("sent on", out.verdict, XDP_TX);
	CHECK_INT("to", lab_outer(&out), 7);
	lab_balance(lab);
}

static void congestion_in_the_tunnel_is_the_packets(void **state)
{
	struct lab *lab = lab_of(state);
	static struct lab_out wrapped, out;

	wrap(lab, 2, &packets[0].spec, &wrapped);
	uint8_t *outer = wrapped.frame + 14, *inner = outer + 28;

	inner[1] = 2; /* ECT(0) */
	inner[11] = (uint8_t)(inner[11] - 2);
	outer[1] = 3; /* CE; nobody looks at the checksum of the outer header */
	become_end(lab, "192.0.2.10", "2001:db8::10");
	lab_run(lab, wrapped.frame, wrapped.n, &out);
	CHECK_INT("passes", out.verdict, XDP_PASS);
	CHECK_INT("CE", out.frame[14 + 1], 3);
}

/* Valid frames with bytes turned over, cut anywhere, through everything there is. */
static void random_bytes_never_abort_and_always_balance(void **state)
{
	struct lab *lab = lab_of(state);
	static struct lab_out seeds[16], out;
	uint32_t seed = 4711;
	int n_seeds = 0;

	for (size_t i = 0; i < ROWS(tunnels); i++)
		wrap(lab, i, &packets[i % 2].spec, &seeds[n_seeds++]);
	for (size_t i = 0; i < ROWS(packets); i++) {
		seeds[n_seeds].n = packet_build(&packets[i].spec, seeds[n_seeds].frame);
		n_seeds++;
	}
	become_end(lab, "192.0.2.10", "2001:db8::10");
	lab->service = kernel_config_service(lab->config, STR("next"));
	lab->service->mode = KERNEL_MODE_DSR_GUE;
	lab->service->affinity = KERNEL_AFFINITY_QUIC;
	lab->service->backends = ARENA_ARRAY(&lab->arena, struct kernel_backend, 8);
	lab_backends(lab, false, 7, 8);
	lab_backends(lab, true, 7, 8);
	for (size_t i = 0; i < lab->config->n_entries; i++)
		lab->config->entries[i].service = i % 2 ? lab->service : NULL;
	lab_apply(lab);
	for (int i = 0; i < 300000; i++) {
		const struct lab_out *from = &seeds[i % n_seeds];
		uint8_t frame[LAB_ROOM];
		size_t n = from->n;

		memcpy(frame, from->frame, n);
		seed = seed * 1664525u + 1013904223u;
		for (int flips = (int)(seed >> 29); flips >= 0; flips--) {
			seed = seed * 1664525u + 1013904223u;
			frame[12 + (seed >> 8) % (n - 12)] = (uint8_t)(seed >> 24);
		}
		if (seed & 0x100)
			n = 14 + (seed >> 12) % (n - 14);
		lab_run(lab, frame, n, &out);
		if (out.verdict == XDP_ABORTED || out.verdict > XDP_REDIRECT)
			fail_msg("packet %d: verdict %d", i, out.verdict);
	}
	lab_balance(lab);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		LAB_TEST(tunnels_are_opened),
		LAB_TEST(only_peers_may_send_tunnels),
		LAB_TEST(what_comes_out_of_a_tunnel_may_be_forwarded),
		LAB_TEST(congestion_in_the_tunnel_is_the_packets),
		LAB_TEST(random_bytes_never_abort_and_always_balance),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
