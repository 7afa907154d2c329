/* SPDX-License-Identifier: Apache-2.0 */
#ifndef ADDR_H
#define ADDR_H

/*
 * addr: IP addresses and CIDRs. IPv4 is kept as ::ffff:a.b.c.d, the same form as the kernel plane's
 * maps, so one comparison serves both families. Strict parsing: no leading zeros, no zone, no short
 * forms. Pure.
 */

#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/str.h"

struct addr {
	uint8_t byte[16]; /* network order */
};

struct cidr {
	struct addr addr; /* host bits cleared */
	uint8_t bits;	  /* 0..128 in the 16-byte form: an IPv4 /24 is 120 */
	bool is_v4;	  /* written as IPv4, or an IPv4-mapped address */
};

enum { ADDR_TEXT_MAX = 64 };

int addr_parse(struct str text, struct addr *ret_addr);
/*
 * "10.0.0.0/8", "2001:db8::/32", or a bare address (/32, /128). Host bits are allowed and cleared.
 */
int cidr_parse(struct str text, struct cidr *ret_cidr);
bool addr_is_v4(const struct addr *addr);
bool addr_eq(const struct addr *a, const struct addr *b);
bool cidr_contains(const struct cidr *cidr, const struct addr *addr);
/* Keeps the first bits (of the family's own length: v4_bits of 32, v6_bits of 128), clears the
 * rest. */
struct addr addr_mask(const struct addr *addr, uint8_t v4_bits, uint8_t v6_bits);
bool addr_is_loopback(const struct addr *addr);
bool addr_is_link_local(const struct addr *addr);
bool addr_is_unspecified(const struct addr *addr);
/* Text form without brackets; returns the length, NUL-terminated. */
size_t addr_print(const struct addr *addr, char ret_text[ADDR_TEXT_MAX]);
size_t cidr_print(const struct cidr *cidr, char ret_text[ADDR_TEXT_MAX]);
/* "1.2.3.4:80", "[::1]:80". */
size_t addr_print_port(const struct addr *addr, uint16_t port, char ret_text[ADDR_TEXT_MAX]);

struct addr addr_from_in4(struct in_addr in);
struct addr addr_from_in6(const struct in6_addr *in);
/* Fills a sockaddr for connect/bind; returns its length. IPv4-mapped becomes AF_INET. */
socklen_t addr_to_sockaddr(const struct addr *addr, uint16_t port, struct sockaddr_storage *ret_sa);
/* False when sa is not an IP socket address. ret_port may be NULL. */
bool addr_from_sockaddr(const struct sockaddr_storage *sa, struct addr *ret_addr,
			uint16_t *ret_port);

/* A set of CIDRs, sorted for lookups in O(log n). Arena- or heap-owned by whoever built it. */
struct cidr_set {
	struct cidr *at;
	size_t n;
};

/* Sorts and drops what a larger member contains: once, after the last member was added. */
void cidr_set_sort(struct cidr_set *set);
bool cidr_set_contains(const struct cidr_set *set, const struct addr *addr);

#endif
