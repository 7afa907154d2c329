// SPDX-License-Identifier: Apache-2.0
/* file: whole files. A replaced file is on disk, under its name, before the call returns; or
 * nothing changed. */

#include "base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <limits.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"

enum { CHUNK_BYTES = 16384 };

int file_read(const char *path, struct buf *buf)
{
	AUTO_CLOSE int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	char chunk[CHUNK_BYTES];

	if (fd < 0)
		return -errno;
	for (;;) {
		ssize_t got = read(fd, chunk, sizeof(chunk));

		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return -errno;
		if (got == 0)
			return 0;
		if ((size_t)got > buf->max_bytes - buf->len)
			return -EFBIG;
		buf_add(buf, str_n(chunk, (size_t)got));
		if (buf->failed)
			return -ENOMEM;
	}
}

static int write_all(int fd, struct str content)
{
	while (content.len) {
		ssize_t put = write(fd, content.at, content.len);

		if (put < 0 && errno == EINTR)
			continue;
		if (put < 0)
			return -errno;
		content = str_from(content, (size_t)put);
	}
	return 0;
}

/* The rename itself lives in the folder, which has to reach the disk too. */
static int sync_folder(const char *path)
{
	char copy[PATH_MAX];

	snprintf(copy, sizeof(copy), "%s", path);
	AUTO_CLOSE int fd = open(dirname(copy), O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (fd < 0)
		return -errno;
	/* Some file systems cannot sync a folder; then the rename is as durable as they make it. */
	return fsync(fd) && errno != EINVAL ? -errno : 0;
}

int file_write_atomic(const char *path, struct str content, mode_t mode)
{
	char beside[PATH_MAX];
	int err;

	if (snprintf(beside, sizeof(beside), "%s.XXXXXX", path) >= (int)sizeof(beside))
		return -ENAMETOOLONG;
	AUTO_CLOSE int fd = mkostemp(beside, O_CLOEXEC);

	if (fd < 0)
		return -errno;
	err = write_all(fd, content);
	if (!err && (fchmod(fd, mode) || fsync(fd) || rename(beside, path)))
		err = -errno;
	if (err) {
		unlink(beside);
		return err;
	}
	return sync_folder(path);
}
