// SPDX-License-Identifier: Apache-2.0
/* proxy_protocol: strict: a sender that we trust with addresses has no reason to be sloppy. */

#include "net/proxy_protocol.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/num.h"

enum {
	V2_HEAD_BYTES = 16,
	V2_LOCAL = 0x20,
	V2_PROXY = 0x21,
	V2_TCP4 = 0x11,
	V2_TCP6 = 0x21,
	V2_TCP4_BYTES = 12,
	V2_TCP6_BYTES = 36,
};

static const struct str V1_BEGIN = {"PROXY ", 6};
static const struct str V2_BEGIN = {"\r\n\r\n\0\r\nQUIT\n", 12};

/* Whether input begins with prefix, or could when more of it comes. */
static bool may_begin(struct str input, struct str prefix)
{
	size_t n = input.len < prefix.len ? input.len : prefix.len;

	return memcmp(input.at, prefix.at, n) == 0;
}

static uint16_t be16(const char *at)
{
	return (uint16_t)((unsigned char)at[0] << 8 | (unsigned char)at[1]);
}

static bool parse_v1_addrs(struct str line, bool v4, struct proxy_header *ret_header)
{
	struct proxy_header header = {.has_addrs = true};
	struct str source, destination, source_port, destination_port;

	if (!str_next(&line, ' ', &source) || !str_next(&line, ' ', &destination) ||
	    !str_next(&line, ' ', &source_port) || !str_next(&line, ' ', &destination_port) ||
	    line.at)
		return false;
	/* A mapped address in TCP6 would be another spelling of TCP4: refused. */
	if (addr_parse(source, &header.source) < 0 || addr_is_v4(&header.source) != v4 ||
	    addr_parse(destination, &header.destination) < 0 ||
	    addr_is_v4(&header.destination) != v4 ||
	    num_uint16(source_port, &header.source_port) < 0 ||
	    num_uint16(destination_port, &header.destination_port) < 0)
		return false;
	*ret_header = header;
	return true;
}

static ssize_t parse_v1(struct str input, struct proxy_header *ret_header)
{
	struct str window = str_take(input, PROXY_PROTOCOL_V1_MAX_BYTES);
	ptrdiff_t end = str_search(window, STR("\r\n"));
	struct str line;

	if (end < 0)
		return window.len < PROXY_PROTOCOL_V1_MAX_BYTES ? -EAGAIN : -EBADMSG;
	line = str_from(str_take(window, (size_t)end), V1_BEGIN.len);
	if (str_eq(line, STR("UNKNOWN")) || str_starts(line, STR("UNKNOWN "))) {
		*ret_header = (struct proxy_header){0};
		return end + 2;
	}
	if (!(str_starts(line, STR("TCP4 ")) &&
	      parse_v1_addrs(str_from(line, 5), true, ret_header)) &&
	    !(str_starts(line, STR("TCP6 ")) &&
	      parse_v1_addrs(str_from(line, 5), false, ret_header)))
		return -EBADMSG;
	return end + 2;
}

static struct addr v2_addr(const char *at, bool v4)
{
	if (v4) {
		struct in_addr in;

		memcpy(&in, at, sizeof(in));
		return addr_from_in4(in);
	}
	struct in6_addr in6;

	memcpy(&in6, at, sizeof(in6));
	return addr_from_in6(&in6);
}

static ssize_t parse_v2(struct str input, struct proxy_header *ret_header)
{
	struct proxy_header header = {0};

	if (input.len < V2_HEAD_BYTES)
		return -EAGAIN;
	unsigned char command = (unsigned char)input.at[12], family = (unsigned char)input.at[13];
	size_t len = be16(input.at + 14);

	if (command != V2_LOCAL && command != V2_PROXY)
		return -EBADMSG;
	if (len > PROXY_PROTOCOL_MAX_BYTES - V2_HEAD_BYTES)
		return -EBADMSG;
	bool v4 = family == V2_TCP4, v6 = family == V2_TCP6;

	if (command == V2_PROXY && (v4 || v6)) {
		const char *at = input.at + V2_HEAD_BYTES;
		size_t addr_bytes = v4 ? 4 : 16;

		if (len < (size_t)(v4 ? V2_TCP4_BYTES : V2_TCP6_BYTES))
			return -EBADMSG;
		if (input.len < V2_HEAD_BYTES + len)
			return -EAGAIN;
		header.has_addrs = true;
		header.source = v2_addr(at, v4);
		header.destination = v2_addr(at + addr_bytes, v4);
		header.source_port = be16(at + 2 * addr_bytes);
		header.destination_port = be16(at + 2 * addr_bytes + 2);
	}
	/* What follows the addresses (TLVs) is skipped; other families say nothing to us. */
	if (input.len < V2_HEAD_BYTES + len)
		return -EAGAIN;
	*ret_header = header;
	return (ssize_t)(V2_HEAD_BYTES + len);
}

ssize_t proxy_protocol_parse(struct str input, struct proxy_header *ret_header)
{
	if (may_begin(input, V1_BEGIN))
		return input.len < V1_BEGIN.len ? -EAGAIN : parse_v1(input, ret_header);
	if (may_begin(input, V2_BEGIN))
		return input.len < V2_BEGIN.len ? -EAGAIN : parse_v2(input, ret_header);
	return 0;
}

static size_t write_v1(const struct proxy_header *header, bool is_known, char *out)
{
	char source[ADDR_TEXT_MAX], destination[ADDR_TEXT_MAX];

	if (!is_known)
		return (size_t)snprintf(out, PROXY_PROTOCOL_V1_MAX_BYTES, "PROXY UNKNOWN\r\n");
	addr_print(&header->source, source);
	addr_print(&header->destination, destination);
	return (size_t)snprintf(out, PROXY_PROTOCOL_V1_MAX_BYTES, "PROXY TCP%d %s %s %u %u\r\n",
				addr_is_v4(&header->source) ? 4 : 6, source, destination,
				header->source_port, header->destination_port);
}

static char *put_be16(char *at, uint16_t value)
{
	*at++ = (char)(value >> 8);
	*at++ = (char)value;
	return at;
}

static size_t write_v2(const struct proxy_header *header, bool is_known, char *out)
{
	bool v4 = addr_is_v4(&header->source);
	size_t skip = v4 ? 12 : 0, n = sizeof(header->source.byte) - skip;
	char *at = mempcpy(out, V2_BEGIN.at, V2_BEGIN.len);

	*at++ = is_known ? V2_PROXY : V2_LOCAL;
	*at++ = !is_known ? 0 : v4 ? V2_TCP4 : V2_TCP6;
	at = put_be16(at, !is_known ? 0 : v4 ? V2_TCP4_BYTES : V2_TCP6_BYTES);
	if (!is_known)
		return (size_t)(at - out);
	at = mempcpy(at, header->source.byte + skip, n);
	at = mempcpy(at, header->destination.byte + skip, n);
	at = put_be16(at, header->source_port);
	at = put_be16(at, header->destination_port);
	return (size_t)(at - out);
}

size_t proxy_protocol_write(const struct proxy_header *header, uint8_t version,
			    char out[PROXY_PROTOCOL_V1_MAX_BYTES])
{
	bool is_known = header->has_addrs &&
			addr_is_v4(&header->source) == addr_is_v4(&header->destination);

	return version == 1 ? write_v1(header, is_known, out) : write_v2(header, is_known, out);
}
