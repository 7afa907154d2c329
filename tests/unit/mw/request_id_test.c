// SPDX-License-Identifier: Apache-2.0
/* request_id_test: ids that are made, and ids that are kept. */

#include "mw_lab.h"

static const struct {
	const char *name, *config, *headers;
	bool trusted;
	const char *kept; /* NULL: a new one */
} rows[] = {
	{"none came", "{}", NULL, true, NULL},
	{"from a peer that is trusted", "{}", "x-request-id: abc-1", true, "abc-1"},
	{"from one that is not", "{}", "X-Request-Id: abc-1", false, NULL},
	{"never", "{'trust':'never'}", "X-Request-Id: abc-1", true, NULL},
	{"always", "{'trust':'always'}", "X-Request-Id: abc-1", false, "abc-1"},
	{"no id", "{'trust':'always'}", "X-Request-Id: a b\"c", true, NULL},
	{"empty", "{'trust':'always'}", "X-Request-Id:", true, NULL},
	{"another header", "{'headerName':'X-Trace','trust':'always'}", "X-Trace: t", false, "t"},
};

static void ids_are_kept_from_those_who_are_trusted(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct lab lab;

		print_message("  %s\n", rows[i].name);
		lab_init(&lab);
		assert_int_equal(lab_mw(&lab, "requestId", rows[i].config), 0);
		lab_request(&lab, "GET http://a.test/", rows[i].headers);
		lab.request.peer_trusted = rows[i].trusted;
		assert_true(lab.mw.mw->explain(&lab.mw, &lab.request, &lab.arena).len > 0);
		assert_int_equal(lab_run(&lab), MW_NEXT);
		if (rows[i].kept)
			lab_assert_str(lab.request.id, rows[i].kept);
		else
			assert_int_equal(lab.request.id.len, 36);
		lab_respond(&lab, "X-Request-Id: of the server\nX-Trace: too");
		const char *header = i == 7 ? "X-Trace" : "X-Request-Id";
		const struct header *sent = header_find_name(&lab.request.headers, str_of(header));

		assert_true(str_eq(sent->value, lab.request.id));
		sent = header_find_name(&lab.response.headers, str_of(header));
		assert_true(str_eq(sent->value, lab.request.id));
		lab_done(&lab);
	}
}

static void ids_have_their_form_and_are_never_equal(void **state)
{
	enum { N = 1000 };
	static char seen[N][37];
	struct lab lab;

	(void)state;
	lab_init(&lab);
	lab_mw(&lab, "requestId", "{}");
	for (int i = 0; i < N; i++) {
		lab_request(&lab, "GET http://a.test/", NULL);
		lab.call = (struct mw_call){.request = &lab.request,
					    .slot = lab.slot,
					    .wall_ns = 0x0123456789abULL * NS_PER_MS,
					    .worker = (uint32_t)i % 3};
		lab.mw.mw->on_request(&lab.mw, &lab.call);
		memcpy(seen[i], lab.request.id.at, 36);
		assert_memory_equal(seen[i], "01234567-89ab-7", 15);
		assert_non_null(strchr("89ab", seen[i][19]));
		for (int j = 0; j < i; j++)
			assert_string_not_equal(seen[i], seen[j]);
	}
	lab_done(&lab);
}

static void random_ids_and_silence(void **state)
{
	struct lab lab;

	(void)state;
	lab_init(&lab);
	lab_mw(&lab, "requestId", "{'format':'random','response':false}");
	lab_request(&lab, "GET http://a.test/", NULL);
	lab_run(&lab);
	assert_int_equal(lab.request.id.len, 32);
	lab_respond(&lab, "");
	lab_assert_header(&lab.response.headers, "X-Request-Id", NULL);
	assert_true(lab.mw.state->memory_bytes(lab.mw.state) > 0);
	lab_done(&lab);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(ids_are_kept_from_those_who_are_trusted),
		cmocka_unit_test(ids_have_their_form_and_are_never_equal),
		cmocka_unit_test(random_ids_and_silence),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
