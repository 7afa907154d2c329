// SPDX-License-Identifier: Apache-2.0
/* jwt_key_test: RFC 7517, RFC 7518 3, RFC 8037, RFC 8725 2.1, 3.1. */

#include "jwt_lab.h"

#include "mw/jwt_key.h"

enum { RSA_KEY, P256, P384, P521, ED, N_KEYS };
static EVP_PKEY *pkeys[N_KEYS], *small_rsa, *other_rsa;

static const struct {
	const char *algorithm;
	int key; /* -1: the secret */
} algorithms[] = {
	{"RS256", RSA_KEY}, {"RS384", RSA_KEY}, {"RS512", RSA_KEY}, {"PS256", RSA_KEY},
	{"PS384", RSA_KEY}, {"PS512", RSA_KEY}, {"ES256", P256},    {"ES384", P384},
	{"ES512", P521},    {"EdDSA", ED},	{"HS256", -1},	    {"HS384", -1},
	{"HS512", -1},
};

static struct jwt_keys *all_keys(struct lab *lab)
{
	struct jwt_keys *keys = jwt_keys_new();
	const char *list = "{\"kty\":\"unknown\"}";

	for (int i = 0; i < N_KEYS; i++)
		list = arena_printf(&lab->arena, "%s,%s", list,
				    jwt_lab_jwk(lab, pkeys[i], ",\"use\":\"sig\""))
			       .at;
	assert_int_equal(jwt_keys_add_jwks(keys, jwt_lab_jwks(lab, list), false), N_KEYS);
	assert_int_equal(keys->n_skipped, 1);
	assert_int_equal(jwt_keys_add_secret(keys, STR(JWT_LAB_SECRET)), 1);
	return keys;
}

static bool verify(struct lab *lab, const struct jwt_keys *keys, struct str text)
{
	struct jwt_token token;
	const char *reason;

	assert_int_equal(jwt_token_parse(text, &lab->arena, &token, &reason), 0);
	bool ok = jwt_keys_have(keys, token.algorithm, token.kid) &&
		  jwt_keys_verify(keys, token.algorithm, token.kid, token.signed_part,
				  token.signature);

	jwt_token_done(&token);
	return ok;
}

static void every_algorithm_verifies_what_it_signed_and_nothing_else(void **state)
{
	struct lab lab;

	(void)state;
	lab_init(&lab);
	struct jwt_keys *keys = all_keys(&lab);

	for (size_t i = 0; i < sizeof(algorithms) / sizeof(*algorithms); i++) {
		EVP_PKEY *key = algorithms[i].key < 0 ? NULL : pkeys[algorithms[i].key];
		struct str token = jwt_lab_token(&lab, algorithms[i].algorithm, key,
						 STR(JWT_LAB_SECRET), NULL, "{\"sub\":\"ann\"}");
		struct str changed = arena_str(&lab.arena, token), header;
		struct str rest = token;

		print_message("  %s\n", algorithms[i].algorithm);
		assert_true(verify(&lab, keys, token));
		/* Other claims under the same signature. */
		str_next(&rest, '.', &header);
		((char *)(uintptr_t)changed.at)[header.len + 3] ^= 1;
		struct jwt_token parsed;
		const char *reason;

		if (jwt_token_parse(changed, &lab.arena, &parsed, &reason) == 0) {
			assert_false(jwt_keys_verify(keys, parsed.algorithm, parsed.kid,
						     parsed.signed_part, parsed.signature));
			jwt_token_done(&parsed);
		}
		/* A signature that is cut, or longer. */
		assert_int_equal(jwt_token_parse(token, &lab.arena, &parsed, &reason), 0);
		assert_false(jwt_keys_verify(keys, parsed.algorithm, parsed.kid, parsed.signed_part,
					     str_take(parsed.signature, parsed.signature.len - 1)));
		assert_false(jwt_keys_verify(keys, parsed.algorithm, parsed.kid, parsed.signed_part,
					     (struct str){0}));
		jwt_token_done(&parsed);
	}
	/* ECDSA signatures of zeros (CVE-2022-21449). */
	assert_false(jwt_keys_verify(keys, JWT_ES256, (struct str){0}, STR("a.b"),
				     str_n((const char[64]){0}, 64)));
	jwt_keys_put(keys);
	lab_done(&lab);
}

static void a_public_key_is_no_shared_secret(void **state)
{
	struct jwt_keys *keys = jwt_keys_new();
	struct lab lab;
	struct str pem, token;

	(void)state;
	lab_init(&lab);
	pem = jwt_lab_pem(&lab, pkeys[RSA_KEY]);
	assert_int_equal(jwt_keys_add_pem(keys, pem, (struct str){0}), 1);
	token = jwt_lab_token(&lab, "HS256", NULL, pem, NULL, "{}");
	assert_false(verify(&lab, keys, token));
	assert_true(
		verify(&lab, keys,
		       jwt_lab_token(&lab, "RS256", pkeys[RSA_KEY], (struct str){0}, NULL, "{}")));
	assert_false(verify(&lab, keys,
			    jwt_lab_token(&lab, "RS256", other_rsa, (struct str){0}, NULL, "{}")));
	assert_false(jwt_keys_have(keys, JWT_ES256, (struct str){0}));
	jwt_keys_put(keys);
	lab_done(&lab);
}

static void a_key_id_chooses_the_key(void **state)
{
	struct jwt_keys *keys = jwt_keys_new();
	struct lab lab;

	(void)state;
	lab_init(&lab);
	assert_int_equal(jwt_keys_add_jwks(keys,
					   jwt_lab_jwks(&lab, jwt_lab_jwk(&lab, pkeys[RSA_KEY],
									  ",\"kid\":\"a\",\"alg\":"
									  "\"RS256\"")),
					   false),
			 1);
	assert_true(jwt_keys_have(keys, JWT_RS256, STR("a")));
	assert_true(jwt_keys_have(keys, JWT_RS256, (struct str){0}));
	assert_false(jwt_keys_have(keys, JWT_RS256, STR("b")));
	/* "alg" in the key pins it. */
	assert_false(jwt_keys_have(keys, JWT_PS256, STR("a")));
	jwt_keys_put(keys);
	lab_done(&lab);
}

static void keys_that_are_of_no_use_are_left_out(void **state)
{
	struct jwt_keys *keys = jwt_keys_new();
	struct lab lab;

	(void)state;
	lab_init(&lab);
	const char *jwks[] = {
		jwt_lab_jwk(&lab, small_rsa, ""),
		jwt_lab_jwk(&lab, pkeys[RSA_KEY], ",\"use\":\"enc\""),
		jwt_lab_jwk(&lab, pkeys[RSA_KEY], ",\"key_ops\":[\"encrypt\"]"),
		jwt_lab_jwk(&lab, pkeys[P256], ",\"alg\":\"none\""),
		jwt_lab_jwk(&lab, pkeys[P256], ",\"alg\":\"HS256\""),
		"{\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"AA\",\"y\":\"AA\"}",
		"{\"kty\":\"EC\",\"crv\":\"secp256k1\",\"x\":\"AA\",\"y\":\"AA\"}",
		"{\"kty\":\"OKP\",\"crv\":\"X25519\",\"x\":\"AA\"}",
		"{\"kty\":\"RSA\",\"n\":\"AQAB\",\"e\":\"AQAB\"}",
		"{\"kty\":\"oct\",\"k\":\"" JWT_LAB_SECRET "\"}",
		"{}",
		"5",
	};

	for (size_t i = 0; i < sizeof(jwks) / sizeof(*jwks); i++)
		assert_int_equal(jwt_keys_add_jwks(keys, jwt_lab_jwks(&lab, jwks[i]), false), 0);
	assert_int_equal(keys->n, 0);
	/* A shared secret counts where the set is secret, and is long enough. */
	assert_int_equal(jwt_keys_add_jwks(keys, jwt_lab_jwks(&lab, jwks[9]), true), 1);
	assert_int_equal(jwt_keys_add_jwks(keys,
					   jwt_lab_jwks(&lab, "{\"kty\":\"oct\",\"k\":\"AAAA\"}"),
					   true),
			 0);
	assert_int_equal(jwt_keys_add_jwks(keys, STR("{\"keys\":{}}"), false), -EINVAL);
	assert_int_equal(jwt_keys_add_jwks(keys, STR("no JSON"), false), -EINVAL);
	assert_int_equal(jwt_keys_add_jwks(keys, STR("[]"), false), -EINVAL);
	assert_int_equal(jwt_keys_add_pem(keys, STR("no PEM"), (struct str){0}), -EINVAL);
	assert_int_equal(jwt_keys_add_pem(keys, jwt_lab_pem(&lab, small_rsa), (struct str){0}),
			 -EINVAL);
	assert_int_equal(jwt_keys_add_secret(keys, STR("short")), -EINVAL);
	jwt_keys_put(keys);
	jwt_keys_put(NULL);
	lab_done(&lab);
}

static void short_secrets_serve_short_hashes_only(void **state)
{
	struct jwt_keys *keys = jwt_keys_new();

	(void)state;
	assert_int_equal(jwt_keys_add_secret(keys, str_take(STR(JWT_LAB_SECRET), 32)), 1);
	assert_true(jwt_keys_have(keys, JWT_HS256, (struct str){0}));
	assert_false(jwt_keys_have(keys, JWT_HS384, (struct str){0}));
	jwt_keys_put(keys);
}

static int make_keys(void **state)
{
	(void)state;
	pkeys[RSA_KEY] = EVP_RSA_gen(2048);
	pkeys[P256] = EVP_EC_gen("P-256");
	pkeys[P384] = EVP_EC_gen("P-384");
	pkeys[P521] = EVP_EC_gen("P-521");
	pkeys[ED] = EVP_PKEY_Q_keygen(NULL, NULL, "ED25519");
	small_rsa = EVP_RSA_gen(1024);
	other_rsa = EVP_RSA_gen(2048);
	return 0;
}

static int free_keys(void **state)
{
	(void)state;
	for (int i = 0; i < N_KEYS; i++)
		EVP_PKEY_free(pkeys[i]);
	EVP_PKEY_free(small_rsa);
	EVP_PKEY_free(other_rsa);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_algorithm_verifies_what_it_signed_and_nothing_else),
		cmocka_unit_test(a_public_key_is_no_shared_secret),
		cmocka_unit_test(a_key_id_chooses_the_key),
		cmocka_unit_test(keys_that_are_of_no_use_are_left_out),
		cmocka_unit_test(short_secrets_serve_short_hashes_only),
	};

	return cmocka_run_group_tests(tests, make_keys, free_keys);
}
