// SPDX-License-Identifier: Apache-2.0
/* main: the program is its table of commands. */
#include <stdio.h>
#include <string.h>

#include "app/command.h"
#include "base/str.h"

static const char intro[] =
	"tidegate: an ingress in two planes that obey the same Kubernetes objects\n\n"
	"usage: tidegate COMMAND [--option=value]...\n\n";

static void print_usage(FILE *out)
{
	fputs(intro, out);
	for (size_t i = 0; i < n_commands; i++)
		fprintf(out, "  %-10s %s\n", commands[i]->name, commands[i]->help);
	fputs("\n`tidegate COMMAND --help` lists its options. Options have Traefik's names and "
	      "spelling, on the command\n"
	      "line, in the file of --configFile, or in the environment "
	      "(TIDEGATE_ENTRYPOINTS_WEB_ADDRESS).\n",
	      out);
}

static int unknown_command(struct str name)
{
	struct str names[16];

	for (size_t i = 0; i < n_commands; i++)
		names[i] = str_of(commands[i]->name);
	struct str nearest = str_nearest(name, names, n_commands);

	fprintf(stderr, "tidegate: there is no command " STR_FMT, STR_ARG(name));
	if (nearest.len)
		fprintf(stderr, "; did you mean " STR_FMT "?\n", STR_ARG(nearest));
	else
		fputs("; `tidegate help` lists them\n", stderr);
	return EXIT_USAGE;
}

int main(int argc, char **argv)
{
	struct str name = argc > 1 ? str_of(argv[1]) : STR("help");
	struct command_line line;

	if (str_eq(name, STR("help")) || str_eq(name, STR("--help")) || str_eq(name, STR("-h"))) {
		print_usage(stdout);
		return EXIT_OK;
	}
	if (str_eq(name, STR("--version")))
		name = STR("version");
	for (size_t i = 0; i < n_commands; i++) {
		if (!str_eq(name, str_of(commands[i]->name)))
			continue;
		int rc = command_line_parse(commands[i], argc - 2, argv + 2, &line);

		if (rc == 0)
			rc = commands[i]->run(&line);
		command_line_done(&line);
		return rc;
	}
	return unknown_command(name);
}
