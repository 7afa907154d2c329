/* SPDX-License-Identifier: Apache-2.0 */
#ifndef BALANCE_LAB_H
#define BALANCE_LAB_H

/*
 * balance_lab: the kernel plane with services, for tests by test-run. Ways to backends are written
 * into their rows, since nothing is attached: out where packets come in (interface 1), to a MAC
 * made of the backend's number.
 */

#include <bpf/bpf.h>
#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/ip.h>
#include <linux/ipv6.h>
#include <stdlib.h>

#include "base/clock.h"
#include "check.h"
#include "dataplane/dataplane.h"
#include "packet.h"
#include "plane.h"

enum { LAB_IFINDEX = 1, LAB_ROOM = PACKET_ROOM };

struct lab {
	struct plane plane;
	struct dataplane *dataplane;
	struct arena arena;
	struct kernel_config *config;
	struct kernel_service *service;
};

struct lab_out {
	int verdict;
	uint8_t frame[LAB_ROOM];
	size_t n;
};

static inline struct lab *lab_of(void **state)
{
	if (!*state)
		skip();
	return *state;
}

static inline int lab_open(void **state)
{
	struct lab *lab = calloc(1, sizeof(*lab));

	if (plane_open(&lab->plane, NULL)) {
		print_message("the kernel refused the program: root and BPF are needed\n");
		free(lab);
		return 0;
	}
	struct loader_maps maps = plane_maps(&lab->plane);

	assert_int_equal(dataplane_open(&maps, &lab->dataplane), 0);
	arena_init(&lab->arena, 256 << 20, 0);
	plane_at_ms(&lab->plane, 1000);
	*state = lab;
	return 0;
}

static inline int lab_close(void **state)
{
	struct lab *lab = *state;

	if (!lab)
		return 0;
	dataplane_close(lab->dataplane);
	plane_close(&lab->plane);
	arena_done(&lab->arena);
	free(lab);
	return 0;
}

static inline struct addr lab_addr(const char *text)
{
	struct addr addr = {0};

	CHECK_INT(text, addr_parse(str_of(text), &addr), 0);
	return addr;
}

/* A new configuration with one service. */
static inline struct kernel_service *lab_service(struct lab *lab, enum kernel_mode mode,
						 enum kernel_affinity affinity)
{
	lab->config = kernel_config_new(&lab->arena);
	lab->config->self4 = lab_addr("192.0.2.10");
	lab->config->self6 = lab_addr("2001:db8::10");
	lab->service = kernel_config_service(lab->config, STR("shop"));
	lab->service->mode = mode;
	lab->service->affinity = affinity;
	lab->service->backends = ARENA_ARRAY(&lab->arena, struct kernel_backend, 1000);
	return lab->service;
}

/* Backends first..last of 10.9.x.x or fd09::x */
static inline void lab_backends(struct lab *lab, bool is_v6, uint32_t first, uint32_t last)
{
	char text[64];

	for (uint32_t i = first; i <= last; i++) {
		snprintf(text, sizeof(text), is_v6 ? "fd09::%x:%x" : "10.9.%u.%u", i / 256,
			 i % 256);
		lab->service->backends[lab->service->n_backends++] =
			(struct kernel_backend){.addr = lab_addr(text), .weight = 1};
	}
}

static inline void lab_entry(struct lab *lab, const char *name, const char *addr, uint16_t port,
			     uint8_t proto)
{
	struct addr parsed = lab_addr(addr);

	assert_true(kernel_config_add(lab->config, str_of(name), &parsed, port, proto, NULL));
	lab->config->entries[lab->config->n_entries - 1].service = lab->service;
}

/* The usual ones: TCP 80 and UDP 53 at both of a packet's usual destinations. */
static inline void lab_entries(struct lab *lab)
{
	lab_entry(lab, "web4", "192.0.2.1", 80, IPPROTO_TCP);
	lab_entry(lab, "web6", "2001:db8::1", 80, IPPROTO_TCP);
	lab_entry(lab, "dns4", "192.0.2.1", 53, IPPROTO_UDP);
	lab_entry(lab, "dns6", "2001:db8::1", 53, IPPROTO_UDP);
}

/* Every backend's way, for ever. */
static inline void lab_ways(struct lab *lab, uint16_t mtu)
{
	int fd = bpf_map__fd(lab->plane.skel->maps.backend);
	struct abi_backend row;

	for (uint32_t i = 1; i < 1200; i++) {
		if (bpf_map_lookup_elem(fd, &i, &row) || !row.mode)
			continue;
		row.hop_to = 0x0200000000ULL << 16 | (uint64_t)i << 56;
		row.hop_from = 0x0a00000002ULL << 16;
		row.hop_ifindex = LAB_IFINDEX;
		row.hop_until_ns = UINT64_MAX;
		row.mtu = mtu;
		row.fault = ABI_HOP_OK;
		assert_int_equal(bpf_map_update_elem(fd, &i, &row, BPF_ANY), 0);
	}
}

static inline struct dataplane_result lab_apply(struct lab *lab)
{
	struct dataplane_result result;

	CHECK_INT("apply", dataplane_apply(lab->dataplane, lab->config, &result), 0);
	lab_ways(lab, 1500);
	return result;
}

static inline void lab_run(struct lab *lab, const uint8_t *frame, size_t n, struct lab_out *ret)
{
	LIBBPF_OPTS(bpf_test_run_opts, run, .data_in = frame, .data_size_in = (__u32)n,
		    .data_out = ret->frame, .data_size_out = LAB_ROOM);

	assert_int_equal(bpf_prog_test_run_opts(lab->plane.prog_fd, &run), 0);
	ret->verdict = plane_action(&lab->plane, run.retval);
	ret->n = run.data_size_out;
}

static inline void lab_send(struct lab *lab, const struct packet_spec *spec, struct lab_out *ret)
{
	uint8_t frame[PACKET_ROOM];

	lab_run(lab, frame, packet_build(spec, frame), ret);
}

/* received == passes + sent + drops, and tx + redirect == sent. */
static inline void lab_balance(struct lab *lab)
{
	struct abi_counter rows[256];
	struct dataplane_totals totals;
	uint64_t received = 0, sent = 0;

	for (__u32 entry = 0; entry < ABI_ENTRIES; entry++) {
		assert_int_equal(bpf_map_lookup_elem(bpf_map__fd(lab->plane.skel->maps.counter),
						     &entry, rows),
				 0);
		for (int cpu = 0; cpu < libbpf_num_possible_cpus(); cpu++)
			received += rows[cpu].received;
	}
	CHECK_INT("totals", dataplane_totals(lab->dataplane, &totals), 0);
	for (int i = 0; i < ABI_SEND__COUNT; i++)
		sent += totals.send[i];
	CHECK_INT("received", totals.received, received);
	CHECK_INT("sent", sent, totals.tx + totals.redirect);
}

static inline uint64_t lab_dropped(struct lab *lab, enum abi_drop why)
{
	struct dataplane_totals totals;

	CHECK_INT("totals", dataplane_totals(lab->dataplane, &totals), 0);
	return totals.drop[why];
}

static inline uint64_t lab_forwarded(struct lab *lab)
{
	struct dataplane_totals totals;

	CHECK_INT("totals", dataplane_totals(lab->dataplane, &totals), 0);
	return totals.send[ABI_SEND_FORWARDED];
}

/* The last byte of a tunnelled packet's outer destination: the backend's number, if below 256. */
static inline uint8_t lab_outer(const struct lab_out *out)
{
	return out->frame[12] == 0x08 ? out->frame[14 + 19] : out->frame[14 + 39];
}

#define LAB_TEST(name) cmocka_unit_test_setup_teardown(name, lab_open, lab_close)

#endif
