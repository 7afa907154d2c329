// SPDX-License-Identifier: Apache-2.0
/*
 * main: tidegate-loader, a table of subcommands over loader.h. Exits after its work; what it made
 * is pinned.
 *
 * Exit codes: 0 done, 1 it could not be done, 2 the command line was wrong.
 */
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/num.h"
#include "base/str.h"
#include "attach.h"
#include "default_route.h"
#include "doctor.h"
#include "loader.h"
#include "loader_status.h"
#include "share.h"

enum { EXIT_USAGE = 2, INTERFACES_MAX = 64 };

struct command_line {
	struct loader_options options;
	bool json;
	bool has_group;
	uint32_t gid;
	char **words;
	int n_words;
};

struct command {
	const char *name;
	const char *words;
	int least, most;
	const char *help;
	int (*run)(const struct command_line *line);
};

static int fail(const struct loader_fault *fault)
{
	fprintf(stderr, "tidegate-loader: %s\n", fault->text);
	return EXIT_FAILURE;
}

static const char *folder_of(const struct command_line *line)
{
	return line->options.folder ? line->options.folder : LOADER_FOLDER;
}

static void tell(const struct loader_attachment *attachment)
{
	static const char *const how[] = {[LOADER_BY_LINK] = "by a pinned link",
					  [LOADER_BY_DISPATCHER] = "through libxdp's dispatcher",
					  [LOADER_BY_TCX] = "by a pinned tcx link",
					  [LOADER_BY_FILTER] = "by a clsact filter"};

	printf("%s: %s in %s mode, %s (program %u)%s%s\n", attachment->ifname,
	       attachment->was_there ? "program replaced" : "attached",
	       attach_mode_name(attachment), how[attachment->how], attachment->program_id,
	       *attachment->why ? ": " : "", attachment->why);
}

static int run_load(const struct command_line *line)
{
	struct loader_attachment rows[64];
	struct loader_fault fault;

	if (loader_load(&line->options, &fault))
		return fail(&fault);
	int n = loader_attachments(&line->options, rows, 64, &fault);

	printf("loaded, pinned in %s", folder_of(line));
	for (int i = 0; i < n; i++)
		printf("%s%s", i ? ", " : "; now running on ", rows[i].ifname);
	putchar('\n');
	return EXIT_SUCCESS;
}

static int run_attach(const struct command_line *line)
{
	struct loader_attachment attachment;
	struct loader_fault fault;
	int status = EXIT_SUCCESS;

	for (int i = 0; i < line->n_words; i++) {
		if (loader_attach(&line->options, line->words[i], &attachment, &fault))
			status = fail(&fault);
		else
			tell(&attachment);
	}
	return status;
}

/* Everything that a start needs, in one go. */
static int bring_up(const struct command_line *line, struct loader_fault *ret_fault)
{
	char names[INTERFACES_MAX][IF_NAMESIZE];
	struct loader_attachment attachment;
	size_t n = 0;
	int err = 0;

	for (int i = 0; i < line->n_words; i++)
		n = default_route_add_name(names, n, INTERFACES_MAX, line->words[i]);
	if (!n)
		n = default_route_add(names, n, INTERFACES_MAX);
	if (!n) {
		snprintf(ret_fault->text, sizeof(ret_fault->text),
			 "there is no default route to tell which interface; name it");
		return -ENODEV;
	}
	err = loader_load(&line->options, ret_fault);
	for (size_t i = 0; i < n && !err; i++) {
		err = loader_attach(&line->options, names[i], &attachment, ret_fault);
		if (!err)
			tell(&attachment);
	}
	if (!err && line->has_group)
		err = share_with(&line->options, line->gid, ret_fault);
	return err;
}

static int run_up(const struct command_line *line)
{
	struct loader_fault fault;

	if (!bring_up(line, &fault))
		return EXIT_SUCCESS;
	if (line->options.mode != LOADER_AUTO)
		return fail(&fault);
	/* Whoever starts after us serves nevertheless, and says so, too. */
	fprintf(stderr, "tidegate-loader: the kernel plane stays off: %s\n", fault.text);
	return EXIT_SUCCESS;
}

static int run_detach(const struct command_line *line)
{
	struct loader_fault fault;
	int status = EXIT_SUCCESS;

	for (int i = 0; i < line->n_words; i++) {
		if (loader_detach(&line->options, line->words[i], &fault))
			status = fail(&fault);
		else
			printf("%s: detached\n", line->words[i]);
	}
	return status;
}

static int run_next(const struct command_line *line)
{
	const char *path = strcmp(line->words[0], "none") ? line->words[0] : NULL;
	struct loader_fault fault;

	if (loader_set_next(&line->options, path, &fault))
		return fail(&fault);
	printf(path ? "%s runs behind Tidegate on what passes\n"
		    : "nothing runs behind Tidegate%s\n",
	       path ? path : "");
	return EXIT_SUCCESS;
}

static int run_unload(const struct command_line *line)
{
	struct loader_fault fault;

	bool was_there = !access(folder_of(line), F_OK);

	if (loader_unload(&line->options, &fault))
		return fail(&fault);
	printf(was_there ? "detached, and %s removed\n" : "nothing is loaded in %s\n",
	       folder_of(line));
	return EXIT_SUCCESS;
}

static int run_status(const struct command_line *line)
{
	return loader_status_print(&line->options, line->json);
}

static int run_doctor(const struct command_line *line)
{
	return doctor_print(&line->options, line->json);
}

static const struct command commands[] = {
	{"up", "[INTERFACE...]", 0, INTERFACES_MAX,
	 "load and attach, for a service: on the interfaces of the default routes if none is "
	 "named; what cannot be is no failure unless --mode asks for it",
	 run_up},
	{"load", "", 0, 0, "load the program and its maps, or replace the program everywhere",
	 run_load},
	{"attach", "INTERFACE...", 1, 64, "run it on interfaces: native, else generic, else by tc",
	 run_attach},
	{"detach", "INTERFACE...", 1, 64, "take it off interfaces", run_detach},
	{"next", "PINNED-PROGRAM|none", 1, 1, "run another XDP program on what passes", run_next},
	{"status", "", 0, 0, "what is loaded, where it runs, what it counted", run_status},
	{"unload", "", 0, 0, "detach everywhere and remove everything, limiter state too",
	 run_unload},
	{"doctor", "", 0, 0, "what this machine can do, and what to do about what it cannot",
	 run_doctor},
};

enum { N_COMMANDS = sizeof(commands) / sizeof(*commands) };

static const struct {
	const char *name, *value, *preset, *help;
} options_help[] = {
	{"mode", "auto|native|generic|tc", "auto", "how to attach"},
	{"folder", "PATH", LOADER_FOLDER, "where everything is pinned"},
	{"max-sources", "N", "1048576",
	 "IPv4 sources with a bucket (64 bytes per 4), at first load"},
	{"max-bans", "N", "65536", "sources that can be banned at once, at first load"},
	{"max-prefixes", "N", "1048576",
	 "addresses and CIDRs of all deny and allow lists (32 bytes each), at first load"},
	{"max-flows", "N", "131072",
	 "translated flows that were answered (about 150 bytes each), and a quarter as many new "
	 "ones, "
	 "at first load"},
	{"group", "NAME|ID", "",
	 "up: the group that may use the maps, for a proxy without privileges"},
	{"no-dispatcher", "", "", "attach by a link even where libxdp's dispatcher works"},
	{"json", "", "", "status and doctor: one JSON object"},
	{"verbose", "", "", "let libbpf and libxdp explain themselves"},
	{"help", "", "", "this text"},
	{"version", "", "", "version and map layout"},
};

static int help(void)
{
	printf("usage: tidegate-loader [options] COMMAND [words]\n\n"
	       "Puts Tidegate's kernel plane in place and exits.\n\ncommands:\n");
	for (int i = 0; i < N_COMMANDS; i++)
		printf("  %-8s %-20s %s\n", commands[i].name, commands[i].words, commands[i].help);
	printf("\noptions:\n");
	for (size_t i = 0; i < sizeof(options_help) / sizeof(*options_help); i++) {
		char left[48];

		snprintf(left, sizeof(left), "--%s%s%s", options_help[i].name,
			 *options_help[i].value ? "=" : "", options_help[i].value);
		printf("  %-28s %s%s%s%s\n", left, options_help[i].help,
		       *options_help[i].preset ? " [" : "", options_help[i].preset,
		       *options_help[i].preset ? "]" : "");
	}
	printf("\nexit status: 0 done, 1 it could not be done, 2 wrong command line\n");
	return EXIT_SUCCESS;
}

static int usage(const char *what, const char *word, const struct str *candidates, size_t n)
{
	struct str near = str_nearest(str_of(word), candidates, n);

	fprintf(stderr, "tidegate-loader: %s '%s'", what, word);
	if (near.len)
		fprintf(stderr, "; did you mean '" STR_FMT "'?\n", STR_ARG(near));
	else
		fprintf(stderr, "; see tidegate-loader --help\n");
	return EXIT_USAGE;
}

static int parse_count(const char *name, const char *text, uint32_t *ret)
{
	uint64_t value;

	if (num_uint64(str_of(text), &value) || !value || value > 1 << 26) {
		fprintf(stderr, "tidegate-loader: --%s takes a number from 1 to %d, not '%s'\n",
			name, 1 << 26, text);
		return -EINVAL;
	}
	*ret = (uint32_t)value;
	return 0;
}

static int parse_mode(const char *text, enum loader_mode *ret)
{
	static const struct str modes[] = {[LOADER_AUTO] = {"auto", 4},
					   [LOADER_NATIVE] = {"native", 6},
					   [LOADER_GENERIC] = {"generic", 7},
					   [LOADER_TC] = {"tc", 2}};

	for (size_t i = 0; i < sizeof(modes) / sizeof(*modes); i++) {
		if (str_eq(str_of(text), modes[i])) {
			*ret = (enum loader_mode)i;
			return 0;
		}
	}
	usage("unknown mode", text, modes, sizeof(modes) / sizeof(*modes));
	return -EINVAL;
}

static int parse_group(const char *text, struct command_line *ret)
{
	int err = share_group(text, &ret->gid);

	ret->has_group = !err;
	if (err)
		fprintf(stderr, "tidegate-loader: --group: there is no group '%s'\n", text);
	return err;
}

enum {
	MODE = 1,
	FOLDER,
	SOURCES,
	BANS,
	PREFIXES,
	FLOWS,
	GROUP,
	NO_DISPATCHER,
	JSON,
	VERBOSE,
	HELP,
	VERSION
};
static const struct option table[] = {
	{"mode", required_argument, NULL, MODE},
	{"folder", required_argument, NULL, FOLDER},
	{"max-sources", required_argument, NULL, SOURCES},
	{"max-bans", required_argument, NULL, BANS},
	{"max-prefixes", required_argument, NULL, PREFIXES},
	{"max-flows", required_argument, NULL, FLOWS},
	{"group", required_argument, NULL, GROUP},
	{"no-dispatcher", no_argument, NULL, NO_DISPATCHER},
	{"json", no_argument, NULL, JSON},
	{"verbose", no_argument, NULL, VERBOSE},
	{"help", no_argument, NULL, HELP},
	{"version", no_argument, NULL, VERSION},
	{0},
};

/* 0 to go on, else the exit status + 1. */
static int parse(int argc, char **argv, struct command_line *ret)
{
	struct str names[sizeof(table) / sizeof(*table)];
	int option, err = 0;

	for (size_t i = 0; i < sizeof(table) / sizeof(*table); i++)
		names[i] = str_of(table[i].name);
	opterr = 0;
	while (!err && (option = getopt_long(argc, argv, ":h", table, NULL)) != -1) {
		switch (option) {
		case MODE:
			err = parse_mode(optarg, &ret->options.mode);
			break;
		case FOLDER:
			ret->options.folder = optarg;
			break;
		case SOURCES:
			err = parse_count("max-sources", optarg, &ret->options.max_sources);
			break;
		case BANS:
			err = parse_count("max-bans", optarg, &ret->options.max_bans);
			break;
		case PREFIXES:
			err = parse_count("max-prefixes", optarg, &ret->options.max_prefixes);
			break;
		case FLOWS:
			err = parse_count("max-flows", optarg, &ret->options.max_flows);
			break;
		case GROUP:
			err = parse_group(optarg, ret);
			break;
		case NO_DISPATCHER:
			ret->options.no_dispatcher = true;
			break;
		case JSON:
			ret->json = true;
			break;
		case VERBOSE:
			ret->options.verbose = true;
			break;
		case 'h':
		case HELP:
			return help() + 1;
		case VERSION:
			return loader_status_version() + 1;
		case ':':
			fprintf(stderr, "tidegate-loader: %s needs a value\n", argv[optind - 1]);
			return EXIT_USAGE + 1;
		default:
			return usage("unknown option", argv[optind - 1], names,
				     sizeof(table) / sizeof(*table) - 1) +
			       1;
		}
	}
	ret->words = argv + optind;
	ret->n_words = argc - optind;
	return err ? EXIT_USAGE + 1 : 0;
}

int main(int argc, char **argv)
{
	struct command_line line = {0};
	struct str names[N_COMMANDS];
	int status = parse(argc, argv, &line);

	if (status)
		return status - 1;
	if (!line.n_words) {
		help();
		return EXIT_USAGE;
	}
	const char *name = *line.words++;

	line.n_words--;
	for (int i = 0; i < N_COMMANDS; i++) {
		const struct command *command = &commands[i];

		names[i] = str_of(command->name);
		if (strcmp(command->name, name))
			continue;
		if (line.n_words < command->least || line.n_words > command->most) {
			fprintf(stderr, "usage: tidegate-loader %s %s\n", command->name,
				command->words);
			return EXIT_USAGE;
		}
		return command->run(&line);
	}
	return usage("unknown command", name, names, N_COMMANDS);
}
