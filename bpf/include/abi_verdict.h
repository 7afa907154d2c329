/* SPDX-License-Identifier: GPL-2.0-only OR Apache-2.0 */
#ifndef ABI_VERDICT_H
#define ABI_VERDICT_H

/*
 * abi_verdict: every way a packet can leave the program, and its counters.
 *
 * One table row per reason: (id, metric label, what an operator should read). The enums, the
 * counters, the metrics' labels and docs/reference/drops.md come from here. New rows go to the end
 * and bump ABI_VERSION.
 */

#include <linux/types.h>

/* RATE_ and AGGREGATE_ stand in the order of ABI_LIMITS. */
#define ABI_DROPS(X)                                                                               \
	X(MALFORMED, "malformed", "a header was cut short or contradicted itself")                 \
	X(EXT_HEADERS, "ext_headers", "the packet had too many IPv6 extension headers")            \
	X(TINY_FRAGMENT, "tiny_fragment",                                                          \
	  "a first fragment was too small for its TCP or UDP header")                              \
	X(DENIED, "denied", "the source matches a deny list")                                      \
	X(BANNED, "banned", "the source is banned for a time")                                     \
	X(RATE_PACKETS, "rate_packets", "the source used up its packets per second")               \
	X(RATE_SYNS, "rate_syns", "the source used up its new connections per second")             \
	X(RATE_BYTES, "rate_bytes", "the source used up its bytes per second")                     \
	X(AGGREGATE_PACKETS, "aggregate_packets",                                                  \
	  "the source's network used up its packets per second")                                   \
	X(AGGREGATE_SYNS, "aggregate_syns",                                                        \
	  "the source's network used up its new connections per second")                           \
	X(AGGREGATE_BYTES, "aggregate_bytes", "the source's network used up its bytes per second") \
	X(CONNECTIONS, "connections",                                                              \
	  "the source or its network has as many connections as it may")                           \
	X(TCP_FLAGS, "tcp_flags", "TCP flags that no connection ever has")                         \
	X(FRAGMENT_FLOOD, "fragment_flood", "too many fragments a second")                         \
	X(FRAGMENT_LOST, "fragment_lost", "a later fragment whose first one was not seen")         \
	X(COOKIE_BAD, "cookie_bad", "a TCP segment of no connection, while there are too many")    \
	X(NO_BACKEND, "no_backend", "the service has no backend that is alive")                    \
	X(NO_ROUTE, "no_route", "there is no route to the backend, or forwarding is off")          \
	X(NO_NEIGHBOUR, "no_neighbour",                                                            \
	  "the backend's or gateway's link address is not known yet")                              \
	X(NO_ROOM, "no_room", "the driver leaves no room in the frame for another header")         \
	X(NO_PORT, "no_port", "no port is free for the translation of a new flow")                 \
	X(NO_FLOW, "no_flow", "a reset or an ICMP error about a flow that is not translated here") \
	X(TTL, "ttl", "the time to live ran out")                                                  \
	X(TOO_BIG, "too_big", "larger than the way to the backend takes")                          \
	X(TUNNEL_SOURCE, "tunnel_source", "a tunnel from somebody who may not open one")           \
	X(TUNNEL_LOOP, "tunnel_loop", "a packet that nodes sent to each other in a circle")        \
	X(NO_STAGE, "no_stage", "a part of the kernel plane that is not loaded")                   \
	X(FRAGMENT_OVERLAP, "fragment_overlap",                                                    \
	  "a fragment that overlaps another one of its datagram, or is out of order twice")        \
	X(ICMP_LIMIT, "icmp_limit", "more ICMP than is answered in a second")

#define ABI_PASSES(X)                                                                        \
	X(NOT_IP, "not_ip", "neither IPv4 nor IPv6")                                         \
	X(OTHER_PROTO, "other_proto", "not TCP and not UDP")                                 \
	X(FRAGMENT, "fragment", "a later fragment: without its first one it reaches nobody") \
	X(NO_ENTRY, "no_entry", "not sent to an entry point: never limited")                 \
	X(TRUSTED, "trusted", "the source matches an allow list")                            \
	X(ADMITTED, "admitted", "within its limits")                                         \
	X(COOKIE, "cookie", "the last segment of a handshake that a SYN cookie began")       \
	X(RESOLVE, "resolve",                                                                \
	  "turned into an echo request, so that the stack looks for the sender's neighbour") \
	X(SHARED, "shared",                                                                  \
	  "for a service, on an interface that is shared by a dispatcher which cannot forward")

/* What we sent out ourselves. */
#define ABI_SENDS(X)                                                         \
	X(FORWARDED, "forwarded", "to a backend")                            \
	X(RETURNED, "returned", "an answer of a backend, translated back")   \
	X(NODE, "node", "to the node that owns the flow")                    \
	X(SYN_COOKIE, "syn_cookie", "a SYN that was answered with a cookie") \
	X(ICMP_ERROR, "icmp_error", "an ICMP error that we made")            \
	X(ICMP_ECHO, "icmp_echo", "an echo request that we answered")        \
	X(RESET, "reset", "a TCP reset that we made")                        \
	X(ICMP_FORWARDED, "icmp_forwarded", "an ICMP error that follows its flow")

#define ABI_DROP_ENUM(id, label, text) ABI_DROP_##id,
enum abi_drop { ABI_DROPS(ABI_DROP_ENUM) ABI_DROP__COUNT };

#define ABI_PASS_ENUM(id, label, text) ABI_PASS_##id,
enum abi_pass { ABI_PASSES(ABI_PASS_ENUM) ABI_PASS__COUNT };

#define ABI_SEND_ENUM(id, label, text) ABI_SEND_##id,
enum abi_send { ABI_SENDS(ABI_SEND_ENUM) ABI_SEND__COUNT };

#define ABI_COUNTER(id, label, text) __u64 id;

/*
 * Map "counter", per CPU, one row per entry point; row 0 counts what belongs to none. Summed over
 * all rows: received == passes + tx + redirect + drops, and tx + redirect == sent.
 */
struct abi_counter {
	__u64 received;
	__u64 received_bytes;
	__u64 tx;
	__u64 redirect;
	union {
		__u64 send[ABI_SEND__COUNT];
		struct {
			ABI_SENDS(ABI_COUNTER)
		} sent;
	};
	union {
		__u64 pass[ABI_PASS__COUNT];
		struct {
			ABI_PASSES(ABI_COUNTER)
		} passed;
	};
	union {
		__u64 drop[ABI_DROP__COUNT];
		struct {
			ABI_DROPS(ABI_COUNTER)
		} dropped;
	};
	__u64 event_due_ns; /* no event before that */
	__u64 syns;	    /* to entries of this machine */
	__u64 strays;	    /* row 0: segments of no connection, looked for one by one */
	__u64 reserved[3];
};

_Static_assert(sizeof(struct abi_counter) == 448, "counter changed: bump ABI_VERSION");

#endif
