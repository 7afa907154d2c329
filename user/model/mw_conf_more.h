/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MW_CONF_MORE_H
#define MW_CONF_MORE_H

/* mw_conf_more: settings of the middlewares that are known, checked and documented, but not obeyed
 * yet. */

#include "model/mw_conf.h"

struct mwc_buffering {
	int64_t max_request_body_bytes, mem_request_body_bytes;
	int64_t max_response_body_bytes, mem_response_body_bytes;
	struct str retry_expression;
};

struct mwc_circuit_breaker {
	struct str expression;
	struct duration check_period, fallback_duration, recovery_duration;
	int64_t response_code;
};

struct mwc_in_flight_req {
	int64_t amount;
	struct source_criterion *source_criterion;
};

struct mwc_retry {
	int64_t attempts;
	struct duration timeout, initial_interval;
	int64_t max_request_body_bytes;
	struct strs status;
	bool disable_retry_on_network_error, retry_non_idempotent_method;
};

extern const struct schema schema_mw_buffering;
extern const struct schema schema_mw_circuit_breaker;
extern const struct schema schema_mw_in_flight_req;
extern const struct schema schema_mw_retry;

#endif
