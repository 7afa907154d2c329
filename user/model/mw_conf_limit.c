// SPDX-License-Identifier: Apache-2.0
/*
 * mw_conf_limit: the field tables of the middlewares that hold requests back, give up on servers or
 * try them again (reference c.6, c.10 to c.12), and of our own requestId, deny and timeouts.
 */
#include "model/mw_conf_limit.h"

#define OURS .support = DIFFERS, .note = "Tidegate only"

static const struct field in_flight_req_fields[] = {
	FIELD(struct mwc_in_flight_req, amount, .name = "amount", .min = 0, .max = INT64_MAX,
	      .doc = "Requests that a source may have in flight; 0: none."),
	FIELD_SUB(struct mwc_in_flight_req, source_criterion, &schema_source_criterion,
		  .name = "sourceCriterion",
		  .doc = "What makes requests come from the same source; their host without it."),
};

const struct schema schema_mw_in_flight_req = {
	.name = "inFlightReq",
	.doc = "Limits how many requests of a source are in flight.",
	.size = sizeof(struct mwc_in_flight_req),
	SCHEMA_FIELDS(in_flight_req_fields),
};

static const struct field buffering_fields[] = {
	FIELD(struct mwc_buffering, max_request_body_bytes, .name = "maxRequestBodyBytes", .min = 0,
	      .max = INT64_MAX, .doc = "Largest request body; larger ones get 413; 0: no limit."),
	FIELD(struct mwc_buffering, mem_request_body_bytes, .name = "memRequestBodyBytes", .min = 0,
	      .max = INT64_MAX,
	      .doc = "Bytes of a request body that are kept in memory, the rest in a file; 0: "
		     "1048576."),
	FIELD(struct mwc_buffering, max_response_body_bytes, .name = "maxResponseBodyBytes",
	      .min = 0, .max = INT64_MAX,
	      .doc = "Largest response body; larger ones become 500; 0: no limit."),
	FIELD(struct mwc_buffering, mem_response_body_bytes, .name = "memResponseBodyBytes",
	      .min = 0, .max = INT64_MAX, .support = DIFFERS,
	      .note = "the proxy decides what it keeps in memory",
	      .doc = "Bytes of a response body that are kept in memory."),
	FIELD(struct mwc_buffering, retry_expression, .name = "retryExpression",
	      .doc = "When the request is sent again: Attempts(), ResponseCode(), "
		     "IsNetworkError(), RequestMethod(), compared and joined by && and ||."),
};

const struct schema schema_mw_buffering = {
	.name = "buffering",
	.doc = "Reads whole messages before they go on.",
	.size = sizeof(struct mwc_buffering),
	SCHEMA_FIELDS(buffering_fields),
};

static const struct field circuit_breaker_fields[] = {
	FIELD(struct mwc_circuit_breaker, expression, .name = "expression", .required = true,
	      .min = 1, .max = 4096,
	      .doc = "When the circuit opens: NetworkErrorRatio(), ResponseCodeRatio(from, to, "
		     "dividedByFrom, dividedByTo), LatencyAtQuantileMS(quantile), "
		     "RequestThreshold(), compared and joined by && and ||."),
	FIELD(struct mwc_circuit_breaker, check_period, .name = "checkPeriod", .preset = "100ms",
	      .min = 0, .max = INT64_MAX, .doc = "How often the expression is checked."),
	FIELD(struct mwc_circuit_breaker, fallback_duration, .name = "fallbackDuration",
	      .preset = "10s", .min = 0, .max = INT64_MAX,
	      .doc = "How long the circuit stays open."),
	FIELD(struct mwc_circuit_breaker, recovery_duration, .name = "recoveryDuration",
	      .preset = "10s", .min = 0, .max = INT64_MAX,
	      .doc = "How long it takes to close again, with ever more requests let through."),
	FIELD(struct mwc_circuit_breaker, response_code, .name = "responseCode", .preset = "503",
	      .min = 100, .max = 599, .doc = "Status while the circuit is open."),
};

const struct schema schema_mw_circuit_breaker = {
	.name = "circuitBreaker",
	.doc = "Sends nothing to a service that fails.",
	.size = sizeof(struct mwc_circuit_breaker),
	SCHEMA_FIELDS(circuit_breaker_fields),
};

static const struct field retry_fields[] = {
	FIELD(struct mwc_retry, attempts, .name = "attempts", .required = true, .min = 1,
	      .max = INT32_MAX, .doc = "How often a request is tried at most."),
	FIELD(struct mwc_retry, timeout, .name = "timeout", .min = 0, .max = INT64_MAX,
	      .doc = "No try begins later than this; 0: no limit."),
	FIELD(struct mwc_retry, initial_interval, .name = "initialInterval", .min = 0,
	      .max = INT64_MAX,
	      .doc = "Pause before the second try; further ones grow up to twice as long; 0: no "
		     "pauses."),
	FIELD(struct mwc_retry, max_request_body_bytes, .name = "maxRequestBodyBytes",
	      .preset = "2097152", .min = -1, .max = INT64_MAX,
	      .doc = "Requests with larger bodies are not tried again for their status; -1: no "
		     "limit."),
	FIELD(struct mwc_retry, status, .name = "status", .format = "status",
	      .doc = "Status codes that are tried again."),
	FIELD(struct mwc_retry, disable_retry_on_network_error,
	      .name = "disableRetryOnNetworkError",
	      .doc = "Does not try again when no connection to a server could be made."),
	FIELD(struct mwc_retry, retry_non_idempotent_method, .name = "retryNonIdempotentMethod",
	      .doc = "Tries POST, PATCH and LOCK again for their status too."),
};

static void retry_check(const void *decoded, struct diag_sink *sink, const struct diag_path *path)
{
	const struct mwc_retry *retry = decoded;

	if (retry->disable_retry_on_network_error && retry->status.n == 0)
		diag_expected(sink, diag_error(sink, path, "nothing is tried again"),
			      "status, or disableRetryOnNetworkError: false");
}

const struct schema schema_mw_retry = {
	.name = "retry",
	.doc = "Tries failed requests again.",
	.size = sizeof(struct mwc_retry),
	SCHEMA_FIELDS(retry_fields),
	.check = retry_check,
};

static const struct field request_id_fields[] = {
	FIELD(struct mwc_request_id, header_name, .name = "headerName", .preset = "X-Request-Id",
	      .format = "token", OURS, .doc = "Header that carries the id."),
	FIELD(struct mwc_request_id, format, .name = "format", .preset = "uuidv7",
	      .choices = "uuidv7|random", OURS,
	      .doc = "What a new id is: a UUID that begins with the time, or 128 random bits in "
		     "hexadecimal."),
	FIELD(struct mwc_request_id, trust, .name = "trust", .preset = "trusted",
	      .choices = "never|trusted|always", OURS,
	      .doc = "Whose ids are kept: nobody's, those of peers in forwardedHeaders.trustedIPs, "
		     "or everybody's."),
	FIELD(struct mwc_request_id, response, .name = "response", .preset = "true", OURS,
	      .doc = "Sends the id with the response too."),
};

const struct schema schema_mw_request_id = {
	.name = "requestId",
	.doc = "Gives every request an id, for the service, the client and the access log.",
	.size = sizeof(struct mwc_request_id),
	SCHEMA_FIELDS(request_id_fields),
};

static const struct field deny_fields[] = {
	FIELD(struct mwc_deny, cidrs, .name = "cidrs", .format = "cidr", OURS,
	      .doc = "Addresses that are refused."),
	FIELD(struct mwc_deny, config_maps, .name = "configMaps", .format = "name", OURS,
	      .doc = "ConfigMaps with more of them, one a line; what follows # is not read."),
	FIELD(struct mwc_deny, secrets, .name = "secrets", .format = "name", OURS,
	      .doc = "The same in Secrets."),
	FIELD_SUB(struct mwc_deny, ip_strategy, &schema_ip_strategy, .name = "ipStrategy", OURS,
		  .doc = "How the client's address is found; the peer's address without it."),
	FIELD(struct mwc_deny, status_code, .name = "statusCode", .preset = "403", .min = 200,
	      .max = 599, OURS, .doc = "Status of the refusal."),
};

static void deny_check(const void *decoded, struct diag_sink *sink, const struct diag_path *path)
{
	const struct mwc_deny *deny = decoded;

	if (deny->cidrs.n + deny->config_maps.n + deny->secrets.n == 0)
		diag_expected(sink, diag_error(sink, path, "nobody is denied"),
			      "cidrs, configMaps or secrets");
}

const struct schema schema_mw_deny = {
	.name = "deny",
	.doc = "Refuses requests from some addresses, of which there may be a million.",
	.size = sizeof(struct mwc_deny),
	SCHEMA_FIELDS(deny_fields),
	.check = deny_check,
};

static const struct field timeouts_fields[] = {
	FIELD(struct mwc_timeouts, request, .name = "request", .min = 0, .max = INT64_MAX, OURS,
	      .doc = "Until all of the request has come, from its head on; then 408."),
	FIELD(struct mwc_timeouts, response_header, .name = "responseHeader", .min = 0,
	      .max = INT64_MAX, OURS,
	      .doc = "Until a server begins to answer, from the end of the request on; then 504."),
	FIELD(struct mwc_timeouts, idle, .name = "idle", .min = 0, .max = INT64_MAX, OURS,
	      .doc = "During which nothing moves in either direction."),
	FIELD(struct mwc_timeouts, total, .name = "total", .min = 0, .max = INT64_MAX, OURS,
	      .doc = "Of everything, tries and pauses included; then 504, or the response is cut."),
};

static void timeouts_check(const void *decoded, struct diag_sink *sink,
			   const struct diag_path *path)
{
	const struct mwc_timeouts *timeouts = decoded;

	if (!timeouts->request.ns && !timeouts->response_header.ns && !timeouts->idle.ns &&
	    !timeouts->total.ns)
		diag_expected(sink, diag_error(sink, path, "no timeout is set"),
			      "request, responseHeader, idle or total");
}

const struct schema schema_mw_timeouts = {
	.name = "timeouts",
	.doc = "Deadlines of requests; they tighten those of entry points and transports.",
	.size = sizeof(struct mwc_timeouts),
	SCHEMA_FIELDS(timeouts_fields),
	.check = timeouts_check,
};
