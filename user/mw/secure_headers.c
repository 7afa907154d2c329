// SPDX-License-Identifier: Apache-2.0
/*
 * secure_headers: the security part of the headers middleware.
 */

#include "mw/secure_headers.h"

#include <errno.h>
#include <openssl/rand.h>

#include "base/codec.h"
#include "http/header.h"

enum { NONCE_BYTES = 16 };

static void add_fixed(struct secure_headers *secure, struct str name, struct str value)
{
	if (value.len)
		secure->fixed[secure->n_fixed++] = (struct header){
			.name = name, .value = value, .id = (uint16_t)header_id_of(name)};
}

static struct str first_of(struct str custom, bool enabled, struct str preset)
{
	if (custom.len)
		return custom;
	return enabled ? preset : (struct str){0};
}

int secure_headers_prepare(struct mw_prepare *prepare, const struct mwc_headers *from,
			   struct secure_headers *ret_secure)
{
	struct secure_headers *self = ret_secure;

	*self = (struct secure_headers){
		.host_headers = from->hosts_proxy_headers,
		.tls_headers = from->ssl_proxy_headers,
		.force_sts = from->force_sts_header,
		.policy = from->content_security_policy,
		.policy_report_only = from->content_security_policy_report_only,
	};
	add_fixed(self, STR("X-Frame-Options"),
		  first_of(from->custom_frame_options_value, from->frame_deny, STR("DENY")));
	add_fixed(self, STR("X-Content-Type-Options"),
		  first_of((struct str){0}, from->content_type_nosniff, STR("nosniff")));
	add_fixed(self, STR("X-XSS-Protection"),
		  first_of(from->custom_browser_xss_value, from->browser_xss_filter,
			   STR("1; mode=block")));
	add_fixed(self, STR("Referrer-Policy"), from->referrer_policy);
	add_fixed(self, STR("Permissions-Policy"), from->permissions_policy);
	if (from->is_development)
		return 0;
	self->allowed_hosts = from->allowed_hosts;
	self->pins = from->public_key;
	if (from->sts_seconds > 0)
		self->sts = arena_printf(prepare->arena, "max-age=%lld%s%s",
					 (long long)from->sts_seconds,
					 from->sts_include_subdomains ? "; includeSubDomains" : "",
					 from->sts_preload ? "; preload" : "");
	return prepare->arena->failed ? -ENOMEM : 0;
}

static struct str named_value(const struct request *request, struct str name)
{
	const struct header *header =
		header_find_name((struct headers *)(uintptr_t)&request->headers, name);

	return header ? header->value : (struct str){0};
}

bool secure_headers_allow(const struct secure_headers *secure, const struct request *request)
{
	struct str host = request->authority;

	if (secure->allowed_hosts.n == 0)
		return true;
	for (size_t i = 0; i < secure->host_headers.n; i++) {
		struct str value = named_value(request, secure->host_headers.at[i]);

		if (value.len) {
			host = value;
			break;
		}
	}
	for (size_t i = 0; i < secure->allowed_hosts.n; i++)
		if (str_eq_nocase(host, secure->allowed_hosts.at[i]))
			return true;
	return false;
}

static bool came_over_tls(const struct secure_headers *secure, const struct request *request)
{
	if (request->is_tls)
		return true;
	for (size_t i = 0; i < secure->tls_headers.n; i++) {
		const struct str_pair *pair = &secure->tls_headers.at[i];
		struct str value = named_value(request, pair->key);

		if (value.at && str_eq(value, pair->value))
			return true;
	}
	return false;
}

static struct str make_nonce(struct arena *arena)
{
	unsigned char random[NONCE_BYTES];

	/* Without randomness nothing may be allowed by nonce. */
	if (RAND_bytes(random, sizeof(random)) != 1)
		return STR("");
	struct str text = codec_base64_encode(str_n((char *)random, sizeof(random)), arena);

	return arena_printf(arena, "'nonce-" STR_FMT "'", STR_ARG(text));
}

/* The policy with 'nonce-<random>' for each $NONCE. */
static struct str with_nonce(struct str policy, struct str *nonce, struct arena *arena)
{
	struct str out = {0};
	ptrdiff_t at;

	while ((at = str_search(policy, STR("$NONCE"))) >= 0) {
		if (!nonce->at)
			*nonce = make_nonce(arena);
		out = arena_join(arena, out, str_take(policy, (size_t)at));
		out = arena_join(arena, out, *nonce);
		policy = str_from(policy, (size_t)at + 6);
	}
	return out.at ? arena_join(arena, out, policy) : policy;
}

void secure_headers_respond(const struct secure_headers *secure, const struct request *request,
			    struct headers *response)
{
	struct str nonce = {0};

	for (size_t i = 0; i < secure->n_fixed; i++)
		header_set(response, secure->fixed[i].name, secure->fixed[i].value);
	bool asks_tls = secure->sts.len || secure->pins.len;
	bool tls = asks_tls && came_over_tls(secure, request);

	if (secure->sts.len && (tls || secure->force_sts))
		header_set(response, STR("Strict-Transport-Security"), secure->sts);
	if (secure->pins.len && tls)
		header_set(response, STR("Public-Key-Pins"), secure->pins);
	if (secure->policy.len)
		header_set(response, STR("Content-Security-Policy"),
			   with_nonce(secure->policy, &nonce, response->arena));
	if (secure->policy_report_only.len)
		header_set(response, STR("Content-Security-Policy-Report-Only"),
			   with_nonce(secure->policy_report_only, &nonce, response->arena));
}
