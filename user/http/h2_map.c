// SPDX-License-Identifier: Apache-2.0
/* h2_map: see the header. */

#include "http/h2_map.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "http/header.h"

/* RFC 9113 8.2.2, and Host, which is :authority there (8.3.1). */
static bool is_hop(const struct header *header)
{
	switch (header->id) {
	case HEADER_CONNECTION:
	case HEADER_KEEP_ALIVE:
	case HEADER_PROXY_CONNECTION:
	case HEADER_TRANSFER_ENCODING:
	case HEADER_UPGRADE:
	case HEADER_HOST:
		return true;
	case HEADER_TE:
		return !str_eq_nocase(header->value, STR("trailers"));
	default:
		return false;
	}
}

static struct str lower(struct str name, struct arena *arena)
{
	char *copy = arena_zero(arena, 1, name.len + 1);

	if (!copy)
		return (struct str){0};
	for (size_t i = 0; i < name.len; i++)
		copy[i] = ascii_lower(name.at[i]);
	return str_n(copy, name.len);
}

static ssize_t add_fields(const struct headers *headers, struct arena *arena, struct h2_field *at,
			  size_t n)
{
	for (uint16_t i = 0; i < headers->n; i++) {
		const struct header *header = &headers->at[i];
		struct str name;

		if (header->gone || is_hop(header))
			continue;
		name = lower(header->name, arena);
		if (!name.at)
			return -ENOMEM;
		at[n++] = (struct h2_field){name, header->value};
	}
	return (ssize_t)n;
}

ssize_t h2_map_request(const struct request *request, struct str scheme, struct h2_field *at)
{
	size_t n = 0;

	at[n++] = (struct h2_field){STR(":method"), request->method};
	at[n++] = (struct h2_field){STR(":scheme"), scheme};
	at[n++] = (struct h2_field){STR(":authority"), request->authority};
	at[n++] = (struct h2_field){STR(":path"), request->target};
	return add_fields(&request->headers, request->arena, at, n);
}

ssize_t h2_map_trailers(const struct headers *headers, struct arena *arena, struct h2_field *at)
{
	return add_fields(headers, arena, at, 0);
}

size_t h2_map_status_line(uint16_t status, char *out, size_t cap)
{
	return (size_t)snprintf(out, cap, "HTTP/1.1 %03u \r\n", status);
}

ssize_t h2_map_field(struct str name, struct str value, char *out, size_t cap)
{
	struct header header = {.name = name, .value = value, .id = header_id_of(name)};
	bool upper = true;

	if (!name.len || name.at[0] == ':' || is_hop(&header))
		return 0;
	if (name.len > H2_MAP_NAME_MAX || name.len + value.len + 4 > cap)
		return -ENOSPC;
	/* As Go spells names that came in lower case. */
	for (size_t i = 0; i < name.len; i++) {
		char c = name.at[i];

		out[i] = upper && c >= 'a' && c <= 'z' ? (char)(c - 'a' + 'A') : c;
		upper = c == '-';
	}
	out += name.len;
	out = mempcpy(out, ": ", 2);
	if (value.len)
		out = mempcpy(out, value.at, value.len);
	memcpy(out, "\r\n", 2);
	return (ssize_t)(name.len + value.len + 4);
}
