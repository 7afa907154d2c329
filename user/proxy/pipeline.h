/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PIPELINE_H
#define PIPELINE_H

/*
 * pipeline: one request's way through middlewares, and its response's way back.
 *
 * Chains come one after the other, each a level: the route's, those of routes below it, those of
 * services on the way to a server. The request passes them in order; one may answer by itself or
 * wait (the caller sees to that, and runs the pipeline again). The response passes, in reverse,
 * those that the request has reached: also when the answer is a middleware's own or a failure of
 * the proxy's; there one may wait, answer anew, or ask for another attempt. At the end every one
 * that was reached is told. Nothing here knows connections.
 */

#include "mw/mw.h"
#include "proxy/filter.h"
#include "proxy/jobs.h"

struct worker;

enum pipeline_result {
	PIPELINE_NEXT,	 /* all have run */
	PIPELINE_REPLY,	 /* pipeline->call.reply is the answer */
	PIPELINE_WAIT,	 /* for pipeline->call.wait; then the same function again */
	PIPELINE_AGAIN,	 /* pipeline_answer() only: another attempt, see pipeline_rewind() */
	PIPELINE_FAILED, /* no memory */
};

/* The request as it was when a level began. */
struct pipeline_before {
	struct request request;
	bool was_sent; /* X-Forwarded-For was appended already */
};

struct pipeline_level {
	const struct mw_chain *chain;  /* NULL: none */
	const struct service *service; /* whose chain it is; NULL: a route's */
	struct pipeline_level *outer;
	struct pipeline_before *before; /* of services only */
	char *slots;
	uint16_t n_reached;
};

/* What the hooks are told of an answer. */
struct pipeline_facts {
	bool from_server, never_sent, may_again, response_is_whole, response_too_large;
	uint8_t fail; /* enum fail */
	uint32_t n_attempts;
	uint64_t origin_ns;
	const struct service *service;
	struct str response_begin;
};

/* What they are told of a request's body that was waited for. */
struct pipeline_body {
	enum mw_body_state state;
	struct str bytes;
	uint64_t n_bytes;
};

struct pipeline {
	struct pipeline_level first;
	struct pipeline_level *inner; /* the last one that was entered */
	/* The way back: where the response stands; NULL: it has not begun. */
	struct pipeline_level *back;
	const struct pipeline_level *again; /* whose middleware asked for another attempt */
	uint16_t back_left;
	bool is_waiting;  /* the last reached one has asked to be resumed */
	bool back_waits;  /* the same on the way back */
	bool is_answered; /* the response has passed */
	bool was_refused; /* a middleware refused the source for going too fast */
	bool has_response_hooks, has_end_hooks;
	/* Who filters bodies; NULL: nobody. */
	struct filter *request_filter, *response_filter;
	const struct mw_instance *refused_by;
	struct str user;
	uint64_t begin_ns;
	struct pipeline_body body;
	struct mw_call call;
	struct job job;
};

/* chain is borrowed from the snapshot; NULL: none. */
void pipeline_init(struct pipeline *pipeline, const struct mw_chain *chain, uint64_t begin_ns);
/*
 * A further chain, run by the next pipeline_run(). service: whose it is (then the request is kept
 * as it is now, for pipeline_rewind()). -ENOMEM.
 */
int pipeline_enter(struct pipeline *pipeline, const struct mw_chain *chain,
		   const struct service *service, struct request *request, bool was_sent);
/* Begins or goes on. */
enum pipeline_result pipeline_run(struct pipeline *pipeline, struct worker *worker,
				  struct request *request);
/*
 * The way back: begins, goes on after waiting, or goes on with another response (a reply, a
 * failure) where the one before was dropped. Once all have passed it does nothing more.
 */
enum pipeline_result pipeline_answer(struct pipeline *pipeline, struct worker *worker,
				     struct request *request, struct response *response,
				     const struct pipeline_facts *facts);
/*
 * Before another attempt: services' levels further in than keep are left (their middlewares are
 * told the end) and the request is as it was before them; the next response passes all again.
 * Returns whether the request says already who sent it.
 */
bool pipeline_rewind(struct pipeline *pipeline, const struct pipeline_level *keep,
		     struct worker *worker, struct request *request, bool was_sent);
/* Whether pipeline_end() has anything to do. */
static inline bool pipeline_has_end(const struct pipeline *pipeline)
{
	return pipeline->has_end_hooks || pipeline->request_filter || pipeline->response_filter;
}
/* Tells all that were reached, once. */
void pipeline_end(struct pipeline *pipeline, struct worker *worker, struct request *request,
		  bool completed);
/* The level of the route: what pipeline_rewind() keeps at least. */
static inline const struct pipeline_level *pipeline_route_level(const struct pipeline *pipeline)
{
	const struct pipeline_level *level = pipeline->inner;

	while (level->service)
		level = level->outer;
	return level;
}

#endif
