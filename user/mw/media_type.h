/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MEDIA_TYPE_H
#define MEDIA_TYPE_H

/* media_type: the value of a Content-Type, read as Go's mime.ParseMediaType reads it, since that
 * decides what Traefik compresses. Pure. */

#include "mw/mw.h"

enum { MEDIA_TYPE_MAX = 255 }; /* longer ones are malformed */

/*
 * The bare type ("text/html", in the case it came in) with blanks and parameters removed. False
 * when the type or its parameters are malformed; *ret_type is then the type if that at least was
 * right, else {0}.
 */
bool media_type_parse(struct str value, struct str *ret_type);
/* Lower-cased copies of types as manifests have them; -EINVAL with diags under path. */
int media_type_prepare(struct mw_prepare *prepare, const struct strs *types,
		       const struct diag_path *path, struct strs *ret_types);
/* Whether a type is in a list made by media_type_prepare(), without case. */
bool media_type_in(struct str type, const struct strs *types);

#endif
