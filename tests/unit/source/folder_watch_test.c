// SPDX-License-Identifier: Apache-2.0
/* folder_watch_test: which events wake, which names they tell, and the second look. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "source/folder_watch.h"

struct scene {
	char root[64], path[80];
	struct folder_watch watch;
	char names[512]; /* told since the last drain, each followed by a space */
	struct folder_events events;
};

static void note(void *context, const char *name, bool is_written)
{
	struct scene *scene = context;

	if (is_written)
		strncat(strncat(scene->names, name, 60), " ", 2);
}

static bool wakes(struct scene *scene, int timeout_ms)
{
	struct pollfd fd = {.fd = scene->watch.epoll_fd, .events = POLLIN};
	bool ready = poll(&fd, 1, timeout_ms) > 0;

	scene->names[0] = '\0';
	scene->events = (struct folder_events){.named = note, .context = scene};
	folder_watch_drain(&scene->watch, &scene->events);
	return ready;
}

static char *in(struct scene *scene, const char *name)
{
	static char paths[4][160];
	static int turn;
	char *path = paths[turn++ % 4];

	snprintf(path, sizeof(paths[0]), "%s/%s", scene->path, name);
	return path;
}

static int setup(void **state)
{
	struct scene *scene = calloc(1, sizeof(*scene));

	snprintf(scene->root, sizeof(scene->root), "/tmp/tidegate-watch-XXXXXX");
	if (!mkdtemp(scene->root))
		return -1;
	snprintf(scene->path, sizeof(scene->path), "%s/m", scene->root);
	mkdir(scene->path, 0755);
	*state = scene;
	return folder_watch_open(&scene->watch, scene->path);
}

static int teardown(void **state)
{
	struct scene *scene = *state;
	char command[128];

	folder_watch_close(&scene->watch);
	snprintf(command, sizeof(command), "rm -rf %s", scene->root);
	free(scene);
	return system(command);
}

static void nothing_wakes_when_nothing_happens(void **state)
{
	assert_false(wakes(*state, 20));
}

static void a_closed_writer_and_a_rename_tell_the_name(void **state)
{
	struct scene *scene = *state;
	int fd = open(in(scene, "a"), O_CREAT | O_WRONLY, 0600);

	assert_int_equal(write(fd, "x", 1), 1);
	assert_true(wakes(scene, 200)); /* created */
	assert_string_equal(scene->names, "");
	close(fd);
	assert_true(wakes(scene, 200));
	assert_string_equal(scene->names, "a ");
	assert_int_equal(rename(in(scene, "a"), in(scene, "b")), 0);
	assert_true(wakes(scene, 200));
	assert_string_equal(scene->names, "b ");
	assert_int_equal(unlink(in(scene, "b")), 0);
	assert_true(wakes(scene, 200));
	assert_string_equal(scene->names, "");
	assert_false(scene->events.everything);
}

static void a_neighbour_of_the_folder_is_nobodys_business(void **state)
{
	struct scene *scene = *state;

	close(open(in(scene, "../other"), O_CREAT | O_WRONLY, 0600));
	wakes(scene, 50);
	assert_false(scene->events.everything);
	assert_string_equal(scene->names, "");
}

static void a_replaced_folder_is_watched_again(void **state)
{
	struct scene *scene = *state;

	assert_int_equal(rename(scene->path, in(scene, "../gone")), 0);
	assert_true(wakes(scene, 200));
	assert_true(scene->events.everything);
	assert_int_equal(mkdir(scene->path, 0755), 0);
	assert_true(wakes(scene, 200));
	assert_true(scene->events.everything);
	close(open(in(scene, "a"), O_CREAT | O_WRONLY, 0600));
	assert_true(wakes(scene, 200));
	assert_string_equal(scene->names, "a ");
}

static void the_target_of_data_is_watched(void **state)
{
	struct scene *scene = *state;

	mkdir(in(scene, "..1"), 0755);
	assert_int_equal(symlink("..1", in(scene, "..data")), 0);
	assert_true(wakes(scene, 200));
	close(open(in(scene, "..data/x"), O_CREAT | O_WRONLY, 0600));
	assert_true(wakes(scene, 200));
	assert_string_equal(scene->names, "x ");
}

static void a_second_look_wakes_once(void **state)
{
	struct scene *scene = *state;

	folder_watch_again(&scene->watch, 10 * NS_PER_MS);
	assert_true(wakes(scene, 500));
	assert_false(wakes(scene, 30));
}

static void what_is_no_folder_is_refused(void **state)
{
	struct folder_watch watch;

	(void)state;
	assert_int_equal(folder_watch_open(&watch, "/tmp/tidegate-no-such-folder"), -ENOENT);
	assert_int_equal(folder_watch_open(&watch, "/etc/passwd"), -ENOTDIR);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
		TEST(nothing_wakes_when_nothing_happens),
		TEST(a_closed_writer_and_a_rename_tell_the_name),
		TEST(a_neighbour_of_the_folder_is_nobodys_business),
		TEST(a_replaced_folder_is_watched_again),
		TEST(the_target_of_data_is_watched),
		TEST(a_second_look_wakes_once),
		cmocka_unit_test(what_is_no_folder_is_refused),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
