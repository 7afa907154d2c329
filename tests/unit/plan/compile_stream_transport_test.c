// SPDX-License-Identifier: Apache-2.0
/* compile_stream_transport_test: how TCP servers are spoken to (reference a.8 and its quirks). */

#include "stream_fixture.h"

static const struct stream_transport *transport_of(struct fixture *f, const char *more)
{
	const struct stream_service *service;

	fixture_expect_valid(
		f, fixture_add(f, "IngressRouteTCP", "r",
			       "'spec':{'routes':[{'match':'HostSNI(`*`)','services':[{'name':'pg',"
			       "'port':5432%s}]}]}",
			       more));
	fixture_compile(f);
	service = stream_route(f, "IngressRouteTCP/shop/r", 0)->service;
	return service ? service->transport : NULL;
}

static void times_are_the_reference_s(void **state)
{
	static const struct {
		const char *row, *object, *more;
		int64_t dial_ms, keep_alive_ms, delay_ns;
		int proxy;
	} rows[] = {
		{"nothing said", NULL, "", 30000, 15000, 0, 0},
		{"old delay is nanoseconds", NULL, ",'terminationDelay':100", 30000, 15000, 100, 0},
		{"old delay for good", NULL, ",'terminationDelay':-1", 30000, 15000, -1, 0},
		{"old PROXY", NULL, ",'proxyProtocol':{}", 30000, 15000, 0, 2},
		{"presets", "{}", ",'serversTransport':'t'", 30000, 15000, 100000000, 0},
		{"all said",
		 "{'dialTimeout':'1s','dialKeepAlive':'-1s','terminationDelay':'2s',"
		 "'proxyProtocol':{'version':1}}",
		 ",'serversTransport':'t'", 1000, -1000, 2000000000, 1},
		{"zero is the preset", "{'dialTimeout':0,'dialKeepAlive':'0s'}",
		 ",'serversTransport':'t'", 30000, 15000, 100000000, 0},
		{"the object counts", "{}",
		 ",'serversTransport':'t','terminationDelay':5,'proxyProtocol':{'version':1}",
		 30000, 15000, 100000000, 0},
		{"never", "{'terminationDelay':'-1ms'}", ",'serversTransport':'t'", 30000, 15000,
		 -1000000, 0},
	};
	struct fixture *f = *state;

	stream_backend(f, "pg", "'10.0.0.1'");
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		const struct stream_transport *transport;

		if (rows[i].object)
			fixture_expect_valid(f, fixture_add(f, "ServersTransportTCP", "t",
							    "'spec':%s", rows[i].object));
		transport = transport_of(f, rows[i].more);
		assert_non_null(transport);
		if (transport->dial_ns != (uint64_t)rows[i].dial_ms * 1000000 ||
		    transport->keep_alive_ns != rows[i].keep_alive_ms * 1000000 ||
		    transport->termination_delay_ns != rows[i].delay_ns ||
		    transport->proxy_protocol != rows[i].proxy)
			fail_msg("%s", rows[i].row);
		assert_null(transport->tls);
	}
}

static void a_transport_is_that_of_the_route_s_namespace(void **state)
{
	struct fixture *f = *state;

	stream_backend(f, "pg", "'10.0.0.1'");
	fixture_add(f, "ServersTransportTCP", "bank/t", "'spec':{}");
	assert_null(transport_of(f, ",'serversTransport':'t'"));
	assert_told(f, "IngressRouteTCP/shop/r", "ServersTransportTCP t does not exist");
	assert_null(transport_of(f, ",'serversTransport':'bank-t@kubernetescrd'"));
	assert_told(f, "IngressRouteTCP/shop/r", "across namespaces are not allowed");
	fixture_config(f, "{" STREAM_EPS
			  ",'providers':{'kubernetesCRD':{'allowCrossNamespace':true}}}");
	assert_non_null(transport_of(f, ",'serversTransport':'bank-t@kubernetescrd'"));
}

static void tls_towards_servers_is_the_service_s_word(void **state)
{
	struct fixture *f = *state;
	const struct stream_transport *first, *again;

	stream_backend(f, "pg", "'10.0.0.1'");
	fixture_add(f, "ServersTransportTCP", "t",
		    "'spec':{'tls':{'serverName':'pg.test','insecureSkipVerify':true}}");
	assert_null(transport_of(f, ",'serversTransport':'t'")->tls);
	first = transport_of(f, ",'serversTransport':'t','tls':true");
	assert_non_null(first->tls);
	again = transport_of(f, ",'serversTransport':'t','tls':true");
	assert_int_equal(again->id, first->id);
	assert_non_null(transport_of(f, ",'tls':true")->tls);
	/* No CA of those asked for: nobody is trusted, and it is told. */
	fixture_add(f, "ServersTransportTCP", "t", "'spec':{'tls':{'rootCAs':[{'secret':'no'}]}}");
	assert_non_null(transport_of(f, ",'serversTransport':'t','tls':true")->tls);
	assert_told(f, "ServersTransportTCP/shop/t", "Secret no has no CA");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		STREAM_TEST(times_are_the_reference_s),
		STREAM_TEST(a_transport_is_that_of_the_route_s_namespace),
		STREAM_TEST(tls_towards_servers_is_the_service_s_word),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
