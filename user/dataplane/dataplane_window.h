/* SPDX-License-Identifier: Apache-2.0 */
#ifndef DATAPLANE_WINDOW_H
#define DATAPLANE_WINDOW_H

/*
 * dataplane_window: the map "ring" in the proxy's memory, a few pieces of it at a time. Mapped
 * whole it would count as tens of megabytes of the process, though only the rings that change are
 * ever looked at.
 *
 * The pieces used last stay mapped: taking a mapping away interrupts every processor that runs a
 * thread of the process. One thread at a time.
 */

#include <stddef.h>
#include <stdint.h>

struct abi_ring_line;

enum {
	DATAPLANE_WINDOW_LINES = 1 << 14, /* of 64 bytes; the largest ring has 1 << 11 */
	DATAPLANE_WINDOWS = 6,
};

struct dataplane_window {
	struct abi_ring_line *at; /* NULL: free */
	uint32_t index;		  /* of the piece */
	uint64_t used;		  /* when, as the count of asks says */
};

struct dataplane_windows {
	int fd;
	uint32_t n_lines;
	uint64_t n_asks;
	struct dataplane_window windows[DATAPLANE_WINDOWS];
};

/* fd: the map, borrowed. */
void dataplane_windows_init(struct dataplane_windows *windows, int fd, uint32_t n_lines);
void dataplane_windows_done(struct dataplane_windows *windows);
/*
 * Where that line is (struct kernel_rings): good until DATAPLANE_WINDOWS - 1 others were asked for.
 * A ring is whole from its first line on. NULL without memory, or beyond the map's end.
 */
struct abi_ring_line *dataplane_windows_at(void *windows, uint32_t line);

#endif
