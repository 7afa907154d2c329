// SPDX-License-Identifier: Apache-2.0
/* static_args_test: flags and variables become documents, one laid over the other. */
#include "model_help.h"

#include "model/static_args.h"

static void check_json(json_t *json, const char *want, const char *name)
{
	json_t *wanted = json_of(want);

	if (!json_equal(json, wanted))
		fail_msg("%s: %s", name, json_dumps(json, JSON_COMPACT));
	json_decref(json);
	json_decref(wanted);
}

static void flags_become_a_document(void **state)
{
	static const struct {
		const char *argv[5];
		const char *json;
		size_t errors;
	} rows[] = {
		{{"--a.b.c=1", "--A.B.d=2"}, "{'a':{'b':{'c':'1','d':'2'}}}", 0},
		{{"-a=x=y"}, "{'a':'x=y'}", 0},
		{{"--ping"}, "{'ping':''}", 0},
		{{"--ping", "--ping.entryPoint=x"}, "{'ping':{'entryPoint':'x'}}", 0},
		{{"--ping.entryPoint=x", "--ping"}, "{'ping':{'entryPoint':'x'}}", 0},
		{{"--ping.entryPoint=x", "--ping=false"}, "{'ping':'false'}", 0},
		{{"--kernelPlane", "off"}, "{'kernelPlane':'off'}", 0},
		{{"--workers=1", "--Workers=2"}, "{'workers':'2'}", 0},
		{{"--interfaces=a", "--interfaces=b"}, "{'interfaces':'a,b'}", 0},
		{{"--a[1].b=x", "--a[0]=y"}, "{'a':['y',{'b':'x'}]}", 0},
		{{"--api.insecure", "word"}, "{'api':{'insecure':''}}", 1},
		{{"--=x"}, "{}", 1},
		{{"--a..b=x"}, "{'a':{}}", 1},
		{{"--a[x]=1"}, "{}", 1},
		{{"--a[99999]=1"}, "{}", 1},
		{{"--a.=1"}, "{'a':{}}", 1},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct arena arena;
		struct diag_sink sink;
		int argc = 0;

		while (argc < 5 && rows[i].argv[argc])
			argc++;
		arena_init(&arena, 1 << 18, 0);
		diag_init(&sink, &arena);
		json_t *json = static_args_flags(argc, (void *)rows[i].argv, &sink, NULL);

		if (sink.n_errors != rows[i].errors)
			fail_msg("%s: %zu errors", rows[i].argv[0], sink.n_errors);
		check_json(json, rows[i].json, rows[i].argv[0]);
		arena_done(&arena);
	}
}

static void variables_become_a_document(void **state)
{
	const char *const envp[] = {"TIDEGATE_ENTRYPOINTS_WEB_ADDRESS=:80",
				    "TRAEFIK_LOG_LEVEL=DEBUG",
				    "TRAEFIK_WORKERS=1",
				    "TIDEGATE_WORKERS=2",
				    "TIDEGATE_SERVICE_PORT=tcp://10.0.0.1",
				    "TRAEFIK_METRICS_SERVICE_HOST=10.0.0.1",
				    "TRAEFIK_METRICS_SERVICE_PORT=9100",
				    "TRAEFIK_METRICS_SERVICE_PORT_METRICS=9100",
				    "TRAEFIK_METRICS_PORT=tcp://10.0.0.1:9100",
				    "TRAEFIK_METRICS_PORT_9100_TCP=tcp://10.0.0.1:9100",
				    "TIDEGATE_ADMIN_PORT_53_UDP_PROTO=udp",
				    "TIDEGATE_",
				    "HOME=/root",
				    "TIDEGATE_PING",
				    NULL};
	struct arena arena;
	struct diag_sink sink;

	(void)state;
	arena_init(&arena, 1 << 18, 0);
	diag_init(&sink, &arena);
	check_json(
		static_args_environment((void *)envp, &sink),
		"{'entrypoints':{'web':{'address':':80'}},'log':{'level':'DEBUG'},'workers':'2'}",
		"environment");
	assert_int_equal(sink.n, 0);
	arena_done(&arena);
}

static void later_layers_override_key_by_key(void **state)
{
	static const struct {
		const char *base, *over, *want;
	} rows[] = {
		{"{'A':{'b':1,'c':2}}", "{'a':{'B':3}}", "{'A':{'b':3,'c':2}}"},
		{"{'a':[1,2]}", "{'a':[3]}", "{'a':[3]}"},
		{"{'a':{'b':1}}", "{'a':'true'}", "{'a':{'b':1}}"},
		{"{'a':{'b':1}}", "{'a':'false'}", "{'a':'false'}"},
		{"{'a':true}", "{'a':{'b':1}}", "{'a':{'b':1}}"},
		{"{}", "{'a':{'b':1}}", "{'a':{'b':1}}"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		json_t *base = json_of(rows[i].base), *over = json_of(rows[i].over);

		static_args_overlay(base, over);
		json_decref(over);
		check_json(base, rows[i].want, rows[i].base);
	}
}

static void values_are_found_by_path(void **state)
{
	json_t *json = json_of("{'a':{'B':[{'c':5}]}}");

	(void)state;
	assert_int_equal(json_integer_value(static_args_at(json, STR("A.b[0].C"))), 5);
	assert_null(static_args_at(json, STR("a.b[1].c")));
	assert_null(static_args_at(json, STR("a.x")));
	assert_null(static_args_at(json, STR("a.b[")));
	json_decref(json);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(flags_become_a_document),
		cmocka_unit_test(variables_become_a_document),
		cmocka_unit_test(later_layers_override_key_by_key),
		cmocka_unit_test(values_are_found_by_path),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
