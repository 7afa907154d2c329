// SPDX-License-Identifier: Apache-2.0
/* url_text_test: URLs as Go's net/url takes and prints them. */

#include "mw_lab.h"

#include "mw/url_text.h"

static const struct {
	const char *text, *url; /* NULL: not a URL */
} rows[] = {
	{"https://a.test/b?c=d#e", "https://a.test/b?c=d#e"},
	{"HTTPS://A.test", "https://A.test"},
	{"https://a.test/b c", "https://a.test/b%20c"},
	{"https://a.test/b%20c", "https://a.test/b%20c"},
	{"https://a.test/b%2Fc d", "https://a.test/b/c%20d"},
	{"https://a.test/\xc3\xa9", "https://a.test/%C3%A9"},
	{"https://\xc3\xa9.test/", "https://%C3%A9.test/"},
	{"https://a.test?x=y z", "https://a.test?x=y z"},
	{"https://a.test/?", "https://a.test/?"},
	{"https://a.test/#", "https://a.test/"},
	{"https://a.test:8443/", "https://a.test:8443/"},
	{"https://a.test:/", "https://a.test:/"},
	{"https://[::1]:80/x", "https://[::1]:80/x"},
	{"https://u:p@a.test/", "https://u:p@a.test/"},
	{"//a.test/b", "//a.test/b"},
	{"/only/a/path", "/only/a/path"},
	{"relative/path:x", "relative/path:x"},
	{"mailto:x@y", "mailto:x@y"},
	{"", ""},
	{"https://a.test/%zz", NULL},
	{"https://a.test/#%zz", NULL},
	{"https://a b/", NULL},
	{"https://a.test:80x/", NULL},
	{"https://[::1/", NULL},
	{"https://[::1]x/", NULL},
	{"https://a%41/", NULL},
	{"https://u{r@a.test/", NULL},
	{"://a.test/", NULL},
	{"1a:b", NULL},
	{"a\tb", NULL},
	{"https://a.test/\x7f", NULL},
};

static void urls_are_taken_and_printed_as_go_does(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct lab lab;
		struct str url;
		const char *why = NULL;

		print_message("  %s\n", rows[i].text);
		lab_init(&lab);
		int result = url_text_print(str_of(rows[i].text), &lab.arena, &url, &why);

		assert_int_equal(result, rows[i].url ? 0 : -EINVAL);
		if (rows[i].url)
			lab_assert_str(url, rows[i].url);
		else
			assert_non_null(why);
		lab_done(&lab);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(urls_are_taken_and_printed_as_go_does),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
