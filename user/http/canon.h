/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CANON_H
#define CANON_H

/*
 * canon: one canonical host and path per request, made once, before routing, and used by rules,
 * middlewares and the wire alike (reference/traefik.md b.2 and e; reference/security.md A2.3).
 *
 * Path, in this order: '#' and bad escapes are refused; escapes become upper case, escaped
 * unreserved characters are decoded, bytes that no path may hold are escaped; then (sanitize)
 * duplicate slashes and dot segments go, never above the root; a final slash stays. Refused in any
 * case, since servers read them in different ways: a dot segment with parameters ("..;"), and ".."
 * beside an encoded slash or backslash. A path that is canonical already (nearly all) is found so
 * in one scan, and nothing is copied.
 */

#include "http/fail.h"
#include "http/message.h"

/* Entry-point option http.encodedCharacters: a set bit denies that character in its escaped form.
 */
enum canon_encoded {
	CANON_ENCODED_SLASH = 1 << 0,
	CANON_ENCODED_BACKSLASH = 1 << 1,
	CANON_ENCODED_NUL = 1 << 2,
	CANON_ENCODED_SEMICOLON = 1 << 3,
	CANON_ENCODED_PERCENT = 1 << 4,
	CANON_ENCODED_QUESTION_MARK = 1 << 5,
	CANON_ENCODED_HASH = 1 << 6,
	CANON_ENCODED_ALL = (1 << 7) - 1,
};

struct canon_options {
	bool keep_path;		      /* http.sanitizePath: false */
	bool encode_query_semicolons; /* ';' in a query becomes %3B; else it becomes '&' */
};

/*
 * Fills host, raw_path, path, routing_path, query from authority, raw_path and query as they were
 * received. Copies only what changes, into request->arena. Returns FAIL_NONE, or why not;
 * FAIL_SERVER_OPTIONS for "OPTIONS *", which the proxy answers itself.
 */
enum fail canon_request(struct request *request, const struct canon_options *options);
/* The same in two steps, for who can use the host while the path is not known yet. */
enum fail canon_request_host(struct request *request);
enum fail canon_request_path(struct request *request, const struct canon_options *options);
/*
 * For middlewares that replace the path: raw_path is escaped, must begin with '/', and is made
 * canonical again (a rewritten path is always sanitised). request is untouched on failure.
 */
enum fail canon_set_path(struct request *request, struct str raw_path);
/* The same for a path that an administrator wrote: double slashes and dot segments stay. */
enum fail canon_set_path_kept(struct request *request, struct str raw_path);
/* FAIL_ENCODED_CHARACTER when a canonical raw path holds a denied escape (bits of enum
 * canon_encoded). */
enum fail canon_check_encoded(struct str raw_path, unsigned int denied);
/*
 * Lower case, without port, brackets and one final dot; aliases authority when nothing changes.
 * False when it is not well-formed or memory is short. Also for names from SNI.
 */
bool canon_host(struct str authority, struct arena *arena, struct str *ret_host);
/* The routing path of a canonical raw path: decoded but for the reserved set. {0} when memory is
 * short. */
struct str canon_routing_path(struct str raw_path, struct arena *arena);

#endif
