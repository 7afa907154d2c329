// SPDX-License-Identifier: Apache-2.0
/* sources_test: the manifests folder and Traefik's own files fill one store. */
#include "source/sources.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

struct scene {
	char folder[32], manifests[64], files[64], file[96], text[96];
	struct arena arena;
	struct diag_sink sink;
	struct store store;
	struct static_config config;
};

static void put(const char *path, const char *text)
{
	FILE *file = fopen(path, "w");

	assert_non_null(file);
	fputs(text, file);
	fclose(file);
}

static void scene_init(struct scene *s)
{
	*s = (struct scene){.folder = "/tmp/sources-XXXXXX"};
	assert_non_null(mkdtemp(s->folder));
	snprintf(s->manifests, sizeof(s->manifests), "%s/m", s->folder);
	snprintf(s->files, sizeof(s->files), "%s/f", s->folder);
	assert_int_equal(mkdir(s->manifests, 0755), 0);
	assert_int_equal(mkdir(s->files, 0755), 0);
	snprintf(s->text, sizeof(s->text), "%s/a.yaml", s->manifests);
	put(s->text, "apiVersion: v1\nkind: Service\nmetadata: {name: s}\nspec: {ports: [{port: "
		     "80}]}\n");
	snprintf(s->file, sizeof(s->file), "%s/dyn.toml", s->files);
	put(s->file, "[http.routers.r]\nrule = \"Host(`a`)\"\nservice = \"s\"\n");
	arena_init(&s->arena, 1 << 20, 0);
	diag_init(&s->sink, &s->arena);
	store_init(&s->store);
	s->config.manifests = str_of(s->manifests);
	s->config.providers.file.watch = true;
}

static void scene_done(struct scene *s)
{
	unlink(s->text);
	unlink(s->file);
	rmdir(s->manifests);
	rmdir(s->files);
	rmdir(s->folder);
	store_done(&s->store);
	arena_done(&s->arena);
}

static void both_are_read(struct scene *s)
{
	char fault[SOURCES_FAULT_BYTES];
	struct sources *sources;
	struct str path;
	int error;

	assert_true(sources_are_named(&s->config));
	sources = sources_open(&s->config, &path, fault, &error);
	assert_non_null(sources);
	assert_true(sources_fd(sources) >= 0);
	assert_false(sources_listed(sources));
	assert_int_equal(sources_read(sources, &s->store, &s->sink), 1);
	assert_true(sources_listed(sources));
	assert_non_null(store_find(&s->store, KIND_SERVICE, STR("default"), STR("s")));
	assert_non_null(store_find(&s->store, KIND_INGRESS_ROUTE, STR("@file"), STR("r")));
	sources_close(sources);
}

static void a_folder_of_files_stands_beside_the_manifests(void **state)
{
	struct scene s;

	(void)state;
	scene_init(&s);
	s.config.providers.file.directory = str_of(s.files);
	both_are_read(&s);
	scene_done(&s);
}

static void so_does_a_single_file(void **state)
{
	struct scene s;

	(void)state;
	scene_init(&s);
	s.config.providers.file.filename = str_of(s.file);
	both_are_read(&s);
	scene_done(&s);
}

static void what_cannot_be_opened_is_named(void **state)
{
	char fault[SOURCES_FAULT_BYTES];
	struct scene s;
	struct str path;
	int error;

	(void)state;
	scene_init(&s);
	s.config.providers.file.directory = STR("/tmp/tidegate-no-such-folder");
	assert_null(sources_open(&s.config, &path, fault, &error));
	assert_true(str_eq(path, s.config.providers.file.directory));
	assert_true(error < 0);
	s.config = (struct static_config){0};
	assert_false(sources_are_named(&s.config));
	scene_done(&s);
}

/* Who looks once is not kept waiting for a server that is not there. */
static void a_server_that_never_answers_is_given_up(void **state)
{
	char fault[SOURCES_FAULT_BYTES];
	struct scene s;
	struct str path;
	int error;

	(void)state;
	scene_init(&s);
	s.config.providers.kubernetes_crd.endpoint = STR("http://127.0.0.1:1");
	s.config.providers.kubernetes_crd.token = STR("t");
	struct sources *sources = sources_open(&s.config, &path, fault, &error);

	assert_non_null(sources);
	assert_int_equal(sources_settle(sources, &s.store, &s.sink, 30000000000), -EHOSTUNREACH);
	assert_true(s.sink.n > 0);
	sources_close(sources);
	scene_done(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_folder_of_files_stands_beside_the_manifests),
		cmocka_unit_test(so_does_a_single_file),
		cmocka_unit_test(what_cannot_be_opened_is_named),
		cmocka_unit_test(a_server_that_never_answers_is_given_up),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
