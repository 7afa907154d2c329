// SPDX-License-Identifier: Apache-2.0
/*
 * secret_object: the field table of v1 Secret, and the decoding of its data.
 *
 * No value, nor any piece of one, gets into a message.
 */
#include "model/secret_object.h"

#include <stdlib.h>

#include "base/codec.h"

static const struct field object_fields[] = {
	FIELD(struct secret, type, .name = "type", .preset = "Opaque",
	      .doc = "Type of the Secret."),
	FIELD(struct secret, data, .name = "data", .secret = true,
	      .doc = "Values by key, in base64."),
	FIELD(struct secret, string_data, .name = "stringData", .secret = true,
	      .doc = "Values by key, as they are; they override data."),
};

const struct schema schema_secret = {
	.name = "Secret",
	.doc = "A Kubernetes Secret.",
	.size = sizeof(struct secret),
	SCHEMA_FIELDS(object_fields),
	.flags = SCHEMA_LENIENT,
};

struct str secret_get(const struct secret *secret, struct str key)
{
	for (size_t i = 0; i < secret->data.n; i++)
		if (str_eq(secret->data.at[i].key, key))
			return secret->data.at[i].value;
	return (struct str){0};
}

static void put(struct str_map *map, struct str_pair pair)
{
	for (size_t i = 0; i < map->n; i++) {
		if (str_eq(map->at[i].key, pair.key)) {
			map->at[i].value = pair.value;
			return;
		}
	}
	map->at[map->n++] = pair;
}

static int compare_pairs(const void *a, const void *b)
{
	return str_cmp(((const struct str_pair *)a)->key, ((const struct str_pair *)b)->key);
}

/* base64 in YAML is often folded over lines, which Kubernetes (Go's decoder) passes over. */
static struct str without_newlines(struct str text, struct arena *arena)
{
	char *at = arena_alloc(arena, text.len + 1, 1);
	size_t n = 0;

	if (!at)
		return (struct str){0};
	for (size_t i = 0; i < text.len; i++)
		if (text.at[i] != '\n' && text.at[i] != '\r')
			at[n++] = text.at[i];
	return str_n(at, n);
}

size_t secret_finish(void *decoded, struct arena *arena, struct diag_sink *sink)
{
	struct secret *secret = decoded;
	size_t errors_before = sink->n_errors;
	struct str_map all = {
		.at = ARENA_ARRAY(arena, struct str_pair,
				  secret->data.n + secret->string_data.n + 1),
	};

	if (!all.at)
		return 0;
	for (size_t i = 0; i < secret->data.n; i++) {
		struct str_pair pair = secret->data.at[i];
		struct str folded = without_newlines(pair.value, arena);
		const struct diag_path key = {DIAG_FIELD(NULL, "data"), pair.key.at, pair.key.len,
					      0};

		if (codec_base64_decode(folded, arena, &pair.value))
			diag_error(sink, &key, "not base64");
		else
			all.at[all.n++] = pair;
	}
	for (size_t i = 0; i < secret->string_data.n; i++)
		put(&all, secret->string_data.at[i]);
	qsort(all.at, all.n, sizeof(*all.at), compare_pairs);
	secret->data = all;
	return sink->n_errors - errors_before;
}
