// SPDX-License-Identifier: Apache-2.0
/* str: comparison, searching, trimming, splitting, and how far two words are apart. */

#include "base/str.h"
#include "check.h"
#include "guard.h"

static void comparison_ignores_ascii_case_only(void **state)
{
	(void)state;
	assert_true(str_eq_nocase(STR("Content-Type"), STR("content-TYPE")));
	assert_true(str_eq_nocase((struct str){0}, STR("")));
	assert_false(str_eq_nocase(STR("a"), STR("ab")));
	/* '@' and '`' differ in the case bit but are no letters. */
	assert_false(str_eq_nocase(STR("@"), STR("`")));
	assert_false(str_eq_nocase(STR("\xc3\x84"), STR("\xc3\xa4")));
	assert_true(str_starts_nocase(STR("Basic abc"), STR("basic ")));
	assert_false(str_starts_nocase(STR("Bas"), STR("basic")));
}

static void order_is_by_unsigned_byte_then_length(void **state)
{
	(void)state;
	assert_true(str_cmp(STR("a"), STR("b")) < 0);
	assert_true(str_cmp(STR("\xff"), STR("a")) > 0);
	assert_true(str_cmp(STR("ab"), STR("a")) > 0);
	assert_true(str_cmp((struct str){0}, STR("a")) < 0);
	assert_int_equal(str_cmp((struct str){0}, STR("")), 0);
}

static void searches_find_the_right_place(void **state)
{
	(void)state;
	assert_int_equal(str_find(STR("a.b.c"), '.'), 1);
	assert_int_equal(str_rfind(STR("a.b.c"), '.'), 3);
	assert_int_equal(str_find(STR("abc"), '.'), -1);
	assert_int_equal(str_find((struct str){0}, 'a'), -1);
	assert_int_equal(str_rfind((struct str){0}, 'a'), -1);
	assert_int_equal(str_search(STR("hello"), STR("llo")), 2);
	assert_int_equal(str_search(STR("hello"), STR("")), 0);
	assert_int_equal(str_search(STR("he"), STR("hello")), -1);
	assert_int_equal(str_search((struct str){0}, STR("h")), -1);
}

static void slices_stay_inside(void **state)
{
	(void)state;
	CHECK_STR("from", str_from(STR("abc"), 1), STR("bc"));
	CHECK_STR("from the end", str_from(STR("abc"), 3), STR(""));
	CHECK_STR("from beyond", str_from(STR("abc"), 9), STR(""));
	CHECK_STR("take", str_take(STR("abc"), 2), STR("ab"));
	CHECK_STR("take too much", str_take(STR("abc"), 9), STR("abc"));
}

static void trimming_knows_blanks_from_line_ends(void **state)
{
	(void)state;
	CHECK_STR("blanks", str_trim(STR(" \ta b\t ")), STR("a b"));
	CHECK_STR("line end stays", str_trim(STR(" a\r\n")), STR("a\r\n"));
	CHECK_STR("space", str_trim_space(STR("\r\n a \v\f\n")), STR("a"));
	CHECK_STR("only blanks", str_trim(STR("  ")), STR(""));
	CHECK_STR("nothing", str_trim((struct str){0}), STR(""));
}

static void splitting_keeps_empty_pieces(void **state)
{
	static const struct {
		const char *name, *text;
		const char *pieces[5];
	} rows[] = {
		{"empty pieces at the end", "a,b,,", {"a", "b", "", ""}},
		{"one piece", "abc", {"abc"}},
		{"an empty text is one empty piece", "", {""}},
		{"only separators", ",,", {"", "", ""}},
	};

	(void)state;
	for (size_t i = 0; i < ROWS(rows); i++) {
		struct str rest = str_of(rows[i].text), piece;
		size_t n = 0;

		while (str_next(&rest, ',', &piece)) {
			assert_non_null(rows[i].pieces[n]);
			CHECK_STR(rows[i].name, piece, str_of(rows[i].pieces[n]));
			n++;
		}
		assert_null(rows[i].pieces[n]);
		assert_null(rest.at);
	}
	struct str nothing = {0}, piece;

	assert_false(str_next(&nothing, ',', &piece));
}

static void distance_counts_edits_and_swaps(void **state)
{
	static const struct {
		const char *a, *b;
		size_t distance;
	} rows[] = {
		{"", "", 0},
		{"abc", "abc", 0},
		{"abc", "", 3},
		{"ab", "ba", 1},
		{"abc", "ac", 1},
		{"abc", "axc", 1},
		{"kitten", "sitting", 3},
		{"stripPrefix", "stripPerfix", 1},
	};
	static const char longer[101] = {[0 ... 99] = 'x'};

	(void)state;
	for (size_t i = 0; i < ROWS(rows); i++)
		CHECK_INT(rows[i].a, str_distance(str_of(rows[i].a), str_of(rows[i].b)),
			  rows[i].distance);
	assert_int_equal(str_distance(str_of(longer), STR("x")), 100);
}

static void the_nearest_word_must_be_near(void **state)
{
	static const struct str words[] = {STR("stripPrefix"), STR("rateLimit"), STR("headers"),
					   STR("or")};

	(void)state;
	CHECK_STR("swap", str_nearest(STR("stripPerfix"), words, ROWS(words)), STR("stripPrefix"));
	CHECK_STR("case", str_nearest(STR("RATELIMIT"), words, ROWS(words)), STR("rateLimit"));
	CHECK_STR("missing", str_nearest(STR("header"), words, ROWS(words)), STR("headers"));
	CHECK_STR("far", str_nearest(STR("compress"), words, ROWS(words)), STR(""));
	CHECK_STR("short and far", str_nearest(STR("x"), words, ROWS(words)), STR(""));
	CHECK_STR("nothing to choose", str_nearest(STR("x"), NULL, 0), STR(""));
}

static void utf8_is_what_rfc_3629_says(void **state)
{
	static const struct {
		const char *name;
		struct str text;
		size_t len;
	} rows[] = {
		{"ascii", STR("a"), 1},
		{"two bytes", STR("\xc2\xb5"), 2},
		{"three bytes", STR("\xe2\x82\xac"), 3},
		{"four bytes", STR("\xf0\x9f\x98\x80"), 4},
		{"empty", STR(""), 0},
		{"continuation first", STR("\x80"), 0},
		{"overlong two", STR("\xc0\xaf"), 0},
		{"overlong three", STR("\xe0\x80\xaf"), 0},
		{"overlong four", STR("\xf0\x80\x80\xaf"), 0},
		{"surrogate", STR("\xed\xa0\x80"), 0},
		{"too high", STR("\xf4\x90\x80\x80"), 0},
		{"cut", STR("\xe2\x82"), 0},
		{"not continued",
		 STR("\xc2"
		     "a"),
		 0},
	};

	(void)state;
	for (size_t i = 0; i < ROWS(rows); i++) {
		struct str copy = guard_copy(rows[i].text);

		CHECK_INT(rows[i].name, str_utf8_len(copy), rows[i].len);
		guard_free(copy);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(comparison_ignores_ascii_case_only),
		cmocka_unit_test(order_is_by_unsigned_byte_then_length),
		cmocka_unit_test(searches_find_the_right_place),
		cmocka_unit_test(slices_stay_inside),
		cmocka_unit_test(trimming_knows_blanks_from_line_ends),
		cmocka_unit_test(splitting_keeps_empty_pieces),
		cmocka_unit_test(distance_counts_edits_and_swaps),
		cmocka_unit_test(the_nearest_word_must_be_near),
		cmocka_unit_test(utf8_is_what_rfc_3629_says),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
