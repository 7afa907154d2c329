/* SPDX-License-Identifier: Apache-2.0 */
#ifndef REDIS_H
#define REDIS_H

/*
 * redis: commands to Redis servers on a thread's loop.
 *
 * One connection per thread and target carries all commands, pipelined: those of one round of the
 * loop leave together, answers come in their order. It is made when it is first needed, and closed
 * when nobody has needed it for a minute. The protocol's bytes are hiredis's; sockets, TLS and time
 * are ours. What was sent over a connection that was in use before and has broken is sent once more
 * over a new one; a time-out is never repeated.
 */

#include "net/loop.h"
#include "net/mailbox.h"
#include "net/redis_target.h"
#include "net/resolver.h"

enum { REDIS_VALUES = 4, REDIS_IDLE_S = 60, REDIS_PENDING_MAX = 65536 };

/* One answer; texts are borrowed for the time of the call. */
struct redis_answer {
	/*
	 * 0; -EPROTO: the server answered with an error, strings[0]; -ECONNREFUSED, -ETIMEDOUT,
	 * -ECONNRESET, -EACCES (AUTH or SELECT failed), -ENOBUFS (too many commands are waiting).
	 */
	int error;
	int64_t integers[REDIS_VALUES];
	struct str strings[REDIS_VALUES];
	uint32_t n_values; /* of a flat reply; further ones are dropped */
};

/* A thread's connections. */
struct redis_clients {
	struct loop *loop;
	struct mailbox *mailbox;
	struct resolver *resolver; /* NULL: endpoints must be addresses */
	struct list clients;
};

struct redis_pending;

void redis_init(struct redis_clients *clients, struct loop *loop, struct mailbox *mailbox,
		struct resolver *resolver);
/* Closes everything; nobody is told. */
void redis_done(struct redis_clients *clients);
/*
 * Sends one command; done() is called later, once, unless it is cancelled before. NULL: no memory,
 * done() is not called.
 */
struct redis_pending *redis_ask(struct redis_clients *clients, struct redis_target *target,
				const struct str *args, uint32_t n_args,
				void (*done)(void *context, const struct redis_answer *answer),
				void *context);
/* Nobody is told. NULL is allowed. */
void redis_cancel(struct redis_pending *pending);

#endif
