// SPDX-License-Identifier: Apache-2.0
/* compile_endpoints_test: from Services and EndpointSlices to servers (reference a.0, security.md
 * A2.7). */

#include "compile_fixture.h"
#include "plan/transport.h"

static void print_server(const struct server *server, const char *before, char *text, size_t size)
{
	static const char *const schemes[] = {"", " https", " h2c"};

	assert_int_equal(server->live->addrs != NULL, server->dns_name.len > 0);
	snprintf(text, size, "%s%s%.*s%s", before, server->fenced ? "!" : "",
		 STR_ARG(server_host(server)), schemes[server->scheme]);
}

/* Servers of the only route as "ip:port", fenced ones with a '!', a scheme behind unless it is
 * http, or the problem. */
static const char *servers(struct fixture *f, char *text, size_t size)
{
	const struct route *route = fixture_find(f, "IngressRoute/shop/r", 0);

	text[0] = 0;
	if (route->status == ROUTE_DISABLED)
		snprintf(text, size, "! %.*s", STR_ARG(route->problem));
	else
		for (uint32_t i = 0; i < route->service->n_servers; i++)
			print_server(&route->service->servers[i], i ? " " : "", text + strlen(text),
				     size - strlen(text));
	return text;
}

static void slice(struct fixture *f, const char *name, const char *created, const char *body)
{
	fixture_expect_valid(
		f, fixture_put(f,
			       "{'apiVersion':'discovery.k8s.io/"
			       "v1','kind':'EndpointSlice','metadata':{'name'"
			       ":'%s','namespace':'shop','creationTimestamp':'%s','labels':{"
			       "'kubernetes.io/service-name':'s'}},'addressType':'IPv4',%s}",
			       name, created, body));
}

static void slices_become_servers(void **state)
{
	struct fixture *f = *state;
	char text[512];

	fixture_add(f, "Service", "s",
		    "'spec':{'ports':[{'name':'http','port':80},{'name':'admin','port':81}]}");
	/* The older one comes first, whatever its name. */
	slice(f, "a", "2026-01-02T00:00:00Z",
	      "'ports':[{'name':'admin','port':9},{'name':'http','port':8081}],'endpoints':[{'"
	      "addresses':["
	      "'10.0.1.1','10.0.0.2']}]");
	slice(f, "b", "2026-01-01T00:00:00Z",
	      "'ports':[{'name':'http','port':8080}],'endpoints':[{'addresses':['10.0.0.1']},"
	      "{'addresses':['10.0.0.2'],'conditions':{'terminating':true,'serving':true}},"
	      "{'addresses':['10.0.0.3'],'conditions':{'serving':false}},"
	      "{'addresses':['10.0.0.4'],'conditions':{'ready':false}},"
	      "{'addresses':['2001:db8::1']}]");
	slice(f, "c", "2026-01-03T00:00:00Z",
	      "'ports':[{'name':'other','port':1}],'endpoints':[{'addresses':['10.0.9.9']}]");
	/* Lists that are not there are null; names are nobody's endpoints. */
	slice(f, "d", "2026-01-04T00:00:00Z", "'ports':null,'endpoints':null");
	fixture_put(f, "{'apiVersion':'discovery.k8s.io/v1','kind':'EndpointSlice','metadata':{"
		       "'name':'e','namespace':'shop','labels':{'kubernetes.io/service-name':'s'}},"
		       "'addressType':'FQDN','ports':[{'name':'http','port':1}],'endpoints':[{"
		       "'addresses':['example.com']}]}");
	fixture_add(f, "IngressRoute", "r",
		    "'spec':{'routes':[{'match':'Host(`a`)','services':[{'name':'s','port':'http'}]"
		    "}]}");
	fixture_compile(f);
	assert_string_equal(servers(f, text, sizeof(text)),
			    "10.0.0.1:8080 !10.0.0.2:8080 10.0.0.4:8080 [2001:db8::1]:8080 "
			    "10.0.1.1:8081");
	/* Fenced ones get no turn. */
	assert_int_equal(fixture_find(f, "IngressRoute/shop/r", 0)->service->turns.n_order, 4);
}

static void many_endpoints_are_deduplicated_too(void **state)
{
	struct fixture *f = *state;
	struct buf buf;

	buf_init(&buf, 1 << 20);
	buf_add(&buf, STR("'ports':[{'name':'http','port':8080}],'endpoints':["));
	for (int i = 0; i < 500; i++)
		buf_addf(&buf, "%s{'addresses':['10.1.%d.%d']}", i ? "," : "", i % 250, i % 2);
	buf_add_char(&buf, ']');
	fixture_add(f, "Service", "s", "'spec':{'ports':[{'name':'http','port':80}]}");
	slice(f, "s-1", "2026-01-01T00:00:00Z", buf_str(&buf).at);
	buf_done(&buf);
	fixture_add(
		f, "IngressRoute", "r",
		"'spec':{'routes':[{'match':'Host(`a`)','services':[{'name':'s','port':80}]}]}");
	fixture_compile(f);
	assert_int_equal(fixture_find(f, "IngressRoute/shop/r", 0)->service->n_servers, 250);
}

/* What a reference to a Service means: its servers, or "! " and why there are none. */
static const struct {
	const char *name, *config, *spec, *ref, *addresses, *want;
} reference_rows[] = {
	{"by number", "", "'ports':[{'port':80}]", "'port':80", "'10.0.0.1'", "10.0.0.1:8080"},
	{"a.0 no such port", "", "'ports':[{'port':80}]", "'port':81", "'10.0.0.1'",
	 "! Service shop/s has no port 81"},
	{"a.0 no port", "", "'ports':[{'port':80}]", "'weight':1", "'10.0.0.1'",
	 "! a port is needed"},
	{"a.0 no endpoints", "", "'ports':[{'port':80}]", "'port':80", "",
	 "! Service shop/s has no endpoints for port 80"},
	{"a.0 allowEmptyServices", "'allowEmptyServices':true", "'ports':[{'port':80}]",
	 "'port':80", "", ""},
	{"a.0 443 means https", "", "'ports':[{'port':443}]", "'port':443", "'10.0.0.1'",
	 "10.0.0.1:8080 https"},
	{"a.0 https by name", "", "'ports':[{'name':'https-x','port':80}]", "'port':80",
	 "'10.0.0.1'", "10.0.0.1:1 https"},
	{"a.0 h2c", "", "'ports':[{'port':80}]", "'port':80,'scheme':'h2c'", "'10.0.0.1'",
	 "10.0.0.1:8080 h2c"},
	{"a.0 scheme wins", "", "'ports':[{'port':443}]", "'port':443,'scheme':'http'",
	 "'10.0.0.1'", "10.0.0.1:8080"},
	{"a.0 ExternalName is off", "", "'type':'ExternalName','externalName':'10.9.9.9'",
	 "'port':80", "", "! ExternalName services are not allowed"},
	{"a.0 ExternalName with an address", "'allowExternalNameServices':true",
	 "'type':'ExternalName','externalName':'10.9.9.9'", "'port':82", "", "10.9.9.9:82"},
	{"a.0 ExternalName with a name", "'allowExternalNameServices':true",
	 "'type':'ExternalName','externalName':'a.test'", "'port':82", "", "a.test:82"},
	{"a.0 ExternalName over TLS", "'allowExternalNameServices':true",
	 "'type':'ExternalName','externalName':'a.test'", "'port':443", "", "a.test:443 https"},
	{"a.0 ExternalName that is none", "'allowExternalNameServices':true",
	 "'type':'ExternalName','externalName':'a b'", "'port':82", "",
	 "! a backend is neither an IP address nor a DNS name"},
	{"a.0 ExternalName needs a number", "'allowExternalNameServices':true",
	 "'type':'ExternalName','externalName':'a.test'", "'port':'http'", "",
	 "! Service shop/s has no port http"},
	{"a.0 nodePortLB", "", "'type':'NodePort','ports':[{'port':80,'nodePort':30080}]",
	 "'port':80,'nodePortLB':true", "'10.0.0.1'", "10.3.0.1:30080 10.3.0.2:30080"},
	{"a.0 nodePortLB is off", "", "'type':'NodePort','ports':[{'port':80,'nodePort':1}]",
	 "'port':80", "'10.0.0.1'", "10.0.0.1:8080"},
	{"a.0 nodePortLB without a node port", "", "'type':'NodePort','ports':[{'port':80}]",
	 "'port':80,'nodePortLB':true", "'10.0.0.1'", "! the Service has no nodePort for port 80"},
	{"a.0 nodePortLB needs the cluster's scope", "'disableClusterScopeResources':true",
	 "'type':'NodePort','ports':[{'port':80,'nodePort':30080}]", "'port':80,'nodePortLB':true",
	 "'10.0.0.1'",
	 "! nodePortLB needs the cluster's nodes, and "
	 "providers.kubernetesCRD.disableClusterScopeResources is set"},
	{"a.0 nativeLB comes before nodePortLB", "",
	 "'type':'NodePort','clusterIP':'10.96.0.1','ports':[{'port':80,'nodePort':30080}]",
	 "'port':80,'nodePortLB':true,'nativeLB':true", "'10.0.0.1'", "10.96.0.1:80"},
	{"a.0 nodePortLB of another type", "", "'ports':[{'port':80}]",
	 "'port':80,'nodePortLB':true", "'10.0.0.1'", "10.0.0.1:8080"},
	{"a.0 healthCheck", "", "'ports':[{'port':80}]", "'port':80,'healthCheck':{}", "'10.0.0.1'",
	 "! healthCheck allowed only for ExternalName services"},
	{"a.0 nativeLB", "", "'clusterIP':'10.96.0.1','ports':[{'port':80}]",
	 "'port':80,'nativeLB':true", "'10.0.0.1'", "10.96.0.1:80"},
	{"a.0 nativeLB headless", "", "'clusterIP':'None','ports':[{'port':80}]",
	 "'port':80,'nativeLB':true", "'10.0.0.1'", "! nativeLB needs a Service with a clusterIP"},
	{"a.0 nativeLBByDefault", "'nativeLBByDefault':true",
	 "'clusterIP':'10.96.0.1','ports':[{'port':80}]", "'port':80", "'10.0.0.1'",
	 "10.96.0.1:80"},
};

static void services_are_refused_for_a_reason(void **state)
{
	struct fixture *f = *state;
	char text[512];

	for (int i = 1; i <= 2; i++)
		fixture_put(
			f,
			"{'apiVersion':'v1','kind':'Node','metadata':{'name':'n%d'},'status':{"
			"'addresses':[{'type':'Hostname','address':'n'},{'type':'ExternalIP',"
			"'address':'192.0.2.%d'},{'type':'InternalIP','address':'10.3.0.%d'}]}}",
			i, i, i);
	for (size_t i = 0; i < sizeof(reference_rows) / sizeof(*reference_rows); i++) {
		fixture_config(f, "{" FIXTURE_EPS ",'providers':{'kubernetesCRD':{%s}}}",
			       reference_rows[i].config);
		fixture_expect_valid(
			f, fixture_add(f, "Service", "s", "'spec':{%s}", reference_rows[i].spec));
		fixture_put(f,
			    "{'apiVersion':'discovery.k8s.io/"
			    "v1','kind':'EndpointSlice','metadata':{'name':"
			    "'s-1','namespace':'shop','labels':{'kubernetes.io/service-name':'s'}},"
			    "'addressType':'IPv4','ports':[{'name':'','port':8080},{'name':'https-"
			    "x','port':1}],"
			    "'endpoints':[{'addresses':[%s]}]}",
			    reference_rows[i].addresses);
		fixture_add(
			f, "IngressRoute", "r",
			"'spec':{'routes':[{'match':'Host(`a`)','services':[{'name':'s',%s}]}]}",
			reference_rows[i].ref);
		fixture_compile(f);
		if (strcmp(servers(f, text, sizeof(text)), reference_rows[i].want))
			fail_msg("%s: %s", reference_rows[i].name, text);
	}
}

static void backends_that_no_tenant_should_reach_are_refused(void **state)
{
	static const struct {
		const char *address;
		bool always, by_default;
	} rows[] = {
		{"127.0.0.1", false, true},
		{"::1", false, true},
		{"169.254.169.254", false, true},
		{"fe80::1", false, true},
		{"fd00:ec2::254", false, true},
		{"0.0.0.0", true, true},
		{"::", true, true},
		{"224.0.0.1", true, true},
		{"255.255.255.255", true, true},
		{"ff02::1", true, true},
		{"10.0.0.1", false, false},
		{"10.77.1.1", false, true}, /* we listen there */
	};
	struct fixture *f = *state;

	for (size_t allow = 0; allow < 2; allow++)
		for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
			char quoted[64];
			bool refused;

			fixture_config(f, "{'entryPoints':{'web':{'address':'10.77.1.1:8080'}}}");
			f->config.security.allow_loopback_backends = allow;
			snprintf(quoted, sizeof(quoted), "'%s'", rows[i].address);
			fixture_backend(f, "s", quoted);
			fixture_add(
				f, "IngressRoute", "r",
				"'spec':{'routes':[{'match':'Host(`a`)','services':[{'name':'s',"
				"'port':80}]}]}");
			fixture_compile(f);
			refused =
				fixture_find(f, "IngressRoute/shop/r", 0)->status == ROUTE_DISABLED;
			if (refused != (rows[i].always || (!allow && rows[i].by_default)))
				fail_msg("%s, allow %zu", rows[i].address, allow);
			if (refused)
				assert_told(f, "IngressRoute/shop/r", "is refused");
		}
}

static void a_server_keeps_its_number_in_every_snapshot(void **state)
{
	struct fixture *f = *state;
	uint32_t first;

	fixture_route(f, "r", "Host(`a`)", "");
	fixture_compile(f);
	first = fixture_find(f, "IngressRoute/shop/r", 0)->service->servers[1].id;
	fixture_backend(f, "web", "'10.0.0.7','10.0.0.2'");
	fixture_compile(f);
	assert_int_equal(fixture_find(f, "IngressRoute/shop/r", 0)->service->servers[1].id, first);
	assert_int_not_equal(fixture_find(f, "IngressRoute/shop/r", 0)->service->servers[0].id,
			     first);
	assert_true(f->snapshot->max_server_id > first);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		FIXTURE_TEST(slices_become_servers),
		FIXTURE_TEST(many_endpoints_are_deduplicated_too),
		FIXTURE_TEST(services_are_refused_for_a_reason),
		FIXTURE_TEST(backends_that_no_tenant_should_reach_are_refused),
		FIXTURE_TEST(a_server_keeps_its_number_in_every_snapshot),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
