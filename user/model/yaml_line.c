// SPDX-License-Identifier: Apache-2.0
/*
 * yaml_line: where in a YAML text a field stands: a second walk over the events, made only for
 * texts that have faults, so that good ones need no table of lines.
 */
#include <yaml.h>

#include "base/num.h"
#include "model/yaml_json.h"

struct finder {
	yaml_parser_t parser;
	size_t line; /* of the nearest thing found */
	bool failed;
};

static bool next_event(struct finder *finder, yaml_event_t *event)
{
	if (!finder->failed && yaml_parser_parse(&finder->parser, event))
		return true;
	finder->failed = true;
	return false;
}

static int nesting(const yaml_event_t *event)
{
	switch (event->type) {
	case YAML_MAPPING_START_EVENT:
	case YAML_SEQUENCE_START_EVENT:
		return 1;
	case YAML_MAPPING_END_EVENT:
	case YAML_SEQUENCE_END_EVENT:
		return -1;
	default:
		return 0;
	}
}

/* Passes over the node that begins with an event of this nesting. */
static void skip_node(struct finder *finder, int depth)
{
	yaml_event_t event;

	while (depth > 0 && next_event(finder, &event)) {
		depth += nesting(&event);
		yaml_event_delete(&event);
	}
}

/* Whether path begins with this key; *ret_rest is what follows it. */
static bool takes_key(struct str path, struct str key, struct str *ret_rest)
{
	struct str rest = str_from(path, key.len);

	if (!key.len || !str_starts(path, key))
		return false;
	if (rest.len && rest.at[0] == '.')
		rest = str_from(rest, 1);
	else if (rest.len && rest.at[0] != '[')
		return false;
	*ret_rest = rest;
	return true;
}

/* "[3].match": 3 and "match". */
static bool takes_index(struct str path, uint64_t *ret_index, struct str *ret_rest)
{
	ptrdiff_t close = str_find(path, ']');

	if (!path.len || path.at[0] != '[' || close < 0 ||
	    num_uint64(str_n(path.at + 1, (size_t)close - 1), ret_index))
		return false;
	*ret_rest = str_from(path, (size_t)close + 1);
	if (ret_rest->len && ret_rest->at[0] == '.')
		*ret_rest = str_from(*ret_rest, 1);
	return true;
}

/* The event that begins the node for path: descends, one level per round. */
static void find_in(struct finder *finder, yaml_event_type_t type, struct str path);

static void find_in_mapping(struct finder *finder, struct str path)
{
	yaml_event_t key, value;

	while (next_event(finder, &key)) {
		struct str rest, name = {0};
		size_t line = key.start_mark.line + 1;
		bool end = key.type == YAML_MAPPING_END_EVENT;
		bool is_it;

		if (key.type == YAML_SCALAR_EVENT)
			name = str_n((const char *)key.data.scalar.value, key.data.scalar.length);
		is_it = takes_key(path, name, &rest);
		if (!end)
			skip_node(finder, nesting(&key));
		yaml_event_delete(&key);
		if (end || !next_event(finder, &value))
			return;
		yaml_event_type_t type = value.type;
		int depth = nesting(&value);

		yaml_event_delete(&value);
		if (is_it) {
			finder->line = line;
			find_in(finder, type, rest);
			return;
		}
		skip_node(finder, depth);
	}
}

static void find_in_sequence(struct finder *finder, struct str path)
{
	struct str rest;
	uint64_t index;
	yaml_event_t item;

	if (!takes_index(path, &index, &rest))
		return;
	for (uint64_t i = 0; next_event(finder, &item); i++) {
		yaml_event_type_t type = item.type;
		size_t line = item.start_mark.line + 1;
		int depth = nesting(&item);

		yaml_event_delete(&item);
		if (type == YAML_SEQUENCE_END_EVENT)
			return;
		if (i == index) {
			finder->line = line;
			find_in(finder, type, rest);
			return;
		}
		skip_node(finder, depth);
	}
}

static void find_in(struct finder *finder, yaml_event_type_t type, struct str path)
{
	if (!path.len)
		return;
	if (type == YAML_MAPPING_START_EVENT)
		find_in_mapping(finder, path);
	else if (type == YAML_SEQUENCE_START_EVENT)
		find_in_sequence(finder, path);
}

size_t yaml_json_line(struct str text, size_t document_line, struct str path)
{
	struct finder finder = {.line = document_line};
	yaml_event_t event;
	bool at_document = false;

	text = yaml_json_unmarked(text);
	if (!text.len || !yaml_parser_initialize(&finder.parser))
		return document_line;
	yaml_parser_set_input_string(&finder.parser, (const unsigned char *)text.at, text.len);
	yaml_parser_set_encoding(&finder.parser, YAML_UTF8_ENCODING);
	while (next_event(&finder, &event)) {
		yaml_event_type_t type = event.type;
		size_t line = event.start_mark.line + 1;
		int depth = nesting(&event);
		bool is_it = at_document && line == document_line;

		yaml_event_delete(&event);
		if (type == YAML_STREAM_END_EVENT)
			break;
		if (is_it) {
			find_in(&finder, type, path);
			break;
		}
		/* Documents are walked over as one node. */
		at_document = type == YAML_DOCUMENT_START_EVENT;
		skip_node(&finder, depth);
	}
	yaml_parser_delete(&finder.parser);
	return finder.line;
}
