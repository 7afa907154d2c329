/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SCHEMA_WALK_H
#define SCHEMA_WALK_H

/*
 * schema_walk: every field below a schema with its path, in the order of the tables, for pages and
 * checks. Paths read "spec.routes[].match"; keys of maps read "{name}".
 */

#include "model/schema.h"

struct schema_place {
	struct str path;
	const struct field *field;
	const struct schema *owner;
	size_t depth;
};

/* Flat members' fields appear as those of the level; visit returns false to leave out what is
 * below. */
void schema_walk(const struct schema *schema, struct arena *arena,
		 bool (*visit)(void *context, const struct schema_place *place), void *context);
/*
 * The field for a path as a document has it ("entryPoints.web.address", "spec.routes[0].match"):
 * NULL when there is none. Names compare as the schema says.
 */
const struct field *schema_find(const struct schema *schema, struct str path);

#endif
