// SPDX-License-Identifier: Apache-2.0
/*
 * schema_print: a decoded struct as defaults, as a hash, as canonical JSON: the walks over a table
 * that need no document. Secrets count in the hash and are never printed.
 */
#include <math.h>
#include <stdlib.h>

#include "base/die.h"
#include "base/hash.h"
#include "model/schema_value.h"

static void preset_strs(struct strs *strs, struct str text, struct arena *arena)
{
	struct str rest = text, piece;
	size_t n = 0;

	for (struct str left = text; left.len && str_next(&left, ',', &piece);)
		n++;
	strs->at = ARENA_ARRAY(arena, struct str, n ? n : 1);
	while (strs->at && strs->n < n && str_next(&rest, ',', &piece))
		strs->at[strs->n++] = str_trim(piece);
}

static void preset_text(const struct field *field, struct arena *arena, void *member)
{
	struct str text = str_of(field->preset);
	int error = 0;

	switch ((enum field_type)field->type) {
	case FIELD_BOOL:
		error = num_bool(text, member);
		break;
	case FIELD_INT:
		error = num_int64(text, member);
		break;
	case FIELD_DOUBLE:
		error = num_double(text, member);
		break;
	case FIELD_STR:
		*(struct str *)member = text;
		break;
	case FIELD_STRS:
		preset_strs(member, text, arena);
		break;
	case FIELD_OPT_BOOL:
		error = num_bool(text, &((struct opt_bool *)member)->value);
		break;
	case FIELD_OPT_INT:
		error = num_int64(text, &((struct opt_int *)member)->value);
		break;
	case FIELD_DURATION:
		error = num_duration_ns(text, true, &((struct duration *)member)->ns);
		break;
	case FIELD_QUANTITY:
		error = num_bytes(text, &((struct quantity *)member)->bytes);
		break;
	case FIELD_STRUCT: {
		void *sub = arena_zero(arena, 1, field->sub->size);

		if (sub)
			schema_preset(field->sub, arena, sub);
		*(void **)member = sub;
		break;
	}
	default:
		ASSERT(!"a preset that this type cannot have");
	}
	ASSERT(error == 0);
}

void schema_preset_field(const struct field *field, struct arena *arena, void *base)
{
	void *member = (char *)base + field->offset;

	if (field->sub && field->sub->flags & SCHEMA_UNREAD)
		return;
	if (field->type == FIELD_INLINE)
		schema_preset(field->sub, arena, member);
	else if (field->preset)
		preset_text(field, arena, member);
}

static uint64_t mix(uint64_t hash, uint64_t value)
{
	return hash_mix64(hash ^ hash_mix64(value + 0x9e3779b97f4a7c15ULL));
}

/* Absent and empty differ: a list that is there but empty may mean "nobody". */
static uint64_t hash_text(struct str text)
{
	return text.len ? hash_keyed(text) : text.at != NULL;
}

static uint64_t hash_strs(const struct strs *strs)
{
	uint64_t hash = mix(strs->at != NULL, strs->n);

	for (size_t i = 0; i < strs->n; i++)
		hash = mix(hash, hash_text(strs->at[i]));
	return hash;
}

static uint64_t hash_str_map(const struct str_map *map)
{
	uint64_t hash = map->n;

	for (size_t i = 0; i < map->n; i++)
		hash = mix(mix(hash, hash_text(map->at[i].key)), hash_text(map->at[i].value));
	return hash;
}

static uint64_t hash_json(const struct raw_json *raw)
{
	char *text =
		raw->json ? json_dumps(raw->json, JSON_COMPACT | JSON_SORT_KEYS | JSON_ENCODE_ANY)
			  : NULL;
	uint64_t hash = hash_text(str_of(text));

	free(text);
	return hash;
}

static uint64_t hash_list(const struct field *field, const struct list_of *list)
{
	uint64_t hash = mix(list->at != NULL, list->n);

	for (size_t i = 0; i < list->n; i++)
		hash = mix(hash, schema_hash(field->sub, (char *)list->at + i * field->sub->size));
	return hash;
}

static uint64_t hash_map(const struct field *field, const struct map_of *map)
{
	uint64_t hash = map->n;

	for (size_t i = 0; i < map->n; i++) {
		hash = mix(hash, hash_text(map->keys[i]));
		hash = mix(hash, schema_hash(field->sub, (char *)map->at + i * field->sub->size));
	}
	return hash;
}

uint64_t schema_value_hash(const struct field *field, const void *member)
{
	uint64_t bits;

	switch ((enum field_type)field->type) {
	case FIELD_BOOL:
		return *(const bool *)member;
	case FIELD_INT:
		return (uint64_t) * (const int64_t *)member;
	case FIELD_DOUBLE:
		memcpy(&bits, member, sizeof(bits));
		return bits;
	case FIELD_STR:
		return hash_text(*(const struct str *)member);
	case FIELD_STRS:
		return hash_strs(member);
	case FIELD_STR_MAP:
		return hash_str_map(member);
	case FIELD_OPT_BOOL: {
		const struct opt_bool *opt = member;

		return (uint64_t)opt->value | (uint64_t)opt->set << 1;
	}
	case FIELD_OPT_INT: {
		const struct opt_int *opt = member;

		return mix(opt->set, (uint64_t)opt->value);
	}
	case FIELD_DURATION:
		return (uint64_t)((const struct duration *)member)->ns;
	case FIELD_QUANTITY:
		return (uint64_t)((const struct quantity *)member)->bytes;
	case FIELD_INT_OR_STR: {
		const struct int_or_str *value = member;

		return mix(value->is_number, hash_text(value->text));
	}
	case FIELD_RAW:
		return hash_json(member);
	case FIELD_LIST:
		return hash_list(field, member);
	case FIELD_MAP:
		return hash_map(field, member);
	case FIELD_STRUCT:
		member = *(void *const *)member;
		return member ? mix(1, schema_hash(field->sub, member)) : 0;
	case FIELD_INLINE:
		return schema_hash(field->sub, member);
	}
	return 0;
}

uint64_t schema_hash(const struct schema *schema, const void *decoded)
{
	uint64_t hash = schema->n_fields;

	for (size_t i = 0; i < schema->n_fields; i++) {
		const struct field *field = &schema->fields[i];
		const char *member = (const char *)decoded + field->offset;

		if (field->sub && field->sub->flags & SCHEMA_UNREAD)
			continue;
		hash = mix(hash, schema_value_hash(field, member));
	}
	return hash;
}

static json_t *text_json(struct str text)
{
	/* Header values may hold bytes that are not UTF-8; YAML and JSON cannot bring any in. */
	return json_stringn(text.at ? text.at : "", text.len);
}

static json_t *strs_json(const struct strs *strs)
{
	json_t *list = json_array();

	for (size_t i = 0; i < strs->n; i++)
		json_array_append_new(list, text_json(strs->at[i]));
	return list;
}

static json_t *str_map_json(const struct str_map *map, bool secret)
{
	json_t *object = json_object();

	for (size_t i = 0; i < map->n; i++)
		json_object_setn_new(object, map->at[i].key.at, map->at[i].key.len,
				     secret ? json_string("REDACTED")
					    : text_json(map->at[i].value));
	return object;
}

static json_t *duration_json(int64_t ns)
{
	char text[32];
	size_t n = num_print_duration(ns, text, sizeof(text));

	return json_stringn(text, n);
}

static json_t *to_json(const struct schema *schema, const void *decoded, bool whole);

static json_t *list_json(const struct field *field, const struct list_of *list, bool whole)
{
	json_t *json = json_array();

	for (size_t i = 0; i < list->n; i++)
		json_array_append_new(
			json, to_json(field->sub, (char *)list->at + i * field->sub->size, whole));
	return json;
}

static json_t *map_json(const struct field *field, const struct map_of *map, bool whole)
{
	json_t *json = json_object();

	for (size_t i = 0; i < map->n; i++)
		json_object_setn_new(
			json, map->keys[i].at, map->keys[i].len,
			to_json(field->sub, (char *)map->at + i * field->sub->size, whole));
	return json;
}

/* NULL for what is absent: it is then left out. whole: secrets as they are. */
static json_t *value_json(const struct field *field, const void *member, bool whole)
{
	bool secret = field->secret && !whole;

	switch ((enum field_type)field->type) {
	case FIELD_BOOL:
		return json_boolean(*(const bool *)member);
	case FIELD_INT:
		return json_integer(*(const int64_t *)member);
	case FIELD_DOUBLE:
		return isfinite(*(const double *)member) ? json_real(*(const double *)member)
							 : NULL;
	case FIELD_STR: {
		struct str text = *(const struct str *)member;

		if (!text.at)
			return NULL;
		return secret ? json_string("REDACTED") : text_json(text);
	}
	case FIELD_STRS:
		if (!((const struct strs *)member)->at)
			return NULL;
		return secret ? json_string("REDACTED") : strs_json(member);
	case FIELD_STR_MAP:
		if (!((const struct str_map *)member)->at)
			return NULL;
		return str_map_json(member, secret);
	case FIELD_OPT_BOOL: {
		const struct opt_bool *opt = member;

		return opt->set ? json_boolean(opt->value) : NULL;
	}
	case FIELD_OPT_INT: {
		const struct opt_int *opt = member;

		return opt->set ? json_integer(opt->value) : NULL;
	}
	case FIELD_DURATION: {
		const struct duration *duration = member;

		return duration->set || field->preset ? duration_json(duration->ns) : NULL;
	}
	case FIELD_QUANTITY: {
		const struct quantity *quantity = member;

		return quantity->set || field->preset ? json_integer(quantity->bytes) : NULL;
	}
	case FIELD_INT_OR_STR: {
		const struct int_or_str *value = member;

		if (!value->set)
			return NULL;
		return value->is_number ? json_integer(value->number) : text_json(value->text);
	}
	case FIELD_RAW: {
		const json_t *json = ((const struct raw_json *)member)->json;

		return json && !secret ? json_deep_copy(json) : NULL;
	}
	case FIELD_LIST:
		return ((const struct list_of *)member)->at ? list_json(field, member, whole)
							    : NULL;
	case FIELD_MAP:
		return ((const struct map_of *)member)->at ? map_json(field, member, whole) : NULL;
	case FIELD_STRUCT:
		member = *(void *const *)member;
		return member ? to_json(field->sub, member, whole) : NULL;
	case FIELD_INLINE:
		return to_json(field->sub, member, whole);
	}
	return NULL;
}

static json_t *to_json(const struct schema *schema, const void *decoded, bool whole)
{
	json_t *object = json_object();

	for (size_t i = 0; i < schema->n_fields; i++) {
		const struct field *field = &schema->fields[i];
		json_t *value;

		if (field->sub && field->sub->flags & SCHEMA_UNREAD)
			continue;
		value = value_json(field, (const char *)decoded + field->offset, whole);
		if (!value)
			continue;
		if (field->name[0]) {
			json_object_set_new(object, field->name, value);
		} else {
			json_object_update(object, value);
			json_decref(value);
		}
	}
	return object;
}

json_t *schema_to_json(const struct schema *schema, const void *decoded)
{
	return to_json(schema, decoded, false);
}

json_t *schema_to_json_whole(const struct schema *schema, const void *decoded)
{
	return to_json(schema, decoded, true);
}
