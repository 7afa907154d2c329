// SPDX-License-Identifier: Apache-2.0
/*
 * mw_conf: the field tables of the middlewares that are obeyed (reference c).
 */
#include "model/mw_conf.h"

#include "base/num.h"

static const struct field ip_strategy_fields[] = {
	FIELD(struct ip_strategy, depth, .name = "depth", .min = 0, .max = INT32_MAX,
	      .doc = "Takes the address at this position of X-Forwarded-For, from the right."),
	FIELD(struct ip_strategy, excluded_ips, .name = "excludedIPs", .format = "cidr",
	      .doc = "Takes the rightmost address of X-Forwarded-For that is not among these."),
	FIELD(struct ip_strategy, ipv6_subnet, .name = "ipv6Subnet", .min = 0, .max = 128,
	      .doc = "Counts IPv6 addresses with this prefix length in common as one; 0: each "
		     "alone."),
};

const struct schema schema_ip_strategy = {
	.name = "ipStrategy",
	.doc = "How the client's address is found; the peer's address without it.",
	.size = sizeof(struct ip_strategy),
	SCHEMA_FIELDS(ip_strategy_fields),
};

static const struct field criterion_fields[] = {
	FIELD_SUB(struct source_criterion, ip_strategy, &schema_ip_strategy, .name = "ipStrategy",
		  .doc = "Groups requests by the client's address, found so."),
	FIELD(struct source_criterion, request_header_name, .name = "requestHeaderName",
	      .format = "token", .doc = "Groups requests by the value of this header."),
	FIELD(struct source_criterion, request_host, .name = "requestHost",
	      .doc = "Groups requests by the host they are for."),
};

static void criterion_check(const void *decoded, struct diag_sink *sink,
			    const struct diag_path *path)
{
	const struct source_criterion *criterion = decoded;
	int n = (criterion->ip_strategy != NULL) + (criterion->request_header_name.len > 0) +
		criterion->request_host;

	if (n > 1)
		diag_expected(sink, diag_error(sink, path, "more than one criterion"),
			      "one of ipStrategy, requestHeaderName, requestHost");
}

const struct schema schema_source_criterion = {
	.name = "sourceCriterion",
	.doc = "What makes requests come from the same source; the client's address without it.",
	.size = sizeof(struct source_criterion),
	SCHEMA_FIELDS(criterion_fields),
	.check = criterion_check,
};

static const struct field redis_tls_fields[] = {
	FIELD(struct redis_tls, ca_secret, .name = "caSecret", .format = "name",
	      .doc = "Secret with the certificate authority."),
	FIELD(struct redis_tls, cert_secret, .name = "certSecret", .format = "name",
	      .doc = "Secret with the client certificate."),
	FIELD(struct redis_tls, insecure_skip_verify, .name = "insecureSkipVerify",
	      .doc = "Does not verify the server's certificate."),
};

static const struct schema schema_redis_tls = {
	.name = "tls",
	.doc = "TLS towards Redis.",
	.size = sizeof(struct redis_tls),
	SCHEMA_FIELDS(redis_tls_fields),
};

#define ONE_CONNECTION "each worker has one connection, which carries all commands"

static const struct field redis_fields[] = {
	FIELD(struct redis_conf, endpoints, .name = "endpoints", .preset = "localhost:6379",
	      .doc = "Addresses of Redis servers, host:port; the first one that takes the "
		     "connection is used."),
	FIELD(struct redis_conf, secret, .name = "secret", .format = "name",
	      .doc = "Secret with username and password."),
	FIELD(struct redis_conf, db, .name = "db", .min = 0, .max = INT32_MAX,
	      .doc = "Number of the database."),
	FIELD(struct redis_conf, pool_size, .name = "poolSize", .support = DIFFERS,
	      .note = ONE_CONNECTION, .doc = "Size of the connection pool."),
	FIELD(struct redis_conf, min_idle_conns, .name = "minIdleConns", .support = DIFFERS,
	      .note = ONE_CONNECTION, .doc = "Idle connections that are kept."),
	FIELD(struct redis_conf, max_active_conns, .name = "maxActiveConns", .support = DIFFERS,
	      .note = ONE_CONNECTION, .doc = "Connections at most; 0: no limit."),
	FIELD(struct redis_conf, read_timeout, .name = "readTimeout", .preset = "3s",
	      .doc = "How long a read may take."),
	FIELD(struct redis_conf, write_timeout, .name = "writeTimeout", .preset = "3s",
	      .doc = "How long a write may take."),
	FIELD(struct redis_conf, dial_timeout, .name = "dialTimeout", .preset = "5s",
	      .doc = "How long connecting may take."),
	FIELD_SUB(struct redis_conf, tls, &schema_redis_tls, .name = "tls",
		  .doc = "TLS towards Redis."),
};

static const struct schema schema_redis = {
	.name = "redis",
	.doc = "Buckets that replicas share.",
	.size = sizeof(struct redis_conf),
	SCHEMA_FIELDS(redis_fields),
};

static const struct field rate_limit_fields[] = {
	FIELD(struct mwc_rate_limit, average, .name = "average", .min = 0, .max = INT64_MAX,
	      .doc = "Requests per period that a source may make; 0: no limit."),
	FIELD(struct mwc_rate_limit, period, .name = "period", .preset = "1s", .min = 0,
	      .max = INT64_MAX, .doc = "The time that average is for."),
	FIELD(struct mwc_rate_limit, burst, .name = "burst", .preset = "1", .min = 0,
	      .max = INT64_MAX, .doc = "Requests that may come at once; at least 1."),
	FIELD_SUB(struct mwc_rate_limit, source_criterion, &schema_source_criterion,
		  .name = "sourceCriterion",
		  .doc = "What makes requests come from the same source; the client's address "
			 "without it."),
	FIELD_SUB(struct mwc_rate_limit, redis, &schema_redis, .name = "redis",
		  .doc = "Buckets that replicas share."),
};

const struct schema schema_mw_rate_limit = {
	.name = "rateLimit",
	.doc = "Limits how many requests a source may make.",
	.size = sizeof(struct mwc_rate_limit),
	SCHEMA_FIELDS(rate_limit_fields),
};

static const struct field basic_auth_fields[] = {
	FIELD(struct mwc_basic_auth, secret, .name = "secret", .required = true, .min = 1,
	      .max = 253, .format = "name",
	      .doc = "Secret with the users: type kubernetes.io/basic-auth, or one key of htpasswd "
		     "lines."),
	FIELD(struct mwc_basic_auth, realm, .name = "realm", .preset = "traefik", .format = "value",
	      .doc = "Realm that is shown to users."),
	FIELD(struct mwc_basic_auth, remove_header, .name = "removeHeader",
	      .doc = "Removes Authorization before the request goes on."),
	FIELD(struct mwc_basic_auth, header_field, .name = "headerField", .format = "token",
	      .doc = "Header that gets the user's name."),
};

const struct schema schema_mw_basic_auth = {
	.name = "basicAuth",
	.doc = "Asks for a user name and a password.",
	.size = sizeof(struct mwc_basic_auth),
	SCHEMA_FIELDS(basic_auth_fields),
};

#define AS_TRAEFIK "as in Traefik"

static const struct field headers_fields[] = {
	FIELD(struct mwc_headers, custom_request_headers, .name = "customRequestHeaders",
	      .format = "value", .doc = "Headers to set in the request; an empty value removes."),
	FIELD(struct mwc_headers, custom_response_headers, .name = "customResponseHeaders",
	      .format = "value", .doc = "Headers to set in the response; an empty value removes."),
	FIELD(struct mwc_headers, access_control_allow_credentials,
	      .name = "accessControlAllowCredentials",
	      .doc = "Sends Access-Control-Allow-Credentials: true."),
	FIELD(struct mwc_headers, access_control_allow_headers, .name = "accessControlAllowHeaders",
	      .format = "value",
	      .doc = "Value of Access-Control-Allow-Headers in answers to preflight requests."),
	FIELD(struct mwc_headers, access_control_allow_methods, .name = "accessControlAllowMethods",
	      .format = "value",
	      .doc = "Value of Access-Control-Allow-Methods in answers to preflight requests."),
	FIELD(struct mwc_headers, access_control_allow_origin_list,
	      .name = "accessControlAllowOriginList", .format = "value",
	      .doc = "Origins that are allowed; * for any."),
	FIELD(struct mwc_headers, access_control_allow_origin_list_regex,
	      .name = "accessControlAllowOriginListRegex", .format = "regex",
	      .doc = "Expressions that match origins that are allowed."),
	FIELD(struct mwc_headers, access_control_expose_headers,
	      .name = "accessControlExposeHeaders", .format = "value",
	      .doc = "Value of Access-Control-Expose-Headers."),
	FIELD(struct mwc_headers, access_control_max_age, .name = "accessControlMaxAge",
	      .doc = "Seconds a preflight answer may be kept."),
	FIELD(struct mwc_headers, add_vary_header, .name = "addVaryHeader",
	      .doc = "Adds Origin to Vary."),
	FIELD(struct mwc_headers, allowed_hosts, .name = "allowedHosts", .format = "value",
	      .doc = "Hosts that requests may be for; others are refused."),
	FIELD(struct mwc_headers, hosts_proxy_headers, .name = "hostsProxyHeaders",
	      .format = "token", .doc = "Headers that may hold the host instead of Host."),
	FIELD(struct mwc_headers, ssl_redirect, .name = "sslRedirect", .support = IGNORED,
	      .note = AS_TRAEFIK ", use redirectScheme", .doc = "Deprecated."),
	FIELD(struct mwc_headers, ssl_temporary_redirect, .name = "sslTemporaryRedirect",
	      .support = IGNORED, .note = AS_TRAEFIK ", use redirectScheme", .doc = "Deprecated."),
	FIELD(struct mwc_headers, ssl_host, .name = "sslHost", .support = IGNORED,
	      .note = AS_TRAEFIK ", use redirectScheme", .doc = "Deprecated."),
	FIELD(struct mwc_headers, ssl_force_host, .name = "sslForceHost", .support = IGNORED,
	      .note = AS_TRAEFIK ", use redirectScheme", .doc = "Deprecated."),
	FIELD(struct mwc_headers, ssl_proxy_headers, .name = "sslProxyHeaders", .format = "value",
	      .doc = "Headers and values that mean that the client came over TLS."),
	FIELD(struct mwc_headers, sts_seconds, .name = "stsSeconds", .min = 0, .max = INT64_MAX,
	      .doc = "max-age of Strict-Transport-Security; 0: the header is not sent."),
	FIELD(struct mwc_headers, sts_include_subdomains, .name = "stsIncludeSubdomains",
	      .doc = "Adds includeSubDomains to Strict-Transport-Security."),
	FIELD(struct mwc_headers, sts_preload, .name = "stsPreload",
	      .doc = "Adds preload to Strict-Transport-Security."),
	FIELD(struct mwc_headers, force_sts_header, .name = "forceSTSHeader",
	      .doc = "Sends Strict-Transport-Security over plain HTTP too."),
	FIELD(struct mwc_headers, frame_deny, .name = "frameDeny",
	      .doc = "Sends X-Frame-Options: DENY."),
	FIELD(struct mwc_headers, custom_frame_options_value, .name = "customFrameOptionsValue",
	      .format = "value", .doc = "Value of X-Frame-Options, before frameDeny."),
	FIELD(struct mwc_headers, content_type_nosniff, .name = "contentTypeNosniff",
	      .doc = "Sends X-Content-Type-Options: nosniff."),
	FIELD(struct mwc_headers, browser_xss_filter, .name = "browserXssFilter",
	      .doc = "Sends X-XSS-Protection: 1; mode=block."),
	FIELD(struct mwc_headers, custom_browser_xss_value, .name = "customBrowserXSSValue",
	      .format = "value", .doc = "Value of X-XSS-Protection, before browserXssFilter."),
	FIELD(struct mwc_headers, content_security_policy, .name = "contentSecurityPolicy",
	      .format = "value",
	      .doc = "Value of Content-Security-Policy; $NONCE is replaced by a random nonce."),
	FIELD(struct mwc_headers, content_security_policy_report_only,
	      .name = "contentSecurityPolicyReportOnly", .format = "value",
	      .doc = "Value of Content-Security-Policy-Report-Only."),
	FIELD(struct mwc_headers, public_key, .name = "publicKey", .format = "value",
	      .doc = "Value of Public-Key-Pins, over HTTPS."),
	FIELD(struct mwc_headers, referrer_policy, .name = "referrerPolicy", .format = "value",
	      .doc = "Value of Referrer-Policy."),
	FIELD(struct mwc_headers, feature_policy, .name = "featurePolicy", .support = IGNORED,
	      .note = AS_TRAEFIK ", use permissionsPolicy", .doc = "Deprecated."),
	FIELD(struct mwc_headers, permissions_policy, .name = "permissionsPolicy",
	      .format = "value", .doc = "Value of Permissions-Policy."),
	FIELD(struct mwc_headers, is_development, .name = "isDevelopment",
	      .doc = "Leaves out allowedHosts and Strict-Transport-Security."),
};

static void headers_check(const void *decoded, struct diag_sink *sink, const struct diag_path *path)
{
	const struct mwc_headers nothing = {0};

	if (schema_hash(&schema_mw_headers, decoded) == schema_hash(&schema_mw_headers, &nothing))
		diag_error(sink, path, "nothing to do: no header is named");
}

const struct schema schema_mw_headers = {
	.name = "headers",
	.doc = "Sets and removes headers; CORS; security headers.",
	.size = sizeof(struct mwc_headers),
	SCHEMA_FIELDS(headers_fields),
	.check = headers_check,
};

static const struct field strip_prefix_fields[] = {
	FIELD(struct mwc_strip_prefix, prefixes, .name = "prefixes",
	      .doc = "Prefixes; the first one that the path begins with is removed."),
	FIELD(struct mwc_strip_prefix, force_slash, .name = "forceSlash",
	      .doc = "Makes what is left begin with a slash always; deprecated."),
};

const struct schema schema_mw_strip_prefix = {
	.name = "stripPrefix",
	.doc = "Removes a prefix of the path.",
	.size = sizeof(struct mwc_strip_prefix),
	SCHEMA_FIELDS(strip_prefix_fields),
};

static const struct field redirect_scheme_fields[] = {
	FIELD(struct mwc_redirect_scheme, scheme, .name = "scheme", .required = true, .min = 1,
	      .max = 32, .format = "token", .doc = "Scheme to redirect to."),
	FIELD(struct mwc_redirect_scheme, port, .name = "port",
	      .doc = "Port to redirect to; that of the scheme when absent."),
	FIELD(struct mwc_redirect_scheme, permanent, .name = "permanent",
	      .doc = "Redirects for ever: 301 or 308."),
};

static void redirect_scheme_check(const void *decoded, struct diag_sink *sink,
				  const struct diag_path *path)
{
	const struct mwc_redirect_scheme *redirect = decoded;
	uint16_t port;

	if (redirect->port.len && num_uint16(redirect->port, &port)) {
		struct diag *diag = diag_error(sink, DIAG_FIELD(path, "port"), "wrong value");

		diag_expected(sink, diag, "a port number in quotes");
		diag_found(sink, diag, redirect->port);
	}
}

const struct schema schema_mw_redirect_scheme = {
	.name = "redirectScheme",
	.doc = "Redirects to another scheme or port.",
	.size = sizeof(struct mwc_redirect_scheme),
	SCHEMA_FIELDS(redirect_scheme_fields),
	.check = redirect_scheme_check,
};

static const struct field ip_allow_list_fields[] = {
	FIELD(struct mwc_ip_allow_list, source_range, .name = "sourceRange", .required = true,
	      .min = 1, .max = INT64_MAX, .format = "cidr",
	      .doc = "Addresses that may make requests."),
	FIELD_SUB(struct mwc_ip_allow_list, ip_strategy, &schema_ip_strategy, .name = "ipStrategy",
		  .doc = "How the client's address is found; the peer's address without it."),
	FIELD(struct mwc_ip_allow_list, reject_status_code, .name = "rejectStatusCode",
	      .preset = "403", .min = 200, .max = 599, .doc = "Status of the refusal."),
};

const struct schema schema_mw_ip_allow_list = {
	.name = "ipAllowList",
	.doc = "Lets only some addresses make requests.",
	.size = sizeof(struct mwc_ip_allow_list),
	SCHEMA_FIELDS(ip_allow_list_fields),
};

static const struct field chain_fields[] = {
	FIELD(struct mwc_chain, middlewares, .name = "middlewares", .sub = &schema_object_ref,
	      .doc = "Middlewares, in order of application."),
};

const struct schema schema_mw_chain = {
	.name = "chain",
	.doc = "Middlewares under one name.",
	.size = sizeof(struct mwc_chain),
	SCHEMA_FIELDS(chain_fields),
};
