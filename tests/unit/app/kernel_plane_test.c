// SPDX-License-Identifier: Apache-2.0
/* kernel_plane_test: what happens where the kernel plane cannot be had. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "app/kernel_plane.h"
#include "base/log.h"
#include "capture.h"

#define FOLDER "/sys/fs/bpf/tidegate-unit-test"

static int open_with(const char *mode, struct kernel_plane *plane, struct dataplane **dataplane)
{
	static struct str interfaces[] = {{"nosuch0", 7}};
	struct static_config config = {
		.kernel_plane = str_of(mode),
		.interfaces = {interfaces, 1},
		.pin_folder = STR(FOLDER),
	};

	log_init(LOG_INFO, LOG_LOGFMT);
	int rc = kernel_plane_open(&config, plane, dataplane);
	struct loader_fault fault;

	/* What was loaded before attaching failed stays pinned for the next try. */
	loader_unload(&(struct loader_options){.folder = FOLDER}, &fault);
	return rc;
}

static void off_is_off_and_says_so(void **state)
{
	struct kernel_plane plane;
	struct dataplane *dataplane;

	(void)state;
	assert_int_equal(open_with("off", &plane, &dataplane), 0);
	assert_null(dataplane);
	assert_string_equal(plane.facts.mode, "off");
	assert_non_null(strstr(plane.facts.reason, "--kernelPlane=off"));
}

static void auto_goes_on_without_and_a_named_mode_does_not(void **state)
{
	struct kernel_plane plane;
	struct dataplane *dataplane;

	(void)state;
	capture_begin(2);
	int rc_auto = open_with("auto", &plane, &dataplane);
	const char *said = capture_end();

	assert_int_equal(rc_auto, 0);
	assert_null(dataplane);
	assert_string_equal(plane.facts.mode, "off");
	assert_non_null(strstr(said, "serving L7 only"));
	capture_begin(2);
	int rc_native = open_with("native", &plane, &dataplane);

	assert_non_null(strstr(capture_end(), "ending"));
	assert_true(rc_native < 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(off_is_off_and_says_so),
		cmocka_unit_test(auto_goes_on_without_and_a_named_mode_does_not),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
