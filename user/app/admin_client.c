// SPDX-License-Identifier: Apache-2.0
/* admin_client: one request, one answer, one connection. */
#include "app/admin_client.h"

#include <errno.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>

#include "base/buf.h"
#include "base/cleanup.h"

enum { ANSWER_MAX_BYTES = 256 << 20, DEADLINE_S = 10 };

static int dial(struct str socket_path)
{
	struct sockaddr_un sa = {.sun_family = AF_UNIX};
	const struct timeval deadline = {.tv_sec = DEADLINE_S};

	if (socket_path.len >= sizeof(sa.sun_path))
		return -ENAMETOOLONG;
	memcpy(sa.sun_path, socket_path.at, socket_path.len);
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (fd < 0)
		return -errno;
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &deadline, sizeof(deadline));
	setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &deadline, sizeof(deadline));
	if (connect(fd, (struct sockaddr *)&sa, sizeof(sa)) < 0) {
		int error = errno;

		close(fd);
		return -error;
	}
	return fd;
}

static int exchange(int fd, const char *path, struct buf *answer)
{
	char request[256];
	int length = snprintf(request, sizeof(request),
			      "GET %s HTTP/1.1\r\nHost: localhost\r\n\r\n", path);

	if (send(fd, request, (size_t)length, MSG_NOSIGNAL) != length)
		return -errno;
	for (;;) {
		char piece[65536];
		ssize_t n = recv(fd, piece, sizeof(piece), 0);

		if (n == 0)
			return answer->failed ? -EFBIG : 0;
		if (n < 0)
			return errno == EAGAIN ? -ETIMEDOUT : -errno;
		buf_add(answer, str_n(piece, (size_t)n));
	}
}

int admin_client_get(struct str socket_path, const char *path, json_t **ret_json)
{
	AUTO_CLOSE int fd = dial(socket_path);
	AUTO(buf_done) struct buf answer;

	buf_init(&answer, ANSWER_MAX_BYTES);
	if (fd < 0)
		return fd;
	TRY(exchange(fd, path, &answer));

	struct str text = buf_str(&answer);
	ptrdiff_t end = str_search(text, STR("\r\n\r\n"));

	if (end < 0 || !str_starts(text, STR("HTTP/1.1 200 ")))
		return -EPROTO;
	struct str body = str_from(text, (size_t)end + 4);
	json_t *json = json_loadb(body.at ? body.at : "", body.len, 0, NULL);

	if (!json)
		return -EPROTO;
	*ret_json = json;
	return 0;
}

const char *admin_client_advice(int error)
{
	switch (-error) {
	case ENOENT:
	case ECONNREFUSED:
		return "no proxy serves at this socket; start `tidegate run`, or name its socket "
		       "with --admin.socket";
	case EACCES:
		return "the socket belongs to another user; ask as that user or as root";
	case ETIMEDOUT:
		return "the proxy does not answer; its log may say why";
	default:
		return "the proxy's answer could not be understood; are both of the same version?";
	}
}
