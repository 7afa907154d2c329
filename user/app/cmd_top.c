// SPDX-License-Identifier: Apache-2.0
/*
 * cmd_top: what the kernel plane does now: rates of what came, went and was dropped, by entry
 * point, service, backend and source. Sources are found by looking at every packet for a moment of
 * each round.
 */
#include <inttypes.h>
#include <jansson.h>
#include <limits.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "app/look.h"
#include "app/packet_line.h"
#include "base/clock.h"
#include "base/num.h"

enum { FLAG_ONCE, FLAG_JSON, FLAG_EVERY, FLAG_ROWS };

enum {
	ROWS_PRESET = 10,
	ROWS_MAX = 512,
	SOURCES_MAX = 1024,
	SAMPLE_MS = 100,
	SAMPLE_PACKETS = 2000,
	TABLES = 5,
};

static const struct command_flag flags[] = {
	[FLAG_ONCE] = {"--once", NULL, "one round, then end"},
	[FLAG_JSON] = {"--json", NULL, "one round as JSON"},
	[FLAG_EVERY] = {"--every", "SECONDS", "length of a round (preset 1)"},
	[FLAG_ROWS] = {"--rows", "N", "rows of each table (preset 10; on a terminal: what fits)"},
};

struct source_row {
	struct addr addr;
	uint64_t packets, dropped;
};

struct sample {
	struct source_row rows[SOURCES_MAX];
	size_t n;
	uint64_t packets, matched; /* looked at, and all that there were meanwhile */
	uint64_t ns;
};

/* Everything at one moment. */
struct view {
	uint64_t at_ns;
	struct dataplane_totals totals;
	struct dataplane_entry_totals entries[ROWS_MAX];
	struct dataplane_service_totals services[ROWS_MAX];
	struct dataplane_backend_totals backends[ROWS_MAX];
	int n_entries, n_services, n_backends;
};

static uint64_t dropped_of(const struct dataplane_totals *totals)
{
	uint64_t sum = 0;

	for (int i = 0; i < ABI_DROP__COUNT; i++)
		sum += totals->drop[i];
	return sum;
}

static int read_view(struct dataplane *dataplane, struct view *view)
{
	view->at_ns = clock_mono_ns();
	int rc = dataplane_totals(dataplane, &view->totals);

	view->n_entries = dataplane_entries(dataplane, view->entries, ROWS_MAX);
	view->n_services = dataplane_services(dataplane, view->services, ROWS_MAX);
	view->n_backends = dataplane_backends(dataplane, view->backends, ROWS_MAX);
	return rc ? rc : view->n_entries < 0 ? view->n_entries : 0;
}

/* --------------------------------------------------------------------- sampling -- */

static bool on_packet(void *user, const struct dataplane_seen *seen)
{
	struct sample *sample = user;
	struct packet_ends ends;
	size_t i = 0;

	if (packet_ends(seen->data, seen->length, &ends)) {
		while (i < sample->n && !addr_eq(&sample->rows[i].addr, &ends.source))
			i++;
		if (i == sample->n && i < SOURCES_MAX)
			sample->rows[sample->n++] = (struct source_row){.addr = ends.source};
		if (i < sample->n) {
			sample->rows[i].packets++;
			sample->rows[i].dropped += seen->verdict == ABI_CAPTURE_DROPPED;
		}
	}
	return ++sample->packets < SAMPLE_PACKETS;
}

static int by_packets(const void *a, const void *b)
{
	const struct source_row *left = a, *right = b;

	return left->packets < right->packets ? 1 : left->packets > right->packets ? -1 : 0;
}

/* Nothing is sampled while another command captures. */
static void take_sample(struct dataplane *dataplane, struct sample *sample)
{
	const struct dataplane_filter all = {.verdicts = 7, .why = -1};
	struct dataplane_capture *capture;
	uint64_t begun = clock_mono_ns(), lost;
	uint32_t owner;
	int rc = dataplane_capture_begin(dataplane, &all, &capture, &owner);

	sample->n = 0;
	sample->packets = sample->matched = 0;
	if (rc)
		return;
	while (!rc && clock_mono_ns() - begun < SAMPLE_MS * NS_PER_MS)
		rc = dataplane_capture_poll(capture, 10, on_packet, sample);
	sample->ns = clock_mono_ns() - begun;
	dataplane_capture_end(capture, &sample->matched, &lost);
	qsort(sample->rows, sample->n, sizeof(*sample->rows), by_packets);
}

/* ---------------------------------------------------------------------- printing -- */

struct round {
	struct view *before, *now;
	struct sample *sample;
	double seconds;
	int rows;
};

static double rate(const struct round *round, uint64_t before, uint64_t now)
{
	return now > before && round->seconds > 0 ? (double)(now - before) / round->seconds : 0;
}

static double source_rate(const struct sample *sample, uint64_t packets)
{
	return sample->packets && sample->ns
		       ? (double)packets / (double)sample->packets * (double)sample->matched *
				 (double)NS_PER_SEC / (double)sample->ns
		       : 0;
}

/*
 * Rows are known by what they are, not by their place: places change as objects come and go, and a
 * place may be another one's in the next round. What was not there before begins with this round.
 */
static const struct dataplane_entry_totals *entry_before(const struct view *before,
							 const struct dataplane_entry_totals *row)
{
	for (int i = 0; i < before->n_entries; i++) {
		const struct dataplane_entry_totals *old = &before->entries[i];

		if (old->port == row->port && old->proto == row->proto &&
		    addr_eq(&old->addr, &row->addr) && !strcmp(old->name, row->name))
			return old;
	}
	return NULL;
}

static const struct dataplane_service_totals *
service_before(const struct view *before, const struct dataplane_service_totals *row)
{
	for (int i = 0; i < before->n_services; i++)
		if (!strcmp(before->services[i].name, row->name))
			return &before->services[i];
	return NULL;
}

static const struct dataplane_backend_totals *
backend_before(const struct view *before, const struct dataplane_backend_totals *row)
{
	for (int i = 0; i < before->n_backends; i++) {
		const struct dataplane_backend_totals *old = &before->backends[i];

		if (old->port == row->port && addr_eq(&old->addr, &row->addr) &&
		    !strcmp(old->service, row->service))
			return old;
	}
	return NULL;
}

static json_t *entries_json(const struct round *round)
{
	json_t *rows = json_array();
	char text[ADDR_TEXT_MAX];

	for (int i = 0; i < round->now->n_entries; i++) {
		const struct dataplane_entry_totals *row = &round->now->entries[i],
						    *old = entry_before(round->before, row);

		addr_print_port(&row->addr, row->port, text);
		json_array_append_new(
			rows,
			json_pack("{s:s,s:s,s:s,s:f,s:f}", "name", row->name, "address", text,
				  "policy", row->policy, "packetsPerSecond",
				  rate(round, old ? old->totals.received : 0, row->totals.received),
				  "droppedPerSecond",
				  rate(round, old ? dropped_of(&old->totals) : 0,
				       dropped_of(&row->totals))));
	}
	return rows;
}

static json_t *services_json(const struct round *round)
{
	json_t *rows = json_array();

	for (int i = 0; i < round->now->n_services; i++) {
		const struct dataplane_service_totals *row = &round->now->services[i],
						      *old = service_before(round->before, row);

		json_array_append_new(rows,
				      json_pack("{s:s,s:f,s:i,s:i,s:i}", "name", row->name,
						"packetsPerSecond",
						rate(round, old ? old->packets : 0, row->packets),
						"active", (int)row->n_active, "draining",
						(int)row->n_draining, "dead", (int)row->n_dead));
	}
	return rows;
}

static json_t *backends_json(const struct round *round)
{
	json_t *rows = json_array();
	char text[ADDR_TEXT_MAX];

	for (int i = 0; i < round->now->n_backends; i++) {
		const struct dataplane_backend_totals *row = &round->now->backends[i],
						      *old = backend_before(round->before, row);

		addr_print_port(&row->addr, row->port, text);
		json_array_append_new(rows,
				      json_pack("{s:s,s:s,s:f}", "service", row->service, "address",
						text, "packetsPerSecond",
						rate(round, old ? old->packets : 0, row->packets)));
	}
	return rows;
}

static json_t *to_json(const struct round *round)
{
	const struct view *now = round->now, *before = round->before;
	json_t *drops = json_object(), *sources = json_array();
	char text[ADDR_TEXT_MAX];

	for (int i = 0; i < ABI_DROP__COUNT; i++)
		if (now->totals.drop[i])
			json_object_set_new(drops, dataplane_drop_label((enum abi_drop)i),
					    json_pack("{s:s,s:I,s:f}", "text",
						      dataplane_drop_text((enum abi_drop)i),
						      "packets", (json_int_t)now->totals.drop[i],
						      "perSecond",
						      rate(round, before->totals.drop[i],
							   now->totals.drop[i])));
	for (size_t i = 0; i < round->sample->n && i < (size_t)round->rows; i++) {
		addr_print(&round->sample->rows[i].addr, text);
		json_array_append_new(
			sources,
			json_pack("{s:s,s:f,s:f}", "address", text, "packetsPerSecond",
				  source_rate(round->sample, round->sample->rows[i].packets),
				  "droppedPerSecond",
				  source_rate(round->sample, round->sample->rows[i].dropped)));
	}
	return json_pack(
		"{s:f,s:f,s:f,s:f,s:o,s:o,s:o,s:o,s:o}", "packetsPerSecond",
		rate(round, before->totals.received, now->totals.received), "bitsPerSecond",
		8 * rate(round, before->totals.received_bytes, now->totals.received_bytes),
		"droppedPerSecond",
		rate(round, dropped_of(&before->totals), dropped_of(&now->totals)), "sentPerSecond",
		rate(round, before->totals.tx + before->totals.redirect,
		     now->totals.tx + now->totals.redirect),
		"drops", drops, "entries", entries_json(round), "services", services_json(round),
		"backends", backends_json(round), "sources", sources);
}

/* The busiest first; equal ones stay in their order. */
static int by_rate(const void *a, const void *b)
{
	const json_t *const *left = a, *const *right = b;
	static const char *const keys[] = {"packetsPerSecond", "droppedPerSecond"};

	for (size_t i = 0; i < 2; i++) {
		double l = json_real_value(json_object_get(*left, keys[i]));
		double r = json_real_value(json_object_get(*right, keys[i]));

		if (l > r || l < r)
			return l < r ? 1 : -1;
	}
	return 0;
}

typedef void (*label_fn)(const json_t *row, char *ret_text, size_t size);

static const char *text_of(const json_t *row, const char *key)
{
	const char *text = json_string_value(json_object_get(row, key));

	return text ? text : "";
}

static void label_drop(const json_t *row, char *ret_text, size_t size)
{
	snprintf(ret_text, size, "%s: %s", text_of(row, "reason"), text_of(row, "text"));
}

static void label_source(const json_t *row, char *ret_text, size_t size)
{
	snprintf(ret_text, size, "%s", text_of(row, "address"));
}

/* Objects' names have their address and port behind them. */
static void label_entry(const json_t *row, char *ret_text, size_t size)
{
	const char *name = text_of(row, "name");
	bool is_whole = strchr(name, ' ');

	snprintf(ret_text, size, "%s%s%s", name, is_whole ? "" : " ",
		 is_whole ? "" : text_of(row, "address"));
}

static void label_service(const json_t *row, char *ret_text, size_t size)
{
	snprintf(ret_text, size, "%s (%d up, %d draining, %d dead)", text_of(row, "name"),
		 (int)json_integer_value(json_object_get(row, "active")),
		 (int)json_integer_value(json_object_get(row, "draining")),
		 (int)json_integer_value(json_object_get(row, "dead")));
}

static void label_backend(const json_t *row, char *ret_text, size_t size)
{
	snprintf(ret_text, size, "%s of %s", text_of(row, "address"), text_of(row, "service"));
}

/* A table of lines that fit into eighty columns. */
static void print_table(const char *title, const json_t *rows, label_fn label, int max)
{
	size_t n = json_array_size(rows);
	json_t **sorted = n ? calloc(n, sizeof(json_t *)) : NULL;
	char text[256];

	for (size_t i = 0; sorted && i < n; i++)
		sorted[i] = json_array_get(rows, i);
	if (sorted) {
		qsort(sorted, n, sizeof(json_t *), by_rate);
		printf("%-55s %11s %11s\n", title, "PACKETS/S", "DROPPED/S");
	}
	for (size_t i = 0; sorted && i < n && i < (size_t)max; i++) {
		const json_t *dropped = json_object_get(sorted[i], "droppedPerSecond");

		label(sorted[i], text, sizeof(text));
		printf("%-55.55s %11.0f ", text,
		       json_real_value(json_object_get(sorted[i], "packetsPerSecond")));
		if (dropped)
			printf("%11.0f\n", json_real_value(dropped));
		else
			printf("%11s\n", "-");
	}
	if (sorted && n > (size_t)max)
		printf("  and %zu more: --rows=N\n", n - (size_t)max);
	free(sorted);
}

/* Reasons as rows: what is dropped now, and what was. */
static json_t *drop_rows(const json_t *drops)
{
	json_t *rows = json_array(), *row;
	const char *reason;

	json_object_foreach((json_t *)drops, reason, row)
	{
		json_t *rate = json_object_get(row, "perSecond");

		json_array_append_new(rows, json_pack("{s:s,s:s,s:O,s:O}", "reason", reason, "text",
						      text_of(row, "text"), "packetsPerSecond",
						      rate, "droppedPerSecond", rate));
	}
	return rows;
}

static void print_round(const json_t *round, int rows)
{
	json_t *drops = drop_rows(json_object_get(round, "drops"));

	printf("packets/s %.0f   Mbit/s %.1f   dropped/s %.0f   forwarded/s %.0f\n",
	       json_real_value(json_object_get(round, "packetsPerSecond")),
	       json_real_value(json_object_get(round, "bitsPerSecond")) / 1e6,
	       json_real_value(json_object_get(round, "droppedPerSecond")),
	       json_real_value(json_object_get(round, "sentPerSecond")));
	print_table("DROP", drops, label_drop, rows);
	print_table("SOURCE", json_object_get(round, "sources"), label_source, rows);
	print_table("ENTRY", json_object_get(round, "entries"), label_entry, rows);
	print_table("SERVICE", json_object_get(round, "services"), label_service, rows);
	print_table("BACKEND", json_object_get(round, "backends"), label_backend, rows);
	json_decref(drops);
}

/* How many rows of each of five tables a terminal has room for: a line for titles, one for what is
 * left out, and the first and the last line of all. */
static int rows_of_screen(int preset)
{
	struct winsize size;

	if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) || !size.ws_row)
		return preset;
	int rows = (size.ws_row - 2 - 2 * TABLES) / TABLES;

	return rows < 1 ? 1 : rows < preset ? rows : preset;
}

/* -------------------------------------------------------------------------- run -- */

struct showing {
	struct view views[2];
	struct sample sample;
};

/* Which kernel plane stands in the folder: another number after it was unloaded and loaded again;
 * 0: none. */
static uint64_t plane_of(const struct command_line *line)
{
	char path[PATH_MAX];
	struct stat seen;

	snprintf(path, sizeof(path), STR_FMT "/control", STR_ARG(line->config.pin_folder));
	return stat(path, &seen) ? 0 : seen.st_ino;
}

/* Lets go of a kernel plane that is gone, and takes the one that comes. */
static void wait_for_plane(const struct command_line *line, struct dataplane **dataplane)
{
	char folder[PATH_MAX];

	snprintf(folder, sizeof(folder), STR_FMT, STR_ARG(line->config.pin_folder));
	printf("the kernel plane in %s is gone; waiting for it to come back\n", folder);
	fflush(stdout);
	dataplane_close(*dataplane);
	*dataplane = NULL;
	while (!plane_of(line) || dataplane_open_pinned(folder, dataplane))
		poll(NULL, 0, SAMPLE_MS);
}

static int show(struct command_line *line, struct dataplane **dataplane, struct showing *self,
		uint64_t every_s, int rows)
{
	bool as_json = command_flag_set(line, FLAG_JSON),
	     once = as_json || command_flag_set(line, FLAG_ONCE),
	     is_screen = !once && isatty(STDOUT_FILENO),
	     rows_given = command_value(line, FLAG_ROWS).len;
	uint64_t plane = plane_of(line);
	int rc = read_view(*dataplane, &self->views[0]);

	for (int turn = 1; !rc; turn++) {
		struct round round = {.before = &self->views[(turn + 1) % 2],
				      .now = &self->views[turn % 2],
				      .sample = &self->sample,
				      .rows = rows};

		if (!once && plane_of(line) != plane) {
			wait_for_plane(line, dataplane);
			plane = plane_of(line);
			rc = read_view(*dataplane, round.before);
		}
		take_sample(*dataplane, &self->sample);
		uint64_t spent_ms = (clock_mono_ns() - round.before->at_ns) / NS_PER_MS;

		if (spent_ms < every_s * 1000)
			poll(NULL, 0, (int)(every_s * 1000 - spent_ms));
		rc = read_view(*dataplane, round.now);
		round.seconds = (double)(round.now->at_ns - round.before->at_ns) / NS_PER_SEC;
		json_t *json = to_json(&round);

		if (!once && is_screen)
			fputs("\033[H\033[2J", stdout);
		if (as_json)
			json_dumpf(json, stdout, JSON_INDENT(2));
		else
			print_round(json, is_screen && !rows_given ? rows_of_screen(rows) : rows);
		if (as_json || (!once && !is_screen))
			putchar('\n');
		fflush(stdout);
		json_decref(json);
		if (once)
			break;
	}
	return rc ? EXIT_FAULTS : EXIT_OK;
}

static int number_of(const struct command_line *line, size_t flag, uint64_t preset, uint64_t max,
		     uint64_t *ret)
{
	struct str text = command_value(line, flag);

	*ret = preset;
	if (!text.len || (!num_uint64(text, ret) && *ret && *ret <= max))
		return EXIT_OK;
	fprintf(stderr,
		"tidegate top: %s takes a number from 1 to %" PRIu64 ", not '" STR_FMT "'\n",
		flags[flag].name, max, STR_ARG(text));
	return EXIT_USAGE;
}

static int run(struct command_line *line)
{
	uint64_t every_s, rows;
	struct dataplane *dataplane;

	if (number_of(line, FLAG_EVERY, 1, 3600, &every_s) ||
	    number_of(line, FLAG_ROWS, ROWS_PRESET, ROWS_MAX, &rows))
		return EXIT_USAGE;
	int rc = look_open(line, &dataplane);

	if (rc)
		return rc;
	struct showing *self = calloc(1, sizeof(*self));

	rc = self ? show(line, &dataplane, self, every_s, (int)rows) : EXIT_FAULTS;
	free(self);
	dataplane_close(dataplane);
	return rc;
}

const struct command command_top = {
	.name = "top",
	.help = "what the kernel plane does now, by entry point, service, backend and source; as "
		"root",
	.flags = flags,
	.n_flags = sizeof(flags) / sizeof(*flags),
	.run = run,
};
