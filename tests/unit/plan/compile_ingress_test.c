// SPDX-License-Identifier: Apache-2.0
/* compile_ingress_test: Ingress objects become routes (reference f.1). */

#include "plan/compile_parts.h"

#include "compile_fixture.h"

#define BACKEND "'backend':{'service':{'name':'web','port':{'number':80}}}"

/* meta: members of metadata beside name and namespace, with a comma in front; spec: its members. */
static void put(struct fixture *f, const char *name, const char *meta, const char *spec)
{
	fixture_expect_valid(f, fixture_put(f,
					    "{'apiVersion':'networking.k8s.io/v1','kind':'Ingress',"
					    "'metadata':{'name':'%s','namespace':'shop'%s},'spec':{"
					    "%s}}",
					    name, meta, spec));
}

static void put_path(struct fixture *f, const char *annotations, const char *path)
{
	char meta[512], spec[512];

	snprintf(meta, sizeof(meta), ",'annotations':{%s}", annotations);
	snprintf(spec, sizeof(spec),
		 "'rules':[{'host':'a.test','http':{'paths':[{%s," BACKEND "}]}}]", path);
	put(f, "in", meta, spec);
}

#define T "traefik.ingress.kubernetes.io/"

static void rules_are_written_as_the_reference_writes_them(void **state)
{
	static const struct {
		const char *annotations, *path, *rule;
	} rows[] = {
		{"", "'path':'/x','pathType':'Exact'", "Host(\"a.test\") && Path(\"/x\")"},
		{"", "'path':'/x','pathType':'Prefix'", "Host(\"a.test\") && PathPrefix(\"/x\")"},
		{"", "'path':'/x'", "Host(\"a.test\") && PathPrefix(\"/x\")"},
		{"", "'path':'/x','pathType':'ImplementationSpecific'",
		 "Host(\"a.test\") && PathPrefix(\"/x\")"},
		{"'" T "router.pathmatcher':'Path'", "'path':'/x'",
		 "Host(\"a.test\") && Path(\"/x\")"},
		{"'" T "router.pathmatcher':'PathRegexp'", "'path':'^/x\\\\d'",
		 "Host(\"a.test\") && PathRegexp(\"^/x\\\\d\")"},
		{"'" T "router.pathmatcher':'Path'", "'path':'/x','pathType':'Prefix'",
		 "Host(\"a.test\") && PathPrefix(\"/x\")"},
		{"", "'pathType':'Prefix'", "Host(\"a.test\")"},
	};
	struct fixture *f = *state;

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		const struct route *route;

		put_path(f, rows[i].annotations, rows[i].path);
		fixture_compile(f);
		route = fixture_find(f, "Ingress/shop/in", 0);
		assert_non_null(route);
		assert_text(route->rule_text, rows[i].rule);
		assert_int_equal(route->status, ROUTE_ENABLED);
		assert_int_equal(route->priority, (int64_t)strlen(rows[i].rule));
		assert_text(route->service->name, "shop-web-80@kubernetes");
	}
}

static void strict_prefixes_go_by_segments(void **state)
{
	static const struct {
		const char *path, *rule;
	} rows[] = {
		{"/x", "Host(\"a.test\") && (Path(\"/x\") || PathPrefix(\"/x/\"))"},
		{"/x/", "Host(\"a.test\") && (Path(\"/x\") || PathPrefix(\"/x/\"))"},
		{"/", "Host(\"a.test\") && PathPrefix(\"/\")"},
	};
	struct fixture *f = *state;

	fixture_config(f, "{" FIXTURE_EPS
			  ",'providers':{'kubernetesIngress':{'strictPrefixMatching':true}}}");
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		char path[64];

		snprintf(path, sizeof(path), "'path':'%s','pathType':'Prefix'", rows[i].path);
		put_path(f, "", path);
		fixture_compile(f);
		assert_text(fixture_find(f, "Ingress/shop/in", 0)->rule_text, rows[i].rule);
	}
	assert_string_equal(fixture_answer(f, "web", false, "a.test", "/xy"),
			    "shop-in-a-test@kubernetes");
}

static void the_class_decides_who_serves_it(void **state)
{
	static const struct {
		const char *name, *config, *meta, *spec;
		bool served;
	} rows[] = {
		{"none", "", "", "", true},
		{"annotation traefik", "",
		 ",'annotations':{'kubernetes.io/ingress.class':'traefik'}", "", true},
		{"annotation nginx", "", ",'annotations':{'kubernetes.io/ingress.class':'nginx'}",
		 "", false},
		{"our class", "", "", "'ingressClassName':'ours',", true},
		{"another's class", "", "", "'ingressClassName':'others',", false},
		{"a class that is not there", "", "", "'ingressClassName':'none',", false},
		{"wanted, class of that name", "'ingressClass':'ours'", "",
		 "'ingressClassName':'ours',", true},
		{"wanted, another one", "'ingressClass':'mine'", "", "'ingressClassName':'ours',",
		 false},
		{"wanted, none", "'ingressClass':'mine'", "", "", false},
		{"wanted, annotation", "'ingressClass':'mine'",
		 ",'annotations':{'kubernetes.io/ingress.class':'mine'}", "", true},
		{"no lookup", "'ingressClass':'mine','disableIngressClassLookup':true", "",
		 "'ingressClassName':'mine',", true},
	};
	struct fixture *f = *state;

	fixture_put(f, "{'apiVersion':'networking.k8s.io/v1','kind':'IngressClass','metadata':{"
		       "'name':'ours'},'spec':{'controller':'traefik.io/ingress-controller'}}");
	fixture_put(f, "{'apiVersion':'networking.k8s.io/v1','kind':'IngressClass','metadata':{"
		       "'name':'others'},'spec':{'controller':'k8s.io/ingress-nginx'}}");
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		char spec[512];

		fixture_config(f, "{" FIXTURE_EPS ",'providers':{'kubernetesIngress':{%s}}}",
			       rows[i].config);
		snprintf(spec, sizeof(spec),
			 "%s'rules':[{'http':{'paths':[{'path':'/'," BACKEND "}]}}]", rows[i].spec);
		put(f, "in", rows[i].meta, spec);
		fixture_compile(f);
		if ((*fixture_answer(f, "web", false, "x", "/") != 0) != rows[i].served)
			fail_msg("%s", rows[i].name);
	}
}

static void annotations_of_the_router_hold_for_all_paths(void **state)
{
	struct fixture *f = *state;
	const struct route *route;

	fixture_add(f, "Middleware", "strip", "'spec':{'stripPrefix':{'prefixes':['/x']}}");
	put_path(f,
		 "'" T "router.entrypoints':'websecure','" T
		 "router.middlewares':'shop-strip@kubernetescrd','" T "router.priority':'7','" T
		 "router.tls':'true'",
		 "'path':'/x'");
	fixture_compile(f);
	route = fixture_find(f, "Ingress/shop/in", 0);
	assert_int_equal(route->status, ROUTE_ENABLED);
	assert_true(route->is_tls);
	assert_int_equal(route->priority, 7);
	assert_int_equal(route->chain.n, 1);
	assert_string_equal(fixture_answer(f, "websecure", true, "a.test", "/x"),
			    "shop-in-a-test-x@kubernetes");
	assert_string_equal(fixture_answer(f, "web", false, "a.test", "/x"), "");
}

static void a_wrong_annotation_takes_the_whole_object_out(void **state)
{
	struct fixture *f = *state;

	put_path(f, "'" T "router.priority':'high'", "'path':'/x'");
	fixture_compile(f);
	assert_null(fixture_find(f, "Ingress/shop/in", 0));
	assert_told(f, "Ingress/shop/in", "an annotation is wrong");
}

static void annotations_of_the_service_are_its_settings(void **state)
{
	struct fixture *f = *state;
	const struct service *service;

	fixture_put(
		f, "{'apiVersion':'v1','kind':'Service','metadata':{'name':'web','namespace':'shop'"
		   ",'annotations':{'" T "service.sticky.cookie':'true','" T
		   "service.sticky.cookie.name':'c','" T "service.passhostheader':'false'}},"
		   "'spec':{'ports':[{'name':'http','port':80}]}}");
	put_path(f, "", "'path':'/x'");
	fixture_compile(f);
	service = fixture_find(f, "Ingress/shop/in", 0)->service;
	assert_non_null(service->sticky);
	assert_text(service->sticky->cookie_name, "c");
	assert_false(service->pass_host_header);
}

static void names_of_two_paths_that_look_alike_are_told_apart(void **state)
{
	struct fixture *f = *state;

	put(f, "in", "",
	    "'rules':[{'http':{'paths':[{'path':'/a/b'," BACKEND "},{'path':'/a-b'," BACKEND
	    "},{'path':'/c'," BACKEND "}]}}]");
	fixture_compile(f);
	assert_true(str_starts(fixture_find(f, "Ingress/shop/in", 0)->name, STR("shop-in-a-b-")));
	assert_true(str_starts(fixture_find(f, "Ingress/shop/in", 1)->name, STR("shop-in-a-b-")));
	assert_text(fixture_find(f, "Ingress/shop/in", 2)->name, "shop-in-c@kubernetes");
	assert_string_equal(fixture_answer(f, "web", false, "h", "/a-b"),
			    fixture_find(f, "Ingress/shop/in", 1)->name.at);
}

static void there_is_one_default_backend(void **state)
{
	struct fixture *f = *state;
	const char *backend = "'defaultBackend':{'service':{'name':'web','port':{'name':'http'}}}";

	put(f, "a", "", backend);
	put(f, "b", "", backend);
	put(f, "c", "",
	    "'defaultBackend':{'service':{'name':'web','port':{'number':80}}},'rules':[{'host':'h'}"
	    "]");
	fixture_compile(f);
	assert_string_equal(fixture_answer(f, "web", false, "x", "/"), "default-router@kubernetes");
	assert_int_equal(fixture_find(f, "Ingress/shop/a", 0)->priority, INT32_MIN);
	assert_text(fixture_find(f, "Ingress/shop/a", 0)->service->name,
		    "default-backend@kubernetes");
	assert_told(f, "Ingress/shop/b", "Ingress/shop/a has the default backend");
	assert_told(f, "Ingress/shop/c", "since the Ingress has rules");
}

static void a_missing_service_takes_out_only_its_path(void **state)
{
	struct fixture *f = *state;

	put(f, "in", "",
	    "'rules':[{'http':{'paths':[{'path':'/x','backend':{'service':{'name':'none','port':{"
	    "'number':80}}}},{'path':'/y'," BACKEND "}]}}]");
	fixture_compile(f);
	assert_int_equal(fixture_find(f, "Ingress/shop/in", 0)->status, ROUTE_DISABLED);
	assert_int_equal(fixture_find(f, "Ingress/shop/in", 1)->status, ROUTE_ENABLED);
	assert_told(f, "Ingress/shop/in", "Service shop/none does not exist");
}

static void routes_of_the_crd_come_first_among_equals(void **state)
{
	struct fixture *f = *state;

	put_path(f, "'" T "router.priority':'5'", "'path':'/x'");
	fixture_route(f, "zz", "Host(`a.test`)", ",'priority':5");
	fixture_compile(f);
	assert_true(strstr(fixture_answer(f, "web", false, "a.test", "/x"), "@kubernetescrd") !=
		    NULL);
}

static void other_providers_may_be_named_from_some_namespaces_only(void **state)
{
	struct fixture *f = *state;

	fixture_config(f,
		       "{" FIXTURE_EPS
		       ",'providers':{'kubernetesIngress':{'crossProviderNamespaces':['other']}}}");
	fixture_add(f, "Middleware", "strip", "'spec':{'stripPrefix':{'prefixes':['/x']}}");
	put_path(f, "'" T "router.middlewares':'shop-strip@kubernetescrd'", "'path':'/x'");
	fixture_compile(f);
	assert_int_equal(fixture_find(f, "Ingress/shop/in", 0)->status, ROUTE_DISABLED);
	assert_told(f, "Ingress/shop/in", "may not refer to other providers");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		FIXTURE_TEST(rules_are_written_as_the_reference_writes_them),
		FIXTURE_TEST(strict_prefixes_go_by_segments),
		FIXTURE_TEST(the_class_decides_who_serves_it),
		FIXTURE_TEST(annotations_of_the_router_hold_for_all_paths),
		FIXTURE_TEST(a_wrong_annotation_takes_the_whole_object_out),
		FIXTURE_TEST(annotations_of_the_service_are_its_settings),
		FIXTURE_TEST(names_of_two_paths_that_look_alike_are_told_apart),
		FIXTURE_TEST(there_is_one_default_backend),
		FIXTURE_TEST(a_missing_service_takes_out_only_its_path),
		FIXTURE_TEST(routes_of_the_crd_come_first_among_equals),
		FIXTURE_TEST(other_providers_may_be_named_from_some_namespaces_only),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
