// SPDX-License-Identifier: Apache-2.0
/* owned_header: see the header. */

#include "mw/owned_header.h"

#include "http/header.h"

bool owned_header_is_alias(struct str a, struct str b)
{
	if (a.len != b.len)
		return false;
	for (size_t i = 0; i < a.len; i++) {
		char x = a.at[i] == '_' ? '-' : ascii_lower(a.at[i]);
		char y = b.at[i] == '_' ? '-' : ascii_lower(b.at[i]);

		if (x != y)
			return false;
	}
	return true;
}

void owned_header_drop(struct headers *headers, struct str name)
{
	bool is_known = false;

	if (name.len == 0)
		return;
	for (size_t i = 0; i < headers->n; i++)
		if (owned_header_is_alias(headers->at[i].name, name))
			is_known = headers->at[i].gone = true;
	/* What is gone keeps its name: trailers are held against it (proxy/stream.c). */
	if (is_known)
		return;
	uint16_t n = headers->n;

	header_add(headers, name, STR(""));
	if (headers->n > n)
		headers->at[n].gone = true;
}

bool owned_header_is_framing(const struct header *header)
{
	switch (header->id) {
	case HEADER_CONNECTION:
	case HEADER_CONTENT_LENGTH:
	case HEADER_EXPECT:
	case HEADER_HOST:
	case HEADER_KEEP_ALIVE:
	case HEADER_PROXY_CONNECTION:
	case HEADER_TE:
	case HEADER_TRAILER:
	case HEADER_TRANSFER_ENCODING:
	case HEADER_UPGRADE:
		return true;
	default:
		/* Not the header's name, but written so by some (RFC 2616 13.5.1). */
		return str_eq_nocase(header->name, STR("Trailers"));
	}
}

struct str owned_header_canonical(struct str name, struct arena *arena)
{
	bool upper = true;

	if (!header_name_valid(name))
		return name;
	char *out = arena_alloc(arena, name.len, 1);

	if (!out)
		return (struct str){0};
	for (size_t i = 0; i < name.len; i++) {
		char c = ascii_lower(name.at[i]);

		out[i] = upper && c >= 'a' && c <= 'z' ? (char)(c - 32) : c;
		upper = c == '-';
	}
	return str_n(out, name.len);
}
