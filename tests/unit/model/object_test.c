// SPDX-License-Identifier: Apache-2.0
/* object_test: documents become objects, with all their faults, or are passed over. */
#include "model_help.h"

#include "model/ingress_route.h"
#include "model/source_policy.h"

#define ROUTE                                                                                   \
	"{'apiVersion':'traefik.io/v1alpha1','kind':'IngressRoute','metadata':{'name':'web',"   \
	"'namespace':'shop','labels':{'a':'b'},'creationTimestamp':'2024-05-01T10:00:00Z'},"    \
	"'spec':{'entryPoints':['web'],'routes':[{'match':'Host(`a`)','services':[{'name':'s'," \
	"'port':80}]}]}}"

static void a_route_is_decoded(void **state)
{
	struct object *object = object_of(ROUTE);
	const struct ingress_route *route = object->spec;

	(void)state;
	assert_true(object->valid);
	assert_str(object->id, "IngressRoute/shop/web");
	assert_str(object->meta.labels.at[0].value, "b");
	assert_int_equal(object->meta.created_ns / 1000000000, 1714557600);
	assert_int_equal(route->routes.n, 1);
	assert_str(LIST_AT(route->routes, struct ingress_route_rule, 0)->match, "Host(`a`)");
	assert_null(route->tls);
	assert_null(route->ingress_class_name.at);
	object_unref(object);
}

static void a_broken_object_is_kept_with_its_faults(void **state)
{
	struct object *object =
		object_of("{'apiVersion':'traefik.io/"
			  "v1alpha1','kind':'IngressRoute','metadata':{'name':'web'},"
			  "'spec':{'routes':[{'mach':'x'}]}}");

	(void)state;
	assert_non_null(object);
	assert_false(object->valid);
	assert_null(object->spec);
	assert_str(object->id, "IngressRoute/default/web");
	assert_int_equal(object->diags.n_errors, 2);
	assert_str(object->diags.at[0].object, "IngressRoute/default/web");
	assert_str(object->diags.at[0].field, "spec.routes[0].mach");
	assert_str(object->diags.at[0].suggestion, "did you mean match?");
	assert_str(object->diags.at[1].field, "spec.routes[0].match");
	object_unref(object);
}

static void names_must_be_names(void **state)
{
	struct object *object = object_of(
		"{'apiVersion':'v1','kind':'Secret','metadata':{'name':'A_b','namespace':'x.y'}}");

	(void)state;
	assert_false(object->valid);
	assert_non_null(find_diag(&object->diags, "metadata.name"));
	assert_non_null(find_diag(&object->diags, "metadata.namespace"));
	object_unref(object);
}

static void generate_name_stands_for_a_missing_name(void **state)
{
	struct object *object =
		object_of("{'apiVersion':'v1','kind':'Secret','metadata':{'generateName':'web-'}}");

	(void)state;
	assert_true(object->valid);
	assert_str(object->meta.name, "web-");
	assert_str(object->id, "Secret/default/web-");
	object_unref(object);
}

static void other_documents_are_passed_over_or_named(void **state)
{
	static const struct {
		const char *name, *json;
		bool skip;
		size_t errors, warnings;
	} rows[] = {
		{"deployment",
		 "{'apiVersion':'apps/v1','kind':'Deployment','metadata':{'name':'x'}}", true, 0,
		 0},
		{"gateway", "{'apiVersion':'gateway.networking.k8s.io/v1','kind':'Gateway'}", false,
		 0, 1},
		{"unknown", "{'apiVersion':'traefik.io/v1alpha1','kind':'IngressRouteSCTP'}", false,
		 0, 1},
		{"version", "{'apiVersion':'traefik.io/v9','kind':'IngressRoute'}", false, 1, 0},
		{"old group", "{'apiVersion':'traefik.containo.us/v1alpha1','kind':'Middleware'}",
		 false, 1, 0},
		{"network policy", "{'apiVersion':'networking.k8s.io/v1','kind':'NetworkPolicy'}",
		 true, 0, 0},
		{"no kind", "{'apiVersion':'v1'}", false, 1, 0},
		{"no name", "{'apiVersion':'v1','kind':'Secret','metadata':{}}", false, 1, 0},
		{"name: y", "{'apiVersion':'v1','kind':'Secret','metadata':{'name':true}}", false,
		 1, 0},
		{"name: 10", "{'apiVersion':'v1','kind':'Secret','metadata':{'name':10}}", false, 1,
		 0},
		{"a list", "[1]", false, 1, 0},
		{"a foreign Service", "{'apiVersion':'serving.knative.dev/v1','kind':'Service'}",
		 true, 0, 0},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct arena arena;
		struct diag_sink sink;
		bool skip;
		json_t *json = json_of(rows[i].json);

		arena_init(&arena, 1 << 20, 0);
		diag_init(&sink, &arena);
		assert_null(object_decode(json, STR("f"), 3, &sink, &skip));
		if (skip != rows[i].skip || sink.n_errors != rows[i].errors ||
		    sink.n_warnings != rows[i].warnings)
			fail_msg("%s", rows[i].name);
		json_decref(json);
		arena_done(&arena);
	}
}

static void content_decides_the_hash(void **state)
{
	struct object *a = object_of(ROUTE), *b = object_of(ROUTE);
	struct object *c = object_of(
		"{'apiVersion':'traefik.io/"
		"v1alpha1','kind':'IngressRoute','metadata':{'name':'web',"
		"'namespace':'shop','labels':{'a':'b'},'creationTimestamp':'2024-05-01T10:00:00Z'},"
		"'spec':{'entryPoints':['web'],'routes':[{'match':'Host(`b`)','services':[{'name':'"
		"s',"
		"'port':80}]}]}}");

	(void)state;
	assert_true(a->content_hash == b->content_hash);
	assert_true(a->content_hash != c->content_hash);
	object_unref(a);
	object_unref(b);
	object_unref(c);
}

static void count_object(void *context, struct object *object)
{
	*(size_t *)context += 1;
	object_unref(object);
}

static void lists_are_expanded(void **state)
{
	struct arena arena;
	struct diag_sink sink;
	size_t n = 0;
	json_t *json = json_of("{'apiVersion':'v1','kind':'List','items':["
			       "{'apiVersion':'v1','kind':'Secret','metadata':{'name':'a'}},"
			       "{'apiVersion':'apps/v1','kind':'Deployment'},"
			       "{'apiVersion':'v1','kind':'Secret','metadata':{'name':'b'}}]}");

	(void)state;
	arena_init(&arena, 1 << 20, 0);
	diag_init(&sink, &arena);
	assert_int_equal(object_decode_each(json, STR("f"), 1, &sink, count_object, &n), 1);
	assert_int_equal(n, 2);
	assert_int_equal(sink.n, 0);
	json_decref(json);
	arena_done(&arena);
}

static bool borrows_from_json(const struct schema *schema, int depth)
{
	for (size_t i = 0; schema && depth && i < schema->n_fields; i++)
		if (schema->fields[i].type == FIELD_RAW ||
		    borrows_from_json(schema->fields[i].sub, depth - 1))
			return true;
	return false;
}

static void documents_are_kept_for_kinds_that_borrow_from_them(void **state)
{
	enum { DEPTH = 10 };

	(void)state;
	for (int kind = 0; kind < KIND__COUNT; kind++)
		assert_int_equal(kind_infos[kind].has_raw,
				 borrows_from_json(kind_infos[kind].schema, DEPTH));
}

static void a_policy_keeps_its_status_unread(void **state)
{
	struct object *object =
		object_of("{'apiVersion':'tidegate.io/"
			  "v1alpha1','kind':'SourcePolicy','metadata':{'name':'p'},"
			  "'spec':{'deny':['10.0.0.0/8'],'limits':{'packetsPerSecond':5}},"
			  "'status':{'conditions':[{'type':'Accepted'}]}}");
	const struct source_policy *policy = object->spec;

	(void)state;
	assert_true(object->valid);
	assert_int_equal(policy->deny.n, 1);
	assert_int_equal(policy->limits->packets_per_second, 5);
	assert_int_equal(policy->aggregation.ipv6_prefix_length, 64);
	assert_null(policy->escalation);
	object_unref(object);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_route_is_decoded),
		cmocka_unit_test(a_broken_object_is_kept_with_its_faults),
		cmocka_unit_test(names_must_be_names),
		cmocka_unit_test(generate_name_stands_for_a_missing_name),
		cmocka_unit_test(other_documents_are_passed_over_or_named),
		cmocka_unit_test(content_decides_the_hash),
		cmocka_unit_test(lists_are_expanded),
		cmocka_unit_test(documents_are_kept_for_kinds_that_borrow_from_them),
		cmocka_unit_test(a_policy_keeps_its_status_unread),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
