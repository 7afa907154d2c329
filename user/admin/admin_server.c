// SPDX-License-Identifier: Apache-2.0
/*
 * admin_server: one thread, poll, one request per connection.
 *
 * Nothing here is fast and nothing here needs to be: answers are built whole in a buffer, then
 * sent. What matters is that no peer can hold it up: connections are non-blocking and each has one
 * absolute deadline.
 */
#include "admin/admin_server.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/addr.h"
#include "base/clock.h"
#include "http/h1_parse.h"
#include "http/header.h"
#include "http/status.h"

enum { HEAD_MAX = 8192, N_LISTENERS = 2 };

struct admin_conn {
	int fd; /* -1: free */
	bool is_tcp;
	uint64_t deadline_ns;
	char head[HEAD_MAX];
	size_t n_head;
	struct buf out;
	size_t sent;
	bool answering;
};

struct admin_server {
	struct admin_options options;
	int listeners[N_LISTENERS]; /* TCP, unix */
	int wake;
	pthread_t thread;
	bool started;
	atomic_bool stop;
	struct admin_conn conns[ADMIN_CONNECTIONS_MAX];
};

/* ------------------------------------------------------------------ answers -- */

static void write_head(struct buf *out, unsigned status, const char *content_type, size_t length,
		       const char *more)
{
	struct str reason = status_text(status);

	buf_addf(out,
		 "HTTP/1.1 %u " STR_FMT "\r\nContent-Type: %s\r\nContent-Length: %zu\r\n"
		 "X-Content-Type-Options: nosniff\r\nCache-Control: no-store\r\n%sConnection: "
		 "close\r\n\r\n",
		 status, STR_ARG(reason), content_type, length, more);
}

static void answer_plain(struct admin_conn *conn, unsigned status, const char *text,
			 const char *more)
{
	write_head(&conn->out, status, "text/plain; charset=utf-8", strlen(text), more);
	buf_add(&conn->out, str_of(text));
}

/* An IP address, localhost, or nothing that a browser could have been tricked into. */
static bool host_allowed(struct str host)
{
	ptrdiff_t colon = str_rfind(host, ':');
	struct addr addr;

	if (host.len && host.at[0] == '[') {
		ptrdiff_t end = str_find(host, ']');
		return end > 0 && addr_parse(str_n(host.at + 1, (size_t)end - 1), &addr) == 0;
	}
	if (colon >= 0)
		host = str_take(host, (size_t)colon);
	return str_eq_nocase(host, STR("localhost")) || addr_parse(host, &addr) == 0;
}

static void answer(struct admin_server *server, struct admin_conn *conn,
		   const struct request *request)
{
	const struct admin_options *options = &server->options;
	bool head_only = request->method_id == METHOD_HEAD;

	if (request->method_id != METHOD_GET && !head_only) {
		answer_plain(conn, 405, "only GET and HEAD are offered here\n",
			     "Allow: GET, HEAD\r\n");
		return;
	}
	if (conn->is_tcp && !host_allowed(request->authority)) {
		answer_plain(conn, 403, "the Host must be an IP address or localhost\n", "");
		return;
	}
	for (size_t i = 0; i < options->n_handlers; i++) {
		if (!str_eq(request->raw_path, str_of(options->handlers[i].path)))
			continue;
		struct buf body;
		struct admin_answer answer = {200, "application/json", &body};

		buf_init(&body, ADMIN_BODY_MAX);
		options->handlers[i].answer(options->context, request->query, &answer);
		if (body.failed) {
			answer_plain(conn, 500, "the answer is too large\n", "");
		} else {
			write_head(&conn->out, answer.status, answer.content_type, body.len, "");
			if (!head_only)
				buf_add(&conn->out, buf_str(&body));
		}
		buf_done(&body);
		return;
	}
	answer_plain(conn, 404, "404 page not found\n", "");
}

/* -------------------------------------------------------------- connections -- */

static void conn_close(struct admin_conn *conn)
{
	if (conn->fd < 0)
		return;
	close(conn->fd);
	conn->fd = -1;
	buf_done(&conn->out);
}

static void conn_send(struct admin_conn *conn)
{
	while (conn->sent < conn->out.len) {
		ssize_t n = send(conn->fd, conn->out.at + conn->sent, conn->out.len - conn->sent,
				 MSG_NOSIGNAL);

		if (n < 0 && (errno == EAGAIN || errno == EINTR))
			return;
		if (n <= 0)
			break;
		conn->sent += (size_t)n;
	}
	shutdown(conn->fd, SHUT_WR);
	conn_close(conn);
}

static void conn_read(struct admin_server *server, struct admin_conn *conn)
{
	ssize_t n = recv(conn->fd, conn->head + conn->n_head, sizeof(conn->head) - conn->n_head, 0);

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n <= 0) {
		conn_close(conn);
		return;
	}
	conn->n_head += (size_t)n;

	struct header slots[64];
	struct request request = {.headers = {.at = slots, .cap = 64}};
	const struct h1_limits limits = {.max_head_bytes = HEAD_MAX, .max_headers = 64};
	enum fail fail = FAIL_NONE;
	ssize_t used = h1_parse_request(str_n(conn->head, conn->n_head), &limits, &request, &fail);

	if (used == -EAGAIN && conn->n_head < sizeof(conn->head))
		return;
	buf_init(&conn->out, ADMIN_BODY_MAX + HEAD_MAX);
	conn->answering = true;
	if (used < 0)
		answer_plain(conn, used == -EAGAIN ? 431 : fail_row(fail)->status, "bad request\n",
			     "");
	else
		answer(server, conn, &request);
	conn_send(conn);
}

static void accept_one(struct admin_server *server, int listener, bool is_tcp)
{
	int fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);

	if (fd < 0)
		return;
	/* When all places are taken the one that is nearest to its deadline gives way. */
	struct admin_conn *place = &server->conns[0];

	for (size_t i = 0; i < ADMIN_CONNECTIONS_MAX; i++) {
		struct admin_conn *conn = &server->conns[i];

		if (conn->fd < 0) {
			place = conn;
			break;
		}
		if (conn->deadline_ns < place->deadline_ns)
			place = conn;
	}
	conn_close(place);
	place->fd = fd;
	place->is_tcp = is_tcp;
	place->deadline_ns = clock_mono_ns() + ADMIN_DEADLINE_MS * NS_PER_MS;
	place->n_head = place->sent = 0;
	place->answering = false;
}

/* ------------------------------------------------------------------- thread -- */

static int collect(struct admin_server *server, struct pollfd *fds, struct admin_conn **owners)
{
	int n = 0;

	fds[n++] = (struct pollfd){.fd = server->wake, .events = POLLIN};
	for (int i = 0; i < N_LISTENERS; i++)
		fds[n++] = (struct pollfd){.fd = server->listeners[i], .events = POLLIN};
	for (size_t i = 0; i < ADMIN_CONNECTIONS_MAX; i++) {
		struct admin_conn *conn = &server->conns[i];

		if (conn->fd < 0)
			continue;
		owners[n] = conn;
		fds[n++] = (struct pollfd){.fd = conn->fd,
					   .events = conn->answering ? POLLOUT : POLLIN};
	}
	return n;
}

static void *serve(void *argument)
{
	struct admin_server *server = argument;
	struct pollfd fds[1 + N_LISTENERS + ADMIN_CONNECTIONS_MAX];
	struct admin_conn *owners[1 + N_LISTENERS + ADMIN_CONNECTIONS_MAX];

	pthread_setname_np(pthread_self(), "admin");
	while (!atomic_load(&server->stop)) {
		int n = collect(server, fds, owners);

		poll(fds, (nfds_t)n, ADMIN_DEADLINE_MS / 5);
		for (int i = 1 + N_LISTENERS; i < n; i++) {
			if (fds[i].revents && owners[i]->answering)
				conn_send(owners[i]);
			else if (fds[i].revents)
				conn_read(server, owners[i]);
		}
		for (int i = 0; i < N_LISTENERS; i++)
			if (fds[1 + i].revents)
				accept_one(server, server->listeners[i], i == 0);
		uint64_t now = clock_mono_ns();

		for (size_t i = 0; i < ADMIN_CONNECTIONS_MAX; i++)
			if (server->conns[i].fd >= 0 && server->conns[i].deadline_ns < now)
				conn_close(&server->conns[i]);
	}
	return NULL;
}

/* ---------------------------------------------------------------- listeners -- */

static int listen_tcp(const struct listen_address *address)
{
	struct sockaddr_storage sa;
	socklen_t length = addr_to_sockaddr(&address->addr, address->port, &sa);
	int fd = socket(sa.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	int one = 1;

	if (fd < 0)
		return -errno;
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	if (bind(fd, (struct sockaddr *)&sa, length) < 0 || listen(fd, 128) < 0) {
		int error = errno;

		close(fd);
		return -error;
	}
	return fd;
}

static int listen_unix(const char *path)
{
	struct sockaddr_un sa = {.sun_family = AF_UNIX};
	size_t length = strlen(path);

	if (length >= sizeof(sa.sun_path))
		return -ENAMETOOLONG;
	memcpy(sa.sun_path, path, length + 1);

	/* The folder is made when it is not there: /run/tidegate does not survive a reboot. */
	char *slash = strrchr(sa.sun_path, '/');

	if (slash && slash != sa.sun_path) {
		*slash = 0;
		mkdir(sa.sun_path, 0755);
		*slash = '/';
	}
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	if (fd < 0)
		return -errno;
	/* A socket that somebody still answers on belongs to a running proxy and is left alone. */
	if (connect(fd, (struct sockaddr *)&sa, sizeof(sa)) == 0) {
		close(fd);
		return -EADDRINUSE;
	}
	unlink(path);
	mode_t mask = umask(0177);
	int rc = bind(fd, (struct sockaddr *)&sa, sizeof(sa));
	int error = errno;

	umask(mask);
	if (rc < 0 || listen(fd, 128) < 0) {
		close(fd);
		return rc < 0 ? -error : -errno;
	}
	return fd;
}

int admin_server_open(const struct admin_options *options, struct admin_server **ret_server)
{
	struct admin_server *server = calloc(1, sizeof(*server));
	int rc = 0;

	if (!server)
		return -ENOMEM;
	server->options = *options;
	server->listeners[0] = server->listeners[1] = server->wake = -1;
	for (size_t i = 0; i < ADMIN_CONNECTIONS_MAX; i++)
		server->conns[i].fd = -1;
	if (options->listen)
		rc = server->listeners[0] = options->inherited[0] ?: listen_tcp(options->listen);
	if (rc >= 0 && options->socket_path)
		rc = server->listeners[1] =
			options->inherited[1] ?: listen_unix(options->socket_path);
	if (rc >= 0) {
		server->wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
		rc = server->wake < 0 ? -errno : 0;
	}
	if (rc < 0) {
		admin_server_stop(server);
		return rc;
	}
	*ret_server = server;
	return 0;
}

int admin_server_start(struct admin_server *server)
{
	int rc = pthread_create(&server->thread, NULL, serve, server);

	server->started = rc == 0;
	return -rc;
}

static void end_thread(struct admin_server *server)
{
	uint64_t one = 1;

	if (!server->started)
		return;
	atomic_store(&server->stop, true);
	if (write(server->wake, &one, sizeof(one)) < 0)
		pthread_cancel(server->thread);
	pthread_join(server->thread, NULL);
	server->started = false;
}

void admin_server_listeners(const struct admin_server *server, int ret_fds[2])
{
	memcpy(ret_fds, server->listeners, sizeof(server->listeners));
}

void admin_server_leave(struct admin_server *server)
{
	end_thread(server);
	for (int i = 0; i < N_LISTENERS; i++) {
		if (server->listeners[i] >= 0)
			close(server->listeners[i]);
		server->listeners[i] = -1;
	}
}

void admin_server_stop(struct admin_server *server)
{
	if (!server)
		return;
	end_thread(server);
	for (size_t i = 0; i < ADMIN_CONNECTIONS_MAX; i++)
		conn_close(&server->conns[i]);
	for (int i = 0; i < N_LISTENERS; i++)
		if (server->listeners[i] >= 0)
			close(server->listeners[i]);
	if (server->listeners[1] >= 0)
		unlink(server->options.socket_path);
	if (server->wake >= 0)
		close(server->wake);
	free(server);
}
