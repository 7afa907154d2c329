// SPDX-License-Identifier: Apache-2.0
/* backend_check: see the header. */

#include "control/backend_check.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "base/num.h"
#include "net/sock.h"

struct backend_check *backend_check_new(const struct backend_check_of *of, uint64_t now_ns)
{
	struct backend_check *check = calloc(1, sizeof(*check));

	if (!check)
		return NULL;
	check->of = *of;
	check->fd = -1;
	check->due_ns = of->at_once ? now_ns : now_ns + of->interval_ns;
	return check;
}

void backend_check_free(struct backend_check *check)
{
	if (check && check->fd >= 0)
		close(check->fd);
	free(check);
}

static void finish(struct backend_check *check, bool is_good, const char *why)
{
	if (check->fd >= 0)
		sock_abort(check->fd);
	check->fd = -1;
	check->is_done = true;
	check->is_good = is_good;
	snprintf(check->why, sizeof(check->why), "%s", why);
}

void backend_check_give_up(struct backend_check *check, const char *why)
{
	finish(check, false, why);
}

void backend_check_begin(struct backend_check *check, uint64_t now_ns)
{
	int error;

	check->is_done = check->was_sent = false;
	check->due_ns = now_ns + check->of.timeout_ns;
	error = sock_connect(&check->of.addr, check->of.port, &check->fd);
	if (error && error != -EINPROGRESS) {
		check->fd = -1;
		backend_check_give_up(check, log_strerror(error));
		return;
	}
	check->events = POLLOUT;
}

/* -------------------------------------------------------------------- asking -- */

static int http_question(const struct backend_check *check, char *text, size_t cap)
{
	char address[ADDR_TEXT_MAX];

	addr_print_port(&check->of.addr, check->of.port, address);
	return snprintf(
		text, cap,
		"GET " STR_FMT " HTTP/1.1\r\nHost: " STR_FMT
		"\r\nUser-Agent: tidegate-check\r\nAccept: */*\r\nConnection: close\r\n\r\n",
		STR_ARG(check->of.path),
		STR_ARG(check->of.host.len ? check->of.host : str_of(address)));
}

static void ask(struct backend_check *check)
{
	char text[4096];
	struct str question = check->of.send;
	int error = sock_error(check->fd);
	ssize_t n;

	if (error) {
		backend_check_give_up(check, log_strerror(error));
		return;
	}
	if (check->of.is_http) {
		int len = http_question(check, text, sizeof(text));

		if (len < 0 || (size_t)len >= sizeof(text)) {
			backend_check_give_up(check, "the question is too long");
			return;
		}
		question = str_n(text, (size_t)len);
	}
	/* A fresh connection takes as much as anybody may ask here. */
	n = question.len ? sock_write(check->fd, question.at, question.len) : 0;
	if (n < 0 || (size_t)n != question.len) {
		backend_check_give_up(check, n < 0 ? log_strerror((int)n) : "it takes no question");
		return;
	}
	check->was_sent = true;
	check->events = POLLIN;
	if (!check->of.is_http && !check->of.expect.len)
		finish(check, true, "");
}

/* "HTTP/1.1 204 ..." */
static void judge_http(struct backend_check *check, struct str answer)
{
	enum { STATUS_AT = 9, STATUS_DIGITS = 3 };
	char why[CHECK_WHY_MAX];
	uint16_t status = 0;

	if (answer.len < STATUS_AT + STATUS_DIGITS || !str_starts(answer, STR("HTTP/1.")) ||
	    num_uint16(str_take(str_from(answer, STATUS_AT), STATUS_DIGITS), &status) < 0) {
		backend_check_give_up(check, "no HTTP answer");
		return;
	}
	snprintf(why, sizeof(why), "status %u", status);
	finish(check, check->of.status ? status == check->of.status : status >= 200 && status < 400,
	       why);
}

/* reference d.3: one read, and exactly that */
static void read_answer(struct backend_check *check)
{
	char answer[CHECK_ANSWER_MAX];
	ssize_t n = sock_read(check->fd, answer, sizeof(answer));

	if (n == -EAGAIN)
		return;
	if (n <= 0)
		backend_check_give_up(check, n ? log_strerror((int)n) : "it ends the connection");
	else if (check->of.is_http)
		judge_http(check, str_n(answer, (size_t)n));
	else
		finish(check, str_eq(str_n(answer, (size_t)n), check->of.expect),
		       "another answer than expected");
}

void backend_check_on_ready(struct backend_check *check)
{
	if (!check->was_sent)
		ask(check);
	else
		read_answer(check);
}

/* ------------------------------------------------------------------- results -- */

enum backend_check_news backend_check_end(struct backend_check *check, uint64_t now_ns)
{
	const struct backend_check_of *of = &check->of;
	bool is_up = live_member_is_up(of->member, now_ns);
	uint32_t needed = is_up ? of->unhealthy_threshold : of->healthy_threshold;
	enum backend_check_news news = CHECK_SAME;

	check->is_done = false;
	check->streak = check->is_good == is_up ? 0 : check->streak + 1;
	if (check->streak >= needed && check->is_good != is_up) {
		live_member_probed(of->member, check->is_good, now_ns);
		check->streak = 0;
		is_up = check->is_good;
		news = is_up ? CHECK_UP : CHECK_DOWN;
	}
	check->due_ns = now_ns + (is_up ? of->interval_ns : of->unhealthy_interval_ns);
	return news;
}
