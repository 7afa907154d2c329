// SPDX-License-Identifier: Apache-2.0
/* api_key_test: keys of a Secret let users in; reference/security.md A2.4, A2.8. */

#include "mw_lab.h"

#include "base/codec.h"
#include "base/hash.h"

static char hashed[128];
static struct lab_secret secrets[] = {
	{"keys",
	 "Opaque",
	 {{STR("ann"), STR("annskey1\n")},
	  {STR("bob"), {hashed, 0}},
	  {STR("eve"), STR("evekey12")}},
	 3},
	{"short", "Opaque", {{STR("ann"), STR("1234567")}}, 1},
	{"twice", "Opaque", {{STR("ann"), STR("12345678")}, {STR("bob"), STR("12345678")}}, 2},
	{"hash", "Opaque", {{STR("ann"), STR("sha256:12")}}, 1},
	{"empty", "Opaque", {{STR("x"), STR("y")}}, 0},
};

static int make_hash(void **state)
{
	unsigned char digest[32];

	(void)state;
	hash_sha256(STR("hashed-key"), digest);
	strcpy(hashed, "sha256:");
	codec_hex(digest, 32, hashed + 7);
	secrets[0].data[1].value = str_of(hashed);
	return 0;
}

static int open_lab(struct lab *lab, const char *config)
{
	lab_init(lab);
	lab->secrets = secrets;
	lab->n_secrets = sizeof(secrets) / sizeof(*secrets);
	return lab_mw(lab, "apiKey", config);
}

static void only_known_keys_pass(void **state)
{
	static const struct {
		const char *name, *headers, *user; /* NULL: refused */
	} rows[] = {
		{"plain", "X-Api-Key: annskey1", "ann"},
		{"hashed", "X-Api-Key: hashed-key", "bob"},
		{"unknown", "X-Api-Key: annskey2", NULL},
		{"the hash is no key", NULL, NULL},
		{"prefix", "X-Api-Key: annskey", NULL},
		{"with the line feed's place", "X-Api-Key: annskey1x", NULL},
		{"none", "A: b", NULL},
		{"twice", "X-Api-Key: annskey1\nX-Api-Key: annskey1", NULL},
	};
	struct lab lab;

	(void)state;
	assert_int_equal(open_lab(&lab, "{'secret':'keys','realm':'shop'}"), 0);
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		char header[160];

		print_message("  %s\n", rows[i].name);
		snprintf(header, sizeof(header), "X-Api-Key: %s", hashed);
		lab_request(&lab, "GET http://a.test/",
			    rows[i].headers ? rows[i].headers
					    : arena_str(&lab.arena, str_of(header)).at);
		assert_int_equal(lab_run(&lab), rows[i].user ? MW_NEXT : MW_REPLY);
		if (rows[i].user) {
			lab_assert_str(lab.call.user, rows[i].user);
		} else {
			assert_int_equal(lab.call.reply.status, 401);
			lab_assert_header(&lab.call.reply.headers, "WWW-Authenticate",
					  "ApiKey realm=\"shop\"");
		}
		assert_true(lab.mw.mw->explain(&lab.mw, &lab.request, &lab.arena).len > 0);
	}
	lab_done(&lab);
}

static void the_key_goes_and_the_user_comes(void **state)
{
	struct lab lab;

	(void)state;
	assert_int_equal(open_lab(&lab, "{'secret':'keys','source':{'header':'X-Key','query':'k'},"
					"'removeKey':true,'headerField':'X-User'}"),
			 0);
	lab_request(&lab, "GET http://a.test/?k=evekey12&x=1", "X-User: root\nx_user: root\nA: b");
	assert_int_equal(lab_run(&lab), MW_NEXT);
	assert_string_equal(lab_print(&lab, &lab.request.headers), "A: b\nX-User: eve\n");
	lab_assert_str(lab.request.query, "x=1");
	lab_done(&lab);
}

static void bad_secrets_break_the_middleware(void **state)
{
	static const char *const names[] = {"missing", "short", "twice", "hash", "empty"};

	(void)state;
	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
		struct lab lab;
		char config[64];

		print_message("  %s\n", names[i]);
		snprintf(config, sizeof(config), "{'secret':'%s'}", names[i]);
		assert_int_equal(open_lab(&lab, config), -EINVAL);
		assert_int_equal(lab.sink.n_errors, 1);
		/* No key is ever shown. */
		for (size_t j = 0; j < lab.sink.n; j++)
			assert_true(str_search(lab.sink.at[j].found, STR("1234567")) < 0);
		lab_done(&lab);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(only_known_keys_pass),
		cmocka_unit_test(the_key_goes_and_the_user_comes),
		cmocka_unit_test(bad_secrets_break_the_middleware),
	};

	return cmocka_run_group_tests(tests, make_hash, NULL);
}
