// SPDX-License-Identifier: Apache-2.0
/* composite: see the header. */

#include "proxy/composite.h"

#include "proxy/attempt.h"
#include "proxy/mirror.h"
#include "proxy/upload.h"
#include "proxy/worker.h"

bool composite_note(struct exchange *exchange)
{
	const struct balance_pick *pick = &exchange->pick;
	struct exchange_more *more = exchange_more(exchange);

	if (!more)
		return false;
	if (pick->failover && more->failover != pick->failover) {
		more->failover = pick->failover;
		more->failover_level = exchange->pipeline.inner;
	}
	/* However often it is tried, it is copied once. */
	if (pick->mirroring && !more->mirroring) {
		more->mirroring = pick->mirroring;
		more->mirror = mirror_choose(exchange, pick->mirroring);
	}
	return true;
}

static bool may_fail_over(const struct exchange *exchange)
{
	const struct service *failover = exchange->pick.failover;

	return failover && !exchange->has_failed_over && failover->n_statuses &&
	       failover->n_children > 1;
}

bool composite_prepare(struct exchange *exchange, void (*then)(struct exchange *))
{
	struct exchange_more *more = exchange->more;
	int64_t max;

	if (may_fail_over(exchange)) {
		max = exchange->pick.failover->max_body_bytes;
		if (!upload_keep(exchange, max, 0, then))
			return false;
		if (upload_body(exchange, max).state == MW_BODY_TOO_LARGE) {
			exchange_fail(exchange, FAIL_BODY_TOO_LARGE_TO_REPEAT);
			return false;
		}
	}
	if (more->mirror && more->mirroring->mirror_body) {
		max = more->mirroring->max_body_bytes;
		if (!upload_keep(exchange, max, 0, then))
			return false;
		if (upload_body(exchange, max).state != MW_BODY_WHOLE)
			more->mirror = NULL;
	}
	return true;
}

bool composite_takes(const struct exchange *exchange, uint16_t status)
{
	return may_fail_over(exchange) && !exchange->responded &&
	       status_range_has(exchange->pick.failover->statuses,
				exchange->pick.failover->n_statuses, status) &&
	       upload_is_replayable(exchange);
}

void composite_fail_over(struct exchange *exchange)
{
	const struct service *failover = exchange->pick.failover;

	exchange->has_failed_over = true;
	/* Cookies of what was left are void. */
	exchange->pick.n_cookies = exchange->pick.n_cookies_above;
	attempt_forget(exchange, exchange->more->failover_level);
	attempt_at(exchange, failover->children[1].service);
}
