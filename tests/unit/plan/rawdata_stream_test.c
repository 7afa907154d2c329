// SPDX-License-Identifier: Apache-2.0
/* rawdata_stream_test: TCP and UDP in the shapes of reference h.4. */

#include "plan/rawdata.h"
#include "plan/rawdata_stream.h"
#include "stream_fixture.h"

static const char *text_at(const json_t *json, const char *key)
{
	const char *text = json_string_value(json_object_get(json, key));

	return text ? text : "";
}

static void items_have_the_shapes_of_the_reference(void **state)
{
	struct fixture *f = *state;
	const struct tcp_route *route;
	const json_t *item;
	json_t *data, *counts;

	stream_backend(f, "pg", "'10.0.0.1'");
	stream_backend(f, "b", "'10.0.0.2'");
	fixture_add(f, "MiddlewareTCP", "few", "'spec':{'inFlightConn':{'amount':3}}");
	fixture_add(f, "IngressRouteTCP", "r",
		    "'spec':{'entryPoints':['db'],'tls':{'passthrough':true},'routes':[{'match':"
		    "'HostSNI(`a`)','middlewares':[{'name':'few'}],'services':[{'name':'pg','port':"
		    "5432,'weight':2},{'name':'b','port':5432}]}]}");
	fixture_add(f, "IngressRouteTCP", "bad",
		    "'spec':{'entryPoints':['db'],'routes':[{'match':'HostSNI(`a`)','services':[{"
		    "'name':'pg','port':5432}]}]}");
	fixture_add(f, "IngressRouteUDP", "u",
		    "'spec':{'entryPoints':['dns'],'routes':[{'services':[{'name':'pg','port':"
		    "5432}]}]}");
	fixture_compile(f);
	data = rawdata(f->snapshot, 1);
	route = stream_route(f, "IngressRouteTCP/shop/r", 0);
	item = json_object_get(json_object_get(data, "tcpRouters"), route->name.at);
	assert_string_equal(text_at(item, "rule"), "HostSNI(`a`)");
	assert_string_equal(text_at(item, "status"), "enabled");
	assert_string_equal(text_at(item, "provider"), "kubernetescrd");
	assert_string_equal(text_at(item, "priorityStr"), "12");
	assert_true(json_is_true(json_object_get(json_object_get(item, "tls"), "passthrough")));
	assert_true(
		json_is_false(json_object_get(json_object_get(item, "offload"), "kernelPlane")));
	item = json_object_get(json_object_get(data, "tcpServices"), route->name.at);
	assert_string_equal(text_at(item, "type"), "weighted");
	assert_int_equal(json_array_size(json_object_get(item, "usedBy")), 1);
	item = json_object_get(json_object_get(data, "tcpServices"),
			       route->service->children[0]->name.at);
	assert_string_equal(text_at(json_object_get(item, "serverStatus"), "10.0.0.1:15432"), "UP");
	item = json_object_get(json_object_get(data, "tcpMiddlewares"), "shop-few@kubernetescrd");
	assert_int_equal(json_integer_value(
				 json_object_get(json_object_get(item, "inFlightConn"), "amount")),
			 3);
	route = stream_route(f, "IngressRouteTCP/shop/bad", 0);
	item = json_object_get(json_object_get(data, "tcpRouters"), route->name.at);
	assert_string_equal(text_at(item, "status"), "disabled");
	assert_int_equal(json_array_size(json_object_get(item, "error")), 1);
	item = json_object_get(json_object_get(data, "udpRouters"), "shop-u-0@kubernetescrd");
	assert_string_equal(text_at(item, "service"), "shop-u-0");
	assert_non_null(
		json_object_get(json_object_get(data, "udpServices"), "shop-u-0@kubernetescrd"));
	json_decref(data);
	counts = rawdata_stream_tcp_counts(f->snapshot);
	item = json_object_get(counts, "routers");
	assert_int_equal(json_integer_value(json_object_get(item, "total")), 2);
	assert_int_equal(json_integer_value(json_object_get(item, "errors")), 1);
	json_decref(counts);
	counts = rawdata_stream_udp_counts(f->snapshot);
	assert_int_equal(
		json_integer_value(json_object_get(json_object_get(counts, "services"), "total")),
		1);
	json_decref(counts);
}

static void what_is_not_there_is_not_listed(void **state)
{
	struct fixture *f = *state;
	json_t *data;

	fixture_compile(f);
	data = rawdata(f->snapshot, 1);
	assert_null(json_object_get(data, "tcpRouters"));
	assert_null(json_object_get(data, "udpServices"));
	json_decref(data);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		STREAM_TEST(items_have_the_shapes_of_the_reference),
		STREAM_TEST(what_is_not_there_is_not_listed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
