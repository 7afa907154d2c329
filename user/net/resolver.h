/* SPDX-License-Identifier: Apache-2.0 */
#ifndef RESOLVER_H
#define RESOLVER_H

/*
 * resolver: addresses of DNS names, asked for on a thread of its own (c-ares), so that nobody who
 * serves requests ever waits. The hosts file comes first, as resolv.conf and the system have it;
 * both families are asked for. A changed /etc/resolv.conf is noticed.
 *
 * Answers come as mail. Nothing is cached here: whoever asks keeps the answer, for as long as
 * resolver_keep_ns() says.
 */

#include "base/addr.h"
#include "net/mailbox.h"

struct resolver;

enum {
	RESOLVER_ADDRS_MAX = 8,
	RESOLVER_NAME_MAX = 255,
	RESOLVER_KEEP_MIN_S = 5, /* however short its time to live is */
	RESOLVER_KEEP_MAX_S = 300,
	RESOLVER_KEEP_FAILED_S = 2,
};

/* Belongs to whoever asks; must stay where it is until the mail comes. */
struct resolve {
	struct mail done;
	struct mailbox *home;
	char name[RESOLVER_NAME_MAX + 1];
	/* The answer. */
	int error; /* 0; -ENOENT: there is no such name, or it has no address; -ETIMEDOUT, ... */
	uint32_t n_addrs;
	uint32_t ttl_s; /* the shortest one */
	struct addr addrs[RESOLVER_ADDRS_MAX];
	struct resolve *next; /* the resolver's */
	struct resolver *resolver;
};

/* NULL without memory or threads. */
struct resolver *resolver_new(void);
/* Everything that was asked for and not answered is answered with -ECANCELED. NULL is allowed. */
void resolver_free(struct resolver *resolver);
/* Any thread. done.run, home and name are set by the caller. */
void resolver_ask(struct resolver *resolver, struct resolve *resolve);
/* How long an answer holds. */
uint64_t resolver_keep_ns(const struct resolve *resolve);

#endif
