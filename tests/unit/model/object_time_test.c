// SPDX-License-Identifier: Apache-2.0
/* object_time_test: RFC 3339 times. */
#include "model_help.h"

#include "base/clock.h"
#include "model/object_time.h"

static void times_are_parsed_or_refused(void **state)
{
	static const struct {
		const char *text;
		int64_t seconds, ns; /* seconds -1: refused */
	} rows[] = {
		{"1970-01-01T00:00:00Z", 0, 0},
		{"2024-02-29T12:30:45Z", 1709209845, 0},
		{"2024-02-29t12:30:45z", 1709209845, 0},
		{"2024-02-29T12:30:45.5Z", 1709209845, 500000000},
		{"2024-02-29T12:30:45.123456789123Z", 1709209845, 123456789},
		{"2024-02-29T14:30:45+02:00", 1709209845, 0},
		{"2024-02-29T07:00:45-05:30", 1709209845, 0},
		{"2000-03-01T00:00:00Z", 951868800, 0},
		{"2261-12-31T23:59:59Z", 9214646399, 0},
		{"", -1, 0},
		{"2024-02-29", -1, 0},
		{"2024-02-29T12:30:45", -1, 0},
		{"2024-02-29T12:30:45Z ", -1, 0},
		{"2024-13-01T00:00:00Z", -1, 0},
		{"2024-01-01T24:00:00Z", -1, 0},
		{"1969-12-31T23:59:59Z", -1, 0},
		{"2024-01-01T00:00:00+25:00", -1, 0},
		{"yesterday", -1, 0},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		int64_t ns = 7;
		int error = object_time_parse(str_of(rows[i].text), &ns);

		if (rows[i].seconds < 0 ? !(error && ns == 7)
					: error || ns != rows[i].seconds * NS_PER_SEC + rows[i].ns)
			fail_msg("%s", rows[i].text);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(times_are_parsed_or_refused)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
