// SPDX-License-Identifier: Apache-2.0
/* look: see the header. */
#include "app/look.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>

#include "app/packet_line.h"
#include "base/log.h"
#include "base/num.h"
#include "dataplane/dataplane_rule.h"

static volatile sig_atomic_t is_over;

static void on_signal(int number)
{
	(void)number;
	is_over = 1;
}

bool look_is_over(void)
{
	return is_over;
}

int look_open(const struct command_line *line, struct dataplane **ret_dataplane)
{
	char folder[256];

	snprintf(folder, sizeof(folder), STR_FMT, STR_ARG(line->config.pin_folder));
	int rc = dataplane_open_pinned(folder, ret_dataplane);

	if (rc == 0)
		return EXIT_OK;
	fprintf(stderr, "tidegate %s: %s: %s\n", line->command->name, folder,
		rc == -ENOENT ? "no kernel plane is loaded there; name its folder with --pinFolder"
		: rc == -EPROTO ? "the maps are another version's; use that version's command"
		: rc == -EPERM || rc == -EACCES ? "only root may look there"
						: log_strerror(rc));
	return EXIT_FAULTS;
}

static int wrong(const struct command_line *line, const char *flag, struct str value,
		 const char *expected)
{
	fprintf(stderr, "tidegate %s: %s takes %s, not '" STR_FMT "'\n", line->command->name, flag,
		expected, STR_ARG(value));
	return EXIT_USAGE;
}

static int set_verdict(const struct command_line *line, struct str word,
		       struct dataplane_filter *filter)
{
	static const struct {
		struct str word;
		uint32_t verdict;
	} verdicts[] = {{{"passed", 6}, ABI_CAPTURE_PASSED},
			{{"dropped", 7}, ABI_CAPTURE_DROPPED},
			{{"sent", 4}, ABI_CAPTURE_SENT}};

	for (size_t i = 0; i < sizeof(verdicts) / sizeof(*verdicts); i++) {
		if (str_eq(word, verdicts[i].word)) {
			filter->verdicts = verdicts[i].verdict;
			return EXIT_OK;
		}
	}
	return wrong(line, "--verdict", word, "passed, dropped or sent");
}

int look_filter(const struct command_line *line, const struct look_words *words,
		struct dataplane_filter *ret_filter)
{
	struct dataplane_filter filter = {
		.verdicts = ABI_CAPTURE_PASSED | ABI_CAPTURE_DROPPED | ABI_CAPTURE_SENT, .why = -1};
	uint64_t port = 0;

	if (words->source.len && cidr_parse(words->source, &filter.source))
		return wrong(line, "--source", words->source, "an address or a CIDR");
	if (words->dest.len && cidr_parse(words->dest, &filter.dest))
		return wrong(line, "--dest", words->dest, "an address or a CIDR");
	if (words->port.len && (num_uint64(words->port, &port) || !port || port > UINT16_MAX))
		return wrong(line, "--port", words->port, "a number from 1 to 65535");
	filter.port = (uint16_t)port;
	if (words->verdict.len && set_verdict(line, words->verdict, &filter))
		return EXIT_USAGE;
	if (words->reason.len &&
	    !dataplane_capture_reason(words->reason, &filter.verdicts, &filter.why))
		return wrong(line, "--reason", words->reason,
			     "a label of docs/reference/drops.md, such as denied");
	*ret_filter = filter;
	return EXIT_OK;
}

struct dataplane_seen look_named(struct dataplane *dataplane, const struct dataplane_seen *seen)
{
	struct dataplane_seen named = *seen;
	struct packet_ends ends;

	packet_ends(seen->data, seen->length, &ends);
	dataplane_rule(dataplane, &ends.source, &named);
	return named;
}

int look_begin(const struct command_line *line, struct dataplane *dataplane,
	       const struct dataplane_filter *filter, struct dataplane_capture **ret_capture)
{
	const struct sigaction action = {.sa_handler = on_signal};
	uint32_t owner = 0;
	int rc = dataplane_capture_begin(dataplane, filter, ret_capture, &owner);

	if (rc == 0) {
		sigaction(SIGINT, &action, NULL);
		sigaction(SIGTERM, &action, NULL);
		return EXIT_OK;
	}
	if (rc == -EBUSY)
		fprintf(stderr, "tidegate %s: process %u captures already, and one at a time can\n",
			line->command->name, owner);
	else
		fprintf(stderr, "tidegate %s: %s\n", line->command->name, log_strerror(rc));
	return EXIT_FAULTS;
}
