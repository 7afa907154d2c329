/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FAIL_H
#define FAIL_H

/*
 * fail: every way in which the proxy ends a request by itself, once.
 *
 * One row: id, HTTP status, whether the client connection closes after the answer, the word in logs
 * and metrics, the body (the reference's proxy errors carry the status text), and the sentence for
 * people. Parse failures always close: the next message boundary is not known (RFC 9112 2.2, 11.2).
 */

#include <stdbool.h>
#include <stdint.h>

#include "base/str.h"

/* clang-format off */
#define FAIL_LIST(X) \
	/* request line and target */ \
	X(METHOD_BAD, 400, true, "method-bad", "Bad Request", \
	  "the method is empty or not a token") \
	X(TARGET_BAD, 400, true, "target-bad", "Bad Request", \
	  "the request target is empty, holds a forbidden byte, or has a form that the " \
	  "method does not allow") \
	X(VERSION_BAD, 400, true, "version-bad", "Bad Request", \
	  "the version is not written HTTP/digit.digit") \
	X(VERSION_UNSUPPORTED, 505, true, "version-unsupported", "HTTP Version Not Supported", \
	  "the major version is not 1") \
	X(CONNECT_REFUSED, 501, true, "connect-refused", "Not Implemented", \
	  "CONNECT is not offered") \
	X(SERVER_OPTIONS, 200, false, "server-options", "", \
	  "OPTIONS * asks about the proxy itself") \
	/* field lines */ \
	X(LINE_END_BAD, 400, true, "line-end-bad", "Bad Request", \
	  "a line does not end in CR LF, or holds a bare CR") \
	X(HEADER_NAME_BAD, 400, true, "header-name-bad", "Bad Request", \
	  "a header name is empty, not a token, or followed by a blank") \
	X(HEADER_VALUE_BAD, 400, true, "header-value-bad", "Bad Request", \
	  "a header value holds a control character") \
	X(HEADER_FOLDED, 400, true, "header-folded", "Bad Request", \
	  "a header line begins with a blank") \
	X(HEADER_UNDERSCORE, 400, true, "header-underscore", "Bad Request\n", \
	  "a header name holds an underscore, and the entry point rejects those") \
	X(HEAD_TOO_LARGE, 431, true, "head-too-large", "Request Header Fields Too Large", \
	  "request line and headers are larger than the limit") \
	X(TOO_MANY_HEADERS, 431, true, "too-many-headers", "Request Header Fields Too Large", \
	  "there are more headers than the limit") \
	/* host */ \
	X(HOST_MISSING, 400, true, "host-missing", "Bad Request", \
	  "an HTTP/1.1 request has no Host header") \
	X(HOST_REPEATED, 400, true, "host-repeated", "Bad Request", \
	  "there is more than one Host header") \
	X(HOST_BAD, 400, true, "host-bad", "Bad Request", \
	  "the host is not a name, an IPv4 address or a bracketed IPv6 address with an " \
	  "optional port") \
	/* framing */ \
	X(LENGTH_BAD, 400, true, "length-bad", "Bad Request", \
	  "Content-Length is not a number from 0 to 2^63-1") \
	X(LENGTH_DIFFERS, 400, true, "length-differs", "Bad Request", \
	  "Content-Length is given twice with different values") \
	X(LENGTH_AND_CODING, 400, true, "length-and-coding", "Bad Request", \
	  "both Content-Length and Transfer-Encoding are given") \
	X(CODING_BAD, 400, true, "coding-bad", "Bad Request", \
	  "Transfer-Encoding is not exactly one chunked") \
	X(CODING_OLD_VERSION, 400, true, "coding-old-version", "Bad Request", \
	  "Transfer-Encoding is not known to HTTP/1.0") \
	X(CHUNK_SIZE_BAD, 400, true, "chunk-size-bad", "Bad Request", \
	  "a chunk size is not 1 to 16 hexadecimal digits below 2^63") \
	X(CHUNK_BAD, 400, true, "chunk-bad", "Bad Request", \
	  "a chunk line or its data does not end in CR LF") \
	X(CHUNK_OVERHEAD, 400, true, "chunk-overhead", "Bad Request", \
	  "chunk framing outweighs the data by far") \
	X(TRAILER_BAD, 400, true, "trailer-bad", "Bad Request", \
	  "a trailer line is malformed") \
	X(TRAILER_TOO_LARGE, 431, true, "trailer-too-large", "Request Header Fields Too Large", \
	  "the trailers are larger than the limit") \
	X(BODY_CUT, 400, true, "body-cut", "Bad Request", \
	  "the peer closed before the body was complete") \
	X(EXPECTATION, 417, true, "expectation", "Expectation Failed", \
	  "Expect holds something else than 100-continue") \
	/* canonical form */ \
	X(ESCAPE_BAD, 400, true, "escape-bad", "Bad Request", \
	  "a percent sign is not followed by two hexadecimal digits") \
	X(FRAGMENT, 400, true, "fragment", "Bad Request", \
	  "the target holds a fragment") \
	X(PATH_AMBIGUOUS, 400, true, "path-ambiguous", "Bad Request", \
	  "the path holds a dot segment that servers read in different ways") \
	X(ENCODED_CHARACTER, 400, true, "encoded-character", "Bad Request", \
	  "the path holds an encoded character that the entry point denies") \
	/* routing and limits */ \
	X(NO_ROUTE, 404, false, "no-route", "404 page not found\n", \
	  "no router matches") \
	X(MISDIRECTED, 421, false, "misdirected", "Misdirected Request\n", \
	  "the host needs other TLS options than the connection was opened with") \
	X(NO_SERVER, 503, false, "no-server", "no available server\n", \
	  "the service has no server that can take the request") \
	X(SERVICE_BROKEN, 503, false, "service-broken", "Service Unavailable", \
	  "the route cannot be served as it is configured") \
	X(BODY_TOO_LARGE, 413, true, "body-too-large", "Request Entity Too Large", \
	  "the body is larger than the limit") \
	X(BODY_TOO_LARGE_TO_REPEAT, 413, true, "body-too-large-to-repeat", \
	  "Request body too large\n", \
	  "the body is larger than what a failover service keeps to send it once more") \
	X(TOO_MANY_CONNECTIONS, 503, true, "too-many-connections", "Service Unavailable", \
	  "the limit of connections is reached") \
	X(OVERLOADED, 503, true, "overloaded", "Service Unavailable", \
	  "the proxy has no room for another request") \
	X(REQUEST_TIMEOUT, 408, true, "request-timeout", "Request Timeout", \
	  "the request did not arrive in time") \
	X(CLIENT_CLOSED, 499, true, "client-closed", "Client Closed Request", \
	  "the client went away") \
	X(BODY_NOT_KEPT, 500, true, "body-not-kept", "Internal Server Error", \
	  "the request's body must be kept, and there is no room for it on the disk") \
	X(INTERNAL, 500, true, "internal", "Internal Server Error", \
	  "the proxy failed") \
	/* upstream */ \
	X(DIAL_FAILED, 502, false, "dial-failed", "Bad Gateway", \
	  "no connection to the server could be made") \
	X(DIAL_TIMEOUT, 504, false, "dial-timeout", "Gateway Timeout", \
	  "the server did not take the connection in time") \
	X(UPSTREAM_CLOSED, 502, false, "upstream-closed", "Bad Gateway", \
	  "the server closed before its answer was complete") \
	X(UPSTREAM_TIMEOUT, 504, false, "upstream-timeout", "Gateway Timeout", \
	  "the server did not answer in time") \
	X(UPSTREAM_BAD, 502, false, "upstream-bad", "Bad Gateway", \
	  "the server's answer is not valid HTTP/1") \
	X(UPSTREAM_HEAD_LARGE, 502, false, "upstream-head-large", "Bad Gateway", \
	  "the head of the server's answer is larger than the limit") \
	X(UPSTREAM_FRAMING, 502, false, "upstream-framing", "Bad Gateway", \
	  "the length of the server's answer is ambiguous") \
	X(UPSTREAM_SWITCH, 502, false, "upstream-switch", "Bad Gateway", \
	  "the server switched protocols unasked") \
	X(UPSTREAM_TLS, 502, false, "upstream-tls", "Bad Gateway", \
	  "the TLS handshake with the server failed") \
	X(UPSTREAM_CERT, 500, false, "upstream-cert", "Internal Server Error", \
	  "the server's certificate is not accepted, or the server does not speak TLS")
/* clang-format on */

enum fail {
	FAIL_NONE,
#define FAIL_ENUM(id, status, closes, log, body, sentence) FAIL_##id,
	FAIL_LIST(FAIL_ENUM)
#undef FAIL_ENUM
		FAIL__COUNT,
};

struct fail_row {
	uint16_t status;
	bool closes;	     /* the client connection cannot go on */
	struct str log;	     /* "no-route": log field and metric label */
	struct str body;     /* what is sent */
	struct str sentence; /* what is said to people */
};

/* The row of any value from FAIL_NONE (status 0) to FAIL__COUNT - 1. */
const struct fail_row *fail_row(enum fail fail);

#endif
