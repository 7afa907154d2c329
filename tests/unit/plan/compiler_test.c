// SPDX-License-Identifier: Apache-2.0
/*
 * compiler_test: compiling what changed gives what compiling everything gives (fixture_compile()
 * compares both each time), however changes come; and it is done without compiling everything.
 */

#include "compile_fixture.h"
#include "tls/tls_cache.h"

static struct compiler_stats stats(const struct fixture *f)
{
	return compiler_stats(f->compiler);
}

static void drop(struct fixture *f, enum kind kind, const char *id)
{
	store_remove(&f->store, str_of(id), kind);
}

/* Ten routes of a host each, to a Service each. */
static void ten(struct fixture *f)
{
	for (int i = 0; i < 10; i++) {
		char name[24], addresses[32];

		snprintf(name, sizeof(name), "web%d", i);
		snprintf(addresses, sizeof(addresses), "'10.0.0.%d'", i + 1);
		fixture_backend(f, name, addresses);
		fixture_add(f, "IngressRoute", name,
			    "'spec':{'entryPoints':['web'],'routes':[{'match':'Host(`h%d`)',"
			    "'services':[{'name':'web%d','port':80}]}]}",
			    i, i);
	}
	fixture_compile(f);
}

static const struct service *service_of(const struct fixture *f, int i)
{
	char id[64];
	const struct route *route;

	snprintf(id, sizeof(id), "IngressRoute/shop/web%d", i);
	route = fixture_find(f, id, 0);
	assert_non_null(route);
	return route->service;
}

static void endpoints_change_what_leads_to_them_alone(void **state)
{
	struct fixture *f = *state;
	const struct service *others[10], *before;

	ten(f);
	for (int i = 0; i < 10; i++)
		others[i] = service_of(f, i);
	before = service_of(f, 3);
	atomic_store(&before->state->next, 5);
	fixture_backend(f, "web3", "'10.0.0.4','10.0.0.40'");
	fixture_compile(f);
	assert_true(stats(f).was_quick && stats(f).same_diags);
	assert_int_equal(stats(f).n_units, 1);
	assert_int_equal(service_of(f, 3)->n_servers, 2);
	/* It goes on where it was. */
	assert_int_equal(atomic_load(&service_of(f, 3)->state->next), 5);
	for (int i = 0; i < 10; i++)
		if (i != 3)
			assert_ptr_equal(service_of(f, i), others[i]);
	assert_string_equal(fixture_answer(f, "web", false, "h3", "/"),
			    fixture_find(f, "IngressRoute/shop/web3", 0)->name.at);
}

static void what_nothing_stands_on_changes_nothing(void **state)
{
	struct fixture *f = *state;
	struct snapshot *before;

	ten(f);
	before = f->snapshot;
	fixture_backend(f, "nobodys", "'10.9.9.9'");
	fixture_compile(f);
	assert_ptr_equal(f->snapshot, before);
	assert_true(stats(f).was_quick);
}

static void a_service_that_loses_its_last_endpoint_takes_its_route_along(void **state)
{
	struct fixture *f = *state;

	ten(f);
	drop(f, KIND_ENDPOINT_SLICE, "EndpointSlice/shop/web3-1");
	fixture_compile(f);
	assert_true(stats(f).was_quick && !stats(f).same_diags);
	assert_string_equal(fixture_answer(f, "web", false, "h3", "/"), "");
	assert_told(f, "IngressRoute/shop/web3", "has no endpoints");
	fixture_backend(f, "web3", "'10.0.0.4'");
	fixture_compile(f);
	assert_true(stats(f).was_quick);
	assert_string_not_equal(fixture_answer(f, "web", false, "h3", "/"), "");
}

static void routes_come_and_go_by_themselves(void **state)
{
	struct fixture *f = *state;
	const struct service *other;

	ten(f);
	other = service_of(f, 1);
	fixture_route(f, "new", "Host(`new`)", "");
	fixture_backend(f, "web", "'10.0.1.1'");
	fixture_compile(f);
	assert_true(stats(f).was_quick);
	assert_int_equal(stats(f).n_units, 1);
	assert_string_not_equal(fixture_answer(f, "web", false, "new", "/"), "");
	drop(f, KIND_INGRESS_ROUTE, "IngressRoute/shop/web9");
	fixture_compile(f);
	assert_true(stats(f).was_quick);
	assert_string_equal(fixture_answer(f, "web", false, "h9", "/"), "");
	assert_ptr_equal(service_of(f, 1), other);
	/* Under the same name again, with another rule. */
	fixture_route(f, "web9", "Host(`h99`)", "");
	fixture_compile(f);
	assert_string_not_equal(fixture_answer(f, "web", false, "h99", "/"), "");
	assert_int_equal(stats(f).n_full, 1);
}

static void a_traefik_service_is_made_anew_with_those_that_name_it(void **state)
{
	struct fixture *f = *state;
	const char *spec = "'spec':{'weighted':{'services':[{'name':'web1','port':80,'weight':%d},"
			   "{'name':'web2','port':80}]}}";

	ten(f);
	fixture_add(f, "TraefikService", "canary", spec, 1);
	for (int i = 0; i < 3; i++) {
		char name[24];

		snprintf(name, sizeof(name), "canary%d", i);
		fixture_add(f, "IngressRoute", name,
			    "'spec':{'entryPoints':['web'],'routes':[{'match':'Host(`c%d`)',"
			    "'services':[{'name':'canary','kind':'TraefikService'}]}]}",
			    i);
	}
	fixture_compile(f);
	fixture_add(f, "TraefikService", "canary", spec, 3);
	fixture_compile(f);
	assert_true(stats(f).was_quick);
	assert_int_equal(stats(f).n_units, 4);
	fixture_backend(f, "web2", "'10.0.0.3','10.0.0.33'");
	fixture_compile(f);
	assert_true(stats(f).was_quick);
	/* The TraefikService, three that name it, and web2's own route. */
	assert_int_equal(stats(f).n_units, 5);
	assert_int_equal(stats(f).n_full, 1);
}

static void protect(struct fixture *f, int i, const char *middleware)
{
	char name[24];

	snprintf(name, sizeof(name), "web%d", i);
	fixture_add(f, "IngressRoute", name,
		    "'spec':{'entryPoints':['web'],'routes':[{'match':'Host(`h%d`)','middlewares':["
		    "{'name':'%s'}],'services':[{'name':'web%d','port':80}]}]}",
		    i, middleware, i);
}

static void a_middleware_is_made_anew_with_those_that_name_it(void **state)
{
	struct fixture *f = *state;
	const struct service *other;
	const char *secret = "'data':{'users':'%s'}"; /* base64 of test:... */

	ten(f);
	fixture_add(f, "Middleware", "auth", "'spec':{'basicAuth':{'secret':'users'}}");
	fixture_add(f, "Middleware", "all", "'spec':{'chain':{'middlewares':[{'name':'auth'}]}}");
	protect(f, 1, "auth");
	protect(f, 2, "all");
	fixture_compile(f);
	assert_true(stats(f).was_quick);
	assert_told(f, "Middleware/shop/auth", "no such Secret");
	assert_string_equal(fixture_answer(f, "web", false, "h1", "/"), "");
	other = service_of(f, 5);
	fixture_add(f, "Secret", "users", secret,
		    "dGVzdDokYXByMSRhYmNkJDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTI=");
	fixture_compile(f);
	assert_true(stats(f).was_quick);
	/* The Secret's middleware, the chain, the two routes. */
	assert_int_equal(stats(f).n_units, 4);
	assert_string_not_equal(fixture_answer(f, "web", false, "h1", "/"), "");
	assert_int_equal(fixture_find(f, "IngressRoute/shop/web2", 0)->chain.n, 1);
	assert_ptr_equal(service_of(f, 5), other);
	drop(f, KIND_MIDDLEWARE, "Middleware/shop/auth");
	fixture_compile(f);
	assert_true(stats(f).was_quick);
	assert_told(f, "Middleware/shop/all", "middleware shop-auth@kubernetescrd does not exist");
	assert_string_equal(fixture_answer(f, "web", false, "h2", "/"), "");
	assert_int_equal(stats(f).n_full, 1);
}

/* An entry point's middlewares are looked up by name, and by everything on it. */
static void a_middleware_is_found_by_its_name(void **state)
{
	struct fixture *f = *state;

	fixture_config(f, "{'entryPoints':{'web':{'address':':80','http':{'middlewares':["
			  "'shop-late-a@kubernetescrd']}}}}");
	ten(f);
	assert_told(f, "IngressRoute/shop/web3", "does not exist");
	fixture_add(f, "Middleware", "late-a", "'spec':{'addPrefix':{'prefix':'/a'}}");
	fixture_compile(f);
	assert_true(stats(f).was_quick);
	assert_string_not_equal(fixture_answer(f, "web", false, "h3", "/"), "");
	/* Another object of the same name: neither can be meant by it. */
	fixture_add(f, "Middleware", "shop-late/a", "'spec':{'addPrefix':{'prefix':'/b'}}");
	fixture_compile(f);
	assert_told(f, "IngressRoute/shop/web3", "is the name of more than one object");
	drop(f, KIND_MIDDLEWARE, "Middleware/shop/late-a");
	fixture_compile(f);
	assert_string_not_equal(fixture_answer(f, "web", false, "h3", "/"), "");
}

/* Thousands of objects in a row are told of, and cost no stack. */
static void rows_of_objects_are_cut(void **state)
{
	struct fixture *f = *state;

	ten(f);
	for (int i = 0; i < 2000; i++) {
		char name[24];

		snprintf(name, sizeof(name), "row%04d", i);
		fixture_add(f, "Middleware", name,
			    "'spec':{'chain':{'middlewares':[{'name':'row%04d'}]}}", i + 1);
		fixture_add(f, "TraefikService", name,
			    "'spec':{'weighted':{'services':[{'name':'row%04d','kind':"
			    "'TraefikService'}]}}",
			    i + 1);
	}
	fixture_compile(f);
	assert_told(f, NULL, "more than 64 objects");
	fixture_add(f, "Middleware", "row1000", "'spec':{'addPrefix':{'prefix':'/a'}}");
	fixture_compile(f);
	drop(f, KIND_TRAEFIK_SERVICE, "TraefikService/shop/row0500");
	fixture_compile(f);
}

static void a_transport_is_made_anew_with_those_that_name_it(void **state)
{
	struct fixture *f = *state;
	const struct service *others[10];

	ten(f);
	fixture_add(f, "ServersTransport", "pool", "'spec':{'maxIdleConnsPerHost':3}");
	for (int i = 2; i < 4; i++)
		fixture_add(f, "IngressRoute", i == 2 ? "web2" : "web3",
			    "'spec':{'entryPoints':['web'],'routes':[{'match':'Host(`h%d`)',"
			    "'services':[{'name':'web%d','port':80,'serversTransport':'pool'}]}]}",
			    i, i);
	fixture_compile(f);
	assert_int_equal(service_of(f, 2)->servers[0].transport->max_idle, 3);
	for (int i = 0; i < 10; i++)
		others[i] = service_of(f, i);
	fixture_add(f, "ServersTransport", "pool", "'spec':{'maxIdleConnsPerHost':4}");
	fixture_compile(f);
	assert_int_equal(stats(f).n_units, 3);
	assert_int_equal(service_of(f, 2)->servers[0].transport->max_idle, 4);
	for (int i = 0; i < 10; i++)
		if (i != 2 && i != 3)
			assert_ptr_equal(service_of(f, i), others[i]);
	fixture_add(f, "ServersTransport", "pool", "'spec':{'rootCAs':[{'secret':'ca'}]}");
	fixture_compile(f);
	assert_told(f, "ServersTransport/shop/pool", "Secret ca has no CA");
	drop(f, KIND_SERVERS_TRANSPORT, "ServersTransport/shop/pool");
	fixture_compile(f);
	assert_told(f, "IngressRoute/shop/web2", "ServersTransport pool does not exist");
	assert_int_equal(stats(f).n_full, 1);
}

static void raw_tcp_and_udp_are_made_anew_by_themselves(void **state)
{
	struct fixture *f = *state;
	const struct service *others[10];
	const struct entry_point *db;

	fixture_config(f, "{'entryPoints':{'web':{'address':':80'},'db':{'address':':5432'}}}");
	ten(f);
	for (int i = 0; i < 10; i++)
		others[i] = service_of(f, i);
	fixture_add(f, "IngressRouteTCP", "db",
		    "'spec':{'entryPoints':['db'],'routes':[{'match':'HostSNI(`*`)','services':[{"
		    "'name':'web1','port':80}]}]}");
	fixture_compile(f);
	db = fixture_entry_point(f, "db");
	assert_int_equal(tcp_router_first(db->tcp)->service->n_servers, 1);
	fixture_backend(f, "web1", "'10.0.0.2','10.0.0.40'");
	fixture_compile(f);
	assert_true(stats(f).was_quick);
	db = fixture_entry_point(f, "db");
	assert_int_equal(tcp_router_first(db->tcp)->service->n_servers, 2);
	for (int i = 0; i < 10; i++)
		if (i != 1)
			assert_ptr_equal(service_of(f, i), others[i]);
	drop(f, KIND_INGRESS_ROUTE_TCP, "IngressRouteTCP/shop/db");
	fixture_compile(f);
	assert_null(fixture_entry_point(f, "db")->tcp);
	assert_int_equal(f->snapshot->n_tcp_routes, 0);
	assert_int_equal(stats(f).n_full, 1);
}

static void an_edited_tls_option_keeps_its_number(void **state)
{
	struct fixture *f = *state;
	struct tls_cache *tls = tls_cache_new();
	uint16_t policy;

	registry_set_tls(f->registry, tls);
	fixture_config(f, "{" FIXTURE_EPS "}");
	fixture_add(f, "TLSOption", "o", "'spec':{'minVersion':'VersionTLS12'}");
	fixture_add(f, "IngressRoute", "safe",
		    "'spec':{'entryPoints':['websecure'],'tls':{'options':{'name':'o'}},'routes':[{"
		    "'match':'Host(`h1`)','services':[{'name':'web','port':80}]}]}");
	fixture_compile(f);
	policy = fixture_find(f, "IngressRoute/shop/safe", 0)->tls_policy;
	fixture_add(f, "TLSOption", "o", "'spec':{'minVersion':'VersionTLS13'}");
	fixture_compile(f);
	assert_true(stats(f).was_quick);
	assert_int_equal(fixture_find(f, "IngressRoute/shop/safe", 0)->tls_policy, policy);
	/* Routes of other hosts come and go without it; of its own they do not. */
	fixture_add(f, "IngressRoute", "other",
		    "'spec':{'entryPoints':['websecure'],'tls':{},'routes':[{'match':'Host(`h2`)',"
		    "'services':[{'name':'web','port':80}]}]}");
	fixture_compile(f);
	assert_true(stats(f).was_quick);
	fixture_add(f, "IngressRoute", "rival",
		    "'spec':{'entryPoints':['websecure'],'tls':{},'routes':[{'match':'Host(`h1`)',"
		    "'services':[{'name':'web','port':80}]}]}");
	fixture_compile(f);
	assert_false(stats(f).was_quick);
	assert_told(f, "IngressRoute/shop/safe", "other TLS options");
	drop(f, KIND_INGRESS_ROUTE, "IngressRoute/shop/rival");
	fixture_compile(f);
	assert_false(stats(f).was_quick);
	assert_int_equal(fixture_find(f, "IngressRoute/shop/safe", 0)->tls_policy, policy);
	/* Who may connect is another option, of another number. */
	fixture_add(f, "TLSOption", "o",
		    "'spec':{'clientAuth':{'clientAuthType':'RequireAnyClientCert'}}");
	fixture_compile(f);
	assert_false(stats(f).was_quick);
	assert_int_not_equal(fixture_find(f, "IngressRoute/shop/safe", 0)->tls_policy, policy);
	snapshot_unref(f->snapshot);
	f->snapshot = NULL;
	compiler_free(f->compiler);
	f->compiler = NULL;
	registry_free(f->registry);
	f->registry = NULL;
	tls_cache_free(tls);
}

static void the_kernel_planes_part_is_made_anew_alone(void **state)
{
	struct fixture *f = *state;
	const struct kernel_config *kernel;

	ten(f);
	kernel = f->snapshot->kernel;
	fixture_backend(f, "web3", "'10.0.0.4','10.0.0.40'");
	fixture_compile(f);
	assert_ptr_equal(f->snapshot->kernel, kernel);
	fixture_add(f, "SourcePolicy", "p", "'spec':{'deny':['192.0.2.0/24']}");
	fixture_compile(f);
	assert_true(stats(f).was_quick);
	assert_int_equal(stats(f).n_units, 1);
	assert_ptr_not_equal(f->snapshot->kernel, kernel);
	assert_int_equal(f->snapshot->kernel->n_policies, 2);
}

static void ingress_of_age(struct fixture *f, const char *name, const char *created)
{
	fixture_put(
		f,
		"{'apiVersion':'networking.k8s.io/v1','kind':'Ingress','metadata':{'name':'%s',"
		"'namespace':'shop','creationTimestamp':'%s'},'spec':{'defaultBackend':{'service'"
		":{'name':'web1','port':{'number':80}}}}}",
		name, created);
}

/* Whatever their names, and whichever came to our knowledge first. */
static void what_only_one_can_have_is_the_older_objects(void **state)
{
	struct fixture *f = *state;

	ten(f);
	ingress_of_age(f, "a", "2024-05-01T10:00:00Z");
	fixture_compile(f);
	assert_non_null(fixture_find(f, "Ingress/shop/a", 0));
	ingress_of_age(f, "b", "2023-05-01T10:00:00Z");
	fixture_compile(f);
	assert_null(fixture_find(f, "Ingress/shop/a", 0));
	assert_non_null(fixture_find(f, "Ingress/shop/b", 0));
	assert_told(f, "Ingress/shop/a", "Ingress/shop/b has the default backend");
	drop(f, KIND_INGRESS, "Ingress/shop/b");
	fixture_compile(f);
	assert_non_null(fixture_find(f, "Ingress/shop/a", 0));
}

static void an_old_snapshot_stays_whole_while_somebody_reads_it(void **state)
{
	struct fixture *f = *state;
	struct snapshot *old;
	const struct service *service;
	char addresses[64];

	ten(f);
	old = snapshot_ref(f->snapshot);
	service = service_of(f, 3);
	for (int i = 0; i < 20; i++) {
		snprintf(addresses, sizeof(addresses), "'10.0.2.%d'", i + 1);
		fixture_backend(f, "web3", addresses);
		fixture_compile(f);
	}
	assert_text(service->servers[0].url, "http://10.0.0.4:8080");
	fixture_add(f, "TLSOption", "o", "'spec':{'minVersion':'VersionTLS12'}");
	fixture_compile(f);
	assert_false(stats(f).was_quick);
	assert_text(service->servers[0].url, "http://10.0.0.4:8080");
	snapshot_unref(old);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		FIXTURE_TEST(endpoints_change_what_leads_to_them_alone),
		FIXTURE_TEST(what_nothing_stands_on_changes_nothing),
		FIXTURE_TEST(a_service_that_loses_its_last_endpoint_takes_its_route_along),
		FIXTURE_TEST(routes_come_and_go_by_themselves),
		FIXTURE_TEST(a_traefik_service_is_made_anew_with_those_that_name_it),
		FIXTURE_TEST(a_middleware_is_made_anew_with_those_that_name_it),
		FIXTURE_TEST(a_middleware_is_found_by_its_name),
		FIXTURE_TEST(a_transport_is_made_anew_with_those_that_name_it),
		FIXTURE_TEST(raw_tcp_and_udp_are_made_anew_by_themselves),
		FIXTURE_TEST(an_edited_tls_option_keeps_its_number),
		FIXTURE_TEST(rows_of_objects_are_cut),
		FIXTURE_TEST(the_kernel_planes_part_is_made_anew_alone),
		FIXTURE_TEST(what_only_one_can_have_is_the_older_objects),
		FIXTURE_TEST(an_old_snapshot_stays_whole_while_somebody_reads_it),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
