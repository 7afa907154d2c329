/* SPDX-License-Identifier: Apache-2.0 */
#ifndef INGRESS_ROWS_H
#define INGRESS_ROWS_H

/*
 * ingress_rows: frames and what the program must do with them, for the test and for the benchmark.
 *
 * The configuration they assume is ingress_rows_config(): entry points web (TCP 80, any address),
 * dns (UDP 53, only 192.0.2.1 and 2001:db8::1) and open (TCP 81, without a policy), and a policy
 * with lists and limits for the first two.
 */

#include <netinet/in.h>
#include <stdbool.h>

#include "abi.h"
#include "check.h"
#include "packet.h"
#include "plan/kernel_config.h"

enum { ROW_HOP = 255 /* hop-by-hop, whose number is 0 */ };

struct ingress_row {
	const char *name;
	struct packet_spec spec;
	bool is_drop;
	int why; /* enum abi_pass or abi_drop */
};

#define ROW_PASS(reason) .is_drop = false, .why = ABI_PASS_##reason
#define ROW_DROP(reason) .is_drop = true, .why = ABI_DROP_##reason
#define ROW_V6		 .source = "2001:db8:5::7"

static const struct ingress_row ingress_rows[] = {
	{"TCP over IPv4 to an entry point", {0}, ROW_PASS(ADMITTED)},
	{"TCP over IPv6 to an entry point", {ROW_V6}, ROW_PASS(ADMITTED)},
	{"a SYN", {.tcp_flags = PACKET_SYN}, ROW_PASS(ADMITTED)},
	{"a SYN over IPv6", {ROW_V6, .tcp_flags = PACKET_SYN}, ROW_PASS(ADMITTED)},
	{"one VLAN tag", {.n_vlans = 1}, ROW_PASS(ADMITTED)},
	{"QinQ", {.n_vlans = 2, .vlan_type = 0x88a8}, ROW_PASS(ADMITTED)},
	{"QinQ over IPv6", {ROW_V6, .n_vlans = 2, .vlan_type = 0x88a8}, ROW_PASS(ADMITTED)},
	{"three tags are not looked into", {.n_vlans = 3}, ROW_PASS(NOT_IP)},
	{"ARP", {.ether_type = 0x0806}, ROW_PASS(NOT_IP)},
	{"IPv4 options", {.option_words = 3}, ROW_PASS(ADMITTED)},
	{"all the IPv4 options there can be", {.option_words = 10}, ROW_PASS(ADMITTED)},
	{"options behind a VLAN tag", {.n_vlans = 1, .option_words = 2}, ROW_PASS(ADMITTED)},
	{"padded to the least frame", {.frame_bytes = 60}, ROW_PASS(ADMITTED)},
	{"a frame of several buffers", {.payload_bytes = 8000}, ROW_PASS(ADMITTED)},
	{"UDP to an entry point", {.proto = IPPROTO_UDP, .dest_port = 53}, ROW_PASS(ADMITTED)},
	{"UDP over IPv6", {ROW_V6, .proto = IPPROTO_UDP, .dest_port = 53}, ROW_PASS(ADMITTED)},
	{"the entry point's port at another address",
	 {.proto = IPPROTO_UDP, .dest_port = 53, .dest = "192.0.2.2"},
	 ROW_PASS(NO_ENTRY)},
	{"an entry point without a policy",
	 {.dest_port = 81, .source = "203.0.113.9"},
	 ROW_PASS(ADMITTED)},
	{"UDP to a TCP entry point", {.proto = IPPROTO_UDP, .dest_port = 80}, ROW_PASS(NO_ENTRY)},
	{"TCP to a UDP entry point", {.dest_port = 53}, ROW_PASS(NO_ENTRY)},
	{"SSH of a denied source passes",
	 {.dest_port = 22, .source = "203.0.113.9"},
	 ROW_PASS(NO_ENTRY)},
	{"a ping", {.proto = IPPROTO_ICMP}, ROW_PASS(OTHER_PROTO)},
	{"a ping over IPv6", {ROW_V6, .proto = IPPROTO_ICMPV6}, ROW_PASS(OTHER_PROTO)},
	{"SCTP", {.proto = IPPROTO_SCTP}, ROW_PASS(OTHER_PROTO)},
	{"hop-by-hop options", {ROW_V6, .exts = {ROW_HOP}}, ROW_PASS(ADMITTED)},
	{"long destination options", {ROW_V6, .exts = {60}, .ext_units = 20}, ROW_PASS(ADMITTED)},
	{"hop-by-hop, routing, destination",
	 {ROW_V6, .exts = {ROW_HOP, 43, 60}},
	 ROW_PASS(ADMITTED)},
	{"an authentication header", {ROW_V6, .exts = {51}}, ROW_PASS(ADMITTED)},
	{"six extension headers",
	 {ROW_V6, .exts = {ROW_HOP, 60, 43, 51, 60, 60}},
	 ROW_PASS(ADMITTED)},
	{"seven are too many",
	 {ROW_V6, .exts = {ROW_HOP, 60, 43, 51, 60, 60, 60}},
	 ROW_DROP(EXT_HEADERS)},
	{"an encrypted packet", {ROW_V6, .proto = 50}, ROW_PASS(OTHER_PROTO)},
	{"no next header", {ROW_V6, .proto = 59}, ROW_PASS(OTHER_PROTO)},
	{"a first fragment", {.more_fragments = 1, .payload_bytes = 100}, ROW_PASS(ADMITTED)},
	{"a later fragment", {.fragment_offset = 20, .payload_bytes = 64}, ROW_PASS(FRAGMENT)},
	{"a first fragment over IPv6",
	 {ROW_V6, .exts = {44}, .more_fragments = 1, .payload_bytes = 100},
	 ROW_PASS(ADMITTED)},
	{"a later fragment over IPv6",
	 {ROW_V6, .exts = {44}, .fragment_offset = 20, .payload_bytes = 64},
	 ROW_PASS(FRAGMENT)},
	{"an atomic fragment over IPv6", {ROW_V6, .exts = {44}}, ROW_PASS(ADMITTED)},
	{"a denied source's first fragment",
	 {.source = "203.0.113.9", .more_fragments = 1, .payload_bytes = 100},
	 ROW_DROP(DENIED)},
	{"a first fragment without its ports",
	 {.more_fragments = 1, .say_length = 24},
	 ROW_DROP(TINY_FRAGMENT)},
	{"the same over IPv6",
	 {ROW_V6, .exts = {44}, .more_fragments = 1, .say_length = 16},
	 ROW_DROP(TINY_FRAGMENT)},
	{"IP version 5", {.say_version = 5}, ROW_DROP(MALFORMED)},
	{"IPv6 of version 4", {ROW_V6, .say_version = 4}, ROW_DROP(MALFORMED)},
	{"a header of four words", {.say_ihl = 4}, ROW_DROP(MALFORMED)},
	{"a header longer than the packet", {.say_ihl = 15, .say_length = 40}, ROW_DROP(MALFORMED)},
	{"a total length within the header", {.say_length = 19}, ROW_DROP(MALFORMED)},
	{"a total length beyond the frame", {.say_length = 1000}, ROW_DROP(MALFORMED)},
	{"an IPv6 length beyond the frame", {ROW_V6, .say_length = 1000}, ROW_DROP(MALFORMED)},
	{"a total length that cuts TCP",
	 {.say_length = 39, .frame_bytes = 60},
	 ROW_DROP(MALFORMED)},
	{"a TCP header of four words", {.say_doff = 4}, ROW_DROP(MALFORMED)},
	{"a TCP header beyond the packet", {.say_doff = 15}, ROW_DROP(MALFORMED)},
	{"an extension header beyond the packet",
	 {ROW_V6, .exts = {60}, .say_length = 4},
	 ROW_DROP(MALFORMED)},
	{"an IPv4-mapped source over IPv6", {.source = "::ffff:198.51.100.7"}, ROW_DROP(MALFORMED)},
	{"a denied network", {.source = "203.0.113.9"}, ROW_DROP(DENIED)},
	{"a denied host in an allowed network", {.source = "10.1.0.66"}, ROW_DROP(DENIED)},
	{"an allowed network in a denied one", {.source = "203.0.113.129"}, ROW_PASS(TRUSTED)},
	{"an allowed network", {.source = "10.200.3.4"}, ROW_PASS(TRUSTED)},
	{"a neighbour of a denied network", {.source = "203.0.114.9"}, ROW_PASS(ADMITTED)},
	{"a denied network over IPv6", {.source = "2001:db8:bad::1"}, ROW_DROP(DENIED)},
	{"an allowed host in it", {.source = "2001:db8:bad::600d"}, ROW_PASS(TRUSTED)},
	{"a neighbour of it", {.source = "2001:db8:bae::1"}, ROW_PASS(ADMITTED)},
	{"a denied source to another protocol's entry point",
	 {.source = "203.0.113.9", .proto = IPPROTO_UDP, .dest_port = 53},
	 ROW_DROP(DENIED)},
};

static inline void ingress_rows_cidr(struct kernel_config *config, struct kernel_policy *policy,
				     const char *text, enum kernel_action action)
{
	struct cidr cidr;

	assert_int_equal(cidr_parse(str_of(text), &cidr), 0);
	assert_true(kernel_policy_add(config, policy, &cidr, action));
}

static inline void ingress_rows_entry(struct kernel_config *config, const char *name,
				      const char *addr, uint16_t port, uint8_t proto,
				      const struct kernel_policy *policy)
{
	struct addr parsed = {0};

	if (addr)
		assert_int_equal(addr_parse(str_of(addr), &parsed), 0);
	assert_true(kernel_config_add(config, str_of(name), &parsed, port, proto, policy));
}

/* Without limits; the policy is called "edge". */
static inline struct kernel_config *ingress_rows_config(struct arena *arena)
{
	struct kernel_config *config = kernel_config_new(arena);
	struct kernel_policy *edge = kernel_config_policy(config, STR("edge"));

	ingress_rows_cidr(config, edge, "203.0.113.0/24", KERNEL_DENY);
	ingress_rows_cidr(config, edge, "203.0.113.128/25", KERNEL_ALLOW);
	ingress_rows_cidr(config, edge, "10.0.0.0/8", KERNEL_ALLOW);
	ingress_rows_cidr(config, edge, "10.1.0.66", KERNEL_DENY);
	ingress_rows_cidr(config, edge, "2001:db8:bad::/48", KERNEL_DENY);
	ingress_rows_cidr(config, edge, "2001:db8:bad::600d", KERNEL_ALLOW);
	ingress_rows_entry(config, "web", NULL, 80, IPPROTO_TCP, edge);
	ingress_rows_entry(config, "dns", "192.0.2.1", 53, IPPROTO_UDP, edge);
	ingress_rows_entry(config, "dns6", "2001:db8::1", 53, IPPROTO_UDP, edge);
	ingress_rows_entry(config, "open", NULL, 81, IPPROTO_TCP, NULL);
	return config;
}

#endif
