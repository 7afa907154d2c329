/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MIDDLEWARE_OBJECT_H
#define MIDDLEWARE_OBJECT_H

/*
 * middleware_object: traefik.io/v1alpha1 Middleware (reference a.4): exactly one member is not NULL
 * in a valid object. Types that are known but not obeyed make the object invalid ("not supported
 * yet"), so that the routers which use it are disabled rather than served without it.
 */

#include "model/mw_conf.h"
#include "model/mw_conf_auth.h"
#include "model/mw_conf_body.h"
#include "model/mw_conf_limit.h"
#include "model/mw_conf_path.h"
#include "model/mw_conf_token.h"

struct middleware_object {
	struct mwc_rate_limit *rate_limit;
	struct mwc_basic_auth *basic_auth;
	struct mwc_headers *headers;
	struct mwc_strip_prefix *strip_prefix;
	struct mwc_redirect_scheme *redirect_scheme;
	struct mwc_ip_allow_list *ip_allow_list;
	struct mwc_chain *chain;
	struct mwc_compress *compress;
	struct mwc_grpc_web *grpc_web;
	struct mwc_cache *cache;
	struct mwc_digest_auth *digest_auth;
	struct mwc_errors *errors;
	struct mwc_forward_auth *forward_auth;
	struct mwc_pass_tls_client_cert *pass_tls_client_cert;
	struct mwc_jwt *jwt;
	struct mwc_api_key *api_key;
	struct mwc_add_prefix *add_prefix;
	struct mwc_buffering *buffering;
	struct mwc_circuit_breaker *circuit_breaker;
	struct mwc_content_type *content_type;
	struct mwc_encoded_characters *encoded_characters;
	struct mwc_in_flight_req *in_flight_req;
	struct mwc_ip_white_list *ip_white_list;
	struct mwc_redirect_regex *redirect_regex;
	struct mwc_replace_path *replace_path;
	struct mwc_replace_path_regex *replace_path_regex;
	struct mwc_retry *retry;
	struct mwc_strip_prefix_regex *strip_prefix_regex;
	struct mwc_request_id *request_id;
	struct mwc_deny *deny;
	struct mwc_timeouts *timeouts;
	/* Refused: always NULL in a valid object. */
	struct raw_json plugin;
};

/* The name of the one type that is set ("rateLimit"), NULL when none is. */
const char *middleware_object_type(const struct middleware_object *middleware);
/* That type's settings: struct mwc_* of that name. */
const void *middleware_object_conf(const struct middleware_object *middleware);

extern const struct schema schema_middleware;

#endif
