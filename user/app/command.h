/* SPDX-License-Identifier: Apache-2.0 */
#ifndef COMMAND_H
#define COMMAND_H

/*
 * command: what the operator's commands share: their own flags from a table, then Traefik-style
 * static options.
 *
 * Exit codes: 0 done, 1 the thing asked about has faults or failed, 2 the command line is wrong,
 * 3 the objects could not be read (no answer of the API server, no such folder): nothing was
 * judged.
 */

#include "base/arena.h"
#include "model/diag.h"
#include "model/static_config.h"

struct command_line;

enum { EXIT_OK, EXIT_FAULTS, EXIT_USAGE, EXIT_UNREAD };

/* A flag of one command, beside the static options. Several uses of a flag that takes a value
 * append. */
struct command_flag {
	const char *name;  /* "--json" */
	const char *value; /* "URL": how the value is called in help; NULL: the flag takes none */
	const char *help;
};

struct command {
	const char *name, *help;
	const struct command_flag *flags;
	size_t n_flags;
	const char *words; /* "PACKET...": what may stand besides; NULL: nothing */
	const char *more;  /* for help, behind the flags: lines, examples; NULL: nothing */
	int (*run)(struct command_line *line);
	bool hidden;
};

enum { COMMAND_FLAGS_MAX = 16 };

/* The command line, taken apart. Lives until command_line_done. */
struct command_line {
	const struct command *command;
	struct arena arena;
	struct diag_sink sink;
	struct static_config config;
	struct strs values[COMMAND_FLAGS_MAX]; /* by the flag's index; n 0: not given */
	struct strs words;		       /* besides flags and options */
	char **argv;			       /* as given, for messages */
};

extern const struct command command_run, command_check, command_explain, command_status,
	command_drops, command_version, command_plan, command_upgrade, command_top, command_capture,
	command_trace;
extern const struct command *const commands[];
extern const size_t n_commands;

/* Fills line from the words after the command's name; prints what is wrong. 0 or EXIT_USAGE. */
int command_line_parse(const struct command *command, int argc, char **argv,
		       struct command_line *line);
void command_line_done(struct command_line *line);
bool command_flag_set(const struct command_line *line, size_t flag);
/* The last value of a flag, or {0}. */
struct str command_value(const struct command_line *line, size_t flag);
/* Prints every diag of sink to standard error. */
void command_print_diags(const struct diag_sink *sink);
void command_help(const struct command *command);

#endif
