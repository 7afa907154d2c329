/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HEADER_H
#define HEADER_H

/*
 * header: the ordered header list. Names compare without case. Known names are found by id, others
 * by text. Additions that find no room (arena cap) are dropped and set headers->arena->failed.
 * Names and values given by callers are borrowed: copy them into the arena first when they do not
 * live as long as the exchange.
 */

#include "http/message.h"

/* In http/header_id.c. */
enum header_id header_id_of(struct str name);
struct str header_name_of(enum header_id id); /* canonical spelling, "X-Forwarded-For" */

/* Makes room for one more; false (and arena->failed) when there is none. The new slot is at[n]. */
bool header_room(struct headers *headers);
/* First one with this id / name, or NULL. */
struct header *header_find(struct headers *headers, enum header_id id);
struct header *header_find_name(struct headers *headers, struct str name);
/* The next one after header with the same name, or NULL. */
struct header *header_next_same(struct headers *headers, const struct header *header);
/* Value of the first one, or {NULL, 0}: tell "absent" from "empty" by .at. */
struct str header_value(const struct headers *headers, enum header_id id);
void header_add(struct headers *headers, struct str name, struct str value);
void header_add_id(struct headers *headers, enum header_id id, struct str value);
/* Removes all of that name, then adds one (in the place of the first). */
void header_set(struct headers *headers, struct str name, struct str value);
void header_set_id(struct headers *headers, enum header_id id, struct str value);
void header_remove(struct headers *headers, struct str name);
void header_remove_id(struct headers *headers, enum header_id id);
/* All values of a name joined by ", " in the arena; the one value itself when there is only one. */
struct str header_joined(struct headers *headers, enum header_id id);
/* RFC 9110 5.6.1 lists: whether a comma-separated list holds token, without case. */
bool header_list_has(struct str value, struct str token);
/* Value of a cookie by exact name in a Cookie header, or {NULL, 0} (RFC 6265 5.4). */
struct str header_cookie(const struct headers *headers, struct str name);
/* Token characters of RFC 9110 5.6.2, and field-value bytes without CR, LF, NUL. */
bool header_name_valid(struct str name);
bool header_value_valid(struct str value);
/* As a quoted-string (RFC 9110 5.6.4), quotes included; text is a valid value. */
struct str header_quoted(struct str text, struct arena *arena);

#endif
