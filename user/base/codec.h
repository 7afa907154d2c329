/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CODEC_H
#define CODEC_H

/* codec: base64, hexadecimal, random bytes, and comparison that takes the same time whatever
 * differs. */

#include <stdbool.h>
#include <stddef.h>

#include "base/arena.h"
#include "base/str.h"

/* Standard alphabet with padding; strict: anything else is -EINVAL. */
int codec_base64_decode(struct str text, struct arena *arena, struct str *ret_bytes);
struct str codec_base64_encode(struct str bytes, struct arena *arena);
void codec_hex(const unsigned char *bytes, size_t n, char *ret_text); /* 2n chars and a NUL */
/* Cryptographic randomness (getrandom); never fails. */
void codec_random(void *ret_bytes, size_t n);
/* Constant time in the content; lengths are not secret. */
bool codec_equal_secret(struct str a, struct str b);

#endif
