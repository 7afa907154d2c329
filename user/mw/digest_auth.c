// SPDX-License-Identifier: Apache-2.0
/*
 * digest_auth: asks for a user name and a password by digest (reference/traefik.md c.7, a.4; RFC
 * 7616 with MD5 and qop=auth, as RFC 2617 had it).
 *
 * What proves the password comes before what the nonce is worth: only who knows the password learns
 * that a nonce is stale, and only such nonces are remembered. An unknown user costs what a known
 * one does and never passes. The header that names the user to the service belongs to this
 * middleware.
 */

#include <errno.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>

#include "base/cleanup.h"
#include "base/codec.h"
#include "base/num.h"
#include "base/table.h"
#include "http/header.h"
#include "http/uri.h"
#include "model/mw_conf_auth.h"
#include "mw/digest_header.h"
#include "mw/digest_nonce.h"
#include "mw/mw_list.h"
#include "mw/owned_header.h"

enum { HASH_TEXT = 32, HASH_BYTES = 16 };

struct digest_auth {
	struct table users; /* of the realm: name -> struct user */
	struct str realm, quoted_realm;
	struct str header_field;
	bool remove_header;
};

struct user {
	struct str name;
	char ha1[HASH_TEXT]; /* lower case */
};

/* ---------------------------------------------------------------- prepare -- */

static int bad_secret(struct mw_prepare *prepare, struct str name, const char *why)
{
	struct diag *diag =
		diag_error(prepare->sink, DIAG_FIELD(prepare->path, "secret"), "%s", why);

	diag_found(prepare->sink, diag, name);
	return -EINVAL;
}

static bool read_hash(struct str text, char ret_hash[HASH_TEXT])
{
	if (text.len != HASH_TEXT)
		return false;
	for (size_t i = 0; i < HASH_TEXT; i++) {
		if (uri_hex((unsigned char)text.at[i]) < 0)
			return false;
		ret_hash[i] = ascii_lower(text.at[i]);
	}
	return true;
}

static int add_user(struct mw_prepare *prepare, struct digest_auth *self, struct str name,
		    struct str realm, struct str hash)
{
	const struct diag_path *path = DIAG_FIELD(prepare->path, "secret");
	struct user *user = ARENA_NEW(prepare->arena, struct user);

	if (!user)
		return -ENOMEM;
	user->name = arena_str(prepare->arena, name);
	if (!str_eq(realm, self->realm)) {
		diag_warning(prepare->sink, path,
			     "user " STR_FMT
			     " never matches: the realm of the line is not " STR_FMT,
			     STR_ARG(name), STR_ARG(self->realm));
		return 0;
	}
	if (!read_hash(hash, user->ha1)) {
		diag_warning(prepare->sink, path,
			     "user " STR_FMT
			     " never matches: the hash is not 32 hexadecimal digits",
			     STR_ARG(name));
		return 0;
	}
	/* Later duplicates win. */
	return user->name.at ? table_put(&self->users, user->name, user, NULL) : -ENOMEM;
}

static int add_lines(struct mw_prepare *prepare, struct digest_auth *self, struct str secret,
		     struct str text)
{
	struct str line, name, realm;
	size_t n = 0;

	while (str_next(&text, '\n', &line)) {
		if (str_ends(line, STR("\r")))
			line.len--;
		if (line.len == 0)
			continue;
		struct str hash = line;

		/* Exactly two colons; a comment in a Secret is a fault too, as in Traefik. */
		if (!str_next(&hash, ':', &name) || !hash.at || !str_next(&hash, ':', &realm) ||
		    !hash.at || str_find(hash, ':') >= 0)
			return bad_secret(prepare, secret, "a line is not user:realm:hash");
		if (name.len == 0 || !header_value_valid(name))
			return bad_secret(prepare, secret,
					  "a user name is empty or holds control characters");
		TRY(add_user(prepare, self, name, realm, hash));
		n++;
	}
	return n ? 0 : bad_secret(prepare, secret, "the Secret holds no users");
}

static int prepare(struct mw_prepare *prepare, const void *decoded, const void **ret_conf)
{
	const struct mwc_digest_auth *from = decoded;
	struct digest_auth *self = ARENA_NEW(prepare->arena, struct digest_auth);
	struct str type;
	struct str_map data;

	if (!self)
		return -ENOMEM;
	table_init(&self->users, prepare->arena);
	self->realm = from->realm.len ? from->realm : STR("traefik");
	self->quoted_realm = header_quoted(self->realm, prepare->arena);
	self->header_field = from->header_field;
	self->remove_header = from->remove_header;
	if (!prepare->secret(prepare, from->secret, &type, &data))
		return bad_secret(prepare, from->secret,
				  "there is no such Secret in this namespace");
	if (data.n != 1)
		return bad_secret(
			prepare, from->secret,
			"the Secret must hold exactly one key with user:realm:hash lines");
	TRY(add_lines(prepare, self, from->secret, data.at[0].value));
	*ret_conf = self;
	return self->quoted_realm.at ? 0 : -ENOMEM;
}

static struct mw_state *state_new(const void *conf)
{
	(void)conf;
	return digest_nonce_new();
}

/* --------------------------------------------------------------- requests -- */

/* MD5 in lower-case hexadecimal of the parts with ':' between them. */
static bool hash_parts(const struct str *parts, size_t n, char ret_text[HASH_TEXT + 1])
{
	unsigned char digest[HASH_BYTES];
	EVP_MD_CTX *md = EVP_MD_CTX_new();
	bool ok = md && EVP_DigestInit_ex(md, EVP_md5(), NULL) == 1;

	for (size_t i = 0; i < n && ok; i++)
		ok = (i == 0 || EVP_DigestUpdate(md, ":", 1) == 1) &&
		     (parts[i].len == 0 || EVP_DigestUpdate(md, parts[i].at, parts[i].len) == 1);
	ok = ok && EVP_DigestFinal_ex(md, digest, NULL) == 1;
	EVP_MD_CTX_free(md);
	if (ok)
		codec_hex(digest, sizeof(digest), ret_text);
	return ok;
}

/*
 * The uri parameter is the request's target as the client sent it, or as it stands now, or its path
 * is a prefix of the request's (reference c.7).
 */
static bool is_uri_right(const struct request *request, struct str uri)
{
	struct str path, decoded, query = uri;

	if (str_eq(uri, request->target))
		return true;
	str_next(&query, '?', &path);
	if (str_eq(path, request->raw_path) && (query.at != NULL) == request->has_query &&
	    str_eq(query, request->query))
		return true;
	if (str_search(path, STR("://")) >= 0) {
		struct uri parts;

		if (uri_parse(uri, METHOD_GET, &parts) != FAIL_NONE)
			return false;
		path = parts.path;
	}
	return uri_decode(path, false, request->arena, &decoded) == 0 &&
	       str_starts(request->path, decoded);
}

static bool is_response_right(const struct request *request, const struct digest_header *header,
			      const char ha1[HASH_TEXT])
{
	char ha2[HASH_TEXT + 1], expected[HASH_TEXT + 1];
	const struct str question[] = {request->method, header->uri};

	if (!hash_parts(question, 2, ha2))
		return false;
	const struct str answer[] = {
		str_n(ha1, HASH_TEXT), header->nonce, header->nc,
		header->cnonce,	       header->qop,   str_n(ha2, HASH_TEXT),
	};
	bool ok = hash_parts(answer, 6, expected) &&
		  codec_equal_secret(header->response, str_n(expected, HASH_TEXT));

	OPENSSL_cleanse(expected, sizeof(expected));
	return ok;
}

/* nc is a hexadecimal number (RFC 7616 3.4: 8 digits; other clients write fewer). 0: it is not. */
static uint64_t count_of(struct str nc)
{
	uint64_t count = 0;

	if (nc.len == 0 || nc.len > 15)
		return 0;
	for (size_t i = 0; i < nc.len; i++) {
		int digit = uri_hex((unsigned char)nc.at[i]);

		if (digit < 0)
			return 0;
		count = count << 4 | (uint64_t)digit;
	}
	return count;
}

static enum mw_verdict refuse(const struct mw_instance *instance, struct mw_call *call,
			      bool is_stale)
{
	const struct digest_auth *self = instance->conf;
	char nonce[DIGEST_NONCE_TEXT];

	digest_nonce_make(instance->state, nonce);
	call->reply.status = 401;
	call->reply.content_type = STR("text/plain");
	call->reply.body = STR("401 Unauthorized\n");
	header_add_id(&call->reply.headers, HEADER_WWW_AUTHENTICATE,
		      arena_printf(call->request->arena,
				   "Digest realm=" STR_FMT ", nonce=\"%.*s\", opaque=\"" STR_FMT
				   "\", algorithm=MD5, qop=\"auth\"%s",
				   STR_ARG(self->quoted_realm), DIGEST_NONCE_TEXT, nonce,
				   STR_ARG(digest_nonce_opaque(instance->state)),
				   is_stale ? ", stale=true" : ""));
	return MW_REPLY;
}

/* Everything but the nonce's worth. NULL: refused. */
static const struct user *check(const struct mw_instance *instance, const struct request *request,
				const struct digest_header *header)
{
	static const char nobody[HASH_TEXT] = "00000000000000000000000000000000";
	const struct digest_auth *self = instance->conf;
	const struct user *user = table_find(&self->users, header->username);

	if (!header->username.at || !header->nonce.at || !header->uri.at || !header->cnonce.at ||
	    !str_eq(header->opaque, digest_nonce_opaque(instance->state)) ||
	    !str_eq(header->qop, STR("auth")) ||
	    (header->algorithm.at && !str_eq_nocase(header->algorithm, STR("MD5"))) ||
	    !is_uri_right(request, header->uri))
		return NULL;
	bool right = is_response_right(request, header, user ? user->ha1 : nobody);

	return right ? user : NULL;
}

static enum mw_verdict on_request(const struct mw_instance *instance, struct mw_call *call)
{
	const struct digest_auth *self = instance->conf;
	struct request *request = call->request;
	struct header *authorization = header_find(&request->headers, HEADER_AUTHORIZATION);
	struct digest_header header;

	owned_header_drop(&request->headers, self->header_field);
	if (!authorization || header_next_same(&request->headers, authorization) ||
	    digest_header_parse(authorization->value, request->arena, &header) < 0)
		return refuse(instance, call, false);
	const struct user *user = check(instance, request, &header);

	if (!user)
		return refuse(instance, call, false);
	switch (digest_nonce_use(instance->state, header.nonce, count_of(header.nc))) {
	case DIGEST_NONCE_UNKNOWN:
		return refuse(instance, call, false);
	case DIGEST_NONCE_STALE:
		return refuse(instance, call, true);
	case DIGEST_NONCE_FRESH:
		break;
	}
	call->user = user->name;
	request->is_authenticated = true;
	if (self->remove_header)
		header_remove_id(&request->headers, HEADER_AUTHORIZATION);
	if (self->header_field.len)
		header_add(&request->headers, self->header_field, user->name);
	return MW_NEXT;
}

static struct str explain(const struct mw_instance *instance, const struct request *request,
			  struct arena *arena)
{
	const struct digest_auth *self = instance->conf;

	if (!header_value(&request->headers, HEADER_AUTHORIZATION).at)
		return arena_printf(
			arena,
			"refuses with 401 and a nonce: the request has no Authorization header");
	return arena_printf(arena, "checks the digest against %zu users, else 401", self->users.n);
}

const struct mw digest_auth_mw = {
	.name = "digestAuth",
	.schema = &schema_mw_digest_auth,
	.prepare = prepare,
	.state_new = state_new,
	.on_request = on_request,
	.explain = explain,
};
