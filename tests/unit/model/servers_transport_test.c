// SPDX-License-Identifier: Apache-2.0
/* servers_transport_test: the spec of ServersTransport. */
#include "model_help.h"

#include "base/clock.h"
#include "model/servers_transport.h"

static void faults_are_found_and_what_is_right_passes(void **state)
{
	static const struct fault_row rows[] = {
		{"empty", "{'spec':{}}", NULL, NULL},
		{"all",
		 "{'spec':{'serverName':'a.b','insecureSkipVerify':true,'rootCAs':[{'secret':'s'},"
		 "{'configMap':'m'}],'certificatesSecrets':['c'],'cipherSuites':['NO_SUCH'],"
		 "'minVersion':'VersionTLS12','maxVersion':'VersionTLS13','maxIdleConnsPerHost':-1,"
		 "'disableHTTP2':true,'peerCertSANs':[{'type':'URI','value':'spiffe://x/y'}],"
		 "'forwardingTimeouts':{'dialTimeout':'1s','responseHeaderTimeout':2,"
		 "'idleConnTimeout':'3s','readIdleTimeout':'4s','pingTimeout':'5s'},"
		 "'proxyProtocol':{'version':1}}}",
		 NULL, NULL},
		{"two places", "{'spec':{'rootCAs':[{'secret':'a','configMap':'b'}]}}",
		 "spec.rootCAs[0]", "both"},
		{"idle", "{'spec':{'maxIdleConnsPerHost':-2}}", "spec.maxIdleConnsPerHost", NULL},
		{"deprecated CAs", "{'spec':{'rootCAsSecrets':['a']}}", "spec.rootCAsSecrets",
		 "deprecated"},
		{"deprecated URI", "{'spec':{'peerCertURI':'a:b'}}", "spec.peerCertURI",
		 "deprecated"},
		{"san type", "{'spec':{'peerCertSANs':[{'type':'IP','value':'1.2.3.4'}]}}",
		 "spec.peerCertSANs[0].type", "wrong value"},
		{"spiffe", "{'spec':{'spiffe':{'trustDomain':'x'}}}", "spec.spiffe", NULL},
		{"version", "{'spec':{'proxyProtocol':{'version':3}}}",
		 "spec.proxyProtocol.version", NULL},
		{"negative time", "{'spec':{'forwardingTimeouts':{'dialTimeout':'-1s'}}}",
		 "spec.forwardingTimeouts.dialTimeout", NULL},
	};

	(void)state;
	CHECK_ROWS(&schema_servers_transport_object, rows);
}

static void what_is_not_said_has_the_reference_s_values(void **state)
{
	const struct servers_transport *transport;
	struct decoded d;

	(void)state;
	decode(&d, &schema_servers_transport_object,
	       "{'spec':{'forwardingTimeouts':{},'proxyProtocol':{}}}");
	transport = d.out;
	assert_int_equal(transport->max_idle_conns_per_host, 0);
	assert_int_equal(transport->forwarding_timeouts->dial.ns, 30 * NS_PER_SEC);
	assert_int_equal(transport->forwarding_timeouts->response_header.ns, 0);
	assert_int_equal(transport->forwarding_timeouts->idle_conn.ns, 90 * NS_PER_SEC);
	assert_int_equal(transport->forwarding_timeouts->read_idle.ns, 0);
	assert_int_equal(transport->forwarding_timeouts->ping.ns, 15 * NS_PER_SEC);
	assert_int_equal(transport->proxy_protocol->version, 2);
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
