/* SPDX-License-Identifier: Apache-2.0 */
#ifndef EXCHANGE_H
#define EXCHANGE_H

/*
 * exchange: one request and its response: from a complete request head to the last byte of the
 *answer.
 *
 *	begin -> MIDDLEWARE <-> BODY -> DIAL -> FORWARD -> (ANSWER) -> FORWARD -> (TUNNEL) -> end
 *	              \_________________\________\___________\____-> REPLY -------------> end
 *
 * exchange.c drives it, waiting.c sees to what middlewares wait for, upload.c keeps and sends the
 * request's body, attempt.c chooses and tries servers, respond.c reads the server's answer, reply.c
 * answers instead of a server, answer.c brings either to the client, tunnel.c moves bytes after an
 * upgrade. Every function that may end the exchange says so ("may end"): the caller touches it no
 * more. An exchange comes from the worker's slab, with room for a usual head inside; all its other
 * memory is its arena, which is reset, not freed.
 */

#include "http/fail.h"
#include "http/message.h"
#include "plan/host_index.h"
#include "proxy/balance.h"
#include "proxy/body_store.h"
#include "proxy/pipeline.h"
#include "proxy/stream.h"
#include "proxy/upstream.h"

struct conn;
struct exchange;
struct fetch;
struct mirror;

enum {
	EXCHANGE_HEAD_BYTES = 3072, /* a larger head lives in a block of its own */
	EXCHANGE_HEADERS = 24,
};

enum exchange_state {
	EXCHANGE_MIDDLEWARE,
	EXCHANGE_BODY, /* the request's body is read, to be kept */
	EXCHANGE_DIAL,
	EXCHANGE_FORWARD,
	EXCHANGE_ANSWER, /* an answer is here and waits */
	EXCHANGE_REPLY,
	EXCHANGE_TUNNEL,
	EXCHANGE_ORPHAN, /* the client has gone, a job still runs */
};

/* What becomes of the client's connection. */
enum exchange_fate {
	EXCHANGE_KEEP,
	EXCHANGE_CLOSE,
	EXCHANGE_LINGER, /* close when the client has had the time to read the answer */
	EXCHANGE_RESET,	 /* so that it cannot be taken for a complete answer */
};

/* An answer that waits, or that its beginning is read of. */
struct exchange_answer {
	struct response response;
	uint8_t source_body; /* enum body_kind, as the server framed it */
	int64_t source_length;
	bool is_local, may_keep;
	bool is_held;	 /* texts are in the arena, what followed the head in the link */
	bool has_begun;	 /* part of the body is in begin */
	bool is_awaited; /* begin is being read */
	bool is_whole, is_too_large;
	struct str body; /* of a local one */
	struct body_store begin;
};

/* Memory that an exchange owns beside its arena. */
struct exchange_owned {
	struct exchange_owned *next;
	void *memory;
};

/* What only some exchanges have. */
struct exchange_more {
	/* Waiting. */
	void (*then)(struct exchange *exchange); /* how it goes on */
	uint64_t until_ns;			 /* when; 0: not a matter of time */
	bool in_next_round;
	struct fetch *fetch;
	struct redis_pending *redis;
	/* The request's body. */
	bool keeps_body, body_is_whole;
	int64_t body_max_bytes;
	struct body_store body;
	struct exchange_answer answer;
	struct str reply_rest; /* of a large reply's body */
	struct exchange_owned *owned;
	/* What failover and mirroring go back to. */
	const struct service *failover, *mirroring;
	const struct pipeline_level *failover_level;
	struct mirror *mirror;
};

struct exchange {
	struct upstream_owner owner; /* of connections to servers */
	struct conn *conn;
	struct worker *worker;
	struct snapshot_use *use;
	struct arena arena;
	uint8_t state;	    /* enum exchange_state */
	uint8_t fail;	    /* enum fail: why the proxy answered; FAIL_NONE: it did not */
	bool responded;	    /* a final head was handed to the client */
	bool keep_client;   /* as that head said */
	bool keep_upstream; /* as the server's head said */
	bool continued;	    /* 100 was sent */
	bool job_runs;
	bool is_fresh;	 /* early was not used by an attempt yet */
	bool replayable; /* all of the request is here: it could be sent once more */
	bool was_sent;	 /* who sent it was added to the request: once only */
	bool sent_any;	 /* some server got a part of it */
	bool has_failed_over;
	bool was_stale;	    /* the last connection that was lost had been used before */
	bool completed;	    /* the client has the answer to its end */
	bool upload_broken; /* the server takes no more of the body; its answer is still awaited */
	bool up_shut, down_shut; /* TUNNEL: the end was passed on */
	uint8_t n_layers;	 /* routes below routes that were passed */
	uint8_t n_interim;	 /* 1xx received */
	uint8_t n_tried;
	uint16_t status;
	uint16_t origin_status;
	uint32_t n_retries, n_attempts;
	uint32_t n_replays; /* over another connection, unasked */
	struct held head;   /* the block in which the head stands, if not in room */
	struct str early;   /* what came behind the head */
	size_t head_bytes;
	const struct entry_point *entry_point;
	const struct route *route;
	struct host_ahead ahead; /* of the route */
	struct upstream *upstream;
	struct balance_load load;   /* of the server that is asked */
	struct exchange_more *more; /* NULL: nothing of that */
	const struct server *tried[BALANCE_TRIED_MAX];
	uint64_t begin_ns, begin_wall_ns;
	uint64_t origin_begin_ns, origin_end_ns;
	uint64_t replied_bytes; /* body of an own reply */
	/* For deadlines: what was last seen, and since when it has not changed. */
	size_t backlog_seen;
	uint64_t backlog_since_ns, upload_seen, upload_since_ns, half_closed_since_ns;
	uint64_t deadline_ns; /* 0: none */
	struct request request;
	struct stream up, down;
	struct balance_pick pick;
	struct pipeline pipeline;
	struct header slots[EXCHANGE_HEADERS];
	char room[EXCHANGE_HEAD_BYTES];
};

/* An exchange for this connection, with arena and request set up; NULL without memory. */
struct exchange *exchange_new(struct conn *conn);
/* Back to the slab; nothing is counted or logged. For one that has not begun. */
void exchange_free(struct exchange *exchange);
/* A head will be parsed from this text: what is likely to be needed is sent for. */
void exchange_expect(struct exchange *exchange, struct str text);
/* The head was parsed into request. May end. */
void exchange_begin(struct exchange *exchange);
/* The head could not be parsed, or did not come in time. May end. */
void exchange_refuse(struct exchange *exchange, enum fail fail);
/* The client's connection has become readable or writable, or failed. May end. */
void exchange_on_client(struct exchange *exchange);
/* The connection's deadline passed. May end. */
void exchange_on_client_timeout(struct exchange *exchange);
/* The client is gone. Ends. */
void exchange_abort(struct exchange *exchange);

/* For the other files of the exchange. */

/* Moves everything that can be moved, both ways. May end. */
void exchange_move(struct exchange *exchange);
/* Answers with a failure when that is still possible, else cuts the connection. May end. */
void exchange_fail(struct exchange *exchange, enum fail fail);
void exchange_end(struct exchange *exchange, enum exchange_fate fate);
/* The answer is on its way: ends as soon as the client has taken it. May end. */
void exchange_finish(struct exchange *exchange);
/* Runs what is left of the middlewares on the way there, and goes on. May end. */
void exchange_run_middlewares(struct exchange *exchange);
/* It has ended, and nothing runs for it any more: middlewares are told, memory goes back. */
void exchange_bury(struct exchange *exchange);
/* NULL without memory. */
struct exchange_more *exchange_more(struct exchange *exchange);
/* Memory that is freed with the exchange; NULL without memory. */
void *exchange_own(struct exchange *exchange, void *memory);
void exchange_set_deadline(struct exchange *exchange);

#endif
