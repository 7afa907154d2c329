// SPDX-License-Identifier: Apache-2.0
/* header_id_test: every known name is found in any case, and nothing else is. */

#include "check.h"
#include "guard.h"
#include "http/header.h"

static void every_name_is_known_in_any_case(void **state)
{
	(void)state;
	for (int id = HEADER_OTHER + 1; id < HEADER__COUNT; id++) {
		struct str name = header_name_of((enum header_id)id);
		char text[64];

		assert_true(name.len > 0 && name.len < sizeof(text));
		for (int way = 0; way < 3; way++) {
			for (size_t i = 0; i < name.len; i++) {
				char lower = ascii_lower(name.at[i]);
				bool is_letter = lower >= 'a' && lower <= 'z';
				bool is_upper = way == 1 || (way == 2 && i % 2);

				text[i] = is_letter && is_upper ? (char)(lower & ~0x20) : lower;
			}
			struct str copy = guard_copy(str_n(text, name.len));

			CHECK_INT(name.at, header_id_of(copy), id);
			guard_free(copy);
		}
	}
}

static void one_changed_byte_makes_another_name(void **state)
{
	(void)state;
	for (int id = HEADER_OTHER + 1; id < HEADER__COUNT; id++) {
		struct str name = header_name_of((enum header_id)id);
		char text[64];

		for (size_t i = 0; i < name.len; i++) {
			for (int c = 0; c < 256; c++) {
				memcpy(text, name.at, name.len);
				text[i] = (char)c;
				bool same = str_eq_nocase(str_n(text, name.len), name);

				CHECK_INT(name.at,
					  header_id_of(str_n(text, name.len)) == (enum header_id)id,
					  same);
			}
		}
		assert_int_equal(header_id_of(str_take(name, name.len - 1)), HEADER_OTHER);
	}
}

static void other_names_are_other(void **state)
{
	(void)state;
	assert_int_equal(header_id_of(STR("")), HEADER_OTHER);
	assert_int_equal(header_id_of(STR("X")), HEADER_OTHER);
	assert_int_equal(header_id_of(STR("X-Forwarded-Tls-Client-Cert-Infos")), HEADER_OTHER);
	assert_int_equal(header_id_of(STR("Content_Length")), HEADER_OTHER);
	assert_int_equal(header_name_of(HEADER_OTHER).len, 0);
	assert_int_equal(header_name_of(HEADER__COUNT).len, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_name_is_known_in_any_case),
		cmocka_unit_test(one_changed_byte_makes_another_name),
		cmocka_unit_test(other_names_are_other),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
