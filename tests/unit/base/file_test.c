// SPDX-License-Identifier: Apache-2.0
/* file: reading with a limit, replacing whole. */

#include "base/file.h"

#include <errno.h>
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "check.h"

static char folder[] = "/tmp/tidegate-file-XXXXXX";
static char path[64];

static int make_folder(void **state)
{
	(void)state;
	if (!mkdtemp(folder))
		return -1;
	snprintf(path, sizeof(path), "%s/f", folder);
	return 0;
}

static int remove_folder(void **state)
{
	(void)state;
	unlink(path);
	return rmdir(folder);
}

static size_t files_in_folder(void)
{
	DIR *dir = opendir(folder);
	size_t n = 0;

	assert_non_null(dir);
	while (readdir(dir))
		n++;
	closedir(dir);
	return n - 2;
}

static void a_written_file_is_read_back(void **state)
{
	static char content[40000];
	struct buf buf;
	struct stat stat_;

	(void)state;
	memset(content, 'x', sizeof(content));
	assert_int_equal(file_write_atomic(path, str_n(content, sizeof(content)), 0600), 0);
	buf_init(&buf, 1 << 20);
	buf_add(&buf, STR(">"));
	assert_int_equal(file_read(path, &buf), 0);
	assert_int_equal(buf.len, sizeof(content) + 1);
	assert_int_equal(stat(path, &stat_), 0);
	assert_int_equal(stat_.st_mode & 0777, 0600);
	assert_int_equal(file_write_atomic(path, STR("new"), 0644), 0);
	buf_clear(&buf);
	assert_int_equal(file_read(path, &buf), 0);
	CHECK_STR("replaced", buf_str(&buf), STR("new"));
	assert_int_equal(files_in_folder(), 1);
	buf_done(&buf);
}

static void a_file_over_the_limit_is_refused(void **state)
{
	struct buf buf;

	(void)state;
	assert_int_equal(file_write_atomic(path, STR("12345"), 0600), 0);
	buf_init(&buf, 4);
	assert_int_equal(file_read(path, &buf), -EFBIG);
	buf_done(&buf);
	buf_init(&buf, 5);
	assert_int_equal(file_read(path, &buf), 0);
	buf_done(&buf);
}

static void failures_are_errors_and_leave_nothing_behind(void **state)
{
	struct buf buf;

	(void)state;
	buf_init(&buf, 100);
	assert_int_equal(file_read("/nonexistent/file", &buf), -ENOENT);
	assert_int_equal(file_read(folder, &buf), -EISDIR);
	assert_int_equal(file_write_atomic("/nonexistent/file", STR("x"), 0600), -ENOENT);
	size_t before = files_in_folder();

	/* A folder cannot be renamed over. */
	assert_int_equal(mkdir(path, 0700) ? unlink(path) || mkdir(path, 0700) : 0, 0);
	assert_true(file_write_atomic(path, STR("x"), 0600) < 0);
	assert_int_equal(rmdir(path), 0);
	assert_true(files_in_folder() <= before);
	buf_done(&buf);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_written_file_is_read_back),
		cmocka_unit_test(a_file_over_the_limit_is_refused),
		cmocka_unit_test(failures_are_errors_and_leave_nothing_behind),
	};

	return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
