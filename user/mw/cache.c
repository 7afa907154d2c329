// SPDX-License-Identifier: Apache-2.0
/*
 * cache: keeps responses in memory and gives them again, as RFC 9111 says (ours; Traefik has none).
 *
 * A request looks in the store (look): what is fresh answers at once; otherwise one request (the
 * leader of a flight, mw/cache_store.h) asks the service while others for the same key wait a
 * moment, or get what is stale if they may. On the way back (on_response) the answer is kept, a 304
 * renews what was kept, and a failure is hidden by what is stale if it may be. What was done is
 * said in Cache-Status (RFC 9211).
 *
 * The store belongs to one router's use of the middleware, so routes that differ by more than the
 * key share nothing; it lives on over updates that do not change the configuration. Hits are the
 * replies that the middleware's counter shows.
 */

#include <errno.h>

#include "base/clock.h"
#include "model/mw_conf_body.h"
#include "mw/cache_key.h"
#include "mw/cache_look.h"
#include "mw/mw_list.h"

enum {
	PASS_S = 10, /* how long nobody waits for a key whose answer could not be kept */
	STATUS_NOT_MODIFIED = 304,
};

static int64_t seconds(struct duration duration)
{
	return duration.ns / NS_PER_SEC;
}

static struct opt_int optional(struct duration duration)
{
	return (struct opt_int){seconds(duration), duration.set && duration.ns >= 0};
}

static int prepare(struct mw_prepare *prepare, const void *decoded, const void **ret_conf)
{
	const struct mwc_cache *from = decoded;
	struct cache *self = ARENA_NEW(prepare->arena, struct cache);

	if (!self)
		return -ENOMEM;
	self->rule = (struct cache_rule){
		.default_ttl_s = optional(from->default_ttl),
		.stale_while_s = optional(from->stale_while_revalidate),
		.stale_error_s = optional(from->stale_if_error),
		.ignores_clients = from->ignore_client_directives,
	};
	self->max_bytes = (size_t)from->max_size_bytes.bytes;
	self->max_object_bytes = (size_t)from->max_object_bytes.bytes;
	self->collapse_ns = from->collapse_timeout.ns > 0 ? (uint64_t)from->collapse_timeout.ns : 0;
	*ret_conf = self;
	return 0;
}

static struct mw_state *state_new(const void *conf)
{
	return cache_store_new(((const struct cache *)conf)->max_bytes);
}

static void tell(struct mw_call *call, const char *more)
{
	const struct cache_slot *slot = call->slot;

	header_add(&call->response->headers, STR("Cache-Status"),
		   arena_printf(call->request->arena, "tidegate; fwd=%s%s", slot->forward, more));
}

/* The path with query that a URL of the same authority names, or {0}. */
static struct str same_place(const struct request *request, struct str url)
{
	ptrdiff_t at = str_search(url, STR("://"));

	if (at >= 0) {
		url = str_from(url, (size_t)at + 3);
		if (!str_starts_nocase(url, request->authority))
			return (struct str){0};
		url = str_from(url, request->authority.len);
	}
	at = str_find(url, '#');
	if (at >= 0)
		url = str_take(url, (size_t)at);
	return str_starts(url, STR("/")) && !str_starts(url, STR("//")) ? url : (struct str){0};
}

/* RFC 9111 4.4. */
static void invalidate(const struct mw_instance *instance, struct mw_call *call)
{
	static const struct str named[] = {{"Location", 8}, {"Content-Location", 16}};
	const struct cache_slot *slot = call->slot;

	cache_store_drop(instance->state, slot->ask->key);
	for (size_t i = 0; i < sizeof(named) / sizeof(*named); i++) {
		const struct header *header = header_find_name(&call->response->headers, named[i]);
		struct str path =
			header ? same_place(call->request, header->value) : (struct str){0};
		struct str key =
			path.at ? cache_key_beside(call->request, path, call->request->arena)
				: (struct str){0};

		if (key.at)
			cache_store_drop(instance->state, key);
	}
}

static void land(const struct mw_instance *instance, struct cache_slot *slot)
{
	cache_store_land(instance->state, slot->flight, CACHE_LANDED);
	slot->flight = NULL;
}

/* The key under which this answer is kept; {0}: it cannot be. */
static struct str key_for(const struct mw_instance *instance, struct mw_call *call)
{
	const struct cache_slot *slot = call->slot;
	struct arena *arena = call->request->arena;
	struct cache_object *there, *varies = NULL;
	struct str vary, key = {0};
	bool is_busy;

	if (!cache_key_vary(&call->response->headers, arena, &vary))
		return key;
	if (!vary.len)
		return slot->ask->key;
	there = cache_store_find(instance->state, slot->ask->key, &is_busy);
	if (there && there->kind == CACHE_VARIES && str_eq(there->vary, vary)) {
		key = cache_key_variant(slot->ask->key, there->id, vary, &slot->ask->headers,
					arena);
	} else {
		varies = cache_object_varies(vary, cache_store_id(instance->state),
					     cache_store_used(instance->state));
		if (varies && cache_store_put(instance->state, slot->ask->key, varies))
			key = cache_key_variant(slot->ask->key, varies->id, vary,
						&slot->ask->headers, arena);
	}
	cache_object_put(there);
	cache_object_put(varies);
	return key;
}

static bool judge(const struct mw_instance *instance, const struct mw_call *call,
		  struct cache_terms *ret_terms)
{
	const struct cache *self = instance->conf;
	const struct cache_slot *slot = call->slot;

	return cache_rule_keep(&self->rule, &slot->ask->wish, call->response,
			       (int64_t)(call->origin_ns / NS_PER_SEC),
			       (int64_t)(call->wall_ns / NS_PER_SEC), ret_terms);
}

/* RFC 9111 4.3.4: what was kept is right, with the headers that came. */
static enum mw_verdict renew(const struct mw_instance *instance, struct mw_call *call)
{
	struct cache_slot *slot = call->slot;
	struct cache_object *old = slot->object, *renewed;
	struct cache_terms terms;
	bool is_kept;

	cache_object_renew(old, call->response);
	is_kept = judge(instance, call, &terms);
	if (!is_kept)
		terms = old->terms;
	if (old->body)
		ref_get(&old->body->ref);
	renewed = cache_object_new(call->response, &terms, old->body, call->now_ns,
				   cache_store_used(instance->state));
	if (renewed)
		cache_look_take(slot, renewed);
	if (is_kept && renewed && (!slot->flight || cache_flight_state(slot->flight) != CACHE_VOID))
		is_kept = cache_store_put(instance->state, slot->ask->variant, renewed);
	else
		cache_store_drop(instance->state, slot->ask->variant);
	land(instance, slot);
	return cache_look_answer(call, is_kept ? STR("tidegate; fwd=stale; fwd-status=304; stored")
					       : STR("tidegate; fwd=stale; fwd-status=304"));
}

static bool is_failure(const struct mw_call *call)
{
	uint16_t status = call->response->status;

	return (call->from_server || call->fail) &&
	       (status == 500 || status == 502 || status == 503 || status == 504);
}

/* The answer of a fetch: what was kept answers instead, or this one is kept, or neither. */
static enum mw_verdict take_answer(const struct mw_instance *instance, struct mw_call *call)
{
	const struct cache *self = instance->conf;
	struct cache_slot *slot = call->slot;
	struct response *response = call->response;
	struct cache_terms terms;
	struct str key = {0};

	if (slot->object && call->from_server && response->status == STATUS_NOT_MODIFIED)
		return renew(instance, call);
	if (slot->object && is_failure(call) &&
	    cache_rule_use_on_error(&slot->object->terms,
				    cache_object_age(slot->object, call->now_ns))) {
		land(instance, slot);
		return cache_look_answer(call, arena_printf(call->request->arena,
							    "tidegate; fwd=stale; fwd-status=%d; "
							    "detail=stale-if-error",
							    response->status));
	}
	if (call->from_server && slot->ask->question.is_get && judge(instance, call, &terms) &&
	    (!slot->flight || cache_flight_state(slot->flight) != CACHE_VOID))
		key = key_for(instance, call);
	if (!key.at || !cache_fill_begin(&slot->fill, instance->state, key, response, &terms,
					 self->max_object_bytes, call->now_ns)) {
		struct cache_object *pass =
			slot->flight && call->from_server && response->status < 500
				? cache_object_pass(call->now_ns + PASS_S * (uint64_t)NS_PER_SEC,
						    cache_store_used(instance->state))
				: NULL;

		if (pass)
			cache_store_put(instance->state, slot->ask->variant, pass);
		cache_object_put(pass);
		land(instance, slot);
		tell(call, "");
		return MW_NEXT;
	}
	slot->mode = CACHE_KEEPS;
	tell(call, "; stored");
	if (slot->fill.body) {
		call->filter_response = call->keeps_length = true;
	} else {
		cache_fill_end(&slot->fill, instance->state);
		land(instance, slot);
	}
	return MW_NEXT;
}

static enum mw_verdict on_response(const struct mw_instance *instance, struct mw_call *call)
{
	struct cache_slot *slot = call->slot;

	switch ((enum cache_mode)slot->mode) {
	case CACHE_ANSWERED:
		break;
	case CACHE_CHANGES:
		if (call->response->status >= 200 && call->response->status < 400)
			invalidate(instance, call);
		tell(call, "");
		break;
	case CACHE_PASSES:
		tell(call, "");
		break;
	case CACHE_KEEPS:
		/* That answer was dropped to ask again. */
		cache_fill_drop(&slot->fill);
		slot->mode = CACHE_FETCHES;
		return take_answer(instance, call);
	case CACHE_FETCHES:
		return take_answer(instance, call);
	}
	return MW_NEXT;
}

static int on_response_body(const struct mw_instance *instance, struct mw_call *call,
			    const struct mw_span *span, struct mw_body_out *out)
{
	struct cache_slot *slot = call->slot;

	mw_body_append(out, span->bytes);
	cache_fill_add(&slot->fill, instance->state, span->bytes);
	if (!span->is_last)
		return 0;
	for (uint16_t i = 0; span->trailers && i < span->trailers->n; i++)
		if (!span->trailers->at[i].gone)
			mw_body_trailer(out, span->trailers->at[i].name,
					span->trailers->at[i].value);
	/* Outdated while it came. */
	if (slot->flight && cache_flight_state(slot->flight) == CACHE_VOID)
		cache_fill_drop(&slot->fill);
	cache_fill_end(&slot->fill, instance->state);
	land(instance, slot);
	return 0;
}

static void on_end(const struct mw_instance *instance, struct mw_call *call)
{
	struct cache_slot *slot = call->slot;

	cache_fill_drop(&slot->fill);
	cache_store_land(instance->state, slot->flight, CACHE_LOST);
	slot->flight = NULL;
	cache_flight_put(slot->awaited);
	slot->awaited = NULL;
	cache_look_take(slot, NULL);
}

static struct str explain(const struct mw_instance *instance, const struct request *request,
			  struct arena *arena)
{
	const struct cache *self = instance->conf;
	struct cache_wish wish;

	cache_rule_wish(&self->rule, request, &wish);
	const char *why = cache_look_why_not(&wish, request);

	if (why)
		return arena_printf(arena,
				    "passes it on, neither answered from the store nor kept "
				    "(fwd=%s)",
				    why);
	return arena_printf(arena,
			    "answers from its store if it has a fresh response for " STR_FMT STR_FMT
			    "%s" STR_FMT ", else keeps the service's if it may",
			    STR_ARG(request->authority), STR_ARG(request->raw_path),
			    request->has_query ? "?" : "", STR_ARG(request->query));
}

const struct mw cache_mw = {
	.name = "cache",
	.schema = &schema_mw_cache,
	.prepare = prepare,
	.state_new = state_new,
	.on_request = cache_look_begin,
	.on_resume = cache_look_again,
	.on_response = on_response,
	.on_response_body = on_response_body,
	.on_end = on_end,
	.slot_size = sizeof(struct cache_slot),
	.explain = explain,
};
