/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MESSAGE_H
#define MESSAGE_H

/*
 * message: a request and a response as the whole program sees them.
 *
 * Every str in here borrows: from the bytes that were parsed (which live as long as the exchange)
 * or from the exchange's arena. The parser fills what arrived; http/canon.c fills host, path and
 * routing path once, before routing; middlewares change path, query, host and headers;
 * http/h1_write.c serialises anew: bytes are never forwarded as received (reference/security.md
 * A2.1).
 */

#include <stdbool.h>
#include <stdint.h>

#include "base/addr.h"
#include "base/arena.h"
#include "base/str.h"

enum http_method {
	METHOD_OTHER, /* any other token: see request.method */
	METHOD_GET,
	METHOD_HEAD,
	METHOD_POST,
	METHOD_PUT,
	METHOD_DELETE,
	METHOD_OPTIONS,
	METHOD_PATCH,
	METHOD_TRACE,
	METHOD_CONNECT,
	METHOD__COUNT,
};

/* Headers that the program acts on; everything else is HEADER_OTHER. Table in http/header_id.c. */
enum header_id {
	HEADER_OTHER,
	HEADER_ACCEPT_ENCODING,
	HEADER_AUTHORIZATION,
	HEADER_CONNECTION,
	HEADER_CONTENT_ENCODING,
	HEADER_CONTENT_LENGTH,
	HEADER_CONTENT_TYPE,
	HEADER_COOKIE,
	HEADER_DATE,
	HEADER_EXPECT,
	HEADER_FORWARDED,
	HEADER_HOST,
	HEADER_KEEP_ALIVE,
	HEADER_LOCATION,
	HEADER_ORIGIN,
	HEADER_PROXY_AUTHENTICATE,
	HEADER_PROXY_AUTHORIZATION,
	HEADER_PROXY_CONNECTION,
	HEADER_SERVER,
	HEADER_SET_COOKIE,
	HEADER_TE,
	HEADER_TRAILER,
	HEADER_TRANSFER_ENCODING,
	HEADER_UPGRADE,
	HEADER_USER_AGENT,
	HEADER_REFERER,
	HEADER_VARY,
	HEADER_WWW_AUTHENTICATE,
	HEADER_ACCEPT,
	HEADER_ACCESS_CONTROL_REQUEST_METHOD,
	HEADER_ACCESS_CONTROL_REQUEST_HEADERS,
	/* The managed set: deleted from untrusted peers (reference/traefik.md e, X-Forwarded
	   handling). */
	HEADER_X_FORWARDED_FOR,
	HEADER_X_FORWARDED_HOST,
	HEADER_X_FORWARDED_METHOD,
	HEADER_X_FORWARDED_PORT,
	HEADER_X_FORWARDED_PREFIX,
	HEADER_X_FORWARDED_PROTO,
	HEADER_X_FORWARDED_SCHEME,
	HEADER_X_FORWARDED_SERVER,
	HEADER_X_FORWARDED_URI,
	HEADER_X_FORWARDED_TLS_CLIENT_CERT,
	HEADER_X_FORWARDED_TLS_CLIENT_CERT_INFO,
	HEADER_X_SCHEME,
	HEADER_X_REAL_IP,
	HEADER__COUNT,
};

struct header {
	struct str name;  /* as it came, or as it will be sent: spelling is kept, comparison ignores
			     case */
	struct str value; /* without surrounding blanks */
	uint16_t id;	  /* enum header_id */
	bool gone;	  /* deleted: skipped by every reader */
};

/* An ordered list; room comes from the exchange's arena or a worker's scratch. Functions in
 * http/header.h. */
struct headers {
	struct header *at;
	uint16_t n, cap;
	struct arena *arena; /* where more room and copies come from */
};

enum body_kind {
	BODY_NONE,
	BODY_LENGTH,
	BODY_CHUNKED,
	BODY_UNTIL_CLOSE, /* responses only */
};

/*
 * How long one request may take where a middleware says so: each tightens what the entry point and
 * the transport allow; 0: as they say. All in nanoseconds.
 */
struct request_deadlines {
	uint64_t request_ns;	     /* until all of the request is here, from its head on; 408 */
	uint64_t response_header_ns; /* until a server's final head is here, from when it has all of
					the request; 504 */
	uint64_t idle_ns;  /* in which not one byte moves either way; cuts, or 504 before a
			      head went out */
	uint64_t total_ns; /* of everything, retries included, from the head on; 504, or
			      cuts */
};

/* The certificates that a client has shown in its handshake, in DER: its own first, then what it
 * sent to go with it. */
struct client_certs {
	uint16_t n;
	struct str der[];
};

struct request {
	struct arena *arena; /* the exchange's; everything made for this request */

	/* As received (head parsed by h1_parse, later h2). */
	uint8_t method_id;     /* enum http_method */
	uint8_t version_minor; /* of HTTP/1 */
	uint8_t body;	       /* enum body_kind */
	bool keep_alive;       /* what the client asked for, by version and Connection */
	bool expect_continue;
	bool upgrade; /* Connection: upgrade with an Upgrade header we may forward (websocket, GET)
		       */
	bool is_absolute;      /* absolute-form target */
	bool hide_peer;	       /* a middleware asked that X-Forwarded-For is not sent */
	bool is_authenticated; /* a middleware let it in for who it is: the answer may be that
				  person's, whatever headers are left */
	struct str method;
	struct str target;	/* the request target as it came */
	struct str authority;	/* Host header or absolute-form authority, as it came; forwarded as
				   Host */
	int64_t content_length; /* for BODY_LENGTH */
	struct headers headers;

	/* Canonical (http/canon.c). */
	struct str
		host; /* lower case, no port, no brackets, no final dot kept as in reference b.2 */
	struct str raw_path;	 /* escaped path, normalised and sanitised; what is forwarded */
	struct str path;	 /* decoded path: what path middlewares see */
	struct str routing_path; /* decoded but for the reserved set: what rules match (reference
				    b.2) */
	struct str query;	 /* without '?' ; has_query tells "/?" from "/" */
	bool has_query;

	/* The connection's facts. */
	bool is_tls;
	bool peer_trusted; /* forwardedHeaders trust of the entry point */
	uint16_t peer_port, local_port;
	struct addr peer, local;		 /* peer after PROXY protocol */
	struct str sni;				 /* lower case, empty when there was none */
	const struct client_certs *client_certs; /* NULL: none was shown, or asked for */
	uint16_t entry_point;			 /* index in the snapshot's entry points */

	/* Said by middlewares. */
	struct request_deadlines deadlines;
	struct str id; /* for the access log; empty: none */
};

struct response {
	struct arena *arena;
	uint16_t status;
	uint8_t version_minor;
	uint8_t body; /* enum body_kind */
	bool keep_alive;
	struct str reason;
	int64_t content_length;
	struct headers headers;
};

#endif
