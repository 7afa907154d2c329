/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PIPELINE_H
#define PIPELINE_H

/*
 * pipeline: one request's way through its route's middlewares, and its response's way back.
 *
 * The request passes them in order; one may answer by itself or make the request wait, for a time
 * or for a job on another thread. The response passes, in reverse, those that the request has
 * reached: also when the answer is a middleware's own or a failure of the proxy's. Nothing here
 * knows connections.
 */

#include "mw/mw.h"
#include "proxy/jobs.h"

struct worker;

enum pipeline_result {
	PIPELINE_NEXT,	     /* all have run: forward */
	PIPELINE_REPLY,	     /* pipeline->call.reply is the answer */
	PIPELINE_WAIT_UNTIL, /* call pipeline_run() again at pipeline->until_ns */
	PIPELINE_WAIT_JOB,   /* pipeline->job says what to run; then call pipeline_run() again */
	PIPELINE_FAILED,     /* no memory */
};

struct pipeline {
	const struct mw_chain *chain; /* NULL: none */
	uint16_t n_reached;	      /* the response passes those */
	bool is_waiting;	      /* the last reached one has asked to be resumed */
	bool was_refused;	      /* a middleware refused the source for going too fast */
	bool replied;
	char *slots;
	uint64_t until_ns;
	struct mw_call call;
	struct job job;
	struct str user;
	const struct mw_instance *refused_by;
};

/* chain is borrowed from the snapshot. */
void pipeline_init(struct pipeline *pipeline, const struct mw_chain *chain);
/* Begins or goes on. */
enum pipeline_result pipeline_run(struct pipeline *pipeline, struct worker *worker,
				  struct request *request);
/* The way back: every response, once. */
void pipeline_response(struct pipeline *pipeline, struct worker *worker, struct request *request,
		       struct response *response);

#endif
