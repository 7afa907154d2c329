// SPDX-License-Identifier: Apache-2.0
/* ip_allow_list_test: reference/traefik.md c.4. */

#include "mw_lab.h"

static const struct {
	const char *name, *config, *headers;
	int status; /* 0: passes */
	const char *body;
} rows[] = {
	{"the peer, allowed", "{'sourceRange':['192.0.2.0/24']}", NULL, 0, ""},
	{"one address", "{'sourceRange':['192.0.2.1']}", NULL, 0, ""},
	{"not allowed", "{'sourceRange':['10.0.0.0/8']}", NULL, 403, "Forbidden"},
	{"X-Forwarded-For means nothing by default, k.9", "{'sourceRange':['10.0.0.0/8']}",
	 "X-Forwarded-For: 10.0.0.1", 403, "Forbidden"},
	{"another status", "{'sourceRange':['10.0.0.0/8'],'rejectStatusCode':404}", NULL, 404,
	 "Not Found"},
	{"depth", "{'sourceRange':['10.0.0.1'],'ipStrategy':{'depth':2}}",
	 "X-Forwarded-For: 10.9.9.9, 10.0.0.1 , 10.0.0.2", 0, ""},
	{"depth, too few", "{'sourceRange':['0.0.0.0/0'],'ipStrategy':{'depth':3}}",
	 "X-Forwarded-For: 10.0.0.1, 10.0.0.2", 403, "Forbidden"},
	{"depth, none", "{'sourceRange':['0.0.0.0/0'],'ipStrategy':{'depth':1}}", NULL, 403,
	 "Forbidden"},
	{"depth, only the first header counts",
	 "{'sourceRange':['10.0.0.1'],'ipStrategy':{'depth':1}}",
	 "X-Forwarded-For: 10.0.0.1\nX-Forwarded-For: 10.0.0.2", 0, ""},
	{"depth, with a port", "{'sourceRange':['10.0.0.1'],'ipStrategy':{'depth':1}}",
	 "X-Forwarded-For: 10.0.0.1:4711", 0, ""},
	{"depth, IPv6", "{'sourceRange':['2001:db8::/32'],'ipStrategy':{'depth':1}}",
	 "X-Forwarded-For: 2001:db8::1", 0, ""},
	{"depth, nonsense", "{'sourceRange':['0.0.0.0/0','::/0'],'ipStrategy':{'depth':1}}",
	 "X-Forwarded-For: nobody", 403, "Forbidden"},
	{"excluded",
	 "{'sourceRange':['10.0.0.1'],'ipStrategy':{'excludedIPs':['10.0.0.2','10.1.0.0/16']}}",
	 "X-Forwarded-For: 10.9.9.9, 10.0.0.1, 10.1.2.3, 10.0.0.2", 0, ""},
	{"excluded, all", "{'sourceRange':['0.0.0.0/0'],'ipStrategy':{'excludedIPs':['10.0.0.2']}}",
	 "X-Forwarded-For: 10.0.0.2", 403, "Forbidden"},
	{"excluded, nonsense is in no set",
	 "{'sourceRange':['10.0.0.1'],'ipStrategy':{'excludedIPs':['10.0.0.2']}}",
	 "X-Forwarded-For: 10.0.0.1, nobody", 403, "Forbidden"},
	{"depth overrides",
	 "{'sourceRange':['10.0.0.2'],'ipStrategy':{'depth':1,'excludedIPs':['10.0.0.2']}}",
	 "X-Forwarded-For: 10.0.0.1, 10.0.0.2", 0, ""},
};

static void only_listed_addresses_pass(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct lab lab;

		print_message("  %s\n", rows[i].name);
		lab_init(&lab);
		assert_int_equal(lab_mw(&lab, "ipAllowList", rows[i].config), 0);
		lab_request(&lab, "GET http://a.test/", rows[i].headers);
		assert_true(lab.mw.mw->explain(&lab.mw, &lab.request, &lab.arena).len > 0);
		assert_int_equal(lab_run(&lab), rows[i].status ? MW_REPLY : MW_NEXT);
		assert_int_equal(lab.call.reply.status, rows[i].status);
		lab_assert_str(lab.call.reply.body, rows[i].body);
		lab_done(&lab);
	}
}

static void faults_are_told(void **state)
{
	static const char *const configs[] = {
		"{}",
		"{'sourceRange':[]}",
		"{'sourceRange':['10.0.0.300']}",
		"{'sourceRange':['10.0.0.1'],'rejectStatusCode':299}",
		"{'sourceRange':['10.0.0.1'],'ipStrategy':{'excludedIPs':['x']}}",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(configs) / sizeof(*configs); i++) {
		struct lab lab;

		lab_init(&lab);
		assert_int_not_equal(lab_mw(&lab, "ipAllowList", configs[i]), 0);
		assert_true(lab.sink.n_errors > 0);
		lab_done(&lab);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(only_listed_addresses_pass),
		cmocka_unit_test(faults_are_told),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
