// SPDX-License-Identifier: Apache-2.0
/* redirect_scheme_test: reference/traefik.md c.2. */

#include "mw_lab.h"

static const struct {
	const char *name, *config, *line, *headers;
	int status; /* 0: passes */
	const char *location;
} rows[] = {
	{"to https", "{'scheme':'https'}", "GET http://a.test/x?y=1", NULL, 302,
	 "https://a.test/x?y=1"},
	{"permanent", "{'scheme':'https','permanent':true}", "GET http://a.test/", NULL, 301,
	 "https://a.test/"},
	{"POST", "{'scheme':'https'}", "POST http://a.test/", NULL, 307, "https://a.test/"},
	{"POST, permanent", "{'scheme':'https','permanent':true}", "POST http://a.test/", NULL, 308,
	 "https://a.test/"},
	{"HEAD is not GET", "{'scheme':'https'}", "HEAD http://a.test/", NULL, 307,
	 "https://a.test/"},
	{"already there", "{'scheme':'https'}", "GET https://a.test/", NULL, 0, NULL},
	{"already there, default port", "{'scheme':'https'}", "GET https://a.test:443/", NULL, 0,
	 NULL},
	{"already there, default port configured", "{'scheme':'https','port':'443'}",
	 "GET https://a.test/", NULL, 0, NULL},
	{"the old port goes", "{'scheme':'https'}", "GET http://a.test:8080/", NULL, 302,
	 "https://a.test/"},
	{"another port", "{'scheme':'https','port':'8443'}", "GET http://a.test/", NULL, 302,
	 "https://a.test:8443/"},
	{"another port, already there", "{'scheme':'https','port':'8443'}",
	 "GET https://a.test:8443/", NULL, 0, NULL},
	{"same scheme, another port", "{'scheme':'https','port':'8443'}", "GET https://a.test/",
	 NULL, 302, "https://a.test:8443/"},
	{"80 is no default of https", "{'scheme':'https','port':'80'}", "GET http://a.test/", NULL,
	 302, "https://a.test:80/"},
	{"behind a proxy that ended TLS", "{'scheme':'https'}", "GET http://a.test/",
	 "X-Forwarded-Proto: https", 0, NULL},
	{"behind a proxy, WebSocket", "{'scheme':'https'}", "GET http://a.test/",
	 "X-Forwarded-Proto: wss", 0, NULL},
	{"behind a proxy, plain", "{'scheme':'https'}", "GET https://a.test/",
	 "X-Forwarded-Proto: http", 302, "https://a.test/"},
	{"ws is plain", "{'scheme':'https'}", "GET https://a.test/", "X-Forwarded-Proto: ws", 302,
	 "https://a.test/"},
	{"an unknown proto is ignored", "{'scheme':'https'}", "GET https://a.test/",
	 "X-Forwarded-Proto: ftp", 0, NULL},
	{"IPv6 keeps its brackets", "{'scheme':'https'}", "GET http://[::1]:80/", NULL, 302,
	 "https://[::1]/"},
	{"empty query stays", "{'scheme':'https'}", "GET http://a.test/x?", NULL, 302,
	 "https://a.test/x?"},
	{"no host at all", "{'scheme':'https'}", "GET http:///x", NULL, 400, NULL},
};

static void clients_are_sent_where_the_reference_says(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct lab lab;

		print_message("  %s\n", rows[i].name);
		lab_init(&lab);
		assert_int_equal(lab_mw(&lab, "redirectScheme", rows[i].config), 0);
		lab_request(&lab, rows[i].line, rows[i].headers);
		assert_true(lab.mw.mw->explain(&lab.mw, &lab.request, &lab.arena).len > 0);
		assert_int_equal(lab_run(&lab), rows[i].status ? MW_REPLY : MW_NEXT);
		assert_int_equal(lab.call.reply.status, rows[i].status);
		lab_assert_header(&lab.call.reply.headers, "Location", rows[i].location);
		if (rows[i].status == 302)
			lab_assert_str(lab.call.reply.body, "Found");
		lab_done(&lab);
	}
}

static void a_scheme_is_needed(void **state)
{
	struct lab lab;

	(void)state;
	lab_init(&lab);
	assert_int_not_equal(lab_mw(&lab, "redirectScheme", "{}"), 0);
	assert_true(lab.sink.n_errors > 0);
	lab_done(&lab);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(clients_are_sent_where_the_reference_says),
		cmocka_unit_test(a_scheme_is_needed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
