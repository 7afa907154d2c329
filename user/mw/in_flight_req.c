// SPDX-License-Identifier: Apache-2.0
/*
 * in_flight_req: limits how many requests of a source are under way at once (reference/traefik.md
 * c.6); by default all that are for one host are one source. A request counts from here until its
 * exchange ends, however it ends.
 */

#include <errno.h>

#include "base/hash.h"
#include "model/mw_conf_limit.h"
#include "mw/client_source.h"
#include "mw/in_flight.h"
#include "mw/mw_list.h"

struct in_flight_req {
	struct client_source source;
	uint64_t amount;
};

struct slot {
	uint32_t taken; /* 1 + the slot of mw/in_flight.h; 0: none */
};

static int prepare(struct mw_prepare *prepare, const void *decoded, const void **ret_conf)
{
	static const struct source_criterion by_host = {.request_host = true};
	const struct mwc_in_flight_req *from = decoded;
	const struct source_criterion *criterion = from->source_criterion;
	struct in_flight_req *self = ARENA_NEW(prepare->arena, struct in_flight_req);

	if (!self)
		return -ENOMEM;
	if (!criterion || (!criterion->ip_strategy && !criterion->request_header_name.len &&
			   !criterion->request_host))
		criterion = &by_host;
	int result = client_source_prepare_criterion(prepare, criterion, &self->source);

	if (result < 0)
		return result;
	self->amount = (uint64_t)from->amount;
	*ret_conf = self;
	return 0;
}

static struct mw_state *state_new(const void *conf)
{
	(void)conf;
	return in_flight_new();
}

static uint64_t source_of(const struct in_flight_req *self, const struct request *request)
{
	char room[CLIENT_SOURCE_TEXT_MAX];

	return hash_keyed(client_source_text(&self->source, request, room));
}

static enum mw_verdict on_request(const struct mw_instance *instance, struct mw_call *call)
{
	const struct in_flight_req *self = instance->conf;
	struct slot *slot = call->slot;
	uint32_t at;

	if (in_flight_enter(instance->state, source_of(self, call->request), self->amount, &at)) {
		slot->taken = at == IN_FLIGHT_NONE ? 0 : at + 1;
		return MW_NEXT;
	}
	call->reply.status = 429;
	call->reply.body = arena_printf(call->request->arena, "max connections reached: %llu",
					(unsigned long long)self->amount);
	return MW_REPLY;
}

static void on_end(const struct mw_instance *instance, struct mw_call *call)
{
	struct slot *slot = call->slot;

	if (slot->taken)
		in_flight_leave(instance->state, slot->taken - 1);
	slot->taken = 0;
}

static struct str explain(const struct mw_instance *instance, const struct request *request,
			  struct arena *arena)
{
	const struct in_flight_req *self = instance->conf;
	char room[CLIENT_SOURCE_TEXT_MAX];
	struct str source = client_source_text(&self->source, request, room);

	return arena_printf(
		arena, "lets %llu requests of \"" STR_FMT "\" be under way; %llu are now",
		(unsigned long long)self->amount, STR_ARG(source),
		(unsigned long long)(instance->state ? in_flight_count(instance->state,
								       source_of(self, request))
						     : 0));
}

const struct mw in_flight_req_mw = {
	.name = "inFlightReq",
	.schema = &schema_mw_in_flight_req,
	.prepare = prepare,
	.state_new = state_new,
	.on_request = on_request,
	.on_end = on_end,
	.slot_size = sizeof(struct slot),
	.explain = explain,
};
