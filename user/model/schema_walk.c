// SPDX-License-Identifier: Apache-2.0
/*
 * schema_walk: a table and the tables below it, as paths.
 */
#include "model/schema_walk.h"

struct walk {
	struct arena *arena;
	bool (*visit)(void *context, const struct schema_place *place);
	void *context;
};

static void walk_level(const struct walk *walk, const struct schema *schema, struct str prefix,
		       size_t depth)
{
	for (size_t i = 0; i < schema->n_fields; i++) {
		const struct field *field = &schema->fields[i];
		const char *dot = prefix.len ? "." : "";
		const char *suffix = field->type == FIELD_LIST	? "[]"
				     : field->type == FIELD_MAP ? ".{name}"
								: "";
		struct schema_place place = {.field = field, .owner = schema, .depth = depth};

		if (!field->name[0]) {
			walk_level(walk, field->sub, prefix, depth);
			continue;
		}
		place.path = arena_printf(walk->arena, STR_FMT "%s%s", STR_ARG(prefix), dot,
					  field->name);
		if (walk->visit(walk->context, &place) && field->sub)
			walk_level(walk, field->sub,
				   arena_printf(walk->arena, STR_FMT "%s", STR_ARG(place.path),
						suffix),
				   depth + 1);
	}
}

void schema_walk(const struct schema *schema, struct arena *arena,
		 bool (*visit)(void *context, const struct schema_place *place), void *context)
{
	const struct walk walk = {arena, visit, context};

	walk_level(&walk, schema, (struct str){0}, 0);
}

static const struct field *find_name(const struct schema *schema, struct str name)
{
	bool any_case = schema->flags & SCHEMA_ANY_CASE;

	for (size_t i = 0; i < schema->n_fields; i++) {
		const struct field *field = &schema->fields[i];
		struct str own = str_of(field->name);

		if (!own.len) {
			const struct field *found = find_name(field->sub, name);

			if (found)
				return found;
		} else if (any_case ? str_eq_nocase(own, name) : str_eq(own, name)) {
			return field;
		}
	}
	return NULL;
}

const struct field *schema_find(const struct schema *schema, struct str path)
{
	const struct field *field = NULL;
	struct str name;
	bool is_key = false;

	while (str_next(&path, '.', &name)) {
		ptrdiff_t bracket = str_find(name, '[');

		if (is_key) {
			/* The name of a member of a map: any. */
			is_key = false;
			continue;
		}
		if (!schema)
			return field && field->type == FIELD_STR_MAP ? field : NULL;
		field = find_name(schema, bracket < 0 ? name : str_take(name, (size_t)bracket));
		if (!field ||
		    (bracket >= 0 && field->type != FIELD_LIST && field->type != FIELD_STRS))
			return NULL;
		schema = field->sub;
		is_key = field->type == FIELD_MAP;
	}
	return field;
}
