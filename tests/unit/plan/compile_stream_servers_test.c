// SPDX-License-Identifier: Apache-2.0
/* compile_stream_servers_test: which servers TCP and UDP services have (reference a.0, a.2). */

#include "stream_fixture.h"

/* The addresses of the route's service, sorted by nothing but where they stand. */
static void expect(struct fixture *f, const char *const *addresses, size_t n)
{
	const struct stream_service *service =
		stream_route(f, "IngressRouteTCP/shop/r", 0)->service;

	assert_non_null(service);
	assert_int_equal(service->n_servers, n);
	for (size_t i = 0; i < n; i++)
		assert_text(service->servers[i].address, addresses[i]);
	assert_int_equal(service->turns.n_order, n);
}

static void route_to(struct fixture *f, const char *more)
{
	fixture_expect_valid(
		f, fixture_add(f, "IngressRouteTCP", "r",
			       "'spec':{'routes':[{'match':'HostSNI(`*`)','services':[{'name':'s',"
			       "'port':5432%s}]}]}",
			       more));
	fixture_compile(f);
}

static void service(struct fixture *f, const char *more)
{
	fixture_expect_valid(f, fixture_add(f, "Service", "s",
					    "'spec':{'ports':[{'name':'db','port':5432,"
					    "'nodePort':30001}]%s}",
					    more));
}

static void slice(struct fixture *f, const char *name, const char *endpoints)
{
	fixture_expect_valid(
		f,
		fixture_put(f,
			    "{'apiVersion':'discovery.k8s.io/v1','kind':'EndpointSlice','metadata':"
			    "{'name':'%s','namespace':'shop','labels':{'kubernetes.io/service-name'"
			    ":'s'}},'addressType':'IPv4','ports':[{'name':'db','port':15432}],"
			    "'endpoints':[%s]}",
			    name, endpoints));
}

static void only_ready_endpoints_are_taken(void **state)
{
	static const char *const wanted[] = {"10.0.0.1:15432", "10.0.0.6:15432"};
	struct fixture *f = *state;

	service(f, "");
	slice(f, "a",
	      "{'addresses':['10.0.0.1'],'conditions':{'ready':true}},"
	      "{'addresses':['10.0.0.2'],'conditions':{'ready':false,'serving':true}},"
	      "{'addresses':['10.0.0.3'],'conditions':{}},{'addresses':['10.0.0.4']},"
	      "{'addresses':['10.0.0.5'],'conditions':{'ready':false,'serving':true,'terminating':"
	      "true}}");
	slice(f, "b",
	      "{'addresses':['10.0.0.1'],'conditions':{'ready':true}},"
	      "{'addresses':['10.0.0.6'],'conditions':{'ready':true}}");
	fixture_put(f, "{'apiVersion':'discovery.k8s.io/v1','kind':'EndpointSlice','metadata':{"
		       "'name':'c','namespace':'shop','labels':{'kubernetes.io/service-name':'s'}},"
		       "'addressType':'FQDN','ports':[{'name':'db','port':1}],'endpoints':[{"
		       "'addresses':['example.com'],'conditions':{'ready':true}}]}");
	route_to(f, "");
	expect(f, wanted, 2);
}

static void without_endpoints_there_is_no_service_unless_that_is_allowed(void **state)
{
	struct fixture *f = *state;

	service(f, "");
	route_to(f, "");
	assert_told(f, "IngressRouteTCP/shop/r", "has no ready endpoints");
	assert_int_equal(stream_route(f, "IngressRouteTCP/shop/r", 0)->status, ROUTE_DISABLED);
	fixture_config(f, "{" STREAM_EPS
			  ",'providers':{'kubernetesCRD':{'allowEmptyServices':true}}}");
	fixture_compile(f);
	expect(f, NULL, 0);
}

static void native_balancing_is_one_server(void **state)
{
	static const char *const wanted[] = {"10.96.0.7:5432"};
	struct fixture *f = *state;

	service(f, ",'clusterIP':'10.96.0.7'");
	route_to(f, ",'nativeLB':true");
	expect(f, wanted, 1);
	fixture_config(f,
		       "{" STREAM_EPS ",'providers':{'kubernetesCRD':{'nativeLBByDefault':true}}}");
	route_to(f, "");
	expect(f, wanted, 1);
}

static void node_ports_come_before_all_else(void **state)
{
	static const char *const wanted[] = {"192.168.0.1:30001", "192.168.0.2:30001"};
	struct fixture *f = *state;

	service(f, ",'type':'NodePort','clusterIP':'10.96.0.7'");
	for (int i = 1; i <= 2; i++)
		fixture_put(f,
			    "{'apiVersion':'v1','kind':'Node','metadata':{'name':'n%d'},'status':{"
			    "'addresses':[{'type':'InternalIP','address':'192.168.0.%d'},{'type':"
			    "'Hostname','address':'n%d'}]}}",
			    i, i, i);
	route_to(f, ",'nodePortLB':true,'nativeLB':true");
	expect(f, wanted, 2);
}

static void external_names_need_permission(void **state)
{
	static const char *const wanted[] = {"db.example.org:5432"};
	struct fixture *f = *state;

	service(f, ",'type':'ExternalName','externalName':'db.example.org'");
	route_to(f, "");
	assert_told(f, "IngressRouteTCP/shop/r", "ExternalName services are not allowed");
	fixture_config(f, "{" STREAM_EPS
			  ",'providers':{'kubernetesCRD':{'allowExternalNameServices':true}}}");
	fixture_compile(f);
	expect(f, wanted, 1);
}

static void forbidden_addresses_are_no_backends(void **state)
{
	struct fixture *f = *state;

	service(f, "");
	slice(f, "a", "{'addresses':['127.0.0.1'],'conditions':{'ready':true}}");
	route_to(f, "");
	assert_told(f, "IngressRouteTCP/shop/r", "loopback");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		STREAM_TEST(only_ready_endpoints_are_taken),
		STREAM_TEST(without_endpoints_there_is_no_service_unless_that_is_allowed),
		STREAM_TEST(native_balancing_is_one_server),
		STREAM_TEST(node_ports_come_before_all_else),
		STREAM_TEST(external_names_need_permission),
		STREAM_TEST(forbidden_addresses_are_no_backends),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
