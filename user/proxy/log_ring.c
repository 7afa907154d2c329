// SPDX-License-Identifier: Apache-2.0
/* log_ring: see the header. The writer wakes when a ring is half full, and every 100 ms. */

#include "proxy/log_ring.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/uio.h>
#include <unistd.h>

enum { WAKE_MS = 100, FILE_MODE = 0640 };

struct log_writer {
	pthread_t thread;
	int fd, wake_fd;
	char *path; /* NULL: standard output */
	size_t n_rings;
	struct log_ring *rings;
	_Atomic bool stopping, reopening;
};

static void wake(int fd)
{
	uint64_t one = 1;

	/* A counter that is full wakes as well. */
	if (write(fd, &one, sizeof(one)) < 0)
		return;
}

bool log_ring_put(struct log_ring *ring, const char *line, size_t n)
{
	uint64_t written = atomic_load_explicit(&ring->written, memory_order_relaxed);
	uint64_t taken = atomic_load_explicit(&ring->taken, memory_order_acquire);
	size_t at = written % LOG_RING_BYTES, first = LOG_RING_BYTES - at;

	if (LOG_RING_BYTES - (written - taken) < n)
		return false;
	if (first > n)
		first = n;
	memcpy(ring->bytes + at, line, first);
	memcpy(ring->bytes, line + first, n - first);
	atomic_store_explicit(&ring->written, written + n, memory_order_release);
	/* Once per crossing of the half, not once per line. */
	if (written - taken < LOG_RING_BYTES / 2 && written + n - taken >= LOG_RING_BYTES / 2)
		wake(ring->wake_fd);
	return true;
}

/* Everything that is in the ring now. A file that cannot be written loses its lines: requests go
 * on. */
static void write_out(struct log_writer *writer, struct log_ring *ring)
{
	uint64_t taken = atomic_load_explicit(&ring->taken, memory_order_relaxed);
	uint64_t written = atomic_load_explicit(&ring->written, memory_order_acquire);

	while (taken < written) {
		size_t at = taken % LOG_RING_BYTES, n = (size_t)(written - taken);
		size_t first = LOG_RING_BYTES - at < n ? LOG_RING_BYTES - at : n;
		struct iovec parts[2] = {{ring->bytes + at, first}, {ring->bytes, n - first}};
		ssize_t sent = writev(writer->fd, parts, n > first ? 2 : 1);

		if (sent < 0 && errno == EINTR)
			continue;
		taken += sent > 0 ? (uint64_t)sent : n;
		atomic_store_explicit(&ring->taken, taken, memory_order_release);
	}
}

static int open_file(const char *path)
{
	int fd = path ? open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, FILE_MODE)
		      : fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, 3);

	return fd < 0 ? -errno : fd;
}

static void reopen(struct log_writer *writer)
{
	int fd = open_file(writer->path);

	if (fd < 0)
		return;
	close(writer->fd);
	writer->fd = fd;
}

static void *run(void *arg)
{
	struct log_writer *writer = arg;
	bool stopping;

	do {
		struct pollfd waiting = {.fd = writer->wake_fd, .events = POLLIN};
		uint64_t count;

		stopping = atomic_load(&writer->stopping);
		if (!stopping && poll(&waiting, 1, WAKE_MS) > 0 &&
		    read(writer->wake_fd, &count, sizeof(count)) < 0 && errno != EAGAIN)
			break;
		if (atomic_exchange(&writer->reopening, false))
			reopen(writer);
		for (size_t i = 0; i < writer->n_rings; i++)
			write_out(writer, &writer->rings[i]);
	} while (!stopping);
	return NULL;
}

static void free_writer(struct log_writer *writer)
{
	for (size_t i = 0; writer->rings && i < writer->n_rings; i++)
		free(writer->rings[i].bytes);
	free(writer->rings);
	if (writer->fd >= 0)
		close(writer->fd);
	if (writer->wake_fd >= 0)
		close(writer->wake_fd);
	free(writer->path);
	free(writer);
}

static int init_writer(struct log_writer *writer, struct str path, size_t n_rings)
{
	size_t bytes = (n_rings * sizeof(struct log_ring) + 63) & ~(size_t)63;

	if (path.len && !(writer->path = strndup(path.at, path.len)))
		return -ENOMEM;
	writer->fd = open_file(writer->path);
	if (writer->fd < 0)
		return writer->fd;
	writer->wake_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	if (writer->wake_fd < 0)
		return -errno;
	writer->rings = aligned_alloc(64, bytes);
	if (!writer->rings)
		return -ENOMEM;
	memset(writer->rings, 0, bytes);
	writer->n_rings = n_rings;
	for (size_t i = 0; i < n_rings; i++) {
		writer->rings[i].wake_fd = writer->wake_fd;
		writer->rings[i].bytes = malloc(LOG_RING_BYTES);
		if (!writer->rings[i].bytes)
			return -ENOMEM;
	}
	return 0;
}

int log_writer_open(struct str path, size_t n_rings, struct log_writer **ret_writer)
{
	struct log_writer *writer = calloc(1, sizeof(*writer));
	sigset_t all, before;
	int error;

	if (!writer)
		return -ENOMEM;
	writer->fd = writer->wake_fd = -1;
	error = init_writer(writer, path, n_rings);
	if (!error) {
		sigfillset(&all);
		pthread_sigmask(SIG_BLOCK, &all, &before);
		error = -pthread_create(&writer->thread, NULL, run, writer);
		pthread_sigmask(SIG_SETMASK, &before, NULL);
	}
	if (error) {
		free_writer(writer);
		return error;
	}
	*ret_writer = writer;
	return 0;
}

void log_writer_close(struct log_writer *writer)
{
	if (!writer)
		return;
	atomic_store(&writer->stopping, true);
	wake(writer->wake_fd);
	pthread_join(writer->thread, NULL);
	free_writer(writer);
}

struct log_ring *log_writer_rings(struct log_writer *writer)
{
	return writer->rings;
}

void log_writer_reopen(struct log_writer *writer)
{
	atomic_store(&writer->reopening, true);
	wake(writer->wake_fd);
}
