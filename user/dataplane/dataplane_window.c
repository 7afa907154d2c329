// SPDX-License-Identifier: Apache-2.0
/* dataplane_window: see the header. Rings stand at multiples of their size (plan/kernel_room.h),
 * so none crosses from one piece to the next. */

#include "dataplane/dataplane_window.h"

#include <sys/mman.h>
#include <unistd.h>

#include "abi.h"

/* The last piece may be shorter: nothing beyond the map's last page can be mapped. */
static size_t bytes_of(const struct dataplane_windows *windows, uint32_t index)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);
	uint32_t left = windows->n_lines - index * DATAPLANE_WINDOW_LINES;
	uint32_t n = left < DATAPLANE_WINDOW_LINES ? left : DATAPLANE_WINDOW_LINES;

	return (n * sizeof(struct abi_ring_line) + page - 1) & ~(page - 1);
}

static void close_window(struct dataplane_windows *windows, struct dataplane_window *window)
{
	if (window->at)
		munmap(window->at, bytes_of(windows, window->index));
	window->at = NULL;
}

void dataplane_windows_init(struct dataplane_windows *windows, int fd, uint32_t n_lines)
{
	*windows = (struct dataplane_windows){.fd = fd, .n_lines = n_lines};
}

void dataplane_windows_done(struct dataplane_windows *windows)
{
	for (size_t i = 0; i < DATAPLANE_WINDOWS; i++)
		close_window(windows, &windows->windows[i]);
}

/* The one of that piece, or the one that was not asked for the longest. */
static struct dataplane_window *find(struct dataplane_windows *windows, uint32_t index)
{
	struct dataplane_window *oldest = &windows->windows[0];

	for (size_t i = 0; i < DATAPLANE_WINDOWS; i++) {
		struct dataplane_window *window = &windows->windows[i];

		if (window->at && window->index == index)
			return window;
		if (window->used < oldest->used)
			oldest = window;
	}
	return oldest;
}

struct abi_ring_line *dataplane_windows_at(void *context, uint32_t line)
{
	struct dataplane_windows *windows = context;
	uint32_t index = line / DATAPLANE_WINDOW_LINES;
	struct dataplane_window *window;
	void *at;

	if (line >= windows->n_lines)
		return NULL;
	window = find(windows, index);
	if (!window->at || window->index != index) {
		close_window(windows, window);
		at = mmap(NULL, bytes_of(windows, index), PROT_READ | PROT_WRITE, MAP_SHARED,
			  windows->fd,
			  (off_t)index * DATAPLANE_WINDOW_LINES *
				  (off_t)sizeof(struct abi_ring_line));
		if (at == MAP_FAILED)
			return NULL;
		window->at = at;
		window->index = index;
	}
	window->used = ++windows->n_asks;
	return &window->at[line % DATAPLANE_WINDOW_LINES];
}
