// SPDX-License-Identifier: Apache-2.0
/* secure_headers_test: reference/traefik.md c.3, security fields. */

#include "mw_lab.h"

#include "mw/secure_headers.h"

static const struct {
	const char *name, *config, *line, *headers, *expected;
} rows[] = {
	{"sts over TLS", "{'stsSeconds':31536000}", "GET https://a.test/", NULL,
	 "Strict-Transport-Security: max-age=31536000\n"},
	{"sts over plain HTTP", "{'stsSeconds':31536000}", "GET http://a.test/", NULL, ""},
	{"sts, all of it", "{'stsSeconds':1,'stsIncludeSubdomains':true,'stsPreload':true}",
	 "GET https://a.test/", NULL,
	 "Strict-Transport-Security: max-age=1; includeSubDomains; preload\n"},
	{"sts forced", "{'stsSeconds':1,'forceSTSHeader':true}", "GET http://a.test/", NULL,
	 "Strict-Transport-Security: max-age=1\n"},
	{"sts behind a TLS proxy",
	 "{'stsSeconds':1,'sslProxyHeaders':{'X-Forwarded-Proto':'https'}}", "GET http://a.test/",
	 "X-Forwarded-Proto: https", "Strict-Transport-Security: max-age=1\n"},
	{"not behind one", "{'stsSeconds':1,'sslProxyHeaders':{'X-Forwarded-Proto':'https'}}",
	 "GET http://a.test/", "X-Forwarded-Proto: http", ""},
	{"sts in development", "{'stsSeconds':1,'forceSTSHeader':true,'isDevelopment':true}",
	 "GET https://a.test/", NULL, ""},
	{"frameDeny", "{'frameDeny':true}", "GET http://a.test/", NULL, "X-Frame-Options: DENY\n"},
	{"frame options of one's own", "{'frameDeny':true,'customFrameOptionsValue':'SAMEORIGIN'}",
	 "GET http://a.test/", NULL, "X-Frame-Options: SAMEORIGIN\n"},
	{"nosniff", "{'contentTypeNosniff':true}", "GET http://a.test/", NULL,
	 "X-Content-Type-Options: nosniff\n"},
	{"xss", "{'browserXssFilter':true}", "GET http://a.test/", NULL,
	 "X-XSS-Protection: 1; mode=block\n"},
	{"xss of one's own", "{'browserXssFilter':true,'customBrowserXSSValue':'0'}",
	 "GET http://a.test/", NULL, "X-XSS-Protection: 0\n"},
	{"pins over TLS", "{'publicKey':'pin-sha256=x'}", "GET https://a.test/", NULL,
	 "Public-Key-Pins: pin-sha256=x\n"},
	{"pins over plain HTTP", "{'publicKey':'pin-sha256=x'}", "GET http://a.test/", NULL, ""},
	{"policies",
	 "{'contentSecurityPolicy':'a','contentSecurityPolicyReportOnly':'b','referrerPolicy':'c',"
	 "'permissionsPolicy':'d'}",
	 "GET http://a.test/", NULL,
	 "Referrer-Policy: c\nPermissions-Policy: d\nContent-Security-Policy: a\n"
	 "Content-Security-Policy-Report-Only: b\n"},
	{"accepted, without effect", "{'sslRedirect':true,'featurePolicy':'x','frameDeny':true}",
	 "GET http://a.test/", NULL, "X-Frame-Options: DENY\n"},
};

static void browsers_are_told(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct lab lab;

		print_message("  %s\n", rows[i].name);
		lab_init(&lab);
		assert_int_equal(lab_mw(&lab, "headers", rows[i].config), 0);
		lab_request(&lab, rows[i].line, rows[i].headers);
		assert_int_equal(lab_run(&lab), MW_NEXT);
		lab_respond(&lab, NULL);
		assert_string_equal(lab_print(&lab, &lab.response.headers), rows[i].expected);
		lab_done(&lab);
	}
}

static void a_nonce_is_new_for_each_response(void **state)
{
	struct lab lab;
	struct str before = {0};

	(void)state;
	lab_init(&lab);
	lab_mw(&lab, "headers", "{'contentSecurityPolicy':'script-src $NONCE; style-src $NONCE'}");
	for (int i = 0; i < 2; i++) {
		lab_request(&lab, "GET http://a.test/", NULL);
		lab_run(&lab);
		lab_respond(&lab, NULL);
		struct str value =
			header_find_name(&lab.response.headers, STR("Content-Security-Policy"))
				->value;

		/* 16 bytes in base64, the same at both places. */
		assert_int_equal(value.len,
				 strlen("script-src ; style-src ") + 2 * (strlen("'nonce-'") + 24));
		assert_true(str_starts(value, STR("script-src 'nonce-")));
		assert_memory_equal(value.at + 18, value.at + value.len - 25, 24);
		assert_false(str_eq(value, before));
		before = value;
	}
	lab_done(&lab);
}

static const struct {
	const char *name, *config, *headers;
	bool allowed;
} hosts[] = {
	{"listed", "{'allowedHosts':['a.test']}", NULL, true},
	{"case does not count", "{'allowedHosts':['A.Test']}", NULL, true},
	{"not listed", "{'allowedHosts':['b.test']}", NULL, false},
	{"no list", "{'hostsProxyHeaders':['X-Forwarded-Host']}", NULL, true},
	{"proxy header",
	 "{'allowedHosts':['b.test'],'hostsProxyHeaders':['X-None','X-Forwarded-Host']}",
	 "X-Forwarded-Host: b.test", true},
	{"proxy header instead of Host",
	 "{'allowedHosts':['a.test'],'hostsProxyHeaders':['X-Forwarded-Host']}",
	 "X-Forwarded-Host: b.test", false},
	{"development", "{'allowedHosts':['b.test'],'isDevelopment':true}", NULL, true},
};

static void only_listed_hosts_are_served(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(hosts) / sizeof(*hosts); i++) {
		struct lab lab;

		print_message("  %s\n", hosts[i].name);
		lab_init(&lab);
		assert_int_equal(lab_mw(&lab, "headers", hosts[i].config), 0);
		lab_request(&lab, "GET http://a.test/", hosts[i].headers);
		assert_int_equal(lab_run(&lab), hosts[i].allowed ? MW_NEXT : MW_REPLY);
		lab_done(&lab);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(browsers_are_told),
		cmocka_unit_test(a_nonce_is_new_for_each_response),
		cmocka_unit_test(only_listed_hosts_are_served),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
