/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SCHEMA_FORMAT_H
#define SCHEMA_FORMAT_H

/*
 * schema_format: what a string may look like, by the word in a field row's `format`; one table row
 * each. The empty string passes: whether it is allowed is said by `required` and `min`.
 */

#include "base/arena.h"
#include "base/str.h"

struct schema_format {
	const char *name;
	const char *expected; /* "an IP address or a CIDR" */
	const char *pattern;  /* for the CRD: a regular expression that implies nothing more; may be
				 NULL */
	bool (*ok)(struct str text);
};

/* NULL for an unknown name: a bug in a table, which a test finds. */
const struct schema_format *schema_format_find(const char *name);
/* A name as Kubernetes has them: RFC 1123 label (63) or subdomain (253). */
bool schema_format_is_label(struct str text);
bool schema_format_is_subdomain(struct str text);
/* RFC 9110 5.6.2 token, 5.5 field value without CR, LF, NUL and other controls. */
bool schema_format_is_token(struct str text);
bool schema_format_is_header_value(struct str text);

#endif
