// SPDX-License-Identifier: Apache-2.0
/* control_status_test: the shapes that commands and dashboards read. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "control/controller.h"

static struct controller *fresh(void)
{
	static struct static_config config;
	struct controller *controller;
	const struct controller_options options = {
		.config = &config,
		.kernel = {.mode = "off",
			   .reason = "a test",
			   .interfaces = {{"eth0", 2, "native", ""}},
			   .n_interfaces = 1},
	};

	assert_int_equal(controller_new(&options, &controller), 0);
	return controller;
}

static void status_has_every_member(void **state)
{
	static const char *const members[] = {
		"version",	   "uptimeSeconds", "draining", "revision",	 "routers",
		"routersDisabled", "services",	    "workers",	"brokenObjects", "requests",
		"connections",	   "ktls",	    "kernel",
	};
	struct controller *controller = fresh();
	json_t *status = controller_status(controller);

	(void)state;
	for (size_t i = 0; i < sizeof(members) / sizeof(*members); i++)
		if (!json_object_get(status, members[i]))
			fail_msg("%s is missing", members[i]);
	json_decref(status);
	controller_free(controller);
}

static void a_plane_that_is_off_says_why(void **state)
{
	struct controller *controller = fresh();
	struct dataplane_totals totals;
	json_t *drops = controller_drops(controller);

	(void)state;
	assert_string_equal(json_string_value(json_object_get(drops, "off")), "a test");
	assert_int_equal(json_array_size(json_object_get(drops, "bans")), 0);
	assert_false(controller_kernel_totals(controller, &totals));
	json_decref(drops);
	controller_free(controller);
}

static void raw_data_is_an_object(void **state)
{
	struct controller *controller = fresh();
	json_t *data = controller_rawdata(controller);

	(void)state;
	assert_true(json_is_object(data));
	json_decref(data);
	controller_free(controller);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(status_has_every_member),
		cmocka_unit_test(a_plane_that_is_off_says_why),
		cmocka_unit_test(raw_data_is_an_object),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
