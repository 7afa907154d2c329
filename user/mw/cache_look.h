/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CACHE_LOOK_H
#define CACHE_LOOK_H

/*
 * cache_look: the request's side of the cache: what is found, who asks the service, who waits.
 * mw/cache.c is the response's side, and says how the whole works.
 */

#include "mw/cache_answer.h"
#include "mw/cache_fill.h"

struct cache {
	struct cache_rule rule;
	size_t max_bytes, max_object_bytes;
	uint64_t collapse_ns;
};

enum cache_mode {
	CACHE_PASSES,	/* nothing to do with it */
	CACHE_ANSWERED, /* from the store */
	CACHE_CHANGES,	/* an unsafe method */
	CACHE_FETCHES,	/* the answer may be kept */
	CACHE_KEEPS,	/* its body is on the way into the store */
};

/* Of a request that may be answered: too much for the slots of all. */
struct cache_ask {
	struct cache_wish wish;
	struct cache_question question;
	struct str key;		/* of the URL */
	struct str variant;	/* what it is kept under now: key, or that of a variant */
	struct headers headers; /* as they were here: those that follow may change them */
	uint64_t until_ns;	/* of waiting */
	uint32_t step_ms;
};

struct cache_slot {
	uint8_t mode; /* enum cache_mode */
	bool has_waited, was_lost;
	const char *forward; /* RFC 9211 2.2 */
	struct cache_ask *ask;
	struct cache_object *object; /* what answers, or would if the service says so */
	struct cache_flight *flight; /* that this request leads */
	struct cache_flight *awaited;
	struct cache_fill fill;
};

/* Why this request is not looked up, in the words of RFC 9211 2.2; NULL: it is. */
const char *cache_look_why_not(const struct cache_wish *wish, const struct request *request);
/* The hooks. */
enum mw_verdict cache_look_begin(const struct mw_instance *instance, struct mw_call *call);
enum mw_verdict cache_look_again(const struct mw_instance *instance, struct mw_call *call);
/* Answers with slot->object; status_text: the member of Cache-Status. */
enum mw_verdict cache_look_answer(struct mw_call *call, struct str status_text);
/* slot->object is another one from now on. */
void cache_look_take(struct cache_slot *slot, struct cache_object *object);

#endif
