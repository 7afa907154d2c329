// SPDX-License-Identifier: Apache-2.0
/* cmd_run: serves, in the foreground. */
#include "app/command.h"
#include "app/serve.h"

static int run(struct command_line *line)
{
	return serve_run(line, &(struct serve_options){.ready_fd = -1});
}

const struct command command_run = {
	.name = "run",
	.help = "serve: kernel plane, proxy and live manifests; takes over when another one serves",
	.run = run,
};
