/* SPDX-License-Identifier: Apache-2.0 */
#ifndef BACKEND_CHECK_H
#define BACKEND_CHECK_H

/*
 * backend_check: one backend that is asked again and again: a connection, perhaps a question,
 *perhaps an answer that is read once.
 *
 *	begin -> (on_ready ...) or give_up -> is_done -> end -> (due again)
 */

#include <stdbool.h>
#include <stdint.h>

#include "base/addr.h"
#include "plan/live.h"

struct backend_check_of {
	struct live_member *member; /* whose state is found out */
	struct str name;
	struct addr addr;
	uint16_t port;
	bool is_http, at_once; /* at_once: the first does not wait for an interval */
	struct str path, host;
	uint16_t status; /* HTTP: 0: 200 to 399 */
	struct str send, expect;
	uint64_t interval_ns, unhealthy_interval_ns, timeout_ns;
	uint32_t healthy_threshold, unhealthy_threshold;
};

enum { CHECK_ANSWER_MAX = 65536, CHECK_WHY_MAX = 96 };

struct backend_check {
	struct backend_check_of of;
	int fd;		 /* -1: it rests */
	short events;	 /* that fd waits for */
	uint64_t due_ns; /* when it begins; while it runs: when it has taken too long */
	uint32_t streak; /* results in a row that are other than the state */
	bool is_done, is_good, was_sent, is_kept;
	char why[CHECK_WHY_MAX];
};

enum backend_check_news { CHECK_SAME, CHECK_UP, CHECK_DOWN };

/* NULL without memory. */
struct backend_check *backend_check_new(const struct backend_check_of *of, uint64_t now_ns);
/* NULL is allowed. */
void backend_check_free(struct backend_check *check);
void backend_check_begin(struct backend_check *check, uint64_t now_ns);
void backend_check_on_ready(struct backend_check *check);
void backend_check_give_up(struct backend_check *check, const char *why);
/* Takes the result into account, and sets when the next one is due. */
enum backend_check_news backend_check_end(struct backend_check *check, uint64_t now_ns);

#endif
