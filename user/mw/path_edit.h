/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PATH_EDIT_H
#define PATH_EDIT_H

/*
 * path_edit: what the middlewares that change paths have in common (reference/traefik.md c.1): the
 * decoded and the escaped path stay in step, and what a change uncovers is judged. Pure but for the
 * request.
 */

#include "mw/mw.h"

/* The escaped path behind the first n bytes of the decoded one, beginning with a slash. */
struct str path_edit_behind(struct str raw, size_t n, struct arena *arena);
/*
 * Removes the prefix that the decoded path begins with, and tells it in X-Forwarded-Prefix.
 * MW_REPLY (400) when what is left would be read in different ways: reference k.14.
 */
enum mw_verdict path_edit_cut(struct mw_call *call, struct str prefix);
/*
 * Puts an escaped path in place, and tells the old one in X-Replaced-Path. MW_REPLY: 500 for a bad
 * escape; with strict 400 for what is not canonical; else it stays as it is written.
 */
enum mw_verdict path_edit_replace(struct mw_call *call, struct str raw, bool strict);
/* The first bad escape of a path as Go's url.PathUnescape names it ("%zz"), or {0}. */
struct str path_edit_bad_escape(struct str raw);

/* The answers. */
enum mw_verdict path_edit_bad_request(struct mw_call *call);

#endif
