// SPDX-License-Identifier: Apache-2.0
/* log_ring_test: lines of several producers reach the file whole and in order. */

#include "proxy/log_ring.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <unistd.h>

enum { RINGS = 2, LINES = 60000 };

static void *produce(void *arg)
{
	struct log_ring *ring = arg;
	char line[128];

	for (int i = 0; i < LINES; i++) {
		int n = snprintf(line, sizeof(line), "%p %d %0*d\n", arg, i, i % 90 + 1, 0);

		while (!log_ring_put(ring, line, (size_t)n))
			sched_yield();
	}
	return NULL;
}

static void every_line_arrives_whole_and_in_order(void **state)
{
	char path[] = "/tmp/log_ring_XXXXXX", line[256];
	struct log_writer *writer;
	pthread_t threads[RINGS];
	int fd = mkstemp(path), next[RINGS] = {0};
	void *rings[RINGS];

	(void)state;
	close(fd);
	assert_int_equal(log_writer_open(str_of(path), RINGS, &writer), 0);
	for (int i = 0; i < RINGS; i++) {
		rings[i] = &log_writer_rings(writer)[i];
		assert_int_equal(pthread_create(&threads[i], NULL, produce, rings[i]), 0);
	}
	for (int i = 0; i < RINGS; i++)
		pthread_join(threads[i], NULL);
	log_writer_close(writer);
	FILE *file = fopen(path, "r");

	while (fgets(line, sizeof(line), file)) {
		void *ring;
		int number;

		assert_int_equal(sscanf(line, "%p %d", &ring, &number), 2);
		int i = ring == rings[1];

		assert_int_equal(number, next[i]++);
	}
	fclose(file);
	assert_int_equal(next[0], LINES);
	assert_int_equal(next[1], LINES);
	unlink(path);
}

static void a_file_moved_away_is_opened_anew(void **state)
{
	char path[] = "/tmp/log_ring_XXXXXX", moved[64];
	struct log_writer *writer;

	(void)state;
	close(mkstemp(path));
	snprintf(moved, sizeof(moved), "%s.1", path);
	assert_int_equal(log_writer_open(str_of(path), 1, &writer), 0);
	assert_int_equal(rename(path, moved), 0);
	log_writer_reopen(writer);
	for (int i = 0; i < 500 && access(path, F_OK) < 0; i++)
		poll(NULL, 0, 10);
	assert_int_equal(access(path, F_OK), 0);
	log_writer_close(writer);
	unlink(path);
	unlink(moved);
}

static void a_full_ring_refuses_and_a_bad_path_is_an_error(void **state)
{
	struct log_ring ring = {.bytes = malloc(LOG_RING_BYTES), .wake_fd = -1};
	struct log_writer *writer;
	char line[1000] = {0};
	size_t n = 0;

	(void)state;
	while (log_ring_put(&ring, line, sizeof(line)))
		n++;
	assert_int_equal(n, LOG_RING_BYTES / sizeof(line));
	free(ring.bytes);
	assert_true(log_writer_open(STR("/nonexistent/dir/file"), 1, &writer) < 0);
	log_writer_close(NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_line_arrives_whole_and_in_order),
		cmocka_unit_test(a_file_moved_away_is_opened_anew),
		cmocka_unit_test(a_full_ring_refuses_and_a_bad_path_is_an_error),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
