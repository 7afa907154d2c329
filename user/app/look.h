/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LOOK_H
#define LOOK_H

/* look: what the commands share that look into the kernel plane by its pins. They need root, and no
 * running proxy. */

#include "app/command.h"
#include "dataplane/dataplane_capture.h"

/* Opens the pinned kernel plane; says on standard error what to do when it cannot. An exit code. */
int look_open(const struct command_line *line, struct dataplane **ret_dataplane);

/* Which packets, from texts; empty ones mean any. */
struct look_words {
	struct str source, dest, port, verdict, reason;
};
/* EXIT_USAGE after saying what is wrong. */
int look_filter(const struct command_line *line, const struct look_words *words,
		struct dataplane_filter *ret_filter);

/* Begins a capture, or says why not. An exit code. From then on SIGINT and SIGTERM are noted. */
int look_begin(const struct command_line *line, struct dataplane *dataplane,
	       const struct dataplane_filter *filter, struct dataplane_capture **ret_capture);
/* The packet, with the objects and the rule that decided about it. */
struct dataplane_seen look_named(struct dataplane *dataplane, const struct dataplane_seen *seen);
/* A signal asked to end. */
bool look_is_over(void);

#endif
