/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MW_CONF_MORE_H
#define MW_CONF_MORE_H

/* mw_conf_more: settings of the middlewares that are known, checked and documented, but not obeyed
 * yet. */

#include "model/mw_conf.h"

struct mwc_add_prefix {
	struct str prefix;
};

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

struct mwc_content_type {
	bool auto_detect;
};

struct mwc_encoded_characters {
	bool slash, back_slash, null_character, semicolon, percent, question_mark, hash;
};

struct mwc_in_flight_req {
	int64_t amount;
	struct source_criterion *source_criterion;
};

struct mwc_ip_white_list {
	struct strs source_range;
	struct ip_strategy *ip_strategy;
};

struct mwc_redirect_regex {
	struct str regex, replacement;
	bool permanent;
};

struct mwc_replace_path {
	struct str path;
};

struct mwc_replace_path_regex {
	struct str regex, replacement;
};

struct mwc_retry {
	int64_t attempts;
	struct duration timeout, initial_interval;
	int64_t max_request_body_bytes;
	struct strs status;
	bool disable_retry_on_network_error, retry_non_idempotent_method;
};

struct mwc_strip_prefix_regex {
	struct strs regex;
};

extern const struct schema schema_mw_add_prefix, schema_mw_buffering, schema_mw_circuit_breaker;
extern const struct schema schema_mw_content_type, schema_mw_encoded_characters;
extern const struct schema schema_mw_in_flight_req, schema_mw_ip_white_list;
extern const struct schema schema_mw_redirect_regex, schema_mw_replace_path;
extern const struct schema schema_mw_replace_path_regex, schema_mw_retry;
extern const struct schema schema_mw_strip_prefix_regex;

#endif
