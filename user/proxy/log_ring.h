/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LOG_RING_H
#define LOG_RING_H

/*
 * log_ring: access log lines on their way from the workers to the file: one ring per worker, one
 * thread that writes. A worker never waits: a line that finds no room is counted and dropped.
 */

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/str.h"

enum { LOG_RING_BYTES = 4 << 20 };

/* One producer, one consumer. Positions only grow. */
struct log_ring {
	char *bytes;
	_Alignas(64) _Atomic uint64_t written; /* by the worker */
	_Alignas(64) _Atomic uint64_t taken;   /* by the writer */
	int wake_fd;
};

struct log_writer;

/* Opens path for appending (empty: standard output) and starts the thread. 0 or a negative errno.
 */
int log_writer_open(struct str path, size_t n_rings, struct log_writer **ret_writer);
/* Writes what is left, then ends. NULL is allowed. */
void log_writer_close(struct log_writer *writer);
struct log_ring *log_writer_rings(struct log_writer *writer);
/* Opens the file anew (after rotation); from any thread. */
void log_writer_reopen(struct log_writer *writer);

/* False: no room. */
bool log_ring_put(struct log_ring *ring, const char *line, size_t n);

#endif
