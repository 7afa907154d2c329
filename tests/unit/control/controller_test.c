// SPDX-License-Identifier: Apache-2.0
/* controller_test: a real folder, the real compiler, no proxy: revisions come and go. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <unistd.h>

#include "base/log.h"
#include "capture.h"
#include "control/controller.h"

static const char route[] =
	"apiVersion: traefik.io/v1alpha1\nkind: IngressRoute\nmetadata: {name: %s}\n"
	"spec: {entryPoints: [web], routes: [{match: Host(`a.test`), kind: Rule,"
	" services: [{name: s, port: 80}]}]}\n"
	"---\napiVersion: v1\nkind: Service\nmetadata: {name: s}\nspec: {ports: [{port: 80}]}\n";

static void write_route(const char *folder, const char *name)
{
	char path[256], other[256];

	snprintf(path, sizeof(path), "%s/a.yaml", folder);
	snprintf(other, sizeof(other), "%s/.a.tmp", folder);
	FILE *file = fopen(other, "w");

	assert_non_null(file);
	fprintf(file, route, name);
	fclose(file);
	assert_int_equal(rename(other, path), 0);
}

static void *run(void *controller)
{
	controller_run(controller);
	return NULL;
}

static uint64_t revision(struct controller *controller)
{
	struct snapshot *snapshot = controller_snapshot(controller);
	uint64_t n = snapshot->revision;

	snapshot_unref(snapshot);
	return n;
}

/* Bounded by the test runner's patience, not by a clock. */
static void await_revision(struct controller *controller, uint64_t wanted)
{
	for (int i = 0; i < 500 && revision(controller) < wanted; i++)
		poll(NULL, 0, 10);
	assert_int_equal(revision(controller), wanted);
}

static void changes_become_revisions_until_a_signal_ends_it(void **state)
{
	const char *folder_path = capture_folder(NULL, NULL);
	struct static_config config = {0};
	struct sources *sources;
	struct str path;
	struct controller *controller;
	pthread_t thread;
	sigset_t signals;

	(void)state;
	log_init(LOG_ERROR, LOG_LOGFMT);
	sigemptyset(&signals);
	sigaddset(&signals, SIGTERM);
	pthread_sigmask(SIG_BLOCK, &signals, NULL);
	write_route(folder_path, "one");
	char fault[SOURCES_FAULT_BYTES];
	int rc;

	config.manifests = str_of(folder_path);
	sources = sources_open(&config, &path, fault, &rc);
	assert_non_null(sources);
	const struct controller_options options = {
		.config = &config, .sources = sources, .kernel = {.mode = "off"}};

	assert_int_equal(controller_new(&options, &controller), 0);
	assert_int_equal(revision(controller), 1);
	assert_int_equal(pthread_create(&thread, NULL, run, controller), 0);
	write_route(folder_path, "two");
	await_revision(controller, 2);

	json_t *status = controller_status(controller);

	assert_int_equal(json_integer_value(json_object_get(status, "revision")), 2);
	assert_string_equal(
		json_string_value(json_object_get(json_object_get(status, "kernel"), "mode")),
		"off");
	json_decref(status);
	assert_false(controller_draining(controller));
	pthread_kill(thread, SIGTERM);
	pthread_join(thread, NULL);
	assert_true(controller_draining(controller));
	controller_free(controller);
	sources_close(sources);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(changes_become_revisions_until_a_signal_ends_it),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
