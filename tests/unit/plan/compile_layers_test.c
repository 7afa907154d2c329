// SPDX-License-Identifier: Apache-2.0
/* compile_layers_test: routes below routes (reference a.1, parentRefs). */

#include "plan/compile_parts.h"

#include "compile_fixture.h"

/* One route; more are members of the spec. services: 0 or 1. */
static void put(struct fixture *f, const char *name, const char *match, int services,
		const char *more)
{
	fixture_expect_valid(
		f,
		fixture_add(f, "IngressRoute", name, "'spec':{'routes':[{'match':'%s'%s}]%s}",
			    match, services ? ",'services':[{'name':'web','port':80}]" : "", more));
}

static const struct route *one(struct fixture *f, const char *object)
{
	const struct route *route = fixture_find(f, object, 0);

	if (!route)
		fail_msg("%s has no route", object);
	return route;
}

/* The object that answers for a host and a path after all layers; "" for 404. */
static const char *answer(struct fixture *f, const char *host, const char *path)
{
	struct request request = {.arena = &f->arena,
				  .method = STR("GET"),
				  .host = str_of(host),
				  .path = str_of(path),
				  .routing_path = str_of(path)};
	const struct route *route = router_find(fixture_entry_point(f, "web")->plain, &request);

	while (route && route->below)
		route = router_find(route->below, &request);
	return route ? route->object.at : "";
}

static void every_route_of_a_parent_stands_above_every_route_of_a_child(void **state)
{
	struct fixture *f = *state;

	fixture_expect_valid(
		f, fixture_add(f, "IngressRoute", "top",
			       "'spec':{'entryPoints':['web'],'routes':[{'match':'Host(`a`)'},{"
			       "'match':'Host(`b`)'}]}"));
	fixture_expect_valid(
		f, fixture_add(f, "IngressRoute", "low",
			       "'spec':{'parentRefs':[{'name':'top'}],'routes':[{'match':'Path(`/"
			       "x`)','services':[{'name':'web','port':80}]},{'match':'Path(`/y`)',"
			       "'services':[{'name':'web','port':80}]}]}"));
	fixture_compile(f);
	assert_int_equal(f->snapshot->diags.n, 0);
	assert_string_equal(answer(f, "a", "/x"), "IngressRoute/shop/low");
	assert_string_equal(answer(f, "b", "/y"), "IngressRoute/shop/low");
	assert_string_equal(answer(f, "a", "/z"), "");
	assert_string_equal(answer(f, "c", "/x"), "");
	assert_null(one(f, "IngressRoute/shop/top")->service);
	assert_ptr_equal(fixture_find(f, "IngressRoute/shop/top", 0)->below,
			 fixture_find(f, "IngressRoute/shop/top", 1)->below);
	assert_int_equal(one(f, "IngressRoute/shop/low")->entry_points.n, 0);
}

static void layers_go_on_below_and_a_child_may_have_two_parents(void **state)
{
	struct fixture *f = *state;

	put(f, "top", "Host(`a`)", 0, "");
	put(f, "other", "Host(`b`)", 0, "");
	put(f, "mid", "PathPrefix(`/x`)", 0, ",'parentRefs':[{'name':'top'}]");
	put(f, "low", "PathPrefix(`/x/y`)", 1, ",'parentRefs':[{'name':'mid'},{'name':'other'}]");
	fixture_compile(f);
	assert_int_equal(f->snapshot->diags.n, 0);
	assert_string_equal(answer(f, "a", "/x/y"), "IngressRoute/shop/low");
	assert_string_equal(answer(f, "a", "/x/z"), "");
	assert_string_equal(answer(f, "b", "/x/y/z"), "IngressRoute/shop/low");
}

static void faults_disable_the_child_or_the_parent_that_has_them(void **state)
{
	static const struct {
		const char *name;
		int top_services, low_services;
		const char *low_more, *about, *told;
		bool top_served, low_made, low_served;
	} rows[] = {
		{"good", 0, 1, "", NULL, NULL, true, true, true},
		{"a child with tls", 0, 1, ",'tls':{}", "IngressRoute/shop/low", "have no tls",
		 true, true, false},
		{"a child with entry points", 0, 1, ",'entryPoints':['web']",
		 "IngressRoute/shop/low", "have no entry points", true, true, false},
		{"a leaf without a service", 0, 0, "", "IngressRoute/shop/low", "", true, true,
		 false},
		{"a parent with a service", 1, 1, "", "IngressRoute/shop/top", "has no services",
		 false, true, false},
	};
	struct fixture *f = *state;

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		char more[128];

		snprintf(more, sizeof(more), ",'parentRefs':[{'name':'top'}]%s", rows[i].low_more);
		put(f, "top", "Host(`a`)", rows[i].top_services, "");
		put(f, "low", "Path(`/x`)", rows[i].low_services, more);
		fixture_compile(f);
		if (rows[i].told)
			assert_told(f, rows[i].about, rows[i].told);
		if ((one(f, "IngressRoute/shop/top")->status != ROUTE_DISABLED) !=
			    rows[i].top_served ||
		    (one(f, "IngressRoute/shop/low")->status != ROUTE_DISABLED) !=
			    rows[i].low_served ||
		    (*answer(f, "a", "/x") != 0) != rows[i].low_served)
			fail_msg("%s", rows[i].name);
	}
}

static void a_child_without_its_parent_is_not_made(void **state)
{
	struct fixture *f = *state;

	put(f, "low", "Path(`/x`)", 1, ",'parentRefs':[{'name':'none'}]");
	fixture_compile(f);
	assert_told(f, "IngressRoute/shop/low", "IngressRoute shop/none does not exist");
	assert_null(fixture_find(f, "IngressRoute/shop/low", 0));
	assert_string_equal(answer(f, "a", "/x"), "");
}

static void parents_in_other_namespaces_need_the_option(void **state)
{
	struct fixture *f = *state;

	put(f, "far/top", "Host(`a`)", 0, "");
	put(f, "low", "Path(`/x`)", 1, ",'parentRefs':[{'name':'top','namespace':'far'}]");
	fixture_compile(f);
	assert_told(f, "IngressRoute/shop/low", "references across namespaces");
	assert_string_equal(answer(f, "a", "/x"), "");
	fixture_config(f, "{" FIXTURE_EPS
			  ",'providers':{'kubernetesCRD':{'allowCrossNamespace':true}}}");
	fixture_compile(f);
	assert_string_equal(answer(f, "a", "/x"), "IngressRoute/shop/low");
}

static void circles_are_cut_and_what_no_root_leads_to_is_disabled(void **state)
{
	struct fixture *f = *state;

	put(f, "top", "Host(`a`)", 0, "");
	put(f, "x", "PathPrefix(`/`)", 0, ",'parentRefs':[{'name':'top'},{'name':'y'}]");
	put(f, "y", "PathPrefix(`/`)", 0, ",'parentRefs':[{'name':'x'}]");
	put(f, "leaf", "Path(`/l`)", 1, ",'parentRefs':[{'name':'y'}]");
	put(f, "lost", "PathPrefix(`/`)", 0, ",'parentRefs':[{'name':'lost'}]");
	fixture_compile(f);
	assert_string_equal(answer(f, "a", "/l"), "IngressRoute/shop/leaf");
	assert_told(f, "IngressRoute/shop/y", "in a circle");
	assert_int_equal(one(f, "IngressRoute/shop/y")->status, ROUTE_WARNING);
	assert_int_equal(one(f, "IngressRoute/shop/lost")->status, ROUTE_DISABLED);
	assert_told(f, "IngressRoute/shop/lost", "no route above it is served");
}

static void there_are_at_most_eight_layers(void **state)
{
	struct fixture *f = *state;

	put(f, "l1", "Host(`a`)", 0, "");
	for (int i = 2; i <= 9; i++) {
		char name[16], more[64];

		snprintf(name, sizeof(name), "l%d", i);
		snprintf(more, sizeof(more), ",'parentRefs':[{'name':'l%d'}]", i - 1);
		put(f, name, "PathPrefix(`/`)", i == 9, more);
	}
	put(f, "short", "PathPrefix(`/s`)", 1, ",'parentRefs':[{'name':'l7'}]");
	fixture_compile(f);
	assert_told(f, "IngressRoute/shop/l9", "more than 8 layers");
	assert_string_equal(answer(f, "a", "/s"), "IngressRoute/shop/short");
	assert_string_equal(answer(f, "a", "/x"), "");
}

static void models_of_entry_points_reach_the_root_only(void **state)
{
	struct fixture *f = *state;

	fixture_config(f, "{'entryPoints':{'web':{'address':':80','http':{'middlewares':['shop-p@"
			  "kubernetescrd']}},'b':{'address':':81'}}}");
	fixture_expect_valid(
		f, fixture_add(f, "Middleware", "p", "'spec':{'stripPrefix':{'prefixes':['/q']}}"));
	put(f, "top", "Host(`a`)", 0, "");
	put(f, "low", "Path(`/x`)", 1, ",'parentRefs':[{'name':'top'}]");
	fixture_compile(f);
	assert_string_equal(answer(f, "a", "/x"), "IngressRoute/shop/low");
	assert_int_equal(one(f, "IngressRoute/shop/low")->chain.n, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		FIXTURE_TEST(every_route_of_a_parent_stands_above_every_route_of_a_child),
		FIXTURE_TEST(layers_go_on_below_and_a_child_may_have_two_parents),
		FIXTURE_TEST(faults_disable_the_child_or_the_parent_that_has_them),
		FIXTURE_TEST(a_child_without_its_parent_is_not_made),
		FIXTURE_TEST(parents_in_other_namespaces_need_the_option),
		FIXTURE_TEST(circles_are_cut_and_what_no_root_leads_to_is_disabled),
		FIXTURE_TEST(there_are_at_most_eight_layers),
		FIXTURE_TEST(models_of_entry_points_reach_the_root_only),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
