// SPDX-License-Identifier: Apache-2.0
/* compile_middleware_test: Middleware objects, chains, state (reference a.0, a.4, c.5, c.14). */

#include "compile_fixture.h"

static const struct route *route_with(struct fixture *f, const char *middlewares)
{
	char more[512];

	snprintf(more, sizeof(more), ",'middlewares':[%s]", middlewares);
	fixture_route(f, "r", "Host(`a`)", more);
	fixture_compile(f);
	return fixture_find(f, "IngressRoute/shop/r", 0);
}

static void strip(struct fixture *f, const char *name)
{
	fixture_expect_valid(f, fixture_add(f, "Middleware", name,
					    "'spec':{'stripPrefix':{'prefixes':['/%s']}}", name));
}

static void middlewares_run_in_the_order_of_the_manifest(void **state)
{
	struct fixture *f = *state;
	const struct route *route;

	strip(f, "one");
	strip(f, "t.wo");
	route = route_with(f, "{'name':'t.wo'},{'name':'one'}");
	assert_int_equal(route->chain.n, 2);
	assert_text(route->chain.at[0].name, "shop-t-wo@kubernetescrd");
	assert_text(route->chain.at[1].name, "shop-one@kubernetescrd");
	assert_string_equal(route->chain.at[0].mw->name, "stripPrefix");
	assert_int_equal(f->snapshot->n_middlewares, 2);
}

static void chains_are_inlined(void **state)
{
	struct fixture *f = *state;
	const struct route *route;

	strip(f, "a");
	strip(f, "b");
	fixture_add(f, "Middleware", "inner",
		    "'spec':{'chain':{'middlewares':[{'name':'b'},{'name':'a'}]}}");
	fixture_add(f, "Middleware", "outer",
		    "'spec':{'chain':{'middlewares':[{'name':'a'},{'name':'inner'}]}}");
	route = route_with(f, "{'name':'outer'},{'name':'b'}");
	assert_int_equal(route->chain.n, 4);
	assert_text(route->chain.at[0].name, "shop-a@kubernetescrd");
	assert_text(route->chain.at[1].name, "shop-b@kubernetescrd");
	assert_text(route->chain.at[2].name, "shop-a@kubernetescrd");
	assert_text(route->chain.at[3].name, "shop-b@kubernetescrd");
	assert_int_equal(route->middleware_names.n, 2);
}

static void what_is_broken_disables_the_routes_that_use_it(void **state)
{
	static const struct {
		const char *name, *middleware, *problem;
	} rows[] = {
		{"a.4 missing", "none", "middleware shop-none@kubernetescrd does not exist"},
		{"does not decode", "broken", "Middleware/shop/broken has errors"},
		{"not supported", "later", "has errors"},
		{"secret is missing", "auth", ""},
		{"c.14 recursion", "loop", "the chain contains itself"},
		{"chain of a broken one", "half", "Middleware/shop/broken has errors"},
		{"chain of a missing one", "hole", "does not exist"},
		{"chain across namespaces", "far", "references across namespaces"},
	};
	struct fixture *f = *state;

	strip(f, "good");
	fixture_add(f, "Middleware", "broken", "'spec':{'stripPrefix':{'prefixs':['/x']}}");
	fixture_add(f, "Middleware", "later", "'spec':{'plugin':{'x':{}}}");
	fixture_add(f, "Middleware", "auth", "'spec':{'basicAuth':{'secret':'none'}}");
	fixture_add(f, "Middleware", "loop", "'spec':{'chain':{'middlewares':[{'name':'loop2'}]}}");
	fixture_add(f, "Middleware", "loop2", "'spec':{'chain':{'middlewares':[{'name':'loop'}]}}");
	fixture_add(f, "Middleware", "half",
		    "'spec':{'chain':{'middlewares':[{'name':'good'},{'name':'broken'}]}}");
	fixture_add(f, "Middleware", "hole", "'spec':{'chain':{'middlewares':[{'name':'none'}]}}");
	fixture_add(f, "Middleware", "far",
		    "'spec':{'chain':{'middlewares':[{'name':'good','namespace':'other'}]}}");
	fixture_route(f, "beside", "Host(`beside`)", ",'middlewares':[{'name':'good'}]");
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		char ref[128];
		const struct route *route;

		snprintf(ref, sizeof(ref), "{'name':'good'},{'name':'%s'}", rows[i].middleware);
		route = route_with(f, ref);
		if (route->status != ROUTE_DISABLED ||
		    str_search(route->problem, str_of(rows[i].problem)) < 0)
			fail_msg("%s: %.*s", rows[i].name, STR_ARG(route->problem));
		assert_string_equal(fixture_answer(f, "web", false, "a", "/"), "");
		/* A broken object harms only itself. */
		assert_string_not_equal(fixture_answer(f, "web", false, "beside", "/"), "");
	}
}

/* reference c.5: every router has buckets of its own, and they stay while nothing they depend on
 * changes */
static void state_is_kept_over_updates(void **state)
{
	struct fixture *f = *state;
	struct mw_state *first, *other;

	fixture_add(f, "Middleware", "m", "'spec':{'rateLimit':{'average':10,'burst':5}}");
	fixture_route(f, "q", "Host(`b`)", ",'middlewares':[{'name':'m'}]");
	first = route_with(f, "{'name':'m'}")->chain.at[0].state;
	other = fixture_find(f, "IngressRoute/shop/q", 0)->chain.at[0].state;
	assert_non_null(first);
	assert_ptr_not_equal(first, other);
	strip(f, "unrelated");
	assert_ptr_equal(route_with(f, "{'name':'unrelated'},{'name':'m'}")->chain.at[1].state,
			 first);
	/* Another limit means another bucket. */
	fixture_add(f, "Middleware", "m", "'spec':{'rateLimit':{'average':11,'burst':5}}");
	assert_ptr_not_equal(route_with(f, "{'name':'m'}")->chain.at[0].state, first);
}

/* "a"/"b-c" and "a-b"/"c" have one internal name (reference a.0); nobody gets the other's
 * middleware */
static void equal_internal_names_are_never_mixed_up(void **state)
{
	struct fixture *f = *state;
	const struct route *route;

	fixture_add(f, "Middleware", "a/b-c", "'spec':{'stripPrefix':{'prefixes':['/theirs']}}");
	fixture_add(f, "Middleware", "a-b/c", "'spec':{'rateLimit':{'average':1}}");
	fixture_backend(f, "a/web", "'10.0.0.1'");
	fixture_backend(f, "a-b/web", "'10.0.0.2'");
	fixture_route(f, "a/r", "Host(`x`)", ",'middlewares':[{'name':'b-c'}]");
	fixture_route(f, "a-b/r", "Host(`y`)", ",'middlewares':[{'name':'c'}]");
	fixture_compile(f);
	route = fixture_find(f, "IngressRoute/a/r", 0);
	assert_string_equal(route->chain.at[0].mw->name, "stripPrefix");
	route = fixture_find(f, "IngressRoute/a-b/r", 0);
	assert_string_equal(route->chain.at[0].mw->name, "rateLimit");
	assert_int_equal(f->snapshot->n_middlewares, 2);
	/* Who names it in full is told that it could be either. */
	fixture_config(f, "{" FIXTURE_EPS
			  ",'providers':{'kubernetesCRD':{'allowCrossNamespace':true}}}");
	route = route_with(f, "{'name':'a-b-c@kubernetescrd'}");
	assert_int_equal(route->status, ROUTE_DISABLED);
	assert_told(f, "IngressRoute/shop/r", "more than one object");
}

static void slots_do_not_overlap(void **state)
{
	struct fixture *f = *state;
	const struct mw_chain *chain;

	fixture_add(f, "Middleware", "m", "'spec':{'rateLimit':{'average':10,'burst':5}}");
	fixture_add(f, "Middleware", "h", "'spec':{'headers':{'customResponseHeaders':{'X':'y'}}}");
	strip(f, "s");
	chain = &route_with(f, "{'name':'m'},{'name':'h'},{'name':'s'},{'name':'m'}")->chain;
	for (uint16_t i = 0; i + 1 < chain->n; i++) {
		assert_int_equal(chain->at[i].slot_offset % 16, 0);
		assert_true(chain->at[i].slot_offset + chain->at[i].mw->slot_size <=
			    chain->at[i + 1].slot_offset);
	}
	assert_true(chain->at[3].slot_offset + chain->at[3].mw->slot_size <= chain->slot_bytes);
	assert_true(chain->has_response_hooks);
}

static void chains_that_nobody_uses_are_checked_too(void **state)
{
	struct fixture *f = *state;

	fixture_add(f, "Middleware", "loop", "'spec':{'chain':{'middlewares':[{'name':'loop'}]}}");
	fixture_add(f, "Middleware", "hole", "'spec':{'chain':{'middlewares':[{'name':'none'}]}}");
	fixture_compile(f);
	assert_told(f, "Middleware/shop/loop", "contains itself");
	assert_told(f, "Middleware/shop/hole", "does not exist");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		FIXTURE_TEST(middlewares_run_in_the_order_of_the_manifest),
		FIXTURE_TEST(chains_are_inlined),
		FIXTURE_TEST(chains_that_nobody_uses_are_checked_too),
		FIXTURE_TEST(what_is_broken_disables_the_routes_that_use_it),
		FIXTURE_TEST(state_is_kept_over_updates),
		FIXTURE_TEST(equal_internal_names_are_never_mixed_up),
		FIXTURE_TEST(slots_do_not_overlap),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
