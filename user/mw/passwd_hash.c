// SPDX-License-Identifier: Apache-2.0
/*
 * passwd_hash: the password hashes of htpasswd files.
 */

#include "mw/passwd_hash.h"

#include <crypt.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <stdlib.h>

#include "base/codec.h"
#include "base/hash.h"

enum {
	SHA1_BYTES = 20,
	MD5_BYTES = 16,
	MD5_ROUNDS = 1000,
	MD5_SALT_MAX = 8,
	BCRYPT_PASSWORD_MAX = 72, /* what bcrypt looks at */
};

enum passwd_hash_kind passwd_hash_kind(struct str hash)
{
	if (hash.len >= PASSWD_HASH_TEXT_MAX)
		return PASSWD_HASH_OTHER;
	if (str_starts(hash, STR("{SHA}")))
		return PASSWD_HASH_SHA;
	if (str_starts(hash, STR("$apr1$")) || str_starts(hash, STR("$1$")))
		return PASSWD_HASH_MD5;
	if (hash.len > 4 && str_starts(hash, STR("$2")) && memchr("abxy", hash.at[2], 4) &&
	    hash.at[3] == '$')
		return PASSWD_HASH_BCRYPT;
	return PASSWD_HASH_OTHER;
}

bool passwd_hash_is_slow(enum passwd_hash_kind kind)
{
	return kind == PASSWD_HASH_MD5 || kind == PASSWD_HASH_BCRYPT;
}

struct str passwd_hash_sha(struct str password, char out[PASSWD_HASH_TEXT_MAX])
{
	unsigned char digest[SHA1_BYTES];

	hash_sha1(password, digest);
	memcpy(out, "{SHA}", 5);
	int n = EVP_EncodeBlock((unsigned char *)out + 5, digest, SHA1_BYTES);

	OPENSSL_cleanse(digest, sizeof(digest));
	return str_n(out, 5 + (size_t)n);
}

/* One step of the mixing: digest = MD5(first, middle, last). */
static bool md5_of(EVP_MD_CTX *md, const struct str *parts, size_t n,
		   unsigned char digest[MD5_BYTES])
{
	bool ok = EVP_DigestInit_ex(md, EVP_md5(), NULL) == 1;

	for (size_t i = 0; i < n && ok; i++)
		ok = EVP_DigestUpdate(md, parts[i].at, parts[i].len) == 1;
	return ok && EVP_DigestFinal_ex(md, digest, NULL) == 1;
}

static struct str bytes_of(const unsigned char *digest)
{
	return str_n((const char *)digest, MD5_BYTES);
}

/* The first digest: password, magic and salt, then as the algorithm's author had it. */
static bool md5_begin(EVP_MD_CTX *md, struct str password, struct str magic, struct str salt,
		      unsigned char digest[MD5_BYTES])
{
	unsigned char inner[MD5_BYTES];
	const struct str three[] = {password, salt, password};
	bool ok = md5_of(md, three, 3, inner) && EVP_DigestInit_ex(md, EVP_md5(), NULL) == 1 &&
		  EVP_DigestUpdate(md, password.at, password.len) == 1 &&
		  EVP_DigestUpdate(md, magic.at, magic.len) == 1 &&
		  EVP_DigestUpdate(md, salt.at, salt.len) == 1;

	for (size_t left = password.len; left > 0 && ok;) {
		size_t n = left < MD5_BYTES ? left : MD5_BYTES;

		ok = EVP_DigestUpdate(md, inner, n) == 1;
		left -= n;
	}
	for (size_t bits = password.len; bits > 0 && ok; bits >>= 1)
		ok = EVP_DigestUpdate(md, bits & 1 ? "" : password.at, 1) == 1;
	OPENSSL_cleanse(inner, sizeof(inner));
	return ok && EVP_DigestFinal_ex(md, digest, NULL) == 1;
}

static bool md5_rounds(EVP_MD_CTX *md, struct str password, struct str salt,
		       unsigned char digest[MD5_BYTES])
{
	for (int i = 0; i < MD5_ROUNDS; i++) {
		struct str parts[4];
		size_t n = 0;

		parts[n++] = i & 1 ? password : bytes_of(digest);
		if (i % 3)
			parts[n++] = salt;
		if (i % 7)
			parts[n++] = password;
		parts[n++] = i & 1 ? bytes_of(digest) : password;
		if (!md5_of(md, parts, n, digest))
			return false;
	}
	return true;
}

static size_t md5_encode(const unsigned char digest[MD5_BYTES], char *out)
{
	static const char alphabet[] =
		"./0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
	static const unsigned char order[][3] = {
		{0, 6, 12}, {1, 7, 13}, {2, 8, 14}, {3, 9, 15}, {4, 10, 5}};
	size_t len = 0;

	for (int i = 0; i < 5; i++) {
		unsigned int word = (unsigned int)digest[order[i][0]] << 16 |
				    (unsigned int)digest[order[i][1]] << 8 | digest[order[i][2]];

		for (int j = 0; j < 4; j++, word >>= 6)
			out[len++] = alphabet[word & 63];
	}
	out[len++] = alphabet[digest[11] & 63];
	out[len++] = alphabet[digest[11] >> 6];
	return len;
}

/* MD5-crypt by Poul-Henning Kamp; Apache's variant differs by the magic alone. */
static bool verify_md5(struct str hash, struct str password)
{
	struct str magic = str_starts(hash, STR("$apr1$")) ? STR("$apr1$") : STR("$1$");
	struct str salt = str_from(hash, magic.len);
	ptrdiff_t dollar = str_find(salt, '$');
	unsigned char digest[MD5_BYTES];
	char encoded[24];

	if (dollar < 0)
		return false;
	struct str expected = str_from(salt, (size_t)dollar + 1);

	salt = str_take(salt, (size_t)dollar < MD5_SALT_MAX ? (size_t)dollar : MD5_SALT_MAX);
	EVP_MD_CTX *md = EVP_MD_CTX_new();
	bool ok = md && md5_begin(md, password, magic, salt, digest) &&
		  md5_rounds(md, password, salt, digest);

	EVP_MD_CTX_free(md);
	ok = ok && codec_equal_secret(str_n(encoded, md5_encode(digest, encoded)), expected);
	OPENSSL_cleanse(digest, sizeof(digest));
	return ok;
}

static bool verify_bcrypt(struct str hash, struct str password)
{
	char setting[PASSWD_HASH_TEXT_MAX], phrase[BCRYPT_PASSWORD_MAX + 1];
	struct crypt_data *data = calloc(1, sizeof(*data));
	bool truncates = password.len && memchr(password.at, '\0', password.len);

	if (!data)
		return false;
	memcpy(setting, hash.at, hash.len);
	setting[hash.len] = '\0';
	size_t len = password.len < BCRYPT_PASSWORD_MAX ? password.len : BCRYPT_PASSWORD_MAX;

	if (len)
		memcpy(phrase, password.at, len);
	phrase[len] = '\0';
	/* The work is done in any case, so that its time tells nothing. */
	const char *result = crypt_r(phrase, setting, data);
	bool ok = result && result[0] == '$' && codec_equal_secret(str_of(result), hash) &&
		  !truncates;

	OPENSSL_cleanse(data, sizeof(*data));
	OPENSSL_cleanse(phrase, sizeof(phrase));
	free(data);
	return ok;
}

bool passwd_hash_verify(struct str hash, struct str password)
{
	char text[PASSWD_HASH_TEXT_MAX];

	switch (passwd_hash_kind(hash)) {
	case PASSWD_HASH_SHA:
		return codec_equal_secret(passwd_hash_sha(password, text), hash);
	case PASSWD_HASH_MD5:
		return verify_md5(hash, password);
	case PASSWD_HASH_BCRYPT:
		return verify_bcrypt(hash, password);
	default:
		return false;
	}
}
