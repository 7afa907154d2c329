/* SPDX-License-Identifier: Apache-2.0 */
#ifndef YAML_JSON_H
#define YAML_JSON_H

/*
 * yaml_json: YAML (many documents) or JSON text -> JSON documents, as Kubernetes' own tools read
 * it: YAML 1.1 scalars (yes, on, 0644), anchors, merge keys; keys that are not strings become
 * strings. Duplicate keys are faults. All limits hold after aliases are expanded, so that a small
 * text cannot become a large document. Pure: the text comes from the caller.
 */

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#include "base/str.h"

enum {
	YAML_BYTES_MAX = 32 << 20,
	YAML_DOCUMENTS_MAX = 100000,
	YAML_NODES_MAX = 4000000, /* of all documents, aliases expanded */
	YAML_DEPTH_MAX = 100,
};

struct yaml_document {
	json_t *json; /* owned */
	size_t line;  /* where it begins, 1.. */
};

struct yaml_json {
	struct yaml_document *at; /* documents that are not empty */
	size_t n, cap;
	/* The fault, when loading failed. */
	char message[160];
	size_t line, column; /* 1.., 0 unknown */
};

/* The text without a byte order mark: libyaml counts it as a column, so that later lines look
 * outdented. */
struct str yaml_json_unmarked(struct str text);

/* 0, or -EINVAL with the fault (then there are no documents), -EFBIG, -ENOMEM. */
int yaml_json_load(struct yaml_json *yaml, struct str text, bool is_json);
void yaml_json_done(struct yaml_json *yaml);
/*
 * The line of a field ("spec.routes[0].match") of the document that begins at document_line, or of
 * the nearest thing around it; document_line when nothing is found.
 */
size_t yaml_json_line(struct str text, size_t document_line, struct str path);
/* What a plain scalar means; a new reference. */
json_t *yaml_json_scalar(struct str text);

#endif
