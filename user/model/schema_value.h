/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SCHEMA_VALUE_H
#define SCHEMA_VALUE_H

/* schema_value: single values of schema.c: JSON (or text) -> member, with every check of its field
 * row. */

#include "base/num.h"
#include "model/schema.h"

struct schema_value_context {
	struct arena *arena;
	struct diag_sink *sink;
	unsigned flags; /* of the schema at hand */
};

/* Decodes into member (at base + field->offset already); faults go to the sink. Not for nested
 * structs. */
void schema_value_decode(const struct schema_value_context *context, const struct field *field,
			 const json_t *json, void *member, const struct diag_path *path);
/* Adds a "wrong type" diag. */
void schema_value_wrong(const struct schema_value_context *context, const struct field *field,
			const json_t *json, const struct diag_path *path);
/* "abc (a string)": for `found`. */
struct str schema_value_describe(const json_t *json, struct arena *arena);
struct str schema_value_text(const json_t *json);
/* An object's keys, sorted; NULL when out of memory. */
struct str *schema_value_keys(const json_t *json, struct arena *arena, size_t *ret_n);
uint64_t schema_value_hash(const struct field *field, const void *member);

#endif
