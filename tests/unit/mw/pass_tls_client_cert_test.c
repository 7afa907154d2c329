// SPDX-License-Identifier: Apache-2.0
/* pass_tls_client_cert_test: reference/traefik.md c.14. */

#include "cert_lab.h"

#define PEM  "X-Forwarded-Tls-Client-Cert"
#define INFO "X-Forwarded-Tls-Client-Cert-Info"

static void a_certificate_sets_the_headers_that_are_wanted(void **state)
{
	static const struct {
		const char *config;
		bool pem, info;
	} cases[] = {
		{"{'pem':true}", true, false},
		{"{'info':{'subject':{'commonName':true}}}", false, true},
		{"{'pem':true,'info':{'subject':{'commonName':true}}}", true, true},
		{"{}", false, false},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct lab lab;

		lab_init(&lab);
		assert_int_equal(lab_mw(&lab, "passTLSClientCert", cases[i].config), 0);
		lab_request(&lab, "GET https://a.test/",
			    PEM ": forged\n" PEM ": forged\n" INFO ": x");
		lab.request.client_certs = cert_lab_certs(&lab, 1);
		assert_int_equal(lab_run(&lab), MW_NEXT);
		struct header *header = header_find_name(&lab.request.headers, STR(PEM));

		assert_int_equal(str_eq(header->value, STR("forged")), !cases[i].pem);
		if (cases[i].pem)
			assert_null(header_next_same(&lab.request.headers, header));
		/* Escaped as for a query: Subject="CN=ann". */
		lab_assert_header(&lab.request.headers, INFO,
				  cases[i].info ? "Subject%3D%22CN%3Dann%22" : "x");
		assert_true(lab.mw.mw->explain(&lab.mw, &lab.request, &lab.arena).len > 0);
		lab_done(&lab);
	}
}

static void without_a_certificate_nothing_is_changed(void **state)
{
	struct lab lab;

	(void)state;
	lab_init(&lab);
	assert_int_equal(lab_mw(&lab, "passTLSClientCert", "{'pem':true,'info':{'sans':true}}"), 0);
	lab_request(&lab, "GET http://a.test/", PEM ": from a trusted proxy");
	assert_int_equal(lab_run(&lab), MW_NEXT);
	lab_assert_header(&lab.request.headers, PEM, "from a trusted proxy");
	lab_assert_header(&lab.request.headers, INFO, NULL);
	assert_true(lab.mw.mw->explain(&lab.mw, &lab.request, &lab.arena).len > 0);
	lab_done(&lab);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_certificate_sets_the_headers_that_are_wanted),
		cmocka_unit_test(without_a_certificate_nothing_is_changed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
