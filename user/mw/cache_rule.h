/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CACHE_RULE_H
#define CACHE_RULE_H

/*
 * cache_rule: what may be kept and for how long (RFC 9111 3, 4.2), and what a kept response may be
 * used for (4.2.4, 5.2, RFC 5861). For a cache that many clients share, and that stands before
 * services that do not know of it: what sets a cookie is never kept, and nothing is kept by guess
 * unless the configuration says for how long. Pure.
 */

#include "mw/cache_control.h"

struct cache_rule {
	struct opt_int default_ttl_s, stale_while_s, stale_error_s;
	bool ignores_clients;
};

/* The terms on which a response is kept. */
struct cache_terms {
	int64_t age_s;	 /* when it came */
	int64_t fresh_s; /* from its birth, not from when it came */
	int64_t stale_while_s, stale_error_s;
	bool must_revalidate; /* never to be given stale, whatever is asked for */
	bool no_cache;	      /* to be validated each time */
	bool for_authorized;  /* may also be given to requests with Authorization */
};

/* What a request says itself, read once. */
struct cache_wish {
	struct cache_control control;
	bool is_authorized;
	bool has_cookie;
};

/* What can be done with a kept response. */
enum cache_use {
	CACHE_USE_FRESH,
	CACHE_USE_STALE,    /* the client takes it stale */
	CACHE_USE_WHILE,    /* while somebody asks for a newer one; else as below */
	CACHE_USE_VALIDATE, /* after the service was asked */
	CACHE_USE_NEVER,    /* not for this request */
};

void cache_rule_wish(const struct cache_rule *rule, const struct request *request,
		     struct cache_wish *ret_wish);
/*
 * Whether the answer to a GET may be kept, and on which terms. delay_s: how long the service took;
 * wall_s: seconds since the epoch. A validated response is judged by its merged headers.
 */
bool cache_rule_keep(const struct cache_rule *rule, const struct cache_wish *wish,
		     const struct response *response, int64_t delay_s, int64_t wall_s,
		     struct cache_terms *ret_terms);
/* age_s: of the kept response now. */
enum cache_use cache_rule_use(const struct cache_rule *rule, const struct cache_wish *wish,
			      const struct cache_terms *terms, int64_t age_s);
/* Whether it may be given although the service failed (RFC 5861 4). */
bool cache_rule_use_on_error(const struct cache_terms *terms, int64_t age_s);

#endif
