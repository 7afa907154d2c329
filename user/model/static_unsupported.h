/* SPDX-License-Identifier: Apache-2.0 */
#ifndef STATIC_UNSUPPORTED_H
#define STATIC_UNSUPPORTED_H

/*
 * static_unsupported: Traefik's options that have no effect here: known by name, so that they are
 * told apart from typing errors, and told of, so that nobody waits for them to work.
 */

#include <jansson.h>

#include "model/schema.h"

struct static_unsupported {
	const char *path;   /* lower case; "_name_" stands for any name */
	const char *preset; /* a value that asks for nothing */
};

/* What the options that begin so have in common; the longest prefix holds. */
struct static_unsupported_group {
	const char *prefix, *note;
	enum support support; /* REFUSED or IGNORED */
};

extern const struct static_unsupported static_unsupported_rows[];
extern const size_t static_unsupported_count;

/* A copy of the document (new reference) without them; each is told of once. NULL: no memory. */
json_t *static_unsupported_remove(const json_t *document, struct diag_sink *sink);
/* The row's group: why it has no effect. */
const struct static_unsupported_group *static_unsupported_group(struct str path);

#endif
