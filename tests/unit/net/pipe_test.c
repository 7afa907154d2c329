// SPDX-License-Identifier: Apache-2.0
/* pipe_test: bytes through a pipe between two socket pairs. */

#include "net/pipe.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <errno.h>
#include <sys/socket.h>
#include <unistd.h>

static void bytes_pass_unchanged_and_ends_are_told(void **state)
{
	struct pipe_pool pool = {0};
	struct pipe *pipe = pipe_take(&pool);
	int in[2], out[2];
	char buf[16];

	(void)state;
	assert_non_null(pipe);
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, in), 0);
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, out), 0);
	assert_int_equal(pipe_fill(pipe, in[1], 100), -EAGAIN);
	assert_int_equal(write(in[0], "hello", 5), 5);
	assert_int_equal(pipe_fill(pipe, in[1], 3), 3);
	assert_int_equal(pipe->held_bytes, 3);
	assert_int_equal(pipe_fill(pipe, in[1], 100), 2);
	assert_int_equal(pipe_drain(pipe, out[0], 0), 5);
	assert_int_equal(pipe->held_bytes, 0);
	assert_int_equal(read(out[1], buf, sizeof(buf)), 5);
	assert_memory_equal(buf, "hello", 5);
	close(in[0]);
	assert_int_equal(pipe_fill(pipe, in[1], 100), 0);
	close(in[1]);
	close(out[1]);
	close(out[0]);
	pipe_give(&pool, pipe);
	pipe_pool_done(&pool);
}

static void a_clean_pipe_is_used_again_and_a_dirty_one_is_not(void **state)
{
	struct pipe_pool pool = {0};
	struct pipe *pipe = pipe_take(&pool), *same;

	(void)state;
	pipe_give(&pool, pipe);
	assert_int_equal(pool.n_idle, 1);
	same = pipe_take(&pool);
	assert_ptr_equal(same, pipe);
	assert_int_equal(write(same->write_fd, "x", 1), 1);
	same->held_bytes = 1;
	pipe_give(&pool, same);
	assert_int_equal(pool.n_idle, 0);
	pipe_give(&pool, NULL);
	pipe_pool_done(&pool);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(bytes_pass_unchanged_and_ends_are_told),
		cmocka_unit_test(a_clean_pipe_is_used_again_and_a_dirty_one_is_not),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
