// SPDX-License-Identifier: Apache-2.0
/* load_conn: one client connection of the load generator, from connect to close. */
#include "load_conn.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <netinet/tcp.h>
#include <time.h>
#include <unistd.h>
#include <openssl/err.h>

enum { READ_MAX = 256 * 1024 };

/* What a response head says; heads repeat, so the last one parsed is kept (see parse_head). */
struct head {
	uint64_t body_len;
	bool ok, last, framed;
};

uint64_t load_now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

void load_conn_close(struct load_conn *conn)
{
	SSL_free(conn->ssl);
	conn->ssl = NULL;
	if (conn->fd >= 0)
		close(conn->fd);
	conn->fd = -1;
	conn->state = LOAD_CLOSED;
	conn->head_len = 0;
}

static void fail(struct load *load, struct load_conn *conn, enum load_error error)
{
	if (load->counting)
		load->errors[error]++;
	ERR_clear_error();
	load_conn_close(conn);
}

/* Many connections need many source addresses: one has 28,000 ports for one destination. */
static void bind_source(struct load *load, int fd)
{
	struct sockaddr_in source = {.sin_family = AF_INET};
	int on = 1;

	if (!load->options.sources)
		return;
	source.sin_addr.s_addr =
		htonl(INADDR_LOOPBACK + 1 + load->next_source++ % load->options.sources);
	setsockopt(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &on, sizeof(on));
	if (bind(fd, (struct sockaddr *)&source, sizeof(source)))
		perror("bind");
}

void load_conn_open(struct load *load, struct load_conn *conn)
{
	const struct sockaddr_in *server = &load->options.server;
	int on = 1;

	conn->fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (conn->fd < 0) {
		fail(load, conn, LOAD_CONNECT);
		return;
	}
	setsockopt(conn->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	bind_source(load, conn->fd);
	conn->served = false;
	conn->last = false;
	conn->state = LOAD_CONNECTING;
	load->opened++;
	if (connect(conn->fd, (const struct sockaddr *)server, sizeof(*server)) &&
	    errno != EINPROGRESS) {
		fail(load, conn, LOAD_CONNECT);
		return;
	}
	struct epoll_event event = {.events = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET,
				    .data.ptr = conn};
	epoll_ctl(load->epoll, EPOLL_CTL_ADD, conn->fd, &event);
}

static void handshake(struct load *load, struct load_conn *conn)
{
	int result = SSL_do_handshake(conn->ssl);

	if (result == 1) {
		load->handshakes++;
		conn->state = LOAD_IDLE;
		load_ready(load, conn);
		return;
	}
	int error = SSL_get_error(conn->ssl, result);

	if (error != SSL_ERROR_WANT_READ && error != SSL_ERROR_WANT_WRITE)
		fail(load, conn, LOAD_TLS);
}

static void connected(struct load *load, struct load_conn *conn)
{
	int error = 0;
	socklen_t size = sizeof(error);

	getsockopt(conn->fd, SOL_SOCKET, SO_ERROR, &error, &size);
	if (error) {
		fail(load, conn, LOAD_CONNECT);
		return;
	}
	if (!load->tls) {
		conn->state = LOAD_IDLE;
		load_ready(load, conn);
		return;
	}
	conn->ssl = SSL_new(load->tls);
	SSL_set_fd(conn->ssl, conn->fd);
	SSL_set_tlsext_host_name(conn->ssl, load->options.host);
	SSL_set_connect_state(conn->ssl);
	conn->state = LOAD_HANDSHAKE;
	handshake(load, conn);
}

/* With routes, each request asks for one of them at random: its own host and its own prefix,
 * all of one length, so that requests differ in nothing else. */
static uint32_t build_request(struct load *load, char *buffer, size_t size)
{
	uint64_t *random = &load->random; /* xorshift64 */

	*random ^= *random << 13;
	*random ^= *random >> 7;
	*random ^= *random << 17;
	uint64_t route = *random % load->options.routes;

	return (uint32_t)snprintf(buffer, size,
				  "GET /p%05" PRIu64 "%s HTTP/1.1\r\nHost: h%05" PRIu64
				  ".example.com\r\n\r\n",
				  route, load->options.path, route);
}

void load_conn_send(struct load *load, struct load_conn *conn, uint64_t due_ns)
{
	char routed[2048];
	const char *request = load->request;
	uint32_t len = load->request_len;
	ssize_t sent;

	if (load->options.routes) {
		request = routed;
		len = build_request(load, routed, sizeof(routed));
	}
	conn->since_ns = due_ns;
	conn->state = LOAD_HEAD;
	if (conn->ssl)
		sent = SSL_write(conn->ssl, request, (int)len);
	else
		sent = send(conn->fd, request, len, MSG_NOSIGNAL);
	if (sent != (ssize_t)len)
		fail(load, conn, conn->served ? LOAD_NO_RESPONSE : LOAD_CONNECT);
}

static const char *find_field(const char *head, size_t len, const char *name)
{
	size_t name_len = strlen(name);
	const char *end = head + len;

	for (const char *line = head; (line = memchr(line, '\n', (size_t)(end - line)));) {
		line++;
		if ((size_t)(end - line) > name_len && !strncasecmp(line, name, name_len))
			return line + name_len;
	}
	return NULL;
}

static struct head parse_head(const char *text, size_t len)
{
	static char last_text[LOAD_HEAD_MAX];
	static size_t last_len;
	static struct head last;

	if (len == last_len && !memcmp(text, last_text, len))
		return last;
	const char *length = find_field(text, len, "content-length:");
	const char *connection = find_field(text, len, "connection:");

	memcpy(last_text, text, len);
	last_len = len;
	last = (struct head){
		.ok = len > 12 && !memcmp(text, "HTTP/1.1 2", 10),
		.framed = length != NULL,
		.body_len = length ? strtoull(length, NULL, 10) : 0,
		.last = connection && !strncasecmp(connection, " close", 6),
	};
	return last;
}

static void response_done(struct load *load, struct load_conn *conn)
{
	if (load->counting) {
		load->responses++;
		latency_add(&load->latency, load_now_ns() - conn->since_ns);
	}
	conn->served = true;
	conn->state = LOAD_IDLE;
	if (conn->last || load->options.churn) {
		load_conn_close(conn);
		load_conn_open(load, conn);
		return;
	}
	load_ready(load, conn);
}

/*
 * Takes the part of a response head that `data` holds. Returns the bytes taken, or -1 when the
 * connection has failed. The usual head arrives whole and is parsed where it lies.
 */
static ssize_t take_head(struct load *load, struct load_conn *conn, const char *data, size_t len)
{
	size_t before = conn->head_len, taken;
	const char *text = data, *end;

	if (before) {
		size_t more = len < LOAD_HEAD_MAX - before ? len : LOAD_HEAD_MAX - before;

		memcpy(conn->head + before, data, more);
		text = conn->head;
		len = before + more;
	}
	end = memmem(text, len < LOAD_HEAD_MAX ? len : LOAD_HEAD_MAX, "\r\n\r\n", 4);
	if (!end && len >= LOAD_HEAD_MAX) {
		fail(load, conn, LOAD_MALFORMED);
		return -1;
	}
	if (!end) {
		if (!conn->head)
			conn->head = malloc(LOAD_HEAD_MAX);
		if (!before)
			memcpy(conn->head, data, len);
		conn->head_len = (uint32_t)len;
		return (ssize_t)(len - before);
	}
	taken = (size_t)(end - text) + 4 - before;
	struct head head = parse_head(text, (size_t)(end - text) + 2);

	conn->head_len = 0;
	if (!head.framed) {
		fail(load, conn, LOAD_MALFORMED);
		return -1;
	}
	if (!head.ok && load->counting)
		load->errors[LOAD_STATUS]++;
	conn->last = head.last;
	conn->body_left = head.body_len;
	conn->state = LOAD_BODY;
	return (ssize_t)taken;
}

static void take(struct load *load, struct load_conn *conn, const char *data, size_t len)
{
	if (load->counting)
		load->bytes += len;
	while (len) {
		if (conn->state == LOAD_HEAD) {
			ssize_t taken = take_head(load, conn, data, len);

			if (taken < 0)
				return;
			data += taken;
			len -= (size_t)taken;
			if (conn->state == LOAD_HEAD)
				return;
		} else if (conn->state != LOAD_BODY) {
			fail(load, conn, LOAD_MALFORMED);
			return;
		}
		size_t body = len < conn->body_left ? len : conn->body_left;

		conn->body_left -= body;
		data += body;
		len -= body;
		if (!conn->body_left) {
			response_done(load, conn);
			if (conn->state < LOAD_IDLE)
				return; /* another connection by now */
		}
	}
}

static void ended(struct load *load, struct load_conn *conn)
{
	if (conn->state == LOAD_IDLE)
		fail(load, conn, LOAD_CLOSED_IDLE);
	else if (conn->state == LOAD_HEAD && !conn->head_len)
		fail(load, conn, LOAD_NO_RESPONSE);
	else
		fail(load, conn, LOAD_TRUNCATED);
}

/* Returns the bytes read, 0 when there is nothing now, -1 when the stream has ended. */
static ssize_t read_some(struct load_conn *conn, char *buffer)
{
	ssize_t got;

	if (!conn->ssl) {
		got = recv(conn->fd, buffer, READ_MAX, 0);
		if (got < 0 && errno == EAGAIN)
			return 0;
		return got > 0 ? got : -1;
	}
	got = SSL_read(conn->ssl, buffer, READ_MAX);
	if (got > 0)
		return got;
	return SSL_get_error(conn->ssl, (int)got) == SSL_ERROR_WANT_READ ? 0 : -1;
}

void load_conn_event(struct load *load, struct load_conn *conn, uint32_t events)
{
	static char buffer[READ_MAX];

	if (conn->state == LOAD_CONNECTING) {
		if (events & (EPOLLOUT | EPOLLERR | EPOLLHUP))
			connected(load, conn);
		return;
	}
	if (conn->state == LOAD_HANDSHAKE) {
		handshake(load, conn);
		return;
	}
	if (!(events & (EPOLLIN | EPOLLERR | EPOLLHUP | EPOLLRDHUP)))
		return;
	while (conn->state >= LOAD_IDLE) {
		ssize_t got = read_some(conn, buffer);

		if (!got)
			return;
		if (got < 0) {
			ended(load, conn);
			return;
		}
		take(load, conn, buffer, (size_t)got);
		/* A short read of a plain socket has emptied it. */
		if (!conn->ssl && got < READ_MAX && !(events & EPOLLRDHUP))
			return;
	}
}
