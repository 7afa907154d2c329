// SPDX-License-Identifier: Apache-2.0
/* pipeline: see the header. */

#include "proxy/pipeline.h"

#include <errno.h>

#include "proxy/worker.h"

static void note_hooks(struct pipeline *pipeline, const struct mw_chain *chain)
{
	pipeline->has_response_hooks |= chain->has_response_hooks;
	pipeline->has_end_hooks |= chain->has_end_hooks;
}

void pipeline_init(struct pipeline *pipeline, const struct mw_chain *chain, uint64_t begin_ns)
{
	/* What a request without middlewares reads; the rest is set when it is used. */
	pipeline->first = (struct pipeline_level){.chain = chain && chain->n ? chain : NULL};
	pipeline->inner = &pipeline->first;
	pipeline->back = NULL;
	pipeline->again = NULL;
	pipeline->is_waiting = pipeline->back_waits = pipeline->is_answered = false;
	pipeline->was_refused = pipeline->has_response_hooks = pipeline->has_end_hooks = false;
	pipeline->request_filter = pipeline->response_filter = NULL;
	pipeline->refused_by = NULL;
	pipeline->user = (struct str){0};
	pipeline->begin_ns = begin_ns;
	pipeline->body = (struct pipeline_body){0};
	if (pipeline->first.chain)
		note_hooks(pipeline, chain);
}

static struct pipeline_before *copy_request(const struct request *request, bool was_sent)
{
	struct arena *arena = request->arena;
	struct pipeline_before *before = ARENA_NEW(arena, struct pipeline_before);
	const struct headers *headers = &request->headers;

	if (!before)
		return NULL;
	before->request = *request;
	before->was_sent = was_sent;
	before->request.headers.at = ARENA_ARRAY(arena, struct header, headers->n + 1U);
	before->request.headers.cap = (uint16_t)(headers->n + 1U);
	if (!before->request.headers.at)
		return NULL;
	memcpy(before->request.headers.at, headers->at, headers->n * sizeof(struct header));
	return before;
}

int pipeline_enter(struct pipeline *pipeline, const struct mw_chain *chain,
		   const struct service *service, struct request *request, bool was_sent)
{
	struct pipeline_level *level;

	if (!service && !chain->n)
		return 0;
	level = ARENA_NEW(request->arena, struct pipeline_level);
	if (!level)
		return -ENOMEM;
	level->chain = chain;
	level->service = service;
	level->outer = pipeline->inner;
	if (service && !(level->before = copy_request(request, was_sent)))
		return -ENOMEM;
	pipeline->inner = level;
	note_hooks(pipeline, chain);
	return 0;
}

static void count(struct worker *worker, const struct mw_instance *instance, unsigned int slot)
{
	if (worker->metrics)
		metric_add(worker->metrics, instance->series, slot, 1);
}

static void prepare_call(struct pipeline *pipeline, struct worker *worker, struct request *request,
			 const struct pipeline_level *level, const struct mw_instance *instance)
{
	pipeline->call = (struct mw_call){
		.request = request,
		.reply.headers.arena = request->arena,
		.slot = level->slots ? level->slots + instance->slot_offset : NULL,
		.now_ns = worker->loop.now_ns,
		.wall_ns = worker->loop.wall_ns,
		.begin_ns = pipeline->begin_ns,
		.worker = worker->index,
		.body_state = pipeline->body.state,
		.body = pipeline->body.bytes,
		.body_bytes = pipeline->body.n_bytes,
	};
}

/* What a hook of any kind may have said. */
static void take_words(struct pipeline *pipeline, struct worker *worker,
		       const struct mw_instance *instance, enum mw_verdict verdict)
{
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
}

static void add_filter(struct filter **filter, struct worker *worker, bool is_response,
		       struct request *request, const struct mw_instance *instance,
		       const struct mw_call *call)
{
	if (!*filter)
		*filter = filter_new(worker, request->arena, is_response);
	if (*filter)
		filter_add(*filter, instance, call);
}

/* --------------------------------------------------------------- the way there -- */

static enum mw_verdict call_request_hook(struct pipeline *pipeline, struct worker *worker,
					 struct request *request, struct pipeline_level *level)
{
	bool resumed = pipeline->is_waiting;
	const struct mw_instance *instance =
		&level->chain->at[resumed ? level->n_reached - 1 : level->n_reached];
	enum mw_verdict (*hook)(const struct mw_instance *, struct mw_call *) =
		resumed ? instance->mw->on_resume : instance->mw->on_request;
	enum mw_verdict verdict = MW_NEXT;

	pipeline->is_waiting = false;
	if (!resumed) {
		level->n_reached++;
		count(worker, instance, METRIC_MIDDLEWARE_REQUESTS);
	}
	prepare_call(pipeline, worker, request, level, instance);
	if (hook)
		verdict = hook(instance, &pipeline->call);
	take_words(pipeline, worker, instance, verdict);
	if (pipeline->call.filter_request && request->body != BODY_NONE)
		add_filter(&pipeline->request_filter, worker, false, request, instance,
			   &pipeline->call);
	return verdict;
}

enum pipeline_result pipeline_run(struct pipeline *pipeline, struct worker *worker,
				  struct request *request)
{
	struct pipeline_level *level = pipeline->inner;
	const struct mw_chain *chain = level->chain;

	if (!chain)
		return PIPELINE_NEXT;
	if (chain->slot_bytes && !level->slots) {
		level->slots = arena_zero(request->arena, 1, chain->slot_bytes);
		if (!level->slots)
			return PIPELINE_FAILED;
	}
	while (pipeline->is_waiting || level->n_reached < chain->n) {
		switch (call_request_hook(pipeline, worker, request, level)) {
		case MW_NEXT:
		case MW_AGAIN: /* means something for responses only */
			break;
		case MW_REPLY:
			return PIPELINE_REPLY;
		case MW_WAIT:
			pipeline->is_waiting = true;
			return PIPELINE_WAIT;
		}
	}
	return PIPELINE_NEXT;
}

/* ---------------------------------------------------------------- the way back -- */

static enum mw_verdict call_response_hook(struct pipeline *pipeline, struct worker *worker,
					  struct request *request, struct response *response,
					  const struct pipeline_facts *facts)
{
	struct pipeline_level *level = pipeline->back;
	const struct mw_instance *instance = &level->chain->at[pipeline->back_left - 1];
	int64_t length = response->content_length;
	uint8_t body = response->body;
	enum mw_verdict verdict;

	if (!instance->mw->on_response)
		return MW_NEXT;
	prepare_call(pipeline, worker, request, level, instance);
	pipeline->call.response = response;
	pipeline->call.resumed = pipeline->back_waits;
	pipeline->call.from_server = facts->from_server;
	pipeline->call.never_sent = facts->never_sent;
	pipeline->call.may_again = facts->may_again;
	pipeline->call.fail = facts->fail;
	pipeline->call.n_attempts = facts->n_attempts;
	pipeline->call.origin_ns = facts->origin_ns;
	pipeline->call.service = facts->service;
	pipeline->call.response_begin = facts->response_begin;
	pipeline->call.response_is_whole = facts->response_is_whole;
	pipeline->call.response_too_large = facts->response_too_large;
	pipeline->back_waits = false;
	verdict = instance->mw->on_response(instance, &pipeline->call);
	take_words(pipeline, worker, instance, verdict);
	if (verdict == MW_AGAIN && !facts->may_again)
		verdict = MW_NEXT;
	if (verdict == MW_NEXT && pipeline->call.filter_response) {
		add_filter(&pipeline->response_filter, worker, true, request, instance,
			   &pipeline->call);
		/* Unknown, unless the hook said a new one, or that it stays. */
		if (!pipeline->call.keeps_length && response->content_length == length &&
		    response->body == body) {
			response->body = BODY_CHUNKED;
			response->content_length = -1;
		}
	}
	return verdict;
}

static void drop_response_filter(struct pipeline *pipeline)
{
	filter_done(pipeline->response_filter);
	pipeline->response_filter = NULL;
}

/* One step outward; false: all have been passed. */
static bool step_back(struct pipeline *pipeline)
{
	while (pipeline->back && !pipeline->back_left) {
		pipeline->back = pipeline->back->outer;
		pipeline->back_left = pipeline->back ? pipeline->back->n_reached : 0;
	}
	return pipeline->back != NULL;
}

enum pipeline_result pipeline_answer(struct pipeline *pipeline, struct worker *worker,
				     struct request *request, struct response *response,
				     const struct pipeline_facts *facts)
{
	if (!pipeline->has_response_hooks || pipeline->is_answered)
		return PIPELINE_NEXT;
	if (!pipeline->back) {
		pipeline->back = pipeline->inner;
		pipeline->back_left = pipeline->inner->n_reached;
	}
	while (step_back(pipeline)) {
		switch (call_response_hook(pipeline, worker, request, response, facts)) {
		case MW_NEXT:
			pipeline->back_left--;
			break;
		case MW_WAIT:
			pipeline->back_waits = true;
			return PIPELINE_WAIT;
		case MW_REPLY:
			pipeline->back_left--;
			drop_response_filter(pipeline);
			return PIPELINE_REPLY;
		case MW_AGAIN:
			pipeline->again = pipeline->back;
			return PIPELINE_AGAIN;
		}
	}
	pipeline->is_answered = true;
	return PIPELINE_NEXT;
}

/* ------------------------------------------------------------------ the end ---- */

static void end_level(struct pipeline *pipeline, struct pipeline_level *level,
		      struct worker *worker, struct request *request, bool completed)
{
	for (uint16_t i = level->n_reached; i > 0; i--) {
		const struct mw_instance *instance = &level->chain->at[i - 1];

		if (!instance->mw->on_end)
			continue;
		prepare_call(pipeline, worker, request, level, instance);
		pipeline->call.completed = completed;
		instance->mw->on_end(instance, &pipeline->call);
	}
	level->n_reached = 0;
}

bool pipeline_rewind(struct pipeline *pipeline, const struct pipeline_level *keep,
		     struct worker *worker, struct request *request, bool was_sent)
{
	drop_response_filter(pipeline);
	pipeline->back = NULL;
	pipeline->again = NULL;
	pipeline->back_waits = pipeline->is_answered = false;
	while (pipeline->inner != keep && pipeline->inner->service) {
		struct pipeline_level *level = pipeline->inner;
		struct header *slots = request->headers.at;
		uint16_t cap = request->headers.cap;

		end_level(pipeline, level, worker, request, false);
		/* There is room for them: the list only grew since. */
		*request = level->before->request;
		memcpy(slots, request->headers.at, request->headers.n * sizeof(struct header));
		request->headers.at = slots;
		request->headers.cap = cap;
		was_sent = level->before->was_sent;
		pipeline->inner = level->outer;
	}
	return was_sent;
}

void pipeline_end(struct pipeline *pipeline, struct worker *worker, struct request *request,
		  bool completed)
{
	filter_done(pipeline->request_filter);
	filter_done(pipeline->response_filter);
	pipeline->request_filter = pipeline->response_filter = NULL;
	if (!pipeline->has_end_hooks)
		return;
	for (struct pipeline_level *level = pipeline->inner; level; level = level->outer)
		end_level(pipeline, level, worker, request, completed);
}
