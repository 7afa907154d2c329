// SPDX-License-Identifier: Apache-2.0
/* codec: RFC 4648 base64, hexadecimal, getrandom(2), constant-time comparison. */

#include "base/codec.h"

#include <errno.h>
#include <openssl/crypto.h>
#include <sys/random.h>

#include "base/die.h"

static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/* 0..63, or 64 for a character that is not of the alphabet. */
static uint32_t sextet(char c)
{
	if (c >= 'A' && c <= 'Z')
		return (uint32_t)(c - 'A');
	if (c >= 'a' && c <= 'z')
		return (uint32_t)(c - 'a') + 26;
	if (c >= '0' && c <= '9')
		return (uint32_t)(c - '0') + 52;
	return c == '+' ? 62 : c == '/' ? 63 : 64;
}

int codec_base64_decode(struct str text, struct arena *arena, struct str *ret_bytes)
{
	size_t padding = 0, n = 0;

	if (text.len % 4)
		return -EINVAL;
	while (padding < 2 && padding < text.len && text.at[text.len - 1 - padding] == '=')
		padding++;
	char *bytes = arena_alloc(arena, text.len / 4 * 3 + 1, 1);

	if (!bytes)
		return -ENOMEM;
	for (size_t i = 0; i < text.len; i += 4) {
		size_t missing = i + 4 == text.len ? padding : 0;
		uint32_t word = 0;

		for (size_t k = 0; k < 4; k++) {
			uint32_t six = k < 4 - missing ? sextet(text.at[i + k]) : 0;

			if (six > 63)
				return -EINVAL;
			word = word << 6 | six;
		}
		/* RFC 4648 section 3.5: the bits that pad the last group must be zero. */
		if (missing && (word & ((1u << (8 * missing)) - 1)))
			return -EINVAL;
		for (size_t k = 0; k < 3 - missing; k++)
			bytes[n++] = (char)(word >> (16 - 8 * k));
	}
	bytes[n] = 0;
	*ret_bytes = str_n(bytes, n);
	return 0;
}

struct str codec_base64_encode(struct str bytes, struct arena *arena)
{
	size_t len = (bytes.len + 2) / 3 * 4;
	char *text = bytes.len < SIZE_MAX / 2 ? arena_alloc(arena, len + 1, 1) : NULL;

	if (!text)
		return (struct str){0};
	for (size_t i = 0, n = 0; i < bytes.len; i += 3, n += 4) {
		size_t left = bytes.len - i < 3 ? bytes.len - i : 3;
		uint32_t word = 0;

		for (size_t k = 0; k < 3; k++)
			word = word << 8 | (k < left ? (unsigned char)bytes.at[i + k] : 0);
		for (size_t k = 0; k < 4; k++)
			text[n + k] = k <= left ? alphabet[word >> (18 - 6 * k) & 63] : '=';
	}
	text[len] = 0;
	return str_n(text, len);
}

void codec_hex(const unsigned char *bytes, size_t n, char *ret_text)
{
	static const char digits[] = "0123456789abcdef";

	for (size_t i = 0; i < n; i++) {
		ret_text[2 * i] = digits[bytes[i] >> 4];
		ret_text[2 * i + 1] = digits[bytes[i] & 15];
	}
	ret_text[2 * n] = 0;
}

void codec_random(void *ret_bytes, size_t n)
{
	char *at = ret_bytes;

	while (n) {
		ssize_t got = getrandom(at, n, 0);

		/* With no flags and a valid buffer only a signal may interrupt it. */
		ASSERT(got > 0 || errno == EINTR);
		if (got > 0) {
			at += got;
			n -= (size_t)got;
		}
	}
}

bool codec_equal_secret(struct str a, struct str b)
{
	return a.len == b.len && (a.len == 0 || CRYPTO_memcmp(a.at, b.at, a.len) == 0);
}
