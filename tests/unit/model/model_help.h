/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MODEL_HELP_H
#define MODEL_HELP_H

/* model_help: JSON with single quotes, and decoding of it, for the tests of object kinds. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "model/object.h"

static inline json_t *json_of(const char *text)
{
	char *copy = strdup(text);
	json_error_t error;

	for (char *at = copy; *at; at++)
		if (*at == '\'')
			*at = '"';
	json_t *json = json_loads(copy, JSON_DECODE_ANY, &error);
	free(copy);
	if (!json)
		fail_msg("%s: %s", text, error.text);
	return json;
}

/* One decode, and all that belongs to it. */
struct decoded {
	struct arena arena;
	struct diag_sink sink;
	json_t *json;
	void *out;
	size_t errors;
};

static inline void decode(struct decoded *d, const struct schema *schema, const char *text)
{
	arena_init(&d->arena, 1 << 20, 0);
	diag_init(&d->sink, &d->arena);
	d->json = json_of(text);
	d->out = arena_zero(&d->arena, 1, schema->size + 1);
	d->errors = schema_decode(schema, d->json, &d->arena, d->out, &d->sink, NULL);
}

static inline void decoded_done(struct decoded *d)
{
	json_decref(d->json);
	arena_done(&d->arena);
}

static inline const struct diag *find_diag(const struct diag_sink *sink, const char *field)
{
	for (size_t i = 0; i < sink->n; i++)
		if (str_eq(sink->at[i].field, str_of(field)))
			return &sink->at[i];
	return NULL;
}

static inline void print_diags(const struct diag_sink *sink)
{
	for (size_t i = 0; i < sink->n; i++) {
		struct buf buf;

		buf_init(&buf, 1 << 16);
		diag_print(&sink->at[i], &buf);
		print_message(STR_FMT, STR_ARG(buf_str(&buf)));
		buf_done(&buf);
	}
}

/* One row of a table of manifests: what is wrong with it, where. */
struct fault_row {
	const char *name, *json;
	const char *field;   /* of a diag that must be there; NULL: no diag at all */
	const char *message; /* a part of it */
};

static inline void check_rows(const struct schema *schema, const struct fault_row *rows, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		const struct fault_row *row = &rows[i];
		struct decoded d;

		decode(&d, schema, row->json);
		const struct diag *diag = row->field ? find_diag(&d.sink, row->field) : NULL;

		if ((row->field != NULL) != (diag != NULL) || (!row->field && d.sink.n) ||
		    (diag && str_search(diag->message, str_of(row->message)) < 0)) {
			print_diags(&d.sink);
			fail_msg("%s", row->name);
		}
		decoded_done(&d);
	}
}
#define CHECK_ROWS(schema, rows) check_rows((schema), (rows), sizeof(rows) / sizeof(*(rows)))

static inline struct object *object_of(const char *text)
{
	struct arena arena;
	struct diag_sink sink;
	bool skip;

	arena_init(&arena, 1 << 20, 0);
	diag_init(&sink, &arena);
	json_t *json = json_of(text);
	struct object *object = object_decode(json, STR("a.yaml"), 1, &sink, &skip);

	json_decref(json);
	arena_done(&arena);
	return object;
}

#define assert_str(text, literal) assert_true(str_eq((text), STR(literal)))

#endif
