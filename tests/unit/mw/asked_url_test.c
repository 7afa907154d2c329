// SPDX-License-Identifier: Apache-2.0
/* asked_url_test: a URL becomes a service, a host and a path. */

#include "mw_lab.h"

#include "mw/asked_url.h"

static void urls_are_taken_apart(void **state)
{
	static const struct {
		const char *url, *host, *path; /* host NULL: refused */
	} rows[] = {
		{"http://a.test", "a.test", "/"},
		{"https://a.test:8443/x/y?z=1", "a.test:8443", "/x/y?z=1"},
		{"http://[::1]:80/", "[::1]:80", "/"},
		{"http:///x", NULL, NULL},
		{"http://user@a/", NULL, NULL},
		{"/x", NULL, NULL},
		{"http://a/#f", NULL, NULL},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct lab lab;
		struct lab_prepare prepare = {.lab = &lab};
		struct asked_url asked;

		print_message("  %s\n", rows[i].url);
		lab_init(&lab);
		prepare.prepare =
			(struct mw_prepare){.arena = &lab.arena, .sink = &lab.sink, .url = lab_url};
		assert_int_equal(asked_url_prepare(&prepare.prepare, "url", str_of(rows[i].url),
						   NULL, &asked),
				 rows[i].host ? 0 : -EINVAL);
		if (rows[i].host) {
			struct mw_fetch *fetch = asked_url_question(&asked, STR("GET"), &lab.arena);

			lab_assert_str(fetch->host, rows[i].host);
			lab_assert_str(fetch->path, rows[i].path);
			assert_ptr_equal(fetch->service, asked.service);
			assert_ptr_equal(fetch->headers.arena, &lab.arena);
		} else {
			assert_int_equal(lab.sink.n_errors, 1);
		}
		lab_done(&lab);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(urls_are_taken_apart),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
