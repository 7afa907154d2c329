/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MAILBOX_H
#define MAILBOX_H

/*
 * mailbox: work for another thread's event loop. Any thread posts, the loop's thread runs it, in
 * the order of posting as seen by each sender. Posting takes no lock: an atomic push, and a write
 * to an eventfd when the box was empty.
 */

#include <stdatomic.h>

#include "net/loop.h"

struct mail {
	struct mail *next;
	/* Runs on the receiving thread; mail belongs to it then (it may be freed or posted again).
	 */
	void (*run)(struct mail *mail);
};

struct mailbox {
	struct loop_io io;
	_Atomic(struct mail *) newest;
};

/* Adds the mailbox to the loop. */
int mailbox_open(struct mailbox *mailbox, struct loop *loop);
/* Runs what is still inside, then closes. */
void mailbox_close(struct mailbox *mailbox, struct loop *loop);
/* Any thread, as long as the mailbox is open. */
void mailbox_post(struct mailbox *mailbox, struct mail *mail);

#endif
