// SPDX-License-Identifier: Apache-2.0
/*
 * names: internal names and sticky values.
 *
 * Traefik keeps every Unicode letter and number; object names of Kubernetes are ASCII (RFC 1123),
 * so here every byte above 127 counts as part of a letter.
 */

#include "plan/names.h"

#include <inttypes.h>

#include "base/codec.h"
#include "base/hash.h"

static bool is_alnum(char c)
{
	char lower = ascii_lower(c);

	return (lower >= 'a' && lower <= 'z') || (c >= '0' && c <= '9') || (c & 0x80);
}

struct str names_normalize(struct str text, struct arena *arena)
{
	char *out = arena_alloc(arena, text.len + 1, 1);
	size_t n = 0;

	if (!out)
		return (struct str){0};
	for (size_t i = 0; i < text.len; i++) {
		if (!is_alnum(text.at[i]))
			continue;
		if (n && !is_alnum(text.at[i - 1]))
			out[n++] = '-';
		out[n++] = text.at[i];
	}
	out[n] = 0;
	return str_n(out, n);
}

struct str names_object(struct str namespace_, struct str name, struct arena *arena)
{
	return names_normalize(
		arena_printf(arena, STR_FMT "-" STR_FMT, STR_ARG(namespace_), STR_ARG(name)),
		arena);
}

struct str names_router(struct str namespace_, struct str name, struct str match,
			struct arena *arena)
{
	unsigned char digest[32];
	char hex[21];

	hash_sha256(match, digest);
	codec_hex(digest, 10, hex);
	return names_normalize(arena_printf(arena, STR_FMT "-" STR_FMT "-%s", STR_ARG(namespace_),
					    STR_ARG(name), hex),
			       arena);
}

struct str names_child(struct str namespace_, struct str service, struct str port,
		       struct arena *arena)
{
	return names_normalize(arena_printf(arena, STR_FMT "-" STR_FMT "-" STR_FMT,
					    STR_ARG(namespace_), STR_ARG(service), STR_ARG(port)),
			       arena);
}

struct str names_join(struct str name, struct str suffix, struct arena *arena)
{
	return arena_printf(arena, STR_FMT STR_FMT, STR_ARG(name), STR_ARG(suffix));
}

struct str names_cookie(struct str qualified_service, struct arena *arena)
{
	unsigned char digest[20];
	char hex[41];

	hash_sha1(names_join(STR("_TRAEFIK_BACKEND_"), qualified_service, arena), digest);
	codec_hex(digest, 20, hex);
	return arena_printf(arena, "_%.5s", hex);
}

struct str names_cookie_clean(struct str name, struct arena *arena)
{
	struct str clean = arena_str(arena, name);

	for (size_t i = 0; i < clean.len; i++)
		if ((clean.at[i] & 0x80) ||
		    (!is_alnum(clean.at[i]) && str_find(STR("!#$%&'*+-.^`|~"), clean.at[i]) < 0))
			((char *)clean.at)[i] = '_';
	return clean;
}

static struct str fnv_hex(struct str text, struct arena *arena)
{
	return arena_printf(arena, "%" PRIx64, hash_fnv1a64(text));
}

void names_sticky_values(struct str name, struct arena *arena,
			 struct str ret_values[NAMES_STICKY_VALUES])
{
	unsigned char digest[32];
	char hex[17];

	hash_sha256(name, digest);
	codec_hex(digest, 8, hex);
	ret_values[0] = arena_str(arena, str_of(hex));
	ret_values[1] = name;
	ret_values[2] = fnv_hex(name, arena);
	ret_values[3] = fnv_hex(ret_values[2], arena);
}
