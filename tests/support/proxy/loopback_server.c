// SPDX-License-Identifier: Apache-2.0
/* loopback_server: one thread, many connections, answers by turn. */

#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "proxy/loopback.h"

enum { CONNECTIONS = 64, BUFFER = 8192, ASK_BYTES = 1 << 20 };

struct served {
	int fd;
	size_t n;
	char bytes[BUFFER];
};

/* Length of the whole request at the front of the buffer, or 0. */
static size_t whole_request(const struct served *served)
{
	const char *end = memmem(served->bytes, served->n, "\r\n\r\n", 4);
	const char *length;
	size_t head, body = 0;

	if (!end)
		return 0;
	head = (size_t)(end - served->bytes) + 4;
	length = memmem(served->bytes, head, "Content-Length: ", 16);
	if (length)
		body = strtoul(length + 16, NULL, 10);
	if (memmem(served->bytes, head, "Transfer-Encoding: chunked", 26)) {
		const char *last =
			memmem(served->bytes + head - 2, served->n - head + 2, "\r\n0\r\n\r\n", 7);

		return last ? (size_t)(last - served->bytes) + 7 : 0;
	}
	return head + body <= served->n ? head + body : 0;
}

/* False: the connection is over. */
static bool answer(struct loopback_server *server, struct served *served)
{
	size_t n;

	while ((n = whole_request(served))) {
		unsigned int turn = server->n_requests;
		/* Tests change their mind while we serve. */
		const char *text = __atomic_load_n(&server->answers[turn % server->n_answers],
						   __ATOMIC_ACQUIRE);

		memcpy(server->last, served->bytes, n);
		server->last[n] = 0;
		server->n_requests++;
		memmove(served->bytes, served->bytes + n, served->n - n);
		served->n -= n;
		if (!text || send(served->fd, text, strlen(text), MSG_NOSIGNAL) < 0)
			return false;
		/* Without a length only the end tells where the body ends. */
		if (!strstr(text, "Content-Length") && !strstr(text, "chunked") &&
		    !strstr(text, " 204 ") && !strstr(text, " 304 ") && !strstr(text, " 101 "))
			return false;
	}
	return true;
}

static bool serve_one(struct loopback_server *server, struct served *served)
{
	ssize_t n = recv(served->fd, served->bytes + served->n, BUFFER - served->n - 1, 0);

	if (n <= 0)
		return false;
	served->n += (size_t)n;
	return answer(server, served);
}

static void *run(void *arg)
{
	struct loopback_server *server = arg;
	struct served *served = calloc(CONNECTIONS, sizeof(*served));
	struct pollfd polled[CONNECTIONS + 1];
	size_t n = 0;

	while (!server->stopping) {
		polled[0] = (struct pollfd){.fd = server->fd, .events = POLLIN};
		for (size_t i = 0; i < n; i++)
			polled[i + 1] = (struct pollfd){.fd = served[i].fd, .events = POLLIN};
		if (poll(polled, n + 1, 20) <= 0)
			continue;
		for (size_t i = n; i > 0; i--) {
			if (!polled[i].revents || serve_one(server, &served[i - 1]))
				continue;
			close(served[i - 1].fd);
			served[i - 1] = served[--n];
		}
		if (polled[0].revents && n < CONNECTIONS) {
			served[n++] = (struct served){.fd = accept(server->fd, NULL, NULL)};
			server->n_accepted++;
		}
	}
	while (n > 0)
		close(served[--n].fd);
	free(served);
	return NULL;
}

void loopback_serve(struct loopback_server *server, const char *const *answers, size_t n_answers)
{
	*server = (struct loopback_server){.answers = answers, .n_answers = n_answers};
	server->fd = loopback_listen(&server->port);
	if (pthread_create(&server->thread, NULL, run, server))
		abort();
}

void loopback_serve_done(struct loopback_server *server)
{
	server->stopping = true;
	pthread_join(server->thread, NULL);
	close(server->fd);
}

const char *loopback_ask(uint16_t port, const char *text)
{
	static char answers[ASK_BYTES];
	int fd = loopback_connect(port);
	size_t n = 0;
	ssize_t got;

	answers[0] = 0;
	if (fd < 0)
		return answers;
	if (send(fd, text, strlen(text), MSG_NOSIGNAL) < 0) {
		close(fd);
		return answers;
	}
	while (n < ASK_BYTES - 1 && (got = recv(fd, answers + n, ASK_BYTES - 1 - n, 0)) > 0)
		n += (size_t)got;
	answers[n] = 0;
	close(fd);
	return answers;
}

struct proxy_status loopback_settled(const struct loopback *loopback)
{
	struct proxy_status status;

	for (int i = 0; i < 300; i++) {
		proxy_status(loopback->proxy, &status);
		if (!status.connections_open && !status.requests_active && !status.upstream_active)
			break;
		poll(NULL, 0, 10);
	}
	return status;
}
