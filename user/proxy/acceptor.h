/* SPDX-License-Identifier: Apache-2.0 */
#ifndef ACCEPTOR_H
#define ACCEPTOR_H

/* acceptor: one listening socket of one worker. */

#include "net/loop.h"
#include "net/timer.h"
#include "proxy/entry.h"

struct worker;

struct acceptor {
	struct loop_io io;
	struct timer pause; /* out of descriptors: try again in a moment */
	struct worker *worker;
	const struct entry *entry;
};

/* Takes over fd. */
int acceptor_open(struct acceptor *acceptor, struct worker *worker, const struct entry *entry,
		  int fd);
/* Takes what still waits in the queue (a close would reset it), then closes. Harmless when closed.
 */
void acceptor_close(struct acceptor *acceptor, bool take_waiting);

#endif
