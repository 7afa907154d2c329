// SPDX-License-Identifier: Apache-2.0
/* compile_offload_test: what the kernel plane forwards by itself, what not, and why. */

#include "stream_fixture.h"

#define STAR(more)                                                                                 \
	"'spec':{'entryPoints':['db'],'routes':[{'match':'HostSNI(`*`)','services':[{'name':'pg'," \
	"'port':5432" more "}]}]}"
#define STAR_WITH(more)                                                                            \
	"'spec':{'entryPoints':['db'],'routes':[{'match':'HostSNI(`*`)','services':[{'name':'pg'," \
	"'port':5432}]" more "}]}"

static struct str offload_of(const struct fixture *f, const char *object)
{
	return f->snapshot->tcp_offload[stream_route(f, object, 0)->index].text;
}

static void a_star_without_tls_goes_by_the_kernel_plane(void **state)
{
	struct fixture *f = *state;
	const struct kernel_entry *entry;

	stream_backend(f, "pg", "'10.0.0.1','10.0.0.2'");
	fixture_add(f, "IngressRouteTCP", "r", STAR(""));
	fixture_compile(f);
	entry = stream_entry(f, "db");
	assert_non_null(entry->service);
	assert_int_equal(entry->service->mode, KERNEL_MODE_NAT);
	assert_text(entry->service->object, "IngressRouteTCP/shop/r");
	assert_string_equal(stream_backends(entry->service), "10.0.0.1:15432x1 10.0.0.2:15432x1");
	assert_true(entry->service->name.len <= KERNEL_NAME_MAX);
	assert_true(f->snapshot->tcp_offload[stream_route(f, "IngressRouteTCP/shop/r", 0)->index]
			    .is_offloaded);
	assert_text(offload_of(f, "IngressRouteTCP/shop/r"),
		    "by the kernel plane, on entry point db");
	assert_null(stream_entry(f, "web")->service);
	/* The proxy serves it all the same. */
	assert_non_null(fixture_entry_point(f, "db")->tcp);
}

static void each_thing_in_the_way_is_told(void **state)
{
	static const struct {
		const char *row, *kind, *rest, *why;
	} rows[] = {
		{"a rule before", "IngressRouteTCP",
		 "'spec':{'entryPoints':['db'],'routes':[{'match':'ClientIP(`10.0.0.0/8`)',"
		 "'services':[{'name':'pg','port':5432}]}]}",
		 "IngressRouteTCP/shop/x has rules about sources"},
		{"a TLS route", "IngressRouteTCP",
		 "'spec':{'entryPoints':['db'],'tls':{},'routes':[{'match':'HostSNI(`a.test`)',"
		 "'services':[{'name':'pg','port':5432}]}]}",
		 "connections must be looked at"},
		{"an HTTPS route", "IngressRoute",
		 "'spec':{'entryPoints':['db'],'tls':{},'routes':[{'match':'Host(`a.test`)',"
		 "'kind':'Rule','services':[{'name':'pg','port':5432}]}]}",
		 "connections must be looked at"},
	};
	struct fixture *f = *state;

	stream_backend(f, "pg", "'10.0.0.1'");
	fixture_add(f, "IngressRouteTCP", "r", STAR(""));
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		char id[64];

		fixture_expect_valid(f, fixture_add(f, rows[i].kind, "x", "%s", rows[i].rest));
		fixture_compile(f);
		if (str_search(offload_of(f, "IngressRouteTCP/shop/r"), str_of(rows[i].why)) < 0)
			fail_msg("%s: " STR_FMT, rows[i].row,
				 STR_ARG(offload_of(f, "IngressRouteTCP/shop/r")));
		assert_null(stream_entry(f, "db")->service);
		snprintf(id, sizeof(id), "%s/shop/x", rows[i].kind);
		store_remove(&f->store, str_of(id), kind_find(str_of(rows[i].kind)));
	}
}

static void each_thing_of_its_own_that_needs_a_byte_is_told(void **state)
{
	static const struct {
		const char *route, *why;
	} rows[] = {
		{STAR(",'proxyProtocol':{'version':2}"), "PROXY protocol header"},
		{STAR(",'serversTransport':'pp'"), "PROXY protocol header"},
		{STAR(",'tls':true"), "TLS towards the servers"},
		{STAR_WITH(",'middlewares':[{'name':'few'}]"), "counts connections"},
		{STAR_WITH(",'middlewares':[{'name':'near'},{'name':'near'}]"),
		 "more than one middleware"},
		{"'spec':{'entryPoints':['db'],'routes':[{'match':'HostSNI(`*`)','services':[{"
		 "'name':'ext','port':1}]}]}",
		 "has a name"},
		{"'spec':{'entryPoints':['db'],'routes':[{'match':'HostSNI(`*`)','services':[{"
		 "'name':'dual','port':5432}]}]}",
		 "both IPv4 and IPv6"},
		{"'spec':{'entryPoints':['db'],'routes':[{'match':'HostSNI(`*`)','services':[{"
		 "'name':'empty','port':1}]}]}",
		 "there is no server"},
		{"'spec':{'entryPoints':['pp'],'routes':[{'match':'HostSNI(`*`)','services':[{"
		 "'name':'pg','port':5432}]}]}",
		 "reads the PROXY protocol"},
	};
	struct fixture *f = *state;

	fixture_config(f, "{'entryPoints':{'db':{'address':':5432'},'pp':{'address':':1',"
			  "'proxyProtocol':{'insecure':true}}},'providers':{'kubernetesCRD':{"
			  "'allowExternalNameServices':true,'allowEmptyServices':true}}}");
	stream_backend(f, "pg", "'10.0.0.1'");
	stream_backend(f, "dual", "'10.0.0.1','2001:db8::1'");
	fixture_add(f, "Service", "empty", "'spec':{'ports':[{'port':1}]}");
	fixture_add(f, "Service", "ext",
		    "'spec':{'type':'ExternalName','externalName':'db.test','ports':[{'port':1}]}");
	fixture_add(f, "ServersTransportTCP", "pp", "'spec':{'proxyProtocol':{}}");
	fixture_add(f, "MiddlewareTCP", "few", "'spec':{'inFlightConn':{'amount':2}}");
	fixture_add(f, "MiddlewareTCP", "near",
		    "'spec':{'ipAllowList':{'sourceRange':['10.0.0.0/8']}}");
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		fixture_add(f, "IngressRouteTCP", "r", "%s", rows[i].route);
		fixture_compile(f);
		if (str_search(offload_of(f, "IngressRouteTCP/shop/r"), str_of(rows[i].why)) < 0)
			fail_msg("%s: " STR_FMT, rows[i].why,
				 STR_ARG(offload_of(f, "IngressRouteTCP/shop/r")));
		assert_false(f->snapshot->tcp_offload[0].is_offloaded);
		assert_null(stream_entry(f, "db")->service);
	}
}

static void a_list_of_addresses_is_the_kernel_plane_s(void **state)
{
	struct fixture *f = *state;
	const struct kernel_acl *acl;
	const struct kernel_policy *policy;
	struct addr near, far;

	stream_backend(f, "pg", "'10.0.0.1'");
	fixture_add(f, "MiddlewareTCP", "near",
		    "'spec':{'ipAllowList':{'sourceRange':['10.0.0.0/8']}}");
	fixture_add(f, "IngressRouteTCP", "r", STAR_WITH(",'middlewares':[{'name':'near'}]"));
	fixture_compile(f);
	policy = stream_entry(f, "db")->policy;
	assert_non_null(policy);
	addr_parse(STR("10.1.1.1"), &near);
	addr_parse(STR("2001:db8::1"), &far);
	assert_int_equal(kernel_policy_match(policy, &near, &acl), KERNEL_ALLOW);
	assert_int_equal(kernel_policy_match(policy, &far, &acl), KERNEL_DENY);
	/* Beside a SourcePolicy the allowed would be free of its limits. */
	fixture_add(f, "SourcePolicy", "p", "'spec':{'limits':{'packetsPerSecond':5}}");
	fixture_compile(f);
	assert_true(str_search(offload_of(f, "IngressRouteTCP/shop/r"), STR("SourcePolicy")) > 0);
}

static void options_turn_it_off(void **state)
{
	struct fixture *f = *state;

	stream_backend(f, "pg", "'10.0.0.1'");
	fixture_add(f, "IngressRouteTCP", "r", STAR(""));
	fixture_config(f, "{" STREAM_EPS ",'forwarding':{'offload':'off'}}");
	fixture_compile(f);
	assert_text(offload_of(f, "IngressRouteTCP/shop/r"),
		    "by the proxy: forwarding.offload is off");
	fixture_config(f, "{" STREAM_EPS ",'kernelPlane':'off'}");
	fixture_compile(f);
	assert_text(offload_of(f, "IngressRouteTCP/shop/r"),
		    "by the proxy: the kernel plane is off");
}

static void shares_and_drains_are_those_of_the_services(void **state)
{
	struct fixture *f = *state;

	stream_backend(f, "a", "'10.0.0.1','10.0.0.2'");
	stream_backend(f, "b", "'10.0.1.1'");
	fixture_put(f, "{'apiVersion':'discovery.k8s.io/v1','kind':'EndpointSlice','metadata':{"
		       "'name':'b-2','namespace':'shop','labels':{'kubernetes.io/service-name':'b'"
		       "}},'addressType':'IPv4','ports':[{'name':'db','port':15432}],'endpoints':["
		       "{'addresses':['10.0.1.2'],'conditions':{'ready':false,'serving':true,"
		       "'terminating':true}}]}");
	fixture_add(f, "IngressRouteTCP", "r",
		    "'spec':{'entryPoints':['db'],'routes':[{'match':'HostSNI(`*`)','services':[{"
		    "'name':'a','port':5432,'weight':1},{'name':'b','port':5432,'weight':3}]}]}");
	fixture_compile(f);
	assert_string_equal(stream_backends(stream_entry(f, "db")->service),
			    "10.0.0.1:15432x1 10.0.0.2:15432x1 10.0.1.1:15432x6 10.0.1.2:15432x0~");
}

static void datagrams_go_by_the_kernel_plane_too(void **state)
{
	struct fixture *f = *state;

	stream_backend(f, "pg", "'2001:db8::1'");
	fixture_add(f, "IngressRouteUDP", "a",
		    "'spec':{'entryPoints':['dns'],'routes':[{'services':[{'name':'pg','port':"
		    "5432}]}]}");
	fixture_add(f, "IngressRouteUDP", "b",
		    "'spec':{'entryPoints':['dns'],'routes':[{'services':[{'name':'pg','port':"
		    "5432}]}]}");
	fixture_compile(f);
	assert_string_equal(stream_backends(stream_entry(f, "dns")->service),
			    "[2001:db8::1]:15432x1");
	assert_true(f->snapshot->udp_offload[1].is_offloaded);
	assert_text(f->snapshot->udp_offload[0].text,
		    "not forwarded: another route has its entry points");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		STREAM_TEST(a_star_without_tls_goes_by_the_kernel_plane),
		STREAM_TEST(each_thing_in_the_way_is_told),
		STREAM_TEST(each_thing_of_its_own_that_needs_a_byte_is_told),
		STREAM_TEST(a_list_of_addresses_is_the_kernel_plane_s),
		STREAM_TEST(options_turn_it_off),
		STREAM_TEST(shares_and_drains_are_those_of_the_services),
		STREAM_TEST(datagrams_go_by_the_kernel_plane_too),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
