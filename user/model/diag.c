// SPDX-License-Identifier: Apache-2.0
/*
 * diag: collecting and printing the faults of manifests and options.
 *
 * A sink keeps at most DIAG_MAX diags, so that a hostile manifest cannot fill the memory with
 * complaints; what comes after is counted only.
 */
#include "model/diag.h"

#include <stdarg.h>

/*
 * Texts of a manifest end up in logs and terminals: control characters and bytes that are not UTF-8
 * are escaped when a text comes in, so that nobody later has to think of it.
 */
static void add_safe(struct buf *buf, struct str text)
{
	for (size_t i = 0, n; i < text.len; i += n) {
		unsigned char c = (unsigned char)text.at[i];

		n = str_utf8_len(str_from(text, i));
		if (n == 0 || c < 0x20 || c == 0x7f) {
			buf_addf(buf, "\\x%02x", c);
			n = 1;
		} else {
			buf_add(buf, str_n(text.at + i, n));
		}
	}
}

static struct str safe(struct diag_sink *sink, struct str text)
{
	struct buf buf;

	buf_init(&buf, 16384);
	add_safe(&buf, text);
	struct str copy = arena_str(sink->arena, buf_str(&buf));
	buf_done(&buf);
	return copy;
}

void diag_init(struct diag_sink *sink, struct arena *arena)
{
	*sink = (struct diag_sink){.arena = arena};
}

void diag_about(struct diag_sink *sink, struct str object, struct str file, size_t line)
{
	sink->object = safe(sink, object);
	sink->file = safe(sink, file);
	sink->line = line;
}

static void path_add(const struct diag_path *path, struct buf *buf)
{
	if (!path)
		return;
	path_add(path->parent, buf);
	if (!path->name) {
		buf_addf(buf, "[%zu]", path->index);
		return;
	}
	if (path->parent)
		buf_add_char(buf, '.');
	struct str name = str_n(path->name, path->name_len ? path->name_len : strlen(path->name));
	/* Keys come from the manifest: they must not break a line or a terminal. */
	add_safe(buf, str_take(name, DIAG_FOUND_MAX));
}

struct str diag_path_print(const struct diag_path *path, struct arena *arena)
{
	struct buf buf;

	buf_init(&buf, 4096);
	path_add(path, &buf);
	struct str text = arena_str(arena, buf_str(&buf));
	buf_done(&buf);
	return text;
}

/* What adders return when there is no room: not one in every sink, of which every object has one.
 */
static _Thread_local struct diag spare;

static struct diag *sink_next(struct diag_sink *sink)
{
	if (sink->n == sink->cap && sink->n < DIAG_MAX) {
		size_t cap = sink->cap ? sink->cap * 2 : 8;
		struct diag *at = ARENA_ARRAY(sink->arena, struct diag, cap);

		if (at) {
			if (sink->n)
				memcpy(at, sink->at, sink->n * sizeof(*at));
			sink->at = at;
			sink->cap = cap;
		}
	}
	if (sink->n >= DIAG_MAX || sink->n == sink->cap) {
		spare = (struct diag){0};
		return &spare;
	}
	return &sink->at[sink->n++];
}

static struct diag *sink_add(struct diag_sink *sink, enum diag_level level,
			     const struct diag_path *path, const char *format, va_list args)
{
	struct diag *diag = sink_next(sink);

	*diag = (struct diag){
		.level = level,
		.object = sink->object,
		.file = sink->file,
		.line = sink->line,
	};
	if (level == DIAG_ERROR)
		sink->n_errors++;
	else
		sink->n_warnings++;
	if (diag != &spare) {
		diag->field = diag_path_print(path, sink->arena);
		diag->message = safe(sink, arena_vprintf(sink->arena, format, args));
	}
	return diag;
}

struct diag *diag_error(struct diag_sink *sink, const struct diag_path *path, const char *format,
			...)
{
	va_list args;

	va_start(args, format);
	struct diag *diag = sink_add(sink, DIAG_ERROR, path, format, args);
	va_end(args);
	return diag;
}

struct diag *diag_warning(struct diag_sink *sink, const struct diag_path *path, const char *format,
			  ...)
{
	va_list args;

	va_start(args, format);
	struct diag *diag = sink_add(sink, DIAG_WARNING, path, format, args);
	va_end(args);
	return diag;
}

void diag_expected(struct diag_sink *sink, struct diag *diag, const char *format, ...)
{
	va_list args;

	if (diag == &spare)
		return;
	va_start(args, format);
	diag->expected = safe(sink, arena_vprintf(sink->arena, format, args));
	va_end(args);
}

void diag_found(struct diag_sink *sink, struct diag *diag, struct str found)
{
	if (diag == &spare)
		return;
	diag->found = safe(sink, str_take(found, DIAG_FOUND_MAX));
	if (found.len > DIAG_FOUND_MAX)
		diag->found = arena_join(sink->arena, diag->found, STR("..."));
}

void diag_suggest(struct diag_sink *sink, struct diag *diag, const char *format, ...)
{
	va_list args;

	if (diag == &spare)
		return;
	va_start(args, format);
	diag->suggestion = safe(sink, arena_vprintf(sink->arena, format, args));
	va_end(args);
}

void diag_print(const struct diag *diag, struct buf *buf)
{
	buf_add(buf, diag->level == DIAG_ERROR ? STR("error: ") : STR("warning: "));
	if (diag->object.len)
		buf_addf(buf, STR_FMT ": ", STR_ARG(diag->object));
	if (diag->field.len)
		buf_addf(buf, STR_FMT ": ", STR_ARG(diag->field));
	buf_add(buf, diag->message);
	buf_add_char(buf, '\n');
	if (diag->expected.len)
		buf_addf(buf, "    expected: " STR_FMT "\n", STR_ARG(diag->expected));
	if (diag->found.len)
		buf_addf(buf, "    found: " STR_FMT "\n", STR_ARG(diag->found));
	if (diag->suggestion.len)
		buf_addf(buf, "    suggestion: " STR_FMT "\n", STR_ARG(diag->suggestion));
	if (diag->file.len) {
		buf_addf(buf, "    at: " STR_FMT, STR_ARG(diag->file));
		if (diag->line)
			buf_addf(buf, ":%zu", diag->line);
		buf_add_char(buf, '\n');
	}
}

static void set_text(json_t *object, const char *key, struct str text)
{
	if (text.len)
		json_object_set_new(object, key, json_stringn(text.at, text.len));
}

json_t *diag_to_json(const struct diag *diag)
{
	json_t *object = json_object();

	json_object_set_new(object, "level",
			    json_string(diag->level == DIAG_ERROR ? "error" : "warning"));
	set_text(object, "object", diag->object);
	set_text(object, "field", diag->field);
	set_text(object, "message", diag->message);
	set_text(object, "expected", diag->expected);
	set_text(object, "found", diag->found);
	set_text(object, "suggestion", diag->suggestion);
	set_text(object, "file", diag->file);
	if (diag->line)
		json_object_set_new(object, "line", json_integer((json_int_t)diag->line));
	return object;
}
