// SPDX-License-Identifier: Apache-2.0
/* compile_stream_service_test: services of TCP and UDP routes: one, several, those of files
 * (reference a.2, a.3, d.1, d.3). */

#include "model/file_stream.h"
#include "stream_fixture.h"

static const struct stream_service *tcp_service(const struct fixture *f, const char *name)
{
	for (uint32_t i = 0; i < f->snapshot->n_tcp_services; i++)
		if (str_eq(f->snapshot->tcp_services[i]->name, str_of(name)))
			return f->snapshot->tcp_services[i];
	return NULL;
}

static struct object *file_object(struct fixture *f, enum kind kind, const char *name,
				  const char *spec)
{
	char text[2048];
	json_error_t error;
	json_t *json;
	struct object *object;

	snprintf(text, sizeof(text), "{'spec':%s}", spec);
	for (char *c = text; *c; c++)
		*c = *c == '\'' ? '"' : *c;
	json = json_loads(text, 0, &error);
	assert_non_null(json);
	object = object_make(kind, STR(FILE_NAMESPACE), str_of(name), json, STR("a.yml"), 1);
	json_decref(json);
	fixture_expect_valid(f, object);
	store_put(&f->store, object);
	object_unref(object);
	return object;
}

static void several_services_share_by_weight_and_one_that_fails_is_left_out(void **state)
{
	struct fixture *f = *state;
	const struct stream_service *service;
	char child[96];
	uint32_t turns[2] = {0};

	stream_backend(f, "a", "'10.0.0.1'");
	stream_backend(f, "b", "'10.0.0.2'");
	fixture_add(f, "IngressRouteTCP", "r",
		    "'spec':{'entryPoints':['db'],'routes':[{'match':'HostSNI(`*`)','services':["
		    "{'name':'a','port':5432,'weight':3},{'name':'gone','port':1},"
		    "{'name':'b','port':'db'}]}]}");
	fixture_compile(f);
	assert_told(f, "IngressRouteTCP/shop/r", "Service shop/gone does not exist");
	assert_int_equal(stream_route(f, "IngressRouteTCP/shop/r", 0)->status, ROUTE_ENABLED);
	service = stream_route(f, "IngressRouteTCP/shop/r", 0)->service;
	assert_int_equal(service->n_children, 2);
	assert_int_equal(service->turns.n_order, 4);
	for (uint32_t i = 0; i < 4; i++)
		turns[service->turns.order[i]]++;
	assert_int_equal(turns[0], 3);
	assert_int_equal(turns[1], 1);
	/* <router>-<service>-<port as written> */
	snprintf(child, sizeof(child), "%.*s-a-5432@kubernetescrd",
		 (int)(service->name.len - strlen("@kubernetescrd")), service->name.at);
	assert_text(service->children[0]->name, child);
	snprintf(child, sizeof(child), "%.*s-b-db@kubernetescrd",
		 (int)(service->name.len - strlen("@kubernetescrd")), service->name.at);
	assert_non_null(tcp_service(f, child));
	assert_int_equal(f->snapshot->n_tcp_services, 3);
}

static void with_none_left_the_route_is_disabled(void **state)
{
	struct fixture *f = *state;

	fixture_add(f, "IngressRouteTCP", "r",
		    "'spec':{'routes':[{'match':'HostSNI(`*`)','services':[{'name':'x','port':1},"
		    "{'name':'y','port':1}]}]}");
	fixture_compile(f);
	assert_int_equal(stream_route(f, "IngressRouteTCP/shop/r", 0)->status, ROUTE_DISABLED);
	assert_told(f, "IngressRouteTCP/shop/r", "none of the services can be used");
}

static void a_weight_of_nothing_gets_nothing(void **state)
{
	struct fixture *f = *state;
	const struct stream_service *service;

	stream_backend(f, "a", "'10.0.0.1'");
	fixture_add(f, "IngressRouteTCP", "r",
		    "'spec':{'routes':[{'match':'HostSNI(`*`)','services':[{'name':'a','port':5432,"
		    "'weight':0},{'name':'a','port':'db','weight':0}]}]}");
	fixture_compile(f);
	service = stream_route(f, "IngressRouteTCP/shop/r", 0)->service;
	assert_int_equal(service->n_children, 2);
	assert_int_equal(service->turns.n_order, 0);
}

static void turns_stay_over_updates(void **state)
{
	struct fixture *f = *state;
	const struct stream_service *service;
	struct balance_state *kept;
	uint32_t id;

	stream_backend(f, "a", "'10.0.0.1','10.0.0.2'");
	fixture_add(f, "IngressRouteTCP", "r",
		    "'spec':{'routes':[{'match':'HostSNI(`*`)','services':[{'name':'a','port':"
		    "5432}]}]}");
	fixture_compile(f);
	service = stream_route(f, "IngressRouteTCP/shop/r", 0)->service;
	assert_int_equal(service->turns.n_order, 2);
	kept = service->state;
	id = service->servers[0].id;
	fixture_compile(f);
	service = stream_route(f, "IngressRouteTCP/shop/r", 0)->service;
	assert_ptr_equal(service->state, kept);
	assert_int_equal(service->servers[0].id, id);
}

static void services_of_files_are_called_by_name(void **state)
{
	struct fixture *f = *state;
	const struct stream_service *service;
	const struct stream_probe *probe;

	file_object(f, KIND_FILE_STREAM_SERVICE, "tcp/both",
		    "{'weighted':{'services':[{'name':'one','weight':2},{'name':'two@file'}],"
		    "'healthCheck':{}}}");
	file_object(f, KIND_FILE_STREAM_SERVICE, "tcp/one",
		    "{'loadBalancer':{'servers':[{'address':'10.0.0.1:1000'},{'address':"
		    "'[2001:db8::1]:1000'}],'healthCheck':{'port':7,'send':'PING','expect':'PONG',"
		    "'interval':'2s','timeout':'1s'}}}");
	file_object(f, KIND_FILE_STREAM_SERVICE, "tcp/two",
		    "{'loadBalancer':{'terminationDelay':7,'proxyProtocol':{'version':1},"
		    "'servers':[{'address':'db.test:1000'}]}}");
	file_object(f, KIND_FILE_STREAM_SERVICE, "udp/one",
		    "{'loadBalancer':{'servers':[{'address':'10.0.0.9:53'}]}}");
	file_object(f, KIND_INGRESS_ROUTE_TCP, "my router",
		    "{'entryPoints':['db'],'routes':[{'match':'HostSNI(`*`)','services':[{'name':"
		    "'both','port':0}]}]}");
	file_object(f, KIND_INGRESS_ROUTE_UDP, "u",
		    "{'routes':[{'services':[{'name':'one','port':0}]}]}");
	fixture_compile(f);
	assert_text(f->snapshot->tcp_routes[0]->name, "my router@file");
	service = f->snapshot->tcp_routes[0]->service;
	assert_text(service->name, "both@file");
	assert_true(service->minds_health);
	assert_int_equal(service->turns.n_order, 3);
	assert_text(service->children[0]->servers[1].address, "[2001:db8::1]:1000");
	assert_non_null(service->children[0]->servers[0].member);
	assert_int_equal(service->children[1]->transport->termination_delay_ns, 7);
	assert_int_equal(service->children[1]->transport->proxy_protocol, 1);
	assert_text(service->children[1]->servers[0].dns_name, "db.test");
	assert_null(service->children[1]->servers[0].member);
	probe = f->snapshot->stream_probes;
	assert_ptr_equal(probe->service, service->children[0]);
	assert_text(probe->expect, "PONG");
	assert_int_equal(probe->interval_ns, 2000000000);
	assert_int_equal(probe->unhealthy_interval_ns, 2000000000);
	assert_text(fixture_entry_point(f, "dns")->udp->servers[0].address, "10.0.0.9:53");
	assert_null(fixture_entry_point(f, "dns")->udp->transport);
}

static void faults_of_files_are_told(void **state)
{
	static const struct {
		const char *name, *spec, *told;
	} rows[] = {
		{"tcp/self", "{'weighted':{'services':[{'name':'self'}]}}", "contains itself"},
		{"tcp/gone", "{'weighted':{'services':[{'name':'none'}]}}",
		 "service none@file does not exist"},
		{"tcp/address", "{'loadBalancer':{'servers':[{'address':'10.0.0.1'}]}}",
		 "not host:port"},
		{"tcp/loop", "{'loadBalancer':{'servers':[{'address':'127.0.0.1:22'}]}}",
		 "loopback"},
		{"tcp/mixed",
		 "{'loadBalancer':{'servers':[{'address':'10.0.0.1:1','tls':true},{'address':"
		 "'10.0.0.2:1'}]}}",
		 "all servers of a service speak TLS"},
	};
	struct fixture *f = *state;

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++)
		file_object(f, KIND_FILE_STREAM_SERVICE, rows[i].name, rows[i].spec);
	fixture_compile(f);
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++)
		assert_told(f, NULL, rows[i].told);
	assert_int_equal(f->snapshot->n_tcp_services, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		STREAM_TEST(several_services_share_by_weight_and_one_that_fails_is_left_out),
		STREAM_TEST(with_none_left_the_route_is_disabled),
		STREAM_TEST(a_weight_of_nothing_gets_nothing),
		STREAM_TEST(turns_stay_over_updates),
		STREAM_TEST(services_of_files_are_called_by_name),
		STREAM_TEST(faults_of_files_are_told),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
