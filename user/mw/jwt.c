// SPDX-License-Identifier: Apache-2.0
/*
 * jwt: lets only requests with a valid JSON Web Token pass (RFC 7519, RFC 8725, RFC 6750).
 *
 * The signature is verified first, on another thread unless it is a shared secret's; then issuer,
 * audience and times, then what claims must be. Keys come from Secrets, or from a URL: fetched by
 * the first request, refreshed by the first one after they have become old, and asked for anew when
 * a token names a key that is not there, not too often. Without keys nobody passes. Headers that
 * are made from claims belong to this middleware (reference/security.md A2.4).
 */

#include <errno.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "http/header.h"
#include "mw/asked_url.h"
#include "mw/credential.h"
#include "mw/jwt_claims.h"
#include "mw/jwt_fetched.h"
#include "mw/mw_list.h"
#include "mw/owned_header.h"
#include "mw/secret_pem.h"

enum {
	FETCH_TIMEOUT_S = 10,
	FETCH_MAX_BYTES = 1 << 20,
	RETRY_S = 5,	      /* after an attempt that failed, while there are no keys */
	REFRESH_RETRY_S = 30, /* the same while old keys serve */
	UNKNOWN_KEY_S = 60,   /* between attempts for keys that are not in the set */
	POLL_MS = 20,	      /* how often is looked whether another request has the keys */
	POLLS_MAX = 500,
};

struct jwt {
	const struct mwc_jwt *conf;
	struct jwt_keys *keys; /* from Secrets; may be empty */
	struct asked_url url;
	struct token_source source;
	uint16_t algorithms; /* bits */
};

/* A verification on another thread. The reference to the keys is given back there. */
struct check {
	struct jwt_keys *keys;
	struct str kid, signed_part, signature;
	enum jwt_algorithm algorithm;
	bool matches;
};

struct slot {
	struct jwt_token token;
	struct str text;
	struct mw_fetch *fetch; /* while this request fetches the keys */
	struct check *check;
	struct auth_cache_key cache_key;
	bool has_cache_key;
	uint16_t polls;
};

/* ---------------------------------------------------------------- prepare -- */

static const struct token_source bearer = {.header = {"Authorization", 13},
					   .header_auth_scheme = {"Bearer", 6}};

static int key_fault(struct mw_prepare *prepare, const char *field, struct str name,
		     const char *why)
{
	struct diag *diag = diag_error(prepare->sink, DIAG_FIELD(prepare->path, field), "%s", why);

	diag_found(prepare->sink, diag, name);
	return -EINVAL;
}

static int add_jwks(struct mw_prepare *prepare, struct jwt *self, struct str name)
{
	struct str value;

	TRY(secret_pem_only(prepare, "jwksSecret", name, &value));
	if (jwt_keys_add_jwks(self->keys, value, true) > 0)
		return 0;
	return key_fault(prepare, "jwksSecret", name,
			 "the Secret holds no JSON Web Key Set with a key that is of use");
}

static int add_public(struct mw_prepare *prepare, struct jwt *self, struct str name)
{
	struct str_map data;
	struct str type;

	if (!prepare->secret(prepare, name, &type, &data))
		return key_fault(prepare, "publicKeySecret", name,
				 "there is no such Secret in this namespace");
	for (size_t i = 0; i < data.n; i++)
		if (jwt_keys_add_pem(self->keys, data.at[i].value,
				     data.n > 1 ? data.at[i].key : (struct str){0}) < 0)
			return key_fault(prepare, "publicKeySecret", data.at[i].key,
					 "not a public key in PEM of a kind and size that is of "
					 "use (RSA of 2048 bits or more, P-256, P-384, P-521, "
					 "Ed25519)");
	return data.n ? 0 : key_fault(prepare, "publicKeySecret", name, "the Secret is empty");
}

static int add_signing(struct mw_prepare *prepare, struct jwt *self, struct str name)
{
	struct str value;

	TRY(secret_pem_only(prepare, "signingSecret", name, &value));
	if (jwt_keys_add_secret(self->keys, value) > 0)
		return 0;
	return key_fault(prepare, "signingSecret", name,
			 "the secret is shorter than 32 bytes (RFC 7518 3.2)");
}

static int add_keys(struct mw_prepare *prepare, struct jwt *self)
{
	const struct mwc_jwt *conf = self->conf;
	bool usable = conf->jwks_url.len > 0;

	if (conf->jwks_secret.len)
		TRY(add_jwks(prepare, self, conf->jwks_secret));
	if (conf->public_key_secret.len)
		TRY(add_public(prepare, self, conf->public_key_secret));
	if (conf->signing_secret.len)
		TRY(add_signing(prepare, self, conf->signing_secret));
	for (size_t i = 0; i < self->keys->n; i++)
		usable = usable || self->keys->at[i].algorithms & self->algorithms;
	if (usable)
		return 0;
	diag_error(prepare->sink, DIAG_FIELD(prepare->path, "algorithms"),
		   "no key is of use for any of them");
	return -EINVAL;
}

static void put_keys(void *keys)
{
	jwt_keys_put(keys);
}

static int prepare(struct mw_prepare *prepare, const void *decoded, const void **ret_conf)
{
	const struct mwc_jwt *from = decoded;
	struct jwt *self = ARENA_NEW(prepare->arena, struct jwt);

	if (!self)
		return -ENOMEM;
	self->conf = from;
	self->source = from->source ? *from->source : bearer;
	/* RFC 9110 11.6.2: there is always a scheme in this one. */
	if (str_eq_nocase(self->source.header, bearer.header) &&
	    !self->source.header_auth_scheme.len)
		self->source.header_auth_scheme = bearer.header_auth_scheme;
	for (size_t i = 0; i < from->algorithms.n; i++)
		self->algorithms |= (uint16_t)(1U << jwt_algorithm_of(from->algorithms.at[i]));
	if (!from->algorithms.n)
		self->algorithms = (1U << JWT__COUNT) - 1;
	self->keys = jwt_keys_new();
	if (!self->keys)
		return -ENOMEM;
	prepare->own(prepare, self->keys, put_keys);
	for (size_t i = 0; i < from->forward_headers.n; i++)
		if (!header_name_valid(from->forward_headers.at[i].key))
			return key_fault(prepare, "forwardHeaders", from->forward_headers.at[i].key,
					 "not a header name");
	TRY(add_keys(prepare, self));
	*ret_conf = self;
	return from->jwks_url.len ? asked_url_prepare(prepare, "jwksURL", from->jwks_url, from->tls,
						      &self->url)
				  : 0;
}

static struct mw_state *state_new(const void *conf)
{
	(void)conf;
	return jwt_fetched_new();
}

/* ---------------------------------------------------------------- answers -- */

/* RFC 6750 3: error and reason are ours and hold no quotes; NULL: the request said nothing. */
static enum mw_verdict refuse(const struct jwt *self, struct mw_call *call, uint16_t status,
			      const char *error, const char *reason)
{
	struct arena *arena = call->request->arena;
	struct str value =
		arena_join(arena, STR("Bearer realm="), header_quoted(self->conf->realm, arena));

	if (error)
		value = arena_printf(arena, STR_FMT ", error=\"%s\", error_description=\"%s\"",
				     STR_ARG(value), error, reason);
	call->reply.status = status;
	call->reply.body = status == 401 ? STR("401 Unauthorized\n") : STR("403 Forbidden\n");
	header_add_id(&call->reply.headers, HEADER_WWW_AUTHENTICATE, value);
	return MW_REPLY;
}

static enum mw_verdict invalid(const struct jwt *self, struct mw_call *call, const char *reason)
{
	return refuse(self, call, 401, "invalid_token", reason);
}

static enum mw_verdict unavailable(struct mw_call *call)
{
	call->reply.status = 503;
	call->reply.body = STR("the keys that tokens are checked with cannot be had\n");
	return MW_REPLY;
}

/* --------------------------------------------------------------- requests -- */

static void set_headers(const struct jwt *self, struct mw_call *call, const json_t *claims)
{
	const struct mwc_jwt *conf = self->conf;
	struct request *request = call->request;

	for (size_t i = 0; i < conf->forward_headers.n; i++) {
		const struct str_pair *pair = &conf->forward_headers.at[i];
		struct str text = jwt_claims_text(claims, pair->value, request->arena);

		if (text.at)
			header_add(&request->headers, pair->key, text);
	}
	request->is_authenticated = true;
	call->user = jwt_claims_text(claims, conf->user_claim, request->arena);
	if (conf->header_field.len && call->user.at)
		header_add(&request->headers, conf->header_field, call->user);
}

/* The signature is right. */
static enum mw_verdict judge(const struct jwt *self, struct mw_call *call)
{
	struct slot *slot = call->slot;
	const json_t *claims = slot->token.claims;
	const char *fault = jwt_claims_fault(claims, self->conf, call->wall_ns);
	struct str missing;

	if (fault)
		return invalid(self, call, fault);
	if (!jwt_claims_suffice(claims, &self->conf->required_claims, &missing))
		return refuse(self, call, 403, "insufficient_scope",
			      "a claim is not what it must be");
	if (self->conf->remove_token)
		credential_remove(&self->source, call->request);
	set_headers(self, call, claims);
	return MW_NEXT;
}

static void run_check(void *arg)
{
	struct check *check = arg;

	check->matches = jwt_keys_verify(check->keys, check->algorithm, check->kid,
					 check->signed_part, check->signature);
	jwt_keys_put(TAKE(check->keys));
}

/* keys: one reference, given back here or on the other thread. */
static enum mw_verdict verify(const struct mw_instance *instance, struct mw_call *call,
			      struct jwt_keys *keys)
{
	const struct jwt *self = instance->conf;
	struct slot *slot = call->slot;
	const struct jwt_token *token = &slot->token;

	if (jwt_fetched_was_verified(instance->state, keys, slot->text, call->request->arena,
				     call->now_ns, &slot->cache_key, &slot->has_cache_key)) {
		jwt_keys_put(keys);
		return judge(self, call);
	}
	slot->check = ARENA_NEW(call->request->arena, struct check);
	if (!slot->check) {
		jwt_keys_put(keys);
		return invalid(self, call, "no memory");
	}
	*slot->check = (struct check){
		keys, token->kid, token->signed_part, token->signature, token->algorithm, false};
	if (token->algorithm >= JWT_HS256) {
		run_check(slot->check);
		return slot->check->matches ? judge(self, call)
					    : invalid(self, call, "the signature is wrong");
	}
	call->wait.run = run_check;
	call->wait.arg = slot->check;
	return MW_WAIT;
}

static enum mw_verdict fetch_keys(const struct mw_instance *instance, struct mw_call *call)
{
	const struct jwt *self = instance->conf;
	struct slot *slot = call->slot;
	struct mw_fetch *fetch = asked_url_question(&self->url, STR("GET"), call->request->arena);

	if (!fetch) {
		jwt_fetched_end(instance->state, NULL, call->now_ns);
		return unavailable(call);
	}
	fetch->timeout_ns = FETCH_TIMEOUT_S * NS_PER_SEC;
	fetch->max_response_bytes = FETCH_MAX_BYTES;
	header_add(&fetch->headers, STR("Accept"), STR("application/json"));
	slot->fetch = fetch;
	call->wait.fetch = fetch;
	return MW_WAIT;
}

static enum mw_verdict look_again(struct mw_call *call)
{
	struct slot *slot = call->slot;

	if (slot->polls++ == POLLS_MAX)
		return unavailable(call);
	call->wait.until_ns = call->now_ns + POLL_MS * NS_PER_MS;
	return MW_WAIT;
}

/* Finds the keys for the token, fetched ones if need be. */
static enum mw_verdict seek(const struct mw_instance *instance, struct mw_call *call)
{
	const struct jwt *self = instance->conf;
	struct slot *slot = call->slot;
	const struct jwt_token *token = &slot->token;
	struct jwt_keys *keys;
	uint64_t at_ns = 0, interval_ns = RETRY_S * NS_PER_SEC;
	bool has = false;

	if (jwt_keys_have(self->keys, token->algorithm, token->kid)) {
		ref_get(&self->keys->ref);
		return verify(instance, call, self->keys);
	}
	if (!self->conf->jwks_url.len)
		return invalid(self, call, "there is no key for it");
	keys = jwt_fetched_get(instance->state, &at_ns);
	if (keys) {
		bool is_old = call->now_ns >= at_ns + (uint64_t)self->conf->jwks_refresh.ns;

		has = jwt_keys_have(keys, token->algorithm, token->kid);
		if (has && !is_old)
			return verify(instance, call, keys);
		interval_ns = (has ? REFRESH_RETRY_S : UNKNOWN_KEY_S) * NS_PER_SEC;
	}
	switch (jwt_fetched_begin(instance->state, call->now_ns, interval_ns)) {
	case JWT_FETCH_YOURS:
		jwt_keys_put(keys);
		return fetch_keys(instance, call);
	case JWT_FETCH_UNDER_WAY:
		if (has)
			return verify(instance, call, keys);
		jwt_keys_put(keys);
		return look_again(call);
	case JWT_FETCH_NOT_NOW:
		break;
	}
	if (has)
		return verify(instance, call, keys);
	if (!keys)
		return unavailable(call);
	jwt_keys_put(keys);
	return invalid(self, call, "there is no key for it");
}

static void take_keys(const struct mw_instance *instance, struct mw_call *call)
{
	struct slot *slot = call->slot;
	struct mw_fetch *fetch = TAKE(slot->fetch);
	struct jwt_keys *keys = NULL;

	if (!fetch->error && fetch->status == 200) {
		keys = jwt_keys_new();
		if (keys && jwt_keys_add_jwks(keys, fetch->response_body, false) <= 0) {
			jwt_keys_put(keys);
			keys = NULL;
		}
	}
	jwt_fetched_end(instance->state, keys, call->now_ns);
}

static enum mw_verdict on_request(const struct mw_instance *instance, struct mw_call *call)
{
	const struct jwt *self = instance->conf;
	const struct mwc_jwt *conf = self->conf;
	struct request *request = call->request;
	struct slot *slot = call->slot;
	const char *reason;

	switch (credential_find(&self->source, request, &slot->text)) {
	case CREDENTIAL_NONE:
		return refuse(self, call, 401, NULL, NULL);
	case CREDENTIAL_TWICE:
		return invalid(self, call, "there is more than one token");
	default:
		break;
	}
	slot->text = arena_str(request->arena, slot->text);
	owned_header_drop(&request->headers, conf->header_field);
	for (size_t i = 0; i < conf->forward_headers.n; i++)
		owned_header_drop(&request->headers, conf->forward_headers.at[i].key);
	if (jwt_token_parse(slot->text, request->arena, &slot->token, &reason) < 0)
		return invalid(self, call, reason);
	if (!(self->algorithms >> slot->token.algorithm & 1))
		return invalid(self, call, "the algorithm is not accepted");
	return seek(instance, call);
}

static enum mw_verdict on_resume(const struct mw_instance *instance, struct mw_call *call)
{
	const struct jwt *self = instance->conf;
	struct slot *slot = call->slot;

	if (slot->fetch) {
		take_keys(instance, call);
		return seek(instance, call);
	}
	if (!slot->check)
		return seek(instance, call);
	if (!slot->check->matches)
		return invalid(self, call, "the signature is wrong");
	if (slot->has_cache_key)
		jwt_fetched_note_verified(instance->state, &slot->cache_key, call->now_ns);
	return judge(self, call);
}

static void on_end(const struct mw_instance *instance, struct mw_call *call)
{
	struct slot *slot = call->slot;

	/* The client has gone while its request fetched the keys for all. */
	if (slot->fetch)
		jwt_fetched_end(instance->state, NULL, 0);
	slot->fetch = NULL;
	jwt_token_done(&slot->token);
}

static struct str explain(const struct mw_instance *instance, const struct request *request,
			  struct arena *arena)
{
	const struct jwt *self = instance->conf;
	struct str value;

	if (credential_find(&self->source, (struct request *)(uintptr_t)request, &value) ==
	    CREDENTIAL_NONE)
		return STR("refuses with 401: the request has no token");
	return arena_printf(arena,
			    "verifies the token with %zu keys of Secrets%s" STR_FMT
			    ", else 401; 403 unless %zu claims are what they must be",
			    self->keys->n, self->url.url.len ? " and those of " : "",
			    STR_ARG(self->url.url), self->conf->required_claims.n);
}

const struct mw jwt_mw = {
	.name = "jwt",
	.schema = &schema_mw_jwt,
	.prepare = prepare,
	.state_new = state_new,
	.on_request = on_request,
	.on_resume = on_resume,
	.on_end = on_end,
	.slot_size = sizeof(struct slot),
	.explain = explain,
};
