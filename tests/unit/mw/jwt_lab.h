/* SPDX-License-Identifier: Apache-2.0 */
#ifndef JWT_LAB_H
#define JWT_LAB_H

/* jwt_lab: keys, sets of them, and signed tokens. */

#include "fetch_lab.h"

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>

#include "base/codec.h"
#include "mw/jwt_token.h"

#define JWT_LAB_SECRET "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

/* base64url without padding. */
LAB struct str jwt_lab_encode(struct lab *lab, struct str bytes)
{
	struct str text = codec_base64_encode(bytes, &lab->arena);

	while (str_ends(text, STR("=")))
		text.len--;
	for (size_t i = 0; i < text.len; i++) {
		char *c = (char *)(uintptr_t)&text.at[i];

		*c = *c == '+' ? '-' : *c == '/' ? '_' : *c;
	}
	return text;
}

LAB const EVP_MD *jwt_lab_md(struct str algorithm)
{
	return str_ends(algorithm, STR("256"))	 ? EVP_sha256()
	       : str_ends(algorithm, STR("384")) ? EVP_sha384()
	       : str_ends(algorithm, STR("512")) ? EVP_sha512()
						 : NULL;
}

LAB struct str jwt_lab_number(struct lab *lab, const EVP_PKEY *key, const char *name, int bytes)
{
	unsigned char out[1100];
	BIGNUM *number = NULL;

	assert_int_equal(EVP_PKEY_get_bn_param(key, name, &number), 1);
	if (!bytes)
		bytes = BN_num_bytes(number);
	BN_bn2binpad(number, out, bytes);
	BN_free(number);
	return jwt_lab_encode(lab, str_n((char *)out, (size_t)bytes));
}

/* A JWK without braces: "kty":...; more is put at the end. */
LAB const char *jwt_lab_jwk(struct lab *lab, const EVP_PKEY *key, const char *more)
{
	unsigned char raw[32];
	size_t n = sizeof(raw);

	if (EVP_PKEY_is_a(key, "RSA"))
		return arena_printf(&lab->arena,
				    "{\"kty\":\"RSA\",\"n\":\"" STR_FMT "\",\"e\":\"" STR_FMT
				    "\"%s}",
				    STR_ARG(jwt_lab_number(lab, key, "n", 0)),
				    STR_ARG(jwt_lab_number(lab, key, "e", 0)), more)
			.at;
	if (EVP_PKEY_is_a(key, "ED25519")) {
		EVP_PKEY_get_raw_public_key(key, raw, &n);
		return arena_printf(&lab->arena,
				    "{\"kty\":\"OKP\",\"crv\":\"Ed25519\",\"x\":\"" STR_FMT "\"%s}",
				    STR_ARG(jwt_lab_encode(lab, str_n((char *)raw, n))), more)
			.at;
	}
	int bytes = (EVP_PKEY_get_bits(key) + 7) / 8;

	return arena_printf(&lab->arena,
			    "{\"kty\":\"EC\",\"crv\":\"%s\",\"x\":\"" STR_FMT "\",\"y\":\"" STR_FMT
			    "\"%s}",
			    bytes == 32	  ? "P-256"
			    : bytes == 48 ? "P-384"
					  : "P-521",
			    STR_ARG(jwt_lab_number(lab, key, OSSL_PKEY_PARAM_EC_PUB_X, bytes)),
			    STR_ARG(jwt_lab_number(lab, key, OSSL_PKEY_PARAM_EC_PUB_Y, bytes)),
			    more)
		.at;
}

LAB struct str jwt_lab_jwks(struct lab *lab, const char *jwk)
{
	return arena_printf(&lab->arena, "{\"keys\":[%s]}", jwk);
}

LAB struct str jwt_lab_pem(struct lab *lab, EVP_PKEY *key)
{
	BIO *bio = BIO_new(BIO_s_mem());
	char *data;

	PEM_write_bio_PUBKEY(bio, key);
	long n = BIO_get_mem_data(bio, &data);
	struct str pem = arena_str(&lab->arena, str_n(data, (size_t)n));

	BIO_free(bio);
	return pem;
}

LAB struct str jwt_lab_sign_public(struct lab *lab, struct str algorithm, EVP_PKEY *key,
				   struct str text)
{
	EVP_MD_CTX *md = EVP_MD_CTX_new();
	unsigned char out[1100], pair[132];
	EVP_PKEY_CTX *ctx;
	size_t n = sizeof(out);

	assert_int_equal(EVP_DigestSignInit(md, &ctx, jwt_lab_md(algorithm), NULL, key), 1);
	if (str_starts(algorithm, STR("PS"))) {
		EVP_PKEY_CTX_set_rsa_padding(ctx, RSA_PKCS1_PSS_PADDING);
		EVP_PKEY_CTX_set_rsa_pss_saltlen(ctx, RSA_PSS_SALTLEN_DIGEST);
	}
	assert_int_equal(EVP_DigestSign(md, out, &n, (const unsigned char *)text.at, text.len), 1);
	EVP_MD_CTX_free(md);
	if (str_starts(algorithm, STR("ES"))) {
		const unsigned char *at = out;
		ECDSA_SIG *sig = d2i_ECDSA_SIG(NULL, &at, (long)n);
		int bytes = (EVP_PKEY_get_bits(key) + 7) / 8;

		BN_bn2binpad(ECDSA_SIG_get0_r(sig), pair, bytes);
		BN_bn2binpad(ECDSA_SIG_get0_s(sig), pair + bytes, bytes);
		ECDSA_SIG_free(sig);
		return arena_str(&lab->arena, str_n((char *)pair, 2 * (size_t)bytes));
	}
	return arena_str(&lab->arena, str_n((char *)out, n));
}

/* A token; key NULL: signed with the secret. header: JSON; NULL: {"alg":...}. */
LAB struct str jwt_lab_token(struct lab *lab, const char *algorithm, EVP_PKEY *key,
			     struct str secret, const char *header, const char *claims)
{
	unsigned char mac[EVP_MAX_MD_SIZE];
	struct str text, signature;
	unsigned int n = 0;

	if (!header)
		header =
			arena_printf(&lab->arena, "{\"alg\":\"%s\",\"typ\":\"JWT\"}", algorithm).at;
	text = arena_printf(&lab->arena, STR_FMT "." STR_FMT,
			    STR_ARG(jwt_lab_encode(lab, str_of(header))),
			    STR_ARG(jwt_lab_encode(lab, str_of(claims))));
	if (key) {
		signature = jwt_lab_sign_public(lab, str_of(algorithm), key, text);
	} else {
		HMAC(jwt_lab_md(str_of(algorithm)), secret.at, (int)secret.len,
		     (const unsigned char *)text.at, text.len, mac, &n);
		signature = str_n((char *)mac, n);
	}
	return arena_printf(&lab->arena, STR_FMT "." STR_FMT, STR_ARG(text),
			    STR_ARG(jwt_lab_encode(lab, signature)));
}

#endif
