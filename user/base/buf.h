/* SPDX-License-Identifier: Apache-2.0 */
#ifndef BUF_H
#define BUF_H

/*
 * buf: a growing byte buffer with a mandatory maximum, for text that is built (config, API, logs):
 * not for the request path. Going over max_bytes, or out of memory, sets failed (sticky) and drops
 * the rest. Owns its memory. Not thread-safe.
 */

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>

#include "base/str.h"

struct buf {
	char *at;
	size_t len, cap_bytes, max_bytes;
	bool failed;
};

void buf_init(struct buf *buf, size_t max_bytes);
void buf_done(struct buf *buf);
void buf_clear(struct buf *buf);
void buf_add(struct buf *buf, struct str text);
void buf_add_char(struct buf *buf, char c);
void buf_addf(struct buf *buf, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* Adds text as the inside of a JSON string: quotes, backslash, control and invalid UTF-8 bytes
 * escaped. */
void buf_add_json(struct buf *buf, struct str text);
/* What is in it; borrowed, valid until the next change. Always followed by a NUL. */
struct str buf_str(const struct buf *buf);

#endif
