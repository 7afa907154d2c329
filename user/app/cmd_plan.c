// SPDX-License-Identifier: Apache-2.0
/*
 * cmd_plan: what would change if these manifests were applied: routers, services, limits, virtual
 * addresses, faults, and which of the requests of a log would be answered differently. Nothing is
 * touched: both sides are compiled here, by the compiler of the running proxy.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "app/command.h"
#include "app/request_log.h"
#include "app/workspace.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/log.h"
#include "base/num.h"
#include "plan/explain.h"
#include "plan/snapshot_diff.h"

enum { FLAG_FILE, FLAG_WITHOUT, FLAG_REQUESTS, FLAG_LAST, FLAG_JSON };
enum { LINE_ARENA_BYTES = 64 << 20, TEXT_MAX_BYTES = 256 << 20, LAST_PRESET = 1000 };

static const struct command_flag flags[] = {
	[FLAG_FILE] = {"-f", "FILE|DIR|-", "manifests that would be applied; may be given often"},
	[FLAG_WITHOUT] = {"--without", "FILE|DIR|-", "manifests whose objects would be deleted"},
	[FLAG_REQUESTS] = {"--requests", "FILE",
			   "access log (JSON) whose requests are asked on both sides; preset: "
			   "accessLog.filePath"},
	[FLAG_LAST] = {"--last", "N", "how many of its last requests (preset 1000)"},
	[FLAG_JSON] = {"--json", NULL, "one JSON object instead of text"},
};

/* ------------------------------------------------------------------ requests -- */

struct lines {
	char **at; /* a ring */
	size_t n, room;
};

/* The last lines of a file; the caller frees. 0 or a negative errno. */
static int last_lines(const char *path, size_t n, struct lines *ret_lines)
{
	FILE *file = fopen(path, "re");
	char *line = NULL;
	size_t room = 0;
	ssize_t length;

	*ret_lines = (struct lines){.at = calloc(n, sizeof(char *)), .room = n};
	if (!file || !ret_lines->at) {
		int rc = file ? -ENOMEM : -errno;

		if (file)
			fclose(file);
		free(ret_lines->at);
		ret_lines->at = NULL;
		return rc;
	}
	while ((length = getline(&line, &room, file)) > 0) {
		size_t slot = ret_lines->n++ % n;

		free(ret_lines->at[slot]);
		ret_lines->at[slot] = line;
		line = NULL;
		room = 0;
	}
	free(line);
	fclose(file);
	return 0;
}

static void lines_done(struct lines *lines)
{
	for (size_t i = 0; lines->at && i < lines->room; i++)
		free(lines->at[i]);
	free(lines->at);
}

/* What of an answer a client, or the server behind it, would see. */
static json_t *visible(const struct explain_result *result)
{
	static const char *const members[] = {"action",	 "status",	"entryPoint", "router",
					      "service", "middlewares", "location"};
	json_t *all = explain_to_json(result), *answer = json_object();

	for (size_t i = 0; i < sizeof(members) / sizeof(*members); i++) {
		json_t *value = json_object_get(all, members[i]);

		if (value)
			json_object_set(answer, members[i], value);
	}
	json_decref(all);
	return answer;
}

struct asked {
	json_t *differ;
	size_t n, n_unusable;
};

static void ask(const struct workspace *before, const struct workspace *after, struct str text,
		struct arena *arena, struct asked *asked)
{
	struct explain_spec spec;
	uint64_t now_ns = clock_wall_ns();

	if (request_log_read(str_trim_space(text), arena, &spec)) {
		asked->n_unusable++;
		return;
	}
	struct explain_result old = explain_run(before->snapshot, &spec, now_ns, arena);
	struct explain_result new = explain_run(after->snapshot, &spec, now_ns, arena);
	json_t *a = visible(&old), *b = visible(&new);

	asked->n++;
	if (!json_equal(a, b))
		json_array_append_new(asked->differ,
				      json_pack("{s:s%, s:s%, s:O, s:O}", "method",
						spec.method.len ? spec.method.at : "GET",
						spec.method.len ? spec.method.len : (size_t)3,
						"url", spec.url.at, spec.url.len, "before", a,
						"after", b));
	json_decref(a);
	json_decref(b);
}

static int ask_all(struct command_line *line, const struct workspace *before,
		   const struct workspace *after, struct asked *asked)
{
	struct str path = command_value(line, FLAG_REQUESTS), last = command_value(line, FLAG_LAST);
	uint64_t n = LAST_PRESET;
	struct lines lines;
	struct arena arena;

	if (!path.len && line->config.access_log)
		path = line->config.access_log->file_path;
	if (!path.len)
		return 0;
	if (last.len && (num_uint64(last, &n) || n < 1 || n > 1000000)) {
		fprintf(stderr, "tidegate plan: --last takes a number from 1 to 1000000\n");
		return EXIT_USAGE;
	}
	char *text = strndup(path.at, path.len);
	int rc = text ? last_lines(text, n, &lines) : -ENOMEM;

	if (rc < 0) {
		fprintf(stderr, "tidegate plan: --requests " STR_FMT ": %s\n", STR_ARG(path),
			log_strerror(rc));
		free(text);
		return EXIT_USAGE;
	}
	arena_init(&arena, LINE_ARENA_BYTES, 0);
	for (size_t i = lines.n > n ? lines.n - n : 0; i < lines.n; i++) {
		ask(before, after, str_of(lines.at[i % n]), &arena, asked);
		arena_reset(&arena);
	}
	arena_done(&arena);
	lines_done(&lines);
	free(text);
	return 0;
}

/* -------------------------------------------------------------------- faults -- */

static void add_faults(void *context, const struct diag_sink *sink)
{
	for (size_t i = 0; i < sink->n; i++) {
		json_t *fault = diag_to_json(&sink->at[i]);

		/* The same fault of the same object in another file is no new one. */
		json_object_del(fault, "file");
		json_object_del(fault, "line");
		json_array_append_new(context, fault);
	}
}

static json_t *faults_of(const struct workspace *workspace)
{
	json_t *list = json_array();

	workspace_each_sink(workspace, add_faults, list);
	return list;
}

/* Those of a that b does not have. */
static json_t *only_in(const json_t *a, const json_t *b)
{
	json_t *list = json_array(), *fault, *other;
	size_t i, k;

	json_array_foreach(a, i, fault)
	{
		bool found = false;

		json_array_foreach(b, k, other) found |= json_equal(fault, other);
		if (!found)
			json_array_append(list, fault);
	}
	return list;
}

static size_t n_errors(const json_t *faults)
{
	size_t i, n = 0;
	json_t *fault;

	json_array_foreach(faults, i, fault)
	{
		const char *level = json_string_value(json_object_get(fault, "level"));

		n += level && !strcmp(level, "error");
	}
	return n;
}

/* ------------------------------------------------------------------ printing -- */

static void print_faults(const char *title, const json_t *faults)
{
	size_t i;
	json_t *fault;

	if (json_array_size(faults))
		printf("\n%s\n", title);
	json_array_foreach(faults, i, fault)
	{
		const char *field = json_string_value(json_object_get(fault, "field"));

		printf("  %s: %s%s%s%s\n", json_string_value(json_object_get(fault, "level")),
		       json_string_value(json_object_get(fault, "object")),
		       field && *field ? ": " : "", field ? field : "", "");
		printf("    %s\n", json_string_value(json_object_get(fault, "message")));
	}
}

static void print_answer(const char *sign, const json_t *answer)
{
	const json_t *router = json_object_get(answer, "router"),
		     *service = json_object_get(answer, "service"),
		     *status = json_object_get(answer, "status");

	printf("    %s %s", sign, json_string_value(json_object_get(answer, "action")));
	if (json_is_integer(status) && json_integer_value(status))
		printf(" %d", (int)json_integer_value(status));
	if (json_is_string(router))
		printf(", router %s", json_string_value(router));
	if (json_is_string(service))
		printf(", service %s", json_string_value(service));
	putchar('\n');
}

static void print_requests(const struct asked *asked)
{
	size_t i;
	json_t *row;

	if (!asked->n && !asked->n_unusable)
		return;
	printf("\n%zu of %zu requests of the log would be answered differently",
	       json_array_size(asked->differ), asked->n);
	if (asked->n_unusable)
		printf(" (%zu lines do not tell the request)", asked->n_unusable);
	putchar('\n');
	json_array_foreach(asked->differ, i, row)
	{
		printf("  %s %s\n", json_string_value(json_object_get(row, "method")),
		       json_string_value(json_object_get(row, "url")));
		print_answer("-", json_object_get(row, "before"));
		print_answer("+", json_object_get(row, "after"));
	}
}

static void print(const struct command_line *line, const json_t *diff, const json_t *new_faults,
		  const json_t *gone_faults, const struct asked *asked)
{
	struct buf text;

	if (command_flag_set(line, FLAG_JSON)) {
		json_t *all = json_pack("{s:O, s:O, s:O, s:{s:I, s:I, s:O}}", "changes", diff,
					"newFaults", new_faults, "goneFaults", gone_faults,
					"requests", "asked", (json_int_t)asked->n, "unusable",
					(json_int_t)asked->n_unusable, "differ", asked->differ);

		json_dumpf(all, stdout, JSON_INDENT(2));
		putchar('\n');
		json_decref(all);
		return;
	}
	buf_init(&text, TEXT_MAX_BYTES);
	snapshot_diff_print(diff, &text);
	fwrite(text.at ? text.at : "", 1, text.len, stdout);
	buf_done(&text);
	printf(json_array_size(diff) ? "%zu things would change\n" : "nothing would change\n",
	       json_array_size(diff));
	print_faults("new faults", new_faults);
	print_faults("faults that would be gone", gone_faults);
	print_requests(asked);
}

/* ------------------------------------------------------------------- command -- */

static int report(struct command_line *line, const struct workspace *before,
		  const struct workspace *after)
{
	struct asked asked = {.differ = json_array()};
	json_t *diff = snapshot_diff(before->snapshot, after->snapshot);
	json_t *old = faults_of(before), *new = faults_of(after);
	json_t *new_faults = only_in(new, old), *gone_faults = only_in(old, new);
	int rc = ask_all(line, before, after, &asked);

	if (rc == 0) {
		print(line, diff, new_faults, gone_faults, &asked);
		rc = n_errors(new_faults) ? EXIT_FAULTS : EXIT_OK;
	}
	json_decref(gone_faults);
	json_decref(new_faults);
	json_decref(new);
	json_decref(old);
	json_decref(diff);
	json_decref(asked.differ);
	return rc;
}

static int run(struct command_line *line)
{
	struct workspace before, after;

	if (!command_flag_set(line, FLAG_FILE) && !command_flag_set(line, FLAG_WITHOUT)) {
		fprintf(stderr, "tidegate plan: which manifests would be applied? give -f FILE\n");
		return EXIT_USAGE;
	}
	int rc = workspace_open(line, &before);

	if (rc)
		return rc;
	rc = workspace_open_changed(line, &before, &line->values[FLAG_FILE],
				    &line->values[FLAG_WITHOUT], &after);
	if (rc == 0) {
		rc = report(line, &before, &after);
		workspace_close(&after);
	}
	workspace_close(&before);
	return rc;
}

const struct command command_plan = {
	.name = "plan",
	.help = "what manifests would change: routes, limits, answers to logged requests (exit 1: "
		"new faults, 3: what is there could not be read)",
	.flags = flags,
	.n_flags = sizeof(flags) / sizeof(*flags),
	.run = run,
};
