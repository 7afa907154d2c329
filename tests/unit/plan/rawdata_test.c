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
	data = rawdata(f->snapshot, 1);
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

/* Whether the data holds this piece; quotes are written as '. */
static void assert_holds(const char *text, const char *piece)
{
	char quoted[512];

	snprintf(quoted, sizeof(quoted), "%s", piece);
	for (char *c = quoted; *c; c++)
		*c = *c == '\'' ? '"' : *c;
	if (!strstr(text, quoted))
		fail_msg("%s is not in %s", quoted, text);
}

static void every_kind_of_service_shows_what_it_is(void **state)
{
	static const char *const pieces[] = {
		"'mirroring':{'maxBodySize':-1,'mirrorBody':true,'mirrors':[{'name':'shop-web-80',"
		"'percent':20}],'service':'shop-web-80'}",
		"'type':'mirroring'",
		"'failover':{'errors':{'maxRequestBodyBytes':-1,'status':['500-599','404']},"
		"'fallback':'shop-web-80','service':'shop-web-80'}",
		"'highestRandomWeight':{'services':[{'name':'shop-web-80','weight':2}]}",
		"'type':'highestrandomweight'",
		"'strategy':'leasttime'",
		"'passiveHealthCheck':{'failureWindow':'3s','maxFailedAttempts':2}",
		"'http://10.0.0.1:8080':'DOWN'",
		"'http://10.0.0.2:8080':'UP'",
		"'middlewares':['shop-m@kubernetescrd']",
	};
	struct fixture *f = *state;
	const struct service *service;
	json_t *data;
	char *text;

	fixture_add(f, "Middleware", "m", "'spec':{'stripPrefix':{'prefixes':['/x']}}");
	fixture_add(
		f, "TraefikService", "mirror",
		"'spec':{'mirroring':{'name':'web','port':80,'mirrors':[{'name':'web','port':80,"
		"'percent':20}]}}");
	fixture_add(f, "TraefikService", "fail",
		    "'spec':{'failover':{'service':{'name':'web','port':80},'fallback':{'name':"
		    "'web','port':80},'errors':{'status':['500-599','404']}}}");
	fixture_add(f, "TraefikService", "high",
		    "'spec':{'highestRandomWeight':{'services':[{'name':'web','port':80,'weight':2,"
		    "'strategy':'leasttime','middlewares':[{'name':'m'}],'passiveHealthCheck':{"
		    "'failureWindow':'3s','maxFailedAttempts':2}}]}}");
	fixture_backend(f, "web", "'10.0.0.1','10.0.0.2'");
	fixture_add(f, "IngressRoute", "r",
		    "'spec':{'routes':[{'match':'Host(`a`)','services':[{'name':'high','kind':"
		    "'TraefikService'}]}]}");
	fixture_compile(f);
	service = fixture_find(f, "IngressRoute/shop/r", 0)->service->children[0].service;
	live_member_probed(service->servers[0].member, false, 1);
	data = rawdata(f->snapshot, 1);
	text = json_dumps(data, JSON_COMPACT | JSON_SORT_KEYS);
	/* The last parent's settings are shown of a child that several have. */
	json_decref(data);
	data = rawdata_service(f->snapshot, service, 1);
	for (size_t i = 0; i < sizeof(pieces) / sizeof(*pieces); i++) {
		char *own = json_dumps(data, JSON_COMPACT | JSON_SORT_KEYS);

		assert_holds(i < 5 ? text : own, pieces[i]);
		free(own);
	}
	json_decref(data);
	free(text);
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
	data = rawdata(f->snapshot, 1);
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
	data = rawdata(f->snapshot, 1);
	item = rawdata_router(f->snapshot, f->snapshot->routes[0]);
	assert_true(json_equal(item, at(data, "routers", f->snapshot->routes[0]->name.at, NULL)));
	json_decref(item);
	item = rawdata_service(f->snapshot, f->snapshot->services[0], 1);
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
		FIXTURE_TEST(every_kind_of_service_shows_what_it_is),
		FIXTURE_TEST(secrets_never_appear),
		FIXTURE_TEST(single_items_equal_those_of_the_whole),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
