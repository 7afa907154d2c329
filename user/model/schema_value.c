// SPDX-License-Identifier: Apache-2.0
/*
 * schema_value: single values: JSON (or, for options, text) -> member.
 *
 * What a secret field holds is never repeated in a message.
 */
#include "model/schema_value.h"

#include <stdlib.h>

#include "base/clock.h"
#include "base/die.h"
#include "base/regex.h"
#include "model/schema_format.h"

struct str schema_value_text(const json_t *json)
{
	return str_n(json_string_value(json), json_string_length(json));
}

struct str schema_value_describe(const json_t *json, struct arena *arena)
{
	switch (json_typeof(json)) {
	case JSON_STRING:
		if (json_string_length(json) == 0)
			return STR("an empty string");
		return arena_printf(arena, "\"" STR_FMT "\" (a string)",
				    STR_ARG(str_take(schema_value_text(json), DIAG_FOUND_MAX / 2)));
	case JSON_INTEGER:
		return arena_printf(arena, "%lld (an integer)",
				    (long long)json_integer_value(json));
	case JSON_REAL:
		return arena_printf(arena, "%g (a number)", json_real_value(json));
	case JSON_TRUE:
		return STR("true");
	case JSON_FALSE:
		return STR("false");
	case JSON_NULL:
		return STR("nothing");
	case JSON_ARRAY:
		return arena_printf(arena, "a list of %zu", json_array_size(json));
	default:
		return arena_printf(arena, "an object of %zu fields", json_object_size(json));
	}
}

static struct str range_text(const struct field *field, const char *what, struct arena *arena)
{
	if (!field->min && !field->max)
		return str_of(what);
	if (field->min == INT64_MIN)
		return arena_printf(arena, "%s of at most %lld", what, (long long)field->max);
	if (field->max == INT64_MAX)
		return arena_printf(arena, "%s of at least %lld", what, (long long)field->min);
	return arena_printf(arena, "%s from %lld to %lld", what, (long long)field->min,
			    (long long)field->max);
}

static struct str choices_text(const struct field *field, const char *one_of, struct arena *arena)
{
	struct str rest = str_of(field->choices), choice;
	struct str text = arena_printf(arena, "%s", one_of);
	bool first = true;

	while (str_next(&rest, '|', &choice)) {
		struct str piece =
			arena_printf(arena, "%s" STR_FMT, first ? "" : ", ", STR_ARG(choice));

		text = arena_join(arena, text, piece);
		first = false;
	}
	return text;
}

struct str schema_expected(const struct field *field, struct arena *arena)
{
	const struct schema_format *format =
		field->format ? schema_format_find(field->format) : NULL;

	switch ((enum field_type)field->type) {
	case FIELD_BOOL:
	case FIELD_OPT_BOOL:
		return STR("true or false");
	case FIELD_INT:
	case FIELD_OPT_INT:
		return range_text(field, "an integer", arena);
	case FIELD_DOUBLE:
		return range_text(field, "a number", arena);
	case FIELD_STR:
		if (field->choices)
			return choices_text(field, "one of ", arena);
		return format ? str_of(format->expected) : STR("a string");
	case FIELD_STRS:
		if (field->choices)
			return choices_text(field, "a list of ", arena);
		return format ? arena_printf(arena, "a list, each %s", format->expected)
			      : STR("a list of strings");
	case FIELD_STR_MAP:
		return format ? arena_printf(arena, "an object whose values are strings, each %s",
					     format->expected)
			      : STR("an object whose values are strings");
	case FIELD_DURATION:
		return STR("a duration such as 10s or 1m30s, or an integer of seconds");
	case FIELD_QUANTITY:
		return STR("a number of bytes such as 4096 or 64Ki");
	case FIELD_INT_OR_STR:
		return STR("an integer or a string");
	case FIELD_RAW:
		return STR("anything");
	case FIELD_LIST:
		return STR("a list");
	case FIELD_MAP:
	case FIELD_STRUCT:
	case FIELD_INLINE:
		return STR("an object");
	}
	return STR("");
}

static struct diag *value_fault(const struct schema_value_context *context,
				const struct field *field, const char *message, struct str found,
				const struct diag_path *path)
{
	struct diag *diag = diag_error(context->sink, path, "%s", message);
	struct str expected = schema_expected(field, context->sink->arena);

	diag_expected(context->sink, diag, STR_FMT, STR_ARG(expected));
	if (!field->secret)
		diag_found(context->sink, diag, found);
	return diag;
}

static bool would_fit_unquoted(const struct field *field, struct str text)
{
	int64_t number;
	bool on;

	if (field->type == FIELD_BOOL || field->type == FIELD_OPT_BOOL)
		return num_bool(text, &on) == 0;
	return (field->type == FIELD_INT || field->type == FIELD_OPT_INT) &&
	       num_int64(text, &number) == 0;
}

void schema_value_wrong(const struct schema_value_context *context, const struct field *field,
			const json_t *json, const struct diag_path *path)
{
	struct str found =
		field->secret ? (struct str){0} : schema_value_describe(json, context->sink->arena);
	struct diag *diag = value_fault(context, field, "wrong type", found, path);

	if (field->secret)
		return;
	if (field->type == FIELD_STR && (json_is_integer(json) || json_is_boolean(json)))
		diag_suggest(context->sink, diag, "write it in quotes");
	else if (json_is_string(json) && would_fit_unquoted(field, schema_value_text(json)))
		diag_suggest(context->sink, diag, "write it without quotes");
	else if ((field->type == FIELD_STRS || field->type == FIELD_LIST) && !json_is_array(json))
		diag_suggest(context->sink, diag, "write it as a list: [...]");
}

/* The text of a choice as the table writes it, or {0}. */
static struct str find_choice(const struct field *field, struct str text)
{
	struct str rest = str_of(field->choices), choice;

	while (str_next(&rest, '|', &choice))
		if (field->any_case ? str_eq_nocase(choice, text) : str_eq(choice, text))
			return choice;
	return (struct str){0};
}

static void suggest_choice(const struct schema_value_context *context, const struct field *field,
			   struct str text, struct diag *diag)
{
	enum { ROOM = 64 };
	struct str choices[ROOM], rest = str_of(field->choices);
	size_t n = 0;

	while (n < ROOM && str_next(&rest, '|', &choices[n]))
		n++;
	struct str near = str_nearest(text, choices, n);
	if (near.len)
		diag_suggest(context->sink, diag, "did you mean " STR_FMT "?", STR_ARG(near));
}

static bool check_length(const struct schema_value_context *context, const struct field *field,
			 size_t n, const char *what, const struct diag_path *path)
{
	if ((!field->min && !field->max) || ((int64_t)n >= field->min && (int64_t)n <= field->max))
		return true;
	struct diag *diag = diag_error(context->sink, path, "wrong %s", what);

	if (field->max == INT64_MAX)
		diag_expected(context->sink, diag, "at least %lld", (long long)field->min);
	else
		diag_expected(context->sink, diag, "%lld to %lld", (long long)field->min,
			      (long long)field->max);
	if (!field->secret)
		diag_found(context->sink, diag, arena_printf(context->sink->arena, "%zu", n));
	return false;
}

static void bad_format(const struct schema_value_context *context, const struct field *field,
		       struct str text, const struct diag_path *path)
{
	struct diag *diag = value_fault(context, field, "wrong value", text, path);
	char message[128];

	if (strcmp(field->format, "regex") != 0)
		return;
	regex_free(regex_new(text, message, sizeof(message)));
	diag_expected(context->sink, diag, "a regular expression (RE2): %s", message);
}

/* One string: its format and choices; *ret_text is the spelling of the table for choices. */
static bool check_text(const struct schema_value_context *context, const struct field *field,
		       struct str text, const struct diag_path *path, struct str *ret_text)
{
	const struct schema_format *format =
		field->format ? schema_format_find(field->format) : NULL;

	*ret_text = text;
	if (text.len && memchr(text.at, '\0', text.len)) {
		value_fault(context, field, "a NUL byte in a string", (struct str){0}, path);
		return false;
	}
	if (text.len && format && !format->ok(text)) {
		bad_format(context, field, text, path);
		return false;
	}
	if (!field->choices || text.len == 0)
		return true;
	*ret_text = find_choice(field, text);
	if (ret_text->at)
		return true;
	suggest_choice(context, field, text,
		       value_fault(context, field, "wrong value", text, path));
	return false;
}

static struct str copy(const struct schema_value_context *context, struct str text)
{
	return arena_str(context->arena, text);
}

static void decode_str(const struct schema_value_context *context, const struct field *field,
		       const json_t *json, struct str *member, const struct diag_path *path)
{
	struct str text;

	if (!json_is_string(json)) {
		schema_value_wrong(context, field, json, path);
		return;
	}
	if (!check_text(context, field, schema_value_text(json), path, &text))
		return;
	if (check_length(context, field, text.len, "length", path))
		*member = copy(context, text);
}

static void decode_strs(const struct schema_value_context *context, const struct field *field,
			const json_t *json, struct strs *member, const struct diag_path *path)
{
	bool from_text = context->flags & SCHEMA_FROM_TEXT && json_is_string(json);
	struct str rest = from_text ? schema_value_text(json) : (struct str){0}, piece;
	size_t n = json_array_size(json);

	if (!json_is_array(json) && !from_text) {
		schema_value_wrong(context, field, json, path);
		return;
	}
	for (struct str left = rest; from_text && left.len && str_next(&left, ',', &piece);)
		n++;
	if (!check_length(context, field, n, "number of elements", path))
		return;
	/* What is given replaces the preset. */
	*member = (struct strs){.at = ARENA_ARRAY(context->arena, struct str, n ? n : 1)};
	if (!member->at)
		return;
	for (size_t i = 0; i < n; i++) {
		const json_t *item = from_text ? NULL : json_array_get(json, i);
		const struct diag_path *at = DIAG_INDEX(path, i);

		if (from_text)
			str_next(&rest, ',', &piece);
		else if (json_is_string(item))
			piece = schema_value_text(item);
		else {
			struct field one = *field;

			one.type = FIELD_STR;
			schema_value_wrong(context, &one, item, at);
			continue;
		}
		if (from_text)
			piece = str_trim(piece);
		if (check_text(context, field, piece, at, &piece))
			member->at[member->n++] = copy(context, piece);
	}
}

static int compare_keys(const void *a, const void *b)
{
	return str_cmp(*(const struct str *)a, *(const struct str *)b);
}

struct str *schema_value_keys(const json_t *json, struct arena *arena, size_t *ret_n)
{
	size_t n = json_object_size(json);
	struct str *keys = ARENA_ARRAY(arena, struct str, n ? n : 1);
	const char *key;
	json_t *value;

	*ret_n = 0;
	if (!keys)
		return NULL;
	json_object_foreach((json_t *)(uintptr_t)json, key, value)
	{
		if (json_is_null(value))
			continue;
		keys[(*ret_n)++] = arena_str(arena, str_of(key));
	}
	qsort(keys, *ret_n, sizeof(*keys), compare_keys);
	return keys;
}

/* The values of flags and of the environment are texts; a map of strings takes plain scalars then
 * too. */
static bool scalar_text(const struct schema_value_context *context, const json_t *json,
			struct str *ret_text)
{
	if (json_is_string(json)) {
		*ret_text = schema_value_text(json);
		return true;
	}
	if (!(context->flags & SCHEMA_FROM_TEXT))
		return false;
	if (json_is_integer(json))
		*ret_text =
			arena_printf(context->arena, "%lld", (long long)json_integer_value(json));
	else if (json_is_boolean(json))
		*ret_text = json_is_true(json) ? STR("true") : STR("false");
	else
		return false;
	return true;
}

static void decode_str_map(const struct schema_value_context *context, const struct field *field,
			   const json_t *json, struct str_map *member, const struct diag_path *path)
{
	size_t n;
	struct str *keys;

	if (!json_is_object(json)) {
		schema_value_wrong(context, field, json, path);
		return;
	}
	keys = schema_value_keys(json, context->arena, &n);
	member->at = ARENA_ARRAY(context->arena, struct str_pair, n ? n : 1);
	if (!keys || !member->at || !check_length(context, field, n, "number of elements", path))
		return;
	for (size_t i = 0; i < n; i++) {
		const struct diag_path at = {path, keys[i].at, keys[i].len, 0};
		const json_t *item = json_object_getn(json, keys[i].at, keys[i].len);
		struct str text;

		/* A map with a format is a map of header fields. */
		if (field->format && !schema_format_is_token(keys[i])) {
			struct diag *diag = diag_error(context->sink, &at, "wrong header name");

			diag_expected(context->sink, diag, "letters, digits and !#$%%&'*+-.^_`|~");
			continue;
		}
		if (!scalar_text(context, item, &text)) {
			struct field one = *field;

			one.type = FIELD_STR;
			schema_value_wrong(context, &one, item, &at);
		} else if (check_text(context, field, text, &at, &text)) {
			member->at[member->n++] = (struct str_pair){keys[i], copy(context, text)};
		}
	}
}

static bool decode_int(const struct schema_value_context *context, const struct field *field,
		       const json_t *json, int64_t *ret_value, const struct diag_path *path)
{
	int64_t value;

	if (json_is_integer(json)) {
		value = json_integer_value(json);
	} else if (!(context->flags & SCHEMA_FROM_TEXT && json_is_string(json) &&
		     num_int64(schema_value_text(json), &value) == 0)) {
		schema_value_wrong(context, field, json, path);
		return false;
	}
	if ((field->min || field->max) && (value < field->min || value > field->max)) {
		value_fault(context, field, "out of range",
			    schema_value_describe(json, context->sink->arena), path);
		return false;
	}
	*ret_value = value;
	return true;
}

static void decode_double(const struct schema_value_context *context, const struct field *field,
			  const json_t *json, double *ret_value, const struct diag_path *path)
{
	double value;

	if (json_is_number(json)) {
		value = json_number_value(json);
	} else if (!(context->flags & SCHEMA_FROM_TEXT && json_is_string(json) &&
		     num_double(schema_value_text(json), &value) == 0)) {
		schema_value_wrong(context, field, json, path);
		return;
	}
	if ((field->min || field->max) &&
	    (value < (double)field->min || value > (double)field->max))
		value_fault(context, field, "out of range",
			    schema_value_describe(json, context->sink->arena), path);
	else
		*ret_value = value;
}

static bool decode_bool(const struct schema_value_context *context, const struct field *field,
			const json_t *json, bool *ret_value, const struct diag_path *path)
{
	if (json_is_boolean(json)) {
		*ret_value = json_is_true(json);
		return true;
	}
	if (context->flags & SCHEMA_FROM_TEXT && json_is_string(json)) {
		/* A flag without a value: --api.insecure */
		if (json_string_length(json) == 0) {
			*ret_value = true;
			return true;
		}
		if (num_bool(schema_value_text(json), ret_value) == 0)
			return true;
	}
	schema_value_wrong(context, field, json, path);
	return false;
}

static bool amount_of(const struct field *field, const json_t *json, int64_t *ret_value)
{
	bool seconds = field->type == FIELD_DURATION;

	if (json_is_string(json)) {
		struct str text = schema_value_text(json);

		return (seconds ? num_duration_ns(text, true, ret_value)
				: num_bytes(text, ret_value)) == 0;
	}
	if (!json_is_integer(json))
		return false;
	return !__builtin_mul_overflow(json_integer_value(json), seconds ? NS_PER_SEC : 1LL,
				       ret_value);
}

/* Durations and quantities: int-or-string (reference, conventions: a bare integer means seconds).
 */
static bool decode_amount(const struct schema_value_context *context, const struct field *field,
			  const json_t *json, int64_t *ret_value, const struct diag_path *path)
{
	struct str found = schema_value_describe(json, context->sink->arena);
	int64_t value;

	if (!json_is_string(json) && !json_is_integer(json)) {
		schema_value_wrong(context, field, json, path);
		return false;
	}
	if (!amount_of(field, json, &value)) {
		value_fault(context, field, "wrong value", found, path);
		return false;
	}
	if ((field->min || field->max) && (value < field->min || value > field->max)) {
		value_fault(context, field, "out of range", found, path);
		return false;
	}
	*ret_value = value;
	return true;
}

static void decode_int_or_str(const struct schema_value_context *context, const struct field *field,
			      const json_t *json, struct int_or_str *member,
			      const struct diag_path *path)
{
	struct int_or_str value = {.set = true};

	if (json_is_integer(json)) {
		value.number = json_integer_value(json);
		value.is_number = true;
		value.text = arena_printf(context->arena, "%lld", (long long)value.number);
	} else if (json_is_string(json)) {
		value.text = copy(context, schema_value_text(json));
		value.is_number = context->flags & SCHEMA_FROM_TEXT &&
				  num_int64(value.text, &value.number) == 0;
	} else {
		schema_value_wrong(context, field, json, path);
		return;
	}
	if (value.is_number && (field->min || field->max) &&
	    (value.number < field->min || value.number > field->max)) {
		value_fault(context, field, "out of range", value.text, path);
		return;
	}
	*member = value;
}

void schema_value_decode(const struct schema_value_context *context, const struct field *field,
			 const json_t *json, void *member, const struct diag_path *path)
{
	switch ((enum field_type)field->type) {
	case FIELD_BOOL:
		decode_bool(context, field, json, member, path);
		break;
	case FIELD_INT:
		decode_int(context, field, json, member, path);
		break;
	case FIELD_DOUBLE:
		decode_double(context, field, json, member, path);
		break;
	case FIELD_STR:
		decode_str(context, field, json, member, path);
		break;
	case FIELD_STRS:
		decode_strs(context, field, json, member, path);
		break;
	case FIELD_STR_MAP:
		decode_str_map(context, field, json, member, path);
		break;
	case FIELD_OPT_BOOL: {
		struct opt_bool *opt = member;

		opt->set = decode_bool(context, field, json, &opt->value, path);
		break;
	}
	case FIELD_OPT_INT: {
		struct opt_int *opt = member;

		opt->set = decode_int(context, field, json, &opt->value, path);
		break;
	}
	case FIELD_DURATION: {
		struct duration *duration = member;

		duration->set = decode_amount(context, field, json, &duration->ns, path);
		break;
	}
	case FIELD_QUANTITY: {
		struct quantity *quantity = member;

		quantity->set = decode_amount(context, field, json, &quantity->bytes, path);
		break;
	}
	case FIELD_INT_OR_STR:
		decode_int_or_str(context, field, json, member, path);
		break;
	case FIELD_RAW:
		((struct raw_json *)member)->json = json;
		break;
	default:
		ASSERT(false);
	}
}
