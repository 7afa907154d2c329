// SPDX-License-Identifier: Apache-2.0
/*
 * rate_limit: holds each source to an average rate with bursts (reference/traefik.md c.5).
 *
 * A request over the limit is held back for at most half a token's time; beyond that it is refused
 * with 429 and told when to come again. Buckets belong to one router's use of the middleware, as in
 * Traefik, but live on over updates that do not change it. Refusals count towards escalation to the
 * kernel plane. With Redis (mw/rate_redis.h) buckets belong to the middleware, whoever uses it.
 */

#include <errno.h>

#include "base/clock.h"
#include "base/hash.h"
#include "base/num.h"
#include "http/header.h"
#include "model/mw_conf.h"
#include "mw/client_source.h"
#include "mw/mw_list.h"
#include "mw/rate_bucket.h"
#include "mw/rate_redis.h"

struct rate_limit {
	struct client_source source;
	struct rate_rule rule;
	bool unlimited;
	int64_t average, period_ns, burst;
	const struct rate_redis *redis; /* NULL: buckets are this process's */
};

struct slot {
	struct rate_redis_ask *ask; /* NULL: Redis is not asked, or has answered */
};

static int prepare(struct mw_prepare *prepare, const void *decoded, const void **ret_conf)
{
	const struct mwc_rate_limit *from = decoded;
	struct rate_limit *self = ARENA_NEW(prepare->arena, struct rate_limit);

	if (!self)
		return -ENOMEM;
	int result =
		client_source_prepare_criterion(prepare, from->source_criterion, &self->source);

	if (result < 0)
		return result;
	self->average = from->average;
	self->period_ns = from->period.ns > 0 ? from->period.ns : NS_PER_SEC;
	self->burst = from->burst > 0 ? from->burst : 1;
	self->unlimited = from->average <= 0;
	if (!self->unlimited)
		self->rule = rate_bucket_rule(self->average, self->period_ns, self->burst);
	if (from->redis && !self->unlimited)
		result = rate_redis_prepare(prepare, from->redis, self->average, self->period_ns,
					    self->burst, &self->rule, &self->redis);
	*ret_conf = self;
	return result;
}

static struct mw_state *state_new(const void *conf)
{
	(void)conf;
	return rate_bucket_new(); /* its pages come as they are touched */
}

static uint64_t source_hash(const struct rate_limit *self, const struct request *request)
{
	char room[CLIENT_SOURCE_TEXT_MAX];
	struct addr addr;

	/* The usual case needs no text. */
	if (self->source.kind == CLIENT_SOURCE_PEER &&
	    client_source_addr(&self->source, request, &addr))
		return hash_keyed(str_n((const char *)addr.byte, sizeof(addr.byte)));
	return hash_keyed(client_source_text(&self->source, request, room));
}

static enum mw_verdict refuse(struct mw_call *call, uint64_t delay_ns)
{
	struct arena *arena = call->request->arena;
	uint64_t seconds = (delay_ns + NS_PER_SEC - 1) / NS_PER_SEC;
	char text[32];
	size_t len = num_print_duration((int64_t)delay_ns, text, sizeof(text));

	call->refused = true;
	call->reply.status = 429;
	call->reply.body = STR("Too Many Requests");
	header_add(&call->reply.headers, STR("Retry-After"),
		   arena_printf(arena, "%llu", (unsigned long long)seconds));
	header_add(&call->reply.headers, STR("X-Retry-In"), arena_str(arena, str_n(text, len)));
	return MW_REPLY;
}

static enum mw_verdict wait(struct mw_call *call, uint64_t delay_ns)
{
	if (delay_ns == 0)
		return MW_NEXT;
	call->wait.until_ns = call->now_ns + delay_ns;
	return MW_WAIT;
}

static enum mw_verdict fail(struct mw_call *call)
{
	call->reply.status = 500;
	call->reply.body = STR("Could not insert/update bucket");
	return MW_REPLY;
}

static enum mw_verdict ask_redis(const struct mw_instance *instance, struct mw_call *call)
{
	const struct rate_limit *self = instance->conf;
	struct slot *slot = call->slot;
	char room[CLIENT_SOURCE_TEXT_MAX];

	slot->ask = rate_redis_ask(self->redis, instance->name,
				   client_source_text(&self->source, call->request, room),
				   call->wall_ns, call->request->arena);
	if (!slot->ask)
		return fail(call);
	call->wait.redis = &slot->ask->redis;
	return MW_WAIT;
}

static enum mw_verdict on_request(const struct mw_instance *instance, struct mw_call *call)
{
	const struct rate_limit *self = instance->conf;
	uint64_t delay_ns;

	if (self->unlimited)
		return MW_NEXT;
	if (self->redis)
		return ask_redis(instance, call);
	if (!rate_bucket_take(instance->state, &self->rule, source_hash(self, call->request),
			      call->now_ns, &delay_ns))
		return refuse(call, delay_ns);
	return wait(call, delay_ns);
}

/* After a delay there is nothing left to do; after Redis has answered there may be a delay. */
static enum mw_verdict on_resume(const struct mw_instance *instance, struct mw_call *call)
{
	const struct rate_limit *self = instance->conf;
	struct slot *slot = call->slot;
	struct rate_redis_ask *ask = slot->ask;
	uint64_t delay_ns = 0;

	if (!ask)
		return MW_NEXT;
	switch (rate_redis_answer(self->redis, ask, &delay_ns)) {
	case RATE_REDIS_AGAIN:
		call->wait.redis = &ask->redis;
		return MW_WAIT;
	case RATE_REDIS_TAKEN:
		slot->ask = NULL;
		return wait(call, delay_ns);
	case RATE_REDIS_NONE:
		return refuse(call, delay_ns);
	default:
		return fail(call);
	}
}

static struct str explain(const struct mw_instance *instance, const struct request *request,
			  struct arena *arena)
{
	const struct rate_limit *self = instance->conf;
	char room[CLIENT_SOURCE_TEXT_MAX], period[32];

	if (self->unlimited)
		return STR("limits nothing: average is 0");
	struct str source = client_source_text(&self->source, request, room);
	size_t len = num_print_duration(self->period_ns, period, sizeof(period));

	return arena_printf(arena,
			    "counts for source \"" STR_FMT
			    "\"%s: %lld requests per %.*s, bursts of %lld",
			    STR_ARG(source), self->redis ? " in Redis" : "",
			    (long long)self->average, (int)len, period, (long long)self->burst);
}

const struct mw rate_limit_mw = {
	.name = "rateLimit",
	.schema = &schema_mw_rate_limit,
	.prepare = prepare,
	.state_new = state_new,
	.on_request = on_request,
	.on_resume = on_resume,
	.slot_size = sizeof(struct slot),
	.explain = explain,
};
