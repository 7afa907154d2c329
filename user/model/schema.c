// SPDX-License-Identifier: Apache-2.0
/*
 * schema: the strict decoder, from a table of fields.
 *
 * It never stops at the first fault: a decode walks the whole document and leaves every complaint
 * in the sink. Recursion is bounded by the tables, not by the document. Values are read by
 * schema_value.c.
 */
#include "model/schema.h"

#include "model/schema_value.h"

/* One decode of one JSON level. */
struct level {
	struct schema_value_context value;
	const struct schema *schema;
	const json_t *json;
	char *out;
};

static bool name_is(const struct schema *schema, const struct field *field, struct str name)
{
	struct str want = str_of(field->name);

	return schema->flags & SCHEMA_ANY_CASE ? str_eq_nocase(want, name) : str_eq(want, name);
}

static bool is_flat(const struct field *field)
{
	return field->type == FIELD_INLINE && field->name[0] == '\0';
}

/* The row for a name, and where its struct is: flat members share the level's names. */
static const struct field *find_field(const struct schema *schema, char *base, struct str name,
				      char **ret_base)
{
	for (size_t i = 0; i < schema->n_fields; i++) {
		const struct field *field = &schema->fields[i];

		if (is_flat(field)) {
			const struct field *found =
				find_field(field->sub, base + field->offset, name, ret_base);

			if (found)
				return found;
		} else if (name_is(schema, field, name)) {
			*ret_base = base;
			return field;
		}
	}
	return NULL;
}

static size_t collect_names(const struct schema *schema, struct str *names, size_t room)
{
	size_t n = 0;

	for (size_t i = 0; i < schema->n_fields && n < room; i++) {
		const struct field *field = &schema->fields[i];

		if (is_flat(field))
			n += collect_names(field->sub, names + n, room - n);
		else
			names[n++] = str_of(field->name);
	}
	return n;
}

static void unknown_field(struct level *level, struct str name, const struct diag_path *path)
{
	enum { ROOM = 128 };
	struct str names[ROOM];
	size_t n = collect_names(level->schema, names, ROOM);
	struct diag_sink *sink = level->value.sink;
	struct diag *diag = diag_error(sink, path, "unknown field");
	struct str near = str_nearest(name, names, n);

	if (near.len)
		diag_suggest(sink, diag, "did you mean " STR_FMT "?", STR_ARG(near));
	else if (n == 0)
		diag_expected(sink, diag, "no field at all");
}

/* {"ping": true} and --ping stand for {"ping": {}}; false for its absence (Traefik's option
 * groups). */
enum group_word { GROUP_OBJECT, GROUP_EMPTY, GROUP_ABSENT, GROUP_WRONG };

static enum group_word group_of(const struct schema *schema, const json_t *json)
{
	bool on;

	if (json_is_object(json))
		return GROUP_OBJECT;
	if (!(schema->flags & SCHEMA_BOOL_IS_EMPTY))
		return GROUP_WRONG;
	if (json_is_boolean(json))
		return json_is_true(json) ? GROUP_EMPTY : GROUP_ABSENT;
	if (!(schema->flags & SCHEMA_FROM_TEXT) || !json_is_string(json))
		return GROUP_WRONG;
	if (json_string_length(json) == 0)
		return GROUP_EMPTY;
	if (num_bool(schema_value_text(json), &on))
		return GROUP_WRONG;
	return on ? GROUP_EMPTY : GROUP_ABSENT;
}

static void decode_level(struct level *level, const struct diag_path *path);

static void decode_into(const struct schema *schema, const json_t *json, const struct level *outer,
			char *out, const struct diag_path *path)
{
	struct level level = {outer->value, schema, json, out};

	level.value.flags = schema->flags;
	decode_level(&level, path);
}

static void decode_struct(struct level *level, const struct field *field, const json_t *json,
			  char *base, const struct diag_path *path)
{
	void *member = base + field->offset;
	enum group_word word = group_of(field->sub, json);
	char *out = member;

	if (word == GROUP_WRONG) {
		schema_value_wrong(&level->value, field, json, path);
		return;
	}
	if (field->type == FIELD_STRUCT) {
		if (word == GROUP_ABSENT) {
			*(void **)member = NULL;
			return;
		}
		out = arena_zero(level->value.arena, 1, field->sub->size);
		if (!out)
			return;
		*(void **)member = out;
	}
	decode_into(field->sub, word == GROUP_OBJECT ? json : NULL, level, out, path);
}

static void check_count(struct level *level, const struct field *field, size_t n,
			const struct diag_path *path)
{
	if ((field->min || field->max) && ((int64_t)n < field->min || (int64_t)n > field->max)) {
		struct diag *diag = diag_error(level->value.sink, path, "wrong number of elements");

		diag_expected(level->value.sink, diag, "%lld to %lld", (long long)field->min,
			      (long long)field->max);
		diag_found(level->value.sink, diag,
			   arena_printf(level->value.sink->arena, "%zu", n));
	}
}

static void decode_list(struct level *level, const struct field *field, const json_t *json,
			char *base, const struct diag_path *path)
{
	struct list_of *list = (void *)(base + field->offset);
	size_t n = json_array_size(json);

	if (!json_is_array(json)) {
		schema_value_wrong(&level->value, field, json, path);
		return;
	}
	check_count(level, field, n, path);
	list->at = arena_zero(level->value.arena, n ? n : 1, field->sub->size);
	if (!list->at)
		return;
	list->n = n;
	for (size_t i = 0; i < n; i++)
		decode_into(field->sub, json_array_get(json, i), level,
			    (char *)list->at + i * field->sub->size, DIAG_INDEX(path, i));
}

static void decode_map(struct level *level, const struct field *field, const json_t *json,
		       char *base, const struct diag_path *path)
{
	struct map_of *map = (void *)(base + field->offset);
	struct str *keys;
	size_t n;

	if (!json_is_object(json)) {
		schema_value_wrong(&level->value, field, json, path);
		return;
	}
	keys = schema_value_keys(json, level->value.arena, &n);
	map->at = arena_zero(level->value.arena, n ? n : 1, field->sub->size);
	if (!keys || !map->at)
		return;
	check_count(level, field, n, path);
	map->keys = keys;
	map->n = n;
	for (size_t i = 0; i < n; i++) {
		const struct diag_path key = {path, keys[i].at, keys[i].len, 0};
		const json_t *value = json_object_getn(json, keys[i].at, keys[i].len);
		char *out = (char *)map->at + i * field->sub->size;

		if (keys[i].len == 0)
			diag_error(level->value.sink, path, "empty name");
		if (group_of(field->sub, value) == GROUP_EMPTY)
			value = NULL;
		decode_into(field->sub, value, level, out, &key);
	}
}

/* Whether the field says anything but its default, so that a field without effect may be passed
 * over. */
static bool says_something(const struct level *level, const struct field *field, const char *base)
{
	char preset[sizeof(struct str_map) + sizeof(struct int_or_str)] = {0};
	struct field alone = *field;

	if (field->type == FIELD_STRUCT)
		return *(void *const *)(base + field->offset) != NULL;
	if (field->type >= FIELD_LIST || field->type == FIELD_RAW)
		return true;
	alone.offset = 0;
	schema_preset_field(&alone, level->value.arena, preset);
	return schema_value_hash(&alone, preset) != schema_value_hash(&alone, base + field->offset);
}

static void check_support(struct level *level, const struct field *field, const char *base,
			  const struct diag_path *path)
{
	struct diag_sink *sink = level->value.sink;
	const char *note = field->note ? field->note : "";
	const char *colon = *note ? ": " : "";
	struct diag *diag;

	if (field->support != REFUSED && field->support != IGNORED)
		return;
	if (!says_something(level, field, base))
		return;
	if (field->support == REFUSED)
		diag = diag_error(sink, path, "not supported yet%s%s", colon, note);
	else
		diag = diag_warning(sink, path, "has no effect%s%s", colon, note);
	diag->unsupported = true;
}

static void decode_field(struct level *level, const struct field *field, const json_t *json,
			 char *base, const struct diag_path *path)
{
	if (field->sub && field->sub->flags & SCHEMA_UNREAD)
		return;
	switch (field->type) {
	case FIELD_STRUCT:
	case FIELD_INLINE:
		decode_struct(level, field, json, base, path);
		break;
	case FIELD_LIST:
		decode_list(level, field, json, base, path);
		break;
	case FIELD_MAP:
		decode_map(level, field, json, base, path);
		break;
	default:
		schema_value_decode(&level->value, field, json, base + field->offset, path);
		break;
	}
	check_support(level, field, base, path);
}

static const json_t *get_field(const struct level *level, const struct field *field)
{
	const char *key;
	const json_t *value;

	if (!level->json)
		return NULL;
	if (!(level->schema->flags & SCHEMA_ANY_CASE)) {
		value = json_object_get(level->json, field->name);
		return json_is_null(value) ? NULL : value;
	}
	/* jansson's iteration macros want a json_t that is not const; nothing is changed. */
	json_object_foreach((json_t *)(uintptr_t)level->json, key,
			    value) if (str_eq_nocase(str_of(key), str_of(field->name)) &&
				       !json_is_null(value)) return value;
	return NULL;
}

static void check_required(struct level *level, const struct schema *schema,
			   const struct diag_path *path)
{
	for (size_t i = 0; i < schema->n_fields; i++) {
		const struct field *field = &schema->fields[i];

		if (is_flat(field)) {
			check_required(level, field->sub, path);
		} else if (field->required && !get_field(level, field)) {
			struct diag_sink *sink = level->value.sink;
			struct diag *diag =
				diag_error(sink, DIAG_FIELD(path, field->name), "missing");
			struct str expected = schema_expected(field, sink->arena);

			diag_expected(sink, diag, STR_FMT, STR_ARG(expected));
		}
	}
}

static void decode_members(struct level *level, const struct diag_path *path)
{
	const char *key;
	json_t *value;

	json_object_foreach((json_t *)(uintptr_t)level->json, key, value)
	{
		struct str name = str_of(key);
		const struct diag_path at = {path, name.at, name.len, 0};
		char *base;
		const struct field *field = find_field(level->schema, level->out, name, &base);

		if (!field && level->schema->flags & SCHEMA_LENIENT)
			continue;
		if (!field)
			unknown_field(level, name, &at);
		else if (!json_is_null(value))
			decode_field(level, field, value, base, &at);
	}
}

static void run_checks(const struct schema *schema, const char *out, struct diag_sink *sink,
		       const struct diag_path *path)
{
	for (size_t i = 0; i < schema->n_fields; i++)
		if (is_flat(&schema->fields[i]))
			run_checks(schema->fields[i].sub, out + schema->fields[i].offset, sink,
				   path);
	if (schema->check)
		schema->check(out, sink, path);
}

/* json NULL: an empty object. */
static void decode_level(struct level *level, const struct diag_path *path)
{
	struct diag_sink *sink = level->value.sink;
	size_t errors_before = sink->n_errors;

	schema_preset(level->schema, level->value.arena, level->out);
	if (level->json && !json_is_object(level->json)) {
		struct diag *diag = diag_error(sink, path, "wrong type");

		diag_expected(sink, diag, "an object");
		diag_found(sink, diag, schema_value_describe(level->json, sink->arena));
		return;
	}
	if (level->json)
		decode_members(level, path);
	check_required(level, level->schema, path);
	if (sink->n_errors == errors_before)
		run_checks(level->schema, level->out, sink, path);
}

size_t schema_decode(const struct schema *schema, const json_t *json, struct arena *arena,
		     void *out, struct diag_sink *sink, const struct diag_path *path)
{
	size_t errors_before = sink->n_errors;
	struct level level = {{arena, sink, schema->flags}, schema, json, out};

	decode_level(&level, path);
	if (arena->failed)
		diag_error(sink, path, "too large: its memory limit of %zu bytes is reached",
			   arena->cap_bytes);
	return sink->n_errors - errors_before;
}

void schema_preset(const struct schema *schema, struct arena *arena, void *out)
{
	memset(out, 0, schema->size);
	for (size_t i = 0; i < schema->n_fields; i++)
		schema_preset_field(&schema->fields[i], arena, out);
}
