// SPDX-License-Identifier: Apache-2.0
/* cert_info_test: reference/traefik.md c.14. pass_tls_client_cert_test has the middleware. */

#include "cert_lab.h"

static const struct {
	const char *name, *wanted, *expected; /* of ann's certificate alone */
} rows[] = {
	{"nothing", "{}", ""},
	{"subject, in its order, each value of most",
	 "{'subject':{'country':true,'province':true,'locality':true,'organization':true,"
	 "'organizationalUnit':true,'commonName':true,'serialNumber':true,'domainComponent':true}}",
	 "Subject=\"DC=test,DC=shop,C=FR,C=DE,ST=Some-State,L=Lyon,O=Shop,OU=a,OU=b,SN=77,CN="
	 "ann\""},
	{"some of it", "{'subject':{'commonName':true,'country':true}}",
	 "Subject=\"C=FR,C=DE,CN=ann\""},
	{"nothing of it", "{'subject':{}}", ""},
	{"issuer",
	 "{'issuer':{'country':true,'province':true,'locality':true,'organization':true,"
	 "'commonName':true,'serialNumber':true,'domainComponent':true}}",
	 "Issuer=\"DC=test,C=SE,O=CA,CN=root\""},
	{"number, decimal", "{'serialNumber':true}", "SerialNumber=\"18446744073709551619\""},
	{"times", "{'notBefore':true,'notAfter':true}", "NB=\"1000000000\";NA=\"4000000000\""},
	{"other names: dns, mail, ip, uri", "{'sans':true}",
	 "SAN=\"a.test,b.test,ann@shop.test,10.0.0.1,2001:db8::1,spiffe://shop/ann\""},
	{"all, in order",
	 "{'subject':{'commonName':true},'issuer':{'commonName':true},'serialNumber':true,"
	 "'notBefore':true,'notAfter':true,'sans':true}",
	 "Subject=\"CN=ann\";Issuer=\"CN=root\";SerialNumber=\"18446744073709551619\";"
	 "NB=\"1000000000\";NA=\"4000000000\";SAN=\"a.test,b.test,ann@shop.test,10.0.0.1,"
	 "2001:db8::1,spiffe://shop/ann\""},
};

static void what_is_wanted_is_said(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		char config[512];
		struct lab lab;

		print_message("  %s\n", rows[i].name);
		lab_init(&lab);
		snprintf(config, sizeof(config), "{'info':%s}", rows[i].wanted);
		assert_int_equal(lab_mw(&lab, "passTLSClientCert", config), 0);
		const struct mwc_pass_tls_client_cert *conf = lab.mw.conf;

		lab_assert_str(cert_info_text(cert_lab_certs(&lab, 1), conf->info, &lab.arena),
			       rows[i].expected);
		lab_done(&lab);
	}
}

static void certificates_are_joined_by_commas(void **state)
{
	struct tls_cert_name_info name = {.common_name = true};
	struct tls_cert_info info = {.subject = &name};
	const struct client_certs *certs;
	struct str pem, first;
	struct lab lab;

	(void)state;
	lab_init(&lab);
	certs = cert_lab_certs(&lab, 2);
	lab_assert_str(cert_info_text(certs, &info, &lab.arena),
		       "Subject=\"CN=ann\",Subject=\"CN=root\"");
	/* Nothing said of both: still two places, as in the reference. */
	info.subject = NULL;
	lab_assert_str(cert_info_text(certs, &info, &lab.arena), ",");
	pem = cert_info_pem(certs, &lab.arena);
	for (int i = 0; i < 2; i++) {
		struct str der;

		assert_true(str_next(&pem, ',', &first));
		assert_int_equal(codec_base64_decode(first, &lab.arena, &der), 0);
		assert_true(str_eq(der, certs->der[i]));
	}
	assert_null(pem.at);
	lab_done(&lab);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_wanted_is_said),
		cmocka_unit_test(certificates_are_joined_by_commas),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
