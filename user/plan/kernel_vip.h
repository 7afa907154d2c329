/* SPDX-License-Identifier: Apache-2.0 */
#ifndef KERNEL_VIP_H
#define KERNEL_VIP_H

/*
 * kernel_vip: what the kernel plane forwards by itself, as plain data in the units people write.
 *
 * Part of kernel_config. Compilers of objects (VirtualAddress, IngressRouteTCP and IngressRouteUDP
 * that need no byte of payload) fill it; kernel_diff turns it into what stands in the maps. A
 * service is known by its name, a backend by address and port: while they stay, so do flows and
 * counters. Everything lives in the configuration's arena.
 */

#include <stdbool.h>
#include <stdint.h>

#include "base/addr.h"
#include "base/str.h"

enum {
	KERNEL_SERVICES_MAX = 4095,  /* slot 0 means the local proxy */
	KERNEL_BACKENDS_MAX = 32767, /* in all; equal ones are kept once */
	KERNEL_NODES_MAX = 255,
	KERNEL_WEIGHT_MAX = 65535,
};

/* How packets reach a backend. (id, word in objects, text) */
#define KERNEL_MODES(X)                                                               \
	X(NAT, "nat", "addresses are rewritten, answers come back through this node") \
	X(DSR_L2, "dsr-l2",                                                           \
	  "the frame is sent to the backend's link address, which answers itself")    \
	X(DSR_IPIP, "dsr-ipip",                                                       \
	  "in an IP-in-IP tunnel (IPIP or IP6IP6), the backend answers itself")       \
	X(DSR_GUE, "dsr-gue", "in a GUE tunnel over UDP, the backend answers itself")
#define KERNEL_MODE_ENUM(id, word, text) KERNEL_MODE_##id,
enum kernel_mode { KERNEL_MODES(KERNEL_MODE_ENUM) KERNEL_MODE__COUNT };

/* What chooses the backend. (id, word in objects, text) */
#define KERNEL_AFFINITIES(X)                                                         \
	X(NONE, "none", "each connection for itself: addresses and ports")           \
	X(SOURCE, "source", "all connections of a client address go to one backend") \
	X(QUIC, "quic", "UDP by QUIC's connection id, so that a client may change address")
#define KERNEL_AFFINITY_ENUM(id, word, text) KERNEL_AFFINITY_##id,
enum kernel_affinity { KERNEL_AFFINITIES(KERNEL_AFFINITY_ENUM) KERNEL_AFFINITY__COUNT };

enum kernel_backend_state {
	KERNEL_BACKEND_ACTIVE,
	KERNEL_BACKEND_DRAIN, /* keeps its flows, gets no new ones */
	KERNEL_BACKEND_DEAD,  /* failed its health check: its flows go elsewhere */
};

struct kernel_backend {
	struct addr addr;
	uint16_t port;	 /* NAT only: others keep the packet's; host order, 0: the packet's */
	uint32_t weight; /* 0 is DRAIN */
	enum kernel_backend_state state;
	uint32_t quic_server_id; /* 0: none */
};

struct kernel_service {
	struct str name;
	struct str object; /* where it was written: "VirtualAddress/shop/dns"; for people */
	enum kernel_mode mode;
	enum kernel_affinity affinity;
	struct kernel_backend *backends; /* of any family that the mode can reach */
	uint32_t n_backends;
	/* How long flows stay with a backend that drains while others serve; 0: for ever. */
	uint64_t drain_ns;
	uint32_t index;	 /* in config->services */
	uint64_t digest; /* kernel_service_digest() of it; 0: not known */
};

/* A flow of datagrams has no end: it stays with a backend that drains for so long, if nothing else
 * is said. */
#define KERNEL_UDP_DRAIN_NS (30ULL * 1000000000)

/* SYN cookies in the kernel plane, of an entry. AUTO: while SYN pressure is above the threshold. */
enum kernel_cookies { KERNEL_COOKIES_AUTO, KERNEL_COOKIES_OFF, KERNEL_COOKIES_ON };

/* A node of the set over which flows are spread (Maglev over nodes); addr is what tunnels go to. */
struct kernel_node {
	struct str name;
	struct addr addr;
	bool is_self;
	enum kernel_backend_state state;
};

#endif
