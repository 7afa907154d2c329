// SPDX-License-Identifier: Apache-2.0
/*
 * cache_key: parts joined by line feeds, which none of them can contain.
 */

#include "mw/cache_key.h"

#include "mw/owned_header.h"

static const enum header_id keyed[] = {
	HEADER_X_FORWARDED_HOST,   HEADER_X_FORWARDED_PORT,   HEADER_X_FORWARDED_PROTO,
	HEADER_X_FORWARDED_PREFIX, HEADER_X_FORWARDED_SCHEME, HEADER_X_SCHEME,
	HEADER_FORWARDED,
};

/* Services have been seen to obey these. */
static const struct str doubtful[] = {
#define NAME(text)                       \
	{                                \
		(text), sizeof(text) - 1 \
	}
	NAME("X-HTTP-Method-Override"),
	NAME("X-HTTP-Method"),
	NAME("X-Method-Override"),
	NAME("X-Original-URL"),
	NAME("X-Rewrite-URL"),
	NAME("X-Original-Host"),
	NAME("X-Host"),
	NAME("X-Forwarded-Uri"),
	NAME("X-Forwarded-Method"),
	NAME("X-Forwarded-Path"),
	NAME("X-Original-Uri"),
	NAME("X-Url-Scheme"),
	NAME("Front-End-Https"),
#undef NAME
};

static struct str join(struct arena *arena, struct str a, struct str b)
{
	return arena_join(arena, arena_join(arena, a, STR("\n")), b);
}

struct str cache_key_beside(const struct request *request, struct str path_query,
			    struct arena *arena)
{
	struct str key = request->is_tls ? STR("https") : STR("http");

	key = join(arena, key, arena_lower(arena, request->authority));
	key = join(arena, key, path_query);
	for (size_t i = 0; i < sizeof(keyed) / sizeof(*keyed); i++) {
		/* Present and empty is not absent, and every line counts: stripPrefix adds one for
		 * each prefix that it cut. */
		bool is_there = false;

		key = arena_join(arena, key, STR("\n"));
		for (uint16_t j = 0; j < request->headers.n; j++) {
			const struct header *header = &request->headers.at[j];

			if (header->gone || header->id != keyed[i])
				continue;
			key = arena_join(arena, key, is_there ? STR(",") : STR("="));
			key = arena_join(arena, key, header->value);
			is_there = true;
		}
	}
	return arena->failed ? (struct str){0} : key;
}

struct str cache_key_of(const struct request *request, struct arena *arena)
{
	struct str path = request->raw_path;

	if (request->has_query) {
		path = arena_join(arena, path, STR("?"));
		path = arena_join(arena, path, request->query);
	}
	return cache_key_beside(request, path, arena);
}

bool cache_key_is_doubtful(const struct request *request)
{
	for (uint16_t i = 0; i < request->headers.n; i++) {
		const struct header *header = &request->headers.at[i];

		char first = (char)(header->name.at[0] | 0x20);

		/* The first letter alone spares most of the comparisons. */
		if (header->gone || (first != 'x' && first != 'f'))
			continue;
		for (size_t j = 0; j < sizeof(doubtful) / sizeof(*doubtful); j++)
			if (owned_header_is_alias(header->name, doubtful[j]))
				return true;
	}
	return false;
}

/* Keeps the list sorted; a name that is there already is not added. */
static bool insert(struct str *names, size_t *n, struct str name)
{
	size_t at = 0;

	while (at < *n && str_cmp(names[at], name) < 0)
		at++;
	if (at < *n && str_eq(names[at], name))
		return true;
	if (*n == CACHE_KEY_VARY_MAX)
		return false;
	memmove(&names[at + 1], &names[at], (*n - at) * sizeof(*names));
	names[at] = name;
	(*n)++;
	return true;
}

bool cache_key_vary(const struct headers *response, struct arena *arena, struct str *ret_vary)
{
	struct str names[CACHE_KEY_VARY_MAX], name;
	size_t n = 0;

	*ret_vary = (struct str){0};
	for (uint16_t i = 0; i < response->n; i++) {
		struct str rest = response->at[i].value;

		if (response->at[i].gone || response->at[i].id != HEADER_VARY)
			continue;
		while (str_next(&rest, ',', &name)) {
			name = str_trim(name);
			if (name.len && !insert(names, &n, arena_lower(arena, name)))
				return false;
		}
	}
	for (size_t i = 0; i < n; i++) {
		if (i > 0)
			*ret_vary = arena_join(arena, *ret_vary, STR("\n"));
		*ret_vary = arena_join(arena, *ret_vary, names[i]);
	}
	return !arena->failed;
}

/* Blanks mean nothing in this one, and clients write it differently. */
static struct str squeezed(struct str value, struct arena *arena)
{
	char *at = arena_alloc(arena, value.len + 1, 1);
	size_t n = 0;

	if (!at)
		return (struct str){0};
	for (size_t i = 0; i < value.len; i++)
		if (value.at[i] != ' ' && value.at[i] != '\t')
			at[n++] = ascii_lower(value.at[i]);
	return str_n(at, n);
}

struct str cache_key_variant(struct str key, uint64_t id, struct str vary,
			     const struct headers *request, struct arena *arena)
{
	struct str rest = vary, name;

	key = join(arena, key, arena_printf(arena, "%llx", (unsigned long long)id));
	while (str_next(&rest, '\n', &name)) {
		enum header_id header_id = header_id_of(name);
		bool is_there = false;

		key = arena_join(arena, key, STR("\n"));
		for (uint16_t i = 0; i < request->n; i++) {
			const struct header *header = &request->at[i];
			struct str value = header->value;

			if (header->gone || !str_eq_nocase(header->name, name))
				continue;
			if (header_id == HEADER_ACCEPT_ENCODING)
				value = squeezed(value, arena);
			key = arena_join(arena, key, is_there ? STR(",") : STR("="));
			key = arena_join(arena, key, value);
			is_there = true;
		}
	}
	return arena->failed ? (struct str){0} : key;
}
