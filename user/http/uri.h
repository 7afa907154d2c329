/* SPDX-License-Identifier: Apache-2.0 */
#ifndef URI_H
#define URI_H

/*
 * uri: request targets and http(s) URLs in pieces (RFC 3986, RFC 9112 3.2), and percent encoding.
 * Pure; the pieces point into the text. What cannot be represented is refused.
 */

#include "http/fail.h"
#include "http/message.h"

enum uri_form {
	URI_ORIGIN,   /* /path?query */
	URI_ABSOLUTE, /* http://host/path?query */
	URI_ASTERISK, /* *, for OPTIONS only */
};

struct uri {
	uint8_t form; /* enum uri_form */
	bool has_query;
	struct str scheme;    /* absolute only, as written */
	struct str authority; /* absolute only: host[:port]; may be empty */
	struct str
		path; /* escaped; never empty: "/" when the text had none, "*" for the asterisk */
	struct str query; /* without '?' */
};

/* FAIL_NONE, FAIL_TARGET_BAD, FAIL_FRAGMENT, or FAIL_HOST_BAD. */
enum fail uri_parse(struct str target, enum http_method method, struct uri *ret_uri);
/*
 * host[:port] in pieces: brackets removed, port without ':' (empty when there is none). False when
 * it is not a name of RFC 3986 characters (no escapes, no comma), an IPv4 or a bracketed IPv6
 * address, or the port is no number up to 65535. An empty authority is well-formed.
 */
bool uri_split_authority(struct str authority, struct str *ret_host, struct str *ret_port);
/* Percent-decodes; plus_is_space for queries. -EINVAL for a bad escape, -ENOMEM. Aliases text when
 * it has none. */
int uri_decode(struct str text, bool plus_is_space, struct arena *arena, struct str *ret_text);
/* As Go's url.QueryEscape: everything but unreserved becomes %XX, space becomes '+'. {0} when out
 * of memory. */
struct str uri_encode_query(struct str text, struct arena *arena);
/*
 * As Go's path escaping of a decoded path: unreserved and $&+,/:;=@ stay. {0} when out of memory.
 */
struct str uri_encode_path(struct str path, struct arena *arena);
/* A-Z a-z 0-9 - . _ ~ */
bool uri_is_unreserved(unsigned char c);
/* 0..15, or -1. */
int uri_hex(unsigned char c);

#endif
