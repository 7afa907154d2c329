// SPDX-License-Identifier: Apache-2.0
/* pipeline: see the header. */

#include "proxy/pipeline.h"

#include "proxy/worker.h"

void pipeline_init(struct pipeline *pipeline, const struct mw_chain *chain)
{
	pipeline->chain = chain && chain->n ? chain : NULL;
	pipeline->n_reached = 0;
	pipeline->is_waiting = pipeline->was_refused = pipeline->replied = false;
	pipeline->slots = NULL;
	pipeline->user = (struct str){0};
	pipeline->refused_by = NULL;
}

static void count(struct worker *worker, const struct mw_instance *instance, unsigned int slot)
{
	if (worker->metrics)
		metric_add(worker->metrics, instance->series, slot, 1);
}

static void prepare_call(struct pipeline *pipeline, struct worker *worker, struct request *request,
			 const struct mw_instance *instance)
{
	pipeline->call = (struct mw_call){
		.request = request,
		.reply.headers.arena = request->arena,
		.slot = pipeline->slots ? pipeline->slots + instance->slot_offset : NULL,
		.now_ns = worker->loop.now_ns,
		.wall_ns = worker->loop.wall_ns,
	};
}

static enum mw_verdict call_hook(struct pipeline *pipeline, struct worker *worker,
				 struct request *request)
{
	bool resumed = pipeline->is_waiting;
	const struct mw_instance *instance =
		&pipeline->chain->at[resumed ? pipeline->n_reached - 1 : pipeline->n_reached];
	enum mw_verdict (*hook)(const struct mw_instance *, struct mw_call *) =
		resumed ? instance->mw->on_resume : instance->mw->on_request;
	enum mw_verdict verdict = MW_NEXT;

	pipeline->is_waiting = false;
	if (!resumed) {
		pipeline->n_reached++;
		count(worker, instance, METRIC_MIDDLEWARE_REQUESTS);
	}
	prepare_call(pipeline, worker, request, instance);
	if (hook)
		verdict = hook(instance, &pipeline->call);
	if (pipeline->call.user.at)
		pipeline->user = pipeline->call.user;
	if (pipeline->call.refused) {
		pipeline->was_refused = true;
		pipeline->refused_by = instance;
	}
	if (verdict == MW_REPLY)
		count(worker, instance, METRIC_MIDDLEWARE_REPLIES);
	else if (verdict == MW_WAIT)
		count(worker, instance, METRIC_MIDDLEWARE_WAITS);
	return verdict;
}

enum pipeline_result pipeline_run(struct pipeline *pipeline, struct worker *worker,
				  struct request *request)
{
	const struct mw_chain *chain = pipeline->chain;

	if (!chain)
		return PIPELINE_NEXT;
	if (chain->slot_bytes && !pipeline->slots) {
		pipeline->slots = arena_zero(request->arena, 1, chain->slot_bytes);
		if (!pipeline->slots)
			return PIPELINE_FAILED;
	}
	while (pipeline->is_waiting || pipeline->n_reached < chain->n) {
		switch (call_hook(pipeline, worker, request)) {
		case MW_NEXT:
		case MW_AGAIN: /* means something for responses only */
			break;
		case MW_REPLY:
			pipeline->replied = true;
			return PIPELINE_REPLY;
		case MW_WAIT:
			pipeline->is_waiting = true;
			pipeline->until_ns = pipeline->call.wait.until_ns;
			if (!pipeline->call.wait.run)
				return PIPELINE_WAIT_UNTIL;
			pipeline->job.run = pipeline->call.wait.run;
			pipeline->job.arg = pipeline->call.wait.arg;
			return PIPELINE_WAIT_JOB;
		}
	}
	return PIPELINE_NEXT;
}

void pipeline_response(struct pipeline *pipeline, struct worker *worker, struct request *request,
		       struct response *response)
{
	const struct mw_chain *chain = pipeline->chain;

	if (!chain || !chain->has_response_hooks)
		return;
	for (uint16_t i = pipeline->n_reached; i > 0; i--) {
		const struct mw_instance *instance = &chain->at[i - 1];

		if (!instance->mw->on_response)
			continue;
		prepare_call(pipeline, worker, request, instance);
		pipeline->call.response = response;
		instance->mw->on_response(instance, &pipeline->call);
	}
	pipeline->n_reached = 0;
}
