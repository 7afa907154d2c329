// SPDX-License-Identifier: Apache-2.0
/* cmd_capture: packets that the kernel plane sees, those that it drops too, with their verdicts. */
#include <errno.h>
#include <net/if.h>
#include <stdio.h>
#include <unistd.h>

#include "app/look.h"
#include "app/packet_line.h"
#include "app/pcapng.h"
#include "base/clock.h"
#include "base/num.h"

enum {
	FLAG_WRITE,
	FLAG_SOURCE,
	FLAG_DEST,
	FLAG_PORT,
	FLAG_VERDICT,
	FLAG_REASON,
	FLAG_COUNT,
	FLAG_FOR
};

enum { POLL_MS = 100, COUNT_PRESET = 1000000 };

static const struct command_flag flags[] = {
	[FLAG_WRITE] = {"--write", "FILE",
			"write pcapng to FILE, - for standard output; else a line "
			"per packet is printed"},
	[FLAG_SOURCE] = {"--source", "CIDR", "only packets from there"},
	[FLAG_DEST] = {"--dest", "CIDR", "only packets to there"},
	[FLAG_PORT] = {"--port", "N", "only packets from or to that port"},
	[FLAG_VERDICT] = {"--verdict", "passed|dropped|sent", "only those"},
	[FLAG_REASON] = {"--reason", "LABEL",
			 "only packets with that reason, see reference/drops.md"},
	[FLAG_COUNT] = {"--count", "N", "end after N packets (preset 1000000)"},
	[FLAG_FOR] = {"--for", "SECONDS", "end after so long"},
};

struct capturing {
	struct dataplane *dataplane;
	struct pcapng pcapng;
	bool as_lines;
	uint64_t n, max;
	int error;
};

static bool on_packet(void *user, const struct dataplane_seen *seen)
{
	struct capturing *self = user;
	const struct dataplane_seen named = look_named(self->dataplane, seen);
	char text[1024], name[IF_NAMESIZE];

	if (self->as_lines) {
		packet_line(&named, text, sizeof(text));
		puts(text);
	} else {
		/* An interface of another network namespace has a number only. */
		if (!if_indextoname(seen->ifindex, name))
			snprintf(name, sizeof(name), "if%u", seen->ifindex);
		self->error = pcapng_write(&self->pcapng, &named, name);
	}
	return ++self->n < self->max && !self->error;
}

static int number_of(const struct command_line *line, size_t flag, uint64_t preset, uint64_t *ret)
{
	struct str text = command_value(line, flag);

	*ret = preset;
	if (!text.len || (!num_uint64(text, ret) && *ret))
		return EXIT_OK;
	fprintf(stderr, "tidegate capture: %s takes a number above 0, not '" STR_FMT "'\n",
		flags[flag].name, STR_ARG(text));
	return EXIT_USAGE;
}

static int take(struct command_line *line, struct dataplane *dataplane,
		const struct dataplane_filter *filter, struct capturing *self, uint64_t seconds)
{
	uint64_t end = seconds ? clock_mono_ns() + seconds * NS_PER_SEC : UINT64_MAX;
	struct dataplane_capture *capture;
	uint64_t matched, lost;
	int rc = look_begin(line, dataplane, filter, &capture);

	if (rc)
		return rc;
	while (!rc && !look_is_over() && clock_mono_ns() < end) {
		rc = dataplane_capture_poll(capture, POLL_MS, on_packet, self);
		fflush(self->as_lines ? stdout : self->pcapng.file);
	}
	dataplane_capture_end(capture, &matched, &lost);
	fprintf(stderr, "%llu packets captured", (unsigned long long)self->n);
	if (lost)
		fprintf(stderr, ", %llu more matched while the buffer was full",
			(unsigned long long)lost);
	fputs("\n", stderr);
	return rc < 0 || self->error ? EXIT_FAULTS : EXIT_OK;
}

static int run(struct command_line *line)
{
	const struct look_words words = {
		.source = command_value(line, FLAG_SOURCE),
		.dest = command_value(line, FLAG_DEST),
		.port = command_value(line, FLAG_PORT),
		.verdict = command_value(line, FLAG_VERDICT),
		.reason = command_value(line, FLAG_REASON),
	};
	struct str path = command_value(line, FLAG_WRITE);
	struct capturing self = {.as_lines = !path.len};
	struct dataplane_filter filter;
	struct dataplane *dataplane;
	uint64_t seconds;
	FILE *file = NULL;

	if (look_filter(line, &words, &filter) ||
	    number_of(line, FLAG_COUNT, COUNT_PRESET, &self.max) ||
	    number_of(line, FLAG_FOR, 0, &seconds))
		return EXIT_USAGE;
	if (path.len && str_eq(path, STR("-")) && isatty(STDOUT_FILENO)) {
		fprintf(stderr, "tidegate capture: standard output is a terminal; name a file, or "
				"leave --write out for lines\n");
		return EXIT_USAGE;
	}
	if (path.len)
		file = str_eq(path, STR("-")) ? stdout : fopen(path.at, "we");
	if (path.len && (!file || pcapng_begin(&self.pcapng, file))) {
		fprintf(stderr, "tidegate capture: " STR_FMT ": %m\n", STR_ARG(path));
		return EXIT_FAULTS;
	}
	int rc = look_open(line, &dataplane);

	if (!rc) {
		self.dataplane = dataplane;
		rc = take(line, dataplane, &filter, &self, seconds);
		dataplane_close(dataplane);
	}
	if (file && file != stdout && fclose(file))
		rc = EXIT_FAULTS;
	return rc;
}

const struct command command_capture = {
	.name = "capture",
	.help = "packets that the kernel plane passes, drops or sends, as lines or pcapng; as root",
	.flags = flags,
	.n_flags = sizeof(flags) / sizeof(*flags),
	.run = run,
};
