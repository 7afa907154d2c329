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

struct mwc_compress {
	struct strs excluded_content_types, included_content_types, encodings;
	int64_t min_response_body_bytes;
	struct str default_encoding;
};

struct mwc_content_type {
	bool auto_detect;
};

struct mwc_digest_auth {
	struct str secret, realm, header_field;
	bool remove_header;
};

struct mwc_encoded_characters {
	bool slash, back_slash, null_character, semicolon, percent, question_mark, hash;
};

struct mwc_errors {
	struct strs status;
	struct raw_json status_rewrites; /* "404": 200 */
	struct service_ref *service;
	struct str query;
	struct strs error_request_headers;
};

struct forward_auth_tls {
	struct str ca_secret, cert_secret;
	bool insecure_skip_verify, ca_optional;
};

struct mwc_forward_auth {
	struct str address;
	struct opt_bool trust_forward_header;
	struct strs auth_response_headers, auth_request_headers, add_auth_cookies_to_response;
	struct str auth_response_headers_regex, header_field, auth_signin_url;
	bool forward_body, preserve_location_header, preserve_request_method;
	int64_t max_body_bytes, max_response_body_bytes;
	struct forward_auth_tls *tls;
};

struct mwc_grpc_web {
	struct strs allow_origins;
};

struct mwc_in_flight_req {
	int64_t amount;
	struct source_criterion *source_criterion;
};

struct mwc_ip_white_list {
	struct strs source_range;
	struct ip_strategy *ip_strategy;
};

struct tls_cert_name_info {
	bool country, province, locality, organization, organizational_unit, common_name;
	bool serial_number, domain_component;
};

struct tls_cert_info {
	bool not_after, not_before, sans, serial_number;
	struct tls_cert_name_info *subject, *issuer;
};

struct mwc_pass_tls_client_cert {
	bool pem;
	struct tls_cert_info *info;
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
extern const struct schema schema_mw_compress, schema_mw_content_type, schema_mw_digest_auth;
extern const struct schema schema_mw_encoded_characters, schema_mw_errors, schema_mw_forward_auth;
extern const struct schema schema_mw_grpc_web, schema_mw_in_flight_req, schema_mw_ip_white_list;
extern const struct schema schema_mw_pass_tls_client_cert, schema_mw_redirect_regex;
extern const struct schema schema_mw_replace_path, schema_mw_replace_path_regex, schema_mw_retry;
extern const struct schema schema_mw_strip_prefix_regex;

#endif
