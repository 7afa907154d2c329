// SPDX-License-Identifier: Apache-2.0
/*
 * cmd_drops: who is being dropped in the kernel plane, why, since when, until when; packets while
 * they are dropped; and the end of a ban.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <time.h>

#include "app/ask.h"
#include "app/command.h"
#include "app/look.h"
#include "app/packet_line.h"
#include "base/clock.h"
#include "base/log.h"

enum { FLAG_JSON, FLAG_FOLLOW, FLAG_SOURCE, FLAG_REMOVE, FLAG_POLICY };

enum { POLL_MS = 200, LINES_PER_SECOND = 50 };

static const struct command_flag flags[] = {
	[FLAG_JSON] = {"--json", NULL, "print the proxy's answer as JSON"},
	[FLAG_FOLLOW] = {"--follow", NULL,
			 "print dropped packets as they come, at most 50 a second; as "
			 "root"},
	[FLAG_SOURCE] = {"--source", "CIDR", "with --follow: only packets from there"},
	[FLAG_REMOVE] = {"--remove", "SOURCE", "end the ban of a source; as root"},
	[FLAG_POLICY] = {"--policy", "NAME",
			 "with --remove: the ban of this entry point's policy, as in "
			 "the list; none: of all"},
};

/* Local time of day of a wall-clock second; "-" for none. */
static const char *clock_text(const json_t *row, const char *key, char *out, size_t size)
{
	time_t seconds = (time_t)json_real_value(json_object_get(row, key));
	struct tm parts;

	if (!seconds || !localtime_r(&seconds, &parts) || !strftime(out, size, "%F %T", &parts))
		return "-";
	return out;
}

static void print_rows(const json_t *answer)
{
	const json_t *bans = json_object_get(answer, "bans"),
		     *limited = json_object_get(answer, "limited");
	size_t i;
	json_t *row;
	char since[32], until[32];

	if (json_is_string(json_object_get(answer, "off"))) {
		printf("the kernel plane is off: %s\n", ask_text(answer, "off"));
		return;
	}
	if (!json_array_size(bans) && !json_array_size(limited)) {
		printf("nobody is being dropped\n");
		return;
	}
	printf("%-40s %-14s %-24s %-20s %-20s %s\n", "SOURCE", "ENTRY POINT", "WHY", "SINCE",
	       "UNTIL", "REFUSALS");
	json_array_foreach(bans, i, row)
		printf("%-40s %-14s %-24s %-20s %-20s %lld\n", ask_text(row, "source"),
		       *ask_text(row, "policy") ? ask_text(row, "policy") : "all",
		       ask_text(row, "reason"), clock_text(row, "since", since, sizeof(since)),
		       clock_text(row, "until", until, sizeof(until)),
		       (long long)json_integer_value(json_object_get(row, "count")));
	json_array_foreach(limited, i, row)
		printf("%-40s %-14s over its limit of %-9s %-20s %-20s -\n",
		       ask_text(row, "source"), ask_text(row, "policy"), ask_text(row, "kind"), "-",
		       clock_text(row, "until", until, sizeof(until)));
}

/* --------------------------------------------------------------------- following -- */

struct following {
	struct dataplane *dataplane;
	uint64_t second, n, skipped;
};

static bool on_drop(void *user, const struct dataplane_seen *seen)
{
	struct following *self = user;
	char text[1024];
	uint64_t second = seen->wall_ns / NS_PER_SEC;

	if (second != self->second) {
		if (self->skipped)
			printf("... and %" PRIu64 " more in that second\n", self->skipped);
		self->second = second;
		self->n = self->skipped = 0;
	}
	if (self->n++ >= LINES_PER_SECOND) {
		self->skipped++;
		return true;
	}
	const struct dataplane_seen named = look_named(self->dataplane, seen);

	packet_line(&named, text, sizeof(text));
	printf("%s: %s\n", text, dataplane_drop_text((enum abi_drop)seen->why));
	fflush(stdout);
	return true;
}

static int follow(struct command_line *line)
{
	const struct look_words words = {.source = command_value(line, FLAG_SOURCE)};
	struct following self = {0};
	struct dataplane_capture *capture;
	struct dataplane_filter filter;
	struct dataplane *dataplane;
	uint64_t matched, lost;
	int rc = look_filter(line, &words, &filter);

	if (!rc)
		rc = look_open(line, &dataplane);
	if (rc)
		return rc;
	self.dataplane = dataplane;
	filter.verdicts = ABI_CAPTURE_DROPPED;
	rc = look_begin(line, dataplane, &filter, &capture);
	if (!rc) {
		while (!look_is_over() &&
		       dataplane_capture_poll(capture, POLL_MS, on_drop, &self) == 0)
			;
		dataplane_capture_end(capture, &matched, &lost);
		fprintf(stderr, "%" PRIu64 " packets were dropped meanwhile\n", matched);
	}
	dataplane_close(dataplane);
	return rc;
}

/* ---------------------------------------------------------------------- removing -- */

static int lift(struct command_line *line)
{
	struct str text = command_value(line, FLAG_REMOVE),
		   policy = command_value(line, FLAG_POLICY);
	char name[KERNEL_NAME_MAX + 1];
	struct dataplane *dataplane;
	struct addr source;

	if (addr_parse(text, &source)) {
		fprintf(stderr, "tidegate drops: --remove takes an address, not '" STR_FMT "'\n",
			STR_ARG(text));
		return EXIT_USAGE;
	}
	int rc = look_open(line, &dataplane);

	if (rc)
		return rc;
	snprintf(name, sizeof(name), STR_FMT, STR_ARG(policy));
	rc = dataplane_unban(dataplane, &source, name);
	dataplane_close(dataplane);
	if (rc == 0)
		printf(STR_FMT " is no longer banned%s%s\n", STR_ARG(text), *name ? " by " : "",
		       name);
	else if (rc == -ENOENT)
		fprintf(stderr,
			"tidegate drops: there is no such ban; `tidegate drops` lists them, and "
			"--policy says which one is meant\n");
	else
		fprintf(stderr, "tidegate drops: %s\n", log_strerror(rc));
	return rc ? EXIT_FAULTS : EXIT_OK;
}

static int run(struct command_line *line)
{
	if (command_flag_set(line, FLAG_REMOVE))
		return lift(line);
	if (command_flag_set(line, FLAG_FOLLOW))
		return follow(line);
	return ask(line, "/api/drops", FLAG_JSON, print_rows);
}

const struct command command_drops = {
	.name = "drops",
	.help = "who is dropped in the kernel plane: why, since when, until when; --follow, "
		"--remove",
	.flags = flags,
	.n_flags = sizeof(flags) / sizeof(*flags),
	.run = run,
};
