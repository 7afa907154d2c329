/* SPDX-License-Identifier: Apache-2.0 */
#ifndef JWT_CLAIMS_H
#define JWT_CLAIMS_H

/* jwt_claims: what a verified token says, and whether that is enough (RFC 7519 4.1). Pure. */

#include <jansson.h>

#include "model/mw_conf_token.h"

/* The claim of this name; else, for a name with dots, the member of nested objects. NULL: none. */
const json_t *jwt_claims_find(const json_t *claims, struct str name);
/*
 * As a header's value: texts as they are, numbers and booleans as JSON, lists of these joined by
 * ','. {0}: none, or nothing that a header may hold (objects, control characters, over 4 KiB).
 */
struct str jwt_claims_text(const json_t *claims, struct str name, struct arena *arena);
/* Issuer, audience and times; NULL: right, else a reason for people. */
const char *jwt_claims_fault(const json_t *claims, const struct mwc_jwt *conf, uint64_t wall_ns);
/* Whether all that is required is there; *ret_missing names the first claim that is not. */
bool jwt_claims_suffice(const json_t *claims, const struct list_of *required,
			struct str *ret_missing);

#endif
