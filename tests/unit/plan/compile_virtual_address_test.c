// SPDX-License-Identifier: Apache-2.0
/* compile_virtual_address_test: VirtualAddress objects and what the kernel plane gets of them. */

#include <netinet/in.h>

#include "plan/vip_probe.h"
#include "stream_fixture.h"

#define VIP(rest)                                                                                 \
	"'spec':{'addresses':['192.0.2.10'],'ports':[{'port':5432}],'backendRefs':[{'name':'pg'," \
	"'port':5432}]" rest "}"

static void a_service_s_endpoints_are_its_backends(void **state)
{
	struct fixture *f = *state;
	const struct kernel_entry *entry;

	stream_backend(f, "pg", "'10.0.0.1','10.0.0.2'");
	fixture_expect_valid(f, fixture_add(f, "VirtualAddress", "db", VIP("")));
	fixture_compile(f);
	entry = stream_entry(f, "shop/db 192.0.2.10:5432");
	assert_non_null(entry);
	assert_int_equal(entry->proto, IPPROTO_TCP);
	assert_int_equal(entry->port_last, 0);
	assert_int_equal(entry->cookies, KERNEL_COOKIES_AUTO);
	assert_false(entry->is_spread);
	assert_text(entry->service->name, "shop/db");
	assert_text(entry->service->object, "VirtualAddress/shop/db");
	assert_int_equal(entry->service->mode, KERNEL_MODE_NAT);
	assert_string_equal(stream_backends(entry->service), "10.0.0.1:15432x1 10.0.0.2:15432x1");
}

static void everything_can_be_said(void **state)
{
	struct fixture *f = *state;
	const struct kernel_entry *entry;

	stream_backend(f, "pg", "'10.0.0.1','2001:db8::7'");
	fixture_expect_valid(
		f, fixture_add(f, "VirtualAddress", "all",
			       "'spec':{'addresses':['192.0.2.10','2001:db8:f::1'],'ports':[{"
			       "'port':8000,'endPort':8999},{'port':53}],'protocol':'UDP','mode':"
			       "'dsr-gue','sessionAffinity':'quic','backendRefs':[{'name':'pg',"
			       "'port':5432,'weight':2},{'address':'10.9.9.9','weight':1},{"
			       "'address':'10.9.9.8','weight':0}]}"));
	fixture_compile(f);
	entry = stream_entry(f, "shop/all 192.0.2.10:8000/udp");
	assert_non_null(entry);
	assert_int_equal(entry->port_last, 8999);
	assert_int_equal(entry->proto, IPPROTO_UDP);
	assert_int_equal(entry->cookies, KERNEL_COOKIES_OFF);
	assert_int_equal(entry->service->mode, KERNEL_MODE_DSR_GUE);
	assert_int_equal(entry->service->affinity, KERNEL_AFFINITY_QUIC);
	/* The packet keeps its port; of the Service's two, one is of the other family. */
	assert_string_equal(stream_backends(entry->service),
			    "10.0.0.1:0x1 10.9.9.8:0x0~ 10.9.9.9:0x1");
	for (size_t i = 0; i < f->snapshot->kernel->n_services; i++)
		if (str_eq(f->snapshot->kernel->services[i]->name, STR("shop/all v6")))
			entry = NULL;
	assert_null(entry);
	assert_int_equal(f->snapshot->kernel->n_entries, 4 + 4);
}

static void who_came_first_keeps_an_address(void **state)
{
	struct fixture *f = *state;

	stream_backend(f, "pg", "'10.0.0.1'");
	fixture_put(f, "{'apiVersion':'tidegate.io/v1alpha1','kind':'VirtualAddress','metadata':{"
		       "'name':'aaa','namespace':'late','creationTimestamp':'2026-02-01T00:00:00Z'}"
		       ",'spec':{'addresses':['192.0.2.10'],'ports':[{'port':80,'endPort':90},{"
		       "'port':443}],'backendRefs':[{'address':'10.5.5.5'}]}}");
	fixture_put(f, "{'apiVersion':'tidegate.io/v1alpha1','kind':'VirtualAddress','metadata':{"
		       "'name':'zzz','namespace':'early','creationTimestamp':'2026-01-01T00:00:00Z'"
		       "},'spec':{'addresses':['192.0.2.10'],'ports':[{'port':85}],'backendRefs':[{"
		       "'address':'10.5.5.6'}]}}");
	fixture_compile(f);
	assert_non_null(stream_entry(f, "early/zzz 192.0.2.10:85"));
	assert_null(stream_entry(f, "late/aaa 192.0.2.10:80"));
	assert_non_null(stream_entry(f, "late/aaa 192.0.2.10:443"));
	assert_told(f, "VirtualAddress/late/aaa", "VirtualAddress/early/zzz has this address");
	assert_false(fixture_told(f, "VirtualAddress/early/zzz", "has this address"));
}

static void what_cannot_be_is_told(void **state)
{
	static const struct {
		const char *name, *spec, *told;
	} rows[] = {
		{"entry",
		 "'addresses':['192.0.2.1'],'ports':[{'port':80}],'backendRefs':[{"
		 "'address':'10.0.0.1'}]",
		 "entry point own listens there"},
		{"multicast",
		 "'addresses':['224.0.0.1'],'ports':[{'port':80}],'backendRefs':[{"
		 "'address':'10.0.0.1'}]",
		 "no packet may be sent to"},
		{"pool",
		 "'addresses':['203.0.113.1'],'ports':[{'port':80}],'backendRefs':[{"
		 "'address':'10.0.0.1'}]",
		 "in no pool"},
		{"loop",
		 "'addresses':['192.0.2.2'],'ports':[{'port':80}],'backendRefs':[{"
		 "'address':'127.0.0.1'}]",
		 "loopback"},
		{"gone",
		 "'addresses':['192.0.2.3'],'ports':[{'port':80}],'backendRefs':[{'name':"
		 "'no','port':1}]",
		 "Service shop/no does not exist"},
		{"bank",
		 "'addresses':['192.0.2.4'],'ports':[{'port':80}],'backendRefs':[{'name':"
		 "'pg','namespace':'bank','port':1}]",
		 "across namespaces"},
		{"policy",
		 "'addresses':['192.0.2.5'],'ports':[{'port':80}],'backendRefs':[{"
		 "'address':'10.0.0.1'}],'sourcePolicy':{'name':'no'}",
		 "SourcePolicy shop/no does not exist"},
		{"local",
		 "'addresses':['192.0.2.6'],'ports':[{'port':80}],'mode':'local',"
		 "'entryPoint':'dns'",
		 "no such entry point of that protocol"},
		{"twice",
		 "'addresses':['192.0.2.7'],'ports':[{'port':80},{'port':70,'endPort':"
		 "80}],'backendRefs':[{'address':'10.0.0.1'}]",
		 "twice"},
		{"spread",
		 "'addresses':['192.0.2.8'],'ports':[{'port':80}],'spread':true,"
		 "'backendRefs':[{'address':'10.0.0.1'}]",
		 "this node keeps what it gets"},
	};
	struct fixture *f = *state;

	fixture_config(f, "{'entryPoints':{'own':{'address':'192.0.2.1:80'},'dns':{'address':"
			  "':53/udp'}},'forwarding':{'addressPools':['192.0.2.0/24','224.0.0.0/4']"
			  "}}");
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++)
		fixture_expect_valid(f, fixture_add(f, "VirtualAddress", rows[i].name,
						    "'spec':{%s}", rows[i].spec));
	fixture_compile(f);
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		char id[64];

		snprintf(id, sizeof(id), "VirtualAddress/shop/%s", rows[i].name);
		assert_told(f, id, rows[i].told);
	}
	assert_null(stream_entry(f, "shop/policy 192.0.2.5:80"));
	assert_null(stream_entry(f, "shop/pool 203.0.113.1:80"));
	/* No backend: it is answered for all the same. */
	assert_int_equal(stream_entry(f, "shop/gone 192.0.2.3:80")->service->n_backends, 0);
}

static void local_addresses_are_an_entry_point_s(void **state)
{
	struct fixture *f = *state;
	const struct kernel_entry *entry;

	fixture_add(f, "SourcePolicy", "p",
		    "'spec':{'entryPoints':['web'],'limits':{'packetsPerSecond':5}}");
	fixture_add(f, "VirtualAddress", "site",
		    "'spec':{'addresses':['192.0.2.10'],'ports':[{'port':1,'endPort':1000}],"
		    "'mode':'local','entryPoint':'web'}");
	fixture_compile(f);
	entry = stream_entry(f, "shop/site 192.0.2.10:1");
	assert_null(entry->service);
	assert_int_equal(entry->point, fixture_entry_point(f, "web")->index + 1);
	assert_int_equal(entry->port_last, 1000);
	assert_ptr_equal(entry->policy, stream_entry(f, "web")->policy);
}

static void a_policy_can_be_its_own(void **state)
{
	struct fixture *f = *state;

	stream_backend(f, "pg", "'10.0.0.1'");
	fixture_add(f, "SourcePolicy", "p",
		    "'spec':{'entryPoints':['none'],'limits':{'packetsPerSecond':5}}");
	fixture_add(f, "VirtualAddress", "db",
		    VIP(",'sourcePolicy':{'name':'p'},'synCookies':'on'"));
	fixture_compile(f);
	assert_true(stream_entry(f, "shop/db 192.0.2.10:5432")->policy->packets.per_second == 5);
	assert_int_equal(stream_entry(f, "shop/db 192.0.2.10:5432")->cookies, KERNEL_COOKIES_ON);
}

static void checks_decide_and_when_all_fail_nobody_is_left_out(void **state)
{
	struct fixture *f = *state;
	const struct vip_probe *probe;

	stream_backend(f, "pg", "'10.0.0.1','10.0.0.2'");
	fixture_add(f, "VirtualAddress", "db",
		    VIP(",'healthCheck':{'type':'http','path':'/ok','interval':'1s'}"));
	fixture_compile(f);
	probe = f->snapshot->vip_probes;
	assert_text(probe->name, "VirtualAddress/shop/db");
	assert_true(probe->is_http);
	assert_int_equal(probe->n_targets, 2);
	assert_int_equal(probe->targets[0].port, 15432);
	assert_int_equal(probe->unhealthy_threshold, 3);
	live_member_probed(probe->targets[0].member, false, 1);
	compiler_health_changed(f->compiler);
	fixture_compile(f);
	assert_string_equal(stream_backends(stream_entry(f, "shop/db 192.0.2.10:5432")->service),
			    "10.0.0.1:15432x1! 10.0.0.2:15432x1");
	live_member_probed(f->snapshot->vip_probes->targets[1].member, false, 1);
	compiler_health_changed(f->compiler);
	fixture_compile(f);
	assert_string_equal(stream_backends(stream_entry(f, "shop/db 192.0.2.10:5432")->service),
			    "10.0.0.1:15432x1 10.0.0.2:15432x1");
	live_member_probed(f->snapshot->vip_probes->targets[0].member, true, 1);
	compiler_health_changed(f->compiler);
	fixture_compile(f);
	assert_string_equal(stream_backends(stream_entry(f, "shop/db 192.0.2.10:5432")->service),
			    "10.0.0.1:15432x1 10.0.0.2:15432x1!");
}

static void without_the_kernel_plane_nobody_serves_it_and_it_is_told_so(void **state)
{
	struct fixture *f = *state;

	fixture_config(f, "{" STREAM_EPS ",'kernelPlane':'off'}");
	stream_backend(f, "pg", "'10.0.0.1'");
	fixture_add(f, "VirtualAddress", "db",
		    VIP(",'healthCheck':{'type':'http','path':'/ok','interval':'1s'}"));
	fixture_compile(f);
	assert_told(f, "VirtualAddress/shop/db", "nobody serves this address");
	assert_null(stream_entry(f, "shop/db 192.0.2.10:5432"));
	assert_null(f->snapshot->vip_probes);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		STREAM_TEST(a_service_s_endpoints_are_its_backends),
		STREAM_TEST(everything_can_be_said),
		STREAM_TEST(who_came_first_keeps_an_address),
		STREAM_TEST(what_cannot_be_is_told),
		STREAM_TEST(local_addresses_are_an_entry_point_s),
		STREAM_TEST(a_policy_can_be_its_own),
		STREAM_TEST(checks_decide_and_when_all_fail_nobody_is_left_out),
		STREAM_TEST(without_the_kernel_plane_nobody_serves_it_and_it_is_told_so),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
