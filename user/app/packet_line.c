// SPDX-License-Identifier: Apache-2.0
/* packet_line: see the header. */
#include "app/packet_line.h"

#include <arpa/inet.h>
#include <linux/if_ether.h>
#include <linux/ip.h>
#include <linux/ipv6.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"

enum { VLAN_BYTES = 4, VLANS_MAX = 2, WORDS_PER_IHL = 4 };

static uint16_t read16(const uint8_t *at)
{
	return (uint16_t)(at[0] << 8 | at[1]);
}

static bool read_ports(const uint8_t *at, size_t left, struct packet_ends *ends)
{
	if ((ends->proto == IPPROTO_TCP || ends->proto == IPPROTO_UDP) && left >= 4) {
		ends->source_port = read16(at);
		ends->dest_port = read16(at + 2);
	}
	ends->is_ip = true;
	return true;
}

static bool read_ipv4(const uint8_t *at, size_t left, struct packet_ends *ends)
{
	struct iphdr head;

	if (left < sizeof(head))
		return false;
	memcpy(&head, at, sizeof(head));
	ends->source = addr_from_in4((struct in_addr){head.saddr});
	ends->dest = addr_from_in4((struct in_addr){head.daddr});
	ends->proto = head.protocol;
	size_t skip = (size_t)head.ihl * WORDS_PER_IHL;

	/* Later fragments have no ports. */
	if (ntohs(head.frag_off) & 0x1fff || left < skip)
		skip = left;
	return read_ports(at + skip, left - skip, ends);
}

static bool read_ipv6(const uint8_t *at, size_t left, struct packet_ends *ends)
{
	struct ipv6hdr head;

	if (left < sizeof(head))
		return false;
	memcpy(&head, at, sizeof(head));
	ends->source = addr_from_in6(&head.saddr);
	ends->dest = addr_from_in6(&head.daddr);
	ends->proto = head.nexthdr;
	return read_ports(at + sizeof(head), left - sizeof(head), ends);
}

bool packet_ends(const uint8_t *frame, size_t n, struct packet_ends *ret_ends)
{
	size_t at = ETH_HLEN;

	*ret_ends = (struct packet_ends){0};
	if (n < at)
		return false;
	uint16_t type = read16(frame + 12);

	for (int i = 0; i < VLANS_MAX && (type == ETH_P_8021Q || type == ETH_P_8021AD); i++) {
		if (n < at + VLAN_BYTES)
			return false;
		type = read16(frame + at + 2);
		at += VLAN_BYTES;
	}
	if (type == ETH_P_IP)
		return read_ipv4(frame + at, n - at, ret_ends);
	return type == ETH_P_IPV6 && read_ipv6(frame + at, n - at, ret_ends);
}

static const char *proto_word(uint8_t proto, char room[8])
{
	switch (proto) {
	case IPPROTO_TCP:
		return "TCP";
	case IPPROTO_UDP:
		return "UDP";
	case IPPROTO_ICMP:
		return "ICMP";
	case IPPROTO_ICMPV6:
		return "ICMPv6";
	default:
		snprintf(room, 8, "IP/%u", proto);
		return room;
	}
}

/* ICMP has no ports, and later fragments do not bear theirs. */
static void print_end(const struct addr *addr, uint16_t port, char ret_text[ADDR_TEXT_MAX])
{
	if (port)
		addr_print_port(addr, port, ret_text);
	else
		addr_print(addr, ret_text);
}

void packet_line_whose(const struct dataplane_seen *seen, char *ret_text, size_t size)
{
	/* Names of entry points have no slash, those of objects have one. */
	const char *kind = strchr(seen->entry, '/') ? ", virtual address " : ", entry point ";

	snprintf(ret_text, size, "%s%s%s%s%s%s%s%s", *seen->entry ? kind : "", seen->entry,
		 *seen->policy ? ", policy " : "", seen->policy, *seen->object ? " of " : "",
		 seen->object, *seen->rule ? ", rule " : "", seen->rule);
}

void packet_line(const struct dataplane_seen *seen, char *ret_line, size_t size)
{
	static const char *const words[] = {[ABI_CAPTURE_PASSED] = "passed",
					    [ABI_CAPTURE_DROPPED] = "dropped",
					    [ABI_CAPTURE_SENT] = "sent"};
	char source[ADDR_TEXT_MAX] = "-", dest[ADDR_TEXT_MAX] = "-", hour[16], room[8];
	char whose[512];
	time_t seconds = (time_t)(seen->wall_ns / NS_PER_SEC);
	struct packet_ends ends;
	struct tm parts;

	localtime_r(&seconds, &parts);
	strftime(hour, sizeof(hour), "%T", &parts);
	if (packet_ends(seen->data, seen->length, &ends)) {
		print_end(&ends.source, ends.source_port, source);
		print_end(&ends.dest, ends.dest_port, dest);
	}
	packet_line_whose(seen, whose, sizeof(whose));
	snprintf(ret_line, size, "%s.%06u %-7s %-16s %s > %s %s %u bytes%s", hour,
		 (unsigned)(seen->wall_ns % NS_PER_SEC / NS_PER_US), words[seen->verdict],
		 dataplane_capture_label(seen), source, dest,
		 ends.is_ip ? proto_word(ends.proto, room) : "not IP", seen->bytes, whose);
}
