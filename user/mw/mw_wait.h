/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MW_WAIT_H
#define MW_WAIT_H

/*
 * mw_wait: what a middleware can wait for.
 *
 * Exactly one of the members is set with MW_WAIT. What the pointers point at must live in the
 * request's arena (or the slot): results are written there. A middleware that waits is resumed
 * exactly once, unless the client has gone; then only on_end runs, and a fetch is given up.
 */

#include <stdbool.h>
#include <stdint.h>

#include "base/str.h"
#include "http/message.h"

struct service; /* plan/snapshot.h */

enum mw_body_state {
	MW_BODY_UNREAD,
	MW_BODY_WHOLE, /* call->body has all of it, or body_bytes says how long the spooled one is
			*/
	MW_BODY_TOO_LARGE, /* longer than max_bytes: what was read is still forwarded if the request
			      goes on */
};

/*
 * The request's whole body: read before the middleware is resumed, and from then on kept until the
 * exchange ends, so that it can be sent to more than one server. It is forwarded with a
 * Content-Length. Up to mem_bytes are held in memory, the rest in an unlinked temporary file.
 */
struct mw_wait_body {
	bool wanted;
	int64_t max_bytes; /* negative: no limit but the disk's */
	int64_t mem_bytes; /* 0: the default, 1 MiB */
};

/* The beginning of the response's body; from on_response only. */
struct mw_wait_response {
	bool wanted;
	int64_t min_bytes; /* resumed as soon as so many are here, or the end, or (unless whole)
			      when nothing more is there for now */
	bool whole;	   /* all of it: resumed at the end, or when it is longer than max_bytes */
	int64_t max_bytes; /* with whole; negative: no limit */
};

/* A question to another server, and its answer. Redirections are not followed. */
struct mw_fetch {
	/* Asked. headers.arena must be set; Host is taken from host, or, when that is empty, from
	 * the server's URL. A body makes a Content-Length. */
	const struct service *service;
	struct str method, path; /* path with query, escaped: "/auth?x=1" */
	struct str host;
	struct headers headers;
	struct str body;
	uint64_t timeout_ns;	    /* of the whole; 0: 30 s */
	int64_t max_response_bytes; /* negative: 16 MiB */
	/* Answered. */
	int error; /* 0; -ETIMEDOUT, -ECONNREFUSED, -ECONNRESET, -EPROTO, -EMSGSIZE (body too long),
		      -ENOENT (no server) */
	uint16_t status;
	struct headers response_headers;
	struct str response_body;
};

/* One command to a Redis server (scripts included). */
struct mw_redis {
	const struct redis_target *target; /* net/redis.h */
	const struct str *args;		   /* of the command; binary safe */
	uint32_t n_args;
	/* Answered: an error (-EPROTO: the server's own, in strings[0]), or integers and strings of
	 * a flat reply. */
	int error;
	int64_t integers[4];
	struct str strings[4];
	uint32_t n_values;
};

struct mw_wait {
	uint64_t until_ns; /* monotonic; 0: not a delay */
	/* A job for another thread: must touch nothing but what arg points at (in the request's
	 * arena). */
	void (*run)(void *arg);
	void *arg;
	struct mw_wait_body body;
	struct mw_wait_response response;
	struct mw_fetch *fetch;
	struct mw_redis *redis;
};

/* How to speak TLS to a url (reference c.8). PEM texts; empty: not given. */
struct mw_url_tls {
	struct str ca_pem, cert_pem, key_pem;
	bool insecure_skip_verify;
};

#endif
