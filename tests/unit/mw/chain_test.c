// SPDX-License-Identifier: Apache-2.0
/* chain_test: a chain is known, and does nothing by itself. */

#include "mw_lab.h"

#include "model/mw_conf.h"

static void a_chain_is_its_members(void **state)
{
	struct lab lab;

	(void)state;
	lab_init(&lab);
	assert_int_equal(lab_mw(&lab, "chain", "{'middlewares':[{'name':'a'},{'name':'b'}]}"), 0);
	const struct mwc_chain *conf = lab.mw.conf;

	assert_int_equal(conf->middlewares.n, 2);
	assert_null(lab.mw.mw->on_request);
	assert_null(lab.mw.mw->on_response);
	lab_done(&lab);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_chain_is_its_members),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
