// SPDX-License-Identifier: Apache-2.0
/* list_folder_test: files of a folder become texts in the store, and stay inside of it. */
#include "source/list_folder.h"

#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

#include "model/config_map.h"

struct scene {
	char path[32];
	struct list_folder *folder;
	struct store store;
	struct arena arena;
	struct diag_sink sink;
};

static void put(const struct scene *s, const char *name, const char *text)
{
	char path[128];
	FILE *file;

	snprintf(path, sizeof(path), "%s/%s", s->path, name);
	file = fopen(path, "w");
	assert_non_null(file);
	fputs(text, file);
	fclose(file);
}

static void drop(const struct scene *s, const char *name)
{
	char path[128];

	snprintf(path, sizeof(path), "%s/%s", s->path, name);
	unlink(path);
}

static int scene_open(void **state)
{
	struct scene *s = calloc(1, sizeof(*s));
	int error;

	snprintf(s->path, sizeof(s->path), "/tmp/lists-XXXXXX");
	assert_non_null(mkdtemp(s->path));
	put(s, "one.txt", "10.0.0.0/8\n");
	store_init(&s->store);
	arena_init(&s->arena, 1 << 20, 0);
	diag_init(&s->sink, &s->arena);
	s->folder = list_folder_open(s->path, &error);
	assert_non_null(s->folder);
	*state = s;
	return 0;
}

static int scene_close(void **state)
{
	struct scene *s = *state;

	list_folder_close(s->folder);
	drop(s, "one.txt");
	drop(s, "two.txt");
	drop(s, "out.txt");
	assert_int_equal(rmdir(s->path), 0);
	store_done(&s->store);
	arena_done(&s->arena);
	free(s);
	return 0;
}

static int read_now(struct scene *s)
{
	diag_init(&s->sink, &s->arena);
	return list_folder_read(s->folder, &s->store, &s->sink);
}

static struct str text_of(const struct scene *s, const char *name)
{
	const struct object *object =
		store_find(&s->store, KIND_CONFIG_MAP, STR(LIST_FOLDER_NAMESPACE), str_of(name));

	return object ? config_map_get(object->spec, STR(LIST_FOLDER_KEY)) : (struct str){0};
}

static void files_come_change_and_go(void **state)
{
	struct scene *s = *state;
	struct pollfd pollfd = {.fd = list_folder_fd(s->folder), .events = POLLIN};

	assert_int_equal(read_now(s), 1);
	assert_true(str_eq(text_of(s, "one.txt"), STR("10.0.0.0/8\n")));
	assert_int_equal(read_now(s), 0);
	put(s, "two.txt", "10.1.0.0/16 \xff\n");
	put(s, "one.txt", "10.2.0.0/16\n");
	assert_int_equal(poll(&pollfd, 1, 1000), 1);
	assert_int_equal(read_now(s), 1);
	assert_true(str_eq(text_of(s, "one.txt"), STR("10.2.0.0/16\n")));
	assert_true(str_eq(text_of(s, "two.txt"), STR("10.1.0.0/16 ?\n")));
	drop(s, "two.txt");
	assert_int_equal(poll(&pollfd, 1, 1000), 1);
	assert_int_equal(read_now(s), 1);
	assert_null(text_of(s, "two.txt").at);
}

static void a_file_that_is_being_written_is_left_alone(void **state)
{
	struct scene *s = *state;
	char path[128];
	FILE *file;

	read_now(s);
	snprintf(path, sizeof(path), "%s/one.txt", s->path);
	file = fopen(path, "w");
	fputs("10.9.0.0/16\n", file);
	fflush(file);
	put(s, "two.txt", "10.1.0.0/16\n");
	assert_int_equal(read_now(s), 1);
	assert_true(str_eq(text_of(s, "one.txt"), STR("10.0.0.0/8\n")));
	fputs("10.8.0.0/16\n", file);
	fclose(file);
	assert_int_equal(read_now(s), 1);
	assert_true(str_eq(text_of(s, "one.txt"), STR("10.9.0.0/16\n10.8.0.0/16\n")));
}

static void links_lead_nowhere_else(void **state)
{
	struct scene *s = *state;
	char path[128];

	read_now(s);
	snprintf(path, sizeof(path), "%s/out.txt", s->path);
	assert_int_equal(symlink("/etc/hostname", path), 0);
	read_now(s);
	assert_null(text_of(s, "out.txt").at);
	assert_int_equal(s->sink.n_errors, 1);
	unlink(path);
	assert_int_equal(symlink("one.txt", path), 0);
	usleep(60000); /* lint-ok: it is taken when it has not changed for so long */
	read_now(s);
	usleep(60000); /* lint-ok: the same */
	read_now(s);
	assert_true(str_eq(text_of(s, "out.txt"), STR("10.0.0.0/8\n")));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(files_come_change_and_go, scene_open, scene_close),
		cmocka_unit_test_setup_teardown(a_file_that_is_being_written_is_left_alone,
						scene_open, scene_close),
		cmocka_unit_test_setup_teardown(links_lead_nowhere_else, scene_open, scene_close),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
