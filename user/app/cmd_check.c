// SPDX-License-Identifier: Apache-2.0
/* cmd_check: every fault of a manifests folder, with object, field, expected, found and a
 * suggestion. */
#include <stdio.h>

#include "app/command.h"
#include "app/workspace.h"

enum { FLAG_JSON, TEXT_MAX_BYTES = 256 << 20 };

static const struct command_flag flags[] = {
	[FLAG_JSON] = {"--json", NULL, "print the faults as JSON"},
};

struct faults {
	struct buf text;
	json_t *list;
	size_t n_errors, n_warnings;
};

static void add(struct faults *faults, const struct diag_sink *sink)
{
	for (size_t i = 0; i < sink->n; i++) {
		diag_print(&sink->at[i], &faults->text);
		json_array_append_new(faults->list, diag_to_json(&sink->at[i]));
		if (sink->at[i].level == DIAG_ERROR)
			faults->n_errors++;
		else
			faults->n_warnings++;
	}
}

static void add_each(void *context, const struct diag_sink *sink)
{
	add(context, sink);
}

static size_t count_objects(const struct store *store)
{
	size_t n_objects = 0;

	for (int kind = 0; kind < KIND__COUNT; kind++)
		n_objects += store->objects[kind].n;
	return n_objects;
}

static void print(const struct command_line *line, const struct faults *faults, size_t n_objects,
		  const struct snapshot *snapshot)
{
	if (command_flag_set(line, FLAG_JSON)) {
		json_t *answer = json_pack("{s:b, s:I, s:I, s:I, s:O}", "ok", faults->n_errors == 0,
					   "objects", (json_int_t)n_objects, "errors",
					   (json_int_t)faults->n_errors, "warnings",
					   (json_int_t)faults->n_warnings, "faults", faults->list);

		json_dumpf(answer, stdout, JSON_INDENT(2));
		putchar('\n');
		json_decref(answer);
		return;
	}
	fwrite(faults->text.at ? faults->text.at : "", 1, faults->text.len, stdout);
	printf("%zu objects, %u routers: %zu errors, %zu warnings\n", n_objects, snapshot->n_routes,
	       faults->n_errors, faults->n_warnings);
}

static int run(struct command_line *line)
{
	struct workspace workspace;
	int rc = workspace_open(line, &workspace);

	if (rc)
		return rc;
	struct faults faults = {.list = json_array()};

	buf_init(&faults.text, TEXT_MAX_BYTES);
	workspace_each_sink(&workspace, add_each, &faults);
	print(line, &faults, count_objects(&workspace.store), workspace.snapshot);
	json_decref(faults.list);
	buf_done(&faults.text);
	workspace_close(&workspace);
	return faults.n_errors ? EXIT_FAULTS : EXIT_OK;
}

const struct command command_check = {
	.name = "check",
	.help = "every fault of the manifests, without serving them (exit 1: there are errors, 3: "
		"they could not be "
		"read)",
	.flags = flags,
	.n_flags = sizeof(flags) / sizeof(*flags),
	.run = run,
};
