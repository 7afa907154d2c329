// SPDX-License-Identifier: Apache-2.0
/*
 * sock: thin; the only decisions are which options a socket gets. Reading and writing go to the
 * kernel without the C library's wrappers: those are cancellation points, which costs each call two
 * atomic operations in a program with threads, and no thread here is ever cancelled.
 */

#include "net/sock.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

enum {
	BACKLOG = 4096,
	KEEPALIVE_IDLE_S = 180,	   /* reference e: 3 min on accepted sockets */
	KEEPALIVE_UPSTREAM_S = 30, /* reference d.5 */
	KEEPALIVE_INTERVAL_S = 15,
	KEEPALIVE_PROBES = 6,
};

static int set_int(int fd, int level, int name, int value)
{
	return setsockopt(fd, level, name, &value, sizeof(value)) < 0 ? -errno : 0;
}

static void set_keepalive(int fd, int idle_s, int interval_s)
{
	/* Comfort, not correctness: a failure changes nothing that matters. */
	set_int(fd, SOL_SOCKET, SO_KEEPALIVE, 1);
	set_int(fd, IPPROTO_TCP, TCP_KEEPIDLE, idle_s);
	set_int(fd, IPPROTO_TCP, TCP_KEEPINTVL, interval_s);
	set_int(fd, IPPROTO_TCP, TCP_KEEPCNT, KEEPALIVE_PROBES);
}

static int bind_and_listen(int fd, const struct sock_listen_options *options, sa_family_t family)
{
	struct sockaddr_storage sa = {0};
	socklen_t len;
	int error = set_int(fd, SOL_SOCKET, SO_REUSEADDR, 1);

	if (!error && options->reuse_port)
		error = set_int(fd, SOL_SOCKET, SO_REUSEPORT, 1);
	if (!error && family == AF_INET6)
		error = set_int(fd, IPPROTO_IPV6, IPV6_V6ONLY,
				!addr_is_unspecified(&options->addr));
	if (!error)
		error = set_int(fd, IPPROTO_TCP, TCP_NODELAY, 1);
	if (error)
		return error;
	set_keepalive(fd, KEEPALIVE_IDLE_S, KEEPALIVE_INTERVAL_S);
	if (addr_is_unspecified(&options->addr) && family == AF_INET) {
		struct sockaddr_in *in = (struct sockaddr_in *)(void *)&sa;

		*in = (struct sockaddr_in){.sin_family = AF_INET, .sin_port = htons(options->port)};
		len = sizeof(*in);
	} else {
		len = addr_to_sockaddr(&options->addr, options->port, &sa);
	}
	if (bind(fd, (struct sockaddr *)&sa, len) < 0)
		return -errno;
	return listen(fd, options->backlog ? options->backlog : BACKLOG) < 0 ? -errno : 0;
}

static int listen_on(const struct sock_listen_options *options, sa_family_t family, int *ret_fd)
{
	int fd = socket(family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	if (fd < 0)
		return -errno;
	int error = bind_and_listen(fd, options, family);

	if (error) {
		close(fd);
		return error;
	}
	*ret_fd = fd;
	return 0;
}

int sock_listen(const struct sock_listen_options *options, int *ret_fd)
{
	int error;

	if (addr_is_v4(&options->addr))
		return listen_on(options, AF_INET, ret_fd);
	error = listen_on(options, AF_INET6, ret_fd);
	if ((error == -EAFNOSUPPORT || error == -EADDRNOTAVAIL) &&
	    addr_is_unspecified(&options->addr))
		error = listen_on(options, AF_INET, ret_fd);
	return error;
}

int sock_accept(int listen_fd, struct addr *ret_peer, uint16_t *ret_port, int *ret_fd)
{
	struct sockaddr_storage sa;
	socklen_t len = sizeof(sa);
	int fd = accept4(listen_fd, (struct sockaddr *)&sa, &len, SOCK_NONBLOCK | SOCK_CLOEXEC);

	if (fd < 0)
		return -errno;
	if (!addr_from_sockaddr(&sa, ret_peer, ret_port)) {
		*ret_peer = (struct addr){0};
		*ret_port = 0;
	}
	*ret_fd = fd;
	return 0;
}

static int begin_connect(const struct addr *addr, uint16_t port, int idle_s, int interval_s,
			 int *ret_fd)
{
	struct sockaddr_storage sa;
	socklen_t len = addr_to_sockaddr(addr, port, &sa);
	int fd = socket(sa.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	if (fd < 0)
		return -errno;
	set_int(fd, IPPROTO_TCP, TCP_NODELAY, 1);
	if (idle_s > 0)
		set_keepalive(fd, idle_s, interval_s);
	if (connect(fd, (struct sockaddr *)&sa, len) < 0 && errno != EINPROGRESS) {
		int error = -errno;

		close(fd);
		return error;
	}
	*ret_fd = fd;
	return -EINPROGRESS;
}

int sock_connect(const struct addr *addr, uint16_t port, int *ret_fd)
{
	return begin_connect(addr, port, KEEPALIVE_UPSTREAM_S, KEEPALIVE_INTERVAL_S, ret_fd);
}

int sock_connect_keeping(const struct addr *addr, uint16_t port, int keep_alive_s, int *ret_fd)
{
	return begin_connect(addr, port, keep_alive_s, keep_alive_s, ret_fd);
}

int sock_error(int fd)
{
	int error = 0;
	socklen_t len = sizeof(error);

	if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &len) < 0)
		return -errno;
	return -error;
}

int sock_local(int fd, struct addr *ret_addr, uint16_t *ret_port)
{
	struct sockaddr_storage sa;
	socklen_t len = sizeof(sa);

	if (getsockname(fd, (struct sockaddr *)&sa, &len) < 0)
		return -errno;
	return addr_from_sockaddr(&sa, ret_addr, ret_port) ? 0 : -EAFNOSUPPORT;
}

int sock_peer(int fd, struct addr *ret_addr, uint16_t *ret_port)
{
	struct sockaddr_storage sa;
	socklen_t len = sizeof(sa);

	if (getpeername(fd, (struct sockaddr *)&sa, &len) < 0)
		return -errno;
	return addr_from_sockaddr(&sa, ret_addr, ret_port) ? 0 : -EAFNOSUPPORT;
}

ssize_t sock_read(int fd, void *buf, size_t cap)
{
	ssize_t n;

	do {
		n = syscall(SYS_recvfrom, fd, buf, cap, 0, NULL, NULL);
	} while (n < 0 && errno == EINTR);
	return n < 0 ? -errno : n;
}

ssize_t sock_write(int fd, const void *bytes, size_t n)
{
	ssize_t sent;

	do {
		sent = syscall(SYS_sendto, fd, bytes, n, MSG_NOSIGNAL, NULL, 0);
	} while (sent < 0 && errno == EINTR);
	return sent < 0 ? -errno : sent;
}

ssize_t sock_writev(int fd, const struct iovec *parts, int n)
{
	struct msghdr message = {.msg_iov = (struct iovec *)(uintptr_t)parts,
				 .msg_iovlen = (size_t)n};
	ssize_t sent;

	do {
		sent = syscall(SYS_sendmsg, fd, &message, MSG_NOSIGNAL);
	} while (sent < 0 && errno == EINTR);
	return sent < 0 ? -errno : sent;
}

int sock_shut_write(int fd)
{
	return shutdown(fd, SHUT_WR) < 0 ? -errno : 0;
}

void sock_abort(int fd)
{
	struct linger linger = {.l_onoff = 1, .l_linger = 0};

	setsockopt(fd, SOL_SOCKET, SO_LINGER, &linger, sizeof(linger));
	close(fd);
}
