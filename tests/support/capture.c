// SPDX-License-Identifier: Apache-2.0
/* capture: an anonymous file in the place of descriptor 2; no pipe, so that any amount fits. */

#include "capture.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cmocka.h>

void capture_begin(struct capture *capture)
{
	capture->file_fd = memfd_create("capture", MFD_CLOEXEC);
	capture->saved_fd = dup(STDERR_FILENO);
	assert_true(capture->file_fd >= 0 && capture->saved_fd >= 0);
	assert_int_equal(dup2(capture->file_fd, STDERR_FILENO), STDERR_FILENO);
}

char *capture_end(struct capture *capture)
{
	assert_int_equal(dup2(capture->saved_fd, STDERR_FILENO), STDERR_FILENO);
	off_t size = lseek(capture->file_fd, 0, SEEK_END);
	char *text = malloc((size_t)size + 1);

	assert_non_null(text);
	assert_int_equal(pread(capture->file_fd, text, (size_t)size, 0), size);
	text[size] = 0;
	close(capture->file_fd);
	close(capture->saved_fd);
	return text;
}
