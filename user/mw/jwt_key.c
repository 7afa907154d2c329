// SPDX-License-Identifier: Apache-2.0
/* jwt_key: see the header. */

#include "mw/jwt_key.h"

#include <errno.h>
#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/param_build.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <stdlib.h>

#include "base/codec.h"

enum {
	RSA_MIN_BITS = 2048, /* RFC 7518 3.3 */
	RSA_MAX_BITS = 8192, /* more would cost whoever verifies too much */
	FIELD_MAX_BYTES = 1100,
	TRIED_MAX = 8,
	JWKS_ARENA_BYTES = 1 << 21,
};

#define BIT(algorithm) (1U << (algorithm))
#define RSA_ALL                                                                               \
	(BIT(JWT_RS256) | BIT(JWT_RS384) | BIT(JWT_RS512) | BIT(JWT_PS256) | BIT(JWT_PS384) | \
	 BIT(JWT_PS512))

struct jwt_keys *jwt_keys_new(void)
{
	struct jwt_keys *keys = calloc(1, sizeof(*keys));

	if (keys)
		ref_init(&keys->ref);
	return keys;
}

static void key_done(struct jwt_key *key)
{
	EVP_PKEY_free(key->pkey);
	if (key->secret.at) {
		OPENSSL_cleanse((void *)(uintptr_t)key->secret.at, key->secret.len);
		free((void *)(uintptr_t)key->secret.at);
	}
	free((void *)(uintptr_t)key->kid.at);
}

void jwt_keys_put(struct jwt_keys *keys)
{
	if (!keys || !ref_put(&keys->ref))
		return;
	for (size_t i = 0; i < keys->n; i++)
		key_done(&keys->at[i]);
	free(keys);
}

static bool copy(struct str text, struct str *ret_copy)
{
	char *bytes = malloc(text.len + 1);

	if (!bytes)
		return false;
	if (text.len)
		memcpy(bytes, text.at, text.len);
	*ret_copy = str_n(bytes, text.len);
	return true;
}

/* The algorithms that a public key may serve; 0: none. */
static uint16_t algorithms_of(const EVP_PKEY *pkey)
{
	char group[32];

	if (EVP_PKEY_is_a(pkey, "RSA"))
		return EVP_PKEY_get_bits(pkey) >= RSA_MIN_BITS &&
				       EVP_PKEY_get_bits(pkey) <= RSA_MAX_BITS
			       ? RSA_ALL
			       : 0;
	if (EVP_PKEY_is_a(pkey, "ED25519"))
		return BIT(JWT_EDDSA);
	if (!EVP_PKEY_is_a(pkey, "EC") ||
	    EVP_PKEY_get_group_name(pkey, group, sizeof(group), NULL) != 1)
		return 0;
	switch (OBJ_txt2nid(group)) {
	case NID_X9_62_prime256v1:
		return BIT(JWT_ES256);
	case NID_secp384r1:
		return BIT(JWT_ES384);
	case NID_secp521r1:
		return BIT(JWT_ES512);
	default:
		return 0;
	}
}

/* Takes pkey over. 1, 0 when it is not for us, -ENOMEM. */
static int add_pkey(struct jwt_keys *keys, EVP_PKEY *pkey, struct str kid, uint16_t mask)
{
	struct jwt_key key = {.pkey = pkey, .algorithms = pkey ? algorithms_of(pkey) & mask : 0};

	if (!key.algorithms || keys->n == JWT_KEYS_MAX) {
		keys->n_skipped++;
		EVP_PKEY_free(pkey);
		return 0;
	}
	if (kid.at && !copy(kid, &key.kid)) {
		EVP_PKEY_free(pkey);
		return -ENOMEM;
	}
	keys->at[keys->n++] = key;
	return 1;
}

/* -------------------------------------------------------------------- JWKS -- */

static struct str text_of(const json_t *json, const char *name)
{
	const json_t *value = json_object_get(json, name);

	return value ? str_n(json_string_value(value), json_string_length(value)) : (struct str){0};
}

static bool bytes_of(const json_t *jwk, const char *name, struct arena *arena, struct str *ret)
{
	struct str text = text_of(jwk, name);

	return text.len > 0 && jwt_base64url_decode(text, arena, ret) == 0 && ret->len > 0 &&
	       ret->len <= FIELD_MAX_BYTES;
}

static EVP_PKEY *pkey_from(const char *type, OSSL_PARAM_BLD *build)
{
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(NULL, type, NULL);
	OSSL_PARAM *params = OSSL_PARAM_BLD_to_param(build);
	EVP_PKEY *pkey = NULL;

	if (ctx && params && EVP_PKEY_fromdata_init(ctx) == 1)
		EVP_PKEY_fromdata(ctx, &pkey, EVP_PKEY_PUBLIC_KEY, params);
	OSSL_PARAM_free(params);
	EVP_PKEY_CTX_free(ctx);
	return pkey;
}

static EVP_PKEY *rsa_from(const json_t *jwk, struct arena *arena)
{
	OSSL_PARAM_BLD *build = OSSL_PARAM_BLD_new();
	struct str n_bytes, e_bytes;
	BIGNUM *n = NULL, *e = NULL;
	EVP_PKEY *pkey = NULL;

	if (build && bytes_of(jwk, "n", arena, &n_bytes) && bytes_of(jwk, "e", arena, &e_bytes) &&
	    e_bytes.len <= sizeof(uint64_t)) {
		n = BN_bin2bn((const unsigned char *)n_bytes.at, (int)n_bytes.len, NULL);
		e = BN_bin2bn((const unsigned char *)e_bytes.at, (int)e_bytes.len, NULL);
		if (n && e && BN_is_odd(e) && !BN_is_one(e) &&
		    OSSL_PARAM_BLD_push_BN(build, OSSL_PKEY_PARAM_RSA_N, n) == 1 &&
		    OSSL_PARAM_BLD_push_BN(build, OSSL_PKEY_PARAM_RSA_E, e) == 1)
			pkey = pkey_from("RSA", build);
	}
	BN_free(n);
	BN_free(e);
	OSSL_PARAM_BLD_free(build);
	return pkey;
}

static EVP_PKEY *ec_from(const json_t *jwk, struct arena *arena)
{
	static const struct {
		struct str crv;
		const char *group;
		size_t bytes;
	} curves[] = {
		{STR("P-256"), "prime256v1", 32},
		{STR("P-384"), "secp384r1", 48},
		{STR("P-521"), "secp521r1", 66},
	};
	struct str crv = text_of(jwk, "crv"), x, y;
	unsigned char point[1 + 2 * 66];
	OSSL_PARAM_BLD *build;
	EVP_PKEY *pkey = NULL;
	size_t i = 0;

	while (i < 3 && !str_eq(curves[i].crv, crv))
		i++;
	/* RFC 7518 6.2.1.2: coordinates have the full length of the field. */
	if (i == 3 || !bytes_of(jwk, "x", arena, &x) || !bytes_of(jwk, "y", arena, &y) ||
	    x.len != curves[i].bytes || y.len != curves[i].bytes)
		return NULL;
	point[0] = POINT_CONVERSION_UNCOMPRESSED;
	memcpy(point + 1, x.at, x.len);
	memcpy(point + 1 + x.len, y.at, y.len);
	build = OSSL_PARAM_BLD_new();
	if (build &&
	    OSSL_PARAM_BLD_push_utf8_string(build, OSSL_PKEY_PARAM_GROUP_NAME, curves[i].group,
					    0) == 1 &&
	    OSSL_PARAM_BLD_push_octet_string(build, OSSL_PKEY_PARAM_PUB_KEY, point,
					     1 + 2 * x.len) == 1)
		pkey = pkey_from("EC", build);
	OSSL_PARAM_BLD_free(build);
	return pkey;
}

static EVP_PKEY *okp_from(const json_t *jwk, struct arena *arena)
{
	struct str x;

	if (!str_eq(text_of(jwk, "crv"), STR("Ed25519")) || !bytes_of(jwk, "x", arena, &x) ||
	    x.len != 32)
		return NULL;
	return EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, NULL, (const unsigned char *)x.at,
					   x.len);
}

static bool may_verify(const json_t *jwk)
{
	const json_t *operations = json_object_get(jwk, "key_ops"), *use;
	size_t i;
	json_t *operation;

	use = json_object_get(jwk, "use");
	if (use && !str_eq(text_of(jwk, "use"), STR("sig")))
		return false;
	if (!operations)
		return true;
	json_array_foreach((json_t *)(uintptr_t)operations, i,
			   operation) if (json_is_string(operation) &&
					  strcmp(json_string_value(operation), "verify") ==
						  0) return true;
	return false;
}

static int add_shared(struct jwt_keys *keys, struct str secret, struct str kid, uint16_t mask)
{
	struct jwt_key key = {0};

	/* RFC 7518 3.2: a key is at least as long as the hash. */
	key.algorithms = secret.len >= 64   ? BIT(JWT_HS256) | BIT(JWT_HS384) | BIT(JWT_HS512)
			 : secret.len >= 48 ? BIT(JWT_HS256) | BIT(JWT_HS384)
			 : secret.len >= JWT_SECRET_MIN_BYTES ? BIT(JWT_HS256)
							      : 0;
	key.algorithms &= mask;
	if (!key.algorithms || keys->n == JWT_KEYS_MAX) {
		keys->n_skipped++;
		return 0;
	}
	if (!copy(secret, &key.secret) || (kid.at && !copy(kid, &key.kid))) {
		key_done(&key);
		return -ENOMEM;
	}
	keys->at[keys->n++] = key;
	return 1;
}

static int add_jwk(struct jwt_keys *keys, const json_t *jwk, bool with_shared, struct arena *arena)
{
	struct str kty = text_of(jwk, "kty"), kid = text_of(jwk, "kid"), secret;
	uint16_t mask = UINT16_MAX;

	if (json_object_get(jwk, "alg")) {
		enum jwt_algorithm algorithm = jwt_algorithm_of(text_of(jwk, "alg"));

		mask = algorithm < JWT__COUNT ? (uint16_t)BIT(algorithm) : 0;
	}
	if (!may_verify(jwk))
		mask = 0;
	if (str_eq(kty, STR("RSA")))
		return add_pkey(keys, rsa_from(jwk, arena), kid, mask);
	if (str_eq(kty, STR("EC")))
		return add_pkey(keys, ec_from(jwk, arena), kid, mask);
	if (str_eq(kty, STR("OKP")))
		return add_pkey(keys, okp_from(jwk, arena), kid, mask);
	if (with_shared && str_eq(kty, STR("oct")) && bytes_of(jwk, "k", arena, &secret))
		return add_shared(keys, secret, kid, mask);
	keys->n_skipped++;
	return 0;
}

int jwt_keys_add_jwks(struct jwt_keys *keys, struct str json, bool with_shared)
{
	json_error_t error;
	json_t *set = json_loadb(json.at, json.len, JSON_REJECT_DUPLICATES, &error), *jwk;
	const json_t *list = json_object_get(set, "keys");
	struct arena arena;
	int result = json_is_array(list) ? 0 : -EINVAL;
	size_t i;

	arena_init(&arena, JWKS_ARENA_BYTES, 0);
	json_array_foreach((json_t *)(uintptr_t)list, i, jwk)
	{
		int added = add_jwk(keys, jwk, with_shared, &arena);

		if (added < 0) {
			result = added;
			break;
		}
		result += added;
	}
	ERR_clear_error();
	arena_done(&arena);
	json_decref(set);
	return result;
}

int jwt_keys_add_pem(struct jwt_keys *keys, struct str pem, struct str kid)
{
	BIO *bio = BIO_new_mem_buf(pem.at, (int)pem.len);
	EVP_PKEY *pkey = NULL;
	X509 *x509;

	if (!bio)
		return -ENOMEM;
	if (str_search(pem, STR("-----BEGIN CERTIFICATE-----")) >= 0) {
		x509 = PEM_read_bio_X509(bio, NULL, NULL, NULL);
		pkey = x509 ? X509_get_pubkey(x509) : NULL;
		X509_free(x509);
	} else {
		pkey = PEM_read_bio_PUBKEY(bio, NULL, NULL, NULL);
	}
	BIO_free(bio);
	ERR_clear_error();
	int added = add_pkey(keys, pkey, kid, UINT16_MAX);

	return added == 0 ? -EINVAL : added;
}

int jwt_keys_add_secret(struct jwt_keys *keys, struct str secret)
{
	int added = add_shared(keys, secret, (struct str){0}, UINT16_MAX);

	return added == 0 ? -EINVAL : added;
}

/* -------------------------------------------------------------- verification -- */

static bool fits(const struct jwt_key *key, enum jwt_algorithm algorithm, struct str kid)
{
	return key->algorithms & BIT(algorithm) &&
	       (!kid.at || !key->kid.at || str_eq(key->kid, kid));
}

bool jwt_keys_have(const struct jwt_keys *keys, enum jwt_algorithm algorithm, struct str kid)
{
	for (size_t i = 0; i < keys->n; i++)
		if (fits(&keys->at[i], algorithm, kid))
			return true;
	return false;
}

static const EVP_MD *hash_of(enum jwt_algorithm algorithm)
{
	switch (algorithm) {
	case JWT_RS256:
	case JWT_PS256:
	case JWT_ES256:
	case JWT_HS256:
		return EVP_sha256();
	case JWT_RS384:
	case JWT_PS384:
	case JWT_ES384:
	case JWT_HS384:
		return EVP_sha384();
	case JWT_RS512:
	case JWT_PS512:
	case JWT_ES512:
	case JWT_HS512:
		return EVP_sha512();
	default: /* EdDSA hashes by itself */
		return NULL;
	}
}

static bool verify_shared(const struct jwt_key *key, enum jwt_algorithm algorithm, struct str text,
			  struct str signature)
{
	unsigned char expected[EVP_MAX_MD_SIZE];
	unsigned int n;

	if (!HMAC(hash_of(algorithm), key->secret.at, (int)key->secret.len,
		  (const unsigned char *)text.at, text.len, expected, &n))
		return false;
	bool equal = codec_equal_secret(signature, str_n((char *)expected, n));

	OPENSSL_cleanse(expected, sizeof(expected));
	return equal;
}

/* RFC 7518 3.4: the two numbers side by side, each as long as the field; OpenSSL wants them in DER.
 */
static int ecdsa_der(struct str signature, size_t field_bytes, unsigned char **ret_der)
{
	const unsigned char *at = (const unsigned char *)signature.at;
	ECDSA_SIG *sig = ECDSA_SIG_new();
	BIGNUM *r, *s;
	int len = -1;

	*ret_der = NULL;
	if (sig && signature.len == 2 * field_bytes) {
		r = BN_bin2bn(at, (int)field_bytes, NULL);
		s = BN_bin2bn(at + field_bytes, (int)field_bytes, NULL);
		if (r && s && ECDSA_SIG_set0(sig, r, s) == 1) {
			len = i2d_ECDSA_SIG(sig, ret_der);
		} else {
			BN_free(r);
			BN_free(s);
		}
	}
	ECDSA_SIG_free(sig);
	return len;
}

static bool verify_public(const struct jwt_key *key, enum jwt_algorithm algorithm, struct str text,
			  struct str signature)
{
	const unsigned char *at = (const unsigned char *)signature.at;
	EVP_MD_CTX *md = EVP_MD_CTX_new();
	EVP_PKEY_CTX *ctx = NULL;
	unsigned char *der = NULL;
	size_t len = signature.len;
	bool ok = md && EVP_DigestVerifyInit(md, &ctx, hash_of(algorithm), NULL, key->pkey) == 1;

	if (ok && algorithm >= JWT_PS256 && algorithm <= JWT_PS512)
		ok = EVP_PKEY_CTX_set_rsa_padding(ctx, RSA_PKCS1_PSS_PADDING) == 1 &&
		     EVP_PKEY_CTX_set_rsa_pss_saltlen(ctx, RSA_PSS_SALTLEN_DIGEST) == 1;
	if (ok && algorithm >= JWT_ES256 && algorithm <= JWT_ES512) {
		int n = ecdsa_der(signature, ((size_t)EVP_PKEY_get_bits(key->pkey) + 7) / 8, &der);

		ok = n > 0;
		at = der;
		len = n > 0 ? (size_t)n : 0;
	}
	ok = ok && EVP_DigestVerify(md, at, len, (const unsigned char *)text.at, text.len) == 1;
	OPENSSL_free(der);
	EVP_MD_CTX_free(md);
	ERR_clear_error();
	return ok;
}

bool jwt_keys_verify(const struct jwt_keys *keys, enum jwt_algorithm algorithm, struct str kid,
		     struct str signed_part, struct str signature)
{
	int tried = 0;

	for (size_t i = 0; i < keys->n && tried < TRIED_MAX; i++) {
		const struct jwt_key *key = &keys->at[i];

		if (!fits(key, algorithm, kid))
			continue;
		tried++;
		if (key->pkey ? verify_public(key, algorithm, signed_part, signature)
			      : verify_shared(key, algorithm, signed_part, signature))
			return true;
	}
	return false;
}
