// SPDX-License-Identifier: Apache-2.0
/* passwd_hash_test: hashes made by others (openssl passwd, crypt). */

#include "mw_lab.h"

#include "mw/passwd_hash.h"

#define B(salted) "$2" salted "$04$abcdefghijklmnopqrstuu2r9OfJnfCsdneAXAGHnS4UpFFP8WIrW"

static const struct {
	const char *name, *hash;
	struct str password;
	enum passwd_hash_kind kind;
	bool matches;
} rows[] = {
	{"SHA", "{SHA}5en6G6MezRroT3XKqkdPOmY/BfQ=", STR("secret"), PASSWD_HASH_SHA, true},
	{"SHA, wrong", "{SHA}5en6G6MezRroT3XKqkdPOmY/BfQ=", STR("Secret"), PASSWD_HASH_SHA, false},
	{"SHA, cut", "{SHA}5en6G6MezRroT3XKqkdPOmY/BfQ", STR("secret"), PASSWD_HASH_SHA, false},
	{"SHA, NUL behind", "{SHA}5en6G6MezRroT3XKqkdPOmY/BfQ=", STR("secret\0x"), PASSWD_HASH_SHA,
	 false},
	{"apr1", "$apr1$abcdefgh$h9FWgUz3n9YxylKLlR5SQ/", STR("secret"), PASSWD_HASH_MD5, true},
	{"apr1, known example", "$apr1$r31.....$HqJZimcKQFAMYayBlzkrA/", STR("myPassword"),
	 PASSWD_HASH_MD5, true},
	{"apr1, wrong", "$apr1$abcdefgh$h9FWgUz3n9YxylKLlR5SQ/", STR("secre"), PASSWD_HASH_MD5,
	 false},
	{"apr1, NUL behind", "$apr1$abcdefgh$h9FWgUz3n9YxylKLlR5SQ/", STR("secret\0x"),
	 PASSWD_HASH_MD5, false},
	{"apr1, empty password", "$apr1$abcdefgh$L.PT565ESX4Tp2bqNs7Ie.", STR(""), PASSWD_HASH_MD5,
	 true},
	{"apr1, 40 bytes", "$apr1$abcdefgh$mDMXtdYMHD/OhyfgQqQFW1",
	 STR("aaaaaaaaaabbbbbbbbbbccccccccccdddddddddd"), PASSWD_HASH_MD5, true},
	{"apr1 without salt's end", "$apr1$abcdefgh", STR("secret"), PASSWD_HASH_MD5, false},
	{"MD5-crypt, short salt", "$1$xy$mkJt1Ht8AivD6sawHd.Cf1", STR("secret"), PASSWD_HASH_MD5,
	 true},
	{"MD5-crypt is not apr1", "$apr1$xy$mkJt1Ht8AivD6sawHd.Cf1", STR("secret"), PASSWD_HASH_MD5,
	 false},
	{"bcrypt 2b", B("b"), STR("secret"), PASSWD_HASH_BCRYPT, true},
	{"bcrypt 2y", B("y"), STR("secret"), PASSWD_HASH_BCRYPT, true},
	{"bcrypt 2a", B("a"), STR("secret"), PASSWD_HASH_BCRYPT, true},
	{"bcrypt, wrong", B("y"), STR("geheim"), PASSWD_HASH_BCRYPT, false},
	{"bcrypt, NUL behind", B("y"), STR("secret\0x"), PASSWD_HASH_BCRYPT, false},
	{"bcrypt, broken", "$2y$99$abc", STR("secret"), PASSWD_HASH_BCRYPT, false},
	/* reference c.7: anything else never matches. */
	{"SHA-256-crypt", "$5$saltsalt$0IyaXrmV7.sGNS6tirgqHLqX/G.FBvgkYA.lpPdS5sA", STR("secret"),
	 PASSWD_HASH_OTHER, false},
	{"plain text", "secret", STR("secret"), PASSWD_HASH_OTHER, false},
	{"empty", "", STR(""), PASSWD_HASH_OTHER, false},
};

static void hashes_match_their_passwords_alone(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct str hash = str_of(rows[i].hash);

		print_message("  %s\n", rows[i].name);
		assert_int_equal(passwd_hash_kind(hash), rows[i].kind);
		assert_int_equal(passwd_hash_verify(hash, rows[i].password), rows[i].matches);
	}
}

static void a_password_becomes_a_fast_hash(void **state)
{
	char text[PASSWD_HASH_TEXT_MAX];

	(void)state;
	lab_assert_str(passwd_hash_sha(STR("secret"), text), "{SHA}5en6G6MezRroT3XKqkdPOmY/BfQ=");
	assert_false(passwd_hash_is_slow(PASSWD_HASH_SHA));
	assert_true(passwd_hash_is_slow(PASSWD_HASH_MD5));
	assert_true(passwd_hash_is_slow(PASSWD_HASH_BCRYPT));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(hashes_match_their_passwords_alone),
		cmocka_unit_test(a_password_becomes_a_fast_hash),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
