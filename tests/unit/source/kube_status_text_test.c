// SPDX-License-Identifier: Apache-2.0
/* kube_status_text_test: what an API server answers instead of objects. */
#include "source/kube_status_text.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>

#include <cmocka.h>

static void a_status_is_understood_and_anything_else_is_its_own_message(void **state)
{
	struct kube_status status;

	(void)state;
	kube_status_text_parse(
		STR("{\"kind\":\"Status\",\"status\":\"Failure\",\"message\":\"Timeout: Too large "
		    "resource version: 9, current: "
		    "2\",\"reason\":\"Timeout\",\"details\":{\"causes\":"
		    "[{\"reason\":\"ResourceVersionTooLarge\",\"message\":\"x\"}],"
		    "\"retryAfterSeconds\":1},\"code\":504}"),
		&status);
	assert_int_equal(status.code, 504);
	assert_string_equal(status.reason, "Timeout");
	assert_true(status.is_version_ahead);
	kube_status_text_parse(STR("404 page not found\n"), &status);
	assert_int_equal(status.code, 0);
	assert_string_equal(status.message, "404 page not found");
	kube_status_text_parse(STR("a\x01\r\nb\x7f"), &status);
	assert_string_equal(status.message, "a   b");
	kube_status_text_parse((struct str){0}, &status);
	assert_string_equal(status.message, "");
	kube_status_text_parse(STR("{\"code\":\"x\",\"message\":7,\"details\":[]}"), &status);
	assert_int_equal(status.code, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_status_is_understood_and_anything_else_is_its_own_message),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
