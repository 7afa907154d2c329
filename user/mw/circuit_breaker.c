// SPDX-License-Identifier: Apache-2.0
/*
 * circuit_breaker: sends a service nothing while an expression over its last answers says that it
 * fails (reference/traefik.md c.11). What is measured is the answer as it comes from further in:
 * its status, and the time until it was handed to the client.
 */

#include <errno.h>

#include "base/num.h"
#include "http/status.h"
#include "model/mw_conf_limit.h"
#include "mw/breaker.h"
#include "mw/mw_list.h"
#include "mw/trip_expr.h"

enum function { NETWORK_ERROR_RATIO, RESPONSE_CODE_RATIO, LATENCY_AT_QUANTILE, REQUEST_THRESHOLD };

static const struct trip_function functions[] = {
	[NETWORK_ERROR_RATIO] = {STR("NetworkErrorRatio"), TRIP_NUMBER, 0},
	[RESPONSE_CODE_RATIO] = {STR("ResponseCodeRatio"), TRIP_NUMBER, 4},
	[LATENCY_AT_QUANTILE] = {STR("LatencyAtQuantileMS"), TRIP_NUMBER, 1},
	[REQUEST_THRESHOLD] = {STR("RequestThreshold"), TRIP_NUMBER, 0},
};

enum { STATUS_END = 1000, CLIENT_CLOSED = 499 };

struct circuit_breaker {
	const struct trip_expr *expr;
	struct breaker_times times;
	uint16_t status;
};

struct slot {
	uint64_t begin_ns; /* 0: was not let through */
	uint16_t status;
};

/* The numbers of now. */
struct numbers {
	struct trip_values values; /* first */
	const struct mw_state *state;
	uint64_t now_ns;
};

static int prepare(struct mw_prepare *prepare, const void *decoded, const void **ret_conf)
{
	const struct mwc_circuit_breaker *from = decoded;
	struct circuit_breaker *self = ARENA_NEW(prepare->arena, struct circuit_breaker);
	struct trip_fault fault;
	int result;

	if (!self)
		return -ENOMEM;
	result =
		trip_expr_parse(from->expression, functions, sizeof(functions) / sizeof(*functions),
				prepare->arena, &self->expr, &fault);
	if (result == -EINVAL)
		diag_found(prepare->sink,
			   diag_error(prepare->sink, DIAG_FIELD(prepare->path, "expression"),
				      "column %zu: %s", fault.column + 1, fault.message),
			   from->expression);
	if (result < 0)
		return result;
	if (from->response_code < 200) {
		diag_error(prepare->sink, DIAG_FIELD(prepare->path, "responseCode"),
			   "%lld does not end a request", (long long)from->response_code);
		return -EINVAL;
	}
	self->times = (struct breaker_times){
		.check_ns = (uint64_t)from->check_period.ns,
		.fallback_ns = (uint64_t)from->fallback_duration.ns,
		.recovery_ns = (uint64_t)from->recovery_duration.ns,
	};
	self->status = (uint16_t)from->response_code;
	*ret_conf = self;
	return 0;
}

static struct mw_state *state_new(const void *conf)
{
	(void)conf;
	return breaker_new();
}

static double ratio(uint64_t part, uint64_t whole)
{
	return whole ? (double)part / (double)whole : 0;
}

static unsigned status_bound(double value)
{
	return value < 0 ? 0 : value > STATUS_END ? STATUS_END : (unsigned)value;
}

static double number_of(const struct trip_values *values, size_t function, const double *args)
{
	const struct numbers *numbers = (const struct numbers *)values;
	const struct mw_state *state = numbers->state;
	uint64_t now_ns = numbers->now_ns;

	switch (function) {
	case NETWORK_ERROR_RATIO:
		return ratio(breaker_count(state, 502, 503, now_ns) +
				     breaker_count(state, 504, 505, now_ns),
			     breaker_count(state, 0, STATUS_END, now_ns));
	case RESPONSE_CODE_RATIO:
		return ratio(
			breaker_count(state, status_bound(args[0]), status_bound(args[1]), now_ns),
			breaker_count(state, status_bound(args[2]), status_bound(args[3]), now_ns));
	case LATENCY_AT_QUANTILE:
		return (double)breaker_latency_ms(state, args[0], now_ns);
	default:
		return (double)breaker_count(state, 0, STATUS_END, now_ns);
	}
}

static enum mw_verdict on_request(const struct mw_instance *instance, struct mw_call *call)
{
	const struct circuit_breaker *self = instance->conf;
	struct slot *slot = call->slot;

	if (breaker_allows(instance->state, &self->times, call->now_ns)) {
		slot->begin_ns = call->now_ns;
		return MW_NEXT;
	}
	call->reply.status = self->status;
	if (!status_is_bodiless(self->status))
		call->reply.body = status_text(self->status);
	return MW_REPLY;
}

static enum mw_verdict on_response(const struct mw_instance *instance, struct mw_call *call)
{
	struct slot *slot = call->slot;

	(void)instance;
	slot->status = call->response->status;
	return MW_NEXT;
}

static void on_end(const struct mw_instance *instance, struct mw_call *call)
{
	const struct circuit_breaker *self = instance->conf;
	const struct slot *slot = call->slot;
	struct numbers numbers = {{number_of, NULL}, instance->state, call->now_ns};

	if (!slot->begin_ns)
		return;
	/* Without an answer the client has gone. */
	breaker_record(instance->state, slot->status ? slot->status : CLIENT_CLOSED,
		       call->now_ns - slot->begin_ns, call->now_ns);
	if (breaker_due(instance->state, &self->times, call->now_ns) &&
	    trip_expr_eval(self->expr, &numbers.values))
		breaker_trip(instance->state, &self->times, call->now_ns);
}

static struct str explain(const struct mw_instance *instance, const struct request *request,
			  struct arena *arena)
{
	const struct circuit_breaker *self = instance->conf;

	(void)request;
	return arena_printf(arena,
			    "lets the request pass, unless the circuit is open: then %u; it opens "
			    "when " STR_FMT,
			    self->status, STR_ARG(trip_expr_print(self->expr, arena)));
}

const struct mw circuit_breaker_mw = {
	.name = "circuitBreaker",
	.schema = &schema_mw_circuit_breaker,
	.prepare = prepare,
	.state_new = state_new,
	.on_request = on_request,
	.on_response = on_response,
	.on_end = on_end,
	.slot_size = sizeof(struct slot),
	.explain = explain,
};
