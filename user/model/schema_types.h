/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SCHEMA_TYPES_H
#define SCHEMA_TYPES_H

/* schema_types: the types of members that a field table can decode into, besides bool, int64_t,
 * double and str. */

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/addr.h"
#include "base/str.h"

/* Values that may be absent tell so by a flag beside them, never by a magic value. */
struct opt_bool {
	bool value, set;
};

struct opt_int {
	int64_t value;
	bool set;
};

/* A duration: Go syntax, or a bare integer of seconds (int-or-string). */
struct duration {
	int64_t ns;
	bool set;
};

/* A quantity of bytes: integer or "64Ki". */
struct quantity {
	int64_t bytes;
	bool set;
};

/* An int-or-string value such as a Service port; number is valid when is_number. */
struct int_or_str {
	struct str text; /* as written, also for numbers */
	int64_t number;
	bool is_number, set;
};

/* Raw JSON kept for later (plugin configuration); a borrowed reference owned by the object's
 * document. */
struct raw_json {
	const json_t *json;
};

/* A list of nested structs; elements are .sub->size apart. */
struct list_of {
	void *at;
	size_t n;
};
#define LIST_AT(list, type, i) (&((type *)(list).at)[i])

/* A map from string to nested struct (entryPoints, certificatesResolvers). */
struct map_of {
	struct str *keys;
	void *at;
	size_t n;
};

#endif
