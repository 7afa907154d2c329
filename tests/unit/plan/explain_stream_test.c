// SPDX-License-Identifier: Apache-2.0
/* explain_stream_test: one connection or datagram, followed: what would be done, and why. */

#include "plan/explain_stream.h"

#include "stream_fixture.h"

struct row {
	const char *target;
	bool is_udp, is_tls;
	const char *sni, *from;
	enum stream_action action;
	const char *why, *route;
};

static struct explain_stream_result ask(struct fixture *f, const struct row *row)
{
	struct explain_stream_spec spec = {.target = str_of(row->target),
					   .is_udp = row->is_udp,
					   .is_tls = row->is_tls,
					   .sni = str_of(row->sni),
					   .remote_addr = str_of(row->from)};

	return explain_stream(f->snapshot, &spec, &f->arena);
}

static void check(struct fixture *f, const struct row *rows, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		struct explain_stream_result result = ask(f, &rows[i]);
		struct str route = result.tcp	? result.tcp->object
				   : result.udp ? result.udp->object
						: STR("");

		if (result.action != rows[i].action ||
		    str_search(result.why, str_of(rows[i].why)) < 0 ||
		    !str_eq(route, str_of(rows[i].route)))
			fail_msg("row %zu: %d \"" STR_FMT "\" by " STR_FMT, i, result.action,
				 STR_ARG(result.why), STR_ARG(route));
	}
}

static void connections_go_where_the_routers_send_them(void **state)
{
	static const struct row rows[] = {
		{"db", false, true, "pg.test", "10.0.0.1", STREAM_FORWARD, "1 server can have it",
		 "IngressRouteTCP/shop/pg"},
		{"db", false, true, "PG.test", "10.0.0.1", STREAM_FORWARD, "takes it",
		 "IngressRouteTCP/shop/pg"},
		{"db", false, true, "pg.test", "192.0.2.1", STREAM_CLOSE, "does not let",
		 "IngressRouteTCP/shop/pg"},
		{"db", false, true, "web.test", "10.0.0.1", STREAM_HTTP,
		 "an HTTPS route has the name web.test", ""},
		{"db", false, true, "bad.test", "10.0.0.1", STREAM_CLOSE, "TLSOption is missing",
		 "IngressRouteTCP/shop/bad"},
		{"db", false, true, "x.test", "10.0.0.1", STREAM_HTTP, "no TCP route matches", ""},
		{"db", false, false, "", "10.0.0.1", STREAM_HTTP, "no TCP route matches", ""},
		{"web", false, false, "", "10.0.0.1", STREAM_HTTP, "has no TCP routes", ""},
		{"nope", false, false, "", "10.0.0.1", STREAM_DROP, "no entry point", ""},
		{"dns", false, false, "", "10.0.0.1", STREAM_DROP, "no entry point", ""},
		{"log", true, false, "", "10.0.0.1", STREAM_DROP, "no UDP route", ""},
		{"192.0.2.77:5432", false, true, "pg.test", "10.0.0.1", STREAM_FORWARD, "takes it",
		 "IngressRouteTCP/shop/pg"},
		{"db", false, false, "", "x", STREAM_DROP, "no IP address", ""},
	};
	struct fixture *f = *state;

	stream_backend(f, "pg", "'10.0.0.1'");
	fixture_add(f, "MiddlewareTCP", "near",
		    "'spec':{'ipAllowList':{'sourceRange':['10.0.0.0/8']}}");
	fixture_add(f, "IngressRouteTCP", "pg",
		    "'spec':{'entryPoints':['db'],'tls':{'passthrough':true},'routes':[{'match':"
		    "'HostSNI(`pg.test`)','middlewares':[{'name':'near'}],'services':[{'name':'pg',"
		    "'port':5432}]}]}");
	fixture_add(f, "IngressRouteTCP", "bad",
		    "'spec':{'entryPoints':['db'],'tls':{'options':{'name':'no'}},'routes':[{"
		    "'match':'HostSNI(`bad.test`)','services':[{'name':'pg','port':5432}]}]}");
	fixture_add(f, "IngressRoute", "web",
		    "'spec':{'entryPoints':['db'],'tls':{},'routes':[{'match':'Host(`web.test`)',"
		    "'kind':'Rule','services':[{'name':'pg','port':5432}]}]}");
	fixture_compile(f);
	check(f, rows, sizeof(rows) / sizeof(*rows));
}

static void the_kernel_plane_comes_first(void **state)
{
	static const struct row rows[] = {
		{"db", false, false, "", "192.0.2.1", STREAM_FORWARD, "kernel plane forwards",
		 "IngressRouteTCP/shop/r"},
		/* Nobody looks whether it is TLS. */
		{"db", false, true, "x", "192.0.2.1", STREAM_FORWARD, "kernel plane forwards",
		 "IngressRouteTCP/shop/r"},
		/* Another family is the proxy's. */
		{"db", false, false, "", "2001:db8::1", STREAM_FORWARD, "takes it",
		 "IngressRouteTCP/shop/r"},
		{"dns", true, false, "", "192.0.2.1", STREAM_FORWARD, "kernel plane forwards",
		 "IngressRouteUDP/shop/u"},
		{"192.0.2.10:8500", false, false, "", "192.0.2.1", STREAM_FORWARD,
		 "VirtualAddress/shop/vip to 1 backend", ""},
		{"192.0.2.10:9000", false, false, "", "192.0.2.1", STREAM_DROP, "no entry point",
		 ""},
		{"192.0.2.11:80", false, false, "", "192.0.2.1", STREAM_HTTP, "no TCP routes", ""},
		{"192.0.2.12:1", false, false, "", "192.0.2.1", STREAM_CLOSE, "has no backend", ""},
		{"web", false, false, "", "203.0.113.9", STREAM_DROP, "203.0.113.0/24", ""},
	};
	struct fixture *f = *state;

	stream_backend(f, "pg", "'10.0.0.1'");
	fixture_add(f, "IngressRouteTCP", "r",
		    "'spec':{'entryPoints':['db'],'routes':[{'match':'HostSNI(`*`)','services':[{"
		    "'name':'pg','port':5432}]}]}");
	fixture_add(f, "IngressRouteUDP", "u",
		    "'spec':{'entryPoints':['dns'],'routes':[{'services':[{'name':'pg','port':"
		    "5432}]}]}");
	fixture_add(f, "VirtualAddress", "vip",
		    "'spec':{'addresses':['192.0.2.10'],'ports':[{'port':8000,'endPort':8999}],"
		    "'backendRefs':[{'name':'pg','port':5432}]}");
	fixture_add(f, "VirtualAddress", "site",
		    "'spec':{'addresses':['192.0.2.11'],'ports':[{'port':80}],'mode':'local',"
		    "'entryPoint':'web'}");
	fixture_add(f, "VirtualAddress", "empty",
		    "'spec':{'addresses':['192.0.2.12'],'ports':[{'port':1}],'backendRefs':[{"
		    "'name':'gone','port':1}]}");
	fixture_add(f, "SourcePolicy", "p",
		    "'spec':{'entryPoints':['web'],'deny':['203.0.113.0/24']}");
	fixture_compile(f);
	check(f, rows, sizeof(rows) / sizeof(*rows));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		STREAM_TEST(connections_go_where_the_routers_send_them),
		STREAM_TEST(the_kernel_plane_comes_first),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
