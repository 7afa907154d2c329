/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MW_CONF_LIMIT_H
#define MW_CONF_LIMIT_H

/* mw_conf_limit: settings of the middlewares that hold requests back, give up on servers or try
 * them again (reference c.6, c.10 to c.12), and of our own requestId, deny and timeouts. */

#include "model/mw_conf.h"

struct mwc_in_flight_req {
	int64_t amount;
	struct source_criterion *source_criterion;
};

/* Limits of bodies: 0 means none for max_*, and the default for mem_*. */
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

struct mwc_retry {
	int64_t attempts;
	struct duration timeout, initial_interval;
	int64_t max_request_body_bytes; /* -1: no limit */
	struct strs status;		/* "500-599" */
	bool disable_retry_on_network_error, retry_non_idempotent_method;
};

struct mwc_request_id {
	struct str header_name;
	struct str format; /* uuidv7|random */
	struct str trust;  /* never|trusted|always: whether an id that came is kept */
	struct opt_bool response;
};

struct mwc_deny {
	struct strs cidrs, config_maps, secrets;
	struct ip_strategy *ip_strategy;
	int64_t status_code;
};

struct mwc_timeouts {
	struct duration request, response_header, idle, total;
};

extern const struct schema schema_mw_in_flight_req, schema_mw_buffering;
extern const struct schema schema_mw_circuit_breaker, schema_mw_retry;
extern const struct schema schema_mw_request_id, schema_mw_deny, schema_mw_timeouts;

#endif
