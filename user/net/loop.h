/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LOOP_H
#define LOOP_H

/*
 * loop: an event loop of one thread, edge-triggered.
 *
 * A descriptor is added once, for both directions and for life: afterwards no system call but the
 * wait itself. Readiness is remembered in io->ready; whoever reads or writes clears a bit when the
 * kernel has said that there is no more (-EAGAIN, a short count). The engine (epoll now) shows only
 * in loop.c: readiness goes in, calls of on_ready come out.
 *
 * An io that is closed (loop_forget) gets no further event, also none that was already fetched; its
 * memory may be freed from a deferred task at the earliest, see loop_defer(). The time is read once
 * per round.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/list.h"
#include "net/timer.h"

enum loop_bits {
	LOOP_READ = 1 << 0,
	LOOP_WRITE = 1 << 1,
	LOOP_EOF = 1 << 2,   /* the peer has shut down its side: read until 0 */
	LOOP_ERROR = 1 << 3, /* error, or both sides are shut down */
};

struct loop_io {
	int fd;	       /* -1: forgotten */
	uint8_t ready; /* enum loop_bits */
	void (*on_ready)(struct loop_io *io);
	struct list again; /* in the list of those that go on in the next round */
};

/* Something to be done at the end of the round; belongs to whoever embeds it. */
struct loop_task {
	struct loop_task *next;
	void (*run)(struct loop_task *task);
};

struct loop {
	int epoll_fd;
	bool stopped;
	uint64_t now_ns; /* monotonic, of this round */
	uint64_t wall_ns;
	uint64_t rounds;
	struct timer_wheel timers;
	struct list again;
	struct loop_task *tasks; /* newest first */
};

int loop_init(struct loop *loop);
void loop_done(struct loop *loop);
/* Adds an edge-triggered io; fd and on_ready are set by the caller, ready is reset to nothing. */
int loop_add(struct loop *loop, struct loop_io *io);
/* The same, level-triggered and for reading only: listeners and mailboxes. */
int loop_add_level(struct loop *loop, struct loop_io *io);
/* No more events for io; the descriptor is the caller's to close. Harmless when it was never added.
 */
void loop_forget(struct loop *loop, struct loop_io *io);
/* The same for a descriptor that other processes have, too: closing ours would not end its events.
 */
void loop_remove(struct loop *loop, struct loop_io *io);
/* The descriptor of from becomes that of to, with all that is ready; to is set up but for fd. */
void loop_move(struct loop *loop, struct loop_io *from, struct loop_io *to);
/* on_ready is called in the next round even without an event: to give others a turn in between. */
void loop_again(struct loop *loop, struct loop_io *io);
/* Runs task at the end of this round (in no particular order): the place where closed things are
 * freed. */
void loop_defer(struct loop *loop, struct loop_task *task);
/* One round: waits at most max_wait_ns (UINT64_MAX: until something happens), serves events,
 * timers, tasks. */
int loop_round(struct loop *loop, uint64_t max_wait_ns);
/* Rounds until loop_stop(). */
int loop_run(struct loop *loop);
void loop_stop(struct loop *loop);

#endif
