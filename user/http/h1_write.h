/* SPDX-License-Identifier: Apache-2.0 */
#ifndef H1_WRITE_H
#define H1_WRITE_H

/*
 * h1_write: heads and chunk framing of HTTP/1, made anew from the parsed message, never copied from
 * the wire.
 *
 * Hop-by-hop fields never pass (RFC 9110 7.6.1): Connection, Keep-Alive, Proxy-Connection,
 * Proxy-Authenticate, Proxy-Authorization, TE (but "trailers"), Transfer-Encoding,
 * Upgrade (but a granted one), and what Connection nominates, except the protected list
 * (h1_write_is_protected). Content-Length and Transfer-Encoding are written from the framing facts,
 * once. Pure; writes into the caller's buffer.
 */

#include <sys/types.h>

#include "http/fail.h"
#include "http/message.h"

struct h1_request_options {
	struct str host; /* replaces request->authority when not empty (passHostHeader: false) */
	struct str path; /* stands in front of raw_path; escaped, without a slash at its end */
};

/*
 * The head towards an upstream, HTTP/1.1: raw_path, query, authority, headers; framing from
 * request->body and content_length; "Connection: Upgrade" when request->upgrade. Returns its
 * length, or -ENOSPC.
 */
ssize_t h1_write_request(const struct request *request, const struct h1_request_options *options,
			 char *out, size_t cap);

/* How a response goes to this client: the body's framing and the fate of the connection. */
struct h1_framing {
	uint8_t body;	       /* enum body_kind of what is sent */
	bool keep_alive;       /* afterwards; says also which Connection header is written */
	bool announces_length; /* write Content-Length: response->content_length */
	bool is_old;	       /* the client speaks HTTP/1.0 */
	bool upgraded;	       /* 101 to an upgrade */
};

/*
 * Decides it from both messages (RFC 9112 6.3, 9.3): no body for HEAD, 1xx, 204, 304; a body of
 * unknown length is chunked for HTTP/1.1 and ends by close for 1.0. may_keep is the proxy's own
 * wish (false when draining).
 */
struct h1_framing h1_frame_response(const struct request *request, const struct response *response,
				    bool may_keep);

/*
 * The head towards the client, always "HTTP/1.1": a sender's own version (RFC 9110 2.5). date is
 * added when the response has none (empty: not added). Returns its length, or -ENOSPC.
 */
ssize_t h1_write_response(const struct response *response, const struct h1_framing *framing,
			  struct str date, char *out, size_t cap);

/* A whole answer for a failure: head and (unless asked by HEAD) body. closes: say Connection:
 * close. */
ssize_t h1_write_fail(enum fail fail, bool head_only, bool closes, struct str date, char *out,
		      size_t cap);
/* "HTTP/1.1 100 Continue\r\n\r\n" */
struct str h1_write_continue(void);

enum { H1_CHUNK_HEAD_MAX = 18 }; /* 16 digits, CR LF */

/* "1a\r\n"; the data and a CR LF follow. n > 0. Returns its length. */
size_t h1_write_chunk_head(uint64_t n, char out[H1_CHUNK_HEAD_MAX]);
/* "0\r\n", the trailers (NULL: none), "\r\n". Returns the length, or -ENOSPC. */
ssize_t h1_write_last_chunk(const struct headers *trailers, char *out, size_t cap);

/* Names that a Connection header cannot take away (reference/security.md A2.4), '_' counted as '-'.
 */
bool h1_write_is_protected(struct str name);
/* Whether some Connection line names it, and may: it ends at this hop. */
bool h1_write_is_nominated(const struct headers *headers, struct str name);

#endif
