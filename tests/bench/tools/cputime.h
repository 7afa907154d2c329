// SPDX-License-Identifier: Apache-2.0
/*
 * cputime: how much processor time a set of processes has used, all their threads together.
 *
 * It reads the scheduler's own account (nanoseconds, /proc/PID/task/TID/schedstat), because utime
 * and stime are sampled at the timer tick and are useless for a window of a few seconds.
 */
#ifndef BENCH_CPUTIME_H
#define BENCH_CPUTIME_H

#include <stdint.h>
#include <sys/types.h>

enum { CPUTIME_MAX_PIDS = 64 };

struct cputime {
	unsigned int count;
	pid_t pids[CPUTIME_MAX_PIDS];
};

/* Reads a comma-separated list of process ids. Returns 0, -EINVAL or -E2BIG. */
int cputime_parse(const char *list, struct cputime *ret_cputime);

/* Sum over all threads. A process that has ended counts as 0. */
uint64_t cputime_read_ns(const struct cputime *cputime);

#endif
