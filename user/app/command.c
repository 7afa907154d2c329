// SPDX-License-Identifier: Apache-2.0
/*
 * command: takes a command line apart.
 *
 * A command's own flags are found by its table; every other word is a static option and goes to the
 * option reader as it is, so that there is one place that knows option names and suggests the right
 * one.
 */
#include "app/command.h"

#include "base/file.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

extern char **environ;

enum { ARENA_MAX = 256 << 20 };

static void add_to(struct command_line *line, struct strs *values, struct str value)
{
	struct str *at = ARENA_ARRAY(&line->arena, struct str, values->n + 1);

	if (!at)
		return;
	if (values->n)
		memcpy(at, values->at, values->n * sizeof(*at));
	at[values->n] = value;
	*values = (struct strs){at, values->n + 1};
}

static void add_value(struct command_line *line, size_t flag, struct str value)
{
	add_to(line, &line->values[flag], value);
}

static void add_word(struct command_line *line, struct str word)
{
	add_to(line, &line->words, word);
}

/* Takes word i as one of the command's own flags: how many words it used, 0 when it is none, -1 on
 * a fault. */
static int take_flag(struct command_line *line, int argc, char **argv, int i)
{
	struct str word = str_of(argv[i]);
	ptrdiff_t equal = str_find(word, '=');
	struct str name = equal < 0 ? word : str_take(word, (size_t)equal);

	for (size_t k = 0; k < line->command->n_flags; k++) {
		const struct command_flag *flag = &line->command->flags[k];

		if (!str_eq(name, str_of(flag->name)))
			continue;
		if (!flag->value && equal >= 0) {
			fprintf(stderr, "tidegate %s: %s takes no value\n", line->command->name,
				flag->name);
			return -1;
		}
		if (!flag->value) {
			add_value(line, k, STR("true"));
			return 1;
		}
		if (equal >= 0) {
			add_value(line, k, str_from(word, (size_t)equal + 1));
			return 1;
		}
		if (i + 1 == argc) {
			fprintf(stderr, "tidegate %s: %s needs a value: %s %s\n",
				line->command->name, flag->name, flag->name, flag->value);
			return -1;
		}
		add_value(line, k, str_of(argv[i + 1]));
		return 2;
	}
	return 0;
}

void command_print_diags(const struct diag_sink *sink)
{
	struct buf text;

	buf_init(&text, 16 << 20);
	for (size_t i = 0; i < sink->n; i++)
		diag_print(&sink->at[i], &text);
	fwrite(text.at ? text.at : "", 1, text.len, stderr);
	buf_done(&text);
}

int command_line_parse(const struct command *command, int argc, char **argv,
		       struct command_line *line)
{
	*line = (struct command_line){.command = command, .argv = argv};
	arena_init(&line->arena, ARENA_MAX, 0);
	diag_init(&line->sink, &line->arena);

	char **rest = calloc((size_t)argc + 1, sizeof(*rest));
	int n_rest = 0;
	int rc = rest ? 0 : EXIT_USAGE;

	for (int i = 0; rc == 0 && i < argc;) {
		if (!strcmp(argv[i], "--help") || !strcmp(argv[i], "-h")) {
			command_help(command);
			free(rest);
			exit(EXIT_OK);
		}
		if (command->words && argv[i][0] != '-') {
			add_word(line, str_of(argv[i++]));
			continue;
		}
		int used = take_flag(line, argc, argv, i);

		if (used < 0)
			rc = EXIT_USAGE;
		else if (used == 0)
			rest[n_rest++] = argv[i++];
		else
			i += used;
	}
	if (rc == 0 && static_config_from_args(n_rest, rest, environ, file_read, &line->arena,
					       &line->sink, &line->config, NULL) < 0)
		rc = EXIT_USAGE;
	free(rest);
	command_print_diags(&line->sink);
	if (rc)
		fprintf(stderr, "`tidegate %s --help` lists the options\n", command->name);
	return rc;
}

void command_line_done(struct command_line *line)
{
	arena_done(&line->arena);
}

bool command_flag_set(const struct command_line *line, size_t flag)
{
	return line->values[flag].n > 0;
}

struct str command_value(const struct command_line *line, size_t flag)
{
	const struct strs *values = &line->values[flag];

	return values->n ? values->at[values->n - 1] : (struct str){0};
}
