// SPDX-License-Identifier: Apache-2.0
/* file_stream_test: services of the sections tcp: and udp: of files. */
#include "model_help.h"

#include "model/file_stream.h"
#include "model/ingress_route_tcp.h"

static void faults_are_found_and_what_is_right_passes(void **state)
{
	static const struct fault_row rows[] = {
		{"servers",
		 "{'spec':{'loadBalancer':{'servers':[{'address':'a:1','tls':true}],'"
		 "serversTransport':'t'}}}",
		 NULL, NULL},
		{"weighted",
		 "{'spec':{'weighted':{'services':[{'name':'a','weight':0}],'healthCheck':{}}}}",
		 NULL, NULL},
		{"both", "{'spec':{'loadBalancer':{},'weighted':{}}}", "spec", "not one kind"},
		{"none", "{'spec':{}}", "spec", "not one kind"},
		{"url", "{'spec':{'loadBalancer':{'servers':[{'url':'http://a'}]}}}",
		 "spec.loadBalancer.servers[0].address", "missing"},
	};

	(void)state;
	CHECK_ROWS(&schema_file_stream_service, rows);
}

struct scene {
	struct arena arena;
	struct diag_sink sink;
	struct object *objects[16];
	size_t n;
};

static void keep(void *context, struct object *object)
{
	struct scene *s = context;

	assert_true(s->n < 16);
	s->objects[s->n++] = object;
}

static const struct object *find(const struct scene *s, const char *id)
{
	for (size_t i = 0; i < s->n; i++)
		if (str_eq(s->objects[i]->id, str_of(id))) {
			if (!s->objects[i]->valid)
				print_diags(&s->objects[i]->diags);
			assert_true(s->objects[i]->valid);
			return s->objects[i];
		}
	fail_msg("there is no %s", id);
	return NULL;
}

static void sections_become_objects(void **state)
{
	json_t *json = json_of(
		"{'tcp':{'routers':{'a':{'entryPoints':['db'],'rule':'HostSNI(`x`)','priority':5,"
		"'service':'s','middlewares':['m@file'],'tls':{'passthrough':true,'options':'o'}},"
		"'plain':{'rule':'HostSNI(`*`)','service':'s'}},"
		"'services':{'s':{'loadBalancer':{'servers':[{'address':'10.0.0.1:1'}]}}},"
		"'middlewares':{'m':{'inFlightConn':{'amount':3}}},"
		"'serversTransports':{'t':{'dialTimeout':'3s','tls':{'serverName':'x','rootCAs':"
		"['-----BEGIN A']}}}},"
		"'udp':{'routers':{'a':{'entryPoints':['dns'],'service':'s'}},"
		"'services':{'s':{'weighted':{'services':[{'name':'s2'}]}}}}}");
	struct scene s = {.n = 0};
	struct file_format format = {
		.each = keep, .context = &s, .file = STR("a.yml"), .line = 1, .sink = &s.sink};
	const struct ingress_route_tcp *route;
	const struct ingress_route_tcp_rule *rule;

	(void)state;
	arena_init(&s.arena, 1 << 20, 0);
	diag_init(&s.sink, &s.arena);
	file_format_decode(&format, json);
	json_decref(json);
	assert_int_equal(s.sink.n, 0);
	route = find(&s, "IngressRouteTCP/@file/a")->spec;
	assert_true(route->tls->passthrough);
	assert_true(str_eq(route->tls->common.options->name, STR("o")));
	rule = LIST_AT(route->routes, struct ingress_route_tcp_rule, 0);
	assert_int_equal(rule->priority, 5);
	assert_true(str_eq(LIST_AT(rule->services, struct stream_service_ref, 0)->name, STR("s")));
	assert_true(str_eq(LIST_AT(rule->middlewares, struct object_ref, 0)->name, STR("m@file")));
	assert_null(
		((const struct ingress_route_tcp *)find(&s, "IngressRouteTCP/@file/plain")->spec)
			->tls);
	find(&s, "FileStreamService/@file/tcp/s");
	find(&s, "FileStreamService/@file/udp/s");
	find(&s, "MiddlewareTCP/@file/m");
	find(&s, "ServersTransportTCP/@file/t");
	find(&s, "Secret/@file/tcp-transport-t-ca-0");
	find(&s, "IngressRouteUDP/@file/a");
	assert_int_equal(s.n, 8);
	for (size_t i = 0; i < s.n; i++)
		object_unref(s.objects[i]);
	arena_done(&s.arena);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(faults_are_found_and_what_is_right_passes),
		cmocka_unit_test(sections_become_objects),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
