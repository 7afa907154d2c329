/* SPDX-License-Identifier: Apache-2.0 */
#ifndef URL_TEXT_H
#define URL_TEXT_H

/*
 * url_text: whether a text is a URL as Go's net/url takes it, and how Go would print it: for
 * targets that are made from expressions (reference/traefik.md c.2). Looser than http/uri.h, which
 * judges what clients send. Pure.
 */

#include "base/arena.h"
#include "base/str.h"

/*
 * 0 with the URL printed: scheme in lower case, what no path, host or fragment may hold escaped.
 * -EINVAL: not a URL; *ret_why says why. -ENOMEM.
 */
int url_text_print(struct str text, struct arena *arena, struct str *ret_url, const char **ret_why);

#endif
