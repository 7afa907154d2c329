// SPDX-License-Identifier: Apache-2.0
/*
 * buffering: reads whole messages before they go on, and holds them to a size (reference/traefik.md
 * c.10). With a retryExpression an answer for which it holds is dropped and the request sent again,
 * ten times at most. Upgraded connections are not buffered.
 */

#include <errno.h>

#include "http/status.h"
#include "model/mw_conf_limit.h"
#include "mw/mw_list.h"
#include "mw/trip_expr.h"

enum { TRIES_MAX = 11, SWITCHING = 101 };

enum function { ATTEMPTS, RESPONSE_CODE, IS_NETWORK_ERROR, REQUEST_METHOD };

static const struct trip_function functions[] = {
	[ATTEMPTS] = {STR("Attempts"), TRIP_NUMBER, 0},
	[RESPONSE_CODE] = {STR("ResponseCode"), TRIP_NUMBER, 0},
	[IS_NETWORK_ERROR] = {STR("IsNetworkError"), TRIP_BOOL, 0},
	[REQUEST_METHOD] = {STR("RequestMethod"), TRIP_TEXT, 0},
};

struct buffering {
	int64_t max_request_bytes, mem_request_bytes, max_response_bytes; /* -1: no limit */
	const struct trip_expr *retry;					  /* NULL: never */
};

struct slot {
	uint32_t retries;
	bool is_refused; /* the answer is this middleware's own */
};

struct facts {
	struct trip_values values; /* first */
	const struct mw_call *call;
};

static int prepare(struct mw_prepare *prepare, const void *decoded, const void **ret_conf)
{
	const struct mwc_buffering *from = decoded;
	struct buffering *self = ARENA_NEW(prepare->arena, struct buffering);
	struct trip_fault fault;
	int result = 0;

	if (!self)
		return -ENOMEM;
	self->max_request_bytes = from->max_request_body_bytes ? from->max_request_body_bytes : -1;
	self->mem_request_bytes = from->mem_request_body_bytes;
	self->max_response_bytes =
		from->max_response_body_bytes ? from->max_response_body_bytes : -1;
	if (from->retry_expression.len)
		result = trip_expr_parse(from->retry_expression, functions,
					 sizeof(functions) / sizeof(*functions), prepare->arena,
					 &self->retry, &fault);
	if (result == -EINVAL)
		diag_found(prepare->sink,
			   diag_error(prepare->sink, DIAG_FIELD(prepare->path, "retryExpression"),
				      "column %zu: %s", fault.column + 1, fault.message),
			   from->retry_expression);
	*ret_conf = self;
	return result;
}

static enum mw_verdict on_request(const struct mw_instance *instance, struct mw_call *call)
{
	const struct buffering *self = instance->conf;

	if (call->request->body == BODY_NONE)
		return MW_NEXT;
	call->wait.body = (struct mw_wait_body){
		.wanted = true,
		.max_bytes = self->max_request_bytes,
		.mem_bytes = self->mem_request_bytes,
	};
	return MW_WAIT;
}

static enum mw_verdict reply(struct mw_call *call, uint16_t status)
{
	call->reply.status = status;
	call->reply.body = status_text(status);
	return MW_REPLY;
}

static enum mw_verdict on_resume(const struct mw_instance *instance, struct mw_call *call)
{
	struct slot *slot = call->slot;

	(void)instance;
	slot->is_refused = call->body_state == MW_BODY_TOO_LARGE;
	return slot->is_refused ? reply(call, 413) : MW_NEXT;
}

static double number_of(const struct trip_values *values, size_t function, const double *args)
{
	const struct mw_call *call = ((const struct facts *)values)->call;
	const struct slot *slot = call->slot;
	uint16_t status = call->response->status;

	(void)args;
	switch (function) {
	case ATTEMPTS:
		return slot->retries + 1;
	case RESPONSE_CODE:
		return status;
	default:
		return status == 502 || status == 504;
	}
}

static struct str text_of(const struct trip_values *values, size_t function)
{
	(void)function;
	return ((const struct facts *)values)->call->request->method;
}

static bool wants_again(const struct buffering *self, struct mw_call *call)
{
	const struct slot *slot = call->slot;
	const struct facts facts = {{number_of, text_of}, call};

	return self->retry && call->may_again && slot->retries + 1 < TRIES_MAX &&
	       trip_expr_eval(self->retry, &facts.values);
}

static bool has_body(const struct mw_call *call)
{
	const struct response *response = call->response;

	return response->body != BODY_NONE && call->request->method_id != METHOD_HEAD &&
	       !(response->body == BODY_LENGTH && response->content_length == 0);
}

static enum mw_verdict on_response(const struct mw_instance *instance, struct mw_call *call)
{
	const struct buffering *self = instance->conf;
	struct slot *slot = call->slot;

	/* The limits and the expression are about what the service says. */
	if (call->response->status == SWITCHING || slot->is_refused)
		return MW_NEXT;
	if (call->resumed)
		return call->response_too_large ? reply(call, 500) : MW_NEXT;
	if (wants_again(self, call)) {
		slot->retries++;
		return MW_AGAIN;
	}
	if (!has_body(call))
		return MW_NEXT;
	call->wait.response = (struct mw_wait_response){
		.wanted = true,
		.whole = true,
		.max_bytes = self->max_response_bytes,
	};
	return MW_WAIT;
}

static struct str explain(const struct mw_instance *instance, const struct request *request,
			  struct arena *arena)
{
	const struct buffering *self = instance->conf;

	(void)request;
	if (!self->retry)
		return STR("reads the whole request, and the whole response, before it goes on");
	return arena_printf(arena,
			    "reads whole messages before they go on; sends the request again "
			    "while " STR_FMT,
			    STR_ARG(trip_expr_print(self->retry, arena)));
}

const struct mw buffering_mw = {
	.name = "buffering",
	.schema = &schema_mw_buffering,
	.prepare = prepare,
	.on_request = on_request,
	.on_resume = on_resume,
	.on_response = on_response,
	.slot_size = sizeof(struct slot),
	.explain = explain,
};
