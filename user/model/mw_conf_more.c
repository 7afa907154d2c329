// SPDX-License-Identifier: Apache-2.0
/*
 * mw_conf_more: the field tables of the middlewares that are known but not obeyed yet (reference
 * c).
 */
#include "model/mw_conf_more.h"

static const struct field buffering_fields[] = {
	FIELD(struct mwc_buffering, max_request_body_bytes, .name = "maxRequestBodyBytes",
	      .doc = "Largest request body; 0: no limit."),
	FIELD(struct mwc_buffering, mem_request_body_bytes, .name = "memRequestBodyBytes",
	      .doc = "Bytes of a request body that are kept in memory."),
	FIELD(struct mwc_buffering, max_response_body_bytes, .name = "maxResponseBodyBytes",
	      .doc = "Largest response body; 0: no limit."),
	FIELD(struct mwc_buffering, mem_response_body_bytes, .name = "memResponseBodyBytes",
	      .doc = "Bytes of a response body that are kept in memory."),
	FIELD(struct mwc_buffering, retry_expression, .name = "retryExpression",
	      .doc = "When the request is sent again."),
};

const struct schema schema_mw_buffering = {
	.name = "buffering",
	.doc = "Reads whole messages before they go on.",
	.size = sizeof(struct mwc_buffering),
	SCHEMA_FIELDS(buffering_fields),
};

static const struct field circuit_breaker_fields[] = {
	FIELD(struct mwc_circuit_breaker, expression, .name = "expression",
	      .doc = "When the circuit opens."),
	FIELD(struct mwc_circuit_breaker, check_period, .name = "checkPeriod", .preset = "100ms",
	      .doc = "How often the expression is checked."),
	FIELD(struct mwc_circuit_breaker, fallback_duration, .name = "fallbackDuration",
	      .preset = "10s", .doc = "How long the circuit stays open."),
	FIELD(struct mwc_circuit_breaker, recovery_duration, .name = "recoveryDuration",
	      .preset = "10s", .doc = "How long it takes to close again."),
	FIELD(struct mwc_circuit_breaker, response_code, .name = "responseCode", .preset = "503",
	      .min = 100, .max = 599, .doc = "Status while the circuit is open."),
};

const struct schema schema_mw_circuit_breaker = {
	.name = "circuitBreaker",
	.doc = "Sends nothing to a service that fails.",
	.size = sizeof(struct mwc_circuit_breaker),
	SCHEMA_FIELDS(circuit_breaker_fields),
};

static const struct field in_flight_req_fields[] = {
	FIELD(struct mwc_in_flight_req, amount, .name = "amount", .min = 0, .max = INT64_MAX,
	      .doc = "Requests that a source may have in flight."),
	FIELD_SUB(struct mwc_in_flight_req, source_criterion, &schema_source_criterion,
		  .name = "sourceCriterion",
		  .doc = "What makes requests come from the same source; their host without it."),
};

const struct schema schema_mw_in_flight_req = {
	.name = "inFlightReq",
	.doc = "Limits how many requests are in flight.",
	.size = sizeof(struct mwc_in_flight_req),
	SCHEMA_FIELDS(in_flight_req_fields),
};

static const struct field retry_fields[] = {
	FIELD(struct mwc_retry, attempts, .name = "attempts", .min = 0, .max = INT32_MAX,
	      .doc = "How often a request is tried at most."),
	FIELD(struct mwc_retry, timeout, .name = "timeout",
	      .doc = "No try begins later than this; 0: no limit."),
	FIELD(struct mwc_retry, initial_interval, .name = "initialInterval",
	      .doc = "Pause before the second try; it doubles."),
	FIELD(struct mwc_retry, max_request_body_bytes, .name = "maxRequestBodyBytes",
	      .preset = "2097152", .min = -1, .max = INT64_MAX,
	      .doc = "Larger request bodies are not sent again; -1: no limit."),
	FIELD(struct mwc_retry, status, .name = "status", .format = "status",
	      .doc = "Status codes that are tried again."),
	FIELD(struct mwc_retry, disable_retry_on_network_error,
	      .name = "disableRetryOnNetworkError",
	      .doc = "Does not try again when a connection fails."),
	FIELD(struct mwc_retry, retry_non_idempotent_method, .name = "retryNonIdempotentMethod",
	      .doc = "Tries POST, PATCH and LOCK again too."),
};

const struct schema schema_mw_retry = {
	.name = "retry",
	.doc = "Tries failed requests again.",
	.size = sizeof(struct mwc_retry),
	SCHEMA_FIELDS(retry_fields),
};
