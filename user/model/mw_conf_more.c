// SPDX-License-Identifier: Apache-2.0
/*
 * mw_conf_more: the field tables of the middlewares that are known but not obeyed yet (reference
 * c).
 */
#include "model/mw_conf_more.h"

static const struct field add_prefix_fields[] = {
	FIELD(struct mwc_add_prefix, prefix, .name = "prefix", .format = "path",
	      .doc = "Prefix that is put before the path."),
};

const struct schema schema_mw_add_prefix = {
	.name = "addPrefix",
	.doc = "Puts a prefix before the path.",
	.size = sizeof(struct mwc_add_prefix),
	SCHEMA_FIELDS(add_prefix_fields),
};

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

static const struct field content_type_fields[] = {
	FIELD(struct mwc_content_type, auto_detect, .name = "autoDetect", .doc = "Deprecated."),
};

const struct schema schema_mw_content_type = {
	.name = "contentType",
	.doc = "Guesses the Content-Type of responses without one.",
	.size = sizeof(struct mwc_content_type),
	SCHEMA_FIELDS(content_type_fields),
};

static const struct field encoded_characters_fields[] = {
	FIELD(struct mwc_encoded_characters, slash, .name = "allowEncodedSlash",
	      .doc = "Allows %2F in the path."),
	FIELD(struct mwc_encoded_characters, back_slash, .name = "allowEncodedBackSlash",
	      .doc = "Allows %5C in the path."),
	FIELD(struct mwc_encoded_characters, null_character, .name = "allowEncodedNullCharacter",
	      .doc = "Allows %00 in the path."),
	FIELD(struct mwc_encoded_characters, semicolon, .name = "allowEncodedSemicolon",
	      .doc = "Allows %3B in the path."),
	FIELD(struct mwc_encoded_characters, percent, .name = "allowEncodedPercent",
	      .doc = "Allows %25 in the path."),
	FIELD(struct mwc_encoded_characters, question_mark, .name = "allowEncodedQuestionMark",
	      .doc = "Allows %3F in the path."),
	FIELD(struct mwc_encoded_characters, hash, .name = "allowEncodedHash",
	      .doc = "Allows %23 in the path."),
};

const struct schema schema_mw_encoded_characters = {
	.name = "encodedCharacters",
	.doc = "Refuses encoded characters in the path.",
	.size = sizeof(struct mwc_encoded_characters),
	SCHEMA_FIELDS(encoded_characters_fields),
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

static const struct field ip_white_list_fields[] = {
	FIELD(struct mwc_ip_white_list, source_range, .name = "sourceRange", .format = "cidr",
	      .doc = "Addresses that may make requests."),
	FIELD_SUB(struct mwc_ip_white_list, ip_strategy, &schema_ip_strategy, .name = "ipStrategy",
		  .doc = "How the client's address is found; the peer's address without it."),
};

const struct schema schema_mw_ip_white_list = {
	.name = "ipWhiteList",
	.doc = "Deprecated: use ipAllowList.",
	.size = sizeof(struct mwc_ip_white_list),
	SCHEMA_FIELDS(ip_white_list_fields),
};

static const struct field redirect_regex_fields[] = {
	FIELD(struct mwc_redirect_regex, regex, .name = "regex", .format = "regex",
	      .doc = "Expression that the URL must match."),
	FIELD(struct mwc_redirect_regex, replacement, .name = "replacement",
	      .doc = "URL to redirect to; $1 or ${name} stand for groups."),
	FIELD(struct mwc_redirect_regex, permanent, .name = "permanent",
	      .doc = "Redirects for ever: 301 or 308."),
};

const struct schema schema_mw_redirect_regex = {
	.name = "redirectRegex",
	.doc = "Redirects URLs that match an expression.",
	.size = sizeof(struct mwc_redirect_regex),
	SCHEMA_FIELDS(redirect_regex_fields),
};

static const struct field replace_path_fields[] = {
	FIELD(struct mwc_replace_path, path, .name = "path", .doc = "The new path."),
};

const struct schema schema_mw_replace_path = {
	.name = "replacePath",
	.doc = "Replaces the path.",
	.size = sizeof(struct mwc_replace_path),
	SCHEMA_FIELDS(replace_path_fields),
};

static const struct field replace_path_regex_fields[] = {
	FIELD(struct mwc_replace_path_regex, regex, .name = "regex", .format = "regex",
	      .doc = "Expression for the parts of the path that are replaced."),
	FIELD(struct mwc_replace_path_regex, replacement, .name = "replacement",
	      .doc = "What replaces them; $1 or ${name} stand for groups."),
};

const struct schema schema_mw_replace_path_regex = {
	.name = "replacePathRegex",
	.doc = "Replaces parts of the path.",
	.size = sizeof(struct mwc_replace_path_regex),
	SCHEMA_FIELDS(replace_path_regex_fields),
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

static const struct field strip_prefix_regex_fields[] = {
	FIELD(struct mwc_strip_prefix_regex, regex, .name = "regex", .format = "regex",
	      .doc = "Expressions for prefixes; the first one that matches is removed."),
};

const struct schema schema_mw_strip_prefix_regex = {
	.name = "stripPrefixRegex",
	.doc = "Removes a prefix of the path that matches an expression.",
	.size = sizeof(struct mwc_strip_prefix_regex),
	SCHEMA_FIELDS(strip_prefix_regex_fields),
};
