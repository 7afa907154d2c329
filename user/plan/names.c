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
#include "model/file_format.h"

static bool is_alnum(char c)
{
	char lower = ascii_lower(c);

	return (lower >= 'a' && lower <= 'z') || (c >= '0' && c <= '9') || (c & 0x80);
}

/* The pieces one after the other, with a NUL behind. By hand: every route needs several, and printf
 * is slow. */
static struct str concat(const struct str *pieces, size_t n, struct arena *arena)
{
	size_t len = 0;
	char *text, *at;

	for (size_t i = 0; i < n; i++)
		len += pieces[i].len;
	text = at = arena_alloc(arena, len + 1, 1);
	if (!text)
		return (struct str){0};
	for (size_t i = 0; i < n; i++)
		if (pieces[i].len)
			at = mempcpy(at, pieces[i].at, pieces[i].len);
	*at = 0;
	return str_n(text, len);
}

/* In place: what comes out is never longer. */
static struct str normalize(struct str text)
{
	char *out = (char *)text.at;
	bool in_gap = false;
	size_t n = 0;

	for (size_t i = 0; i < text.len; i++) {
		if (!is_alnum(text.at[i])) {
			in_gap = n > 0;
			continue;
		}
		char c = text.at[i];

		if (in_gap)
			out[n++] = '-';
		in_gap = false;
		out[n++] = c;
	}
	if (out)
		out[n] = 0;
	return str_n(out, n);
}

struct str names_normalize(struct str text, struct arena *arena)
{
	return normalize(concat(&text, 1, arena));
}

struct str names_object(struct str namespace_, struct str name, struct arena *arena)
{
	struct str pieces[] = {namespace_, STR("-"), name};

	return normalize(concat(pieces, 3, arena));
}

bool names_are_of_file(struct str namespace_)
{
	return str_eq(namespace_, STR(FILE_NAMESPACE));
}

struct str names_qualified(struct str namespace_, struct str name, struct arena *arena)
{
	if (names_are_of_file(namespace_))
		return names_join(name, STR(NAMES_FILE), arena);
	return names_join(names_object(namespace_, name, arena), STR(NAMES_CRD), arena);
}

struct str names_rule_hash(struct str match, struct arena *arena)
{
	unsigned char digest[32];
	char hex[21];

	hash_sha256(match, digest);
	codec_hex(digest, 10, hex);
	return arena_str(arena, str_n(hex, 20));
}

struct str names_router(struct str namespace_, struct str name, struct str match,
			struct arena *arena)
{
	struct str pieces[] = {namespace_, STR("-"), name, STR("-"), names_rule_hash(match, arena)};

	return normalize(concat(pieces, 5, arena));
}

struct str names_child(struct str namespace_, struct str service, struct str port,
		       struct arena *arena)
{
	struct str pieces[] = {namespace_, STR("-"), service, STR("-"), port};

	return normalize(concat(pieces, 5, arena));
}

struct str names_join(struct str name, struct str suffix, struct arena *arena)
{
	struct str pieces[] = {name, suffix};

	return concat(pieces, 2, arena);
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

/* The hash, and the hash of that, in hexadecimal. */
static void old_values(struct str text, uint64_t (*hash)(struct str bytes), struct arena *arena,
		       struct str ret_values[2])
{
	ret_values[0] = arena_printf(arena, "%" PRIx64, hash(text));
	ret_values[1] = arena_printf(arena, "%" PRIx64, hash(ret_values[0]));
}

const struct str *names_sticky_values(struct str name, struct arena *arena)
{
	struct str *values = ARENA_ARRAY(arena, struct str, NAMES_STICKY_VALUES);
	unsigned char digest[32];
	char hex[17];

	if (!values)
		return NULL;
	hash_sha256(name, digest);
	codec_hex(digest, 8, hex);
	values[0] = arena_str(arena, str_of(hex));
	values[1] = name;
	/* a.1 says FNV-64, which is FNV-1; the more usual FNV-1a is taken as well. */
	old_values(name, hash_fnv1_64, arena, &values[2]);
	old_values(name, hash_fnv1a64, arena, &values[4]);
	return values;
}

int names_provider_rank(struct str name)
{
	static const struct str providers[] = {
		{"@kubernetescrd", 14}, {"@kubernetes", 11}, {"@file", 5}};
	int n = sizeof(providers) / sizeof(*providers);

	for (int i = 0; i < n; i++)
		if (str_ends(name, providers[i]))
			return i;
	return n;
}
