// SPDX-License-Identifier: Apache-2.0
/*
 * hash: SipHash-1-3 (Aumasson and Bernstein; one compression and three finalization rounds, as hash
 * tables use it) with a key drawn once per process, and the unkeyed hashes that other programs must
 * agree with.
 */

#include "base/hash.h"

#include <endian.h>
#include <openssl/sha.h>
#include <pthread.h>

#include "base/codec.h"

static uint64_t process_key[2];
static pthread_once_t process_key_once = PTHREAD_ONCE_INIT;

static void draw_process_key(void)
{
	codec_random(process_key, sizeof(process_key));
}

static inline uint64_t rotate(uint64_t x, int bits)
{
	return x << bits | x >> (64 - bits);
}

static inline void sip_round(uint64_t v[4])
{
	v[0] += v[1];
	v[2] += v[3];
	v[1] = rotate(v[1], 13) ^ v[0];
	v[3] = rotate(v[3], 16) ^ v[2];
	v[0] = rotate(v[0], 32) + v[3];
	v[2] += v[1];
	v[3] = rotate(v[3], 21) ^ v[0];
	v[1] = rotate(v[1], 17) ^ v[2];
	v[2] = rotate(v[2], 32);
}

uint64_t hash_siphash13(struct str bytes, uint64_t key0, uint64_t key1)
{
	uint64_t v[4] = {
		key0 ^ 0x736f6d6570736575ULL,
		key1 ^ 0x646f72616e646f6dULL,
		key0 ^ 0x6c7967656e657261ULL,
		key1 ^ 0x7465646279746573ULL,
	};
	uint64_t last = (uint64_t)bytes.len << 56, word;
	size_t at = 0;

	for (; bytes.len - at >= sizeof(word); at += sizeof(word)) {
		memcpy(&word, bytes.at + at, sizeof(word));
		word = le64toh(word);
		v[3] ^= word;
		sip_round(v);
		v[0] ^= word;
	}
	for (size_t i = 0; at + i < bytes.len; i++)
		last |= (uint64_t)(unsigned char)bytes.at[at + i] << (8 * i);
	v[3] ^= last;
	sip_round(v);
	v[0] ^= last;
	v[2] ^= 0xff;
	for (int i = 0; i < 3; i++)
		sip_round(v);
	return v[0] ^ v[1] ^ v[2] ^ v[3];
}

uint64_t hash_keyed(struct str bytes)
{
	pthread_once(&process_key_once, draw_process_key);
	return hash_siphash13(bytes, process_key[0], process_key[1]);
}

uint64_t hash_fnv1a64(struct str bytes)
{
	uint64_t hash = 0xcbf29ce484222325ULL;

	for (size_t i = 0; i < bytes.len; i++)
		hash = (hash ^ (unsigned char)bytes.at[i]) * 0x100000001b3ULL;
	return hash;
}

uint64_t hash_fnv1_64(struct str bytes)
{
	uint64_t hash = 0xcbf29ce484222325ULL;

	for (size_t i = 0; i < bytes.len; i++)
		hash = (hash * 0x100000001b3ULL) ^ (unsigned char)bytes.at[i];
	return hash;
}

void hash_sha256(struct str bytes, unsigned char ret_digest[32])
{
	SHA256((const unsigned char *)bytes.at, bytes.len, ret_digest);
}

void hash_sha1(struct str bytes, unsigned char ret_digest[20])
{
	SHA1((const unsigned char *)bytes.at, bytes.len, ret_digest);
}
