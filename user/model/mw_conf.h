/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MW_CONF_H
#define MW_CONF_H

/*
 * mw_conf: the settings of middlewares (reference c), as the Middleware object has them, and the
 * field tables they are decoded by: what several of them share, and the first of them. The others
 * are in mw_conf_path.h, mw_conf_limit.h, mw_conf_auth.h, mw_conf_token.h and mw_conf_body.h.
 */

#include "model/service_ref.h"

/* How the client's address is found behind proxies (reference c.4); depth wins over excluded_ips.
 */
struct ip_strategy {
	int64_t depth;
	struct strs excluded_ips; /* IPs or CIDRs */
	int64_t ipv6_subnet;	  /* 0: unset, 1..128 */
};

/* At most one of the three is set; none: the remote address. */
struct source_criterion {
	struct ip_strategy *ip_strategy;
	struct str request_header_name;
	bool request_host;
};

struct redis_tls {
	struct str ca_secret, cert_secret;
	bool insecure_skip_verify;
};

struct redis_conf {
	struct strs endpoints;
	struct str secret;
	int64_t db, pool_size, min_idle_conns, max_active_conns;
	struct duration read_timeout, write_timeout, dial_timeout;
	struct redis_tls *tls;
};

struct mwc_rate_limit {
	int64_t average;	/* tokens per period; 0: unlimited */
	struct duration period; /* 1s */
	int64_t burst;		/* at least 1 */
	struct source_criterion *source_criterion;
	struct redis_conf *redis; /* NULL: this process's buckets */
};

struct mwc_basic_auth {
	struct str secret; /* Secret in the Middleware's namespace */
	struct str realm;  /* "traefik" */
	bool remove_header;
	struct str header_field;
};

struct mwc_headers {
	struct str_map custom_request_headers, custom_response_headers; /* empty value: delete */
	bool access_control_allow_credentials;
	struct strs access_control_allow_headers, access_control_allow_methods;
	struct strs access_control_allow_origin_list, access_control_allow_origin_list_regex;
	struct strs access_control_expose_headers;
	struct opt_int access_control_max_age;
	bool add_vary_header;
	struct strs allowed_hosts, hosts_proxy_headers;
	bool ssl_redirect, ssl_temporary_redirect,
		ssl_force_host; /* without effect, as in Traefik */
	struct str ssl_host;	/* likewise */
	struct str_map ssl_proxy_headers;
	int64_t sts_seconds;
	bool sts_include_subdomains, sts_preload, force_sts_header;
	bool frame_deny;
	struct str custom_frame_options_value;
	bool content_type_nosniff, browser_xss_filter;
	struct str custom_browser_xss_value;
	struct str content_security_policy, content_security_policy_report_only;
	struct str public_key, referrer_policy, feature_policy, permissions_policy;
	bool is_development;
};

struct mwc_strip_prefix {
	struct strs prefixes;
	bool force_slash;
};

struct mwc_redirect_scheme {
	struct str scheme, port;
	bool permanent;
};

struct mwc_ip_allow_list {
	struct strs source_range; /* IPs or CIDRs */
	struct ip_strategy *ip_strategy;
	int64_t reject_status_code; /* 403 */
};

struct mwc_chain {
	struct list_of middlewares; /* struct object_ref */
};

extern const struct schema schema_ip_strategy, schema_source_criterion;
extern const struct schema schema_mw_rate_limit, schema_mw_basic_auth, schema_mw_headers;
extern const struct schema schema_mw_strip_prefix, schema_mw_redirect_scheme;
extern const struct schema schema_mw_ip_allow_list, schema_mw_chain;

#endif
