// SPDX-License-Identifier: Apache-2.0
/*
 * yaml_json: libyaml's events -> jansson's values.
 *
 * An alias shares the value of its anchor; its weight (the number of nodes in it) counts again each
 * time, which bounds what a walk over the document costs. An anchor is known only after its node
 * ended, so that nothing can hold itself.
 */
#include "model/yaml_json.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <yaml.h>

struct anchor {
	char *name;
	json_t *json;
	size_t weight;
};

struct builder {
	struct yaml_json *yaml;
	yaml_parser_t parser;
	struct anchor *anchors;
	size_t n_anchors, cap_anchors;
	size_t n_nodes;
	int error;
};

static void fault_at(struct builder *builder, yaml_mark_t mark, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

static void fault_at(struct builder *builder, yaml_mark_t mark, const char *format, ...)
{
	struct yaml_json *yaml = builder->yaml;
	va_list args;

	if (builder->error)
		return;
	va_start(args, format);
	vsnprintf(yaml->message, sizeof(yaml->message), format, args);
	va_end(args);
	yaml->line = mark.line + 1;
	yaml->column = mark.column + 1;
	builder->error = -EINVAL;
}

static bool next_event(struct builder *builder, yaml_event_t *event)
{
	yaml_parser_t *parser = &builder->parser;

	if (builder->error)
		return false;
	if (yaml_parser_parse(parser, event))
		return true;
	fault_at(builder, parser->problem_mark, "%s%s%s",
		 parser->problem ? parser->problem : "not YAML", parser->context ? ", " : "",
		 parser->context ? parser->context : "");
	return false;
}

static bool count_nodes(struct builder *builder, size_t n, yaml_mark_t mark)
{
	builder->n_nodes += n;
	if (builder->n_nodes <= YAML_NODES_MAX)
		return true;
	fault_at(builder, mark, "too large: more than %d nodes with aliases expanded",
		 YAML_NODES_MAX);
	return false;
}

static void keep_anchor(struct builder *builder, const yaml_char_t *name, json_t *json,
			size_t weight)
{
	if (!name || !json)
		return;
	if (builder->n_anchors == builder->cap_anchors) {
		size_t cap = builder->cap_anchors ? builder->cap_anchors * 2 : 8;
		struct anchor *at = realloc(builder->anchors, cap * sizeof(*at));

		if (!at) {
			builder->error = -ENOMEM;
			return;
		}
		builder->anchors = at;
		builder->cap_anchors = cap;
	}
	char *copy = strdup((const char *)name);

	if (!copy)
		builder->error = -ENOMEM;
	else
		builder->anchors[builder->n_anchors++] =
			(struct anchor){copy, json_incref(json), weight};
}

static void drop_anchors(struct builder *builder)
{
	for (size_t i = 0; i < builder->n_anchors; i++) {
		free(builder->anchors[i].name);
		json_decref(builder->anchors[i].json);
	}
	builder->n_anchors = 0;
}

static json_t *alias(struct builder *builder, const yaml_event_t *event)
{
	const char *name = (const char *)event->data.alias.anchor;

	/* The newest one: an anchor may be set again. */
	for (size_t i = builder->n_anchors; i-- > 0;) {
		struct anchor *anchor = &builder->anchors[i];

		if (strcmp(anchor->name, name) != 0)
			continue;
		if (!count_nodes(builder, anchor->weight, event->start_mark))
			return NULL;
		return json_incref(anchor->json);
	}
	fault_at(builder, event->start_mark, "unknown alias *%.60s", name);
	return NULL;
}

/* Whether the event is the unquoted word "<<", YAML 1.1's merge key. */
static bool is_merge(const yaml_event_t *event)
{
	return event->type == YAML_SCALAR_EVENT &&
	       event->data.scalar.style == YAML_PLAIN_SCALAR_STYLE &&
	       event->data.scalar.length == 2 && !memcmp(event->data.scalar.value, "<<", 2);
}

static json_t *scalar(struct builder *builder, const yaml_event_t *event)
{
	const char *tag = (const char *)event->data.scalar.tag;
	struct str text = str_n((const char *)event->data.scalar.value, event->data.scalar.length);
	bool plain = event->data.scalar.style == YAML_PLAIN_SCALAR_STYLE;
	json_t *json;

	if (tag && strcmp(tag, "!") != 0 && strcmp(tag, YAML_STR_TAG) != 0) {
		/* !!int and the like say what a plain scalar means anyway, unless it is quoted. */
		if (strncmp(tag, "tag:yaml.org,2002:", 18) != 0 ||
		    strcmp(tag, "tag:yaml.org,2002:binary") == 0) {
			fault_at(builder, event->start_mark, "unknown tag %.60s", tag);
			return NULL;
		}
		json = yaml_json_scalar(text);
	} else {
		json = plain && !tag ? yaml_json_scalar(text) : json_stringn(text.at, text.len);
	}
	if (!json)
		fault_at(builder, event->start_mark, "not a text (UTF-8)");
	return json;
}

/* A key as a string; NULL with a fault when it cannot be one. Freed by the caller. */
static char *key_text(struct builder *builder, const yaml_event_t *event)
{
	json_t *json;
	char *text = NULL;

	if (event->type != YAML_SCALAR_EVENT) {
		fault_at(builder, event->start_mark, "a key must be a word");
		return NULL;
	}
	json = scalar(builder, event);
	if (json_is_string(json) && json_string_length(json) == strlen(json_string_value(json)))
		text = strdup(json_string_value(json));
	else if (json_is_integer(json) || json_is_boolean(json) || json_is_real(json))
		text = json_dumps(json, JSON_ENCODE_ANY);
	json_decref(json);
	if (!text)
		fault_at(builder, event->start_mark, "a key must be a word");
	return text;
}

static json_t *node(struct builder *builder, yaml_event_t *event, size_t depth);

static json_t *sequence(struct builder *builder, size_t depth)
{
	json_t *list = json_array();
	yaml_event_t event;

	while (next_event(builder, &event)) {
		bool end = event.type == YAML_SEQUENCE_END_EVENT;
		json_t *item = end ? NULL : node(builder, &event, depth);

		yaml_event_delete(&event);
		if (end)
			return list;
		if (!item || json_array_append_new(list, item))
			break;
	}
	json_decref(list);
	return NULL;
}

/* Adds what is not there yet (YAML 1.1 merge key); false when from is nothing to merge. */
static bool merge(json_t *into, json_t *from)
{
	if (json_is_object(from))
		return json_object_update_missing(into, from) == 0;
	if (!json_is_array(from))
		return false;
	for (size_t i = 0; i < json_array_size(from); i++)
		if (!json_is_object(json_array_get(from, i)) ||
		    json_object_update_missing(into, json_array_get(from, i)))
			return false;
	return true;
}

/* The pair that begins with key; what is to be merged waits in *merged until all keys are known. */
static bool pair(struct builder *builder, json_t *object, const yaml_event_t *key, size_t depth,
		 json_t **merged)
{
	bool is_merge_key = is_merge(key);
	char *name = is_merge_key ? NULL : key_text(builder, key);
	yaml_event_t event;
	json_t *value;

	if ((!is_merge_key && !name) || !count_nodes(builder, 1, key->start_mark) ||
	    !next_event(builder, &event)) {
		free(name);
		return false;
	}
	value = node(builder, &event, depth);
	yaml_event_delete(&event);
	if (value && is_merge_key) {
		json_decref(*merged);
		*merged = value;
		return true;
	}
	if (value && json_object_get(object, name)) {
		fault_at(builder, key->start_mark, "the key %.60s is there twice", name);
		json_decref(value);
		value = NULL;
	}
	if (value && json_object_set_new(object, name, value)) {
		fault_at(builder, key->start_mark, "a key must be a word (UTF-8)");
		value = NULL;
	}
	free(name);
	return value != NULL;
}

static json_t *mapping(struct builder *builder, size_t depth)
{
	json_t *object = json_object(), *merged = NULL;
	yaml_event_t event;
	bool done = false;

	while (!done && next_event(builder, &event)) {
		bool end = event.type == YAML_MAPPING_END_EVENT;
		yaml_mark_t mark = event.start_mark;
		bool ok = end || pair(builder, object, &event, depth, &merged);

		yaml_event_delete(&event);
		if (end && merged && !merge(object, merged))
			fault_at(builder, mark, "<< must stand for an object or a list of objects");
		done = end && !builder->error;
		if (!ok)
			break;
	}
	json_decref(merged);
	if (done)
		return object;
	json_decref(object);
	return NULL;
}

/* A new reference, or NULL with builder->error set. The event stays the caller's. */
static json_t *node(struct builder *builder, yaml_event_t *event, size_t depth)
{
	size_t before = builder->n_nodes;
	const yaml_char_t *anchor = NULL;
	json_t *json = NULL;

	if (depth > YAML_DEPTH_MAX) {
		fault_at(builder, event->start_mark, "nested deeper than %d", YAML_DEPTH_MAX);
		return NULL;
	}
	if (!count_nodes(builder, 1, event->start_mark))
		return NULL;
	switch (event->type) {
	case YAML_ALIAS_EVENT:
		return alias(builder, event);
	case YAML_SCALAR_EVENT:
		anchor = event->data.scalar.anchor;
		json = scalar(builder, event);
		break;
	case YAML_SEQUENCE_START_EVENT:
		anchor = event->data.sequence_start.anchor;
		json = sequence(builder, depth + 1);
		break;
	case YAML_MAPPING_START_EVENT:
		anchor = event->data.mapping_start.anchor;
		json = mapping(builder, depth + 1);
		break;
	default:
		fault_at(builder, event->start_mark, "not YAML");
		return NULL;
	}
	if (json)
		keep_anchor(builder, anchor, json, builder->n_nodes - before);
	else if (!builder->error)
		builder->error = -ENOMEM;
	return json;
}

/* Takes json. */
static int add_document(struct yaml_json *yaml, json_t *json, size_t line)
{
	if (json_is_null(json)) {
		json_decref(json);
		return 0;
	}
	if (yaml->n == yaml->cap && yaml->cap < YAML_DOCUMENTS_MAX) {
		size_t cap = yaml->cap ? yaml->cap * 2 : 8;
		struct yaml_document *at = realloc(yaml->at, cap * sizeof(*at));

		if (at) {
			yaml->at = at;
			yaml->cap = cap;
		}
	}
	if (yaml->n == yaml->cap) {
		json_decref(json);
		return -EFBIG;
	}
	yaml->at[yaml->n++] = (struct yaml_document){json, line};
	return 0;
}

static void load_yaml(struct builder *builder)
{
	bool end = false;

	while (!end) {
		yaml_event_t event;
		size_t line = 1;
		json_t *json = NULL;

		if (!next_event(builder, &event))
			return;
		switch (event.type) {
		case YAML_STREAM_START_EVENT:
		case YAML_DOCUMENT_START_EVENT:
			break;
		case YAML_DOCUMENT_END_EVENT:
			drop_anchors(builder);
			break;
		case YAML_STREAM_END_EVENT:
			end = true;
			break;
		default:
			line = event.start_mark.line + 1;
			json = node(builder, &event, 0);
			break;
		}
		yaml_event_delete(&event);
		if (json && !builder->error)
			builder->error = add_document(builder->yaml, json, line);
		else
			json_decref(json);
		if (builder->error)
			return;
	}
}

static size_t count_lines(struct str text)
{
	size_t n = 0;

	for (size_t i = 0; i < text.len; i++)
		n += text.at[i] == '\n';
	return n;
}

static int load_json(struct yaml_json *yaml, struct str text)
{
	size_t line = 1;

	for (;;) {
		struct str rest = str_trim_space(text);
		json_error_t error;
		json_t *json;
		int err;

		line += count_lines(str_take(text, (size_t)(rest.at - text.at)));
		if (!rest.len)
			return 0;
		json = json_loadb(rest.at, rest.len,
				  JSON_REJECT_DUPLICATES | JSON_DISABLE_EOF_CHECK, &error);
		if (!json) {
			snprintf(yaml->message, sizeof(yaml->message), "%s", error.text);
			yaml->line = line + (error.line > 0 ? (size_t)error.line - 1 : 0);
			yaml->column = error.column > 0 ? (size_t)error.column : 0;
			return -EINVAL;
		}
		err = add_document(yaml, json, line);
		if (err)
			return err;
		line += count_lines(str_take(rest, (size_t)error.position));
		text = str_from(rest, (size_t)error.position);
	}
}

struct str yaml_json_unmarked(struct str text)
{
	struct str mark = STR("\xef\xbb\xbf");

	return str_starts(text, mark) ? str_from(text, mark.len) : text;
}

int yaml_json_load(struct yaml_json *yaml, struct str text, bool is_json)
{
	struct builder builder = {.yaml = yaml};

	*yaml = (struct yaml_json){0};
	text = yaml_json_unmarked(text);
	if (text.len > YAML_BYTES_MAX) {
		snprintf(yaml->message, sizeof(yaml->message), "larger than %d bytes",
			 YAML_BYTES_MAX);
		return -EFBIG;
	}
	if (is_json) {
		builder.error = load_json(yaml, text);
	} else {
		if (!yaml_parser_initialize(&builder.parser))
			return -ENOMEM;
		yaml_parser_set_input_string(&builder.parser,
					     (const unsigned char *)(text.len ? text.at : ""),
					     text.len);
		yaml_parser_set_encoding(&builder.parser, YAML_UTF8_ENCODING);
		load_yaml(&builder);
		yaml_parser_delete(&builder.parser);
		drop_anchors(&builder);
		free(builder.anchors);
	}
	if (builder.error) {
		if (!yaml->message[0])
			snprintf(yaml->message, sizeof(yaml->message), "%s",
				 builder.error == -EFBIG ? "too many documents" : "no memory");
		for (size_t i = 0; i < yaml->n; i++)
			json_decref(yaml->at[i].json);
		yaml->n = 0;
	}
	return builder.error;
}

void yaml_json_done(struct yaml_json *yaml)
{
	for (size_t i = 0; i < yaml->n; i++)
		json_decref(yaml->at[i].json);
	free(yaml->at);
	*yaml = (struct yaml_json){0};
}
