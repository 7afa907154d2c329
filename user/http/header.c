// SPDX-License-Identifier: Apache-2.0
/*
 * header: an array in arrival order. Deleting marks; nothing moves, so pointers to headers stay
 * good until the list grows.
 */

#include "http/header.h"

#include "http/h1_scan.h"

enum { FIRST_SLOTS = 32, MAX_SLOTS = 4096 };

bool header_room(struct headers *headers)
{
	if (headers->n < headers->cap)
		return true;
	if (!headers->arena)
		return false;

	size_t cap = headers->cap ? (size_t)headers->cap * 2 : FIRST_SLOTS;
	struct header *at = NULL;

	if (cap <= MAX_SLOTS)
		at = arena_alloc(headers->arena, cap * sizeof(*at), _Alignof(struct header));
	if (!at) {
		headers->arena->failed = true;
		return false;
	}
	if (headers->n)
		memcpy(at, headers->at, headers->n * sizeof(*at));
	headers->at = at;
	headers->cap = (uint16_t)cap;
	return true;
}

/* One way to say "this name", so that known and other names share the loops below. */
static bool is_named(const struct header *header, enum header_id id, struct str name)
{
	if (header->gone || header->id != id)
		return false;
	return id != HEADER_OTHER || str_eq_nocase(header->name, name);
}

static struct header *find_from(const struct headers *headers, size_t from, enum header_id id,
				struct str name)
{
	for (size_t i = from; i < headers->n; i++) {
		if (is_named(&headers->at[i], id, name))
			return &headers->at[i];
	}
	return NULL;
}

struct header *header_find(struct headers *headers, enum header_id id)
{
	return find_from(headers, 0, id, (struct str){0});
}

struct header *header_find_name(struct headers *headers, struct str name)
{
	return find_from(headers, 0, header_id_of(name), name);
}

struct header *header_next_same(struct headers *headers, const struct header *header)
{
	return find_from(headers, (size_t)(header - headers->at) + 1, (enum header_id)header->id,
			 header->name);
}

struct str header_value(const struct headers *headers, enum header_id id)
{
	const struct header *header = find_from(headers, 0, id, (struct str){0});

	if (!header)
		return (struct str){0};
	/* An empty value is told from none by its address. */
	return header->value.at ? header->value : STR("");
}

static void add(struct headers *headers, enum header_id id, struct str name, struct str value)
{
	if (header_room(headers))
		headers->at[headers->n++] =
			(struct header){.name = name, .value = value, .id = (uint16_t)id};
}

void header_add(struct headers *headers, struct str name, struct str value)
{
	add(headers, header_id_of(name), name, value);
}

void header_add_id(struct headers *headers, enum header_id id, struct str value)
{
	add(headers, id, header_name_of(id), value);
}

static void set(struct headers *headers, enum header_id id, struct str name, struct str value)
{
	struct header *first = find_from(headers, 0, id, name);

	if (!first) {
		add(headers, id, name, value);
		return;
	}
	for (size_t i = (size_t)(first - headers->at) + 1; i < headers->n; i++) {
		if (is_named(&headers->at[i], id, name))
			headers->at[i].gone = true;
	}
	first->name = name;
	first->value = value;
}

void header_set(struct headers *headers, struct str name, struct str value)
{
	set(headers, header_id_of(name), name, value);
}

void header_set_id(struct headers *headers, enum header_id id, struct str value)
{
	set(headers, id, header_name_of(id), value);
}

static void drop(struct headers *headers, enum header_id id, struct str name)
{
	for (size_t i = 0; i < headers->n; i++) {
		if (is_named(&headers->at[i], id, name))
			headers->at[i].gone = true;
	}
}

void header_remove(struct headers *headers, struct str name)
{
	drop(headers, header_id_of(name), name);
}

void header_remove_id(struct headers *headers, enum header_id id)
{
	drop(headers, id, (struct str){0});
}

struct str header_joined(struct headers *headers, enum header_id id)
{
	struct str joined = header_value(headers, id);
	struct header *header = header_find(headers, id);

	while (header && (header = header_next_same(headers, header))) {
		joined = arena_join(headers->arena, joined, STR(", "));
		joined = arena_join(headers->arena, joined, header->value);
	}
	return joined;
}

bool header_list_has(struct str value, struct str token)
{
	struct str piece;

	while (str_next(&value, ',', &piece)) {
		if (str_eq_nocase(str_trim(piece), token))
			return true;
	}
	return false;
}

/* A pair of double quotes around the value is not part of it, as in Go's reader. */
static struct str unquote(struct str value)
{
	if (value.len >= 2 && value.at[0] == '"' && value.at[value.len - 1] == '"')
		return str_n(value.at + 1, value.len - 2);
	return value;
}

struct str header_cookie(const struct headers *headers, struct str name)
{
	for (size_t i = 0; i < headers->n; i++) {
		struct str rest = headers->at[i].value, pair;

		if (!is_named(&headers->at[i], HEADER_COOKIE, (struct str){0}))
			continue;
		while (str_next(&rest, ';', &pair)) {
			pair = str_trim(pair);
			if (pair.len > name.len && pair.at[name.len] == '=' &&
			    str_starts(pair, name))
				return unquote(
					str_n(pair.at + name.len + 1, pair.len - name.len - 1));
		}
	}
	return (struct str){0};
}

bool header_name_valid(struct str name)
{
	return name.len > 0 &&
	       h1_scan_while(name.at, name.at + name.len, H1_SCAN_TOKEN) == name.at + name.len;
}

bool header_value_valid(struct str value)
{
	return value.len == 0 ||
	       h1_scan_value(value.at, value.at + value.len) == value.at + value.len;
}

struct str header_quoted(struct str text, struct arena *arena)
{
	char *out = arena_alloc(arena, 2 * text.len + 2, 1);
	size_t n = 0;

	if (!out)
		return (struct str){0};
	out[n++] = '"';
	for (size_t i = 0; i < text.len; i++) {
		if (text.at[i] == '"' || text.at[i] == '\\')
			out[n++] = '\\';
		out[n++] = text.at[i];
	}
	out[n++] = '"';
	return str_n(out, n);
}
