/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MW_CONF_AUTH_H
#define MW_CONF_AUTH_H

/*
 * mw_conf_auth: the settings of the middlewares that ask who a request comes from, or tell a server
 * of it, and of error pages (reference c.7, c.8, c.13, c.14).
 */

#include "model/service_ref.h"

struct mwc_digest_auth {
	struct str secret; /* Secret in the Middleware's namespace: one key of user:realm:HA1 */
	struct str realm;  /* "traefik" */
	bool remove_header;
	struct str header_field;
};

struct mwc_errors {
	struct strs status;
	struct raw_json status_rewrites; /* {"404": 200, "500-504": 503}; checked */
	struct service_ref *service;
	struct str query;
	struct strs error_request_headers; /* at NULL: all */
};

/* Whom to trust, and as whom to come, when an https URL is asked. */
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
	int64_t max_body_bytes, max_response_body_bytes; /* negative: no limit of its own */
	struct forward_auth_tls *tls;
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

extern const struct schema schema_forward_auth_tls;
extern const struct schema schema_mw_digest_auth, schema_mw_errors, schema_mw_forward_auth;
extern const struct schema schema_mw_pass_tls_client_cert;

#endif
