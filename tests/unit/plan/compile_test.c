// SPDX-License-Identifier: Apache-2.0
/* compile_test: the whole: isolation, determinism, what stays over updates, speed, the examples. */

#include "compile_fixture.h"

#include <pthread.h>
#include <time.h>

#include "source/folder.h"
#include "tls/tls_cache.h"

static void an_empty_store_compiles(void **state)
{
	struct fixture f;

	(void)state;
	fixture_init(&f);
	fixture_compile(&f);
	assert_int_equal(f.snapshot->n_routes, 0);
	assert_int_equal(f.snapshot->diags.n, 0);
	assert_string_equal(fixture_answer(&f, "web", false, "a", "/"), "");
	fixture_done(&f);
}

/* One broken object of every kind stands beside good ones that go on being served. */
static void a_broken_object_harms_only_itself(void **state)
{
	static const struct {
		const char *kind, *rest;
	} broken[] = {
		{"IngressRoute", "'spec':{'routes':[{'match':'Hots(`a`)','services':[]}]}"},
		{"IngressRoute", "'spec':{'ruotes':[]}"},
		{"IngressRoute",
		 "'spec':{'routes':[{'match':'Host(`a`)','services':[{'name':'none','port':1}]}]}"},
		{"Middleware", "'spec':{}"},
		{"Middleware", "'spec':{'rateLimit':{},'headers':{}}"},
		{"Middleware", "'spec':{'basicAuth':{'secret':'none'}}"},
		{"TraefikService", "'spec':{}"},
		{"TraefikService", "'spec':{'weighted':{'services':[{'name':'none','port':80}]}}"},
		{"TLSOption", "'spec':{'minVersion':'VersionTLS99'}"},
		{"Service", "'spec':{'ports':'x'}"},
		{"EndpointSlice",
		 "'addressType':'IPv4','endpoints':[{'addresses':['not an address']}],'ports':[]"},
		{"Secret", "'type':'kubernetes.io/tls','data':{'tls.crt':'!!'}"},
		{"SourcePolicy", "'spec':{'deny':['x']}"},
	};
	struct fixture *f = *state;

	fixture_add(f, "Middleware", "m", "'spec':{'stripPrefix':{'prefixes':['/x']}}");
	fixture_route(f, "good", "Host(`good`)", ",'middlewares':[{'name':'m'}]");
	fixture_add(f, "SourcePolicy", "p", "'spec':{'deny':['10.9.0.0/16']}");
	for (size_t i = 0; i < sizeof(broken) / sizeof(*broken); i++) {
		char name[32];

		snprintf(name, sizeof(name), "broken-%zu", i);
		fixture_add(f, broken[i].kind, name, "%s", broken[i].rest);
		fixture_compile(f);
		assert_string_not_equal(fixture_answer(f, "web", false, "good", "/"), "");
		assert_string_equal(fixture_answer(f, "web", false, "a", "/"), "");
		assert_int_equal(f->snapshot->kernel->n_policies, 2);
	}
}

static void the_same_objects_give_the_same_snapshot(void **state)
{
	struct fixture *f = *state, other;
	const struct snapshot *a, *b;

	fixture_init(&other);
	/* The other one gets its objects in reverse order. */
	for (int i = 0; i < 50; i++) {
		char name[32], rule[64];

		snprintf(name, sizeof(name), "r%d", i);
		snprintf(rule, sizeof(rule), "Host(`h%d`)", i % 10);
		fixture_route(f, name, rule, "");
		snprintf(name, sizeof(name), "r%d", 49 - i);
		snprintf(rule, sizeof(rule), "Host(`h%d`)", (49 - i) % 10);
		fixture_route(&other, name, rule, "");
	}
	fixture_backend(&other, "web", "'10.0.0.1','10.0.0.2'");
	a = fixture_compile(f);
	b = fixture_compile(&other);
	assert_int_equal(a->n_routes, 50);
	assert_int_equal(b->n_routes, 50);
	for (uint32_t i = 0; i < 50; i++)
		assert_true(str_eq(a->routes[i]->name, b->routes[i]->name));
	for (int i = 0; i < 10; i++) {
		char host[16];

		snprintf(host, sizeof(host), "h%d", i);
		assert_string_equal(fixture_answer(f, "web", false, host, "/"),
				    fixture_answer(&other, "web", false, host, "/"));
	}
	fixture_done(&other);
}

static void ids_and_positions_survive_updates_of_other_things(void **state)
{
	struct fixture *f = *state;
	struct balance_state *position;
	const struct service *service;
	uint32_t id;

	fixture_route(f, "r", "Host(`a`)", "");
	service = (fixture_compile(f), fixture_find(f, "IngressRoute/shop/r", 0)->service);
	id = service->id;
	position = service->state;
	for (int i = 0; i < 5; i++) {
		char rule[32];

		snprintf(rule, sizeof(rule), "Host(`n%d`)", i);
		fixture_route(f, "a", rule, "");
		fixture_compile(f);
		service = fixture_find(f, "IngressRoute/shop/r", 0)->service;
		assert_int_equal(service->id, id);
		assert_ptr_equal(service->state, position);
		assert_true(id < f->snapshot->max_service_id);
	}
}

/* Objects go when the last snapshot that shows them goes: sanitizers watch this test. */
static void a_snapshot_outlives_its_objects(void **state)
{
	struct fixture *f = *state;
	struct snapshot *kept;

	fixture_add(f, "Middleware", "m", "'spec':{'headers':{'customRequestHeaders':{'X':'y'}}}");
	fixture_route(f, "r", "Host(`a`) && HostRegexp(`^a`)", ",'middlewares':[{'name':'m'}]");
	fixture_compile(f);
	kept = snapshot_ref(f->snapshot);
	store_remove(&f->store, STR("IngressRoute/shop/r"), KIND_INGRESS_ROUTE);
	store_remove(&f->store, STR("Middleware/shop/m"), KIND_MIDDLEWARE);
	fixture_compile(f);
	fixture_compile(f);
	assert_int_equal(f->snapshot->n_routes, 0);
	assert_int_equal(kept->n_routes, 1);
	assert_text(kept->routes[0]->rule_text, "Host(`a`) && HostRegexp(`^a`)");
	assert_text(kept->routes[0]->chain.at[0].name, "shop-m@kubernetescrd");
	snapshot_unref(kept);
}

static void *look_and_release(void *arg)
{
	struct snapshot *snapshot = arg;
	struct arena arena;
	struct request request = {.host = STR("a"), .routing_path = STR("/x")};

	arena_init(&arena, 1 << 20, 0);
	request.arena = &arena;
	for (int i = 0; i < 1000; i++)
		assert_non_null(router_find(snapshot->entry_points[0].plain, &request));
	snapshot_unref(snapshot);
	arena_done(&arena);
	return NULL;
}

/* As workers do: each holds an old snapshot for a while, and lets it go when it likes. */
static void snapshots_are_read_and_released_on_other_threads(void **state)
{
	enum { ROUNDS = 40, READERS = 3 };
	struct fixture *f = *state;

	fixture_add(f, "Middleware", "m", "'spec':{'rateLimit':{'average':10,'burst':5}}");
	fixture_route(f, "r", "Host(`a`) && HostRegexp(`^a`)", ",'middlewares':[{'name':'m'}]");
	for (int round = 0; round < ROUNDS; round++) {
		pthread_t readers[READERS];
		char rule[64];

		snprintf(rule, sizeof(rule), "Host(`n%d`)", round % 7);
		fixture_route(f, "other", rule, ",'middlewares':[{'name':'m'}]");
		fixture_compile(f);
		for (int i = 0; i < READERS; i++)
			pthread_create(&readers[i], NULL, look_and_release,
				       snapshot_ref(f->snapshot));
		fixture_compile(f);
		for (int i = 0; i < READERS; i++)
			pthread_join(readers[i], NULL);
	}
}

static double seconds(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static void ten_thousand_routes_compile_in_a_second(void **state)
{
	struct fixture *f = *state;
	double start, first, again;

	for (int i = 0; i < 10000; i++) {
		char name[32], rule[64];

		snprintf(name, sizeof(name), "r%d", i);
		snprintf(rule, sizeof(rule), "Host(`h%d.test`) && PathPrefix(`/p%d`)", i % 100, i);
		fixture_route(f, name, rule, "");
	}
	start = seconds();
	fixture_compile(f);
	first = seconds() - start;
	fixture_route(f, "r5", "Host(`changed.test`)", "");
	start = seconds();
	fixture_compile(f);
	again = seconds() - start;
	print_message("10,000 routes: %.0f ms at first, %.0f ms after a change\n", first * 1e3,
		      again * 1e3);
	assert_string_not_equal(fixture_answer(f, "web", false, "changed.test", "/"), "");
	assert_string_not_equal(fixture_answer(f, "web", false, "h7.test", "/p1007/x"), "");
	assert_true(f->snapshot->diags.n == 0);
}

static void the_examples_compile_without_a_fault(void **state)
{
	struct fixture f;
	struct tls_cache *tls = tls_cache_new();
	struct folder *folder;
	int error = 0;

	(void)state;
	fixture_init(&f);
	registry_set_tls(f.registry, tls);
	folder = folder_open(&(struct folder_options){.path = "deploy/examples"}, &error);
	if (!folder)
		fail_msg("deploy/examples: %s", strerror(-error));
	folder_read(folder, &f.store, &f.sink);
	fixture_compile(&f);
	for (size_t i = 0; i < f.snapshot->diags.n; i++)
		fail_msg(STR_FMT ": " STR_FMT, STR_ARG(f.snapshot->diags.at[i].object),
			 STR_ARG(f.snapshot->diags.at[i].message));
	assert_int_equal(f.snapshot->n_routes, 7);
	assert_string_not_equal(fixture_answer(&f, "web", false, "shop.example.com", "/cart"), "");
	assert_string_equal(fixture_answer(&f, "web", false, "store.example.com", "/cart"), "");
	assert_string_not_equal(fixture_answer(&f, "websecure", true, "secure.example.com", "/"),
				"");
	assert_non_null(fixture_entry_point(&f, "websecure")->tls_table);
	folder_close(folder);
	fixture_done(&f);
	tls_cache_free(tls);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_empty_store_compiles),
		FIXTURE_TEST(a_broken_object_harms_only_itself),
		FIXTURE_TEST(the_same_objects_give_the_same_snapshot),
		FIXTURE_TEST(ids_and_positions_survive_updates_of_other_things),
		FIXTURE_TEST(a_snapshot_outlives_its_objects),
		FIXTURE_TEST(snapshots_are_read_and_released_on_other_threads),
		FIXTURE_TEST(ten_thousand_routes_compile_in_a_second),
		cmocka_unit_test(the_examples_compile_without_a_fault),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
