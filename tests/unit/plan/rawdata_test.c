// SPDX-License-Identifier: Apache-2.0
/* rawdata_test: the snapshot in the shapes of reference h.4, without secrets. */

#include "plan/rawdata.h"

#include "compile_fixture.h"

static const json_t *at(const json_t *json, const char *a, const char *b, const char *c)
{
	json = json_object_get(json, a);
	json = b ? json_object_get(json, b) : json;
	return c ? json_object_get(json, c) : json;
}

static void items_have_the_shapes_of_the_reference(void **state)
{
	struct fixture *f = *state;
	const struct route *route;
	const json_t *item;
	json_t *data;

	fixture_add(f, "Middleware", "m", "'spec':{'stripPrefix':{'prefixes':['/x']}}");
	fixture_backend(f, "b", "'10.0.0.3'");
	fixture_add(f, "TraefikService", "ts",
		    "'spec':{'weighted':{'services':[{'name':'b','port':80,'weight':3}],'sticky':{'"
		    "cookie':{"
		    "'name':'c'}}}}");
	fixture_route(f, "r", "Host(`a`)", ",'middlewares':[{'name':'m'}]");
	fixture_route(f, "bad", "Host(`a`)", ",'middlewares':[{'name':'none'}]");
	fixture_compile(f);
	data = rawdata(f->snapshot);
	assert_int_equal(json_object_size(json_object_get(data, "routers")), 2);

	route = fixture_find(f, "IngressRoute/shop/r", 0);
	item = at(data, "routers", route->name.at, NULL);
	assert_string_equal(json_string_value(at(item, "rule", NULL, NULL)), "Host(`a`)");
	assert_string_equal(json_string_value(at(item, "status", NULL, NULL)), "enabled");
	assert_string_equal(json_string_value(at(item, "provider", NULL, NULL)), "kubernetescrd");
	assert_string_equal(json_string_value(at(item, "priorityStr", NULL, NULL)), "9");
	assert_string_equal(
		json_string_value(json_array_get(at(item, "middlewares", NULL, NULL), 0)),
		"shop-m@kubernetescrd");
	assert_int_equal(json_string_length(at(item, "service", NULL, NULL)),
			 route->name.len - strlen("@kubernetescrd"));
	item = at(data, "services", route->name.at, "loadBalancer");
	assert_int_equal(json_array_size(json_object_get(item, "servers")), 2);
	assert_string_equal(json_string_value(json_object_get(
				    at(data, "services", route->name.at, "serverStatus"),
				    "http://10.0.0.1:8080")),
			    "UP");
	item = at(data, "services", route->name.at, "usedBy");
	assert_string_equal(json_string_value(json_array_get(item, 0)), route->name.at);

	route = fixture_find(f, "IngressRoute/shop/bad", 0);
	item = at(data, "routers", route->name.at, NULL);
	assert_string_equal(json_string_value(at(item, "status", NULL, NULL)), "disabled");
	assert_int_equal(json_array_size(at(item, "error", NULL, NULL)), 1);

	item = at(data, "middlewares", "shop-m@kubernetescrd", "stripPrefix");
	assert_int_equal(json_array_size(json_object_get(item, "prefixes")), 1);
	item = at(data, "services", "shop-ts@kubernetescrd", "weighted");
	assert_int_equal(json_integer_value(json_object_get(
				 json_array_get(json_object_get(item, "services"), 0), "weight")),
			 3);
	json_decref(data);
}

static void secrets_never_appear(void **state)
{
	struct fixture *f = *state;
	char *text;
	json_t *data;

	fixture_add(f, "Secret", "s",
		    "'type':'kubernetes.io/basic-auth','stringData':{'username':'ada','password':"
		    "'very-secret-word'}");
	fixture_add(f, "Middleware", "auth", "'spec':{'basicAuth':{'secret':'s'}}");
	fixture_route(f, "r", "Host(`a`)", ",'middlewares':[{'name':'auth'}]");
	fixture_compile(f);
	assert_int_equal(fixture_find(f, "IngressRoute/shop/r", 0)->status, ROUTE_ENABLED);
	data = rawdata(f->snapshot);
	text = json_dumps(data, JSON_SORT_KEYS);
	assert_null(strstr(text, "very-secret-word"));
	assert_null(strstr(text, "{SHA}"));
	assert_non_null(strstr(text, "shop-auth@kubernetescrd"));
	free(text);
	json_decref(data);
}

static void single_items_equal_those_of_the_whole(void **state)
{
	struct fixture *f = *state;
	json_t *data, *item;

	fixture_add(f, "Middleware", "m", "'spec':{'stripPrefix':{'prefixes':['/x']}}");
	fixture_route(f, "r", "Host(`a`)", ",'middlewares':[{'name':'m'}]");
	fixture_compile(f);
	data = rawdata(f->snapshot);
	item = rawdata_router(f->snapshot, f->snapshot->routes[0]);
	assert_true(json_equal(item, at(data, "routers", f->snapshot->routes[0]->name.at, NULL)));
	json_decref(item);
	item = rawdata_service(f->snapshot, f->snapshot->services[0]);
	assert_true(
		json_equal(item, at(data, "services", f->snapshot->services[0]->name.at, NULL)));
	json_decref(item);
	item = rawdata_middleware(f->snapshot, &f->snapshot->middlewares[0]);
	assert_true(json_equal(item, at(data, "middlewares", "shop-m@kubernetescrd", NULL)));
	json_decref(item);
	json_decref(data);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		FIXTURE_TEST(items_have_the_shapes_of_the_reference),
		FIXTURE_TEST(secrets_never_appear),
		FIXTURE_TEST(single_items_equal_those_of_the_whole),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
