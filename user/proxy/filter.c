// SPDX-License-Identifier: Apache-2.0
/* filter: see the header. */

#include "proxy/filter.h"

#include <errno.h>

#include "proxy/worker.h"

struct filter *filter_new(struct worker *worker, struct arena *arena, bool is_response)
{
	struct filter *filter = ARENA_NEW(arena, struct filter);

	if (!filter)
		return NULL;
	*filter = (struct filter){
		.worker = worker, .arena = arena, .is_response = is_response, .length = -1};
	mw_body_init(&filter->result, FILTER_OUT_MAX_BYTES);
	return filter;
}

void filter_add(struct filter *filter, const struct mw_instance *self, const struct mw_call *call)
{
	struct filter_stage *stage = ARENA_NEW(filter->arena, struct filter_stage);

	if (!stage)
		return;
	stage->self = self;
	stage->call = *call;
	mw_body_init(&stage->out, FILTER_OUT_MAX_BYTES);
	if (filter->last)
		filter->last->next = stage;
	else
		filter->first = stage;
	filter->last = stage;
}

void filter_set_response(struct filter *filter, struct response *response)
{
	for (struct filter_stage *stage = filter->first; stage; stage = stage->next)
		stage->call.response = response;
}

static int run_stage(struct filter *filter, struct filter_stage *stage, const struct mw_span *span,
		     struct headers *trailers)
{
	const struct mw *mw = stage->self->mw;
	int (*hook)(const struct mw_instance *, struct mw_call *, const struct mw_span *,
		    struct mw_body_out *) =
		filter->is_response ? mw->on_response_body : mw->on_request_body;
	int error = 0;

	mw_body_begin(&stage->out, trailers);
	stage->call.now_ns = filter->worker->loop.now_ns;
	stage->call.wall_ns = filter->worker->loop.wall_ns;
	if (hook)
		error = hook(stage->self, &stage->call, span, &stage->out);
	else
		mw_body_append(&stage->out, span->bytes);
	if (!error && stage->out.failed)
		error = -ENOMEM;
	return error;
}

/* What comes out of the last stage gets room around it. */
static int take_result(struct filter *filter, struct str bytes, struct str *ret_out)
{
	struct mw_body_out *result = &filter->result;
	char *at;

	mw_body_begin(result, NULL);
	at = mw_body_room(result, FILTER_ROOM_BYTES + bytes.len + FILTER_END_BYTES);
	if (!at)
		return -ENOMEM;
	if (bytes.len)
		memcpy(at + FILTER_ROOM_BYTES, bytes.at, bytes.len);
	*ret_out = (struct str){at + FILTER_ROOM_BYTES, bytes.len};
	return 0;
}

int filter_push(struct filter *filter, const struct mw_span *span, struct str *ret_out)
{
	struct mw_span now = *span;
	struct headers lists[2] = {{.arena = filter->arena}, {.arena = filter->arena}};
	int which = 0, error;

	if (filter->has_ended)
		return -EPROTO;
	filter->holds = !span->is_flush && !span->is_last;
	for (struct filter_stage *stage = filter->first; stage; stage = stage->next) {
		if (!now.bytes.len && !now.is_last && !now.is_flush)
			break;
		lists[which] = (struct headers){.arena = filter->arena};
		error = run_stage(filter, stage, &now, &lists[which]);
		if (error)
			return error;
		now.bytes = mw_body_str(&stage->out);
		now.trailers = &lists[which];
		which = !which;
	}
	if (now.is_last) {
		filter->has_ended = true;
		if (now.trailers)
			filter->trailers = *now.trailers;
	}
	filter->n_out += now.bytes.len;
	if (filter->length >= 0 && (filter->n_out > (uint64_t)filter->length ||
				    (now.is_last && filter->n_out != (uint64_t)filter->length)))
		return -EPROTO;
	return take_result(filter, now.bytes, ret_out);
}

void filter_done(struct filter *filter)
{
	if (!filter)
		return;
	for (struct filter_stage *stage = filter->first; stage; stage = stage->next)
		mw_body_done(&stage->out);
	mw_body_done(&filter->result);
	filter->first = filter->last = NULL;
}
