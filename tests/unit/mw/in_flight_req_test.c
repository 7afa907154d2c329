// SPDX-License-Identifier: Apache-2.0
/* in_flight_req_test: reference/traefik.md c.6, k.9. */

#include "mw_lab.h"

/* Whether a second request counts for the same source as the first. */
static const struct {
	const char *name, *config, *lines[2], *headers[2], *peers[2];
	bool same;
} rows[] = {
	{"the host by default",
	 "{'amount':1}",
	 {"http://a.test/1", "http://a.test/2"},
	 {NULL},
	 {"192.0.2.1", "192.0.2.2"},
	 true},
	{"another host",
	 "{'amount':1}",
	 {"http://a.test/", "http://b.test/"},
	 {NULL},
	 {"192.0.2.1", "192.0.2.1"},
	 false},
	{"an empty criterion is the host",
	 "{'amount':1,'sourceCriterion':{}}",
	 {"http://a.test/", "http://a.test/"},
	 {NULL},
	 {"192.0.2.1", "192.0.2.2"},
	 true},
	{"the peer",
	 "{'amount':1,'sourceCriterion':{'ipStrategy':{}}}",
	 {"http://a.test/", "http://b.test/"},
	 {NULL},
	 {"192.0.2.1", "192.0.2.1"},
	 true},
	{"another peer",
	 "{'amount':1,'sourceCriterion':{'ipStrategy':{}}}",
	 {"http://a.test/", "http://a.test/"},
	 {NULL},
	 {"192.0.2.1", "192.0.2.2"},
	 false},
	{"a header",
	 "{'amount':1,'sourceCriterion':{'requestHeaderName':'X-Key'}}",
	 {"http://a.test/", "http://b.test/"},
	 {"X-Key: 1", "X-Key: 1"},
	 {"192.0.2.1", "192.0.2.2"},
	 true},
	{"another value",
	 "{'amount':1,'sourceCriterion':{'requestHeaderName':'X-Key'}}",
	 {"http://a.test/", "http://a.test/"},
	 {"X-Key: 1", "X-Key: 2"},
	 {"192.0.2.1", "192.0.2.1"},
	 false},
};

static void ask(struct lab *lab, const char *url, const char *headers, const char *peer)
{
	lab_request(lab, arena_printf(&lab->arena, "GET %s", url).at, headers);
	addr_parse(str_of(peer), &lab->request.peer);
}

static void sources_are_told_apart_as_configured(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct lab lab;
		char first[LAB_SLOT_MAX];

		print_message("  %s\n", rows[i].name);
		lab_init(&lab);
		assert_int_equal(lab_mw(&lab, "inFlightReq", rows[i].config), 0);
		ask(&lab, rows[i].lines[0], rows[i].headers[0], rows[i].peers[0]);
		assert_int_equal(lab_run(&lab), MW_NEXT);
		memcpy(first, lab.slot, sizeof(first));
		ask(&lab, rows[i].lines[1], rows[i].headers[1], rows[i].peers[1]);
		assert_int_equal(lab_run(&lab), rows[i].same ? MW_REPLY : MW_NEXT);
		assert_true(lab.mw.mw->explain(&lab.mw, &lab.request, &lab.arena).len > 0);
		if (rows[i].same) {
			assert_int_equal(lab.call.reply.status, 429);
			lab_assert_str(lab.call.reply.body, "max connections reached: 1");
			lab.mw.mw->on_end(&lab.mw, &lab.call); /* gives nothing back */
			assert_int_equal(lab_run(&lab), MW_REPLY);
		} else {
			lab.mw.mw->on_end(&lab.mw, &lab.call);
		}
		memcpy(lab.slot, first, sizeof(first));
		lab.mw.mw->on_end(&lab.mw, &lab.call);
		ask(&lab, rows[i].lines[0], rows[i].headers[0], rows[i].peers[0]);
		assert_int_equal(lab_run(&lab), MW_NEXT);
		lab_done(&lab);
	}
}

static void none_at_all_when_the_amount_is_zero(void **state)
{
	struct lab lab;

	(void)state;
	lab_init(&lab);
	assert_int_equal(lab_mw(&lab, "inFlightReq", "{}"), 0);
	lab_request(&lab, "GET http://a.test/", NULL);
	assert_int_equal(lab_run(&lab), MW_REPLY);
	lab_assert_str(lab.call.reply.body, "max connections reached: 0");
	lab_done(&lab);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(sources_are_told_apart_as_configured),
		cmocka_unit_test(none_at_all_when_the_amount_is_zero),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
