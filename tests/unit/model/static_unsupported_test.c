// SPDX-License-Identifier: Apache-2.0
/* static_unsupported_test: known options without effect are taken out and told of once; unknown
 * ones stay. */
#include "model_help.h"

#include "model/static_unsupported.h"

static void they_are_taken_out_and_told_of(void **state)
{
	static const struct {
		const char *name, *json, *left, *field, *message;
		size_t errors, warnings;
	} rows[] = {
		{"nothing", "{'workers':1}", "{'workers':1}", NULL, NULL, 0, 0},
		{"group", "{'tracing':{'otlp':{'http':{'endpoint':'x'},'grpc':{}}}}", "{}",
		 "tracing", "no effect", 0, 1},
		{"switched off", "{'tracing':false,'ocsp':'false'}", "{}", NULL, NULL, 0, 0},
		{"its default", "{'hostResolver':{'resolvDepth':5}}", "{}", NULL, NULL, 0, 0},
		{"refused", "{'providers':{'docker':{}}}", "{'providers':{}}", "providers.docker",
		 "manifests folder", 1, 0},
		{"gravest", "{'experimental':{'plugins':{'x':{'moduleName':'y'}},'knative':true}}",
		 "{}", "experimental", "no plugins", 1, 0},
		{"beside a known one",
		 "{'providers':{'kubernetesCRD':{'ingressClass':'a'},'docker':true}}",
		 "{'providers':{'kubernetesCRD':{'ingressClass':'a'}}}", "providers.docker",
		 "not supported", 1, 0},
		{"any name", "{'certificatesResolvers':{'le':{'acme':{'email':'a'}}}}", "{}",
		 "certificatesResolvers", "no certificate", 0, 1},
		{"typing error inside", "{'tracing':{'sampelRate':1}}", "{}", "tracing.sampelRate",
		 "unknown option", 1, 0},
		{"unknown stays for the decoder", "{'tracin':{'x':1}}", "{'tracin':{'x':1}}", NULL,
		 NULL, 0, 0},
		{"in an entry point", "{'entryPoints':{'web':{'adress':':80'}}}",
		 "{'entryPoints':{'web':{'adress':':80'}}}", NULL, NULL, 0, 0},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct arena arena;
		struct diag_sink sink;
		json_t *json = json_of(rows[i].json), *want = json_of(rows[i].left), *left;
		const struct diag *diag;

		arena_init(&arena, 1 << 18, 0);
		diag_init(&sink, &arena);
		left = static_unsupported_remove(json, &sink);
		diag = rows[i].field ? find_diag(&sink, rows[i].field) : NULL;
		if (!json_equal(left, want) || sink.n_errors != rows[i].errors ||
		    sink.n_warnings != rows[i].warnings ||
		    (rows[i].field &&
		     (!diag || str_search(diag->message, str_of(rows[i].message)) < 0))) {
			print_diags(&sink);
			fail_msg("%s: %s", rows[i].name, json_dumps(left, JSON_COMPACT));
		}
		json_decref(left);
		json_decref(want);
		json_decref(json);
		arena_done(&arena);
	}
}

static void a_typing_error_gets_a_suggestion(void **state)
{
	struct arena arena;
	struct diag_sink sink;
	json_t *json = json_of("{'tracing':{'sampelRate':1}}");

	(void)state;
	arena_init(&arena, 1 << 18, 0);
	diag_init(&sink, &arena);
	json_decref(static_unsupported_remove(json, &sink));
	assert_str(sink.at[0].suggestion, "did you mean samplerate?");
	json_decref(json);
	arena_done(&arena);
}

static void what_is_no_object_is_left_to_the_decoder(void **state)
{
	struct arena arena;
	struct diag_sink sink;
	json_t *json = json_of("[1]"), *same;

	(void)state;
	arena_init(&arena, 1 << 18, 0);
	diag_init(&sink, &arena);
	same = static_unsupported_remove(json, &sink);
	assert_ptr_equal(same, json);
	json_decref(same);
	json_decref(json);
	arena_done(&arena);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(they_are_taken_out_and_told_of),
		cmocka_unit_test(a_typing_error_gets_a_suggestion),
		cmocka_unit_test(what_is_no_object_is_left_to_the_decoder),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
