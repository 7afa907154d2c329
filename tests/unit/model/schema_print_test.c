// SPDX-License-Identifier: Apache-2.0
/* schema_print_test: a decoded struct prints to JSON that decodes to the same; its hash is its
 * content. */
#include "model_help.h"

#include "model/ingress_route.h"
#include "model/middleware_object.h"
#include "model/static_config.h"

#define BIG_ROUTE                                                                           \
	"{'spec':{'entryPoints':['a','b'],'tls':{'secretName':'s','options':{'name':'o'}}," \
	"'routes':[{'match':'x','kind':'Rule','priority':7,'middlewares':[{'name':'m'}],"   \
	"'services':[{'name':'s','port':80,'weight':2,'nativeLB':true,"                     \
	"'responseForwarding':{'flushInterval':'1s'},'sticky':{'cookie':{'secure':true}}}," \
	"{'name':'t','port':'web'}]}]}}"

static void check_round_trip(const struct schema *schema, const char *text)
{
	struct decoded d;
	struct diag_sink sink;
	void *again;
	json_t *json;

	decode(&d, schema, text);
	print_diags(&d.sink);
	assert_int_equal(d.errors, 0);
	json = schema_to_json(schema, d.out);
	again = arena_zero(&d.arena, 1, schema->size);
	diag_init(&sink, &d.arena);
	if (schema_decode(schema, json, &d.arena, again, &sink, NULL)) {
		print_diags(&sink);
		fail_msg("%s", text);
	}
	assert_true(schema_hash(schema, again) == schema_hash(schema, d.out));
	json_decref(json);
	decoded_done(&d);
}

static void what_is_printed_decodes_to_the_same(void **state)
{
	(void)state;
	check_round_trip(&schema_ingress_route, BIG_ROUTE);
	check_round_trip(&schema_middleware,
			 "{'spec':{'headers':{'customRequestHeaders':{'A':'','B':'x'},"
			 "'accessControlMaxAge':0,'stsSeconds':5}}}");
	check_round_trip(&schema_middleware,
			 "{'spec':{'rateLimit':{'average':5,'period':'1m30s','sourceCriterion':"
			 "{'ipStrategy':{'excludedIPs':['::1']}}}}}");
	check_round_trip(&schema_static_config,
			 "{'entryPoints':{'web':{'address':':80','http':{'tls':{}}}},'ping':{},"
			 "'metrics':{'prometheus':{}},'interfaces':[]}");
}

static void any_change_of_content_changes_the_hash(void **state)
{
	static const char *const texts[] = {
		"{'spec':{'routes':[]}}",
		"{'spec':{'routes':[],'tls':{}}}",
		"{'spec':{'routes':[],'tls':{'secretName':''}}}",
		"{'spec':{'routes':[],'tls':{'secretName':'a'}}}",
		"{'spec':{'routes':[],'entryPoints':[]}}",
		"{'spec':{'routes':[],'entryPoints':['a']}}",
		"{'spec':{'routes':[],'entryPoints':['a','b']}}",
		"{'spec':{'routes':[],'entryPoints':['ab']}}",
		"{'spec':{'routes':[],'ingressClassName':'a'}}",
		"{'spec':{'routes':[{'match':'a'}]}}",
		"{'spec':{'routes':[{'match':'a','priority':1}]}}",
		"{'spec':{'routes':[{'match':'a','services':[{'name':'a'}]}]}}",
		"{'spec':{'routes':[{'match':'a','services':[{'name':'a','port':80}]}]}}",
		"{'spec':{'routes':[{'match':'a','services':[{'name':'a','port':'80'}]}]}}",
		"{'spec':{'routes':[{'match':'a','services':[{'name':'a','nativeLB':true}]}]}}",
		"{'spec':{'routes':[{'match':'a','services':[{'name':'a','nativeLB':false}]}]}}",
		"{'spec':{'routes':[{'match':'a','services':[{'name':'a','passHostHeader':false}]}]"
		"}}",
	};
	enum { N = sizeof(texts) / sizeof(*texts) };
	uint64_t hashes[N];

	(void)state;
	for (size_t i = 0; i < N; i++) {
		struct decoded d;

		decode(&d, &schema_ingress_route, texts[i]);
		hashes[i] = schema_hash(&schema_ingress_route, d.out);
		for (size_t k = 0; k < i; k++)
			if (hashes[k] == hashes[i])
				fail_msg("%s hashes like %s", texts[i], texts[k]);
		decoded_done(&d);
	}
}

static void what_is_preset_is_what_is_written(void **state)
{
	struct decoded a, b;

	(void)state;
	decode(&a, &schema_middleware, "{'spec':{'rateLimit':{'average':1}}}");
	decode(&b, &schema_middleware,
	       "{'spec':{'rateLimit':{'average':1,'period':'1s','burst':1}}}");
	assert_true(schema_hash(&schema_middleware, a.out) ==
		    schema_hash(&schema_middleware, b.out));
	decoded_done(&a);
	decoded_done(&b);
}

static void the_token_is_not_printed(void **state)
{
	struct decoded d;
	char *text;
	json_t *json;

	(void)state;
	decode(&d, &schema_static_config, "{'providers':{'kubernetesCRD':{'token':'hunter2'}}}");
	json = schema_to_json(&schema_static_config, d.out);
	text = json_dumps(json, 0);
	assert_null(strstr(text, "hunter2"));
	free(text);
	json_decref(json);
	decoded_done(&d);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_printed_decodes_to_the_same),
		cmocka_unit_test(any_change_of_content_changes_the_hash),
		cmocka_unit_test(what_is_preset_is_what_is_written),
		cmocka_unit_test(the_token_is_not_printed),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
