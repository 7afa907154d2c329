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

#define ABI_DROPS(X)                                                                    \
	X(MALFORMED, "malformed", "a header was cut short or contradicted itself")      \
	X(EXT_HEADERS, "ext_headers", "the packet had too many IPv6 extension headers") \
	X(TINY_FRAGMENT, "tiny_fragment",                                               \
	  "a first fragment was too small for its TCP or UDP header")                   \
	X(DENIED, "denied", "the source matches a deny list")                           \
	X(BANNED, "banned", "the source is banned for a time")                          \
	X(RATE_PACKETS, "rate_packets", "the source used up its packets per second")    \
	X(RATE_SYNS, "rate_syns", "the source used up its new connections per second")  \
	X(RATE_BYTES, "rate_bytes", "the source used up its bytes per second")

#define ABI_PASSES(X)                                                                        \
	X(NOT_IP, "not_ip", "neither IPv4 nor IPv6")                                         \
	X(OTHER_PROTO, "other_proto", "not TCP and not UDP")                                 \
	X(FRAGMENT, "fragment", "a later fragment: without its first one it reaches nobody") \
	X(NO_ENTRY, "no_entry", "not sent to an entry point: never limited")                 \
	X(TRUSTED, "trusted", "the source matches an allow list")                            \
	X(ADMITTED, "admitted", "within its limits")

#define ABI_DROP_ENUM(id, label, text) ABI_DROP_##id,
enum abi_drop { ABI_DROPS(ABI_DROP_ENUM) ABI_DROP__COUNT };

#define ABI_PASS_ENUM(id, label, text) ABI_PASS_##id,
enum abi_pass { ABI_PASSES(ABI_PASS_ENUM) ABI_PASS__COUNT };

#define ABI_COUNTER(id, label, text) __u64 id;

/*
 * Map "counter", per CPU, one row per entry point; row 0 counts what belongs to none and, in
 * received, every packet. Summed over all rows: row 0's received == passes + tx + redirect + drops.
 */
struct abi_counter {
	__u64 received;
	__u64 received_bytes;
	union {
		__u64 pass[ABI_PASS__COUNT];
		struct {
			ABI_PASSES(ABI_COUNTER)
		} passed;
	};
	__u64 tx;
	__u64 redirect;
	union {
		__u64 drop[ABI_DROP__COUNT];
		struct {
			ABI_DROPS(ABI_COUNTER)
		} dropped;
	};
	__u64 event_due_ns; /* no event before that */
	__u64 reserved[5];
};

_Static_assert(sizeof(struct abi_counter) == 192, "counter changed: bump ABI_VERSION");

#endif
