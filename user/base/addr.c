// SPDX-License-Identifier: Apache-2.0
/* addr: inet_pton() does the strict parsing (it knows no short forms, leading zeros or zones). */

#include "base/addr.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/num.h"

enum { V4_AT = 12, V4_BITS_BEFORE = 96, BITS = 128 };

static const uint8_t v4_prefix[V4_AT] = {[10] = 0xff, [11] = 0xff};

int addr_parse(struct str text, struct addr *ret_addr)
{
	char copy[INET6_ADDRSTRLEN];
	struct in_addr in4;
	struct in6_addr in6;

	if (text.len == 0 || text.len >= sizeof(copy) || str_find(text, 0) >= 0)
		return -EINVAL;
	memcpy(copy, text.at, text.len);
	copy[text.len] = 0;
	if (inet_pton(AF_INET, copy, &in4) == 1)
		*ret_addr = addr_from_in4(in4);
	else if (inet_pton(AF_INET6, copy, &in6) == 1)
		*ret_addr = addr_from_in6(&in6);
	else
		return -EINVAL;
	return 0;
}

static struct addr keep_bits(const struct addr *addr, unsigned bits)
{
	struct addr masked = *addr;

	for (unsigned i = 0; i < sizeof(masked.byte); i++) {
		unsigned kept = bits > i * 8 ? bits - i * 8 : 0;

		masked.byte[i] &= kept >= 8 ? 0xff : (uint8_t)(0xff00 >> kept);
	}
	return masked;
}

int cidr_parse(struct str text, struct cidr *ret_cidr)
{
	ptrdiff_t slash = str_find(text, '/');
	struct str host = slash < 0 ? text : str_take(text, (size_t)slash);
	bool dotted = str_find(host, ':') < 0;
	uint64_t max = dotted ? 32 : BITS, bits = max;
	struct addr addr;

	if (addr_parse(host, &addr))
		return -EINVAL;
	if (slash >= 0) {
		struct str length = str_from(text, (size_t)slash + 1);

		if (num_uint64(length, &bits) || bits > max ||
		    (length.len > 1 && length.at[0] == '0'))
			return -EINVAL;
	}
	if (dotted)
		bits += V4_BITS_BEFORE;
	ret_cidr->addr = keep_bits(&addr, (unsigned)bits);
	ret_cidr->bits = (uint8_t)bits;
	ret_cidr->is_v4 = bits >= V4_BITS_BEFORE && addr_is_v4(&ret_cidr->addr);
	return 0;
}

bool addr_is_v4(const struct addr *addr)
{
	return memcmp(addr->byte, v4_prefix, sizeof(v4_prefix)) == 0;
}

bool addr_eq(const struct addr *a, const struct addr *b)
{
	return memcmp(a, b, sizeof(*a)) == 0;
}

bool cidr_contains(const struct cidr *cidr, const struct addr *addr)
{
	unsigned whole = cidr->bits / 8, part = cidr->bits % 8;

	if (memcmp(cidr->addr.byte, addr->byte, whole) != 0)
		return false;
	return part == 0 || ((cidr->addr.byte[whole] ^ addr->byte[whole]) >> (8 - part)) == 0;
}

struct addr addr_mask(const struct addr *addr, uint8_t v4_bits, uint8_t v6_bits)
{
	return keep_bits(addr, addr_is_v4(addr) ? V4_BITS_BEFORE + (unsigned)v4_bits : v6_bits);
}

bool addr_is_loopback(const struct addr *addr)
{
	static const struct addr one = {{[15] = 1}};

	return addr_is_v4(addr) ? addr->byte[V4_AT] == 127 : addr_eq(addr, &one);
}

bool addr_is_link_local(const struct addr *addr)
{
	if (addr_is_v4(addr))
		return addr->byte[V4_AT] == 169 && addr->byte[V4_AT + 1] == 254;
	return addr->byte[0] == 0xfe && (addr->byte[1] & 0xc0) == 0x80;
}

bool addr_is_unspecified(const struct addr *addr)
{
	static const struct addr zero;

	return addr_is_v4(addr) ? memcmp(addr->byte + V4_AT, zero.byte, 4) == 0
				: addr_eq(addr, &zero);
}

/* By hand: this is done for every request, and the C library formats with printf. */
static size_t print_v4(const uint8_t *byte, char *text)
{
	char *at = text;

	for (int i = 0; i < 4; i++) {
		unsigned int n = byte[i];

		if (n >= 100)
			*at++ = (char)('0' + n / 100);
		if (n >= 10)
			*at++ = (char)('0' + n / 10 % 10);
		*at++ = (char)('0' + n % 10);
		*at++ = i < 3 ? '.' : '\0';
	}
	return (size_t)(at - text) - 1;
}

size_t addr_print(const struct addr *addr, char ret_text[ADDR_TEXT_MAX])
{
	if (addr_is_v4(addr))
		return print_v4(addr->byte + V4_AT, ret_text);
	/* Cannot fail: the family is known and the room is enough. */
	inet_ntop(AF_INET6, addr->byte, ret_text, ADDR_TEXT_MAX);
	return strlen(ret_text);
}

size_t cidr_print(const struct cidr *cidr, char ret_text[ADDR_TEXT_MAX])
{
	size_t n = addr_print(&cidr->addr, ret_text);
	int more = snprintf(ret_text + n, ADDR_TEXT_MAX - n, "/%d",
			    cidr->is_v4 ? cidr->bits - V4_BITS_BEFORE : cidr->bits);

	return n + (size_t)more;
}

size_t addr_print_port(const struct addr *addr, uint16_t port, char ret_text[ADDR_TEXT_MAX])
{
	char host[ADDR_TEXT_MAX];

	addr_print(addr, host);
	return (size_t)snprintf(ret_text, ADDR_TEXT_MAX,
				addr_is_v4(addr) ? "%.45s:%u" : "[%.45s]:%u", host, port);
}

struct addr addr_from_in4(struct in_addr in)
{
	struct addr addr;

	memcpy(addr.byte, v4_prefix, sizeof(v4_prefix));
	memcpy(addr.byte + V4_AT, &in, sizeof(in));
	return addr;
}

struct addr addr_from_in6(const struct in6_addr *in)
{
	struct addr addr;

	memcpy(addr.byte, in, sizeof(addr.byte));
	return addr;
}

socklen_t addr_to_sockaddr(const struct addr *addr, uint16_t port, struct sockaddr_storage *ret_sa)
{
	memset(ret_sa, 0, sizeof(*ret_sa));
	if (addr_is_v4(addr)) {
		struct sockaddr_in *in4 = (struct sockaddr_in *)ret_sa;

		in4->sin_family = AF_INET;
		in4->sin_port = htons(port);
		memcpy(&in4->sin_addr, addr->byte + V4_AT, sizeof(in4->sin_addr));
		return sizeof(*in4);
	}
	struct sockaddr_in6 *in6 = (struct sockaddr_in6 *)ret_sa;

	in6->sin6_family = AF_INET6;
	in6->sin6_port = htons(port);
	memcpy(&in6->sin6_addr, addr->byte, sizeof(in6->sin6_addr));
	return sizeof(*in6);
}

bool addr_from_sockaddr(const struct sockaddr_storage *sa, struct addr *ret_addr,
			uint16_t *ret_port)
{
	const struct sockaddr_in *in4 = (const struct sockaddr_in *)sa;
	const struct sockaddr_in6 *in6 = (const struct sockaddr_in6 *)sa;

	if (sa->ss_family != AF_INET && sa->ss_family != AF_INET6)
		return false;
	*ret_addr = sa->ss_family == AF_INET ? addr_from_in4(in4->sin_addr)
					     : addr_from_in6(&in6->sin6_addr);
	if (ret_port)
		*ret_port = ntohs(sa->ss_family == AF_INET ? in4->sin_port : in6->sin6_port);
	return true;
}

/* By address, a larger network before those it contains. */
static int cidr_order(const void *left, const void *right)
{
	const struct cidr *a = left, *b = right;
	int order = memcmp(&a->addr, &b->addr, sizeof(a->addr));

	return order ? order : a->bits - b->bits;
}

void cidr_set_sort(struct cidr_set *set)
{
	size_t kept = 0;

	if (set->n)
		qsort(set->at, set->n, sizeof(*set->at), cidr_order);
	for (size_t i = 0; i < set->n; i++)
		if (kept == 0 || !cidr_contains(&set->at[kept - 1], &set->at[i].addr))
			set->at[kept++] = set->at[i];
	set->n = kept;
}

bool cidr_set_contains(const struct cidr_set *set, const struct addr *addr)
{
	size_t low = 0, high = set->n;

	/* Finds the last network that begins at or before addr: no other can contain it. */
	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (memcmp(&set->at[middle].addr, addr, sizeof(*addr)) <= 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low > 0 && cidr_contains(&set->at[low - 1], addr);
}
