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

static const struct field compress_fields[] = {
	FIELD(struct mwc_compress, excluded_content_types, .name = "excludedContentTypes",
	      .doc = "Media types that are not compressed."),
	FIELD(struct mwc_compress, included_content_types, .name = "includedContentTypes",
	      .doc = "The only media types that are compressed."),
	FIELD(struct mwc_compress, min_response_body_bytes, .name = "minResponseBodyBytes",
	      .preset = "1024", .min = 0, .max = INT64_MAX,
	      .doc = "Smaller responses are not compressed."),
	FIELD(struct mwc_compress, encodings, .name = "encodings", .choices = "gzip|br|zstd",
	      .doc = "Encodings, in order of preference."),
	FIELD(struct mwc_compress, default_encoding, .name = "defaultEncoding",
	      .doc = "Encoding for requests without Accept-Encoding."),
};

const struct schema schema_mw_compress = {
	.name = "compress",
	.doc = "Compresses responses.",
	.size = sizeof(struct mwc_compress),
	SCHEMA_FIELDS(compress_fields),
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

static const struct field digest_auth_fields[] = {
	FIELD(struct mwc_digest_auth, secret, .name = "secret", .format = "name",
	      .doc = "Secret with the users: one key of htdigest lines."),
	FIELD(struct mwc_digest_auth, realm, .name = "realm", .preset = "traefik",
	      .format = "value", .doc = "Realm that is shown to users."),
	FIELD(struct mwc_digest_auth, remove_header, .name = "removeHeader",
	      .doc = "Removes Authorization before the request goes on."),
	FIELD(struct mwc_digest_auth, header_field, .name = "headerField", .format = "token",
	      .doc = "Header that gets the user's name."),
};

const struct schema schema_mw_digest_auth = {
	.name = "digestAuth",
	.doc = "Asks for a user name and a password by digest.",
	.size = sizeof(struct mwc_digest_auth),
	SCHEMA_FIELDS(digest_auth_fields),
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

static const struct field errors_fields[] = {
	FIELD(struct mwc_errors, status, .name = "status", .format = "status",
	      .doc = "Status codes that get another body."),
	FIELD(struct mwc_errors, status_rewrites, .name = "statusRewrites",
	      .doc = "Other status codes to answer with."),
	FIELD_SUB(struct mwc_errors, service, &schema_service_ref, .name = "service",
		  .doc = "Service that gives the body."),
	FIELD(struct mwc_errors, query, .name = "query",
	      .doc = "Path to ask it for; {status}, {originalStatus} and {url} are replaced."),
	FIELD(struct mwc_errors, error_request_headers, .name = "errorRequestHeaders",
	      .format = "token", .doc = "Request headers that it gets; all when absent."),
};

const struct schema schema_mw_errors = {
	.name = "errors",
	.doc = "Gives error responses another body.",
	.size = sizeof(struct mwc_errors),
	SCHEMA_FIELDS(errors_fields),
};

static const struct field forward_auth_tls_fields[] = {
	FIELD(struct forward_auth_tls, ca_secret, .name = "caSecret", .format = "name",
	      .doc = "Secret with the certificate authority."),
	FIELD(struct forward_auth_tls, cert_secret, .name = "certSecret", .format = "name",
	      .doc = "Secret with the client certificate."),
	FIELD(struct forward_auth_tls, insecure_skip_verify, .name = "insecureSkipVerify",
	      .doc = "Does not verify the server's certificate."),
	FIELD(struct forward_auth_tls, ca_optional, .name = "caOptional", .doc = "Deprecated."),
};

static const struct schema schema_forward_auth_tls = {
	.name = "tls",
	.doc = "TLS towards the authentication server.",
	.size = sizeof(struct forward_auth_tls),
	SCHEMA_FIELDS(forward_auth_tls_fields),
};

static const struct field forward_auth_fields[] = {
	FIELD(struct mwc_forward_auth, address, .name = "address", .format = "url",
	      .doc = "URL that is asked."),
	FIELD(struct mwc_forward_auth, trust_forward_header, .name = "trustForwardHeader",
	      .doc = "Passes the X-Forwarded headers of the request on."),
	FIELD(struct mwc_forward_auth, auth_response_headers, .name = "authResponseHeaders",
	      .format = "token", .doc = "Headers of the answer that the request gets."),
	FIELD(struct mwc_forward_auth, auth_response_headers_regex,
	      .name = "authResponseHeadersRegex", .format = "regex",
	      .doc = "Expression for the names of such headers."),
	FIELD(struct mwc_forward_auth, auth_request_headers, .name = "authRequestHeaders",
	      .format = "token", .doc = "Request headers that are sent; all when absent."),
	FIELD(struct mwc_forward_auth, add_auth_cookies_to_response,
	      .name = "addAuthCookiesToResponse",
	      .doc = "Cookies of the answer that the response gets."),
	FIELD(struct mwc_forward_auth, header_field, .name = "headerField", .format = "token",
	      .doc = "Header of the answer that holds the user's name."),
	FIELD(struct mwc_forward_auth, forward_body, .name = "forwardBody",
	      .doc = "Sends the body too."),
	FIELD(struct mwc_forward_auth, max_body_bytes, .name = "maxBodySize", .preset = "-1",
	      .doc = "Largest request body; -1: no limit."),
	FIELD(struct mwc_forward_auth, max_response_body_bytes, .name = "maxResponseBodySize",
	      .preset = "-1", .doc = "Largest body of an answer; -1: no limit."),
	FIELD(struct mwc_forward_auth, preserve_location_header, .name = "preserveLocationHeader",
	      .doc = "Passes Location on as it is."),
	FIELD(struct mwc_forward_auth, preserve_request_method, .name = "preserveRequestMethod",
	      .doc = "Asks with the request's method, not with GET."),
	FIELD(struct mwc_forward_auth, auth_signin_url, .name = "authSigninURL",
	      .doc = "Where clients are sent when the answer is 401."),
	FIELD_SUB(struct mwc_forward_auth, tls, &schema_forward_auth_tls, .name = "tls",
		  .doc = "TLS towards the authentication server."),
};

const struct schema schema_mw_forward_auth = {
	.name = "forwardAuth",
	.doc = "Asks another server whether a request may go on.",
	.size = sizeof(struct mwc_forward_auth),
	SCHEMA_FIELDS(forward_auth_fields),
};

static const struct field grpc_web_fields[] = {
	FIELD(struct mwc_grpc_web, allow_origins, .name = "allowOrigins",
	      .doc = "Origins that are allowed; * for any."),
};

const struct schema schema_mw_grpc_web = {
	.name = "grpcWeb",
	.doc = "Translates between gRPC-Web and gRPC.",
	.size = sizeof(struct mwc_grpc_web),
	SCHEMA_FIELDS(grpc_web_fields),
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

#define NAME_FIELDS                                                                                \
	FIELD(struct tls_cert_name_info, country, .name = "country", .doc = "Adds C."),            \
		FIELD(struct tls_cert_name_info, province, .name = "province", .doc = "Adds ST."), \
		FIELD(struct tls_cert_name_info, locality, .name = "locality", .doc = "Adds L."),  \
		FIELD(struct tls_cert_name_info, organization, .name = "organization",             \
		      .doc = "Adds O."),                                                           \
		FIELD(struct tls_cert_name_info, common_name, .name = "commonName",                \
		      .doc = "Adds CN."),                                                          \
		FIELD(struct tls_cert_name_info, serial_number, .name = "serialNumber",            \
		      .doc = "Adds SN."),                                                          \
		FIELD(struct tls_cert_name_info, domain_component, .name = "domainComponent",      \
		      .doc = "Adds DC.")

static const struct field issuer_fields[] = {NAME_FIELDS};
static const struct field subject_fields[] = {
	NAME_FIELDS,
	FIELD(struct tls_cert_name_info, organizational_unit, .name = "organizationalUnit",
	      .doc = "Adds OU."),
};

static const struct schema schema_issuer = {
	.name = "issuer",
	.doc = "What is said of the issuer.",
	.size = sizeof(struct tls_cert_name_info),
	SCHEMA_FIELDS(issuer_fields),
};

static const struct schema schema_subject = {
	.name = "subject",
	.doc = "What is said of the subject.",
	.size = sizeof(struct tls_cert_name_info),
	SCHEMA_FIELDS(subject_fields),
};

static const struct field cert_info_fields[] = {
	FIELD(struct tls_cert_info, not_after, .name = "notAfter", .doc = "Adds NA."),
	FIELD(struct tls_cert_info, not_before, .name = "notBefore", .doc = "Adds NB."),
	FIELD(struct tls_cert_info, sans, .name = "sans", .doc = "Adds SAN."),
	FIELD(struct tls_cert_info, serial_number, .name = "serialNumber",
	      .doc = "Adds SerialNumber."),
	FIELD_SUB(struct tls_cert_info, subject, &schema_subject, .name = "subject",
		  .doc = "What is said of the subject."),
	FIELD_SUB(struct tls_cert_info, issuer, &schema_issuer, .name = "issuer",
		  .doc = "What is said of the issuer."),
};

static const struct schema schema_cert_info = {
	.name = "info",
	.doc = "What is said of a client certificate.",
	.size = sizeof(struct tls_cert_info),
	SCHEMA_FIELDS(cert_info_fields),
};

static const struct field pass_tls_client_cert_fields[] = {
	FIELD(struct mwc_pass_tls_client_cert, pem, .name = "pem",
	      .doc = "Sends the certificates in X-Forwarded-Tls-Client-Cert."),
	FIELD_SUB(struct mwc_pass_tls_client_cert, info, &schema_cert_info, .name = "info",
		  .doc = "Sends what they say in X-Forwarded-Tls-Client-Cert-Info."),
};

const struct schema schema_mw_pass_tls_client_cert = {
	.name = "passTLSClientCert",
	.doc = "Tells servers of client certificates.",
	.size = sizeof(struct mwc_pass_tls_client_cert),
	SCHEMA_FIELDS(pass_tls_client_cert_fields),
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
