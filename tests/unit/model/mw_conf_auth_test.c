// SPDX-License-Identifier: Apache-2.0
/* mw_conf_auth_test: settings of digestAuth, errors, forwardAuth, passTLSClientCert (reference c.7,
 * c.8, c.13, c.14). */
#include "model_help.h"

#include "model/middleware_object.h"
#include "model/mw_conf_auth.h"

static void faults_are_found_and_what_is_right_passes(void **state)
{
	static const struct fault_row digest[] = {
		{"right", "{'secret':'s','realm':'shop','removeHeader':true,'headerField':'X-U'}",
		 NULL, NULL},
		{"no secret", "{}", "secret", "missing"},
		{"header", "{'secret':'s','headerField':'a b'}", "headerField", "wrong value"},
	};
	static const struct fault_row errors[] = {
		{"right",
		 "{'status':['500-599','404'],'service':{'name':'e','port':80},'query':'/{status}',"
		 "'statusRewrites':{'404':200,'500-504':503},'errorRequestHeaders':[]}",
		 NULL, NULL},
		{"range", "{'status':['500-400'],'service':{'name':'e'}}", "status[0]",
		 "wrong value"},
		{"service", "{'status':['500'],'service':{}}", "service.name", "missing"},
		{"no service", "{'status':['500']}", "service", "missing"},
		{"rewrites", "{'service':{'name':'e'},'statusRewrites':[]}", "statusRewrites",
		 "wrong type"},
		{"rewritten range", "{'service':{'name':'e'},'statusRewrites':{'4x':200}}",
		 "statusRewrites.4x", "wrong range"},
		{"rewritten list", "{'service':{'name':'e'},'statusRewrites':{'404,500':200}}",
		 "statusRewrites.404,500", "wrong range"},
		{"rewritten status", "{'service':{'name':'e'},'statusRewrites':{'404':100}}",
		 "statusRewrites.404", "wrong status"},
		{"rewritten text", "{'service':{'name':'e'},'statusRewrites':{'404':'200'}}",
		 "statusRewrites.404", "wrong status"},
		{"header", "{'service':{'name':'e'},'errorRequestHeaders':['a b']}",
		 "errorRequestHeaders[0]", "wrong value"},
	};
	static const struct fault_row forward[] = {
		{"right", "{'address':'http://a/b','tls':{'caSecret':'ca'}}", NULL, NULL},
		{"address", "{'address':'auth'}", "address", "wrong value"},
		{"no address", "{}", "address", "missing"},
		{"regex", "{'address':'http://a','authResponseHeadersRegex':'(?=a)'}",
		 "authResponseHeadersRegex", "wrong value"},
		{"size", "{'address':'http://a','maxBodySize':-2}", "maxBodySize", "out of range"},
	};
	static const struct fault_row cert[] = {
		{"right", "{'pem':true,'info':{'subject':{'organizationalUnit':true}}}", NULL,
		 NULL},
		{"issuer", "{'info':{'issuer':{'organizationalUnit':true}}}",
		 "info.issuer.organizationalUnit", "unknown field"},
	};

	(void)state;
	CHECK_ROWS(&schema_mw_digest_auth, digest);
	CHECK_ROWS(&schema_mw_errors, errors);
	CHECK_ROWS(&schema_mw_forward_auth, forward);
	CHECK_ROWS(&schema_mw_pass_tls_client_cert, cert);
}

static void defaults_are_the_references(void **state)
{
	struct decoded d;
	const struct mwc_forward_auth *forward;

	(void)state;
	decode(&d, &schema_mw_forward_auth, "{'address':'http://a'}");
	forward = d.out;
	assert_int_equal(forward->max_body_bytes, -1);
	assert_int_equal(forward->max_response_body_bytes, -1);
	assert_false(forward->trust_forward_header.set);
	decoded_done(&d);
	/* Absent means all of the request's headers, empty none of them. */
	decode(&d, &schema_mw_errors, "{'service':{'name':'e'}}");
	assert_null(((const struct mwc_errors *)d.out)->error_request_headers.at);
	decoded_done(&d);
	decode(&d, &schema_mw_errors, "{'service':{'name':'e'},'errorRequestHeaders':[]}");
	assert_non_null(((const struct mwc_errors *)d.out)->error_request_headers.at);
	decoded_done(&d);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(faults_are_found_and_what_is_right_passes),
		cmocka_unit_test(defaults_are_the_references),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
