// SPDX-License-Identifier: Apache-2.0
/* jwt_token_test: RFC 7515 3.1, 4.1, 5.2, 7.1; RFC 7519 7.2; RFC 8725 3; RFC 4648 3.5, 5. */

#include "jwt_lab.h"

static const struct {
	const char *name, *header, *claims, *signature; /* of the parts, before base64url */
	const char *reason;				/* NULL: right */
} rows[] = {
	{"right", "{\"alg\":\"RS256\",\"kid\":\"a\"}", "{\"sub\":\"ann\"}", "x", NULL},
	{"no kid", "{\"alg\":\"EdDSA\"}", "{}", "x", NULL},
	{"none", "{\"alg\":\"none\"}", "{}", "x", "the algorithm is not known"},
	{"None", "{\"alg\":\"None\"}", "{}", "x", "the algorithm is not known"},
	{"lower case", "{\"alg\":\"rs256\"}", "{}", "x", "the algorithm is not known"},
	{"NUL behind it", "{\"alg\":\"RS256\\u0000\"}", "{}", "x",
	 "the header is not a JSON object in base64url"},
	{"no algorithm", "{}", "{}", "x", "the algorithm is not known"},
	{"an algorithm that is no text", "{\"alg\":256}", "{}", "x", "the algorithm is not known"},
	{"kid is no text", "{\"alg\":\"RS256\",\"kid\":1}", "{}", "x", "kid is not a text"},
	{"critical extension, 4.1.11", "{\"alg\":\"RS256\",\"crit\":[\"exp\"]}", "{}", "x",
	 "the token needs an extension"},
	{"a member twice, 4", "{\"alg\":\"RS256\",\"alg\":\"HS256\"}", "{}", "x",
	 "the header is not a JSON object in base64url"},
	{"a claim twice", "{\"alg\":\"RS256\"}", "{\"sub\":\"a\",\"sub\":\"b\"}", "x",
	 "the claims are not a JSON object in base64url"},
	{"a list", "{\"alg\":\"RS256\"}", "[]", "x",
	 "the claims are not a JSON object in base64url"},
	{"more behind the object", "{\"alg\":\"RS256\"}", "{}{}", "x",
	 "the claims are not a JSON object in base64url"},
	{"no signature", "{\"alg\":\"RS256\"}", "{}", "", "the signature is not base64url"},
};

static void only_well_formed_tokens_are_taken_apart(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct jwt_token token;
		const char *reason;
		struct lab lab;
		struct str text;

		print_message("  %s\n", rows[i].name);
		lab_init(&lab);
		text = arena_printf(&lab.arena, STR_FMT "." STR_FMT "." STR_FMT,
				    STR_ARG(jwt_lab_encode(&lab, str_of(rows[i].header))),
				    STR_ARG(jwt_lab_encode(&lab, str_of(rows[i].claims))),
				    STR_ARG(jwt_lab_encode(&lab, str_of(rows[i].signature))));
		assert_int_equal(jwt_token_parse(text, &lab.arena, &token, &reason),
				 rows[i].reason ? -EINVAL : 0);
		if (rows[i].reason) {
			assert_string_equal(reason, rows[i].reason);
			assert_null(token.claims);
		} else {
			lab_assert_str(token.signature, "x");
			assert_int_equal(token.signed_part.len + 3, text.len);
			assert_true(json_is_object(token.claims));
		}
		jwt_token_done(&token);
		lab_done(&lab);
	}
}

static void parts_are_exactly_three(void **state)
{
	static const char *const texts[] = {"",
					    ".",
					    "..",
					    "a.b",
					    "e30.e30",
					    "e30.e30.eA.eA",
					    "e30.e30.eA.eA.eA",
					    "e30.e30.eA=",
					    "e30 .e30.eA"};
	struct jwt_token token;
	const char *reason;
	struct lab lab;

	(void)state;
	lab_init(&lab);
	for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++)
		assert_int_equal(jwt_token_parse(str_of(texts[i]), &lab.arena, &token, &reason),
				 -EINVAL);
	char *longer = malloc(JWT_TOKEN_MAX_BYTES + 1);

	memset(longer, 'e', JWT_TOKEN_MAX_BYTES + 1);
	assert_int_equal(jwt_token_parse(str_n(longer, JWT_TOKEN_MAX_BYTES + 1), &lab.arena, &token,
					 &reason),
			 -EINVAL);
	assert_string_equal(reason, "the token is too long");
	free(longer);
	lab_done(&lab);
}

static void base64url_has_one_spelling(void **state)
{
	static const struct {
		const char *text, *bytes; /* NULL: refused */
	} cases[] = {
		{"", ""},	 {"YQ", "a"},	      {"YWI", "ab"},
		{"YWJj", "abc"}, {"_-8", "\xff\xef"}, {"YR", NULL},
		{"YWJ", NULL},	 {"YQ==", NULL},      {"Y", NULL},
		{"YW Jj", NULL}, {"YW\nJj", NULL},    {"+/8", NULL},
		{"YWJjZ", NULL},
	};
	struct lab lab;
	struct str bytes;

	(void)state;
	lab_init(&lab);
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		print_message("  %s\n", cases[i].text);
		assert_int_equal(jwt_base64url_decode(str_of(cases[i].text), &lab.arena, &bytes),
				 cases[i].bytes ? 0 : -EINVAL);
		if (cases[i].bytes)
			lab_assert_str(bytes, cases[i].bytes);
	}
	lab_done(&lab);
}

static void algorithms_have_names(void **state)
{
	(void)state;
	for (enum jwt_algorithm i = 0; i < JWT__COUNT; i++)
		assert_int_equal(jwt_algorithm_of(jwt_algorithm_name(i)), i);
	assert_int_equal(jwt_algorithm_of(STR("ES256K")), JWT__COUNT);
	assert_int_equal(jwt_algorithm_of((struct str){0}), JWT__COUNT);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(only_well_formed_tokens_are_taken_apart),
		cmocka_unit_test(parts_are_exactly_three),
		cmocka_unit_test(base64url_has_one_spelling),
		cmocka_unit_test(algorithms_have_names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
