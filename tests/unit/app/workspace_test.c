// SPDX-License-Identifier: Apache-2.0
/* workspace_test: the folder of a command, compiled by the same compiler as the proxy's. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>

#include "app/workspace.h"
#include "capture.h"

static const char route[] =
	"apiVersion: traefik.io/v1alpha1\nkind: IngressRoute\nmetadata: {name: web}\n"
	"spec: {entryPoints: [web], routes: [{match: Host(`a.test`), kind: Rule,"
	" services: [{name: nobody, port: 80}]}]}\n";

static int open_folder(const char *folder, struct command_line *line, struct workspace *workspace)
{
	char option[128];
	char *argv[] = {option, (char *)"--entryPoints.web.address=:80"};

	snprintf(option, sizeof(option), "--manifests=%s", folder);
	assert_int_equal(command_line_parse(&command_check, 2, argv, line), 0);
	return workspace_open(line, workspace);
}

static void a_folder_becomes_a_snapshot(void **state)
{
	struct command_line line;
	struct workspace workspace;

	(void)state;
	assert_int_equal(open_folder(capture_folder("a.yaml", route), &line, &workspace), EXIT_OK);
	assert_int_equal(workspace.snapshot->n_entry_points, 1);
	assert_int_equal(workspace.store.objects[KIND_INGRESS_ROUTE].n, 1);
	assert_true(workspace.snapshot->diags.n > 0); /* the service is missing */
	workspace_close(&workspace);
	command_line_done(&line);
}

static void entry_points_nobody_configured_are_those_that_manifests_name(void **state)
{
	char option[128];
	char *argv[] = {option};
	struct command_line line;
	struct workspace workspace;

	(void)state;
	snprintf(option, sizeof(option), "--manifests=%s", capture_folder("a.yaml", route));
	assert_int_equal(command_line_parse(&command_check, 1, argv, &line), 0);
	assert_int_equal(workspace_open(&line, &workspace), EXIT_OK);
	assert_int_equal(static_entry_point_find(&workspace.config, STR("web"))->listen.port, 80);
	assert_int_equal(static_entry_point_find(&workspace.config, STR("websecure"))->listen.port,
			 443);
	assert_null(static_entry_point_find(&workspace.config, STR("http")));
	workspace_close(&workspace);
	command_line_done(&line);
}

static void no_folder_is_a_usage_fault(void **state)
{
	struct command_line line;
	struct workspace workspace;

	(void)state;
	assert_int_equal(command_line_parse(&command_check, 0, NULL, &line), 0);
	capture_begin(2);
	assert_int_equal(workspace_open(&line, &workspace), EXIT_USAGE);
	assert_non_null(strstr(capture_end(), "--manifests=DIR"));
	command_line_done(&line);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_folder_becomes_a_snapshot),
		cmocka_unit_test(entry_points_nobody_configured_are_those_that_manifests_name),
		cmocka_unit_test(no_folder_is_a_usage_fault),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
