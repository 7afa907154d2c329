// SPDX-License-Identifier: Apache-2.0
/*
 * mw_conf_token: the field tables of jwt and apiKey, middlewares of Tidegate's own.
 */
#include "model/mw_conf_token.h"

static const struct field source_fields[] = {
	FIELD(struct token_source, header, .name = "header", .format = "token",
	      .doc = "Header that holds it."),
	FIELD(struct token_source, header_auth_scheme, .name = "headerAuthScheme",
	      .format = "token",
	      .doc = "Scheme that stands before it in the header; Bearer for a token in "
		     "Authorization."),
	FIELD(struct token_source, query, .name = "query",
	      .doc = "Parameter of the query that holds it."),
	FIELD(struct token_source, cookie, .name = "cookie", .format = "token",
	      .doc = "Cookie that holds it."),
};

static void source_check(const void *decoded, struct diag_sink *sink, const struct diag_path *path)
{
	const struct token_source *source = decoded;

	if (!source->header.len && !source->query.len && !source->cookie.len)
		diag_expected(sink, diag_error(sink, path, "names no place to look"),
			      "at least one of header, query, cookie");
	if (source->header_auth_scheme.len && !source->header.len)
		diag_error(sink, DIAG_FIELD(path, "headerAuthScheme"), "there is no header");
}

static const struct schema schema_source = {
	.name = "source",
	.doc = "Where a token is looked for: header, then query, then cookie.",
	.size = sizeof(struct token_source),
	SCHEMA_FIELDS(source_fields),
	.check = source_check,
};

static const struct field claim_fields[] = {
	FIELD(struct required_claim, claim, .name = "claim", .required = true, .min = 1, .max = 256,
	      .doc = "Name of the claim; a name with dots may also be a path into objects: "
		     "realm_access.roles."),
	FIELD(struct required_claim, equals, .name = "equals", .doc = "The claim is this text."),
	FIELD(struct required_claim, contains, .name = "contains",
	      .doc = "The claim is a list with this element, or a text with this word (scope)."),
	FIELD(struct required_claim, one_of, .name = "oneOf",
	      .doc = "The claim, or an element of it, is one of these."),
};

static void claim_check(const void *decoded, struct diag_sink *sink, const struct diag_path *path)
{
	const struct required_claim *claim = decoded;

	if ((claim->equals.at != NULL) + (claim->contains.at != NULL) + (claim->one_of.n > 0) != 1)
		diag_expected(sink, diag_error(sink, path, "not exactly one condition"),
			      "one of equals, contains, oneOf");
}

static const struct schema schema_required_claim = {
	.name = "requiredClaims",
	.doc = "What a claim must be.",
	.size = sizeof(struct required_claim),
	SCHEMA_FIELDS(claim_fields),
	.check = claim_check,
};

#define ALGORITHMS "RS256|RS384|RS512|PS256|PS384|PS512|ES256|ES384|ES512|EdDSA|HS256|HS384|HS512"

static const struct field jwt_fields[] = {
	FIELD(struct mwc_jwt, issuers, .name = "issuers",
	      .doc = "Issuers (iss) that are accepted; any when none is named."),
	FIELD(struct mwc_jwt, audiences, .name = "audiences",
	      .doc = "Audiences (aud), one of which a token must be for; any when none is named."),
	FIELD(struct mwc_jwt, jwks_url, .name = "jwksURL", .format = "url",
	      .doc = "URL of a JSON Web Key Set; it is fetched, kept and refreshed."),
	FIELD_SUB(struct mwc_jwt, tls, &schema_forward_auth_tls, .name = "tls",
		  .doc = "TLS towards jwksURL."),
	FIELD(struct mwc_jwt, jwks_refresh, .name = "jwksRefresh", .preset = "15m",
	      .min = 1000000000, .max = INT64_MAX, .doc = "How long fetched keys are used."),
	FIELD(struct mwc_jwt, jwks_secret, .name = "jwksSecret", .format = "name",
	      .doc = "Secret with a JSON Web Key Set in its only key."),
	FIELD(struct mwc_jwt, public_key_secret, .name = "publicKeySecret", .format = "name",
	      .doc = "Secret with public keys or certificates in PEM; each key's name is a kid, "
		     "unless there is only one."),
	FIELD(struct mwc_jwt, signing_secret, .name = "signingSecret", .format = "name",
	      .doc = "Secret with the shared secret of HS algorithms in its only key, at least 32 "
		     "bytes."),
	FIELD(struct mwc_jwt, algorithms, .name = "algorithms", .choices = ALGORITHMS,
	      .doc = "Algorithms that are accepted; those that fit the keys when none is named. "
		     "A key is never used with an algorithm of another kind."),
	FIELD(struct mwc_jwt, leeway, .name = "leeway", .preset = "60s", .min = 0,
	      .max = 3600000000000, .doc = "How far clocks may be apart."),
	FIELD(struct mwc_jwt, allow_without_expiry, .name = "allowWithoutExpiry",
	      .doc = "Accepts tokens without exp."),
	FIELD_SUB(struct mwc_jwt, source, &schema_source, .name = "source",
		  .doc = "Where the token is looked for; Authorization: Bearer without it."),
	FIELD(struct mwc_jwt, remove_token, .name = "removeToken",
	      .doc = "Removes the token before the request goes on."),
	FIELD(struct mwc_jwt, forward_headers, .name = "forwardHeaders",
	      .doc = "Headers that the request gets, each from a claim: {X-User: sub}. Those of "
		     "the client go, in every spelling."),
	FIELD(struct mwc_jwt, required_claims, .name = "requiredClaims",
	      .sub = &schema_required_claim,
	      .doc = "What claims must be; else the request is refused with 403."),
	FIELD(struct mwc_jwt, user_claim, .name = "userClaim", .preset = "sub",
	      .doc = "Claim that names the user, for the access log and headerField."),
	FIELD(struct mwc_jwt, header_field, .name = "headerField", .format = "token",
	      .doc = "Header that gets the user's name."),
	FIELD(struct mwc_jwt, realm, .name = "realm", .preset = "tidegate", .format = "value",
	      .doc = "Realm in WWW-Authenticate."),
};

static void jwt_check(const void *decoded, struct diag_sink *sink, const struct diag_path *path)
{
	const struct mwc_jwt *jwt = decoded;

	if (!jwt->jwks_url.len && !jwt->jwks_secret.len && !jwt->public_key_secret.len &&
	    !jwt->signing_secret.len)
		diag_expected(sink, diag_error(sink, path, "there is no key to check tokens with"),
			      "jwksURL, jwksSecret, publicKeySecret or signingSecret");
}

const struct schema schema_mw_jwt = {
	.name = "jwt",
	.doc = "Lets only requests with a valid JSON Web Token pass.",
	.size = sizeof(struct mwc_jwt),
	SCHEMA_FIELDS(jwt_fields),
	.check = jwt_check,
};

static const struct field api_key_fields[] = {
	FIELD(struct mwc_api_key, secret, .name = "secret", .required = true, .min = 1, .max = 253,
	      .format = "name",
	      .doc = "Secret with the keys: each of its keys is a user, its value that user's "
		     "key, or sha256: and the key's hash in hexadecimal."),
	FIELD_SUB(struct mwc_api_key, source, &schema_source, .name = "source",
		  .doc = "Where the key is looked for; the header X-Api-Key without it."),
	FIELD(struct mwc_api_key, remove_key, .name = "removeKey",
	      .doc = "Removes the key before the request goes on."),
	FIELD(struct mwc_api_key, header_field, .name = "headerField", .format = "token",
	      .doc = "Header that gets the user's name."),
	FIELD(struct mwc_api_key, realm, .name = "realm", .preset = "tidegate", .format = "value",
	      .doc = "Realm in WWW-Authenticate."),
};

const struct schema schema_mw_api_key = {
	.name = "apiKey",
	.doc = "Lets only requests with a known key pass.",
	.size = sizeof(struct mwc_api_key),
	SCHEMA_FIELDS(api_key_fields),
};
