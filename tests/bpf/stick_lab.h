/* SPDX-License-Identifier: Apache-2.0 */
#ifndef STICK_LAB_H
#define STICK_LAB_H

/* stick_lab: many flows through a service whose backends change, and which backend each gets. */

#include "balance_lab.h"

enum { FLOWS = 4000, SOURCES = 250 };

#define WINDOW_END_NS (601ULL * NS_PER_SEC)

static uint8_t had[FLOWS], got[FLOWS];

/* Sends one packet of the i-th flow; the backend's number, 0 when it was not forwarded. */
static inline uint8_t send_flow(struct lab *lab, uint32_t i, uint8_t flags, uint8_t proto)
{
	static struct lab_out out;
	char source[32];

	snprintf(source, sizeof(source), "198.51.%u.%u", i % SOURCES / 250 + 1, i % SOURCES + 1);
	lab_send(lab,
		 &(struct packet_spec){.source = source,
				       .source_port = (uint16_t)(1024 + i / SOURCES),
				       .tcp_flags = flags,
				       .proto = proto,
				       .dest_port = proto == IPPROTO_UDP ? 53 : 80},
		 &out);
	return out.verdict == XDP_TX ? lab_outer(&out) : 0;
}

static inline void send_all(struct lab *lab, uint8_t flags, uint8_t ret[FLOWS])
{
	for (uint32_t i = 0; i < FLOWS; i++) {
		/* A tick for every few: as many flows as may be written down at once. */
		if (i % 16 == 0)
			lab->plane.skel->bss->tick_fake_ns += PLANE_TICK_NS;
		ret[i] = send_flow(lab, i, flags, 0);
	}
}

static inline uint32_t differing(const uint8_t *a, const uint8_t *b)
{
	uint32_t n = 0;

	for (uint32_t i = 0; i < FLOWS; i++)
		n += a[i] != b[i];
	return n;
}

static inline uint32_t at(const uint8_t *flows, uint8_t backend)
{
	uint32_t n = 0;

	for (uint32_t i = 0; i < FLOWS; i++)
		n += flows[i] == backend;
	return n;
}

/* A service of backends 1..n with established flows. */
static inline void begin(struct lab *lab, uint32_t n)
{
	lab_service(lab, KERNEL_MODE_DSR_IPIP, KERNEL_AFFINITY_NONE);
	lab_backends(lab, false, 1, n);
	lab_entries(lab);
	lab_apply(lab);
	send_all(lab, PACKET_SYN, had);
	send_all(lab, PACKET_ACK, got);
	CHECK_INT("established", differing(had, got), 0);
	CHECK_INT("lost", at(got, 0), 0);
}

/* The same service with the backends changed by fn. */
static inline void change(struct lab *lab, void (*fn)(struct lab *lab))
{
	lab_service(lab, KERNEL_MODE_DSR_IPIP, KERNEL_AFFINITY_NONE);
	fn(lab);
	lab_entries(lab);
	lab_apply(lab);
}

static inline void one_to_four(struct lab *lab)
{
	lab_backends(lab, false, 1, 4);
}

static inline void one_to_five(struct lab *lab)
{
	lab_backends(lab, false, 1, 5);
}

static inline void without_two(struct lab *lab)
{
	lab_backends(lab, false, 1, 1);
	lab_backends(lab, false, 3, 4);
}

static inline void two_drains(struct lab *lab)
{
	one_to_four(lab);
	lab->service->backends[1].state = KERNEL_BACKEND_DRAIN;
}

static inline void two_weighs_nothing(struct lab *lab)
{
	one_to_four(lab);
	lab->service->backends[1].weight = 0;
}

static inline void two_is_dead(struct lab *lab)
{
	one_to_four(lab);
	lab->service->backends[1].state = KERNEL_BACKEND_DEAD;
}

static inline void send_datagrams(struct lab *lab, uint8_t ret[FLOWS])
{
	for (uint32_t i = 0; i < FLOWS; i++) {
		if (i % 16 == 0)
			lab->plane.skel->bss->tick_fake_ns += PLANE_TICK_NS;
		ret[i] = send_flow(lab, i, 0, IPPROTO_UDP);
	}
}

static inline uint32_t n_sticks(struct lab *lab)
{
	int fd = bpf_map__fd(lab->plane.skel->maps.stick);
	struct abi_stick_key key, *before = NULL;
	uint32_t n = 0;

	for (; !bpf_map_get_next_key(fd, before, &key); before = &key)
		n++;
	return n;
}

#endif
