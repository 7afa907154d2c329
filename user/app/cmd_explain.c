// SPDX-License-Identifier: Apache-2.0
/*
 * cmd_explain: what the data plane would do with a request, and why: one from flags, or many as
 * JSON lines on standard input. It runs the compiled router of the same manifests, not a second
 * implementation.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "app/command.h"
#include "app/workspace.h"
#include "base/clock.h"
#include "plan/explain.h"
#include "plan/explain_stream.h"

enum {
	FLAG_METHOD,
	FLAG_URL,
	FLAG_HEADER,
	FLAG_FROM,
	FLAG_ENTRY_POINT,
	FLAG_TCP,
	FLAG_UDP,
	FLAG_TLS,
	FLAG_SNI,
	FLAG_ALPN,
	FLAG_JSON,
};
enum { ARENA_MAX_BYTES = 64 << 20, LINE_MAX_BYTES = 1 << 20 };

static const struct command_flag flags[] = {
	[FLAG_METHOD] = {"--method", "METHOD", "of the request (default GET)"},
	[FLAG_URL] = {"--url", "URL",
		      "of the request; without it JSON lines are read from standard input"},
	[FLAG_HEADER] = {"--header", "NAME: VALUE", "a header of the request; may be given often"},
	[FLAG_FROM] = {"--from", "ADDRESS", "who asks (default 127.0.0.1)"},
	[FLAG_ENTRY_POINT] = {"--entry-point", "NAME",
			      "where it arrives (default: by scheme and port of the URL)"},
	[FLAG_TCP] = {"--tcp", "ENTRYPOINT|ADDRESS:PORT", "a TCP connection instead of a request"},
	[FLAG_UDP] = {"--udp", "ENTRYPOINT|ADDRESS:PORT", "datagrams instead of a request"},
	[FLAG_TLS] = {"--tls", NULL, "the connection begins with TLS (so do --sni and --alpn)"},
	[FLAG_SNI] = {"--sni", "NAME", "name that the client asks for"},
	[FLAG_ALPN] = {"--alpn", "PROTOCOL", "protocol that the client offers; may be given often"},
	[FLAG_JSON] = {"--json", NULL, "one JSON object instead of text"},
};

/* Takes the reference over. */
static void print_json(json_t *json)
{
	json_dumpf(json, stdout, JSON_COMPACT);
	putchar('\n');
	json_decref(json);
}

/* "Name: value" of every --header. */
static int headers_from_flags(const struct command_line *line, struct arena *arena,
			      struct explain_spec *spec)
{
	const struct strs *given = &line->values[FLAG_HEADER];
	struct str_pair *pairs = ARENA_ARRAY(arena, struct str_pair, given->n + 1);

	for (size_t i = 0; pairs && i < given->n; i++) {
		ptrdiff_t colon = str_find(given->at[i], ':');

		if (colon <= 0) {
			fprintf(stderr,
				"tidegate explain: --header " STR_FMT ": expected NAME: VALUE\n",
				STR_ARG(given->at[i]));
			return EXIT_USAGE;
		}
		pairs[i].key = str_trim(str_take(given->at[i], (size_t)colon));
		pairs[i].value = str_trim(str_from(given->at[i], (size_t)colon + 1));
	}
	spec->headers = pairs;
	spec->n_headers = pairs ? given->n : 0;
	return 0;
}

static int explain_flags(const struct command_line *line, const struct snapshot *snapshot)
{
	struct arena arena;
	struct explain_spec spec = {
		.method = command_value(line, FLAG_METHOD),
		.url = command_value(line, FLAG_URL),
		.remote_addr = command_value(line, FLAG_FROM),
		.entry_point = command_value(line, FLAG_ENTRY_POINT),
	};

	arena_init(&arena, ARENA_MAX_BYTES, 0);
	int rc = headers_from_flags(line, &arena, &spec);

	if (rc == 0) {
		struct explain_result result =
			explain_run(snapshot, &spec, clock_wall_ns(), &arena);

		if (command_flag_set(line, FLAG_JSON)) {
			print_json(explain_to_json(&result));
		} else {
			struct buf text;

			buf_init(&text, ARENA_MAX_BYTES);
			explain_print(&result, &text);
			fwrite(text.at ? text.at : "", 1, text.len, stdout);
			buf_done(&text);
		}
	}
	arena_done(&arena);
	return rc;
}

static int explain_stream_flags(const struct command_line *line, const struct snapshot *snapshot)
{
	bool is_udp = command_flag_set(line, FLAG_UDP);
	const struct strs *alpn = &line->values[FLAG_ALPN];
	struct explain_stream_spec spec = {
		.target = command_value(line, is_udp ? FLAG_UDP : FLAG_TCP),
		.is_udp = is_udp,
		.is_tls = command_flag_set(line, FLAG_TLS),
		.sni = command_value(line, FLAG_SNI),
		.alpn = alpn->at,
		.n_alpn = (uint32_t)alpn->n,
		.remote_addr = command_value(line, FLAG_FROM),
	};
	struct explain_stream_result result;
	struct arena arena;
	struct buf text;

	arena_init(&arena, ARENA_MAX_BYTES, 0);
	result = explain_stream(snapshot, &spec, &arena);
	if (command_flag_set(line, FLAG_JSON)) {
		print_json(explain_stream_to_json(&result, &arena));
	} else {
		buf_init(&text, ARENA_MAX_BYTES);
		explain_stream_print(&result, &arena, &text);
		fwrite(text.at ? text.at : "", 1, text.len, stdout);
		buf_done(&text);
	}
	arena_done(&arena);
	return EXIT_OK;
}

static bool explain_stream_line(const struct snapshot *snapshot, const json_t *json,
				struct arena *arena, const char **ret_message)
{
	struct explain_stream_spec spec;
	struct explain_stream_result result;

	if (explain_stream_from_json(json, arena, &spec, ret_message) < 0)
		return false;
	result = explain_stream(snapshot, &spec, arena);
	print_json(explain_stream_to_json(&result, arena));
	return true;
}

static bool explain_request_line(const struct snapshot *snapshot, const json_t *json,
				 struct arena *arena, const char **ret_message)
{
	struct explain_spec spec;
	struct explain_result result;

	if (explain_spec_from_json(json, arena, &spec, ret_message) < 0)
		return false;
	result = explain_run(snapshot, &spec, clock_wall_ns(), arena);
	print_json(explain_to_json(&result));
	return true;
}

/* One line of input; a line that is no request is answered with its fault, and the rest goes on. */
static bool explain_line(const struct snapshot *snapshot, struct str text, size_t number,
			 struct arena *arena)
{
	json_error_t fault;
	json_t *json = json_loadb(text.at, text.len, 0, &fault);
	const char *message = fault.text;
	bool good = json && (explain_stream_is_asked(json)
				     ? explain_stream_line(snapshot, json, arena, &message)
				     : explain_request_line(snapshot, json, arena, &message));

	if (!good)
		print_json(json_pack("{s:I, s:s}", "line", (json_int_t)number, "error", message));
	json_decref(json);
	arena_reset(arena);
	return good;
}

static int explain_input(const struct snapshot *snapshot)
{
	struct arena arena;
	char *line = NULL;
	size_t room = 0, number = 0;
	ssize_t n;
	bool good = true;

	arena_init(&arena, ARENA_MAX_BYTES, 0);
	while ((n = getline(&line, &room, stdin)) > 0) {
		struct str text = str_trim_space(str_n(line, (size_t)n));

		number++;
		if (text.len && text.len <= LINE_MAX_BYTES)
			good &= explain_line(snapshot, text, number, &arena);
		fflush(stdout);
	}
	free(line);
	arena_done(&arena);
	return good ? EXIT_OK : EXIT_FAULTS;
}

static int run(struct command_line *line)
{
	struct workspace workspace;
	int rc = workspace_open(line, &workspace);

	if (rc)
		return rc;
	if (command_flag_set(line, FLAG_TCP) || command_flag_set(line, FLAG_UDP))
		rc = explain_stream_flags(line, workspace.snapshot);
	else if (command_flag_set(line, FLAG_URL))
		rc = explain_flags(line, workspace.snapshot);
	else
		rc = explain_input(workspace.snapshot);
	workspace_close(&workspace);
	return rc;
}

const struct command command_explain = {
	.name = "explain",
	.help = "what would be done with a request or connection, and why (flags, or JSON lines on "
		"standard "
		"input)",
	.flags = flags,
	.n_flags = sizeof(flags) / sizeof(*flags),
	.run = run,
};
