/* SPDX-License-Identifier: Apache-2.0 */
#ifndef RATE_REDIS_H
#define RATE_REDIS_H

/*
 * rate_redis: token buckets in Redis, shared by all routers and replicas (reference/traefik.md
 * c.5): a hash per source under rate:<middleware>:<source>, with the fields last (microseconds) and
 * tokens, which one script reads and writes. The same numbers as Traefik's, so that both can run
 * side by side.
 */

#include "model/mw_conf.h"
#include "mw/mw.h"
#include "mw/rate_bucket.h"

struct rate_redis {
	struct redis_target *target; /* kept with the snapshot */
	struct str sha;		     /* of the script, in hexadecimal */
	struct str rate, burst, ttl, max_delay;
	uint64_t max_delay_us;
};

/* A question on its way; in the request's arena. */
struct rate_redis_ask {
	struct mw_redis redis;
	struct str args[9];
	bool whole_script; /* Redis did not know it by its digest */
};

enum rate_redis_outcome {
	RATE_REDIS_ERROR,
	RATE_REDIS_AGAIN, /* ask once more, with the script */
	RATE_REDIS_TAKEN, /* *ret_delay_ns says when the request may go on */
	RATE_REDIS_NONE,  /* nothing was taken; it would have had to wait *ret_delay_ns */
};

/* 0, -EINVAL with diags, -ENOMEM. */
int rate_redis_prepare(struct mw_prepare *prepare, const struct redis_conf *conf, int64_t average,
		       int64_t period_ns, int64_t burst, const struct rate_rule *rule,
		       const struct rate_redis **ret_redis);
/* NULL without memory. */
struct rate_redis_ask *rate_redis_ask(const struct rate_redis *self, struct str middleware,
				      struct str source, uint64_t wall_ns, struct arena *arena);
enum rate_redis_outcome rate_redis_answer(const struct rate_redis *self, struct rate_redis_ask *ask,
					  uint64_t *ret_delay_ns);

#endif
