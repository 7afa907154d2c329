// SPDX-License-Identifier: Apache-2.0
/*
 * cache_rule: see the header. Every function is a list of conditions in the order of the RFC.
 */

#include "mw/cache_rule.h"

#include "mw/http_date.h"

/* RFC 9110 15.1: those that may be kept without being told so; and those that may if they say so.
 * Others are not known well enough. */
static bool is_guessable(uint16_t status)
{
	switch (status) {
	case 200:
	case 203:
	case 204:
	case 300:
	case 301:
	case 308:
	case 404:
	case 405:
	case 410:
	case 414:
	case 451:
	case 501:
		return true;
	default:
		return false;
	}
}

static bool is_known(uint16_t status)
{
	return is_guessable(status) || status == 302 || status == 303 || status == 307;
}

/* Who it is: the client, by what it knows, by its certificate, or by what a middleware has found.
 */
static bool says_who(const struct request *request)
{
	static const enum header_id names[] = {HEADER_AUTHORIZATION,
					       HEADER_X_FORWARDED_TLS_CLIENT_CERT,
					       HEADER_X_FORWARDED_TLS_CLIENT_CERT_INFO};

	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++)
		if (header_value(&request->headers, names[i]).at)
			return true;
	return request->is_authenticated;
}

void cache_rule_wish(const struct cache_rule *rule, const struct request *request,
		     struct cache_wish *ret_wish)
{
	*ret_wish = (struct cache_wish){
		/* A middleware may have taken the header away (removeHeader, removeToken). */
		.is_authorized = says_who(request),
		.has_cookie = header_value(&request->headers, HEADER_COOKIE).at,
	};
	if (!rule->ignores_clients)
		cache_control_of_request(&request->headers, &ret_wish->control);
}

static const struct header *find(const struct headers *headers, struct str name)
{
	return header_find_name((struct headers *)(uintptr_t)headers, name);
}

/* RFC 9111 4.2.3. */
static int64_t age_of(const struct headers *headers, int64_t date_s, int64_t delay_s,
		      int64_t wall_s)
{
	const struct header *header = find(headers, STR("Age"));
	int64_t apparent = wall_s > date_s ? wall_s - date_s : 0, value = 0;

	for (size_t i = 0; header && i < header->value.len; i++) {
		char c = header->value.at[i];

		if (c < '0' || c > '9') {
			value = 0;
			break;
		}
		if (value < CACHE_CONTROL_SECONDS_MAX)
			value = value * 10 + (c - '0');
	}
	value += delay_s;
	return value > apparent ? value : apparent;
}

/* RFC 9111 4.2.1. False: it does not say. */
static bool said_lifetime(const struct headers *headers, const struct cache_control *control,
			  int64_t date_s, int64_t *ret_s)
{
	const struct header *expires = find(headers, STR("Expires"));
	int64_t at_s;

	*ret_s = 0;
	if (control->s_maxage.set)
		*ret_s = control->s_maxage.value;
	else if (control->max_age.set)
		*ret_s = control->max_age.value;
	else if (!expires)
		return false;
	/* RFC 9111 5.3: what is no date lies in the past. */
	else if (http_date_parse(expires->value, &at_s) == 0 && at_s > date_s)
		*ret_s = at_s - date_s;
	return true;
}

static bool may_keep(const struct cache_wish *wish, const struct response *response,
		     const struct cache_control *control)
{
	const struct headers *headers = &response->headers;
	const struct header *vary = find(headers, STR("Vary"));

	if (!is_known(response->status) || control->no_store || control->is_private ||
	    wish->control.no_store)
		return false;
	/* RFC 9111 3.5. */
	if (wish->is_authorized && !control->is_public && !control->s_maxage.set &&
	    !control->must_revalidate)
		return false;
	if (header_value(headers, HEADER_SET_COOKIE).at || find(headers, STR("Content-Range")))
		return false;
	for (; vary; vary = header_next_same((struct headers *)(uintptr_t)headers, vary))
		if (header_list_has(vary->value, STR("*")))
			return false;
	return true;
}

static bool has_validator(const struct headers *headers)
{
	return find(headers, STR("ETag")) || find(headers, STR("Last-Modified"));
}

static int64_t or_preset(struct opt_int said, struct opt_int preset)
{
	return said.set ? said.value : preset.set ? preset.value : 0;
}

bool cache_rule_keep(const struct cache_rule *rule, const struct cache_wish *wish,
		     const struct response *response, int64_t delay_s, int64_t wall_s,
		     struct cache_terms *ret_terms)
{
	const struct headers *headers = &response->headers;
	struct str date = header_value(headers, HEADER_DATE);
	struct cache_control control;
	int64_t date_s = wall_s, fresh_s;

	cache_control_of_response(headers, &control);
	if (!may_keep(wish, response, &control))
		return false;
	if (date.at && http_date_parse(date, &date_s) < 0)
		date_s = wall_s;
	if (!said_lifetime(headers, &control, date_s, &fresh_s)) {
		bool is_personal = wish->is_authorized || wish->has_cookie;

		/* RFC 9111 4.2.2; what was asked for with a cookie may be one person's. */
		if (!control.no_cache &&
		    (!rule->default_ttl_s.set || is_personal || !is_guessable(response->status)))
			return false;
		fresh_s = rule->default_ttl_s.set ? rule->default_ttl_s.value : 0;
	}
	*ret_terms = (struct cache_terms){
		.age_s = age_of(headers, date_s, delay_s, wall_s),
		.fresh_s = control.no_cache ? 0 : fresh_s,
		.stale_while_s = or_preset(control.stale_while_revalidate, rule->stale_while_s),
		.stale_error_s = or_preset(control.stale_if_error, rule->stale_error_s),
		/* RFC 9111 5.2.2.10: s-maxage says proxy-revalidate too. */
		.must_revalidate =
			control.must_revalidate || control.proxy_revalidate || control.s_maxage.set,
		.no_cache = control.no_cache,
		.for_authorized =
			control.is_public || control.s_maxage.set || control.must_revalidate,
	};
	return ret_terms->fresh_s > ret_terms->age_s || has_validator(headers) ||
	       (!ret_terms->must_revalidate && !control.no_cache &&
		(ret_terms->stale_while_s > 0 || ret_terms->stale_error_s > 0));
}

enum cache_use cache_rule_use(const struct cache_rule *rule, const struct cache_wish *wish,
			      const struct cache_terms *terms, int64_t age_s)
{
	const struct cache_control *control = &wish->control;
	int64_t stale_s = age_s - terms->fresh_s; /* from 0 on it is */

	(void)rule;
	if (wish->is_authorized && !terms->for_authorized)
		return CACHE_USE_NEVER;
	if (terms->no_cache || control->no_cache)
		return CACHE_USE_VALIDATE;
	/* RFC 9111 5.2.1.1, 5.2.1.3. */
	if (control->max_age.set && age_s > control->max_age.value)
		return CACHE_USE_VALIDATE;
	if (control->min_fresh.set && stale_s > -control->min_fresh.value)
		return CACHE_USE_VALIDATE;
	if (stale_s < 0)
		return CACHE_USE_FRESH;
	if (terms->must_revalidate)
		return CACHE_USE_VALIDATE;
	/* RFC 9111 5.2.1.2. */
	if (control->max_stale.set && stale_s <= control->max_stale.value)
		return CACHE_USE_STALE;
	return stale_s < terms->stale_while_s ? CACHE_USE_WHILE : CACHE_USE_VALIDATE;
}

bool cache_rule_use_on_error(const struct cache_terms *terms, int64_t age_s)
{
	/* Also what is fresh still, and was validated only because the client wished it. */
	return !terms->must_revalidate && !terms->no_cache &&
	       age_s - terms->fresh_s < terms->stale_error_s;
}
