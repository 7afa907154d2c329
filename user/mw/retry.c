// SPDX-License-Identifier: Apache-2.0
/*
 * retry: sends a request once more when no server took it, or when the answer's status says so
 * (reference/traefik.md c.12).
 *
 * A request of which no server has seen a byte may be sent again whatever its method is. One that
 * was answered is sent again only for a status that is listed, and only if its method may be
 * repeated; for that its body is kept, up to a size. Before this middleware hears of a server that
 * takes no connection, the proxy has tried the other servers of the service (proxy/attempt.h): an
 * attempt here is one round over those.
 */

#include <errno.h>
#include <math.h>

#include "base/clock.h"
#include "base/hash.h"
#include "base/num.h"
#include "http/fail.h"
#include "model/mw_conf_limit.h"
#include "mw/mw_list.h"

enum { SWITCHING = 101 };

struct status_range {
	uint16_t from, to;
};

struct retry {
	uint32_t attempts;
	uint64_t timeout_ns, interval_ns; /* 0: none */
	double growth;			  /* of the interval from attempt to attempt */
	int64_t max_body_bytes;		  /* -1: no limit */
	struct status_range *statuses;
	size_t n_statuses;
	bool on_network_error, any_method;
};

struct slot {
	uint64_t begin_ns;
	uint32_t retries;
	bool body_too_large;
};

static int add_statuses(struct retry *self, struct str list, struct arena *arena)
{
	struct str rest = list, piece;
	size_t n = self->n_statuses;

	while (str_next(&rest, ',', &piece)) {
		struct status_range range;
		ptrdiff_t dash = str_find(piece, '-');
		struct status_range *grown =
			ARENA_ARRAY(arena, struct status_range, n + 1); /* few, once */

		if (!grown)
			return -ENOMEM;
		if (num_uint16(dash < 0 ? piece : str_take(piece, (size_t)dash), &range.from))
			return -EINVAL;
		range.to = range.from;
		if (dash >= 0 && num_uint16(str_from(piece, (size_t)dash + 1), &range.to))
			return -EINVAL;
		if (n)
			memcpy(grown, self->statuses, n * sizeof(*grown));
		grown[n++] = range;
		self->statuses = grown;
		self->n_statuses = n;
	}
	return 0;
}

static int prepare(struct mw_prepare *prepare, const void *decoded, const void **ret_conf)
{
	const struct mwc_retry *from = decoded;
	struct retry *self = ARENA_NEW(prepare->arena, struct retry);

	if (!self)
		return -ENOMEM;
	self->attempts = (uint32_t)from->attempts;
	self->timeout_ns = (uint64_t)from->timeout.ns;
	self->interval_ns = (uint64_t)from->initial_interval.ns;
	/* Twice the first interval is reached with the last attempt. */
	self->growth = self->attempts > 1 ? pow(2, 1 / (double)(self->attempts - 1)) : 1;
	self->max_body_bytes = from->max_request_body_bytes;
	self->on_network_error = !from->disable_retry_on_network_error;
	self->any_method = from->retry_non_idempotent_method;
	for (size_t i = 0; i < from->status.n; i++) {
		int result = add_statuses(self, from->status.at[i], prepare->arena);

		if (result == 0)
			continue;
		diag_error(prepare->sink, DIAG_INDEX(DIAG_FIELD(prepare->path, "status"), i),
			   "not a status code or a range of them");
		return result;
	}
	*ret_conf = self;
	return 0;
}

static bool may_repeat(const struct retry *self, const struct request *request)
{
	return self->any_method ||
	       !(request->method_id == METHOD_POST || request->method_id == METHOD_PATCH ||
		 str_eq(request->method, STR("LOCK")));
}

static bool looks_at_status(const struct retry *self, const struct request *request)
{
	return self->attempts > 1 && self->n_statuses > 0 && may_repeat(self, request);
}

static enum mw_verdict on_request(const struct mw_instance *instance, struct mw_call *call)
{
	const struct retry *self = instance->conf;
	const struct request *request = call->request;
	struct slot *slot = call->slot;

	slot->begin_ns = call->now_ns;
	if (request->body == BODY_NONE || request->upgrade || !looks_at_status(self, request))
		return MW_NEXT;
	if (request->body == BODY_LENGTH && self->max_body_bytes >= 0 &&
	    request->content_length > self->max_body_bytes) {
		slot->body_too_large = true;
		return MW_NEXT;
	}
	call->wait.body = (struct mw_wait_body){
		.wanted = true,
		.max_bytes = self->max_body_bytes,
	};
	return MW_WAIT;
}

static enum mw_verdict on_resume(const struct mw_instance *instance, struct mw_call *call)
{
	struct slot *slot = call->slot;

	(void)instance;
	slot->body_too_large = call->body_state == MW_BODY_TOO_LARGE;
	return MW_NEXT;
}

/* No server could be reached; the request was not read by any. */
static bool is_network_error(const struct mw_call *call)
{
	return !call->from_server && call->never_sent &&
	       (call->fail == FAIL_DIAL_FAILED || call->fail == FAIL_DIAL_TIMEOUT ||
		call->fail == FAIL_UPSTREAM_TLS);
}

static bool has_listed_status(const struct retry *self, const struct mw_call *call)
{
	const struct slot *slot = call->slot;

	if (slot->body_too_large || !looks_at_status(self, call->request))
		return false;
	for (size_t i = 0; i < self->n_statuses; i++)
		if (call->response->status >= self->statuses[i].from &&
		    call->response->status <= self->statuses[i].to)
			return true;
	return false;
}

static bool wants_again(const struct retry *self, const struct mw_call *call)
{
	const struct slot *slot = call->slot;

	if (!call->may_again || call->response->status == SWITCHING ||
	    slot->retries + 1 >= self->attempts)
		return false;
	if (self->timeout_ns && call->now_ns - slot->begin_ns >= self->timeout_ns)
		return false;
	return (self->on_network_error && is_network_error(call)) || has_listed_status(self, call);
}

/* From half to one and a half of the interval. */
static uint64_t pause_ns(const struct retry *self, const struct mw_call *call)
{
	enum { STEPS = 1 << 16 };
	const struct slot *slot = call->slot;
	uint64_t seed[] = {call->now_ns, (uint64_t)(uintptr_t)slot, slot->retries};
	uint64_t random = hash_keyed(str_n((const char *)seed, sizeof(seed))) % STEPS;
	double growth = pow(self->growth, slot->retries);

	if (growth > 2)
		growth = 2;
	return (uint64_t)((double)self->interval_ns * growth *
			  (0.5 + (double)random / (double)STEPS));
}

static enum mw_verdict on_response(const struct mw_instance *instance, struct mw_call *call)
{
	const struct retry *self = instance->conf;
	struct slot *slot = call->slot;
	uint64_t pause = 0;

	if (!wants_again(self, call))
		return MW_NEXT;
	if (self->interval_ns)
		pause = pause_ns(self, call);
	/* No attempt begins beyond the timeout. */
	if (self->timeout_ns && call->now_ns + pause - slot->begin_ns >= self->timeout_ns)
		return MW_NEXT;
	slot->retries++;
	if (pause)
		call->wait.until_ns = call->now_ns + pause;
	return MW_AGAIN;
}

static struct str explain(const struct mw_instance *instance, const struct request *request,
			  struct arena *arena)
{
	const struct retry *self = instance->conf;

	if (self->attempts == 1)
		return STR("does nothing: one attempt is what every request has");
	return arena_printf(arena, "tries %u times at most: %s%s%s", self->attempts,
			    self->on_network_error ? "when no server takes the connection" : "",
			    self->on_network_error && looks_at_status(self, request) ? ", and "
										     : "",
			    looks_at_status(self, request) ? "when the status is listed" : "");
}

const struct mw retry_mw = {
	.name = "retry",
	.schema = &schema_mw_retry,
	.prepare = prepare,
	.on_request = on_request,
	.on_resume = on_resume,
	.on_response = on_response,
	.slot_size = sizeof(struct slot),
	.explain = explain,
};
