// SPDX-License-Identifier: Apache-2.0
/*
 * loop: the engine is epoll; everything that knows it stands in this file.
 *
 * A round: fetch events (one system call), serve them, go on with those that had asked for another
 * turn, fire timers, run deferred tasks. An io that was forgotten during the round has fd -1, so an
 * event of it that was fetched before is skipped.
 */

#include "net/loop.h"

#include <errno.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "base/clock.h"

enum { EVENTS_PER_ROUND = 512 };

int loop_init(struct loop *loop)
{
	int fd = epoll_create1(EPOLL_CLOEXEC);

	if (fd < 0)
		return -errno;
	*loop = (struct loop){
		.epoll_fd = fd, .now_ns = clock_mono_ns(), .wall_ns = clock_wall_ns()};
	list_init(&loop->again);
	timer_wheel_init(&loop->timers, loop->now_ns);
	return 0;
}

/* A task may defer another one: that one belongs to the next round. */
static void run_tasks(struct loop *loop)
{
	struct loop_task *task = loop->tasks, *next;

	loop->tasks = NULL;
	for (; task; task = next) {
		next = task->next;
		task->run(task);
	}
}

void loop_done(struct loop *loop)
{
	while (loop->tasks)
		run_tasks(loop);
	if (loop->epoll_fd >= 0)
		close(loop->epoll_fd);
	loop->epoll_fd = -1;
}

static int add(struct loop *loop, struct loop_io *io, uint32_t events)
{
	struct epoll_event event = {.events = events, .data.ptr = io};

	io->ready = 0;
	list_init(&io->again);
	return epoll_ctl(loop->epoll_fd, EPOLL_CTL_ADD, io->fd, &event) < 0 ? -errno : 0;
}

int loop_add(struct loop *loop, struct loop_io *io)
{
	return add(loop, io, EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET);
}

int loop_add_level(struct loop *loop, struct loop_io *io)
{
	return add(loop, io, EPOLLIN);
}

void loop_forget(struct loop *loop, struct loop_io *io)
{
	/* Closing the descriptor is what takes it out of the epoll set. */
	(void)loop;
	if (io->again.next)
		list_del(&io->again);
	io->fd = -1;
}

void loop_remove(struct loop *loop, struct loop_io *io)
{
	if (io->fd >= 0)
		epoll_ctl(loop->epoll_fd, EPOLL_CTL_DEL, io->fd, NULL);
	loop_forget(loop, io);
}

void loop_move(struct loop *loop, struct loop_io *from, struct loop_io *to)
{
	struct epoll_event event = {.events = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET,
				    .data.ptr = to};

	to->fd = from->fd;
	to->ready = from->ready;
	list_init(&to->again);
	/* Whatever is there now shows once more, for the new one. */
	(void)epoll_ctl(loop->epoll_fd, EPOLL_CTL_MOD, to->fd, &event);
	loop_forget(loop, from);
	list_init(&from->again);
}

void loop_again(struct loop *loop, struct loop_io *io)
{
	if (list_empty(&io->again))
		list_add_back(&loop->again, &io->again);
}

void loop_defer(struct loop *loop, struct loop_task *task)
{
	task->next = loop->tasks;
	loop->tasks = task;
}

static uint8_t bits_of(uint32_t events)
{
	uint8_t bits = 0;

	if (events & (EPOLLIN | EPOLLPRI))
		bits |= LOOP_READ;
	if (events & EPOLLOUT)
		bits |= LOOP_WRITE;
	/* A reader learns of the end by reading 0, and of an error by its errno. */
	if (events & EPOLLRDHUP)
		bits |= LOOP_EOF | LOOP_READ;
	if (events & (EPOLLERR | EPOLLHUP))
		bits |= LOOP_ERROR | LOOP_READ | LOOP_WRITE;
	return bits;
}

static inline void prefetch(const void *io)
{
	enum { CACHE_LINE_BYTES = 64 };

	__builtin_prefetch(io);
	__builtin_prefetch((const char *)io + CACHE_LINE_BYTES);
	__builtin_prefetch((const char *)io + 2 * CACHE_LINE_BYTES);
	__builtin_prefetch((const char *)io + 3 * CACHE_LINE_BYTES);
}

static int wait_ms(struct loop *loop, uint64_t max_wait_ns)
{
	uint64_t wait_ns = timer_wait_ns(&loop->timers, loop->now_ns);

	if (!list_empty(&loop->again) || loop->tasks)
		return 0;
	if (max_wait_ns < wait_ns)
		wait_ns = max_wait_ns;
	if (wait_ns == UINT64_MAX)
		return -1;
	/* Rounded up, or the loop would spin during the last part of a millisecond. */
	uint64_t ms = wait_ns / NS_PER_MS + (wait_ns % NS_PER_MS != 0);

	return ms > INT32_MAX ? INT32_MAX : (int)ms;
}

static void serve_again(struct list *turns)
{
	while (!list_empty(turns)) {
		struct loop_io *io = LIST_OF(turns->next, struct loop_io, again);

		list_del(&io->again);
		io->on_ready(io);
	}
}

int loop_round(struct loop *loop, uint64_t max_wait_ns)
{
	struct epoll_event events[EVENTS_PER_ROUND];
	struct list turns;
	int n = epoll_wait(loop->epoll_fd, events, EVENTS_PER_ROUND, wait_ms(loop, max_wait_ns));

	if (n < 0 && errno != EINTR)
		return -errno;
	loop->now_ns = clock_mono_ns();
	loop->wall_ns = clock_wall_ns();
	loop->rounds++;
	/* Who asked for a turn in the last round comes after the new events. */
	list_init(&turns);
	if (!list_empty(&loop->again)) {
		turns = loop->again;
		turns.next->prev = turns.prev->next = &turns;
		list_init(&loop->again);
	}
	for (int i = 0; i < n; i++) {
		struct loop_io *io = events[i].data.ptr;

		/* With many connections each one is cold: the next is fetched while this one is
		 * served. */
		if (i + 1 < n)
			prefetch(events[i + 1].data.ptr);
		if (io->fd < 0)
			continue;
		io->ready |= bits_of(events[i].events);
		io->on_ready(io);
	}
	serve_again(&turns);
	timer_run(&loop->timers, loop->now_ns);
	run_tasks(loop);
	return 0;
}

int loop_run(struct loop *loop)
{
	while (!loop->stopped) {
		int error = loop_round(loop, UINT64_MAX);

		if (error < 0)
			return error;
	}
	return 0;
}

void loop_stop(struct loop *loop)
{
	loop->stopped = true;
}
