// SPDX-License-Identifier: Apache-2.0
/* explain_print_test: requests from JSON lines, explanations as JSON and as text. */

#include <errno.h>

#include "compile_fixture.h"
#include "plan/explain.h"

static json_t *json(const char *text)
{
	json_error_t error;
	json_t *value = json_loads(text, JSON_DECODE_ANY, &error);

	if (!value)
		fail_msg("%s: %s", error.text, text);
	return value;
}

static struct explain_result explain(struct fixture *f, const char *line)
{
	struct explain_spec spec;
	const char *message = NULL;
	json_t *request = json(line);
	struct explain_result result;

	if (explain_spec_from_json(request, &f->arena, &spec, &message) < 0)
		fail_msg("%s: %s", line, message);
	spec.id = arena_str(&f->arena, spec.id);
	result = explain_run(f->snapshot, &spec, 0, &f->arena);
	json_decref(request);
	return result;
}

static void requests_come_from_json(void **state)
{
	static const struct {
		const char *line, *message; /* NULL: it is taken */
		size_t n_headers;
	} rows[] = {
		{"{\"url\":\"/\"}", NULL, 0},
		{"{\"id\":\"1\",\"method\":\"GET\",\"url\":\"/"
		 "\",\"headers\":[[\"Host\",\"a\"],[\"X\","
		 "\"y\"]],\"remote_addr\":\"1.2.3.4\"}",
		 NULL, 2},
		{"{\"id\":5,\"url\":\"/\",\"headers\":{\"Host\":\"a\"}}", NULL, 1},
		{"{\"url\":\"/\",\"headers\":null,\"id\":null}", NULL, 0},
		{"[]", "a request is an object", 0},
		{"{}", "url is needed, a string", 0},
		{"{\"url\":7}", "url is needed, a string", 0},
		{"{\"url\":\"/\",\"id\":[]}", "id is a string", 0},
		{"{\"url\":\"/\",\"method\":1}", "method is a string", 0},
		{"{\"url\":\"/\",\"remote_addr\":1}", "remote_addr is a string", 0},
		{"{\"url\":\"/\",\"headers\":\"x\"}", "headers is a list of [name, value]", 0},
		{"{\"url\":\"/\",\"headers\":[[\"x\"]]}", "headers is a list of [name, value]", 0},
		{"{\"url\":\"/\",\"headers\":{\"x\":1}}", "headers is a list of [name, value]", 0},
	};
	struct fixture *f = *state;

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct explain_spec spec = {0};
		const char *message = NULL;
		json_t *line = json(rows[i].line);
		int status = explain_spec_from_json(line, &f->arena, &spec, &message);

		if (status != (rows[i].message ? -EINVAL : 0) ||
		    (rows[i].message && strcmp(message, rows[i].message)))
			fail_msg("%s: %d %s", rows[i].line, status, message ? message : "");
		assert_int_equal(spec.n_headers, rows[i].n_headers);
		json_decref(line);
	}
}

static void a_forwarded_request_as_json(void **state)
{
	struct fixture *f = *state;
	struct explain_result result;
	json_t *got, *want;

	fixture_add(f, "Middleware", "m", "'spec':{'stripPrefix':{'prefixes':['/x']}}");
	fixture_route(f, "r", "Host(`a`)", ",'middlewares':[{'name':'m'}]");
	fixture_compile(f);
	result = explain(
		f, "{\"id\":\"q1\",\"method\":\"GET\",\"url\":\"http://a/x/y\",\"headers\":[],"
		   "\"remote_addr\":\"10.0.0.5\"}");
	got = explain_to_json(&result);
	json_object_del(got, "why");
	json_object_del(got, "considered");
	want = json("{\"id\":\"q1\",\"action\":\"forward\",\"status\":null,\"entryPoint\":\"web\","
		    "\"router\":\"-\",\"rule\":\"Host(`a`)\","
		    "\"priority\":9,\"middlewares\":[\"shop-m@kubernetescrd\"],"
		    "\"service\":\"-\","
		    "\"object\":\"IngressRoute/shop/r\",\"kernel\":null}");
	json_object_set(want, "router", json_object_get(got, "router"));
	json_object_set(want, "service", json_object_get(got, "service"));
	assert_true(json_equal(got, want));
	json_decref(got);
	json_decref(want);
}

static void an_answer_and_a_drop_as_json(void **state)
{
	struct fixture *f = *state;
	struct explain_result result;
	json_t *got;

	fixture_add(f, "SourcePolicy", "p",
		    "'spec':{'deny':['10.9.0.0/16'],'limits':{'packetsPerSecond':100}}");
	fixture_compile(f);
	result = explain(f, "{\"id\":\"1\",\"url\":\"http://a/\",\"remote_addr\":\"10.0.0.5\"}");
	got = explain_to_json(&result);
	assert_string_equal(json_string_value(json_object_get(got, "action")), "respond");
	assert_int_equal(json_integer_value(json_object_get(got, "status")), 404);
	assert_true(json_is_null(json_object_get(got, "router")));
	assert_true(json_number_value(json_object_get(
			    json_object_get(json_object_get(got, "kernel"), "packets"),
			    "perSecond")) == 100);
	json_decref(got);
	result = explain(f, "{\"id\":\"2\",\"url\":\"http://a/\",\"remote_addr\":\"10.9.0.5\"}");
	got = explain_to_json(&result);
	assert_string_equal(json_string_value(json_object_get(got, "action")), "drop");
	assert_true(json_is_null(json_object_get(got, "status")));
	assert_string_equal(
		json_string_value(json_object_get(json_object_get(got, "kernel"), "prefix")),
		"10.9.0.0/16");
	json_decref(got);
}

static void the_text_names_what_matters(void **state)
{
	static const char *const parts[] = {
		"action        forward to shop-r-",
		"entry point   web\n",
		"kernel plane  SourcePolicy/shop/p: no prefix of its lists, 100 packets/s",
		"considered    - shop-p-",
		"no: Method(`POST`)",
		"object        IngressRoute/shop/r, route 0",
		"middlewares   shop-m@kubernetescrd (stripPrefix)",
	};
	struct fixture *f = *state;
	struct explain_result result;
	struct buf buf;

	fixture_add(f, "SourcePolicy", "p", "'spec':{'limits':{'packetsPerSecond':100}}");
	fixture_add(f, "Middleware", "m", "'spec':{'stripPrefix':{'prefixes':['/x']}}");
	fixture_route(f, "r", "Host(`a`)", ",'middlewares':[{'name':'m'}]");
	fixture_route(f, "p", "Host(`a`) && Method(`POST`)", "");
	fixture_compile(f);
	result = explain(f, "{\"url\":\"http://a/x\"}");
	buf_init(&buf, 1 << 16);
	explain_print(&result, &buf);
	for (size_t i = 0; i < sizeof(parts) / sizeof(*parts); i++)
		if (!strstr(buf_str(&buf).at, parts[i]))
			fail_msg("no \"%s\" in\n%s", parts[i], buf_str(&buf).at);
	buf_done(&buf);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		FIXTURE_TEST(requests_come_from_json),
		FIXTURE_TEST(a_forwarded_request_as_json),
		FIXTURE_TEST(an_answer_and_a_drop_as_json),
		FIXTURE_TEST(the_text_names_what_matters),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
