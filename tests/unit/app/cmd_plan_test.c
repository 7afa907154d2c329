// SPDX-License-Identifier: Apache-2.0
/* cmd_plan_test: the command as an operator runs it. */
#include "check.h"

#include <stdio.h>
#include <string.h>

#include "app/command.h"
#include "capture.h"

static const char now[] =
	"apiVersion: traefik.io/v1alpha1\nkind: IngressRoute\nmetadata: {name: r}\n"
	"spec: {entryPoints: [web], routes: [{match: Host(`a.test`), kind: Rule,"
	" services: [{name: s, port: 80}]}]}\n---\n"
	"apiVersion: v1\nkind: Service\nmetadata: {name: s}\n"
	"spec: {type: ExternalName, externalName: s.test, ports: [{port: 80}]}\n";
static const char then[] =
	"apiVersion: traefik.io/v1alpha1\nkind: Middleware\nmetadata: {name: m}\n"
	"spec: {redirectScheme: {scheme: https}}\n---\n"
	"apiVersion: traefik.io/v1alpha1\nkind: IngressRoute\nmetadata: {name: r}\n"
	"spec: {entryPoints: [web], routes: [{match: Host(`a.test`), kind: Rule,"
	" middlewares: [{name: m}], services: [{name: s, port: 80}]}]}\n";
static const char log_lines[] = "{\"url\":\"http://a.test/x\"}\n{\"url\":\"http://b.test/\"}\nno\n";

/* capture_folder has one folder at a time, so that of now is copied from a file of its own. */
static const char *plan(const char *given, const char *flag, int *ret_code)
{
	static char base[] = "/tmp/tidegate-plan-test.yaml", file[] = "/tmp/tidegate-plan-new.yaml",
		    requests[] = "/tmp/tidegate-plan-log.json";
	const char *const texts[][2] = {{base, now}, {file, given}, {requests, log_lines}};
	struct command_line line;
	char option[256];
	char *argv[] = {option,
			(char *)"--providers.kubernetesCRD.allowExternalNameServices=true",
			(char *)"--entryPoints.web.address=:80",
			(char *)"-f",
			file,
			(char *)"--requests",
			requests,
			(char *)flag};

	for (size_t i = 0; i < ROWS(texts); i++) {
		FILE *out = fopen(texts[i][0], "w");

		assert_non_null(out);
		fputs(texts[i][1], out);
		fclose(out);
	}
	snprintf(option, sizeof(option), "--manifests=%s", capture_folder("a.yaml", now));
	capture_begin(1);
	int rc = command_line_parse(&command_plan, flag ? 8 : 7, argv, &line);

	*ret_code = rc ? rc : command_plan.run(&line);
	command_line_done(&line);
	for (size_t i = 0; i < ROWS(texts); i++)
		remove(texts[i][0]);
	return capture_end();
}

static void changes_and_answers_are_told(void **state)
{
	int code;
	const char *said = plan(then, NULL, &code);

	(void)state;
	assert_int_equal(code, EXIT_OK);
	assert_non_null(strstr(said, "+ middleware default-m@kubernetescrd"));
	assert_non_null(
		strstr(said, "1 of 2 requests of the log would be answered differently (1 lines"));
	assert_non_null(strstr(said, "GET http://a.test/x\n    - forward"));
	assert_non_null(strstr(said, "    + respond 302") ?: strstr(said, "    + respond 307"));
}

static void new_faults_are_exit_1(void **state)
{
	int code;
	const char *said = plan("apiVersion: traefik.io/v1alpha1\nkind: Middleware\n"
				"metadata: {name: m}\nspec: {stripPrefx: {}}\n",
				NULL, &code);

	(void)state;
	assert_int_equal(code, EXIT_FAULTS);
	assert_non_null(strstr(said, "new faults\n  error: Middleware/default/m"));
}

static void the_same_changes_nothing(void **state)
{
	int code;
	json_t *json = json_loads(plan(now, "--json", &code), 0, NULL);

	(void)state;
	assert_int_equal(code, EXIT_OK);
	assert_int_equal(json_array_size(json_object_get(json, "changes")), 0);
	assert_int_equal(
		json_integer_value(json_object_get(json_object_get(json, "requests"), "asked")), 2);
	json_decref(json);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(changes_and_answers_are_told),
		cmocka_unit_test(new_faults_are_exit_1),
		cmocka_unit_test(the_same_changes_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
