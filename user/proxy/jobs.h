/* SPDX-License-Identifier: Apache-2.0 */
#ifndef JOBS_H
#define JOBS_H

/*
 * jobs: a few threads for what would hold up an event loop (password hashing). Off the fast path,
 * so a lock is fine. The queue is bounded by the number of requests that wait.
 */

#include <stdbool.h>
#include <stdint.h>

#include "net/mailbox.h"

struct jobs;

/* Belongs to whoever waits for it; must stay where it is until it is done. */
struct job {
	struct mail done; /* posted to home when run() has returned */
	struct mailbox *home;
	void (*run)(void *arg);
	void *arg;
	struct job *next;
};

/* NULL without memory or threads. */
struct jobs *jobs_new(unsigned int n_threads);
/* Finishes what is queued. NULL is allowed. */
void jobs_free(struct jobs *jobs);
/* Any thread. done.run and home are set by the caller. */
void jobs_add(struct jobs *jobs, struct job *job);

#endif
