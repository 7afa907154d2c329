// SPDX-License-Identifier: Apache-2.0
/*
 * compile_unit_test: changes of all kinds by chance, of few objects that lead to each other in
 * all ways: what changed, compiled, is the same as everything compiled (fixture_compile() compares
 * both each time).
 */

#include "compile_fixture.h"
#include "tls/tls_cache.h"
#include "obs/metric.h"

static struct compiler_stats stats(const struct fixture *f)
{
	return compiler_stats(f->compiler);
}

static void drop(struct fixture *f, enum kind kind, const char *id)
{
	store_remove(&f->store, str_of(id), kind);
}

static uint64_t dice;

static unsigned int roll(unsigned int n)
{
	dice = dice * 6364136223846793005ULL + 1442695040888963407ULL;
	return (unsigned int)(dice >> 33) % n;
}

/* Sanitizers are slow. */
#ifdef __SANITIZE_ADDRESS__
enum { SLOWER = 5 };
#else
enum { SLOWER = 1 };
#endif

enum { NAMES = 12, KEPT = 6 };

static const char *some_ns(void)
{
	static const char *const all[] = {"a", "a-b", "shop"};

	return all[roll(3)];
}

static void change_route(struct fixture *f, const char *name)
{
	static const char *const rules[] = {"Host(`h%u`)", "Host(`h%u`) && PathPrefix(`/p`)",
					    "PathPrefix(`/x%u`)", "HostRegexp(`^r%u`)",
					    "Hots(`typo%u`)"};
	static const char *const services[] = {
		"{'name':'s%u','port':80}",
		"{'name':'s%u','port':80,'sticky':{'cookie':{}}},{'name':'s1','port':80}",
		"{'name':'t%u','kind':'TraefikService'}",
		"{'name':'s%u','namespace':'shop','port':80}",
		"{'name':'s%u','port':'http','serversTransport':'x1'}",
		"{'name':'s%u','port':80,'middlewares':[{'name':'m1'}]},{'name':'s1','port':80}",
	};
	static const char *const more[] = {"",
					   "",
					   "",
					   ",'middlewares':[{'name':'m1'}]",
					   ",'middlewares':[{'name':'m2','namespace':'shop'}]",
					   ",'middlewares':[{'name':'shop-m0@kubernetescrd'}]"};
	static const char *const tls[] = {"",
					  "",
					  "",
					  "'tls':{},",
					  "'tls':{'secretName':'cert1'},",
					  "'tls':{'options':{'name':'o1'}},",
					  "'parentRefs':[{'name':'n0'}],"};
	char rule[64], service[160];

	snprintf(rule, sizeof(rule), rules[roll(5)], roll(4));
	snprintf(service, sizeof(service), services[roll(6)], roll(5));
	fixture_add(f, "IngressRoute", name,
		    "'spec':{%s%s'routes':[{'match':'%s','services':[%s]%s},{'match':"
		    "'Host(`second%u`)','services':[{'name':'s0','port':80}]}]}",
		    tls[roll(roll(4) ? 3 : 7)], roll(2) ? "'entryPoints':['web']," : "", rule,
		    service, more[roll(6)], roll(8));
}

static void change_ingress(struct fixture *f, const char *name)
{
	const char *slash = strchr(name, '/');

	fixture_put(f,
		    "{'apiVersion':'networking.k8s.io/v1','kind':'Ingress','metadata':{'name':'%s',"
		    "'namespace':'%.*s'},'spec':{%s'rules':[{'host':'i%u','http':{'paths':[{'path':"
		    "'/%u','pathType':'Prefix','backend':{'service':{'name':'s%u','port':{"
		    "'number':80}}}}]}}]}}",
		    slash + 1, (int)(slash - name), name,
		    roll(4) ? "" : "'tls':[{'secretName':'cert2'}],", roll(3), roll(2), roll(5));
}

static void change_slice(struct fixture *f, const char *ns)
{
	unsigned int service = roll(5), n = roll(4);
	char list[384] = "";

	for (unsigned int i = 0; i < n; i++)
		sprintf(list + strlen(list),
			"%s{'addresses':['10.%u.%u.%u'],'conditions':{'ready':%s,'serving':%s,"
			"'terminating':%s}}",
			i ? "," : "", roll(3), service, i + 1, roll(5) ? "true" : "false",
			roll(5) ? "true" : "false", roll(5) ? "false" : "true");
	fixture_put(f,
		    "{'apiVersion':'discovery.k8s.io/v1','kind':'EndpointSlice','metadata':{'name':"
		    "'s%u-%u','namespace':'%s','labels':{'kubernetes.io/service-name':'s%u'}},"
		    "'addressType':'IPv4','ports':[{'name':'http','port':8080}],'endpoints':[%s]}",
		    service, roll(2), ns, service, list);
}

/* Chains of chains, in circles too; services that name middlewares. */
static void change_middleware(struct fixture *f, const char *name)
{
	static const char *const specs[] = {
		"'spec':{'addPrefix':{'prefix':'/a%u'}}",
		"'spec':{'chain':{'middlewares':[{'name':'m%u'}]}}",
		"'spec':{'chain':{'middlewares':[{'name':'m%u','namespace':'shop'},{'name':"
		"'shop-m1@kubernetescrd'}]}}",
		"'spec':{'basicAuth':{'secret':'users','realm':'r%u'}}",
		"'spec':{'errors':{'status':['500-599'],'query':'/','service':{'name':'s%u','port':"
		"80}}}",
		"'spec':{'errors':{'status':['404'],'query':'/','service':{'name':'t%u','kind':"
		"'TraefikService'}}}",
		"'spec':{'stripPrefix':{'typo':%u}}",
	};

	fixture_add(f, "Middleware", name, specs[roll(7)], roll(3));
}

static void change_other(struct fixture *f, const char *ns)
{
	char name[64];

	switch (roll(8)) {
	case 0:
	case 6:
		snprintf(name, sizeof(name), "%s/m%u", ns, roll(3));
		change_middleware(f, name);
		break;
	case 7:
		snprintf(name, sizeof(name), "%s/users", ns);
		fixture_add(f, "Secret", name, "'data':{'%s':'dGVzdDp0ZXN0'}",
			    roll(3) ? "users" : "other");
		break;
	case 1:
		snprintf(name, sizeof(name), "%s/t%u", ns, roll(5));
		fixture_add(f, "TraefikService", name,
			    "'spec':{'weighted':{'services':[{'name':'s%u','port':80,'weight':%u},"
			    "{'name':'t%u','kind':'TraefikService'}]}}",
			    roll(5), roll(4), roll(5));
		break;
	case 2:
		snprintf(name, sizeof(name), "%s/t%u", ns, roll(5));
		fixture_add(f, "TraefikService", name,
			    "'spec':{'mirroring':{'name':'s%u','port':80,'mirrors':[{'name':'s%u',"
			    "'port':80,'percent':20,'middlewares':[{'name':'m1'}]}]}}",
			    roll(5), roll(5));
		break;
	case 3:
		snprintf(name, sizeof(name), "%s/p%u", ns, roll(2));
		fixture_add(f, "SourcePolicy", name,
			    "'spec':{'entryPoints':['web'],'deny':['192.0.%u.0/24']}", roll(5));
		break;
	case 4:
		snprintf(name, sizeof(name), "%s/o1", ns);
		fixture_add(f, "TLSOption", name, "'spec':{'minVersion':'VersionTLS1%u'}",
			    2 + roll(2));
		break;
	default:
		snprintf(name, sizeof(name), "%s/x1", ns);
		fixture_add(f, "ServersTransport", name,
			    "'spec':{'maxIdleConnsPerHost':%u,'rootCAs':[{'secret':'%s'}]}",
			    roll(5), roll(2) ? "users" : "none");
	}
}

static void change_stream(struct fixture *f, const char *ns)
{
	static const char *const tls[] = {"",
					  "",
					  "'tls':{},",
					  "'tls':{'passthrough':true},",
					  "'tls':{'options':{'name':'o1'}},",
					  "'tls':{'secretName':'cert1'},"};
	static const char *const rules[] = {"HostSNI(`*`)", "HostSNI(`h%u`)", "HostSNI(`db%u`)",
					    "ClientIP(`10.%u.0.0/16`)"};
	static const char *const more[] = {"", "", "'middlewares':[{'name':'g1'}],"};
	char name[64], rule[64];

	snprintf(name, sizeof(name), "%s/l%u", ns, roll(3));
	snprintf(rule, sizeof(rule), rules[roll(4)], roll(4));
	switch (roll(6)) {
	case 0:
	case 1:
		fixture_add(f, "IngressRouteTCP", name,
			    "'spec':{%s'entryPoints':['%s'],'routes':[{'match':'%s',%s'services':[{"
			    "'name':'s%u','port':80%s}]}]}",
			    tls[roll(6)], roll(2) ? "web" : "db", rule, more[roll(3)], roll(5),
			    roll(2) ? "" : ",'serversTransport':'y1'");
		break;
	case 2:
		fixture_add(f, "IngressRouteUDP", name,
			    "'spec':{'entryPoints':['dns'],'routes':[{'services':[{'name':'s%u',"
			    "'port':80},{'name':'s1','port':80,'weight':2}]}]}",
			    roll(5));
		break;
	case 3:
		snprintf(name, sizeof(name), "%s/g1", ns);
		fixture_add(f, "MiddlewareTCP", name, "'spec':{'inFlightConn':{'amount':%d}}",
			    (int)roll(4) - 1);
		break;
	case 4:
		snprintf(name, sizeof(name), "%s/y1", ns);
		fixture_add(f, "ServersTransportTCP", name,
			    "'spec':{'dialTimeout':'%us','tls':{'rootCAs':[{'secret':'users'}]}}",
			    roll(4));
		break;
	default:
		snprintf(name, sizeof(name), "IngressRouteTCP/%s/l%u", ns, roll(3));
		drop(f, KIND_INGRESS_ROUTE_TCP, name);
	}
}

/* Addresses that more than one wants, other families, checks, policies, entry points. */
static void change_vip(struct fixture *f, const char *ns)
{
	static const char *const more[] = {"",
					   "",
					   "'mode':'dsr-ipip',",
					   "'mode':'local','entryPoint':'web',",
					   "'sourcePolicy':{'name':'p1'},",
					   "'healthCheck':{'type':'tcp'},",
					   "'protocol':'UDP','drainTimeout':'5s',"};
	static const char *const refs[] = {
		"{'name':'s%u','port':80}", "{'name':'s%u','port':80},{'address':'10.9.0.%u'}",
		"{'name':'s%u','port':80,'weight':3},{'name':'s1','port':80}",
		"{'name':'s%u','namespace':'shop','port':80}", "{'address':'2001:db8::%u'}"};
	char name[64], backends[160];

	snprintf(name, sizeof(name), "%s/v%u", ns, roll(4));
	snprintf(backends, sizeof(backends), refs[roll(5)], roll(5), roll(5) + 1);
	fixture_add(f, "VirtualAddress", name,
		    "'spec':{%s'addresses':['192.0.2.%u'%s],'ports':[{'port':%u%s}],"
		    "'backendRefs':[%s]}",
		    more[roll(7)], roll(3) + 1, roll(3) ? "" : ",'2001:db8::1'", roll(2) + 80,
		    roll(4) ? "" : ",'endPort':82", backends);
}

static void remove_any(struct fixture *f, const char *name)
{
	static const struct {
		enum kind kind;
		const char *format;
	} rows[] = {
		{KIND_INGRESS_ROUTE, "IngressRoute/%s"},
		{KIND_INGRESS, "Ingress/%s"},
		{KIND_MIDDLEWARE, "Middleware/shop/m1"},
		{KIND_SECRET, "Secret/shop/users"},
		{KIND_SOURCE_POLICY, "SourcePolicy/a/p1"},
		{KIND_SERVICE, "Service/shop/s1"},
		{KIND_VIRTUAL_ADDRESS, "VirtualAddress/a/v1"},
		{KIND_TRAEFIK_SERVICE, "TraefikService/a/t1"},
		{KIND_ENDPOINT_SLICE, "EndpointSlice/shop/s1-1"},
	};
	unsigned int i = roll(2) ? roll(2) : roll(sizeof(rows) / sizeof(*rows));
	char id[128];

	snprintf(id, sizeof(id), rows[i].format, name);
	drop(f, rows[i].kind, id);
}

static void change_any(struct fixture *f)
{
	const char *ns = some_ns();
	unsigned int what = roll(24);
	char name[32];

	snprintf(name, sizeof(name), "%s/n%u", ns, roll(NAMES));
	if (what < 8)
		change_slice(f, ns);
	else if (what < 13)
		change_route(f, name);
	else if (what < 15)
		change_ingress(f, name);
	else if (what < 17)
		remove_any(f, name);
	else if (what < 18)
		change_other(f, ns);
	else if (what < 20)
		change_stream(f, ns);
	else if (what < 22)
		change_vip(f, ns);
	else {
		snprintf(name, sizeof(name), "%s/s%u", ns, roll(5));
		fixture_add(f, "Service", name, "'spec':{'ports':[{'name':'http','port':%d}]}",
			    roll(6) ? 80 : 81);
	}
}

/* Snapshots are let go in any order. */
static void random_changes(struct fixture *f, uint64_t seed, int n)
{
	struct snapshot *kept[KEPT] = {0};

	dice = seed;
	for (int i = 0; i < n; i++) {
		unsigned int slot = roll(KEPT);

		for (unsigned int k = roll(4) + 1; k > 0; k--)
			change_any(f);
		fixture_compile(f);
		snapshot_unref(kept[slot]);
		kept[slot] = roll(2) ? snapshot_ref(f->snapshot) : NULL;
	}
	for (int i = 0; i < KEPT; i++)
		snapshot_unref(kept[i]);
}

static void random_changes_come_to_the_same(void **state)
{
	struct fixture *f = *state;

	fixture_config(f, "{'entryPoints':{'web':{'address':':80'},'db':{'address':':5432'},'dns':{"
			  "'address':':53/udp'}}}");
	for (uint64_t seed = 1; seed <= 6; seed++)
		random_changes(f, seed, 150 / SLOWER);
	assert_true(stats(f).n_quick > 200 / SLOWER);
	assert_true(stats(f).n_full > 50 / SLOWER);
}

static void so_they_do_with_series_and_tls_tables(void **state)
{
	struct fixture *f = *state;
	struct metric_registry *metrics = metric_registry_new();
	struct tls_cache *tls = tls_cache_new();

	registry_set_metrics(f->registry, metrics);
	registry_set_tls(f->registry, tls);
	fixture_config(f,
		       "{'entryPoints':{'web':{'address':':80'},'websecure':{'address':':443',"
		       "'http':{'tls':{}}},'db':{'address':':5432'},'dns':{'address':':53/udp'}},"
		       "'metrics':{'prometheus':{'addRoutersLabels':true}},"
		       "'providers':{'kubernetesCRD':{'allowCrossNamespace':true}}}");
	random_changes(f, 77, 300 / SLOWER);
	assert_true(stats(f).n_quick > 50 / SLOWER);
	snapshot_unref(f->snapshot);
	f->snapshot = NULL;
	compiler_free(f->compiler);
	f->compiler = NULL;
	registry_free(f->registry);
	f->registry = NULL;
	tls_cache_free(tls);
	metric_registry_free(metrics);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		FIXTURE_TEST(random_changes_come_to_the_same),
		FIXTURE_TEST(so_they_do_with_series_and_tls_tables),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
