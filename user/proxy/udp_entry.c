// SPDX-License-Identifier: Apache-2.0
/* udp_entry: see the header. */

#include "proxy/udp_entry.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/udp.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "proxy/stream_dial.h"
#include "proxy/udp_session.h"
#include "proxy/worker.h"

enum {
	BATCH = 16,
	BATCHES_PER_TURN = 8,
	DATAGRAM_MAX = 65536,
	SEGMENTS_MAX = 64, /* of one call, in every kernel that has UDP_SEGMENT */
	SESSIONS_MAX = 65536,
	TIMEOUT_S = 3,		       /* reference d.7 */
	SOCKET_BUFFER_BYTES = 4 << 20, /* each way: one socket is all clients' */
};

union control {
	struct cmsghdr align;
	char bytes[CMSG_SPACE(sizeof(struct in6_pktinfo)) + CMSG_SPACE(sizeof(int)) +
		   CMSG_SPACE(sizeof(struct in_pktinfo))];
};

/* One for all entry points of a worker: nothing stays in it. */
struct udp_batch {
	struct mmsghdr in[BATCH], out[BATCH];
	struct iovec parts[BATCH], out_parts[BATCH];
	struct sockaddr_storage names[BATCH], out_names[BATCH];
	union control controls[BATCH], out_controls[BATCH];
	char bytes[BATCH][DATAGRAM_MAX];
};

/* ------------------------------------------------------------------ sockets -- */

static void ask_for_addresses(int fd, sa_family_t family)
{
	int one = 1;

	/* Which address was asked: answers must leave from there. */
	if (family == AF_INET6)
		(void)setsockopt(fd, IPPROTO_IPV6, IPV6_RECVPKTINFO, &one, sizeof(one));
	else
		(void)setsockopt(fd, IPPROTO_IP, IP_PKTINFO, &one, sizeof(one));
	(void)setsockopt(fd, SOL_UDP, UDP_GRO, &one, sizeof(one));
}

/* Beyond the system's limits where we may; a wish. */
static void widen(int fd)
{
	int room = SOCKET_BUFFER_BYTES;

	if (setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &room, sizeof(room)) < 0)
		(void)setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &room, sizeof(room));
	if (setsockopt(fd, SOL_SOCKET, SO_SNDBUFFORCE, &room, sizeof(room)) < 0)
		(void)setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &room, sizeof(room));
}

static int listen_on(const struct addr *addr, uint16_t port, sa_family_t family, int *ret_fd)
{
	int fd = socket(family, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	int one = 1, only = !addr_is_unspecified(addr);
	struct sockaddr_storage sa = {0};
	socklen_t len;

	if (fd < 0)
		return -errno;
	if (family == AF_INET && addr_is_unspecified(addr) && !addr_is_v4(addr)) {
		struct sockaddr_in *in = (struct sockaddr_in *)(void *)&sa;

		*in = (struct sockaddr_in){.sin_family = AF_INET, .sin_port = htons(port)};
		len = sizeof(*in);
	} else {
		len = addr_to_sockaddr(addr, port, &sa);
	}
	ask_for_addresses(fd, family);
	widen(fd);
	if (setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &one, sizeof(one)) < 0 ||
	    (family == AF_INET6 &&
	     setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &only, sizeof(only)) < 0) ||
	    bind(fd, (struct sockaddr *)&sa, len) < 0) {
		int error = -errno;

		close(fd);
		return error;
	}
	*ret_fd = fd;
	return 0;
}

int udp_entry_listen(const struct addr *addr, uint16_t port, int *ret_fd)
{
	int error;

	if (addr_is_v4(addr))
		return listen_on(addr, port, AF_INET, ret_fd);
	error = listen_on(addr, port, AF_INET6, ret_fd);
	if ((error == -EAFNOSUPPORT || error == -EADDRNOTAVAIL) && addr_is_unspecified(addr))
		error = listen_on(addr, port, AF_INET, ret_fd);
	return error;
}

void udp_entry_dropped(struct udp_entry *entry, unsigned int n)
{
	const struct snapshot *snapshot = entry->worker->use->snapshot;

	if (entry->worker->metrics && entry->conf->index < snapshot->n_entry_points)
		metric_add(entry->worker->metrics,
			   snapshot->entry_points[entry->conf->index].series,
			   METRIC_DATAGRAMS_DROPPED, n);
}

/* ---------------------------------------------------------------- reading ---- */

/* Count of messages, 0 when nothing is there, or an error of the socket. */
static int receive(struct udp_batch *batch, int fd)
{
	int n;

	for (size_t i = 0; i < BATCH; i++) {
		batch->parts[i] = (struct iovec){batch->bytes[i], DATAGRAM_MAX};
		batch->in[i].msg_hdr = (struct msghdr){
			.msg_name = &batch->names[i],
			.msg_namelen = sizeof(batch->names[i]),
			.msg_iov = &batch->parts[i],
			.msg_iovlen = 1,
			.msg_control = &batch->controls[i],
			.msg_controllen = sizeof(batch->controls[i]),
		};
	}
	do {
		n = recvmmsg(fd, batch->in, BATCH, MSG_DONTWAIT, NULL);
	} while (n < 0 && errno == EINTR);
	if (n < 0)
		return errno == EAGAIN ? 0 : -errno;
	return n;
}

/* How long each of the datagrams is that came as one; 0: it is one. */
static uint16_t segment_of(struct msghdr *message, size_t len)
{
	for (struct cmsghdr *at = CMSG_FIRSTHDR(message); at; at = CMSG_NXTHDR(message, at)) {
		int size;

		if (at->cmsg_level != SOL_UDP || at->cmsg_type != UDP_GRO)
			continue;
		memcpy(&size, CMSG_DATA(at), sizeof(size));
		return size > 0 && (size_t)size < len ? (uint16_t)size : 0;
	}
	return 0;
}

static bool way_of(struct msghdr *message, struct udp_way *ret_way)
{
	struct udp_way *way = ret_way;

	*way = (struct udp_way){0};
	for (struct cmsghdr *at = CMSG_FIRSTHDR(message); at; at = CMSG_NXTHDR(message, at)) {
		if (at->cmsg_level == IPPROTO_IP && at->cmsg_type == IP_PKTINFO) {
			struct in_pktinfo info;

			memcpy(&info, CMSG_DATA(at), sizeof(info));
			way->local = addr_from_in4(info.ipi_addr);
		} else if (at->cmsg_level == IPPROTO_IPV6 && at->cmsg_type == IPV6_PKTINFO) {
			struct in6_pktinfo info;

			memcpy(&info, CMSG_DATA(at), sizeof(info));
			way->local = addr_from_in6(&info.ipi6_addr);
			way->interface = addr_is_link_local(&way->local) ? info.ipi6_ifindex : 0;
		}
	}
	return addr_from_sockaddr(message->msg_name, &way->client, &way->client_port);
}

/* ---------------------------------------------------------------- sending ---- */

static void *add_control(struct msghdr *message, int level, int type, size_t len)
{
	struct cmsghdr *at =
		(struct cmsghdr *)(void *)((char *)message->msg_control + message->msg_controllen);

	memset(at, 0, CMSG_SPACE(len));
	at->cmsg_level = level;
	at->cmsg_type = type;
	at->cmsg_len = CMSG_LEN(len);
	message->msg_controllen += CMSG_SPACE(len);
	return CMSG_DATA(at);
}

/* The i-th message out: len bytes, as datagrams of segment bytes each if that is not 0. */
static struct msghdr *prepare(struct udp_batch *batch, size_t i, char *at, size_t len,
			      uint16_t segment)
{
	struct msghdr *message = &batch->out[i].msg_hdr;

	batch->out_parts[i] = (struct iovec){at, len};
	*message = (struct msghdr){.msg_iov = &batch->out_parts[i],
				   .msg_iovlen = 1,
				   .msg_control = &batch->out_controls[i]};
	if (segment)
		memcpy(add_control(message, SOL_UDP, UDP_SEGMENT, sizeof(segment)), &segment,
		       sizeof(segment));
	return message;
}

static void address_to(struct udp_batch *batch, size_t i, const struct udp_session *session)
{
	struct msghdr *message = &batch->out[i].msg_hdr;

	message->msg_name = &batch->out_names[i];
	/* On a socket of both families IPv4 is written as IPv6. */
	if (session->entry->is_v4) {
		struct in_pktinfo info = {0};

		message->msg_namelen = addr_to_sockaddr(&session->client, session->client_port,
							&batch->out_names[i]);
		memcpy(&info.ipi_spec_dst, &session->local.byte[12], 4);
		memcpy(add_control(message, IPPROTO_IP, IP_PKTINFO, sizeof(info)), &info,
		       sizeof(info));
	} else {
		struct sockaddr_in6 *to = (struct sockaddr_in6 *)(void *)&batch->out_names[i];
		struct in6_pktinfo info = {.ipi6_ifindex = session->interface};

		*to = (struct sockaddr_in6){.sin6_family = AF_INET6,
					    .sin6_port = htons(session->client_port),
					    .sin6_scope_id = session->interface};
		memcpy(&to->sin6_addr, session->client.byte, sizeof(to->sin6_addr));
		message->msg_namelen = sizeof(*to);
		memcpy(&info.ipi6_addr, session->local.byte, sizeof(info.ipi6_addr));
		memcpy(add_control(message, IPPROTO_IPV6, IPV6_PKTINFO, sizeof(info)), &info,
		       sizeof(info));
	}
}

/* The kernel cannot cut it here (no such feature, a small path MTU): one by one then. */
static bool send_pieces(int fd, const struct msghdr *message, uint16_t segment)
{
	struct msghdr one = *message;
	struct iovec part, whole = message->msg_iov[0];
	bool ok = true;

	/* UDP_SEGMENT was put in front of the addresses. */
	one.msg_control = (char *)message->msg_control + CMSG_SPACE(sizeof(segment));
	one.msg_controllen = message->msg_controllen - CMSG_SPACE(sizeof(segment));
	one.msg_iov = &part;
	for (size_t at = 0; at < whole.iov_len; at += segment) {
		size_t left = whole.iov_len - at;

		part = (struct iovec){(char *)whole.iov_base + at, left < segment ? left : segment};
		ok &= sendmsg(fd, &one, MSG_NOSIGNAL | MSG_DONTWAIT) >= 0;
	}
	return ok;
}

/* Sends the first n messages out. 0, or the socket's error; what is not taken is dropped. */
static int send_batch(struct udp_entry *entry, struct udp_batch *batch, int fd, size_t n,
		      const uint16_t *segments)
{
	size_t at = 0;
	int error = 0;

	while (at < n) {
		int sent = sendmmsg(fd, batch->out + at, (unsigned int)(n - at),
				    MSG_NOSIGNAL | MSG_DONTWAIT);

		if (sent > 0) {
			at += (size_t)sent;
			continue;
		}
		if (errno == EINTR)
			continue;
		if (errno == ECONNREFUSED && !error) {
			/* News of an earlier datagram: this one was not looked at. */
			error = -ECONNREFUSED;
			continue;
		}
		if (!segments[at] || !send_pieces(fd, &batch->out[at].msg_hdr, segments[at]))
			udp_entry_dropped(entry, 1);
		at++;
	}
	return error;
}

/* ------------------------------------------------------------- both ways ------ */

/* Nobody listens there: the next datagram may choose another server. */
static void refused(struct udp_session *session)
{
	struct live_server *live = session->pick.server->live;

	if (live && !session->answered)
		live_server_dial_failed(live, session->entry->worker->loop.now_ns);
	udp_session_end(session);
}

/* Messages [from, to) are of one session. */
static void forward(struct udp_session *session, struct udp_batch *batch, size_t from, size_t to)
{
	uint16_t segments[BATCH];
	size_t bytes = 0;

	for (size_t i = from; i < to; i++) {
		struct msghdr *in = &batch->in[i].msg_hdr;
		size_t len = batch->in[i].msg_len;

		segments[i - from] = segment_of(in, len);
		prepare(batch, i - from, batch->bytes[i], len, segments[i - from]);
		bytes += len;
	}
	udp_session_touch(session, true, bytes);
	if (send_batch(session->entry, batch, session->io.fd, to - from, segments) < 0)
		refused(session);
}

static void take_batch(struct udp_entry *entry, struct udp_batch *batch, size_t n)
{
	struct udp_session *session = NULL;
	struct udp_way way, before = {0};
	size_t from = 0;

	for (size_t i = 0; i < n; i++) {
		if (!way_of(&batch->in[i].msg_hdr, &way))
			way = (struct udp_way){0};
		if (session && way.client_port == before.client_port &&
		    addr_eq(&way.client, &before.client) && addr_eq(&way.local, &before.local))
			continue;
		if (session)
			forward(session, batch, from, i);
		before = way;
		from = i;
		session = way.client_port ? udp_session_find(entry, &way) : NULL;
		if (!session)
			udp_entry_dropped(entry, 1);
	}
	if (session)
		forward(session, batch, from, n);
}

static void on_client(struct loop_io *io)
{
	struct udp_entry *entry = LIST_OF(io, struct udp_entry, io);
	struct udp_batch *batch = entry->worker->udp_batch;

	for (int turn = 0; turn < BATCHES_PER_TURN; turn++) {
		int n = receive(batch, io->fd);

		if (n < 0)
			continue; /* an error of one client's (ICMP) */
		if (n > 0)
			take_batch(entry, batch, (size_t)n);
		if (n < BATCH) {
			io->ready &= (uint8_t)~LOOP_READ;
			return;
		}
	}
	loop_again(&entry->worker->loop, io);
}

static void answer(struct udp_session *session, struct udp_batch *batch, size_t n)
{
	struct udp_entry *entry = session->entry;
	uint16_t segments[BATCH];
	size_t bytes = 0;

	for (size_t i = 0; i < n; i++) {
		size_t len = batch->in[i].msg_len;

		segments[i] = segment_of(&batch->in[i].msg_hdr, len);
		prepare(batch, i, batch->bytes[i], len, segments[i]);
		address_to(batch, i, session);
		bytes += len;
	}
	udp_session_touch(session, false, bytes);
	(void)send_batch(entry, batch, entry->fd, n, segments);
}

void udp_entry_on_server(struct loop_io *io)
{
	struct udp_session *session = LIST_OF(io, struct udp_session, io);
	struct udp_batch *batch = session->entry->worker->udp_batch;

	if (!(io->ready & (LOOP_READ | LOOP_ERROR)))
		return;
	for (int turn = 0; turn < BATCHES_PER_TURN; turn++) {
		int n = receive(batch, io->fd);

		if (n < 0) {
			refused(session);
			return;
		}
		if (n > 0)
			answer(session, batch, (size_t)n);
		if (n < BATCH) {
			io->ready &= (uint8_t) ~(LOOP_READ | LOOP_ERROR);
			return;
		}
	}
	loop_again(&session->entry->worker->loop, io);
}

/* ---------------------------------------------------------------- life ------- */

static void on_timer(struct timer *timer)
{
	struct udp_entry *entry = LIST_OF(timer, struct udp_entry, timer);
	struct worker *worker = entry->worker;
	uint64_t next_ns = udp_session_sweep(entry, worker->loop.now_ns);

	if (next_ns)
		timer_set(&worker->loop.timers, timer, next_ns);
}

static bool is_v4(int fd)
{
	struct sockaddr_storage sa = {0};
	socklen_t len = sizeof(sa);

	return getsockname(fd, (struct sockaddr *)&sa, &len) == 0 && sa.ss_family == AF_INET;
}

static uint32_t limit_of(const struct worker *worker)
{
	/* No more than half of what the descriptors allow: TCP has the rest. */
	uint64_t max = worker->shared->max_connections / 2;

	return max > SESSIONS_MAX ? SESSIONS_MAX : max ? (uint32_t)max : 1;
}

struct udp_entry *udp_entry_open(struct worker *worker, const struct entry *conf, int fd)
{
	struct udp_entry *entry = calloc(1, sizeof(*entry));

	if (entry && !worker->udp_batch)
		worker->udp_batch = malloc(sizeof(*worker->udp_batch));
	if (!entry || !worker->udp_batch || udp_session_table_init(entry, limit_of(worker)) < 0) {
		if (entry) {
			free(entry->chains);
			free(entry->sources);
		}
		free(entry);
		close(fd);
		return NULL;
	}
	entry->worker = worker;
	entry->conf = conf;
	entry->fd = fd;
	entry->is_v4 = is_v4(fd);
	entry->timeout_ns = conf->conf->udp.timeout.ns > 0 ? (uint64_t)conf->conf->udp.timeout.ns
							   : TIMEOUT_S * NS_PER_SEC;
	entry->io = (struct loop_io){.fd = fd, .on_ready = on_client};
	timer_init(&entry->timer, on_timer);
	if (loop_add(&worker->loop, &entry->io) < 0) {
		udp_entry_close(entry);
		return NULL;
	}
	return entry;
}

void udp_entry_drain(struct udp_entry *entry)
{
	entry->draining = true;
}

void udp_entry_leave(struct udp_entry *entry)
{
	entry->draining = true;
	loop_remove(&entry->worker->loop, &entry->io);
}

void udp_entry_close(struct udp_entry *entry)
{
	if (!entry)
		return;
	udp_session_table_done(entry);
	timer_cancel(&entry->worker->loop.timers, &entry->timer);
	loop_forget(&entry->worker->loop, &entry->io);
	close(entry->fd);
	free(entry);
}

static void warm(struct worker *worker, const struct stream_service *service, unsigned int level)
{
	for (uint32_t i = 0; i < service->n_servers; i++)
		if (service->servers[i].dns_name.len)
			stream_dial_refresh(worker, &service->servers[i], worker->use);
	for (uint32_t i = 0; level < STREAM_PICK_LEVELS_MAX && i < service->n_children; i++)
		warm(worker, service->children[i], level + 1);
}

void udp_entry_adopt(struct worker *worker)
{
	const struct snapshot *snapshot = worker->use->snapshot;

	for (uint16_t i = 0; i < snapshot->n_entry_points; i++)
		if (snapshot->entry_points[i].udp)
			warm(worker, snapshot->entry_points[i].udp, 0);
}

void udp_batch_free(struct udp_batch *batch)
{
	free(batch);
}
