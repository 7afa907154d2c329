// SPDX-License-Identifier: Apache-2.0
/* cmd_check_test: the command as an operator runs it, over real folders. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>

#include "app/command.h"
#include "capture.h"

static const char bad[] = "apiVersion: traefik.io/v1alpha1\nkind: IngressRoute\nmetadata: {name: "
			  "web, namespace: shop}\n"
			  "spec:\n  routes:\n  - match: Hots(`a.test`)\n    kind: Rule\n"
			  "    services: [{name: s, port: 80}]\n";
static const char good[] = "apiVersion: v1\nkind: Service\nmetadata: {name: s, namespace: shop}\n"
			   "spec: {ports: [{port: 80}]}\n";

static const char *check(const char *folder, const char *flag, int *ret_code)
{
	char option[128];
	char *argv[] = {option, (char *)flag};
	struct command_line line;

	snprintf(option, sizeof(option), "--manifests=%s", folder);
	capture_begin(1);
	int rc = command_line_parse(&command_check, flag ? 2 : 1, argv, &line);

	*ret_code = rc ? rc : command_check.run(&line);
	command_line_done(&line);
	return capture_end();
}

static void faults_name_object_field_and_suggestion(void **state)
{
	int code;
	const char *said = check(capture_folder("a.yaml", bad), NULL, &code);

	(void)state;
	assert_int_equal(code, EXIT_FAULTS);
	assert_non_null(strstr(said, "IngressRoute/shop/web"));
	assert_non_null(strstr(said, "spec.routes[0].match"));
	assert_non_null(strstr(said, "did you mean Host?"));
}

static void json_holds_the_same(void **state)
{
	int code;
	json_t *answer = json_loads(check(capture_folder("a.yaml", bad), "--json", &code), 0, NULL);

	(void)state;
	assert_int_equal(code, EXIT_FAULTS);
	assert_true(json_is_false(json_object_get(answer, "ok")));
	assert_true(json_integer_value(json_object_get(answer, "errors")) >= 1);
	assert_true(json_array_size(json_object_get(answer, "faults")) >= 1);
	json_decref(answer);
}

static void a_clean_folder_exits_zero(void **state)
{
	int code;

	(void)state;
	assert_non_null(strstr(check(capture_folder("a.yaml", good), NULL, &code),
			       "1 objects, 0 routers: 0 errors"));
	assert_int_equal(code, EXIT_OK);
}

static void a_missing_folder_is_said(void **state)
{
	int code;

	(void)state;
	capture_begin(2);
	char *argv[] = {(char *)"--manifests=/nowhere/at/all"};
	struct command_line line;

	assert_int_equal(command_line_parse(&command_check, 1, argv, &line), 0);
	code = command_check.run(&line);
	command_line_done(&line);
	assert_non_null(strstr(capture_end(), "/nowhere/at/all"));
	/* A pipeline must tell this from faults in objects. */
	assert_int_equal(code, EXIT_UNREAD);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(faults_name_object_field_and_suggestion),
		cmocka_unit_test(json_holds_the_same),
		cmocka_unit_test(a_clean_folder_exits_zero),
		cmocka_unit_test(a_missing_folder_is_said),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
