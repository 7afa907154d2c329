/* SPDX-License-Identifier: Apache-2.0 */
#ifndef GUARD_H
#define GUARD_H

/*
 * guard: input that ends where memory ends. The byte after the text is in a page that cannot be
 * read, so that a parser that looks one byte too far crashes the test, whatever the allocator has
 * behind it.
 */

#include "base/str.h"

/* A copy of text that ends at an unmapped page; give it back with guard_free(). Fails the test on
 * no memory. */
struct str guard_copy(struct str text);
void guard_free(struct str copy);

#endif
