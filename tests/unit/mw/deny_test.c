// SPDX-License-Identifier: Apache-2.0
/* deny_test: who is refused, and what is wrong with sets. */

#include "mw_lab.h"

static const struct lab_secret sets[] = {
	{"feed", "", {{STR("a"), STR("# a feed\n203.0.113.0/24 # bad\r\n\n2001:db8::/32\n")}}, 1},
	{"two", "", {{STR("x"), STR("198.51.100.7")}, {STR("y"), STR("192.0.2.1")}}, 2},
	{"bad", "", {{STR("a"), STR("10.0.0.0/8\n\nnobody\n10.0.0.0/33")}}, 1},
	{"empty", "", {{STR("a"), STR("")}}, 1},
};

static const struct {
	const char *name, *config, *peer, *headers;
	uint16_t status; /* 0: passes */
} rows[] = {
	{"in the list", "{'cidrs':['192.0.2.0/24']}", "192.0.2.9", NULL, 403},
	{"not in the list", "{'cidrs':['192.0.2.0/24']}", "192.0.3.9", NULL, 0},
	{"another status", "{'cidrs':['192.0.2.9'],'statusCode':404}", "192.0.2.9", NULL, 404},
	{"in a ConfigMap", "{'configMaps':['feed']}", "203.0.113.9", NULL, 403},
	{"IPv6 in a ConfigMap", "{'configMaps':['feed']}", "2001:db8::9", NULL, 403},
	{"in neither", "{'configMaps':['feed']}", "2001:db9::9", NULL, 0},
	{"in the second key of a Secret", "{'secrets':['two']}", "192.0.2.1", NULL, 403},
	{"in one of several", "{'cidrs':['10.0.0.1'],'configMaps':['feed'],'secrets':['two']}",
	 "198.51.100.7", NULL, 403},
	{"an empty set denies nobody", "{'configMaps':['empty']}", "192.0.2.1", NULL, 0},
	{"by X-Forwarded-For", "{'cidrs':['10.0.0.1'],'ipStrategy':{'depth':1}}", "192.0.2.1",
	 "X-Forwarded-For: 10.0.0.1", 403},
	{"by X-Forwarded-For, another", "{'cidrs':['10.0.0.1'],'ipStrategy':{'depth':1}}",
	 "10.0.0.1", "X-Forwarded-For: 10.0.0.2", 0},
	{"who cannot be found is refused", "{'cidrs':['10.0.0.1'],'ipStrategy':{'depth':2}}",
	 "192.0.2.1", "X-Forwarded-For: 10.0.0.2", 403},
};

static void lab_with_sets(struct lab *lab)
{
	lab_init(lab);
	lab->secrets = sets;
	lab->n_secrets = sizeof(sets) / sizeof(*sets);
}

static void who_is_in_a_set_is_refused(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct lab lab;

		print_message("  %s\n", rows[i].name);
		lab_with_sets(&lab);
		assert_int_equal(lab_mw(&lab, "deny", rows[i].config), 0);
		lab_request(&lab, "GET http://a.test/", rows[i].headers);
		addr_parse(str_of(rows[i].peer), &lab.request.peer);
		assert_true(lab.mw.mw->explain(&lab.mw, &lab.request, &lab.arena).len > 0);
		assert_int_equal(lab_run(&lab), rows[i].status ? MW_REPLY : MW_NEXT);
		if (rows[i].status)
			assert_int_equal(lab.call.reply.status, rows[i].status);
		lab_done(&lab);
	}
}

static void faults_are_told(void **state)
{
	static const struct {
		const char *config, *text;
	} faults[] = {
		{"{'configMaps':['missing']}", "not found"},
		{"{'secrets':['missing']}", "not found"},
		{"{'configMaps':['bad']}",
		 "2 lines are no networks, the first one is line 3 of bad, key a"},
		{"{'cidrs':['10.0.0.1'],'statusCode':299}", "no known HTTP status"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(faults) / sizeof(*faults); i++) {
		struct lab lab;

		lab_with_sets(&lab);
		assert_int_equal(lab_mw(&lab, "deny", faults[i].config), -EINVAL);
		assert_int_equal(lab.sink.n_errors, 1);
		assert_true(str_search(lab.sink.at[0].message, str_of(faults[i].text)) >= 0);
		lab_done(&lab);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(who_is_in_a_set_is_refused),
		cmocka_unit_test(faults_are_told),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
