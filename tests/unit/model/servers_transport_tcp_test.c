// SPDX-License-Identifier: Apache-2.0
/* servers_transport_tcp_test: the spec of ServersTransportTCP. */
#include "model_help.h"

#include "model/servers_transport_tcp.h"

static void faults_are_found_and_what_is_right_passes(void **state)
{
	static const struct fault_row rows[] = {
		{"empty", "{'spec':{}}", NULL, NULL},
		{"all",
		 "{'spec':{'dialTimeout':1,'dialKeepAlive':'-1s','terminationDelay':'-1ms','"
		 "proxyProtocol':{'version':1},'tls':{'serverName':'a','insecureSkipVerify':true,'"
		 "rootCAs':[{'secret':'s'}],'certificatesSecrets':['c'],'peerCertSANs':[{'type':'"
		 "DNSName','value':'x'}]}}}",
		 NULL, NULL},
		{"dial", "{'spec':{'dialTimeout':'-1s'}}", "spec.dialTimeout", NULL},
		{"old CAs", "{'spec':{'tls':{'rootCAsSecrets':['a']}}}", "spec.tls.rootCAsSecrets",
		 "deprecated"},
		{"old URI", "{'spec':{'tls':{'peerCertURI':'a:b'}}}", "spec.tls.peerCertURI",
		 "deprecated"},
		{"two places", "{'spec':{'tls':{'rootCAs':[{'secret':'a','configMap':'b'}]}}}",
		 "spec.tls.rootCAs[0]", "both"},
		{"spiffe", "{'spec':{'tls':{'spiffe':{'ids':['x']}}}}", "spec.tls.spiffe", NULL},
		{"of HTTP", "{'spec':{'disableHTTP2':true}}", "spec.disableHTTP2", "unknown"},
	};

	(void)state;
	CHECK_ROWS(&schema_servers_transport_tcp, rows);
}

static void what_is_not_said_has_the_reference_s_values(void **state)
{
	const struct servers_transport_tcp *spec;
	struct decoded d;

	(void)state;
	decode(&d, &schema_servers_transport_tcp, "{'spec':{}}");
	spec = d.out;
	assert_int_equal(spec->dial_timeout.ns, 30000000000LL);
	assert_int_equal(spec->dial_keep_alive.ns, 15000000000LL);
	assert_int_equal(spec->termination_delay.ns, 100000000);
	assert_null(spec->tls);
	decoded_done(&d);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(faults_are_found_and_what_is_right_passes),
		cmocka_unit_test(what_is_not_said_has_the_reference_s_values),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
