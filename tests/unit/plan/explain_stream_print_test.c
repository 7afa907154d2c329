// SPDX-License-Identifier: Apache-2.0
/* explain_stream_print_test: questions from JSON, answers as text and JSON. */

#include <errno.h>

#include "plan/explain_stream.h"
#include "stream_fixture.h"

static json_t *json_of(const char *text)
{
	char copy[512];
	json_t *json;

	snprintf(copy, sizeof(copy), "%s", text);
	for (char *c = copy; *c; c++)
		*c = *c == '\'' ? '"' : *c;
	json = json_loads(copy, 0, NULL);
	assert_non_null(json);
	return json;
}

static void questions_are_read_and_wrong_ones_refused(void **state)
{
	static const struct {
		const char *json, *fault; /* NULL: none */
	} rows[] = {
		{"{'tcp':'db'}", NULL},
		{"{'udp':'192.0.2.1:53','id':7,'remote_addr':'10.0.0.1'}", NULL},
		{"{'tcp':'db','tls':true,'sni':'a','alpn':['h2','x']}", NULL},
		{"{'tcp':5}", "tcp or udp"},
		{"{'udp':''}", "tcp or udp"},
		{"{'tcp':'db','sni':1}", "sni"},
		{"{'tcp':'db','tls':'yes'}", "tls"},
		{"{'tcp':'db','alpn':'h2'}", "alpn"},
		{"{'tcp':'db','alpn':[1]}", "alpn"},
		{"{'tcp':'db','remote_addr':[]}", "remote_addr"},
		{"{'tcp':'db','id':{}}", "id"},
	};
	struct fixture *f = *state;

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct explain_stream_spec spec;
		const char *message = NULL;
		json_t *json = json_of(rows[i].json);
		int rc = explain_stream_from_json(json, &f->arena, &spec, &message);

		assert_true(explain_stream_is_asked(json));
		assert_int_equal(rc, rows[i].fault ? -EINVAL : 0);
		if (rows[i].fault && !strstr(message, rows[i].fault))
			fail_msg("%s: %s", rows[i].json, message);
		json_decref(json);
	}
}

static void answers_hold_what_was_found(void **state)
{
	struct fixture *f = *state;
	struct explain_stream_spec spec = {.target = STR("db"), .id = STR("x")};
	struct explain_stream_result result;
	struct buf buf;
	json_t *json;

	stream_backend(f, "pg", "'10.0.0.1'");
	fixture_add(f, "IngressRouteTCP", "r",
		    "'spec':{'entryPoints':['db'],'routes':[{'match':'HostSNI(`*`)','services':[{"
		    "'name':'pg','port':5432}]}]}");
	fixture_compile(f);
	result = explain_stream(f->snapshot, &spec, &f->arena);
	json = explain_stream_to_json(&result, &f->arena);
	assert_string_equal(json_string_value(json_object_get(json, "by")), "kernel");
	assert_string_equal(json_string_value(json_object_get(json, "action")), "forward");
	assert_string_equal(json_string_value(json_object_get(json, "id")), "x");
	assert_string_equal(json_string_value(json_object_get(json, "offload")),
			    "by the kernel plane, on entry point db");
	json_decref(json);
	buf_init(&buf, 1 << 16);
	explain_stream_print(&result, &f->arena, &buf);
	assert_true(str_search(buf_str(&buf), STR("forward by the kernel plane")) > 0);
	assert_true(str_search(buf_str(&buf), STR("10.0.0.1:15432  weight 1  active")) > 0);
	buf_done(&buf);

	fixture_config(f, "{" STREAM_EPS ",'forwarding':{'offload':'off'}}");
	fixture_compile(f);
	result = explain_stream(f->snapshot, &spec, &f->arena);
	json = explain_stream_to_json(&result, &f->arena);
	assert_string_equal(json_string_value(json_object_get(json, "by")), "proxy");
	assert_int_equal(json_array_size(json_object_get(json, "servers")), 1);
	assert_int_equal(json_array_size(json_object_get(json, "considered")), 1);
	json_decref(json);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		STREAM_TEST(questions_are_read_and_wrong_ones_refused),
		STREAM_TEST(answers_hold_what_was_found),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
