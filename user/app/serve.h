/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SERVE_H
#define SERVE_H

/* serve: what `tidegate run` does, for the commands that do it in another way. */

#include "app/command.h"

struct serve_options {
	bool must_replace; /* end when nobody serves yet */
	int ready_fd;	   /* closed after a byte was written, once it serves; -1: nobody waits */
};

/* Serves until a signal, or until another process has taken over. An exit code. */
int serve_run(struct command_line *line, const struct serve_options *options);

#endif
