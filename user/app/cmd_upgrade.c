// SPDX-License-Identifier: Apache-2.0
/*
 * cmd_upgrade: starts a proxy of this build in the background, in place of the one that serves.
 *
 * The new one takes the sockets over before the old one lets go; when it cannot come up, the old
 * one goes on and this command says so.
 */
#include <fcntl.h>
#include <stdio.h>
#include <sys/types.h>
#include <unistd.h>

#include "app/command.h"
#include "app/serve.h"

static int in_background(struct command_line *line, const int ready[2])
{
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);

	close(ready[0]);
	/* Signals for whoever asked are not for the proxy, and nobody waits for its output; the log
	 * goes where it is told to, or to standard error. */
	setsid();
	if (null >= 0) {
		dup2(null, STDIN_FILENO);
		dup2(null, STDOUT_FILENO);
		close(null);
	}
	return serve_run(line, &(struct serve_options){.must_replace = true, .ready_fd = ready[1]});
}

static int run(struct command_line *line)
{
	int ready[2];
	char word;

	if (pipe2(ready, O_CLOEXEC)) {
		fprintf(stderr, "tidegate upgrade: %m\n");
		return EXIT_FAULTS;
	}
	fflush(NULL);
	pid_t child = fork();

	if (child == 0)
		return in_background(line, ready);
	close(ready[1]);
	ssize_t n = child < 0 ? -1 : read(ready[0], &word, 1);

	close(ready[0]);
	if (n != 1) {
		fprintf(stderr, "tidegate upgrade: the new process did not come to serve; the one "
				"that serves goes on\n");
		return EXIT_FAULTS;
	}
	printf("process %d serves now; the one before finishes what it has\n", (int)child);
	return EXIT_OK;
}

const struct command command_upgrade = {
	.name = "upgrade",
	.help = "start this build in place of the proxy that serves, without refusing a "
		"connection; "
		"takes the options of run",
	.run = run,
};
