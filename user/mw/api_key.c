// SPDX-License-Identifier: Apache-2.0
/*
 * api_key: lets only requests with a known key pass.
 *
 * Only hashes of keys are kept. The hash of what a request brings is looked up, so that the time
 * taken says nothing of any key; what is found is compared in constant time.
 */

#include <errno.h>

#include "base/cleanup.h"
#include "base/codec.h"
#include "base/hash.h"
#include "base/table.h"
#include "http/header.h"
#include "http/uri.h"
#include "mw/credential.h"
#include "mw/mw_list.h"
#include "mw/owned_header.h"

enum { HASH_BYTES = 32, KEY_MIN_BYTES = 8, KEY_MAX_BYTES = 4096 };

struct api_key {
	const struct mwc_api_key *conf;
	const struct token_source *source;
	struct table users; /* hash -> struct user */
	struct str challenge;
};

struct user {
	struct str name;
	char hash[HASH_BYTES];
};

/* ---------------------------------------------------------------- prepare -- */

static const struct token_source default_source = {.header = {"X-Api-Key", 9}};

static int bad_secret(struct mw_prepare *prepare, struct str found, const char *why)
{
	struct diag *diag =
		diag_error(prepare->sink, DIAG_FIELD(prepare->path, "secret"), "%s", why);

	diag_found(prepare->sink, diag, found);
	return -EINVAL;
}

static bool read_hash(struct str text, char ret_hash[HASH_BYTES])
{
	if (text.len != 2 * HASH_BYTES)
		return false;
	for (size_t i = 0; i < HASH_BYTES; i++) {
		int high = uri_hex((unsigned char)text.at[2 * i]);
		int low = uri_hex((unsigned char)text.at[2 * i + 1]);

		if (high < 0 || low < 0)
			return false;
		ret_hash[i] = (char)(high << 4 | low);
	}
	return true;
}

static int add_user(struct mw_prepare *prepare, struct api_key *self, struct str name,
		    struct str value)
{
	struct user *user = ARENA_NEW(prepare->arena, struct user), *other;

	if (!user)
		return -ENOMEM;
	/* Files that Secrets are made of end in a line feed. */
	while (value.len && strchr("\r\n", value.at[value.len - 1]) && value.at[value.len - 1])
		value.len--;
	user->name = arena_str(prepare->arena, name);
	if (str_starts(value, STR("sha256:"))) {
		if (!read_hash(str_from(value, 7), user->hash))
			return bad_secret(prepare, name,
					  "sha256: is not followed by 64 hexadecimal digits");
	} else if (value.len < KEY_MIN_BYTES) {
		return bad_secret(prepare, name, "the key is shorter than 8 bytes");
	} else {
		hash_sha256(value, (unsigned char *)user->hash);
	}
	other = table_find(&self->users, str_n(user->hash, HASH_BYTES));
	if (other)
		return bad_secret(prepare, name, "two users have the same key");
	return user->name.at ? table_put(&self->users, str_n(user->hash, HASH_BYTES), user, NULL)
			     : -ENOMEM;
}

static int prepare(struct mw_prepare *prepare, const void *decoded, const void **ret_conf)
{
	const struct mwc_api_key *from = decoded;
	struct api_key *self = ARENA_NEW(prepare->arena, struct api_key);
	struct str_map data;
	struct str type;

	if (!self)
		return -ENOMEM;
	self->conf = from;
	self->source = from->source ? from->source : &default_source;
	table_init(&self->users, prepare->arena);
	if (!prepare->secret(prepare, from->secret, &type, &data))
		return bad_secret(prepare, from->secret,
				  "there is no such Secret in this namespace");
	if (data.n == 0)
		return bad_secret(prepare, from->secret, "the Secret holds no keys");
	for (size_t i = 0; i < data.n; i++)
		TRY(add_user(prepare, self, data.at[i].key, data.at[i].value));
	self->challenge = arena_join(prepare->arena, STR("ApiKey realm="),
				     header_quoted(from->realm, prepare->arena));
	*ret_conf = self;
	return self->challenge.at ? 0 : -ENOMEM;
}

/* --------------------------------------------------------------- requests -- */

static const struct user *find_user(const struct api_key *self, struct request *request)
{
	unsigned char digest[HASH_BYTES];
	struct str key, hash = str_n((char *)digest, HASH_BYTES);
	enum credential_place place = credential_find(self->source, request, &key);
	const struct user *user;

	if (place == CREDENTIAL_NONE || place == CREDENTIAL_TWICE || key.len > KEY_MAX_BYTES)
		return NULL;
	hash_sha256(key, digest);
	user = table_find(&self->users, hash);
	return user && codec_equal_secret(str_n(user->hash, HASH_BYTES), hash) ? user : NULL;
}

static enum mw_verdict on_request(const struct mw_instance *instance, struct mw_call *call)
{
	const struct api_key *self = instance->conf;
	const struct user *user = find_user(self, call->request);

	owned_header_drop(&call->request->headers, self->conf->header_field);
	if (!user) {
		call->reply.status = 401;
		call->reply.body = STR("401 Unauthorized\n");
		header_add_id(&call->reply.headers, HEADER_WWW_AUTHENTICATE, self->challenge);
		return MW_REPLY;
	}
	call->user = user->name;
	call->request->is_authenticated = true;
	if (self->conf->remove_key)
		credential_remove(self->source, call->request);
	if (self->conf->header_field.len)
		header_add(&call->request->headers, self->conf->header_field, user->name);
	return MW_NEXT;
}

static struct str explain(const struct mw_instance *instance, const struct request *request,
			  struct arena *arena)
{
	const struct api_key *self = instance->conf;
	const struct user *user = find_user(self, (struct request *)(uintptr_t)request);

	if (!user)
		return arena_printf(arena, "refuses with 401: the request has none of the %zu keys",
				    self->users.n);
	return arena_printf(arena, "lets user " STR_FMT " in", STR_ARG(user->name));
}

const struct mw api_key_mw = {
	.name = "apiKey",
	.schema = &schema_mw_api_key,
	.prepare = prepare,
	.on_request = on_request,
	.explain = explain,
};
