/* SPDX-License-Identifier: Apache-2.0 */
#ifndef STR_H
#define STR_H

/*
 * str: borrowed text, a pointer and a length. Never owns, never NUL-terminated by contract, may
 * hold any byte. The empty string is {NULL or anything, 0}. Passed by value. Thread-safe (pure).
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct str {
	const char *at;
	size_t len;
};

#define STR(literal)  ((struct str){(literal), sizeof(literal) - 1})
#define STR_FMT	      "%.*s"
#define STR_ARG(text) (int)(text).len, (text).at

static inline struct str str_of(const char *cstring)
{
	return (struct str){cstring, cstring ? strlen(cstring) : 0};
}

static inline struct str str_n(const char *at, size_t len)
{
	return (struct str){at, len};
}

static inline bool str_eq(struct str a, struct str b)
{
	return a.len == b.len && (a.len == 0 || memcmp(a.at, b.at, a.len) == 0);
}

/* The part of text from index n on; empty when n is beyond the end. */
static inline struct str str_from(struct str text, size_t n)
{
	return n < text.len ? (struct str){text.at + n, text.len - n} : (struct str){0};
}

/* The first n bytes (all of them when text is shorter). */
static inline struct str str_take(struct str text, size_t n)
{
	return (struct str){text.at, n < text.len ? n : text.len};
}

static inline bool str_starts(struct str text, struct str prefix)
{
	return text.len >= prefix.len &&
	       (prefix.len == 0 || memcmp(text.at, prefix.at, prefix.len) == 0);
}

static inline bool str_ends(struct str text, struct str suffix)
{
	return text.len >= suffix.len && (suffix.len == 0 || memcmp(text.at + text.len - suffix.len,
								    suffix.at, suffix.len) == 0);
}

static inline char ascii_lower(char c)
{
	return c >= 'A' && c <= 'Z' ? (char)(c | 0x20) : c;
}

/* ASCII case-insensitive equality; other bytes compare as they are. */
bool str_eq_nocase(struct str a, struct str b);
bool str_starts_nocase(struct str text, struct str prefix);
/* Lexicographic by unsigned byte: <0, 0, >0. */
int str_cmp(struct str a, struct str b);
/* Index of the first c / the last c / the first occurrence of part, or -1. */
ptrdiff_t str_find(struct str text, char c);
ptrdiff_t str_rfind(struct str text, char c);
ptrdiff_t str_search(struct str text, struct str part);
/* Removes spaces and tabs (and, for str_trim_space, every ASCII space incl. CR LF) at both ends. */
struct str str_trim(struct str text);
struct str str_trim_space(struct str text);
/*
 * Takes the next piece of *rest up to sep (or all of it), advances *rest past sep, returns whether
 * there was a piece: a,b,, gives "a" "b" "" "". rest->at becomes NULL when everything was taken.
 */
bool str_next(struct str *rest, char sep, struct str *ret_piece);
/* Bytes of the UTF-8 character at the start of text (RFC 3629); 0 when it is empty or not UTF-8. */
size_t str_utf8_len(struct str text);
/* Damerau-Levenshtein distance, capped: used for "did you mean" suggestions. */
size_t str_distance(struct str a, struct str b);
/* The candidate nearest to text if it is near enough to be a typing error, else {0}. */
struct str str_nearest(struct str text, const struct str *candidates, size_t n);

/* Lists of strings and of string pairs, as manifests have them. Arena-owned. */
struct strs {
	struct str *at;
	size_t n;
};

struct str_pair {
	struct str key, value;
};

struct str_map {
	struct str_pair *at;
	size_t n;
};

#endif
