/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FOLDER_WATCH_H
#define FOLDER_WATCH_H

/*
 * folder_watch: the inotify side of a manifests folder: one descriptor that becomes readable when
 * something happened, or when a second look is due, and the names of files that were written.
 */

#include <stdbool.h>
#include <stdint.h>

struct folder_watch {
	int epoll_fd, inotify_fd, timer_fd;
	int folder_wd, data_wd, parent_wd; /* -1: none */
	char *path, *parent, *base;
};

/* What happened since the last drain. */
struct folder_events {
	bool everything; /* events were lost, or the folder itself was replaced: look at all files
			  */
	bool unnamed;	 /* something else than the named files may differ */
	void (*named)(void *context, const char *name, bool is_written);
	void *context;
};

int folder_watch_open(struct folder_watch *watch, const char *path);
void folder_watch_close(struct folder_watch *watch);
/* Takes all events; calls events->named for each name and sets the others. */
void folder_watch_drain(struct folder_watch *watch, struct folder_events *events);
/* Makes the descriptor readable once after so long. */
void folder_watch_again(struct folder_watch *watch, int64_t after_ns);

#endif
