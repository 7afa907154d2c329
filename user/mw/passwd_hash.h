/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PASSWD_HASH_H
#define PASSWD_HASH_H

/*
 * passwd_hash: the password hashes of htpasswd files (reference/traefik.md c.7): {SHA}, bcrypt, and
 * MD5-crypt with $apr1$ or $1$. Anything else is known as such and never matches. Pure; passwords
 * may hold any byte, and a NUL never shortens one (reference/security.md A2.8).
 */

#include <stdbool.h>

#include "base/str.h"

enum passwd_hash_kind {
	PASSWD_HASH_OTHER, /* never matches */
	PASSWD_HASH_SHA,   /* {SHA}base64: fast */
	PASSWD_HASH_MD5,   /* a thousand rounds: slow */
	PASSWD_HASH_BCRYPT /* as slow as it says */
};

enum { PASSWD_HASH_TEXT_MAX = 128 };

enum passwd_hash_kind passwd_hash_kind(struct str hash);
/* Whether it belongs on another thread than one that serves. */
bool passwd_hash_is_slow(enum passwd_hash_kind kind);
bool passwd_hash_verify(struct str hash, struct str password);
/* "{SHA}..." of a password; NUL-terminated in out. */
struct str passwd_hash_sha(struct str password, char out[PASSWD_HASH_TEXT_MAX]);

#endif
