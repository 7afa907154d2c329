// SPDX-License-Identifier: Apache-2.0
/* transport_test: schemes by name. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "plan/transport.h"

static void schemes_are_three_words(void **state)
{
	enum transport_scheme scheme;

	(void)state;
	for (int i = TRANSPORT_HTTP; i <= TRANSPORT_H2C; i++) {
		assert_true(transport_scheme_parse(transport_scheme_text((enum transport_scheme)i),
						   &scheme));
		assert_int_equal(scheme, i);
	}
	assert_false(transport_scheme_parse(STR("HTTP"), &scheme));
	assert_false(transport_scheme_parse(STR("ws"), &scheme));
	assert_false(transport_scheme_parse(STR(""), &scheme));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(schemes_are_three_words),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
