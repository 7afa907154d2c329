// SPDX-License-Identifier: Apache-2.0
/* hash: published vectors, and a key that is one for the process. */

#include "base/hash.h"

#include "base/codec.h"
#include "check.h"
#include "guard.h"

static void siphash_1_3_gives_the_reference_vectors(void **state)
{
	/* Key 00..0f, messages of 0, 1, 7, 8, 9 and 15 bytes 00, 01, ... as the reference program
	 * prints them. */
	static const struct {
		size_t len;
		uint64_t hash;
	} rows[] = {
		{0, 0xabac0158050fc4dcULL}, {1, 0xc9f49bf37d57ca93ULL}, {7, 0xd3927d989bb11140ULL},
		{8, 0x369095118d299a8eULL}, {9, 0x25a48eb36c063de4ULL}, {15, 0xd320d86d2a519956ULL},
	};
	char bytes[16];

	(void)state;
	for (size_t i = 0; i < sizeof(bytes); i++)
		bytes[i] = (char)i;
	for (size_t i = 0; i < ROWS(rows); i++) {
		struct str text = guard_copy(str_n(bytes, rows[i].len));
		uint64_t hash = hash_siphash13(text, 0x0706050403020100ULL, 0x0f0e0d0c0b0a0908ULL);

		assert_true(hash == rows[i].hash || !"vector differs");
		guard_free(text);
	}
}

static void the_keyed_hash_depends_on_every_byte(void **state)
{
	(void)state;
	assert_true(hash_keyed(STR("abc")) == hash_keyed(STR("abc")));
	assert_true(hash_keyed(STR("abc")) != hash_keyed(STR("abd")));
	assert_true(hash_keyed(STR("a\0")) != hash_keyed(STR("a")));
	assert_true(hash_keyed(STR("abc")) != hash_siphash13(STR("abc"), 0, 0));
}

static void fnv_and_digests_agree_with_other_programs(void **state)
{
	unsigned char digest[32];
	char text[65];

	(void)state;
	assert_true(hash_fnv1a64(STR("")) == 0xcbf29ce484222325ULL);
	assert_true(hash_fnv1a64(STR("a")) == 0xaf63dc4c8601ec8cULL);
	assert_true(hash_fnv1a64(STR("foobar")) == 0x85944171f73967e8ULL);
	assert_true(hash_fnv1_64(STR("a")) == 0xaf63bd4c8601b7beULL);
	assert_true(hash_fnv1_64(STR("foobar")) == 0x340d8765a4dda9c2ULL);
	hash_sha1(STR("abc"), digest);
	codec_hex(digest, 20, text);
	assert_string_equal(text, "a9993e364706816aba3e25717850c26c9cd0d89d");
	hash_sha256(STR("abc"), digest);
	codec_hex(digest, 32, text);
	assert_string_equal(text,
			    "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(siphash_1_3_gives_the_reference_vectors),
		cmocka_unit_test(the_keyed_hash_depends_on_every_byte),
		cmocka_unit_test(fnv_and_digests_agree_with_other_programs),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
