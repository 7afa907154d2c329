// SPDX-License-Identifier: Apache-2.0
/* encoded_characters_test: reference/traefik.md c.1. */

#include "mw_lab.h"

static const struct {
	const char *option, *path;
} rows[] = {
	{"allowEncodedSlash", "/a%2Fb"},	 {"allowEncodedBackSlash", "/a%5cb"},
	{"allowEncodedNullCharacter", "/a%00b"}, {"allowEncodedSemicolon", "/a%3bb"},
	{"allowEncodedPercent", "/a%25b"},	 {"allowEncodedQuestionMark", "/a%3Fb"},
	{"allowEncodedHash", "/a%23b"},
};

static enum mw_verdict run(const char *config, const char *path)
{
	struct lab lab;
	char line[64];

	lab_init(&lab);
	assert_int_equal(lab_mw(&lab, "encodedCharacters", config), 0);
	snprintf(line, sizeof(line), "GET http://a.test%s", path);
	lab_request(&lab, line, NULL);
	assert_true(lab.mw.mw->explain(&lab.mw, &lab.request, &lab.arena).len > 0);
	enum mw_verdict verdict = lab_run(&lab);

	if (verdict == MW_REPLY) {
		assert_int_equal(lab.call.reply.status, 400);
		assert_int_equal(lab.call.reply.body.len, 0);
	}
	lab_done(&lab);
	return verdict;
}

static void only_what_is_allowed_by_name_passes(void **state)
{
	enum { N = sizeof(rows) / sizeof(*rows) };

	(void)state;
	for (size_t i = 0; i < N; i++) {
		char config[64];

		print_message("  %s\n", rows[i].option);
		snprintf(config, sizeof(config), "{'%s':true}", rows[i].option);
		for (size_t j = 0; j < N; j++)
			assert_int_equal(run(config, rows[j].path), i == j ? MW_NEXT : MW_REPLY);
		assert_int_equal(run("{}", rows[i].path), MW_REPLY);
	}
	assert_int_equal(run("{}", "/a%20b"), MW_NEXT);
	assert_int_equal(run("{}", "/"), MW_NEXT);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(only_what_is_allowed_by_name_passes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
