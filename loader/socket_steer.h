/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SOCKET_STEER_H
#define SOCKET_STEER_H

/*
 * socket_steer: the two programs that choose the local proxy's sockets (bpf/sockets.bpf.c).
 *
 * One is attached to the network namespace by a pinned link, the other is pinned for the proxy,
 * which attaches it to its own sockets. A kernel without them is no fault: connections are then
 * spread by the kernel's own hash, and a virtual address must be bound by somebody.
 */

#include <stdint.h>

#include "loader.h"

/* The pins of descriptors that the proxy keeps; -1: not open. */
struct socket_steer {
	int point_fd, listener_fd, socket_fd, stat_fd;
	int worker_prog_fd;
};

#define SOCKET_STEER_NONE ((struct socket_steer){-1, -1, -1, -1, -1})

/*
 * Loads both over the pinned maps of the kernel plane, and attaches or replaces the first one. 0 or
 * a negative errno, with the reason in *ret_fault; nothing is left half done.
 */
int socket_steer_load(const struct loader_options *options, struct loader_fault *ret_fault);
/* -ENOENT: not loaded. */
int socket_steer_open(const char *folder, struct socket_steer *ret_steer);
void socket_steer_close(struct socket_steer *steer);
/* Whether the kernel takes both programs; nothing stays. */
int socket_steer_try(void);

#endif
