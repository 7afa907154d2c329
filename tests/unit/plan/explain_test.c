// SPDX-License-Identifier: Apache-2.0
/* explain_test: one request after another through the examples of the documentation's lab. */

#include "plan/explain.h"

#include "compile_fixture.h"
#include "source/folder.h"
#include "tls/tls_cache.h"

static struct tls_cache *cache;

/* The examples that `make run` shows. */
static int examples_setup(void **state)
{
	struct fixture *f = malloc(sizeof(*f));
	struct folder *folder;
	int error;

	fixture_init(f);
	cache = tls_cache_new();
	registry_set_tls(f->registry, cache);
	folder = folder_open(&(struct folder_options){.path = "deploy/examples"}, &error);
	assert_non_null(folder);
	folder_read(folder, &f->store, &f->sink);
	folder_close(folder);
	fixture_compile(f);
	*state = f;
	return 0;
}

static int examples_teardown(void **state)
{
	fixture_teardown(state);
	tls_cache_free(cache);
	return 0;
}

#define EXAMPLES_TEST(name) cmocka_unit_test_setup_teardown(name, examples_setup, examples_teardown)

struct row {
	const char *name, *method, *url, *from;
	struct str_pair headers[2];
	enum explain_action action;
	uint16_t status;
	const char *router, *service, *why; /* how they begin; why: what it holds */
};

static struct explain_result explain(struct fixture *f, const struct row *row)
{
	struct explain_spec spec = {
		.id = STR("7"),
		.method = str_of(row->method),
		.url = str_of(row->url),
		.remote_addr = str_of(row->from),
		.headers = row->headers,
	};

	while (spec.n_headers < 2 && row->headers[spec.n_headers].key.len)
		spec.n_headers++;
	return explain_run(f->snapshot, &spec, 1700000000000000000, &f->arena);
}

static bool begins(struct str text, const char *want)
{
	return !want ? !text.len : str_starts(text, str_of(want));
}

static void check(struct fixture *f, const struct row *row)
{
	struct explain_result result = explain(f, row);
	struct str router = result.route ? result.route->name : (struct str){0};
	struct str service = result.service ? result.service->name : (struct str){0};

	if (result.action != row->action || result.status != row->status ||
	    !begins(router, row->router) || !begins(service, row->service) ||
	    (row->why && str_search(result.why, str_of(row->why)) < 0))
		fail_msg("%s: action %d, status %u, router %.*s, service %.*s: %.*s", row->name,
			 result.action, result.status, STR_ARG(router), STR_ARG(service),
			 STR_ARG(result.why));
}

#define NONE                            \
	{                               \
		{                       \
			{NULL, 0},      \
			{               \
				NULL, 0 \
			}               \
		}                       \
	}
#define HOST(name)                             \
	{                                      \
		{                              \
			STR("Host"), STR(name) \
		}                              \
	}
#define HEADER(key, text)                   \
	{                                   \
		{                           \
			STR(key), STR(text) \
		}                           \
	}

static const struct row example_rows[] = {
	{"by host", "GET", "http://shop.example.com/cart", "10.77.1.2", NONE, EXPLAIN_FORWARD, 0,
	 "shop-shop-", "shop-shop-", "2 servers can take it"},
	{"by Host header", "GET", "/cart", "10.77.1.2", HOST("shop.example.com"), EXPLAIN_FORWARD,
	 0, "shop-shop-", "shop-shop-", NULL},
	{"Host header over the URL's", "GET", "http://10.77.1.1/cart", "10.77.1.2",
	 HOST("shop.example.com"), EXPLAIN_FORWARD, 0, "shop-shop-", "shop-shop-", NULL},
	{"upper case and a port", "POST", "http://SHOP.example.com:80/", "10.77.1.2", NONE,
	 EXPLAIN_FORWARD, 0, "shop-shop-", "shop-shop-", NULL},
	{"no route", "GET", "http://store.example.com/", "10.77.1.2", NONE, EXPLAIN_RESPOND, 404,
	 NULL, NULL, "no router"},
	{"no host at all", "GET", "/x", "10.77.1.2", NONE, EXPLAIN_RESPOND, 400, NULL, NULL,
	 "no Host header"},
	{"password asked for", "GET", "http://shop.example.com/admin", "10.77.1.2", NONE,
	 EXPLAIN_RESPOND, 401, "shop-shop-", "shop-shop-", "shop-with-password"},
	{"right password", "GET", "http://shop.example.com/admin", "10.77.1.2",
	 HEADER("Authorization", "Basic YWRhOmV4YW1wbGU="), EXPLAIN_FORWARD, 0, "shop-shop-",
	 "shop-shop-", NULL},
	{"wrong address", "GET", "http://shop.example.com/admin", "192.0.2.1", NONE,
	 EXPLAIN_RESPOND, 403, "shop-shop-", "shop-shop-", "shop-from-the-lab"},
	{"stripped", "GET", "http://api.example.com/v1/orders", "10.77.1.2", NONE, EXPLAIN_FORWARD,
	 0, "shop-api-", "shop-api-", NULL},
	{"strip leaves what climbs", "GET", "http://api.example.com/v1//x", "10.77.1.2", NONE,
	 EXPLAIN_FORWARD, 0, "shop-api-", "shop-api-", NULL},
	{"a limit is said, not spent", "GET", "http://api.example.com/limited", "10.77.1.2", NONE,
	 EXPLAIN_FORWARD, 0, "shop-api-", "shop-api-", NULL},
	{"weighted", "GET", "http://canary.example.com/", "10.77.1.2", NONE, EXPLAIN_FORWARD, 0,
	 "shop-canary-", "shop-canary@kubernetescrd", NULL},
	{"tls", "GET", "https://secure.example.com/", "10.77.1.2", NONE, EXPLAIN_FORWARD, 0,
	 "shop-secure-", "shop-secure-", NULL},
	{"tls, host unknown", "GET", "https://shop.example.com/", "10.77.1.2", NONE,
	 EXPLAIN_RESPOND, 404, NULL, NULL, "for https"},
	{"redirect", "GET", "http://secure.example.com/x?y", "10.77.1.2", NONE, EXPLAIN_RESPOND,
	 301, "shop-secure-redirect-", "shop-secure-redirect-", "shop-to-https"},
	{"redirect of a POST", "POST", "http://secure.example.com/x", "10.77.1.2", NONE,
	 EXPLAIN_RESPOND, 308, "shop-secure-redirect-", "shop-secure-redirect-", NULL},
	{"denied in the kernel", "GET", "http://shop.example.com/", "10.77.1.67", NONE,
	 EXPLAIN_DROP, 0, NULL, NULL, "10.77.1.67/32"},
	{"denied, mapped address", "GET", "http://shop.example.com/", "::ffff:10.77.1.67", NONE,
	 EXPLAIN_DROP, 0, NULL, NULL, "denies it"},
	{"strict parser", "G T", "http://shop.example.com/", "10.77.1.2", NONE, EXPLAIN_RESPOND,
	 400, NULL, NULL, NULL},
	{"bad escape", "GET", "http://shop.example.com/%zz", "10.77.1.2", NONE, EXPLAIN_RESPOND,
	 400, NULL, NULL, "percent sign"},
	{"CONNECT", "CONNECT", "http://shop.example.com/", "10.77.1.2", NONE, EXPLAIN_RESPOND, 0,
	 NULL, NULL, NULL},
	{"both lengths",
	 "POST",
	 "http://shop.example.com/",
	 "10.77.1.2",
	 {{STR("Content-Length"), STR("5")}, {STR("Transfer-Encoding"), STR("chunked")}},
	 EXPLAIN_RESPOND,
	 400,
	 NULL,
	 NULL,
	 "both Content-Length and Transfer-Encoding"},
	{"a line end in a value", "GET", "http://shop.example.com/", "10.77.1.2",
	 HEADER("X", "a\r\nHost: evil"), EXPLAIN_RESPOND, 400, NULL, NULL, "header value"},
	{"a line end in a name", "GET", "http://shop.example.com/", "10.77.1.2",
	 HEADER("X: a\nY", "b"), EXPLAIN_RESPOND, 400, NULL, NULL, "header name"},
	{"a line end in the URL", "GET", "http://shop.example.com/ HTTP/1.1\r\nX: y", "10.77.1.2",
	 NONE, EXPLAIN_RESPOND, 400, NULL, NULL, "target"},
	{"a blank in the URL", "GET", "http://shop.example.com/a b", "10.77.1.2", NONE,
	 EXPLAIN_RESPOND, 400, NULL, NULL, NULL},
	{"two hosts",
	 "GET",
	 "/",
	 "10.77.1.2",
	 {{STR("Host"), STR("shop.example.com")}, {STR("Host"), STR("b")}},
	 EXPLAIN_RESPOND,
	 400,
	 NULL,
	 NULL,
	 "more than one Host"},
	{"a fragment", "GET", "http://shop.example.com/a#b", "10.77.1.2", NONE, EXPLAIN_RESPOND,
	 400, NULL, NULL, "fragment"},
	{"dot segments", "GET", "http://shop.example.com/x/../admin", "192.0.2.1", NONE,
	 EXPLAIN_RESPOND, 403, "shop-shop-", "shop-shop-", "shop-from-the-lab"},
	{"no slash before the query", "GET", "http://shop.example.com?x=1", "10.77.1.2", NONE,
	 EXPLAIN_FORWARD, 0, "shop-shop-", "shop-shop-", NULL},
	{"bad source", "GET", "http://shop.example.com/", "not an address", NONE, EXPLAIN_RESPOND,
	 400, NULL, NULL, "no IP address"},
	{"source with a port", "GET", "http://shop.example.com/", "[fd77:1::2]:4711", NONE,
	 EXPLAIN_FORWARD, 0, "shop-shop-", "shop-shop-", NULL},
};

static void the_examples_are_explained(void **state)
{
	struct fixture *f = *state;

	for (size_t i = 0; i < sizeof(example_rows) / sizeof(*example_rows); i++) {
		struct row row = example_rows[i];

		if (!strcmp(row.name, "CONNECT"))
			row.status = explain(f, &row).status; /* 400 or 501: the parser's matter */
		check(f, &row);
	}
}

static void a_host_header_for_another_policy_is_misdirected(void **state)
{
	struct fixture *f = *state;
	const struct row row = {"421",
				"GET",
				"https://other.example.com/",
				"10.77.1.2",
				HOST("secure.example.com"),
				EXPLAIN_RESPOND,
				421,
				"shop-secure-",
				"shop-secure-",
				NULL};

	fixture_add(f, "Secret", "ca", "'stringData':{'tls.ca':'x'}");
	fixture_add(f, "TLSOption", "modern",
		    "'spec':{'clientAuth':{'clientAuthType':'RequireAnyClientCert'}}");
	fixture_compile(f);
	check(f, &row);
}

static void redirects_say_where_they_lead(void **state)
{
	struct fixture *f = *state;
	const struct row row = {
		.method = "GET", .url = "http://secure.example.com/x?y=1", .from = "10.77.1.2"};

	assert_text(explain(f, &row).location, "https://secure.example.com/x?y=1");
}

static void the_kernel_plane_is_part_of_the_answer(void **state)
{
	struct fixture *f = *state;
	const struct row trusted = {.url = "http://shop.example.com/", .from = "10.77.9.1"};
	const struct row limited = {.url = "http://shop.example.com/", .from = "10.77.1.2"};
	struct explain_result result = explain(f, &trusted);

	assert_int_equal(result.kernel_action, KERNEL_ALLOW);
	assert_int_equal(result.kernel_acl->cidr.bits, 120);
	result = explain(f, &limited);
	assert_int_equal(result.kernel_action, KERNEL_NONE);
	assert_text(result.kernel_policy->object, "SourcePolicy/shop/web");
}

static void considered_routers_come_with_the_predicate_that_failed(void **state)
{
	struct fixture *f = *state;
	const struct row row = {
		.method = "GET", .url = "http://shop.example.com/cart", .from = "10.77.1.2"};
	struct explain_result result;

	fixture_add(f, "IngressRoute", "post",
		    "'spec':{'entryPoints':['web'],'routes':[{'match':'Host(`shop.example.com`) && "
		    "Method(`POST`)','services':[{'name':'shop','port':80}]}]}");
	fixture_add(f, "IngressRoute", "broken",
		    "'spec':{'entryPoints':['web'],'routes':[{'match':'Host(`shop.example.com`)','"
		    "services':[{"
		    "'name':'none','port':80}]}]}");
	fixture_compile(f);
	result = explain(f, &row);
	assert_int_equal(result.n_steps, 3);
	assert_text(result.steps[0].failed, "Method(`POST`)");
	assert_int_equal(result.steps[1].failed.len, 0);
	assert_ptr_equal(result.steps[1].route, result.route);
	assert_true(result.steps[2].is_disabled);
	assert_text(result.steps[2].route->object, "IngressRoute/shop/broken");
}

static void a_disabled_route_explains_a_404(void **state)
{
	struct fixture *f = *state;
	const struct row row = {"404",
				"GET",
				"http://new.example.com/",
				"10.77.1.2",
				NONE,
				EXPLAIN_RESPOND,
				404,
				NULL,
				NULL,
				"Service shop/none does not exist"};

	fixture_add(f, "IngressRoute", "broken",
		    "'spec':{'entryPoints':['web'],'routes':[{'match':'Host(`new.example.com`)','"
		    "services':[{"
		    "'name':'none','port':80}]}]}");
	fixture_compile(f);
	check(f, &row);
}

static void entry_points_are_found_by_port_then_by_scheme(void **state)
{
	static const struct {
		const char *url, *named, *want;
	} rows[] = {
		{"http://a/", "", "web"},
		{"http://a:81/", "", "alt"},
		{"http://a:9999/", "", "alt"},
		{"https://a/", "", "websecure"},
		{"https://a:1234/", "", "websecure"},
		{"http://a/", "alt", "alt"},
		{"/", "", "web"},
	};
	struct fixture *f = *state;

	fixture_config(
		f, "{'entryPoints':{'alt':{'address':':81'},'web':{'address':':80'},'websecure':{"
		   "'address':':8443'}}}");
	fixture_compile(f);
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct explain_spec spec = {.url = str_of(rows[i].url),
					    .entry_point = str_of(rows[i].named)};
		struct explain_result result = explain_run(f->snapshot, &spec, 0, &f->arena);

		if (!result.entry_point || !str_eq(result.entry_point->name, str_of(rows[i].want)))
			fail_msg("%s", rows[i].url);
	}
	struct explain_spec spec = {.url = STR("http://a/"), .entry_point = STR("none")};

	assert_int_equal(explain_run(f->snapshot, &spec, 0, &f->arena).action, EXPLAIN_DROP);
}

static void an_empty_service_answers_503(void **state)
{
	struct fixture *f = *state;
	const struct row row = {
		"503",		 "GET", "http://empty/", "10.77.1.2",	NONE,
		EXPLAIN_RESPOND, 503,	"shop-empty-",	 "shop-empty-", "no server"};

	fixture_config(f, "{" FIXTURE_EPS
			  ",'providers':{'kubernetesCRD':{'allowEmptyServices':true}}}");
	fixture_add(f, "Service", "none", "'spec':{'ports':[{'port':80}]}");
	fixture_add(f, "IngressRoute", "empty",
		    "'spec':{'routes':[{'match':'Host(`empty`)','services':[{'name':'none','port':"
		    "80}]}]}");
	fixture_compile(f);
	check(f, &row);
}

/* reference a.1, d.1: a terminating server keeps its sticky clients and gets no new ones */
static void a_terminating_server_is_for_its_own_clients(void **state)
{
	struct fixture *f = *state;
	struct row row = {"new",	   "GET", "http://ending/", "10.77.1.2",    NONE,
			  EXPLAIN_RESPOND, 503,	  "shop-ending-",   "shop-ending-", "no server"};

	fixture_add(f, "Service", "ending", "'spec':{'ports':[{'port':80}]}");
	fixture_put(f, "{'apiVersion':'discovery.k8s.io/v1','kind':'EndpointSlice','metadata':{"
		       "'name':'ending','namespace':'shop','labels':{"
		       "'kubernetes.io/service-name':'ending'}},'addressType':'IPv4',"
		       "'ports':[{'port':80}],'endpoints':[{'addresses':['10.0.0.9'],"
		       "'conditions':{'serving':true,'terminating':true}}]}");
	fixture_add(f, "IngressRoute", "ending",
		    "'spec':{'routes':[{'match':'Host(`ending`)','services':[{'name':'ending',"
		    "'port':80,'sticky':{'cookie':{'name':'c'}}}]}]}");
	fixture_compile(f);
	check(f, &row);
	row.headers[0] = (struct str_pair){STR("Cookie"), STR("c=http://10.0.0.9:80")};
	row.action = EXPLAIN_FORWARD;
	row.status = 0;
	row.why = "1 server can take it";
	check(f, &row);
}

static void it_is_said_how_a_server_is_chosen(void **state)
{
	static const struct {
		const char *spec, *why;
	} rows[] = {
		{"'weighted':{'services':[{'name':'web','port':80}]}", "2 servers can take it"},
		{"'mirroring':{'name':'web','port':80,'mirrors':[{'name':'web','port':80}]}",
		 "2 servers can take it; shop-web-80 answers, 1 get copies"},
		{"'failover':{'service':{'name':'web','port':80},'fallback':{'name':'web','port':"
		 "'http'},'errors':{'status':['500']}}",
		 "; shop-web-80 answers, shop-web-http when that is down or its status says so"},
		{"'highestRandomWeight':{'services':[{'name':'web','port':80}]}",
		 ", the client's address decides which service"},
	};
	struct fixture *f = *state;
	struct row row = {.name = "a.6",
			  .method = "GET",
			  .url = "http://how/",
			  .from = "10.0.0.1",
			  .action = EXPLAIN_FORWARD,
			  .router = "shop-how",
			  .service = "shop-how"};

	fixture_backend(f, "web", "'10.0.0.1','10.0.0.2'");
	fixture_add(f, "IngressRoute", "how",
		    "'spec':{'routes':[{'match':'Host(`how`)','services':[{'name':'how','kind':"
		    "'TraefikService'}]}]}");
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		fixture_add(f, "TraefikService", "how", "'spec':{%s}", rows[i].spec);
		fixture_compile(f);
		row.why = rows[i].why;
		check(f, &row);
	}
	fixture_add(f, "IngressRoute", "how",
		    "'spec':{'routes':[{'match':'Host(`how`)','services':[{'name':'web','port':80,"
		    "'strategy':'leasttime'}]}]}");
	fixture_compile(f);
	row.why = ", the fastest by its load does";
	check(f, &row);
}

/* reference a.1: the parent's middlewares run first, and children see what they have made. */
static void routes_below_routes_are_followed(void **state)
{
	struct fixture *f = *state;
	struct row row = {.name = "below",
			  .method = "GET",
			  .url = "http://layers/v1/x",
			  .from = "10.0.0.1",
			  .action = EXPLAIN_FORWARD,
			  .router = "shop-child-",
			  .service = "shop-child-"};

	fixture_backend(f, "web", "'10.0.0.1'");
	fixture_add(f, "Middleware", "strip", "'spec':{'stripPrefix':{'prefixes':['/v1']}}");
	fixture_add(f, "Middleware", "nobody",
		    "'spec':{'ipAllowList':{'sourceRange':['1.1.1.1']}}");
	fixture_add(f, "IngressRoute", "parent",
		    "'spec':{'routes':[{'match':'Host(`layers`)','middlewares':[{'name':'strip'}]}]"
		    "}");
	fixture_add(f, "IngressRoute", "child",
		    "'spec':{'parentRefs':[{'name':'parent'}],'routes':[{'match':'Path(`/x`)',"
		    "'services':[{'name':'web','port':80}]},{'match':'Path(`/y`)','middlewares':[{"
		    "'name':'nobody'}],'services':[{'name':'web','port':80}]}]}");
	fixture_compile(f);
	check(f, &row);
	row.url = "http://layers/v1/z";
	row.action = EXPLAIN_RESPOND;
	row.status = 404;
	row.router = row.service = NULL;
	row.why = "no router below shop-parent-";
	check(f, &row);
	row.url = "http://layers/v1/y";
	row.status = 403;
	row.router = row.service = "shop-child-";
	row.why = "shop-nobody";
	check(f, &row);
}

/* reference a.1: service-level middlewares come behind the router's. */
static void middlewares_of_services_are_asked_too(void **state)
{
	struct fixture *f = *state;
	const struct row row = {.name = "service",
				.method = "GET",
				.url = "http://inner/",
				.from = "10.0.0.1",
				.action = EXPLAIN_RESPOND,
				.status = 403,
				.router = "shop-inner-",
				.service = "shop-inner-",
				.why = "shop-nobody"};

	fixture_backend(f, "web", "'10.0.0.1'");
	fixture_add(f, "Middleware", "nobody",
		    "'spec':{'ipAllowList':{'sourceRange':['1.1.1.1']}}");
	fixture_add(
		f, "IngressRoute", "inner",
		"'spec':{'routes':[{'match':'Host(`inner`)','services':[{'name':'web','port':80,"
		"'middlewares':[{'name':'nobody'}]}]}]}");
	fixture_compile(f);
	check(f, &row);
}

static void what_another_server_decides_is_said(void **state)
{
	struct fixture *f = *state;
	const struct row row = {.name = "asks",
				.method = "GET",
				.url = "http://asks/",
				.from = "10.0.0.1",
				.action = EXPLAIN_FORWARD,
				.router = "shop-asks-",
				.service = "shop-asks-",
				.why = "if the server that middleware shop-auth@kubernetescrd asks "
				       "lets it pass"};

	fixture_backend(f, "web", "'10.0.0.1'");
	fixture_add(f, "Middleware", "auth",
		    "'spec':{'forwardAuth':{'address':'http://auth.example/'}}");
	fixture_add(f, "IngressRoute", "asks",
		    "'spec':{'routes':[{'match':'Host(`asks`)','middlewares':[{'name':'auth'}],"
		    "'services':[{'name':'web','port':80}]}]}");
	fixture_compile(f);
	check(f, &row);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		EXAMPLES_TEST(routes_below_routes_are_followed),
		EXAMPLES_TEST(middlewares_of_services_are_asked_too),
		EXAMPLES_TEST(what_another_server_decides_is_said),
		EXAMPLES_TEST(the_examples_are_explained),
		EXAMPLES_TEST(it_is_said_how_a_server_is_chosen),
		EXAMPLES_TEST(a_host_header_for_another_policy_is_misdirected),
		EXAMPLES_TEST(redirects_say_where_they_lead),
		EXAMPLES_TEST(the_kernel_plane_is_part_of_the_answer),
		EXAMPLES_TEST(considered_routers_come_with_the_predicate_that_failed),
		EXAMPLES_TEST(a_disabled_route_explains_a_404),
		EXAMPLES_TEST(entry_points_are_found_by_port_then_by_scheme),
		EXAMPLES_TEST(an_empty_service_answers_503),
		EXAMPLES_TEST(a_terminating_server_is_for_its_own_clients),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
