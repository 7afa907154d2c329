// SPDX-License-Identifier: Apache-2.0
/*
 * cache_look: see the header.
 */

#include "mw/cache_look.h"

#include "base/clock.h"
#include "mw/cache_key.h"

enum {
	STEP_FIRST_MS = 1, /* how soon a waiting request looks again; doubles */
	STEP_MAX_MS = 32,
	FLIGHT_S = 60, /* after that others ask by themselves */
	STATUS_GATEWAY_TIMEOUT = 504,
};

static bool has(const struct request *request, struct str name)
{
	return header_find_name((struct headers *)(uintptr_t)&request->headers, name);
}

const char *cache_look_why_not(const struct cache_wish *wish, const struct request *request)
{
	if (request->method_id != METHOD_GET && request->method_id != METHOD_HEAD)
		return "method";
	if (wish->control.no_store)
		return "request";
	/* A body would be part of the question; the two conditions are for the service. */
	if (request->body != BODY_NONE || request->upgrade || has(request, STR("If-Match")) ||
	    has(request, STR("If-Unmodified-Since")) || cache_key_is_doubtful(request))
		return "bypass";
	return NULL;
}

enum mw_verdict cache_look_answer(struct mw_call *call, struct str status_text)
{
	struct cache_slot *slot = call->slot;

	slot->mode = CACHE_ANSWERED;
	cache_answer(slot->object, &slot->ask->question, status_text, call);
	return MW_REPLY;
}

static enum mw_verdict hit(struct mw_call *call)
{
	struct cache_slot *slot = call->slot;
	int64_t left_s = slot->object->terms.fresh_s - cache_object_age(slot->object, call->now_ns);

	return cache_look_answer(call,
				 arena_printf(call->request->arena, "tidegate; %s; ttl=%lld",
					      slot->has_waited ? "fwd=uri-miss; collapsed" : "hit",
					      (long long)left_s));
}

void cache_look_take(struct cache_slot *slot, struct cache_object *object)
{
	cache_object_put(slot->object);
	slot->object = object;
}

/* The headers as they are now: what follows may add to the list or mark what it holds. */
static bool remember(struct cache_ask *ask, const struct request *request)
{
	const struct headers *from = &request->headers;

	ask->headers = (struct headers){.n = from->n, .cap = from->n, .arena = request->arena};
	ask->headers.at = ARENA_ARRAY(request->arena, struct header, (size_t)from->n + 1);
	if (ask->headers.at && from->n)
		memcpy(ask->headers.at, from->at, from->n * sizeof(*from->at));
	return ask->headers.at;
}

static enum mw_verdict fetch(struct mw_call *call, const char *why)
{
	struct cache_slot *slot = call->slot;

	slot->mode = remember(slot->ask, call->request) ? CACHE_FETCHES : CACHE_PASSES;
	slot->forward = why;
	return MW_NEXT;
}

/*
 * All of it is asked for, or whether what is kept is still right (RFC 9111 4.3.1). The client's own
 * conditions are about what it has, and are looked at when the answer is here.
 */
static enum mw_verdict fetch_whole(struct mw_call *call, const char *why)
{
	static const struct str conditions[] = {
		{"If-None-Match", 13}, {"If-Modified-Since", 17}, {"If-Range", 8}, {"Range", 5}};
	const struct cache_slot *slot = call->slot;
	struct headers *headers = &call->request->headers;
	const struct cache_object *object = slot->object;

	fetch(call, why);
	for (size_t i = 0; i < sizeof(conditions) / sizeof(*conditions); i++)
		header_remove(headers, conditions[i]);
	if (object && object->etag.len)
		header_add(headers, conditions[0], object->etag);
	if (object && object->modified.len)
		header_add(headers, conditions[1], object->modified);
	return MW_NEXT;
}

static struct cache_flight *join(const struct mw_instance *instance, struct mw_call *call,
				 bool *ret_leads)
{
	const struct cache_slot *slot = call->slot;

	return cache_store_join(instance->state, slot->ask->variant, call->now_ns,
				call->now_ns + FLIGHT_S * (uint64_t)NS_PER_SEC, ret_leads);
}

/*
 * Leads a flight, waits for one, or goes without: also when one was waited for and brought nothing
 * that this request could use, or all would ask one after the other.
 */
static enum mw_verdict lead_or_wait(const struct mw_instance *instance, struct mw_call *call,
				    const char *why)
{
	const struct cache *self = instance->conf;
	struct cache_slot *slot = call->slot;
	struct cache_ask *ask = slot->ask;
	bool leads;
	struct cache_flight *flight = join(instance, call, &leads);

	if (!ask->until_ns)
		ask->until_ns = call->now_ns + self->collapse_ns;
	if (leads) {
		slot->flight = flight;
		return fetch_whole(call, why);
	}
	if (!flight || call->now_ns >= ask->until_ns || (slot->has_waited && !slot->was_lost)) {
		cache_flight_put(flight);
		return fetch_whole(call, why);
	}
	slot->awaited = flight;
	slot->has_waited = true;
	ask->step_ms = STEP_FIRST_MS;
	call->wait.until_ns = call->now_ns + STEP_FIRST_MS * NS_PER_MS;
	return MW_WAIT;
}

/* A flight for what may be given stale meanwhile: only its leader asks. */
static enum mw_verdict lead_or_hit(const struct mw_instance *instance, struct mw_call *call)
{
	struct cache_slot *slot = call->slot;
	bool leads;
	struct cache_flight *flight = join(instance, call, &leads);

	if (leads) {
		slot->flight = flight;
		return fetch_whole(call, "stale");
	}
	cache_flight_put(flight);
	return hit(call);
}

/* Finds what is kept for this request; slot->object, ask->variant. False: the store is busy. */
static bool find(const struct mw_instance *instance, struct mw_call *call)
{
	struct cache_slot *slot = call->slot;
	struct cache_ask *ask = slot->ask;
	bool is_busy;

	ask->variant = ask->key;
	cache_look_take(slot, cache_store_find(instance->state, ask->key, &is_busy));
	if (!slot->object || slot->object->kind != CACHE_VARIES)
		return !is_busy;
	ask->variant = cache_key_variant(ask->key, slot->object->id, slot->object->vary,
					 &call->request->headers, call->request->arena);
	cache_look_take(slot, cache_store_find(instance->state, ask->variant, &is_busy));
	return !is_busy && ask->variant.at;
}

static enum mw_verdict refuse(struct mw_call *call)
{
	struct cache_slot *slot = call->slot;

	/* RFC 9111 5.2.1.7. */
	slot->mode = CACHE_ANSWERED;
	call->reply.status = STATUS_GATEWAY_TIMEOUT;
	call->reply.body = STR("Gateway Timeout");
	header_add(&call->reply.headers, STR("Cache-Status"),
		   STR("tidegate; detail=only-if-cached"));
	return MW_REPLY;
}

static enum mw_verdict miss(const struct mw_instance *instance, struct mw_call *call)
{
	struct cache_slot *slot = call->slot;
	const struct cache_ask *ask = slot->ask;
	const char *why = str_eq(ask->key, ask->variant) ? "uri-miss" : "vary-miss";
	bool is_pass = slot->object && slot->object->kind == CACHE_PASS &&
		       call->now_ns < slot->object->until_ns;

	cache_look_take(slot, NULL);
	if (ask->wish.control.only_if_cached)
		return refuse(call);
	/* What is not a whole response is not kept, and nobody waits for it. */
	if (!ask->question.is_get || ask->question.range.at || is_pass)
		return fetch(call, why);
	return lead_or_wait(instance, call, why);
}

static enum mw_verdict look(const struct mw_instance *instance, struct mw_call *call)
{
	const struct cache *self = instance->conf;
	struct cache_slot *slot = call->slot;
	struct cache_ask *ask = slot->ask;

	if (!find(instance, call)) {
		slot->mode = CACHE_PASSES;
		slot->forward = "bypass";
		return MW_NEXT;
	}
	if (!slot->object || slot->object->kind != CACHE_RESPONSE)
		return miss(instance, call);
	switch (cache_rule_use(&self->rule, &ask->wish, &slot->object->terms,
			       cache_object_age(slot->object, call->now_ns))) {
	case CACHE_USE_FRESH:
	case CACHE_USE_STALE:
		return hit(call);
	case CACHE_USE_WHILE:
		return lead_or_hit(instance, call);
	case CACHE_USE_NEVER:
		cache_look_take(slot, NULL);
		return fetch(call, "request");
	case CACHE_USE_VALIDATE:
		break;
	}
	if (ask->wish.control.only_if_cached)
		return refuse(call);
	if (!ask->question.is_get) {
		cache_look_take(slot, NULL);
		return fetch(call, "stale");
	}
	/* Where only this request wants to know, or everybody each time, nobody waits. */
	if (cache_object_age(slot->object, call->now_ns) < slot->object->terms.fresh_s)
		return fetch_whole(call, "request");
	if (slot->object->terms.no_cache)
		return fetch_whole(call, "stale");
	return lead_or_wait(instance, call, "stale");
}

enum mw_verdict cache_look_begin(const struct mw_instance *instance, struct mw_call *call)
{
	const struct cache *self = instance->conf;
	struct request *request = call->request;
	struct cache_slot *slot = call->slot;
	struct cache_ask *ask = ARENA_NEW(request->arena, struct cache_ask);

	slot->mode = CACHE_PASSES;
	slot->forward = "bypass";
	if (!ask || !instance->state)
		return MW_NEXT;
	slot->ask = ask;
	cache_rule_wish(&self->rule, request, &ask->wish);
	ask->key = cache_key_of(request, request->arena);
	if (!ask->key.at)
		return MW_NEXT;
	slot->forward = cache_look_why_not(&ask->wish, request);
	if (slot->forward) {
		/* RFC 9110 9.2.1: all but these may change what others see. */
		if (request->method_id != METHOD_GET && request->method_id != METHOD_HEAD &&
		    request->method_id != METHOD_OPTIONS && request->method_id != METHOD_TRACE)
			slot->mode = CACHE_CHANGES;
		return MW_NEXT;
	}
	ask->question = cache_answer_question(request);
	return look(instance, call);
}

enum mw_verdict cache_look_again(const struct mw_instance *instance, struct mw_call *call)
{
	struct cache_slot *slot = call->slot;
	struct cache_ask *ask = slot->ask;

	if (cache_flight_state(slot->awaited) == CACHE_FLYING && call->now_ns < ask->until_ns) {
		if (ask->step_ms < STEP_MAX_MS)
			ask->step_ms *= 2;
		call->wait.until_ns = call->now_ns + ask->step_ms * (uint64_t)NS_PER_MS;
		if (call->wait.until_ns > ask->until_ns)
			call->wait.until_ns = ask->until_ns;
		return MW_WAIT;
	}
	slot->was_lost = cache_flight_state(slot->awaited) == CACHE_LOST;
	cache_flight_put(slot->awaited);
	slot->awaited = NULL;
	return look(instance, call);
}
