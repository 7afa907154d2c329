// SPDX-License-Identifier: Apache-2.0
/* body_store: see the header. */

#include "proxy/body_store.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { FIRST_BYTES = 16 << 10 };

void body_store_init(struct body_store *store, struct body_spool *spool, uint64_t mem_bytes)
{
	*store = (struct body_store){
		.spool = spool, .mem_max = mem_bytes ? mem_bytes : BODY_STORE_MEM_BYTES, .fd = -1};
}

void body_store_done(struct body_store *store)
{
	free(store->mem);
	if (store->fd >= 0)
		close(store->fd);
	if (store->file_bytes)
		atomic_fetch_sub_explicit(&store->spool->used_bytes, store->file_bytes,
					  memory_order_relaxed);
	*store = (struct body_store){.fd = -1};
}

static int grow(struct body_store *store, size_t n)
{
	size_t cap = store->mem_cap ? store->mem_cap : FIRST_BYTES;
	char *mem;

	while (cap < store->mem_len + n)
		cap *= 2;
	if (cap > store->mem_max)
		cap = store->mem_max;
	if (cap <= store->mem_cap)
		return 0;
	mem = realloc(store->mem, cap);
	if (!mem)
		return -ENOMEM;
	store->mem = mem;
	store->mem_cap = cap;
	return 0;
}

/* Reserved first, so that many who write at once stay below the bound, too. */
static int reserve(struct body_spool *spool, size_t n)
{
	uint64_t before = atomic_fetch_add_explicit(&spool->used_bytes, n, memory_order_relaxed);

	if (before + n <= spool->max_bytes)
		return 0;
	atomic_fetch_sub_explicit(&spool->used_bytes, n, memory_order_relaxed);
	return -ENOSPC;
}

static int write_all(int fd, const char *bytes, size_t n)
{
	while (n) {
		ssize_t written = write(fd, bytes, n);

		if (written < 0 && errno == EINTR)
			continue;
		if (written <= 0)
			return written < 0 ? -errno : -ENOSPC;
		bytes += written;
		n -= (size_t)written;
	}
	return 0;
}

static int add_to_file(struct body_store *store, const char *bytes, size_t n)
{
	int error;

	if (!store->spool)
		return -ENOSPC;
	if (store->fd < 0) {
		store->fd =
			open(store->spool->folder, O_TMPFILE | O_RDWR | O_CLOEXEC | O_EXCL, 0600);
		if (store->fd < 0)
			return -errno;
	}
	error = reserve(store->spool, n);
	if (error)
		return error;
	store->file_bytes += n;
	return write_all(store->fd, bytes, n);
}

int body_store_add(struct body_store *store, const char *bytes, size_t n)
{
	size_t room = store->mem_max - store->mem_len, part = n < room ? n : room;
	int error;

	/* Bytes in memory come before those in the file. */
	if (store->file_bytes)
		part = 0;
	if (part) {
		error = grow(store, part);
		if (error)
			return error;
		memcpy(store->mem + store->mem_len, bytes, part);
		store->mem_len += part;
	}
	return n > part ? add_to_file(store, bytes + part, n - part) : 0;
}

ssize_t body_store_read(const struct body_store *store, uint64_t offset, char *to, size_t n)
{
	ssize_t got;

	if (offset < store->mem_len) {
		size_t left = store->mem_len - (size_t)offset;

		if (n > left)
			n = left;
		memcpy(to, store->mem + offset, n);
		return (ssize_t)n;
	}
	offset -= store->mem_len;
	if (offset >= store->file_bytes)
		return 0;
	do
		got = pread(store->fd, to, n, (off_t)offset);
	while (got < 0 && errno == EINTR);
	/* A file that is shorter than what was written to it is broken. */
	return got < 0 ? -errno : got == 0 ? -EIO : got;
}
