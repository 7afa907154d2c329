/* SPDX-License-Identifier: Apache-2.0 */
#ifndef REGEX_H
#define REGEX_H

/*
 * regex: Go's RE2 dialect in linear time, by libre2 behind regex_re2.cc (patterns come from users,
 * input from attackers). Unanchored, leftmost-first, case-sensitive unless the pattern says (?i).
 * Compiled expressions are immutable and thread-safe; memory per expression is bounded
 * (REGEX_MEM_BYTES).
 */

#include <stdbool.h>
#include <stddef.h>

#include "base/arena.h"
#include "base/str.h"

struct regex;

/* NULL on a bad pattern, with a message (borrowed from message[], NUL-terminated). */
struct regex *regex_new(struct str pattern, char *message, size_t message_size);
void regex_free(struct regex *regex);
bool regex_match(const struct regex *regex, struct str text);
/* Leftmost match at or after from; groups[0] is the whole match; a group that did not take part is
 * {NULL,0}. */
bool regex_find(const struct regex *regex, struct str text, size_t from, struct str *ret_groups,
		size_t n_groups);
int regex_group_count(const struct regex *regex);
/* Index of a named group, or -1. */
int regex_group_index(const struct regex *regex, struct str name);
/* Go's ReplaceAllString: $1 ${1} $name ${name} $$; "$1x" is the group named "1x" (empty when
 * unknown). */
struct str regex_replace_all(const struct regex *regex, struct str text, struct str replacement,
			     struct arena *arena);

/* Many patterns at once: which of them match, in one pass (RE2::Set). */
struct regex_set;
struct regex_set *regex_set_new(void);
void regex_set_free(struct regex_set *set);
/* Index of the added pattern, or -1 for a bad one. */
int regex_set_add(struct regex_set *set, struct str pattern);
/* After the last pattern; 0. A set that is too large to be one automaton tries each pattern alone.
 */
int regex_set_compile(struct regex_set *set);
/* Calls each(context, index) for every matching pattern, in increasing index order; returns how
 * many. */
size_t regex_set_match(const struct regex_set *set, struct str text,
		       void (*each)(void *context, int index), void *context);

#endif
