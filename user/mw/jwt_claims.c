// SPDX-License-Identifier: Apache-2.0
/* jwt_claims: see the header. */

#include "mw/jwt_claims.h"

#include "base/clock.h"
#include "http/header.h"

enum { NAME_MAX_BYTES = 256, TEXT_MAX_BYTES = 4096 };

static const json_t *member(const json_t *object, struct str name)
{
	char text[NAME_MAX_BYTES + 1];

	if (name.len > NAME_MAX_BYTES || memchr(name.at, 0, name.len))
		return NULL;
	memcpy(text, name.at, name.len);
	text[name.len] = 0;
	return json_object_get(object, text);
}

const json_t *jwt_claims_find(const json_t *claims, struct str name)
{
	/* Names of claims are often URLs: with dots, but no paths. */
	const json_t *value = name.len ? member(claims, name) : NULL;
	struct str rest = name, piece;

	if (value || str_find(name, '.') < 0)
		return value;
	for (value = claims; value && str_next(&rest, '.', &piece);)
		value = piece.len ? member(value, piece) : NULL;
	return value;
}

static struct str scalar_text(const json_t *value, struct arena *arena)
{
	char *dump;
	struct str text;

	if (json_is_string(value))
		return str_n(json_string_value(value), json_string_length(value));
	if (!json_is_number(value) && !json_is_boolean(value))
		return (struct str){0};
	dump = json_dumps(value, JSON_ENCODE_ANY);
	text = arena_str(arena, str_of(dump));
	free(dump);
	return text;
}

struct str jwt_claims_text(const json_t *claims, struct str name, struct arena *arena)
{
	const json_t *value = jwt_claims_find(claims, name);
	struct str text = {"", 0};
	json_t *element;
	size_t i;

	if (!json_is_array(value)) {
		text = value ? arena_str(arena, scalar_text(value, arena)) : (struct str){0};
	} else {
		json_array_foreach((json_t *)(uintptr_t)value, i, element)
		{
			if (i)
				text = arena_join(arena, text, STR(","));
			text = arena_join(arena, text, scalar_text(element, arena));
			if (text.len > TEXT_MAX_BYTES)
				return (struct str){0};
		}
	}
	return text.len && text.len <= TEXT_MAX_BYTES && header_value_valid(text) ? text
										  : (struct str){0};
}

static bool is_text(const json_t *value, struct str text)
{
	return json_is_string(value) &&
	       str_eq(str_n(json_string_value(value), json_string_length(value)), text);
}

static bool is_among(const json_t *value, const struct strs *texts)
{
	for (size_t i = 0; i < texts->n; i++)
		if (is_text(value, texts->at[i]))
			return true;
	return false;
}

static bool is_for(const json_t *audience, const struct strs *audiences)
{
	json_t *element;
	size_t i;

	if (!json_is_array(audience))
		return is_among(audience, audiences);
	json_array_foreach((json_t *)(uintptr_t)audience, i,
			   element) if (is_among(element, audiences)) return true;
	return false;
}

/* Whether value, a NumericDate, lies at least so far ahead of (or behind, negative) now. */
static const char *time_fault(const json_t *claims, const struct mwc_jwt *conf, uint64_t wall_ns)
{
	const json_t *exp = json_object_get(claims, "exp"), *nbf = json_object_get(claims, "nbf");
	const json_t *iat = json_object_get(claims, "iat");
	double now = (double)wall_ns / (double)NS_PER_SEC;
	double leeway = (double)conf->leeway.ns / (double)NS_PER_SEC;

	if ((exp && !json_is_number(exp)) || (nbf && !json_is_number(nbf)) ||
	    (iat && !json_is_number(iat)))
		return "a time is not a number";
	if (!exp && !conf->allow_without_expiry)
		return "the token has no expiry";
	/* Written so that what is not comparable is a fault. */
	if (exp && !(now < json_number_value(exp) + leeway))
		return "the token has expired";
	if (nbf && !(now + leeway >= json_number_value(nbf)))
		return "the token is not valid yet";
	if (iat && !(now + leeway >= json_number_value(iat)))
		return "the token comes from the future";
	return NULL;
}

const char *jwt_claims_fault(const json_t *claims, const struct mwc_jwt *conf, uint64_t wall_ns)
{
	if (conf->issuers.n && !is_among(json_object_get(claims, "iss"), &conf->issuers))
		return "the issuer is another one";
	if (conf->audiences.n && !is_for(json_object_get(claims, "aud"), &conf->audiences))
		return "the token is for somebody else";
	return time_fault(claims, conf, wall_ns);
}

/* Of a text like scope: "read write". */
static bool has_word(const json_t *value, struct str word)
{
	struct str rest, piece;

	if (!json_is_string(value))
		return false;
	rest = str_n(json_string_value(value), json_string_length(value));
	while (str_next(&rest, ' ', &piece))
		if (str_eq(piece, word))
			return true;
	return false;
}

static bool is_scalar_text(const json_t *value, struct str text)
{
	char *dump;
	bool equal;

	if (json_is_string(value))
		return is_text(value, text);
	if (!json_is_number(value) && !json_is_boolean(value))
		return false;
	dump = json_dumps(value, JSON_ENCODE_ANY);
	equal = str_eq(str_of(dump), text);
	free(dump);
	return equal;
}

static bool meets(const json_t *value, const struct required_claim *required)
{
	json_t *element;
	size_t i;

	if (required->equals.at)
		return is_scalar_text(value, required->equals);
	if (required->contains.at && !json_is_array(value))
		return has_word(value, required->contains);
	if (!json_is_array(value)) {
		for (i = 0; i < required->one_of.n; i++)
			if (is_scalar_text(value, required->one_of.at[i]))
				return true;
		return false;
	}
	json_array_foreach((json_t *)(uintptr_t)value, i, element)
	{
		if (required->contains.at && is_scalar_text(element, required->contains))
			return true;
		for (size_t j = 0; j < required->one_of.n; j++)
			if (is_scalar_text(element, required->one_of.at[j]))
				return true;
	}
	return false;
}

bool jwt_claims_suffice(const json_t *claims, const struct list_of *required,
			struct str *ret_missing)
{
	for (size_t i = 0; i < required->n; i++) {
		const struct required_claim *claim =
			LIST_AT(*required, const struct required_claim, i);
		const json_t *value = jwt_claims_find(claims, claim->claim);

		if (!value || !meets(value, claim)) {
			*ret_missing = claim->claim;
			return false;
		}
	}
	return true;
}
