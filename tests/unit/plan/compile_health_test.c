// SPDX-License-Identifier: Apache-2.0
/* compile_health_test: strategies, active and passive checks (reference a.1, d.1, d.3, d.4). */

#include "compile_fixture.h"
#include "plan/transport.h"

static const struct service *service_of(struct fixture *f)
{
	const struct route *route = fixture_find(f, "IngressRoute/shop/r", 0);

	return route && route->status != ROUTE_DISABLED ? route->service : NULL;
}

static void route_to(struct fixture *f, const char *services)
{
	fixture_add(
		f, "IngressRoute", "r",
		"'spec':{'entryPoints':['web'],'routes':[{'match':'Host(`a`)','services':[%s]}]}",
		services);
	fixture_compile(f);
}

#define S 1000000000ULL

static void strategies_are_found_by_name(void **state)
{
	static const struct {
		const char *text;
		enum service_strategy strategy;
		bool has_members;
	} rows[] = {
		{"wrr", STRATEGY_WRR, false},
		{"RoundRobin", STRATEGY_WRR, false},
		{"p2c", STRATEGY_P2C, true},
		{"hrw", STRATEGY_HRW, false},
		{"leasttime", STRATEGY_LEASTTIME, true},
	};
	struct fixture *f = *state;
	char text[128];

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		snprintf(text, sizeof(text), "{'name':'web','port':80,'strategy':'%s'}",
			 rows[i].text);
		route_to(f, text);
		assert_int_equal(service_of(f)->strategy, rows[i].strategy);
		assert_int_equal(service_of(f)->servers[0].member != NULL, rows[i].has_members);
	}
	route_to(f, "{'name':'web','port':80,'strategy':'hrw','sticky':{'cookie':{}}}");
	assert_null(service_of(f)->sticky);
	assert_told(f, "IngressRoute/shop/r", "hrw writes no cookie");
}

static void members_stay_over_updates(void **state)
{
	struct fixture *f = *state;
	struct live_member *first, *second;

	route_to(f, "{'name':'web','port':80,'strategy':'p2c'}");
	first = service_of(f)->servers[0].member;
	second = service_of(f)->servers[1].member;
	assert_ptr_not_equal(first, second);
	atomic_store(&first->in_flight, 7);
	for (int i = 0; i < 100; i++) {
		char text[64];

		snprintf(text, sizeof(text), "'10.0.1.%d','10.0.0.1','10.0.0.2'", i);
		fixture_backend(f, "web", text);
		route_to(f, i % 2 ? "{'name':'web','port':80,'strategy':'p2c'}"
				  : "{'name':'web','port':80,'strategy':'leasttime'}");
		assert_ptr_equal(service_of(f)->servers[1].member, first);
		assert_ptr_equal(service_of(f)->servers[2].member, second);
	}
	assert_int_equal(first->in_flight, 7);
}

static void external(struct fixture *f, const char *name, const char *ref)
{
	char text[512];

	fixture_config(f, "{" FIXTURE_EPS
			  ",'providers':{'kubernetesCRD':{'allowExternalNameServices':true}}}");
	fixture_add(f, "Service", "ext", "'spec':{'type':'ExternalName','externalName':'%s'}",
		    name);
	snprintf(text, sizeof(text), "{'name':'ext','port':8080,%s}", ref);
	route_to(f, text);
}

static void probes_have_every_setting(void **state)
{
	struct fixture *f = *state;
	const struct health_probe *probe;
	const struct server *target;

	external(f, "10.9.9.9", "'healthCheck':{}");
	probe = service_of(f)->probe;
	assert_text(probe->path, "/");
	assert_text(probe->method, "GET");
	assert_int_equal(probe->status, 0);
	assert_true(probe->interval_ns == 30 * S && probe->unhealthy_interval_ns == 30 * S);
	assert_true(probe->timeout_ns == 5 * S && probe->follow_redirects && !probe->is_grpc);
	assert_text(probe->targets[0]->servers[0].url, "http://10.9.9.9:8080");
	assert_non_null(service_of(f)->servers[0].member);

	external(f, "a.test",
		 "'healthCheck':{'scheme':'https','path':'ready?x=1','method':'HEAD','status':204,"
		 "'port':81,'interval':'2s','unhealthyInterval':'1s','timeout':'3s',"
		 "'hostname':'h.test','followRedirects':false,'headers':{'X-A':'b'}}");
	probe = service_of(f)->probe;
	assert_text(probe->path, "/ready?x=1");
	assert_text(probe->method, "HEAD");
	assert_text(probe->host, "h.test");
	assert_int_equal(probe->status, 204);
	assert_int_equal(probe->headers.n, 1);
	assert_true(probe->interval_ns == 2 * S && probe->unhealthy_interval_ns == S);
	assert_true(probe->timeout_ns == 3 * S && !probe->follow_redirects);
	target = &probe->targets[0]->servers[0];
	assert_text(target->url, "https://a.test:81");
	assert_text(target->dns_name, "a.test");
	assert_int_equal(target->scheme, TRANSPORT_HTTPS);

	/* A worker has better things to do than that. */
	external(f, "10.9.9.9", "'healthCheck':{'interval':'1ms','unhealthyInterval':'-1s'}");
	probe = service_of(f)->probe;
	assert_true(probe->interval_ns == S / 10 && probe->unhealthy_interval_ns == S / 10);

	/* reference d.3: plaintext unless the scheme is https */
	external(f, "a.test", "'healthCheck':{'mode':'grpc','interval':5}");
	probe = service_of(f)->probe;
	assert_true(probe->is_grpc && probe->interval_ns == 5 * S &&
		    probe->unhealthy_interval_ns == 5 * S);
	assert_int_equal(probe->targets[0]->servers[0].scheme, TRANSPORT_H2C);
	external(f, "a.test", "'healthCheck':{'mode':'grpc','scheme':'https'}");
	assert_int_equal(service_of(f)->probe->targets[0]->servers[0].scheme, TRANSPORT_HTTPS);
}

static void the_last_of_a_name_that_is_probed_decides(void **state)
{
	static const char child[] = "'name':'ext','port':8080,'healthCheck':{'interval':'%ds'}";
	struct fixture *f = *state;
	const struct service **probed;
	char spec[256], text[128];

	external(f, "10.9.9.9", "'weight':1");
	assert_int_equal(f->snapshot->n_probed, 0);
	for (int i = 1; i <= 2; i++) {
		snprintf(text, sizeof(text), child, i);
		snprintf(spec, sizeof(spec), "'spec':{'weighted':{'services':[{%s}]}}", text);
		fixture_add(f, "TraefikService", i == 1 ? "a" : "b", "%s", spec);
	}
	fixture_add(f, "TraefikService", "c",
		    "'spec':{'weighted':{'services':[{'name':'ext','port':8080}]}}");
	fixture_compile(f);
	assert_int_equal(f->snapshot->n_probed, 2);
	probed = f->snapshot->probed;
	assert_true(probed[0]->probe->interval_ns == 2 * S);
	assert_text(probed[0]->name, "shop-ext-8080@kubernetescrd");
	assert_true(probed[1]->probe->interval_ns == S);
	assert_ptr_equal(probed[0]->servers[0].member, probed[1]->servers[0].member);
}

static void absolute_paths_are_refused(void **state)
{
	struct fixture *f = *state;

	external(f, "a.test", "'healthCheck':{'path':'http://b.test/'}");
	assert_null(service_of(f));
	assert_told(f, "IngressRoute/shop/r", "not a path that can be asked for");
}

static void failures_are_counted_when_asked_for(void **state)
{
	struct fixture *f = *state;
	const struct live_passive *passive;

	route_to(f, "{'name':'web','port':80,'passiveHealthCheck':{}}");
	passive = service_of(f)->passive;
	assert_true(passive->window_ns == 10 * S && passive->max_failures == 1 &&
		    !passive->is_probed);
	assert_non_null(service_of(f)->servers[1].member);
	route_to(f, "{'name':'web','port':80,'passiveHealthCheck':{'failureWindow':'3s',"
		    "'maxFailedAttempts':4}}");
	passive = service_of(f)->passive;
	assert_true(passive->window_ns == 3 * S && passive->max_failures == 4);
	external(f, "10.9.9.9", "'healthCheck':{},'passiveHealthCheck':{}");
	assert_true(service_of(f)->passive->is_probed);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		FIXTURE_TEST(strategies_are_found_by_name),
		FIXTURE_TEST(members_stay_over_updates),
		FIXTURE_TEST(probes_have_every_setting),
		FIXTURE_TEST(the_last_of_a_name_that_is_probed_decides),
		FIXTURE_TEST(absolute_paths_are_refused),
		FIXTURE_TEST(failures_are_counted_when_asked_for),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
