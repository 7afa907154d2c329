// SPDX-License-Identifier: Apache-2.0
/*
 * backend: the fastest HTTP/1.1 server that still answers honestly, so that a proxy is the
 * bottleneck.
 *
 * A path /sN asks for a body of N bytes (128 without one, at most 1 MiB). Each request head gets
 * one answer; request bodies are not read, so only methods without a body may be sent. Pipelining
 * works.
 */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <unistd.h>

enum {
	BODY_DEFAULT = 128,
	BODY_MAX = 1 << 20,
	FDS_MAX = 1 << 17,
	EVENTS_MAX = 512,
	READ_MAX = 64 * 1024,
};

/* A prepared answer; one per body size, made when first asked for. */
struct answer {
	size_t body_len, len;
	char *bytes;
	struct answer *next;
};

/* What a connection still owes its client; indexed by descriptor. */
static struct debt {
	const char *bytes;
	size_t len;
} debts[FDS_MAX];

static struct answer *answer_of(size_t body_len)
{
	static struct answer *answers;

	for (struct answer *answer = answers; answer; answer = answer->next)
		if (answer->body_len == body_len)
			return answer;
	struct answer *answer = calloc(1, sizeof(*answer));
	char *bytes = malloc(256 + body_len);

	if (!answer || !bytes)
		abort();
	int head_len = snprintf(
		bytes, 256,
		"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: %zu\r\n\r\n",
		body_len);

	memset(bytes + head_len, 'x', body_len);
	*answer = (struct answer){body_len, (size_t)head_len + body_len, bytes, answers};
	answers = answer;
	return answer;
}

static size_t wanted_body(const char *head, size_t len)
{
	const char *path = memchr(head, ' ', len);
	const char *end = path ? memchr(path + 1, ' ', len - (size_t)(path + 1 - head)) : NULL;

	for (const char *at = path; end && at + 2 < end; at++) {
		if (at[0] == '/' && at[1] == 's' && at[2] >= '0' && at[2] <= '9') {
			size_t body_len = strtoul(at + 2, NULL, 10);

			return body_len < BODY_MAX ? body_len : BODY_MAX;
		}
	}
	return BODY_DEFAULT;
}

static void want(int epoll, int fd, int operation, uint32_t events)
{
	struct epoll_event event = {.events = events | EPOLLRDHUP | EPOLLET, .data.fd = fd};

	epoll_ctl(epoll, operation, fd, &event);
}

/* Pays as much of the debt as the socket takes now. Returns whether all is paid. */
static int pay(int epoll, int fd)
{
	struct debt *debt = &debts[fd];
	ssize_t sent = send(fd, debt->bytes, debt->len, MSG_NOSIGNAL);

	if (sent > 0) {
		debt->bytes += sent;
		debt->len -= (size_t)sent;
	}
	if (!debt->len)
		return 1;
	want(epoll, fd, EPOLL_CTL_MOD, EPOLLIN | EPOLLOUT);
	return 0;
}

static void accept_all(int epoll, int listener)
{
	int fd;

	while ((fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC)) >= 0) {
		if (fd >= FDS_MAX) {
			close(fd);
			continue;
		}
		debts[fd] = (struct debt){0};
		want(epoll, fd, EPOLL_CTL_ADD, EPOLLIN);
	}
}

static void serve(int epoll, int fd, uint32_t events)
{
	static char buffer[READ_MAX];
	ssize_t got;

	if (debts[fd].len) {
		if (!pay(epoll, fd))
			return;
		want(epoll, fd, EPOLL_CTL_MOD, EPOLLIN);
	}
	if (!(events & (EPOLLIN | EPOLLHUP | EPOLLERR)))
		return;
	got = recv(fd, buffer, sizeof(buffer), 0);
	if (got < 0 && errno == EAGAIN)
		return;
	if (got <= 0) {
		close(fd);
		return;
	}
	const char *head = buffer, *limit = buffer + got, *end;

	while ((end = memmem(head, (size_t)(limit - head), "\r\n\r\n", 4))) {
		const struct answer *answer = answer_of(wanted_body(head, (size_t)(end - head)));

		debts[fd] = (struct debt){answer->bytes, answer->len};
		head = end + 4;
		if (!pay(epoll, fd))
			break;
	}
	if (events & EPOLLRDHUP && !debts[fd].len)
		close(fd);
}

static int listen_on(int port)
{
	struct sockaddr_in address = {.sin_family = AF_INET,
				      .sin_port = htons((uint16_t)port),
				      .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0), on = 1;

	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on)); /* inherited by accept */
	if (bind(fd, (struct sockaddr *)&address, sizeof(address)) || listen(fd, 4096))
		return -errno;
	return fd;
}

int main(int argc, char **argv)
{
	struct epoll_event events[EVENTS_MAX];
	int listener = argc == 2 ? listen_on(atoi(argv[1])) : -EINVAL;
	int epoll = epoll_create1(EPOLL_CLOEXEC);

	if (listener < 0) {
		fprintf(stderr, "usage: backend PORT: %s\n", strerror(-listener));
		return 1;
	}
	signal(SIGPIPE, SIG_IGN);
	want(epoll, listener, EPOLL_CTL_ADD, EPOLLIN);
	for (;;) {
		int count = epoll_wait(epoll, events, EVENTS_MAX, -1);

		for (int i = 0; i < count; i++) {
			if (events[i].data.fd == listener)
				accept_all(epoll, listener);
			else
				serve(epoll, events[i].data.fd, events[i].events);
		}
	}
}
