// SPDX-License-Identifier: Apache-2.0
/*
 * folder_watch: what is watched, and why.
 *
 *	the folder	writes, renames, deletions; the swap of its link ..data (Kubernetes'
 *ConfigMap volumes)
 *	..data's target	writes in place behind the link
 *	its parent	the folder itself removed, made again, or a link that now leads elsewhere
 *
 * inotify watches inodes, so after such an event the watches are set anew; inotify_add_watch on the
 *same inode is harmless.
 */
#include "source/folder_watch.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/inotify.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "base/clock.h"

#define FILE_EVENTS                                                                         \
	(IN_CLOSE_WRITE | IN_CREATE | IN_DELETE | IN_MOVED_FROM | IN_MOVED_TO | IN_ATTRIB | \
	 IN_DELETE_SELF | IN_MOVE_SELF)
#define NAME_EVENTS (IN_CREATE | IN_DELETE | IN_MOVED_FROM | IN_MOVED_TO | IN_EXCL_UNLINK)

static void set_watches(struct folder_watch *watch)
{
	char data[PATH_MAX];
	int old_folder = watch->folder_wd, old_data = watch->data_wd;

	watch->folder_wd =
		inotify_add_watch(watch->inotify_fd, watch->path, FILE_EVENTS | IN_ONLYDIR);
	snprintf(data, sizeof(data), "%s/..data", watch->path);
	watch->data_wd = inotify_add_watch(watch->inotify_fd, data, FILE_EVENTS | IN_ONLYDIR);
	if (old_folder >= 0 && old_folder != watch->folder_wd)
		inotify_rm_watch(watch->inotify_fd, old_folder);
	if (old_data >= 0 && old_data != watch->data_wd)
		inotify_rm_watch(watch->inotify_fd, old_data);
}

static int add_to_epoll(const struct folder_watch *watch, int fd)
{
	struct epoll_event event = {.events = EPOLLIN, .data.fd = fd};

	return epoll_ctl(watch->epoll_fd, EPOLL_CTL_ADD, fd, &event) ? -errno : 0;
}

/* "a/b/" -> parent "a", base "b". */
static int split_path(struct folder_watch *watch, const char *path)
{
	size_t len = strlen(path);
	const char *slash;

	while (len > 1 && path[len - 1] == '/')
		len--;
	watch->path = strndup(path, len);
	if (!watch->path)
		return -ENOMEM;
	slash = strrchr(watch->path, '/');
	if (!slash)
		watch->parent = strdup(".");
	else
		watch->parent = strndup(watch->path,
					slash == watch->path ? 1 : (size_t)(slash - watch->path));
	watch->base = strdup(slash ? slash + 1 : watch->path);
	return watch->parent && watch->base ? 0 : -ENOMEM;
}

static int open_descriptors(struct folder_watch *watch)
{
	int error;

	watch->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	watch->inotify_fd = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
	watch->timer_fd = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
	if (watch->epoll_fd < 0 || watch->inotify_fd < 0 || watch->timer_fd < 0)
		return -errno;
	error = add_to_epoll(watch, watch->inotify_fd);
	return error ? error : add_to_epoll(watch, watch->timer_fd);
}

int folder_watch_open(struct folder_watch *watch, const char *path)
{
	int error;

	*watch = (struct folder_watch){.epoll_fd = -1,
				       .inotify_fd = -1,
				       .timer_fd = -1,
				       .folder_wd = -1,
				       .data_wd = -1,
				       .parent_wd = -1};
	error = split_path(watch, path);
	if (!error)
		error = open_descriptors(watch);
	if (!error) {
		set_watches(watch);
		error = watch->folder_wd < 0 ? -errno : 0;
		if (watch->folder_wd < 0 && access(watch->path, F_OK) != 0)
			error = -errno;
	}
	if (!error)
		/* Without it (no right to read the parent) only the folder's replacement goes
		 * unseen. */
		watch->parent_wd = inotify_add_watch(watch->inotify_fd, watch->parent, NAME_EVENTS);
	if (error)
		folder_watch_close(watch);
	return error;
}

void folder_watch_close(struct folder_watch *watch)
{
	int fds[] = {watch->epoll_fd, watch->inotify_fd, watch->timer_fd};

	for (size_t i = 0; i < sizeof(fds) / sizeof(*fds); i++)
		if (fds[i] >= 0)
			close(fds[i]);
	free(watch->path);
	free(watch->parent);
	free(watch->base);
	*watch = (struct folder_watch){.epoll_fd = -1, .inotify_fd = -1, .timer_fd = -1};
}

/* True when the watches have to be set anew. */
static bool take_event(struct folder_watch *watch, const struct inotify_event *event,
		       struct folder_events *events)
{
	if (event->mask & IN_Q_OVERFLOW) {
		events->everything = true;
		return true;
	}
	if (event->wd == watch->parent_wd && event->wd != watch->folder_wd) {
		if (!event->len || strcmp(event->name, watch->base) != 0)
			return false;
		events->everything = true;
		return true;
	}
	if (event->mask & (IN_DELETE_SELF | IN_MOVE_SELF | IN_IGNORED))
		return event->wd == watch->folder_wd || event->wd == watch->data_wd;
	if (!event->len)
		return false;
	events->unnamed |= event->wd != watch->folder_wd;
	events->named(events->context, event->name,
		      event->mask & (IN_CLOSE_WRITE | IN_MOVED_TO | IN_ATTRIB));
	return strcmp(event->name, "..data") == 0;
}

void folder_watch_drain(struct folder_watch *watch, struct folder_events *events)
{
	char buffer[16384] __attribute__((aligned(__alignof__(struct inotify_event))));
	uint64_t expirations;
	bool again = watch->folder_wd < 0;
	ssize_t got;

	/* Nothing to do when it did not fire. */
	if (read(watch->timer_fd, &expirations, sizeof(expirations)) > 0)
		events->unnamed = true;
	while ((got = read(watch->inotify_fd, buffer, sizeof(buffer))) > 0) {
		for (char *at = buffer; at < buffer + got;) {
			const struct inotify_event *event = (const void *)at;

			again |= take_event(watch, event, events);
			at += sizeof(*event) + event->len;
		}
	}
	if (again) {
		set_watches(watch);
		events->unnamed = true;
	}
}

void folder_watch_again(struct folder_watch *watch, int64_t after_ns)
{
	struct itimerspec when = {
		.it_value = {after_ns / NS_PER_SEC, after_ns % NS_PER_SEC},
	};

	timerfd_settime(watch->timer_fd, 0, &when, NULL);
}
