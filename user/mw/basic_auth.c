// SPDX-License-Identifier: Apache-2.0
/*
 * basic_auth: asks for a user name and a password (reference/traefik.md c.7, a.4; RFC 7617).
 *
 * Users come from a Secret. Slow hashes are computed on another thread, and a good answer is
 * remembered for a minute. An unknown user costs what a known one does. The header that names the
 * user to the service belongs to this middleware: the client's own, in any spelling, goes before
 * anything is asked (reference/security.md A2.4).
 */

#include <errno.h>
#include <openssl/crypto.h>

#include "base/cleanup.h"
#include "base/codec.h"
#include "base/table.h"
#include "http/header.h"
#include "model/mw_conf.h"
#include "model/secret_object.h"
#include "mw/auth_cache.h"
#include "mw/mw_list.h"
#include "mw/owned_header.h"
#include "mw/passwd_hash.h"

struct basic_auth {
	struct table users; /* name -> struct user */
	struct str dummy;   /* a hash for users that do not exist, as slow as the slowest */
	struct str challenge;
	struct str header_field;
	bool remove_header;
};

struct user {
	struct str name, hash;
};

/* A verification on another thread; everything lies in the request's arena. */
struct check {
	struct str hash, password;
	bool matches;
};

struct slot {
	struct check *check;
	const struct user *user; /* NULL: unknown */
	struct auth_cache_key key;
	bool has_key;
};

/* ---------------------------------------------------------------- prepare -- */

static int bad_secret(struct mw_prepare *prepare, struct str name, const char *why)
{
	struct diag *diag =
		diag_error(prepare->sink, DIAG_FIELD(prepare->path, "secret"), "%s", why);

	diag_found(prepare->sink, diag, name);
	return -EINVAL;
}

static int add_user(struct mw_prepare *prepare, struct basic_auth *self, struct str secret,
		    struct str name, struct str hash)
{
	struct user *user = ARENA_NEW(prepare->arena, struct user);

	if (!user)
		return -ENOMEM;
	if (name.len == 0 || !header_value_valid(name))
		return bad_secret(prepare, secret,
				  "a user name is empty or holds control characters");
	user->name = arena_str(prepare->arena, name);
	user->hash = arena_str(prepare->arena, hash);
	if (passwd_hash_kind(hash) == PASSWD_HASH_OTHER)
		diag_warning(prepare->sink, DIAG_FIELD(prepare->path, "secret"),
			     "the password of user " STR_FMT
			     " never matches: only {SHA}, bcrypt, $apr1$ "
			     "and $1$ are known",
			     STR_ARG(name));
	if (!self->dummy.at || (!passwd_hash_is_slow(passwd_hash_kind(self->dummy)) &&
				passwd_hash_is_slow(passwd_hash_kind(hash))))
		self->dummy = user->hash;
	/* Later duplicates win. */
	if (!user->hash.at || table_put(&self->users, user->name, user, NULL) < 0)
		return -ENOMEM;
	return 0;
}

static int add_lines(struct mw_prepare *prepare, struct basic_auth *self, struct str secret,
		     struct str text)
{
	struct str line, name;

	while (str_next(&text, '\n', &line)) {
		if (str_ends(line, STR("\r")))
			line.len--;
		if (line.len == 0)
			continue;
		struct str hash = line;

		/* Exactly one colon; a comment in a Secret is a fault too, as in Traefik. */
		if (!str_next(&hash, ':', &name) || !hash.at || str_find(hash, ':') >= 0)
			return bad_secret(prepare, secret, "a line is not user:hash");
		TRY(add_user(prepare, self, secret, name, hash));
	}
	return 0;
}

static struct str value_of(const struct str_map *data, struct str key)
{
	for (size_t i = 0; i < data->n; i++)
		if (str_eq(data->at[i].key, key))
			return data->at[i].value;
	return (struct str){0};
}

static int add_secret(struct mw_prepare *prepare, struct basic_auth *self, struct str secret)
{
	struct str type;
	struct str_map data;

	if (!prepare->secret(prepare, secret, &type, &data))
		return bad_secret(prepare, secret, "there is no such Secret in this namespace");
	if (str_eq(type, STR(SECRET_TYPE_BASIC_AUTH))) {
		struct str name = value_of(&data, STR("username")),
			   password = value_of(&data, STR("password"));
		char hash[PASSWD_HASH_TEXT_MAX];

		if (!name.at || !password.at)
			return bad_secret(prepare, secret, "the Secret lacks username or password");
		if (str_find(name, ':') >= 0)
			return bad_secret(prepare, secret, "a user name holds a colon");
		return add_user(prepare, self, secret, name, passwd_hash_sha(password, hash));
	}
	if (data.n != 1)
		return bad_secret(prepare, secret,
				  "the Secret must hold exactly one key with user:hash lines");
	return add_lines(prepare, self, secret, data.at[0].value);
}

static int prepare(struct mw_prepare *prepare, const void *decoded, const void **ret_conf)
{
	const struct mwc_basic_auth *from = decoded;
	struct basic_auth *self = ARENA_NEW(prepare->arena, struct basic_auth);

	if (!self)
		return -ENOMEM;
	table_init(&self->users, prepare->arena);
	TRY(add_secret(prepare, self, from->secret));
	if (self->users.n == 0)
		return bad_secret(prepare, from->secret, "the Secret holds no users");
	self->challenge = arena_join(
		prepare->arena, STR("Basic realm="),
		header_quoted(from->realm.len ? from->realm : STR("traefik"), prepare->arena));
	self->header_field = from->header_field;
	self->remove_header = from->remove_header;
	*ret_conf = self;
	return self->challenge.at ? 0 : -ENOMEM;
}

static struct mw_state *state_new(const void *conf)
{
	(void)conf;
	return auth_cache_new();
}

/* ------------------------------------------------------------------ requests -- */

static bool credentials(struct request *request, struct str *ret_user, struct str *ret_password)
{
	struct header *header = header_find(&request->headers, HEADER_AUTHORIZATION);
	struct str value, scheme, decoded;

	/* One, or the service might take the other for what was checked. */
	if (!header || header_next_same(&request->headers, header))
		return false;
	value = header->value;
	if (!str_next(&value, ' ', &scheme) || !value.at || !str_eq_nocase(scheme, STR("Basic")) ||
	    codec_base64_decode(str_trim(value), request->arena, &decoded) < 0)
		return false;
	ptrdiff_t colon = str_find(decoded, ':');

	if (colon < 0)
		return false;
	*ret_user = str_take(decoded, (size_t)colon);
	*ret_password = str_from(decoded, (size_t)colon + 1);
	return true;
}

static enum mw_verdict refuse(const struct basic_auth *self, struct mw_call *call)
{
	call->reply.status = 401;
	call->reply.content_type = STR("text/plain");
	call->reply.body = STR("401 Unauthorized\n");
	header_add_id(&call->reply.headers, HEADER_WWW_AUTHENTICATE, self->challenge);
	return MW_REPLY;
}

static enum mw_verdict let_in(const struct basic_auth *self, struct mw_call *call,
			      const struct user *user)
{
	struct headers *headers = &call->request->headers;

	call->user = user->name;
	call->request->is_authenticated = true;
	if (self->remove_header)
		header_remove_id(headers, HEADER_AUTHORIZATION);
	if (self->header_field.len)
		header_add(headers, self->header_field, user->name);
	return MW_NEXT;
}

static void run_check(void *arg)
{
	struct check *check = arg;

	check->matches = passwd_hash_verify(check->hash, check->password);
	OPENSSL_cleanse((void *)(uintptr_t)check->password.at, check->password.len);
}

/* Asks for the check on another thread. */
static enum mw_verdict verify_later(const struct basic_auth *self, struct mw_call *call,
				    struct str hash, struct str password)
{
	struct slot *slot = call->slot;

	slot->check = ARENA_NEW(call->request->arena, struct check);
	if (!slot->check)
		return refuse(self, call);
	*slot->check = (struct check){arena_str(call->request->arena, hash),
				      arena_str(call->request->arena, password), false};
	if (!slot->check->hash.at || !slot->check->password.at)
		return refuse(self, call);
	call->wait.run = run_check;
	call->wait.arg = slot->check;
	return MW_WAIT;
}

static enum mw_verdict on_request(const struct mw_instance *instance, struct mw_call *call)
{
	const struct basic_auth *self = instance->conf;
	struct slot *slot = call->slot;
	struct str name, password;

	owned_header_drop(&call->request->headers, self->header_field);
	if (!credentials(call->request, &name, &password))
		return refuse(self, call);
	const struct user *user = table_find(&self->users, name);
	struct str hash = user ? user->hash : self->dummy;

	slot->user = user;
	if (!passwd_hash_is_slow(passwd_hash_kind(hash))) {
		bool matches = passwd_hash_verify(hash, password);

		return user && matches ? let_in(self, call, user) : refuse(self, call);
	}
	slot->has_key = auth_cache_key(instance->state, name, hash, password, call->request->arena,
				       &slot->key);
	if (user && slot->has_key && auth_cache_has(instance->state, &slot->key, call->now_ns))
		return let_in(self, call, user);
	return verify_later(self, call, hash, password);
}

static enum mw_verdict on_resume(const struct mw_instance *instance, struct mw_call *call)
{
	const struct basic_auth *self = instance->conf;
	struct slot *slot = call->slot;

	if (!slot->user || !slot->check || !slot->check->matches)
		return refuse(self, call);
	if (slot->has_key)
		auth_cache_put(instance->state, &slot->key, call->now_ns);
	return let_in(self, call, slot->user);
}

static struct str explain(const struct mw_instance *instance, const struct request *request,
			  struct arena *arena)
{
	const struct basic_auth *self = instance->conf;

	if (!header_value(&request->headers, HEADER_AUTHORIZATION).at)
		return arena_printf(arena,
				    "refuses with 401: the request has no Authorization header");
	return arena_printf(arena, "checks user and password against %zu users, else 401",
			    self->users.n);
}

const struct mw basic_auth_mw = {
	.name = "basicAuth",
	.schema = &schema_mw_basic_auth,
	.prepare = prepare,
	.state_new = state_new,
	.on_request = on_request,
	.on_resume = on_resume,
	.slot_size = sizeof(struct slot),
	.explain = explain,
};
