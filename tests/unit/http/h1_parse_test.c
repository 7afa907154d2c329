// SPDX-License-Identifier: Apache-2.0
/*
 * h1_parse_test: heads as tables. Every row runs on guard pages, whole and in every prefix: a
 * prefix may only be incomplete or fail, and once it fails every longer one fails in the same way.
 */

#include "http/h1_parse.h"

#include <errno.h>

#include "check.h"
#include "guard.h"
#include "http/header.h"

enum { SLOTS = 32 };

static const struct h1_limits limits = {.max_head_bytes = 512, .max_headers = 12};

struct request_row {
	const char *name;
	struct str text;
	enum fail fail;
	enum body_kind body;
	int64_t length;
	const char *flags; /* k keep-alive, e expects 100, u upgrade, a absolute-form, o HTTP/1.0 */
};

#define GET	 "GET / HTTP/1.1\r\nHost: a\r\n"
#define POST	 "POST / HTTP/1.1\r\nHost: a\r\n"
#define OLD_GET	 "GET / HTTP/1.0\r\n"
#define OLD_POST "POST / HTTP/1.0\r\n"
#define GOOD(name, flags, text)                                                \
	{                                                                      \
		name, {text, sizeof(text) - 1}, FAIL_NONE, BODY_NONE, 0, flags \
	}
#define BODY(name, kind, length, flags, text)                                  \
	{                                                                      \
		name, {text, sizeof(text) - 1}, FAIL_NONE, kind, length, flags \
	}
#define BAD(name, fail, text)                                                 \
	{                                                                     \
		name, {text, sizeof(text) - 1}, FAIL_##fail, BODY_NONE, 0, "" \
	}

/* clang-format off */
static const struct request_row request_rows[] = {
	/* RFC 9112 2.2: line structure */
	GOOD("a plain request", "k", GET "\r\n"),
	GOOD("2.2: one empty line before the request line is ignored", "k", "\r\n" GET "\r\n"),
	BAD("2.2: two of them are not", METHOD_BAD, "\r\n\r\n" GET "\r\n"),
	BAD("2.2: a bare LF ends no request line", LINE_END_BAD, "GET / HTTP/1.1\nHost: a\r\n\r\n"),
	BAD("2.2: a bare LF ends no field line", LINE_END_BAD, "GET / HTTP/1.1\r\nHost: a\n\r\n"),
	BAD("2.2: a bare LF ends no head", LINE_END_BAD, GET "\n"),
	BAD("2.2: a bare CR in a value", LINE_END_BAD, GET "X: a\rb\r\n\r\n"),
	BAD("2.2: a bare CR in place of a line", LINE_END_BAD, GET "\rX: a\r\n\r\n"),
	BAD("2.2: a bare CR after the version", LINE_END_BAD, "GET / HTTP/1.1\rHost: a\r\n\r\n"),
	BAD("2.2: a bare LF first", METHOD_BAD, "\n" GET "\r\n"),
	BAD("2.2: a CR and something else first", LINE_END_BAD, "\rGET / HTTP/1.1\r\nHost: a\r\n\r\n"),
	BAD("2.2: blanks between start line and first field", HEADER_FOLDED, "GET / HTTP/1.1\r\n Host: a\r\n\r\n"),
	BAD("2.2: a line of blanks between start line and first field", HEADER_FOLDED, "GET / HTTP/1.1\r\n \r\nHost: a\r\n\r\n"),
	/* RFC 9112 2.3: version */
	GOOD("2.3: HTTP/1.0 without Host", "o", OLD_GET "\r\n"),
	GOOD("9110 2.5: a higher minor version is read as 1.1", "k", "GET / HTTP/1.7\r\nHost: a\r\n\r\n"),
	BAD("2.3: major version 2", VERSION_UNSUPPORTED, "GET / HTTP/2.0\r\nHost: a\r\n\r\n"),
	BAD("2.3: major version 0", VERSION_UNSUPPORTED, "GET / HTTP/0.9\r\nHost: a\r\n\r\n"),
	BAD("2.3: the name is case-sensitive", VERSION_BAD, "GET / http/1.1\r\nHost: a\r\n\r\n"),
	BAD("2.3: two digits in the minor version", VERSION_BAD, "GET / HTTP/1.10\r\nHost: a\r\n\r\n"),
	BAD("2.3: two digits in the major version", VERSION_BAD, "GET / HTTP/11.1\r\nHost: a\r\n\r\n"),
	BAD("2.3: a leading zero", VERSION_BAD, "GET / HTTP/01.1\r\nHost: a\r\n\r\n"),
	BAD("2.3: a comma", VERSION_BAD, "GET / HTTP/1,1\r\nHost: a\r\n\r\n"),
	BAD("2.3: no minor version", VERSION_BAD, "GET / HTTP/1\r\nHost: a\r\n\r\n"),
	BAD("2.3: a sign", VERSION_BAD, "GET / HTTP/+1.1\r\nHost: a\r\n\r\n"),
	BAD("2.3: another protocol", VERSION_BAD, "GET / HTTPS/1.1\r\nHost: a\r\n\r\n"),
	BAD("2.3: ICAP", VERSION_BAD, "GET / ICAP/1.0\r\nHost: a\r\n\r\n"),
	BAD("3: no version (HTTP/0.9)", VERSION_BAD, "GET /\r\n\r\n"),
	/* RFC 9112 3: request line */
	BAD("3: a blank after the version", VERSION_BAD, "GET / HTTP/1.1 \r\nHost: a\r\n\r\n"),
	BAD("3: two blanks before the version", VERSION_BAD, "GET /  HTTP/1.1\r\nHost: a\r\n\r\n"),
	BAD("3: two blanks before the target", TARGET_BAD, "GET  / HTTP/1.1\r\nHost: a\r\n\r\n"),
	BAD("3: a tab as blank", METHOD_BAD, "GET\t/ HTTP/1.1\r\nHost: a\r\n\r\n"),
	BAD("3: a tab before the version", TARGET_BAD, "GET /\tHTTP/1.1\r\nHost: a\r\n\r\n"),
	BAD("3: a leading blank", METHOD_BAD, " GET / HTTP/1.1\r\nHost: a\r\n\r\n"),
	BAD("3: a blank inside the target", VERSION_BAD, "GET /a b HTTP/1.1\r\nHost: a\r\n\r\n"),
	/* RFC 9112 3.1: method */
	BAD("3.1: no method", METHOD_BAD, " / HTTP/1.1\r\nHost: a\r\n\r\n"),
	BAD("3.1: a method that is no token", METHOD_BAD, "GE(T / HTTP/1.1\r\nHost: a\r\n\r\n"),
	BAD("3.1: a method with a NUL", METHOD_BAD, "GET\0 / HTTP/1.1\r\nHost: a\r\n\r\n"),
	BAD("3.1: a TLS hello", METHOD_BAD, "\x16\x03\x01\x02"),
	GOOD("3.1: an unknown method", "k", "PROPFIND / HTTP/1.1\r\nHost: a\r\n\r\n"),
	GOOD("3.1: methods are case-sensitive", "k", "get / HTTP/1.1\r\nHost: a\r\n\r\n"),
	BAD("d.5: CONNECT", CONNECT_REFUSED, "CONNECT a:443 HTTP/1.1\r\nHost: a:443\r\n\r\n"),
	BAD("d.5: CONNECT with a path", CONNECT_REFUSED, "CONNECT / HTTP/1.1\r\nHost: a\r\n\r\n"),
	/* RFC 9112 3.2: request target */
	GOOD("3.2.1: a query", "k", "GET /a?b=c&d HTTP/1.1\r\nHost: a\r\n\r\n"),
	GOOD("3.2.1: a long target", "k", "GET /aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa?bbbbbbbbbbbbbbbbbbbbb HTTP/1.1\r\nHost: a\r\n\r\n"),
	GOOD("3.2.2: absolute-form", "ka", "GET http://b/x HTTP/1.1\r\nHost: a\r\n\r\n"),
	GOOD("3.2.2: absolute-form without path", "ka", "GET http://b HTTP/1.1\r\nHost: a\r\n\r\n"),
	GOOD("3.2.2: absolute-form, scheme in capitals", "ka", "GET HTTPS://b/ HTTP/1.1\r\nHost: a\r\n\r\n"),
	GOOD("b.2: absolute-form with an empty host", "ka", "GET http://@/ HTTP/1.1\r\nHost: a\r\n\r\n"),
	BAD("9110 4.2.4: user information in a target", HOST_BAD, "GET http://u@b/ HTTP/1.1\r\nHost: a\r\n\r\n"),
	BAD("3.2.2: another scheme", TARGET_BAD, "GET ftp://b/ HTTP/1.1\r\nHost: a\r\n\r\n"),
	BAD("3.2.2: a bad host", HOST_BAD, "GET http://b\\c/ HTTP/1.1\r\nHost: a\r\n\r\n"),
	BAD("3.2.2: absolute-form needs a Host too", HOST_MISSING, "GET http://b/ HTTP/1.1\r\n\r\n"),
	BAD("3.2.3: authority-form", TARGET_BAD, "GET a:80 HTTP/1.1\r\nHost: a\r\n\r\n"),
	GOOD("3.2.4: asterisk-form", "k", "OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n"),
	BAD("3.2.4: asterisk-form is for OPTIONS only", TARGET_BAD, "GET * HTTP/1.1\r\nHost: a\r\n\r\n"),
	BAD("3.2: a path without a slash", TARGET_BAD, "GET a/b HTTP/1.1\r\nHost: a\r\n\r\n"),
	BAD("3.2: a query alone", TARGET_BAD, "GET ?a HTTP/1.1\r\nHost: a\r\n\r\n"),
	BAD("3.2: NUL in the target", TARGET_BAD, "GET /\0 HTTP/1.1\r\nHost: a\r\n\r\n"),
	BAD("3.2: a control character in the target", TARGET_BAD, "GET /\x01 HTTP/1.1\r\nHost: a\r\n\r\n"),
	BAD("3.2: DEL in the target", TARGET_BAD, "GET /aaaaaaaaaaaaaaaaaaaaaa\x7f HTTP/1.1\r\nHost: a\r\n\r\n"),
	BAD("3.2: a fragment", FRAGMENT, "GET /a#b HTTP/1.1\r\nHost: a\r\n\r\n"),
	BAD("3.2: a fragment in a query", FRAGMENT, "GET /a?b#c HTTP/1.1\r\nHost: a\r\n\r\n"),
	/* RFC 9112 3.2: Host */
	BAD("3.2: no Host in 1.1", HOST_MISSING, "GET / HTTP/1.1\r\n\r\n"),
	BAD("3.2: two Hosts", HOST_REPEATED, GET "Host: b\r\n\r\n"),
	BAD("3.2: two equal Hosts", HOST_REPEATED, GET "Host: a\r\n\r\n"),
	BAD("3.2: two Hosts in 1.0", HOST_REPEATED, OLD_GET "Host: a\r\nHost: a\r\n\r\n"),
	GOOD("3.2: an empty Host", "k", "GET / HTTP/1.1\r\nHost:\r\n\r\n"),
	GOOD("3.2: Host with a port", "k", "GET / HTTP/1.1\r\nHost: a:8080\r\n\r\n"),
	GOOD("3.2: Host with an empty port", "k", "GET / HTTP/1.1\r\nHost: a:\r\n\r\n"),
	GOOD("3.2: an IPv6 Host", "k", "GET / HTTP/1.1\r\nHost: [2001:db8::1]:80\r\n\r\n"),
	GOOD("3.2: an underscore in Host", "k", "GET / HTTP/1.1\r\nHost: a_b\r\n\r\n"),
	BAD("3.2: a path in Host", HOST_BAD, "GET / HTTP/1.1\r\nHost: a/b\r\n\r\n"),
	BAD("3.2: a blank in Host", HOST_BAD, "GET / HTTP/1.1\r\nHost: a b\r\n\r\n"),
	BAD("3.2: a list in Host", HOST_BAD, "GET / HTTP/1.1\r\nHost: a,b\r\n\r\n"),
	BAD("3.2: user information in Host", HOST_BAD, "GET / HTTP/1.1\r\nHost: u@a\r\n\r\n"),
	BAD("3.2: a port that is no number", HOST_BAD, "GET / HTTP/1.1\r\nHost: a:http\r\n\r\n"),
	BAD("3.2: a port that is too large", HOST_BAD, "GET / HTTP/1.1\r\nHost: a:65536\r\n\r\n"),
	BAD("3.2: two ports", HOST_BAD, "GET / HTTP/1.1\r\nHost: a:1:2\r\n\r\n"),
	BAD("3.2: an open bracket", HOST_BAD, "GET / HTTP/1.1\r\nHost: [::1\r\n\r\n"),
	BAD("3.2: text after a bracket", HOST_BAD, "GET / HTTP/1.1\r\nHost: [::1]a\r\n\r\n"),
	BAD("3.2: no address in brackets", HOST_BAD, "GET / HTTP/1.1\r\nHost: [a]\r\n\r\n"),
	BAD("3.2: IPv6 without brackets", HOST_BAD, "GET / HTTP/1.1\r\nHost: ::1\r\n\r\n"),
	BAD("3.2: bytes beyond ASCII in Host", HOST_BAD, "GET / HTTP/1.1\r\nHost: \xc3\xa9\r\n\r\n"),
	BAD("3.2: an escape in Host", HOST_BAD, "GET / HTTP/1.1\r\nHost: a%2eb\r\n\r\n"),
	BAD("3.2: angle brackets in Host", HOST_BAD, "GET / HTTP/1.1\r\nHost: <a>\r\n\r\n"),
	/* RFC 9112 5: field syntax */
	BAD("5.1: a blank before the colon", HEADER_NAME_BAD, GET "X : a\r\n\r\n"),
	BAD("5.1: a tab before the colon", HEADER_NAME_BAD, GET "X\t: a\r\n\r\n"),
	BAD("5.1: a blank before the colon of a framing field", HEADER_NAME_BAD, POST "Content-Length : 5\r\n\r\n"),
	BAD("5: an empty name", HEADER_NAME_BAD, GET ": a\r\n\r\n"),
	BAD("5: no colon", HEADER_NAME_BAD, GET "Xa\r\n\r\n"),
	BAD("5: a name that is no token", HEADER_NAME_BAD, GET "X(a): b\r\n\r\n"),
	BAD("5: a name with a byte beyond ASCII", HEADER_NAME_BAD, GET "X\xe9: b\r\n\r\n"),
	BAD("5: a name with a NUL", HEADER_NAME_BAD, GET "X\0: b\r\n\r\n"),
	BAD("5: a long name that is no token", HEADER_NAME_BAD, GET "Xaaaaaaaaaaaaaaaaaaaaaaaaaa@a: b\r\n\r\n"),
	BAD("5.2: folding with a blank", HEADER_FOLDED, GET "X: a\r\n b\r\n\r\n"),
	BAD("5.2: folding with a tab", HEADER_FOLDED, GET "X: a\r\n\tb\r\n\r\n"),
	BAD("5.5: NUL in a value", HEADER_VALUE_BAD, GET "X: a\0b\r\n\r\n"),
	BAD("5.5: a control character in a value", HEADER_VALUE_BAD, GET "X: a\x0b" "b\r\n\r\n"),
	BAD("5.5: DEL in a value", HEADER_VALUE_BAD, GET "X: a\x7f\r\n\r\n"),
	BAD("5.5: a control character late in a long value", HEADER_VALUE_BAD, GET "X: aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\x1f\r\n\r\n"),
	GOOD("5.5: bytes beyond ASCII in a value", "k", GET "X: \xc3\xa9\xff\r\n\r\n"),
	GOOD("5.1: blanks around a value", "k", GET "X: \t a \t \r\n\r\n"),
	GOOD("5.1: no blank before a value", "k", GET "X:a\r\n\r\n"),
	GOOD("5: an empty value", "k", GET "X:\r\n\r\n"),
	GOOD("5: every token character in a name", "k", GET "!#$%&'*+-.^_`|~0aZ: b\r\n\r\n"),
	BAD("limits: too many headers", TOO_MANY_HEADERS, GET "A: 1\r\nB: 1\r\nC: 1\r\nD: 1\r\nE: 1\r\nF: 1\r\nG: 1\r\nH: 1\r\nI: 1\r\nJ: 1\r\nK: 1\r\nL: 1\r\n\r\n"),
	GOOD("limits: as many headers as allowed", "k", GET "A: 1\r\nB: 1\r\nC: 1\r\nD: 1\r\nE: 1\r\nF: 1\r\nG: 1\r\nH: 1\r\nI: 1\r\nJ: 1\r\nK: 1\r\n\r\n"),
	/* RFC 9112 6.1: Transfer-Encoding */
	BODY("6.1: chunked", BODY_CHUNKED, 0, "k", POST "Transfer-Encoding: chunked\r\n\r\n"),
	BODY("6.1: coding names ignore case", BODY_CHUNKED, 0, "k", POST "transfer-encoding: ChunKed\r\n\r\n"),
	BAD("6.1: another coding", CODING_BAD, POST "Transfer-Encoding: gzip\r\n\r\n"),
	BAD("6.1: two codings", CODING_BAD, POST "Transfer-Encoding: gzip, chunked\r\n\r\n"),
	BAD("6.1: chunked twice", CODING_BAD, POST "Transfer-Encoding: chunked, chunked\r\n\r\n"),
	BAD("6.1: chunked in two lines", CODING_BAD, POST "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n"),
	BAD("6.1: identity after chunked", CODING_BAD, POST "Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n\r\n"),
	BAD("6.1: identity", CODING_BAD, POST "Transfer-Encoding: identity\r\n\r\n"),
	BAD("6.1: chunked not last", CODING_BAD, POST "Transfer-Encoding: chunked, gzip\r\n\r\n"),
	BAD("6.1: an empty coding", CODING_BAD, POST "Transfer-Encoding:\r\n\r\n"),
	BAD("6.1: an empty list element", CODING_BAD, POST "Transfer-Encoding: ,chunked\r\n\r\n"),
	BAD("6.1: a parameter", CODING_BAD, POST "Transfer-Encoding: chunked;a=b\r\n\r\n"),
	BAD("6.1: quoted", CODING_BAD, POST "Transfer-Encoding: \"chunked\"\r\n\r\n"),
	BAD("6.1: a prefix of chunked", CODING_BAD, POST "Transfer-Encoding: chunke\r\n\r\n"),
	BAD("6.1: chunked and a vertical tab", HEADER_VALUE_BAD, POST "Transfer-Encoding: \x0b" "chunked\r\n\r\n"),
	BAD("6.1: in HTTP/1.0", CODING_OLD_VERSION, OLD_POST "Transfer-Encoding: chunked\r\n\r\n"),
	BAD("6.1: after a blank before the colon", HEADER_NAME_BAD, POST "Transfer-Encoding : chunked\r\n\r\n"),
	BAD("6.3: both lengths, coding last", LENGTH_AND_CODING, POST "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n"),
	BAD("6.3: both lengths, coding first", LENGTH_AND_CODING, POST "Transfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n"),
	BAD("6.3: both lengths, zero", LENGTH_AND_CODING, POST "Content-Length: 0\r\nTransfer-Encoding: chunked\r\n\r\n"),
	/* RFC 9112 6.2, 6.3: Content-Length */
	BODY("6.2: a length", BODY_LENGTH, 5, "k", POST "Content-Length: 5\r\n\r\n"),
	BODY("6.2: zero", BODY_LENGTH, 0, "k", POST "Content-Length: 0\r\n\r\n"),
	BODY("6.2: leading zeros", BODY_LENGTH, 5, "k", POST "Content-Length: 0005\r\n\r\n"),
	BODY("6.2: the largest", BODY_LENGTH, INT64_MAX, "k", POST "Content-Length: 9223372036854775807\r\n\r\n"),
	BAD("6.2: one more", LENGTH_BAD, POST "Content-Length: 9223372036854775808\r\n\r\n"),
	BAD("6.2: far more", LENGTH_BAD, POST "Content-Length: 99999999999999999999999\r\n\r\n"),
	BAD("6.2: 2^64 + 5", LENGTH_BAD, POST "Content-Length: 18446744073709551621\r\n\r\n"),
	BAD("6.2: negative", LENGTH_BAD, POST "Content-Length: -1\r\n\r\n"),
	BAD("6.2: a plus sign", LENGTH_BAD, POST "Content-Length: +5\r\n\r\n"),
	BAD("6.2: hexadecimal", LENGTH_BAD, POST "Content-Length: 0x5\r\n\r\n"),
	BAD("6.2: a blank inside", LENGTH_BAD, POST "Content-Length: 5 5\r\n\r\n"),
	BAD("6.2: empty", LENGTH_BAD, POST "Content-Length:\r\n\r\n"),
	BAD("6.2: a fraction", LENGTH_BAD, POST "Content-Length: 5.0\r\n\r\n"),
	BAD("6.2: an exponent", LENGTH_BAD, POST "Content-Length: 1e3\r\n\r\n"),
	BAD("6.2: an underscore", LENGTH_BAD, POST "Content-Length: 1_0\r\n\r\n"),
	BAD("6.2: quoted", LENGTH_BAD, POST "Content-Length: \"5\"\r\n\r\n"),
	BODY("6.3: equal values in two lines", BODY_LENGTH, 5, "k", POST "Content-Length: 5\r\nContent-Length: 5\r\n\r\n"),
	BODY("6.3: equal values in a list", BODY_LENGTH, 5, "k", POST "Content-Length: 5, 5\r\n\r\n"),
	BAD("6.3: different values in two lines", LENGTH_DIFFERS, POST "Content-Length: 5\r\nContent-Length: 6\r\n\r\n"),
	BAD("6.3: different values in a list", LENGTH_DIFFERS, POST "Content-Length: 5, 6\r\n\r\n"),
	BAD("6.3: an empty list element", LENGTH_BAD, POST "Content-Length: 5,\r\n\r\n"),
	BAD("6.3: an empty first list element", LENGTH_BAD, POST "Content-Length: ,5\r\n\r\n"),
	BAD("6.3: a second one that is bad", LENGTH_BAD, POST "Content-Length: 5\r\nContent-Length: x\r\n\r\n"),
	GOOD("6.3: neither means no body", "k", POST "\r\n"),
	BODY("6.3: a length in 1.0", BODY_LENGTH, 5, "o", OLD_POST "Content-Length: 5\r\n\r\n"),
	BODY("6: a body of GET", BODY_LENGTH, 5, "k", GET "Content-Length: 5\r\n\r\n"),
	/* RFC 9112 9: connection management */
	GOOD("9.3: close", "", GET "Connection: close\r\n\r\n"),
	GOOD("9.3: close among others", "", GET "Connection: x, CLOSE ,y\r\n\r\n"),
	GOOD("9.3: close wins over keep-alive", "", GET "Connection: keep-alive, close\r\n\r\n"),
	GOOD("9.3: close in a second line", "", GET "Connection: keep-alive\r\nConnection: close\r\n\r\n"),
	GOOD("9.3: closely is not close", "k", GET "Connection: closely\r\n\r\n"),
	GOOD("9.3: 1.0 with keep-alive", "ko", OLD_GET "Connection: Keep-Alive\r\n\r\n"),
	GOOD("9.3: 1.0 with keep-alive and close", "o", OLD_GET "Connection: close, keep-alive\r\n\r\n"),
	GOOD("9.3: Proxy-Connection says nothing", "o", OLD_GET "Proxy-Connection: keep-alive\r\n\r\n"),
	/* RFC 9110 10.1.1: Expect */
	BODY("10.1.1: 100-continue", BODY_LENGTH, 5, "ke", POST "Expect: 100-Continue\r\nContent-Length: 5\r\n\r\n"),
	GOOD("10.1.1: 100-continue without a body", "k", POST "Expect: 100-continue\r\n\r\n"),
	BODY("10.1.1: 100-continue in 1.0 is ignored", BODY_LENGTH, 5, "o", OLD_POST "Expect: 100-continue\r\nContent-Length: 5\r\n\r\n"),
	BAD("10.1.1: another expectation", EXPECTATION, POST "Expect: 200-ok\r\nContent-Length: 5\r\n\r\n"),
	BAD("10.1.1: an empty expectation", EXPECTATION, POST "Expect:\r\nContent-Length: 5\r\n\r\n"),
	/* RFC 9110 7.8: Upgrade */
	GOOD("7.8: a WebSocket handshake", "ku", GET "Connection: Upgrade\r\nUpgrade: websocket\r\n\r\n"),
	GOOD("7.8: options and capitals", "ku", GET "Connection: keep-alive, upgrade\r\nUpgrade: WebSocket\r\n\r\n"),
	GOOD("7.8: Upgrade without Connection", "k", GET "Upgrade: websocket\r\n\r\n"),
	GOOD("7.8: Connection without Upgrade", "k", GET "Connection: Upgrade\r\n\r\n"),
	GOOD("A2.1: never h2c", "k", GET "Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: a\r\n\r\n"),
	GOOD("A2.1: WebSocket by GET only", "k", POST "Connection: Upgrade\r\nUpgrade: websocket\r\n\r\n"),
	BODY("A2.1: no upgrade over a body", BODY_LENGTH, 5, "k", GET "Connection: Upgrade\r\nUpgrade: websocket\r\nContent-Length: 5\r\n\r\n"),
	GOOD("7.8: not in 1.0", "o", OLD_GET "Connection: Upgrade\r\nUpgrade: websocket\r\n\r\n"),
};
/* clang-format on */

static ssize_t parse_request(struct str text, struct request *request, enum fail *ret_fail)
{
	static struct header slots[SLOTS];

	*request = (struct request){.headers = {.at = slots, .cap = SLOTS}};
	*ret_fail = FAIL_NONE;
	return h1_parse_request(text, &limits, request, ret_fail);
}

static const char *flags_of(const struct request *request, char flags[8])
{
	char *at = flags;

	if (request->keep_alive)
		*at++ = 'k';
	if (request->expect_continue)
		*at++ = 'e';
	if (request->upgrade)
		*at++ = 'u';
	if (request->is_absolute)
		*at++ = 'a';
	if (request->version_minor == 0)
		*at++ = 'o';
	*at = 0;
	return flags;
}

static void requests_are_read_as_the_rfc_says(void **state)
{
	(void)state;
	for (size_t i = 0; i < ROWS(request_rows); i++) {
		const struct request_row *row = &request_rows[i];
		struct str text = guard_copy(row->text);
		struct request request;
		enum fail fail;
		char flags[8];
		ssize_t n = parse_request(text, &request, &fail);

		CHECK_STR(row->name, fail_row(fail)->log, fail_row(row->fail)->log);
		CHECK_INT(row->name, n, row->fail == FAIL_NONE ? (ssize_t)text.len : -EBADMSG);
		if (row->fail == FAIL_NONE) {
			CHECK_INT(row->name, request.body, row->body);
			CHECK_INT(row->name, request.content_length, row->length);
			CHECK_STR(row->name, str_of(flags_of(&request, flags)), str_of(row->flags));
		}
		guard_free(text);
	}
}

static void every_prefix_waits_or_fails_for_good(void **state)
{
	(void)state;
	for (size_t i = 0; i < ROWS(request_rows); i++) {
		const struct request_row *row = &request_rows[i];
		enum fail before = FAIL_NONE;

		for (size_t n = 0; n < row->text.len; n++) {
			struct str text = guard_copy(str_take(row->text, n));
			struct request request;
			enum fail fail;
			ssize_t got = parse_request(text, &request, &fail);

			CHECK_INT(row->name, got, fail == FAIL_NONE ? -EAGAIN : -EBADMSG);
			if (before != FAIL_NONE)
				CHECK_INT(row->name, fail, before);
			else if (row->fail == FAIL_NONE)
				CHECK_INT(row->name, fail, FAIL_NONE);
			before = fail;
			guard_free(text);
		}
		if (before != FAIL_NONE)
			CHECK_INT(row->name, before, row->fail);
	}
}

static void bytes_after_the_head_are_left_alone(void **state)
{
	struct str text = STR(GET "\r\nGET /second");
	struct request request;
	enum fail fail;

	(void)state;
	assert_int_equal(parse_request(text, &request, &fail), (ssize_t)sizeof(GET "\r\n") - 1);
}

static void input_in_single_bytes_is_parsed_once_it_is_ready(void **state)
{
	(void)state;
	for (size_t i = 0; i < ROWS(request_rows); i++) {
		const struct request_row *row = &request_rows[i];
		size_t resume = 0, n = 0;
		struct request request;
		enum fail fail = FAIL_NONE;
		ssize_t got = -EAGAIN;

		while (got == -EAGAIN && n < row->text.len) {
			n++;
			if (h1_head_ready(str_take(row->text, n), &limits, &resume))
				got = parse_request(str_take(row->text, n), &request, &fail);
		}
		/* What never has a line end is a matter of the deadline. */
		if (got == -EAGAIN && row->fail != FAIL_NONE)
			continue;
		CHECK_INT(row->name, fail, row->fail);
		if (fail == FAIL_NONE)
			CHECK_INT(row->name, got, (ssize_t)row->text.len);
	}
}

static void a_head_that_grows_beyond_the_limit_is_refused(void **state)
{
	char text[600] = "GET / HTTP/1.1\r\nHost: a\r\nX: ";
	struct request request;
	enum fail fail;
	size_t resume = 0;

	(void)state;
	memset(text + strlen(text), 'x', sizeof(text) - strlen(text));
	assert_int_equal(parse_request(str_n(text, 511), &request, &fail), -EAGAIN);
	assert_false(h1_head_ready(str_n(text, 511), &limits, &resume));
	assert_int_equal(parse_request(str_n(text, 512), &request, &fail), -EBADMSG);
	assert_int_equal(fail, FAIL_HEAD_TOO_LARGE);
	assert_true(h1_head_ready(str_n(text, 512), &limits, &resume));
	/* A complete head of just that size is none too large; one byte more is. */
	memcpy(text + 508, "\r\n\r\n", 4);
	assert_int_equal(parse_request(str_n(text, 600), &request, &fail), 512);
	memcpy(text + 508, "x\r\n\r\n", 5);
	assert_int_equal(parse_request(str_n(text, 600), &request, &fail), -EBADMSG);
	assert_int_equal(fail, FAIL_HEAD_TOO_LARGE);
}

static void what_a_request_says_is_found(void **state)
{
	struct str text =
		guard_copy(STR("PATCH /a/b?c=d?e HTTP/1.1\r\nHOST: Example.com:81\r\n"
			       "x-Custom: \t v 1 \r\nCookie: a=b\r\nX-Custom: 2\r\n\r\n"));
	struct request request;
	enum fail fail;
	struct header *custom;

	(void)state;
	assert_int_equal(parse_request(text, &request, &fail), (ssize_t)text.len);
	assert_int_equal(request.method_id, METHOD_PATCH);
	CHECK_STR("method", request.method, STR("PATCH"));
	CHECK_STR("target", request.target, STR("/a/b?c=d?e"));
	CHECK_STR("path", request.raw_path, STR("/a/b"));
	CHECK_STR("query", request.query, STR("c=d?e"));
	assert_true(request.has_query);
	CHECK_STR("authority", request.authority, STR("Example.com:81"));
	assert_int_equal(request.headers.n, 4);
	CHECK_STR("cookie", header_value(&request.headers, HEADER_COOKIE), STR("a=b"));
	custom = header_find_name(&request.headers, STR("X-CUSTOM"));
	CHECK_STR("first", custom->value, STR("v 1"));
	CHECK_STR("spelling", custom->name, STR("x-Custom"));
	custom = header_next_same(&request.headers, custom);
	CHECK_STR("second", custom->value, STR("2"));
	assert_null(header_next_same(&request.headers, custom));
	guard_free(text);
}

static void the_host_of_an_absolute_target_wins(void **state)
{
	static const struct {
		const char *name;
		struct str text, authority, path;
	} rows[] = {
#define ABSOLUTE(target, authority, path) \
	{target, STR("GET " target " HTTP/1.1\r\nHost: a\r\n\r\n"), STR(authority), STR(path)}
		ABSOLUTE("http://b:8/x?y", "b:8", "/x"),   ABSOLUTE("http://b", "b", "/"),
		ABSOLUTE("http://b?y", "b", "/"),	   ABSOLUTE("http://@/x", "a", "/x"),
		ABSOLUTE("http:///x", "a", "/x"),	   ABSOLUTE("https://[::1]/", "[::1]", "/"),
		ABSOLUTE("/http://b/", "a", "/http://b/"),
	};

	(void)state;
	for (size_t i = 0; i < ROWS(rows); i++) {
		struct request request;
		enum fail fail;

		CHECK_INT(rows[i].name, parse_request(rows[i].text, &request, &fail),
			  (ssize_t)rows[i].text.len);
		CHECK_STR(rows[i].name, request.authority, rows[i].authority);
		CHECK_STR(rows[i].name, request.raw_path, rows[i].path);
	}
}

static void more_slots_come_from_the_arena(void **state)
{
	struct arena arena;
	struct request request = {0};
	enum fail fail;
	struct str text = STR(GET "A: 1\r\nB: 2\r\nC: 3\r\n\r\n");
	struct header slots[2];

	(void)state;
	arena_init(&arena, 65536, 0);
	request.headers = (struct headers){.at = slots, .cap = 2, .arena = &arena};
	assert_int_equal(h1_parse_request(text, &limits, &request, &fail), (ssize_t)text.len);
	assert_int_equal(request.headers.n, 4);
	CHECK_STR("first", request.headers.at[0].value, STR("a"));
	CHECK_STR("last", request.headers.at[3].value, STR("3"));
	arena_done(&arena);
}

struct response_row {
	const char *name;
	struct str text;
	const char *asked; /* h: by HEAD, u: upgrade */
	enum fail fail;
	uint16_t status;
	enum body_kind body;
	int64_t length;
	bool keep;
};

#define OK "HTTP/1.1 200 OK\r\n"
#define ANSWER(name, status, kind, length, keep, text)                                    \
	{                                                                                 \
		name, {text, sizeof(text) - 1}, "", FAIL_NONE, status, kind, length, keep \
	}
#define ASKED(name, asked, status, kind, length, keep, text)                                 \
	{                                                                                    \
		name, {text, sizeof(text) - 1}, asked, FAIL_NONE, status, kind, length, keep \
	}
#define REFUSED_ASKED(name, asked, fail, text)                                     \
	{                                                                          \
		name, {text, sizeof(text) - 1}, asked, FAIL_##fail, 0, 0, 0, false \
	}
#define REFUSED(name, fail, text) REFUSED_ASKED(name, "", fail, text)

/* clang-format off */
static const struct response_row response_rows[] = {
	ANSWER("a length", 200, BODY_LENGTH, 5, true, OK "Content-Length: 5\r\n\r\n"),
	ANSWER("6.3: chunked", 200, BODY_CHUNKED, -1, true, OK "Transfer-Encoding: chunked\r\n\r\n"),
	ANSWER("6.3: until close", 200, BODY_UNTIL_CLOSE, -1, false, OK "\r\n"),
	ANSWER("9.3: close", 200, BODY_LENGTH, 0, false, OK "Content-Length: 0\r\nConnection: close\r\n\r\n"),
	ANSWER("9.3: 1.0", 200, BODY_LENGTH, 0, false, "HTTP/1.0 200 OK\r\nContent-Length: 0\r\n\r\n"),
	ANSWER("9.3: 1.0 with keep-alive", 200, BODY_LENGTH, 0, true, "HTTP/1.0 200 OK\r\nContent-Length: 0\r\nConnection: keep-alive\r\n\r\n"),
	ANSWER("4: no reason", 204, BODY_NONE, -1, true, "HTTP/1.1 204 \r\n\r\n"),
	ANSWER("4: no reason and no blank", 204, BODY_NONE, -1, true, "HTTP/1.1 204\r\n\r\n"),
	ANSWER("4: an unknown status", 599, BODY_LENGTH, 0, true, "HTTP/1.1 599 X y\tz \xe9\r\nContent-Length: 0\r\n\r\n"),
	ANSWER("6.3: 204 with length 0", 204, BODY_NONE, -1, true, "HTTP/1.1 204 x\r\nContent-Length: 0\r\n\r\n"),
	ANSWER("A2.9: 204 that announces a body", 204, BODY_NONE, -1, false, "HTTP/1.1 204 x\r\nContent-Length: 5\r\n\r\n"),
	ANSWER("A2.9: 204 with chunks", 204, BODY_NONE, -1, false, "HTTP/1.1 204 x\r\nTransfer-Encoding: chunked\r\n\r\n"),
	ANSWER("8.6: 304 tells a length", 304, BODY_NONE, 5, true, "HTTP/1.1 304 x\r\nContent-Length: 5\r\n\r\n"),
	ASKED("8.6: HEAD tells a length", "h", 200, BODY_NONE, 5, true, OK "Content-Length: 5\r\n\r\n"),
	ASKED("6.3: HEAD with chunks", "h", 200, BODY_NONE, -1, true, OK "Transfer-Encoding: chunked\r\n\r\n"),
	ASKED("6.3: HEAD without anything", "h", 200, BODY_NONE, -1, true, OK "\r\n"),
	ANSWER("15.2: 100", 100, BODY_NONE, -1, true, "HTTP/1.1 100 Continue\r\n\r\n"),
	ANSWER("15.2: 103", 103, BODY_NONE, -1, true, "HTTP/1.1 103 Early Hints\r\nLink: <a>\r\n\r\n"),
	ASKED("7.8: 101", "u", 101, BODY_NONE, -1, false, "HTTP/1.1 101 x\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n"),
	REFUSED("A2.1: 101 unasked", UPSTREAM_SWITCH, "HTTP/1.1 101 x\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n"),
	REFUSED_ASKED("7.8: 101 to something else", "u", UPSTREAM_SWITCH, "HTTP/1.1 101 x\r\nConnection: upgrade\r\nUpgrade: h2c\r\n\r\n"),
	REFUSED("6.1: 1xx with chunks", UPSTREAM_FRAMING, "HTTP/1.1 100 x\r\nTransfer-Encoding: chunked\r\n\r\n"),
	REFUSED("6.3: differing lengths", UPSTREAM_FRAMING, OK "Content-Length: 5\r\nContent-Length: 6\r\n\r\n"),
	REFUSED("6.3: both lengths", UPSTREAM_FRAMING, OK "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n"),
	REFUSED("6.1: another coding", UPSTREAM_FRAMING, OK "Transfer-Encoding: gzip\r\n\r\n"),
	REFUSED("6.1: a coding in 1.0", UPSTREAM_FRAMING, "HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"),
	REFUSED("6.2: a bad length", UPSTREAM_FRAMING, OK "Content-Length: x\r\n\r\n"),
	REFUSED("4: two digits", UPSTREAM_BAD, "HTTP/1.1 20 OK\r\n\r\n"),
	REFUSED("4: four digits", UPSTREAM_BAD, "HTTP/1.1 2000 OK\r\n\r\n"),
	REFUSED("4: status below 100", UPSTREAM_BAD, "HTTP/1.1 099 OK\r\n\r\n"),
	ANSWER("15: a status without a meaning", 799, BODY_LENGTH, 0, true, "HTTP/1.1 799 Odd\r\nContent-Length: 0\r\n\r\n"),
	REFUSED("4: status of four digits", UPSTREAM_BAD, "HTTP/1.1 1000 OK\r\n\r\n"),
	REFUSED("4: no digits", UPSTREAM_BAD, "HTTP/1.1 2x0 OK\r\n\r\n"),
	REFUSED("4: a negative status", UPSTREAM_BAD, "HTTP/1.1 -20 OK\r\n\r\n"),
	REFUSED("4: two blanks", UPSTREAM_BAD, "HTTP/1.1  200 OK\r\n\r\n"),
	REFUSED("4: a leading blank", UPSTREAM_BAD, " HTTP/1.1 200 OK\r\n\r\n"),
	REFUSED("4: a leading empty line", UPSTREAM_BAD, "\r\nHTTP/1.1 200 OK\r\n\r\n"),
	REFUSED("4: another version", UPSTREAM_BAD, "HTTP/2 200 OK\r\n\r\n"),
	REFUSED("4: another protocol", UPSTREAM_BAD, "ICY 200 OK\r\n\r\n"),
	REFUSED("4: a NUL in the reason", UPSTREAM_BAD, "HTTP/1.1 200 O\0K\r\n\r\n"),
	REFUSED("4: a bare CR in the reason", UPSTREAM_BAD, "HTTP/1.1 200 O\rK\r\n\r\n"),
	REFUSED("2.2: bare LFs", UPSTREAM_BAD, "HTTP/1.1 200 OK\nContent-Length: 0\n\n"),
	REFUSED("5.2: folding", UPSTREAM_BAD, OK "X: a\r\n b\r\n\r\n"),
	REFUSED("5.1: a blank before the colon", UPSTREAM_BAD, OK "X : a\r\n\r\n"),
	REFUSED("A2.9: NUL in a value", UPSTREAM_BAD, OK "X: \0\r\n\r\n"),
	REFUSED("limits: too many headers", UPSTREAM_HEAD_LARGE, OK "A: 1\r\nA: 1\r\nA: 1\r\nA: 1\r\nA: 1\r\nA: 1\r\nA: 1\r\nA: 1\r\nA: 1\r\nA: 1\r\nA: 1\r\nA: 1\r\nA: 1\r\n\r\n"),
	ANSWER("Host and Expect mean nothing in answers", 200, BODY_LENGTH, 0, true, OK "Host: a\r\nHost: ?\r\nExpect: x\r\nContent-Length: 0\r\n\r\n"),
};
/* clang-format on */

static ssize_t parse_response(const struct response_row *row, struct str text,
			      struct response *response, enum fail *ret_fail)
{
	static struct header slots[SLOTS];
	struct h1_asked asked = {.head = row->asked[0] == 'h', .upgrade = row->asked[0] == 'u'};

	*response = (struct response){.headers = {.at = slots, .cap = SLOTS}};
	*ret_fail = FAIL_NONE;
	return h1_parse_response(text, &limits, &asked, response, ret_fail);
}

static void responses_are_read_as_the_rfc_says(void **state)
{
	(void)state;
	for (size_t i = 0; i < ROWS(response_rows); i++) {
		const struct response_row *row = &response_rows[i];
		struct str text = guard_copy(row->text);
		struct response response;
		enum fail fail;
		ssize_t n = parse_response(row, text, &response, &fail);

		CHECK_STR(row->name, fail_row(fail)->log, fail_row(row->fail)->log);
		CHECK_INT(row->name, n, row->fail == FAIL_NONE ? (ssize_t)text.len : -EBADMSG);
		if (row->fail == FAIL_NONE) {
			CHECK_INT(row->name, response.status, row->status);
			CHECK_INT(row->name, response.body, row->body);
			CHECK_INT(row->name, response.content_length, row->length);
			CHECK_INT(row->name, response.keep_alive, row->keep);
		}
		guard_free(text);
	}
}

static void every_prefix_of_a_response_waits_or_fails_for_good(void **state)
{
	(void)state;
	for (size_t i = 0; i < ROWS(response_rows); i++) {
		const struct response_row *row = &response_rows[i];
		enum fail before = FAIL_NONE;

		for (size_t n = 0; n < row->text.len; n++) {
			struct str text = guard_copy(str_take(row->text, n));
			struct response response;
			enum fail fail;
			ssize_t got = parse_response(row, text, &response, &fail);

			CHECK_INT(row->name, got, fail == FAIL_NONE ? -EAGAIN : -EBADMSG);
			if (before != FAIL_NONE)
				CHECK_INT(row->name, fail, before);
			before = fail;
			guard_free(text);
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(requests_are_read_as_the_rfc_says),
		cmocka_unit_test(every_prefix_waits_or_fails_for_good),
		cmocka_unit_test(bytes_after_the_head_are_left_alone),
		cmocka_unit_test(input_in_single_bytes_is_parsed_once_it_is_ready),
		cmocka_unit_test(a_head_that_grows_beyond_the_limit_is_refused),
		cmocka_unit_test(what_a_request_says_is_found),
		cmocka_unit_test(the_host_of_an_absolute_target_wins),
		cmocka_unit_test(more_slots_come_from_the_arena),
		cmocka_unit_test(responses_are_read_as_the_rfc_says),
		cmocka_unit_test(every_prefix_of_a_response_waits_or_fails_for_good),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
