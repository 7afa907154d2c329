// SPDX-License-Identifier: Apache-2.0
/* codec: RFC 4648 vectors both ways, and what is not base64. */

#include "base/codec.h"

#include <errno.h>

#include "check.h"
#include "guard.h"

static void base64_goes_there_and_back(void **state)
{
	static const struct {
		struct str bytes;
		const char *text;
	} rows[] = {
		{STR(""), ""},
		{STR("f"), "Zg=="},
		{STR("fo"), "Zm8="},
		{STR("foo"), "Zm9v"},
		{STR("foob"), "Zm9vYg=="},
		{STR("fooba"), "Zm9vYmE="},
		{STR("foobar"), "Zm9vYmFy"},
		{STR("\0\xff\xfe"), "AP/+"},
	};
	struct arena arena;

	(void)state;
	arena_init(&arena, 1 << 16, 0);
	for (size_t i = 0; i < ROWS(rows); i++) {
		struct str text = guard_copy(str_of(rows[i].text)), back;

		CHECK_STR(rows[i].text, codec_base64_encode(rows[i].bytes, &arena), text);
		CHECK_INT(rows[i].text, codec_base64_decode(text, &arena, &back), 0);
		CHECK_STR(rows[i].text, back, rows[i].bytes);
		guard_free(text);
	}
	arena_done(&arena);
}

static void what_is_not_base64_is_refused(void **state)
{
	static const char *const rows[] = {
		"Z",	"Zg",	"Zg=",	"Zg==Zg==", "Zm9v\n", "Zm 9",	 "Zm-_",
		"====", "Z===", "Zh==", "Zm9=",	    "=Zm9",   "Zm9vZ=g="};
	struct arena arena;

	(void)state;
	arena_init(&arena, 1 << 16, 0);
	for (size_t i = 0; i < ROWS(rows); i++) {
		struct str bytes = STR("untouched");

		CHECK_INT(rows[i], codec_base64_decode(str_of(rows[i]), &arena, &bytes), -EINVAL);
		CHECK_STR(rows[i], bytes, STR("untouched"));
	}
	arena_done(&arena);
	arena_init(&arena, 2, 2);
	struct str bytes;

	assert_int_equal(codec_base64_decode(STR("Zm9vYmFy"), &arena, &bytes), -ENOMEM);
	assert_null(codec_base64_encode(STR("foobar"), &arena).at);
	arena_done(&arena);
}

static void hexadecimal_is_lower_case(void **state)
{
	char text[7];

	(void)state;
	codec_hex((const unsigned char *)"\x00\xab\xff", 3, text);
	assert_string_equal(text, "00abff");
}

static void random_bytes_differ(void **state)
{
	char a[600] = {0}, b[600] = {0};

	(void)state;
	codec_random(a, sizeof(a));
	codec_random(b, sizeof(b));
	assert_memory_not_equal(a, b, sizeof(a));
	codec_random(NULL, 0);
}

static void secrets_are_equal_or_not(void **state)
{
	(void)state;
	assert_true(codec_equal_secret(STR("abc"), STR("abc")));
	assert_true(codec_equal_secret((struct str){0}, STR("")));
	assert_false(codec_equal_secret(STR("abc"), STR("abd")));
	assert_false(codec_equal_secret(STR("abc"), STR("abcd")));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(base64_goes_there_and_back),
		cmocka_unit_test(what_is_not_base64_is_refused),
		cmocka_unit_test(hexadecimal_is_lower_case),
		cmocka_unit_test(random_bytes_differ),
		cmocka_unit_test(secrets_are_equal_or_not),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
