// SPDX-License-Identifier: Apache-2.0
/*
 * manifest_file: one file's documents.
 *
 * YAML texts are cut at lines that begin with "---": YAML allows such a line nowhere else
 * (YAML 1.1, 4.3.1: not even in a quoted or block scalar), and nothing but directives reaches over
 * it.
 */
#include "source/manifest_file.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/file.h"
#include "base/hash.h"
#include "model/file_format.h"
#include "model/toml_json.h"
#include "model/yaml_json.h"

enum {
	FAULT_ARENA_BYTES = 1 << 20,
	FAULT_BLOCK_BYTES = 256,  /* most have no faults, only a name */
	LINES_LOOKED_UP_MAX = 20, /* faults of a document whose line is looked up */
};

static enum manifest_syntax syntax_of(struct str name)
{
	return str_ends(name, STR(".json"))   ? MANIFEST_JSON
	       : str_ends(name, STR(".toml")) ? MANIFEST_TOML
					      : MANIFEST_YAML;
}

void manifest_file_init(struct manifest_file *file, enum manifest_form form, const char *folder,
			const char *name)
{
	*file = (struct manifest_file){.form = form, .syntax = syntax_of(str_of(name))};
	if (asprintf(&file->path, "%s/%s", folder, name) < 0)
		file->path = NULL;
	file->name = strdup(name);
}

static void chunk_free(struct manifest_chunk *chunk)
{
	if (!chunk)
		return;
	for (size_t i = 0; i < chunk->n_objects; i++)
		object_unref(chunk->objects[i]);
	free(chunk->objects);
	arena_done(&chunk->arena);
	free(chunk);
}

static void chunks_free(struct manifest_chunk **chunks, size_t n)
{
	for (size_t i = 0; i < n; i++)
		chunk_free(chunks[i]);
	free(chunks);
}

void manifest_file_done(struct manifest_file *file)
{
	chunks_free(file->chunks, file->n_chunks);
	free(file->path);
	free(file->name);
	*file = (struct manifest_file){0};
}

bool manifest_file_is_name(const char *name, enum manifest_form form)
{
	struct str text = str_of(name);

	return text.len && text.at[0] != '.' && text.at[0] != '#' && text.at[0] != '~' &&
	       (str_ends(text, STR(".yaml")) || str_ends(text, STR(".yml")) ||
		str_ends(text, STR(".json")) ||
		(form == MANIFEST_TRAEFIK && str_ends(text, STR(".toml"))));
}

/* Blank lines, comments and directives: they belong to the document that follows the next "---". */
static bool is_preamble(struct str text)
{
	struct str line;

	while (str_next(&text, '\n', &line)) {
		line = str_trim_space(line);
		if (line.len && line.at[0] != '#' && line.at[0] != '%')
			return false;
	}
	return true;
}

/* The first document of *rest; advances *rest and *line past it. */
static struct str next_document(struct str *rest, size_t *line)
{
	struct str all = *rest;
	size_t at = 0;

	for (;;) {
		const char *newline = at < all.len ? memchr(all.at + at, '\n', all.len - at) : NULL;

		if (!newline) {
			*rest = (struct str){0};
			return all;
		}
		at = (size_t)(newline - all.at) + 1;
		*line += 1;
		if (str_starts(str_from(all, at), STR("---")) && !is_preamble(str_take(all, at))) {
			*rest = str_from(all, at);
			return str_take(all, at);
		}
	}
}

static void keep_object(void *context, struct object *object)
{
	struct manifest_chunk *chunk = context;

	if (chunk->n_objects == chunk->cap_objects) {
		size_t cap = chunk->cap_objects ? chunk->cap_objects * 2 : 1;
		struct object **at = realloc(chunk->objects, cap * sizeof(struct object *));

		if (!at) {
			object_unref(object);
			return;
		}
		chunk->objects = at;
		chunk->cap_objects = cap;
	}
	chunk->objects[chunk->n_objects++] = object;
}

/* Faults know the line of their document; here they get their own. */
static void place_faults(struct diag_sink *faults, struct str text, size_t first_line)
{
	for (size_t i = 0; i < faults->n && i < LINES_LOOKED_UP_MAX; i++) {
		struct diag *diag = &faults->at[i];

		if (diag->line >= first_line)
			diag->line = first_line - 1 +
				     yaml_json_line(text, diag->line - first_line + 1, diag->field);
	}
}

static int read_named(void *context, struct str path, struct buf *text)
{
	char *copy = strndup(path.at ? path.at : "", path.len);
	int error = copy ? file_read(copy, text) : -ENOMEM;

	(void)context;
	free(copy);
	return error;
}

static void decode_document(struct manifest_file *file, struct manifest_chunk *chunk,
			    const struct yaml_document *document)
{
	size_t line = chunk->line + document->line - 1;
	struct file_format format = {
		.read = read_named,
		.each = keep_object,
		.context = chunk,
		.file = str_of(file->path),
		.line = line,
		.sink = &chunk->faults,
	};

	if (file->form == MANIFEST_TRAEFIK)
		file_format_decode(&format, document->json);
	else
		object_decode_each(document->json, str_of(file->path), line, &chunk->faults,
				   keep_object, chunk);
}

static void decode_documents(struct manifest_file *file, struct manifest_chunk *chunk,
			     const struct yaml_json *yaml, struct str text)
{
	for (size_t i = 0; i < yaml->n; i++) {
		/* Paths inside a list begin at its items, not at the document. */
		bool placeable = file->syntax == MANIFEST_YAML && file->form == MANIFEST_OBJECTS &&
				 !json_object_get(yaml->at[i].json, "items");
		size_t first = chunk->n_objects, first_fault = chunk->faults.n;

		decode_document(file, chunk, &yaml->at[i]);
		for (size_t k = first; k < chunk->n_objects; k++) {
			if (chunk->objects[k]->diags.n == 0)
				continue;
			chunk->has_faults = true;
			if (placeable)
				place_faults(&chunk->objects[k]->diags, text, chunk->line);
		}
		if (placeable && chunk->faults.n > first_fault)
			place_faults(&chunk->faults, text, chunk->line);
	}
	chunk->has_faults |= chunk->faults.n > 0;
}

static int set_fault(struct manifest_file *file, int error, const char *message, size_t line)
{
	snprintf(file->fault, sizeof(file->fault), "%s", message);
	file->fault_line = line;
	return error;
}

/* Traefik renders Go templates; a text with one would mean something else here. */
static bool is_template(const struct manifest_file *file, struct str text)
{
	return file->form == MANIFEST_TRAEFIK && str_search(text, STR("{{")) >= 0;
}

static int load(const struct manifest_file *file, struct str text, struct yaml_json *yaml)
{
	struct toml_json toml;
	int error;

	*yaml = (struct yaml_json){0};
	if (is_template(file, text)) {
		snprintf(yaml->message, sizeof(yaml->message), "Go templates are not rendered");
		return -EINVAL;
	}
	if (file->syntax != MANIFEST_TOML)
		return yaml_json_load(yaml, text, file->syntax == MANIFEST_JSON);
	error = toml_json_load(&toml, text);
	if (error) {
		snprintf(yaml->message, sizeof(yaml->message), "%s", toml.message);
		yaml->line = toml.line;
		yaml->column = toml.column;
		return error;
	}
	yaml->at = calloc(1, sizeof(*yaml->at));
	if (!yaml->at) {
		json_decref(toml.json);
		return -ENOMEM;
	}
	yaml->n = yaml->cap = 1;
	yaml->at[0] = (struct yaml_document){toml.json, 1};
	return 0;
}

static struct manifest_chunk *chunk_new(struct manifest_file *file, struct str text, size_t line,
					int *ret_error)
{
	struct manifest_chunk *chunk = calloc(1, sizeof(*chunk));
	struct yaml_json yaml;

	if (!chunk) {
		*ret_error = set_fault(file, -ENOMEM, "no memory", 0);
		return NULL;
	}
	*ret_error = load(file, text, &yaml);
	if (*ret_error) {
		set_fault(file, *ret_error, yaml.message, yaml.line ? line + yaml.line - 1 : 0);
		yaml_json_done(&yaml);
		free(chunk);
		return NULL;
	}
	chunk->line = line;
	arena_init(&chunk->arena, FAULT_ARENA_BYTES, FAULT_BLOCK_BYTES);
	diag_init(&chunk->faults, &chunk->arena);
	decode_documents(file, chunk, &yaml, text);
	yaml_json_done(&yaml);
	return chunk;
}

/* Takes over a chunk of the same text; its faults must not have moved to other lines. */
static struct manifest_chunk *reuse(struct manifest_file *file, struct table *old, uint64_t hash,
				    struct str text, size_t line)
{
	struct str key = str_n((const char *)&hash, sizeof(hash));
	struct manifest_chunk *chunk = file->n_chunks ? table_find(old, key) : NULL;

	if (!chunk || chunk->text_len != text.len || (chunk->has_faults && chunk->line != line))
		return NULL;
	table_del(old, key);
	return chunk;
}

static void index_chunks(const struct manifest_file *file, struct table *table)
{
	for (size_t i = 0; i < file->n_chunks; i++) {
		struct manifest_chunk *chunk = file->chunks[i];

		/* Of two equal documents one is enough: the other is decoded again. */
		table_put(table, str_n((const char *)&chunk->text_hash, sizeof(chunk->text_hash)),
			  chunk, NULL);
	}
}

struct chunk_list {
	struct manifest_chunk **at;
	bool *reused; /* still owned by the file */
	size_t n, cap;
};

static bool list_add(struct chunk_list *list, struct manifest_chunk *chunk, bool reused)
{
	if (list->n == list->cap) {
		size_t cap = list->cap ? list->cap * 2 : 1;
		struct manifest_chunk **at =
			realloc(list->at, cap * sizeof(struct manifest_chunk *));

		if (at)
			list->at = at;
		bool *flags = realloc(list->reused, cap * sizeof(bool));

		if (flags)
			list->reused = flags;
		if (!at || !flags)
			return false;
		list->cap = cap;
	}
	list->at[list->n] = chunk;
	list->reused[list->n++] = reused;
	return true;
}

static void list_drop(struct chunk_list *list)
{
	for (size_t i = 0; i < list->n; i++)
		if (!list->reused[i])
			chunk_free(list->at[i]);
	free(list->at);
	free(list->reused);
}

static int decode_text(struct manifest_file *file, struct str text, struct table *old,
		       struct chunk_list *list)
{
	size_t line = 1;

	while (text.len) {
		size_t first_line = line;
		struct str document = text;
		uint64_t hash;
		bool reused = true;
		int error = 0;

		if (file->syntax != MANIFEST_YAML)
			text = (struct str){0};
		else
			document = next_document(&text, &line);
		hash = hash_keyed(document);
		struct manifest_chunk *chunk = reuse(file, old, hash, document, first_line);

		if (!chunk) {
			reused = false;
			chunk = chunk_new(file, document, first_line, &error);
		}
		if (!chunk)
			return error;
		chunk->text_hash = hash;
		chunk->text_len = document.len;
		if (!list_add(list, chunk, reused)) {
			if (!reused)
				chunk_free(chunk);
			return set_fault(file, -ENOMEM, "no memory", 0);
		}
	}
	return 0;
}

/* Whether an object of the old chunks is in none of the new ones. */
static bool lost_some(const struct manifest_file *file, const struct chunk_list *list)
{
	struct table ids;
	bool lost = false;

	table_init(&ids, NULL);
	for (size_t i = 0; i < list->n; i++)
		for (size_t k = 0; k < list->at[i]->n_objects; k++)
			table_put(&ids, list->at[i]->objects[k]->id, list->at[i], NULL);
	for (size_t i = 0; i < file->n_chunks && !lost; i++)
		for (size_t k = 0; k < file->chunks[i]->n_objects && !lost; k++)
			lost = !table_find(&ids, file->chunks[i]->objects[k]->id);
	table_done(&ids);
	return lost;
}

static void replace_chunks(struct manifest_file *file, struct chunk_list *list)
{
	/* What was taken over is in both lists. */
	for (size_t i = 0; i < list->n; i++)
		list->at[i]->taken_over = list->reused[i];
	for (size_t i = 0; i < file->n_chunks; i++)
		if (!file->chunks[i]->taken_over)
			chunk_free(file->chunks[i]);
	for (size_t i = 0; i < list->n; i++)
		list->at[i]->taken_over = false;
	free(file->chunks);
	free(list->reused);
	file->chunks = list->at;
	file->n_chunks = list->n;
}

int manifest_file_take(struct manifest_file *file, struct str text, bool keep_if_lost,
		       bool *ret_lost)
{
	struct chunk_list list = {0};
	struct table old;
	int error;

	table_init(&old, NULL);
	index_chunks(file, &old);
	error = decode_text(file, text, &old, &list);
	table_done(&old);
	*ret_lost = !error && lost_some(file, &list);
	if (*ret_lost && keep_if_lost)
		error = -EAGAIN;
	if (error) {
		list_drop(&list);
		return error;
	}
	file->fault[0] = '\0';
	file->fault_line = 0;
	replace_chunks(file, &list);
	return 0;
}
