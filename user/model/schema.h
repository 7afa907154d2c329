/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SCHEMA_H
#define SCHEMA_H

/*
 * schema: JSON -> struct by a table of fields. One table per object kind, middleware and option
 * group is the only declaration: from it come the strict decoder (all faults, with path, expected,
 * found, suggestion), the defaults, the CRD's OpenAPI schema, the reference page, --help and the
 * static options.
 *
 * The type of a field is deduced from the struct member by _Generic, so table and struct cannot
 * disagree. Decoded values live in the arena given; strings are copied. Unknown fields are faults
 * (with a suggestion). Field names match exactly (case-sensitively) for objects, case-insensitively
 * when SCHEMA_ANY_CASE is set.
 *
 * JSON null is absence. An absent string or list is {NULL, 0}; one that is there but empty has a
 * non-NULL at. A preset fills in the value of what is absent and leaves its `set` flag false. A
 * field that is REFUSED is an error, one that is IGNORED a warning, unless its value is the preset
 * anyway.
 */

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "model/diag.h"
#include "model/schema_types.h"

enum field_type {
	FIELD_BOOL,	/* bool */
	FIELD_INT,	/* int64_t */
	FIELD_DOUBLE,	/* double */
	FIELD_STR,	/* struct str */
	FIELD_STRS,	/* struct strs */
	FIELD_STR_MAP,	/* struct str_map */
	FIELD_OPT_BOOL, /* struct opt_bool */
	FIELD_OPT_INT,	/* struct opt_int */
	FIELD_DURATION, /* struct duration */
	FIELD_QUANTITY, /* struct quantity */
	FIELD_INT_OR_STR,
	FIELD_RAW,
	FIELD_LIST,   /* struct list_of, .sub */
	FIELD_MAP,    /* struct map_of, .sub */
	FIELD_STRUCT, /* struct T *: NULL when absent, .sub; use FIELD_SUB */
	FIELD_INLINE, /* struct T embedded, .sub; use FIELD_IN */
};

struct schema;

/*
 * UNSERVED: accepted here and refused when routes are compiled, so that only the route that asks
 * for it is not served, not the whole object.
 */
enum support { SUPPORTED, DIFFERS, REFUSED, IGNORED, UNSERVED };

struct field {
	const char *name;   /* as in the manifest: "passHostHeader" */
	const char *doc;    /* one or two sentences, for reference pages */
	const char *preset; /* the default, as it would be written in YAML; NULL: none */
	const char *
		choices; /* "none|lax|strict": the only values of a string (or of a list's items) */
	const char *format; /* checked for strings and list items: see schema_format.h; NULL: any */
	const char *note;   /* for DIFFERS, REFUSED, IGNORED: how or why, shown by `check` and
			       unsupported.md */
	const struct schema *sub;
	const char *map_key; /* of a list: the field that tells its items apart; NULL: none */
	int64_t min, max;    /* of a number, of a string's or list's length; both 0: unchecked */
	size_t offset;
	uint8_t type;	 /* enum field_type */
	uint8_t support; /* enum support */
	bool required;
	bool any_case; /* choices and map keys compare without case */
	bool secret;   /* never printed */
};

enum schema_flags {
	SCHEMA_ANY_CASE = 1,	  /* names compare without case (static options) */
	SCHEMA_BOOL_IS_EMPTY = 2, /* "ping: true" or "--ping" stands for "ping: {}" */
	SCHEMA_LENIENT = 4,	  /* unknown fields are passed over (core kinds have many) */
	SCHEMA_FROM_TEXT = 8,	  /* any value may be given as text, a list as "a,b" (flags) */
	SCHEMA_UNREAD = 16,	  /* for people and the API server: not decoded, not hashed */
};

struct schema {
	const char *name; /* "IngressRoute", "rateLimit": for messages and pages */
	const char *doc;
	size_t size; /* of the struct */
	const struct field *fields;
	size_t n_fields;
	unsigned flags;
	/* Relations between fields, after all were decoded without fault; may be NULL. Adds diags.
	 */
	void (*check)(const void *decoded, struct diag_sink *sink, const struct diag_path *path);
};

#define FIELD_TYPE_OF(member)                        \
	_Generic((member), bool                      \
		 : FIELD_BOOL, int64_t               \
		 : FIELD_INT, double                 \
		 : FIELD_DOUBLE, struct str          \
		 : FIELD_STR, struct strs            \
		 : FIELD_STRS, struct str_map        \
		 : FIELD_STR_MAP, struct opt_bool    \
		 : FIELD_OPT_BOOL, struct opt_int    \
		 : FIELD_OPT_INT, struct duration    \
		 : FIELD_DURATION, struct quantity   \
		 : FIELD_QUANTITY, struct int_or_str \
		 : FIELD_INT_OR_STR, struct raw_json \
		 : FIELD_RAW, struct list_of         \
		 : FIELD_LIST, struct map_of         \
		 : FIELD_MAP)

#define FIELD(type_, member, ...)                                                               \
	{                                                                                       \
		.offset = offsetof(type_, member), .type = FIELD_TYPE_OF(((type_ *)0)->member), \
		__VA_ARGS__                                                                     \
	}
#define FIELD_SUB(type_, member, sub_, ...)                                             \
	{                                                                               \
		.offset = offsetof(type_, member), .type = FIELD_STRUCT, .sub = (sub_), \
		__VA_ARGS__                                                             \
	}
#define FIELD_IN(type_, member, sub_, ...)                                              \
	{                                                                               \
		.offset = offsetof(type_, member), .type = FIELD_INLINE, .sub = (sub_), \
		__VA_ARGS__                                                             \
	}
/* The same struct, one JSON level deeper: {"spec": {...}}. */
#define FIELD_DEEPER(sub_, ...)                                               \
	{                                                                     \
		.offset = 0, .type = FIELD_INLINE, .sub = (sub_), __VA_ARGS__ \
	}
/* The member's fields stand at this JSON level: {"name": ..., "percent": ...}. */
#define FIELD_FLAT(type_, member, sub_)                                                            \
	{                                                                                          \
		.offset = offsetof(type_, member), .type = FIELD_INLINE, .sub = (sub_), .name = "" \
	}
#define SCHEMA_FIELDS(rows) .fields = (rows), .n_fields = sizeof(rows) / sizeof(*(rows))

/*
 * Decodes json into out (sub->size bytes, zeroed by the callee, defaults applied). Returns the
 * number of errors added to the sink; when it is 0 the struct is complete and check() passed.
 * Warnings do not count.
 */
size_t schema_decode(const struct schema *schema, const json_t *json, struct arena *arena,
		     void *out, struct diag_sink *sink, const struct diag_path *path);
/* Sets one field of the struct at base (zeroed) to its default, which must be valid (it is tested).
 */
void schema_preset_field(const struct field *field, struct arena *arena, void *base);
/* What a field's value should look like: "an integer from 0 to 10", "a list of strings". */
struct str schema_expected(const struct field *field, struct arena *arena);
/* Sets out to the defaults alone. */
void schema_preset(const struct schema *schema, struct arena *arena, void *out);
/*
 * A hash of a decoded struct's content, stable within this process: equal configuration gives an
 * equal hash (identity of state). Texts and numbers count, whether they were written or preset.
 */
uint64_t schema_hash(const struct schema *schema, const void *decoded);
/* Canonical JSON of a decoded struct (new reference); secrets are printed as "REDACTED". */
json_t *schema_to_json(const struct schema *schema, const void *decoded);
/* The same with secrets as they are: what is decoded from it is equal. For the state file alone. */
json_t *schema_to_json_whole(const struct schema *schema, const void *decoded);

#endif
