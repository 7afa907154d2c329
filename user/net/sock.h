/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SOCK_H
#define SOCK_H

/*
 * sock: TCP sockets, non-blocking and close-on-exec, as results: every function returns 0 (or a
 * count) or a negative errno, and never raises SIGPIPE. Nothing here keeps state.
 */

#include <stdbool.h>
#include <sys/types.h>
#include <sys/uio.h>

#include "base/addr.h"

struct sock_listen_options {
	struct addr addr; /* unspecified (::): both families on one socket, or IPv4 alone where IPv6
			     is missing */
	uint16_t port;
	bool reuse_port;
	int backlog; /* 0: a large one */
};

/*
 * A listening socket. What accepted sockets inherit is set here, once: TCP_NODELAY, and keep-alive
 * probes after 3 minutes (reference e).
 */
int sock_listen(const struct sock_listen_options *options, int *ret_fd);
/* -EAGAIN: none is waiting. -EMFILE, -ENFILE, -ENOBUFS, -ENOMEM: it stays in the queue. */
int sock_accept(int listen_fd, struct addr *ret_peer, uint16_t *ret_port, int *ret_fd);
/* 0: connected; -EINPROGRESS: *ret_fd becomes writable, then ask sock_error(). */
int sock_connect(const struct addr *addr, uint16_t port, int *ret_fd);
/* The same with keep-alive probes after so many seconds of silence, and at that pace; 0: none. */
int sock_connect_keeping(const struct addr *addr, uint16_t port, int keep_alive_s, int *ret_fd);
/* The pending error of a socket (0, or negative). */
int sock_error(int fd);
int sock_local(int fd, struct addr *ret_addr, uint16_t *ret_port);
int sock_peer(int fd, struct addr *ret_addr, uint16_t *ret_port);
/* Bytes (0: the peer's end), or -EAGAIN, -ECONNRESET, ... */
ssize_t sock_read(int fd, void *buf, size_t cap);
ssize_t sock_write(int fd, const void *bytes, size_t n);
ssize_t sock_writev(int fd, const struct iovec *parts, int n);
/* Tells the peer that nothing more comes. */
int sock_shut_write(int fd);
/* Closes so that the peer gets a reset at once. */
void sock_abort(int fd);

#endif
