/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HASH_H
#define HASH_H

/* hash: hashing of bytes. hash_keyed is SipHash-1-3 with the process's random key; fnv1a64 is what
 * Traefik uses for rendezvous hashing, fnv1_64 (multiplies first) for old sticky values, unkeyed;
 * digests come from OpenSSL. Thread-safe. */

#include <stdint.h>

#include "base/str.h"

uint64_t hash_keyed(struct str bytes);
/* The same with a key of the caller's: equal in every process that has the key. */
uint64_t hash_siphash13(struct str bytes, uint64_t key0, uint64_t key1);
uint64_t hash_fnv1a64(struct str bytes);
uint64_t hash_fnv1_64(struct str bytes);
/* 32-byte SHA-256 and 20-byte SHA-1. */
void hash_sha256(struct str bytes, unsigned char ret_digest[32]);
void hash_sha1(struct str bytes, unsigned char ret_digest[20]);
/* Cheap mix of one word; good enough to spread table indexes, no defence against attackers. */
static inline uint64_t hash_mix64(uint64_t h)
{
	h ^= h >> 33;
	h *= 0xff51afd7ed558ccdULL;
	h ^= h >> 33;
	h *= 0xc4ceb9fe1a85ec53ULL;
	return h ^ (h >> 33);
}

#endif
