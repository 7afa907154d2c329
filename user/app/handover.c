// SPDX-License-Identifier: Apache-2.0
/* handover: see the header. Messages keep their bounds (SOCK_SEQPACKET): one for each socket. */
#include "app/handover.h"

#include <errno.h>
#include <openssl/crypto.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/log.h"

enum {
	VERSION = 1,
	KIND_END = 0x100,
	READY = 'R',
	DEADLINE_S = 5,
	SOCKETS_MAX = 64 * 256 + 3,
};

struct message {
	uint32_t version;
	uint32_t kind; /* enum handover_kind, or KIND_END: then tickets */
	char name[HANDOVER_NAME_MAX + 1];
	struct tls_ticket_saved tickets;
	uint8_t has_tickets, pad[7];
};

struct handover {
	int listener, guest, epoll; /* guest -1: nobody */
	struct sockaddr_un path;
	struct handover_socket *sockets;
	size_t n_sockets;
	struct tls_ticket_ring *ring;
};

static int path_of(struct str admin_socket, struct sockaddr_un *ret_path)
{
	*ret_path = (struct sockaddr_un){.sun_family = AF_UNIX};
	if (!admin_socket.len)
		return -ENOENT;
	int n = snprintf(ret_path->sun_path, sizeof(ret_path->sun_path), STR_FMT ".next",
			 STR_ARG(admin_socket));

	return n < 0 || (size_t)n >= sizeof(ret_path->sun_path) ? -ENAMETOOLONG : 0;
}

static void set_deadline(int fd)
{
	const struct timeval deadline = {.tv_sec = DEADLINE_S};

	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &deadline, sizeof(deadline));
	setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &deadline, sizeof(deadline));
}

/* --------------------------------------------------------- the one that comes -- */

static int receive(int peer, struct message *ret_message, int *ret_fd)
{
	union {
		struct cmsghdr header;
		char room[CMSG_SPACE(sizeof(int))];
	} control;
	struct iovec part = {ret_message, sizeof(*ret_message)};
	struct msghdr message = {.msg_iov = &part,
				 .msg_iovlen = 1,
				 .msg_control = &control,
				 .msg_controllen = sizeof(control)};
	ssize_t n = recvmsg(peer, &message, MSG_CMSG_CLOEXEC);

	*ret_fd = -1;
	if (n < 0)
		return errno == EAGAIN ? -ETIMEDOUT : -errno;
	struct cmsghdr *given = CMSG_FIRSTHDR(&message);

	if (given && given->cmsg_level == SOL_SOCKET && given->cmsg_type == SCM_RIGHTS)
		memcpy(ret_fd, CMSG_DATA(given), sizeof(*ret_fd));
	return n == sizeof(*ret_message) && ret_message->version == VERSION ? 0 : -EPROTO;
}

static int keep(struct handover_gift *gift, const struct message *message, int fd)
{
	if (fd < 0 || gift->n_sockets == SOCKETS_MAX)
		return -EPROTO;
	struct handover_socket *more =
		realloc(gift->sockets, (gift->n_sockets + 1) * sizeof(*more));

	if (!more)
		return -ENOMEM;
	gift->sockets = more;
	gift->sockets[gift->n_sockets] = (struct handover_socket){.kind = message->kind, .fd = fd};
	memcpy(gift->sockets[gift->n_sockets++].name, message->name, HANDOVER_NAME_MAX);
	return 0;
}

static int receive_all(struct handover_gift *gift)
{
	struct message message;
	int fd, rc;

	for (;;) {
		rc = receive(gift->peer, &message, &fd);
		if (rc < 0 || message.kind == KIND_END)
			break;
		rc = keep(gift, &message, fd);
		if (rc < 0) {
			if (fd >= 0)
				close(fd);
			break;
		}
	}
	if (rc == 0) {
		gift->tickets = message.tickets;
		gift->has_tickets = message.has_tickets;
	}
	OPENSSL_cleanse(&message, sizeof(message));
	return rc;
}

int handover_ask(struct str admin_socket, struct handover_gift *ret_gift)
{
	struct ucred peer = {0};
	socklen_t size = sizeof(peer);
	struct sockaddr_un path;

	*ret_gift = (struct handover_gift){.peer = -1};
	TRY(path_of(admin_socket, &path));
	int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);

	if (fd < 0)
		return -errno;
	set_deadline(fd);
	if (connect(fd, (struct sockaddr *)&path, sizeof(path)) < 0) {
		int error = errno == ECONNREFUSED ? ENOENT : errno;

		close(fd);
		return -error;
	}
	ret_gift->peer = fd;
	if (!getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &size))
		ret_gift->pid = peer.pid;
	int rc = receive_all(ret_gift);

	if (rc < 0)
		handover_refuse(ret_gift);
	return rc;
}

int handover_take(struct handover_gift *gift, enum handover_kind kind)
{
	for (size_t i = 0; i < gift->n_sockets; i++) {
		int fd = gift->sockets[i].fd;

		if (gift->sockets[i].kind != kind || fd < 0)
			continue;
		gift->sockets[i].fd = -1;
		return fd;
	}
	return -1;
}

int handover_accept(struct handover_gift *gift)
{
	const char ready = READY;
	int rc = 0;

	if (gift->peer >= 0 && send(gift->peer, &ready, 1, MSG_NOSIGNAL) != 1)
		rc = -errno;
	handover_refuse(gift);
	return rc;
}

void handover_refuse(struct handover_gift *gift)
{
	for (size_t i = 0; i < gift->n_sockets; i++)
		if (gift->sockets[i].fd >= 0)
			close(gift->sockets[i].fd);
	free(gift->sockets);
	if (gift->peer >= 0)
		close(gift->peer);
	OPENSSL_cleanse(gift, sizeof(*gift));
	gift->peer = -1;
}

/* -------------------------------------------------------- the one that serves -- */

static int listen_at(const struct sockaddr_un *path)
{
	int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	if (fd < 0)
		return -errno;
	/* Whoever was there has been asked before, and does not answer. */
	unlink(path->sun_path);
	mode_t mask = umask(0177);
	int rc = bind(fd, (const struct sockaddr *)path, sizeof(*path)) || listen(fd, 4) ? -errno
											 : 0;

	umask(mask);
	if (rc < 0) {
		close(fd);
		return rc;
	}
	return fd;
}

static int watch(int epoll, int fd)
{
	struct epoll_event event = {.events = EPOLLIN, .data.fd = fd};

	return epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event) ? -errno : 0;
}

int handover_open(struct str admin_socket, int inherited, struct handover **ret_handover)
{
	struct handover *self = calloc(1, sizeof(*self));
	int rc = self ? path_of(admin_socket, &self->path) : -ENOMEM;

	if (rc < 0) {
		free(self);
		return rc;
	}
	self->guest = -1;
	self->epoll = epoll_create1(EPOLL_CLOEXEC);
	self->listener = inherited >= 0 ? inherited : listen_at(&self->path);
	rc = self->epoll < 0 ? -errno : self->listener < 0 ? self->listener : 0;
	if (rc == 0)
		rc = watch(self->epoll, self->listener);
	if (rc == 0)
		rc = handover_offer(self, HANDOVER_SELF, (struct str){0}, self->listener);
	if (rc < 0) {
		handover_close(self);
		return rc;
	}
	*ret_handover = self;
	return 0;
}

void handover_close(struct handover *self)
{
	if (!self)
		return;
	const int fds[] = {self->guest, self->epoll};

	for (size_t i = 0; i < sizeof(fds) / sizeof(*fds); i++)
		if (fds[i] >= 0)
			close(fds[i]);
	if (self->listener >= 0) {
		close(self->listener);
		unlink(self->path.sun_path);
	}
	free(self->sockets);
	free(self);
}

int handover_offer(struct handover *self, enum handover_kind kind, struct str name, int fd)
{
	struct handover_socket *more =
		realloc(self->sockets, (self->n_sockets + 1) * sizeof(*more));

	if (!more)
		return -ENOMEM;
	self->sockets = more;
	self->sockets[self->n_sockets] = (struct handover_socket){.kind = kind, .fd = fd};
	if (name.len)
		memcpy(self->sockets[self->n_sockets].name, name.at,
		       name.len < HANDOVER_NAME_MAX ? name.len : HANDOVER_NAME_MAX);
	self->n_sockets++;
	return 0;
}

void handover_offer_tickets(struct handover *self, struct tls_ticket_ring *ring)
{
	self->ring = ring;
}

int handover_fd(const struct handover *self)
{
	return self->epoll;
}

static int give(int guest, const struct message *what, int fd)
{
	union {
		struct cmsghdr header;
		char room[CMSG_SPACE(sizeof(int))];
	} control = {0};
	struct iovec part = {(void *)(uintptr_t)what, sizeof(*what)};
	struct msghdr message = {.msg_iov = &part, .msg_iovlen = 1};

	if (fd >= 0) {
		message.msg_control = &control;
		message.msg_controllen = sizeof(control);
		struct cmsghdr *given = CMSG_FIRSTHDR(&message);

		given->cmsg_level = SOL_SOCKET;
		given->cmsg_type = SCM_RIGHTS;
		given->cmsg_len = CMSG_LEN(sizeof(fd));
		memcpy(CMSG_DATA(given), &fd, sizeof(fd));
	}
	return sendmsg(guest, &message, MSG_NOSIGNAL) == sizeof(*what) ? 0 : -errno;
}

static int give_all(struct handover *self)
{
	struct message message = {.version = VERSION};
	int rc = 0;

	for (size_t i = 0; i < self->n_sockets && rc == 0; i++) {
		message.kind = self->sockets[i].kind;
		memcpy(message.name, self->sockets[i].name, sizeof(message.name));
		rc = give(self->guest, &message, self->sockets[i].fd);
	}
	message.kind = KIND_END;
	message.has_tickets = self->ring != NULL;
	if (self->ring)
		tls_ticket_ring_save(self->ring, &message.tickets);
	if (rc == 0)
		rc = give(self->guest, &message, -1);
	OPENSSL_cleanse(&message, sizeof(message));
	return rc;
}

/* Our own user, or root: nobody else is told keys. */
static bool may_have(int guest)
{
	struct ucred peer;
	socklen_t size = sizeof(peer);

	return !getsockopt(guest, SOL_SOCKET, SO_PEERCRED, &peer, &size) &&
	       (peer.uid == 0 || peer.uid == geteuid());
}

static void forget_guest(struct handover *self)
{
	close(self->guest);
	self->guest = -1;
}

static void welcome(struct handover *self)
{
	struct sockaddr_un from;
	socklen_t size = sizeof(from);
	int guest = accept4(self->listener, (struct sockaddr *)&from, &size, SOCK_CLOEXEC);

	if (guest < 0)
		return;
	if (self->guest >= 0 || !may_have(guest)) {
		close(guest);
		return;
	}
	set_deadline(guest);
	self->guest = guest;
	int rc = give_all(self);

	if (rc == 0)
		rc = watch(self->epoll, guest);
	LOG(rc == 0 ? LOG_INFO : LOG_WARN,
	    rc == 0 ? "another process asks to take over; it gets the sockets"
		    : "another process asked to take over, and could not be given the sockets",
	    LOG_ERRNO(rc));
	if (rc < 0)
		forget_guest(self);
}

bool handover_serve(struct handover *self)
{
	struct epoll_event event;
	char word = 0;

	if (epoll_wait(self->epoll, &event, 1, 0) != 1)
		return false;
	if (event.data.fd == self->listener) {
		welcome(self);
		return false;
	}
	ssize_t n = recv(self->guest, &word, 1, MSG_DONTWAIT);

	if (n < 0 && errno == EAGAIN)
		return false;
	forget_guest(self);
	if (n != 1 || word != READY) {
		LOG(LOG_WARN,
		    "the process that asked to take over ended before it served; going on");
		return false;
	}
	/* It is the other's now, and stays where it is. */
	epoll_ctl(self->epoll, EPOLL_CTL_DEL, self->listener, NULL);
	close(self->listener);
	self->listener = -1;
	return true;
}
