// SPDX-License-Identifier: Apache-2.0
/* cmd_drops: who is being dropped in the kernel plane, why, since when, until when. */
#include <stdio.h>
#include <time.h>

#include "app/ask.h"
#include "app/command.h"

enum { FLAG_JSON };

static const struct command_flag flags[] = {
	[FLAG_JSON] = {"--json", NULL, "print the proxy's answer as JSON"},
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

static int run(struct command_line *line)
{
	return ask(line, "/api/drops", FLAG_JSON, print_rows);
}

const struct command command_drops = {
	.name = "drops",
	.help = "who is dropped in the kernel plane: why, since when, until when",
	.flags = flags,
	.n_flags = sizeof(flags) / sizeof(*flags),
	.run = run,
};
