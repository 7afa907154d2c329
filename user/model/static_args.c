// SPDX-License-Identifier: Apache-2.0
/*
 * static_args: Traefik's spelling of options.
 *
 *	--entryPoints.web.address=:80		names in any case, one dash or two
 *	--ping					a group or a switch needs no value
 *	--interfaces eth0			anything else may stand apart
 *	--entryPoints.web.http.tls.domains[0].main=a
 *	TIDEGATE_ENTRYPOINTS_WEB_ADDRESS=:80
 */
#include "model/static_args.h"

#include <errno.h>
#include <stdlib.h>

#include "base/buf.h"
#include "base/num.h"
#include "model/schema_walk.h"
#include "model/static_config.h"
#include "model/toml_json.h"
#include "model/yaml_json.h"

enum { INDEX_MAX = 1000 };

json_t *static_args_get(const json_t *object, struct str name)
{
	const char *key;
	json_t *value;

	json_object_foreach((json_t *)(uintptr_t)object, key,
			    value) if (str_eq_nocase(str_of(key), name)) return value;
	return NULL;
}

/* "domains[2]": "domains" and 2; -1 without an index. False when it is neither. */
static bool split_index(struct str segment, struct str *ret_name, int64_t *ret_index)
{
	ptrdiff_t open = str_find(segment, '[');

	*ret_name = segment;
	*ret_index = -1;
	if (open < 0)
		return segment.len > 0;
	*ret_name = str_take(segment, (size_t)open);
	if (!ret_name->len || segment.at[segment.len - 1] != ']')
		return false;
	return num_int64(str_n(segment.at + open + 1, segment.len - (size_t)open - 2), ret_index) ==
		       0 &&
	       *ret_index >= 0 && *ret_index < INDEX_MAX;
}

json_t *static_args_at(const json_t *document, struct str path)
{
	const json_t *at = document;
	struct str segment, name;
	int64_t index;

	while (at && str_next(&path, '.', &segment)) {
		if (!split_index(segment, &name, &index))
			return NULL;
		at = static_args_get(at, name);
		if (at && index >= 0)
			at = json_array_get(at, (size_t)index);
	}
	return (json_t *)(uintptr_t)at;
}

/* Puts value (taken) under name, keeping the spelling of a key that is there. */
static json_t *put(json_t *object, struct str name, json_t *value)
{
	const char *key;
	json_t *old;

	json_object_foreach(object, key, old)
	{
		if (str_eq_nocase(str_of(key), name)) {
			json_object_set_new(object, key, value);
			return value;
		}
	}
	json_object_setn_new(object, name.at, name.len, value);
	return value;
}

/* The object or list that must be at name; what stands there and is neither is replaced. */
static json_t *container(json_t *object, struct str name, bool list)
{
	json_t *at = static_args_get(object, name);

	if (at && (list ? json_is_array(at) : json_is_object(at)))
		return at;
	return put(object, name, list ? json_array() : json_object());
}

static json_t *element(json_t *list, size_t index)
{
	while (json_array_size(list) <= index)
		json_array_append_new(list, json_null());
	if (!json_is_object(json_array_get(list, index)))
		json_array_set_new(list, index, json_object());
	return json_array_get(list, index);
}

static bool says_no(struct str value)
{
	bool on;

	return value.len && num_bool(value, &on) == 0 && !on;
}

static void set_leaf(json_t *object, struct str name, struct str value, bool append)
{
	json_t *old = static_args_get(object, name);
	json_t *text;

	/* --ping.entryPoint=x --ping says nothing new. */
	if (json_is_object(old) && !says_no(value))
		return;
	if (append && json_is_string(old) && json_string_length(old))
		text = json_sprintf("%s," STR_FMT, json_string_value(old), STR_ARG(value));
	else
		text = json_stringn(value.len ? value.at : "", value.len);
	if (text)
		put(object, name, text);
}

bool static_args_set(json_t *document, struct str path, struct str value, bool append)
{
	json_t *at = document;
	struct str segment, name;
	int64_t index;

	while (str_next(&path, '.', &segment)) {
		if (!split_index(segment, &name, &index))
			return false;
		if (!path.at && index < 0) {
			set_leaf(at, name, value, append);
			return true;
		}
		at = container(at, name, index >= 0);
		if (index >= 0 && path.at) {
			at = element(at, (size_t)index);
		} else if (index >= 0) {
			element(at, (size_t)index);
			json_array_set_new(at, (size_t)index,
					   json_stringn(value.len ? value.at : "", value.len));
			return true;
		}
	}
	return false;
}

void static_args_overlay(json_t *base, const json_t *over)
{
	const char *key;
	json_t *value;

	json_object_foreach((json_t *)(uintptr_t)over, key, value)
	{
		json_t *old = static_args_get(base, str_of(key));

		if (json_is_object(old) && json_is_object(value))
			static_args_overlay(old, value);
		else if (!(json_is_object(old) && json_is_string(value) &&
			   !says_no(str_of(json_string_value(value)))))
			put(base, str_of(key), json_deep_copy(value));
	}
}

/* Whether the option needs no value: a switch, or a group. */
static bool is_switch(const struct field *field)
{
	return field && (field->type == FIELD_BOOL || field->type == FIELD_OPT_BOOL || field->sub);
}

static void take_flag(json_t *document, struct str flag, const char *next, bool *ret_took_next,
		      struct diag_sink *sink)
{
	ptrdiff_t equals = str_find(flag, '=');
	struct str path = equals < 0 ? flag : str_take(flag, (size_t)equals);
	struct str value = equals < 0 ? (struct str){0} : str_from(flag, (size_t)equals + 1);
	const struct field *field = schema_find(&schema_static_config, path);

	*ret_took_next = equals < 0 && field && !is_switch(field) && next && next[0] != '-';
	if (*ret_took_next)
		value = str_of(next);
	if (static_args_set(document, path, value, field && field->type == FIELD_STRS))
		return;
	struct diag *diag = diag_error(sink, NULL, "not an option: --" STR_FMT, STR_ARG(flag));

	diag_expected(sink, diag, "--name.name=value");
}

json_t *static_args_flags(int argc, char *const *argv, struct diag_sink *sink,
			  struct strs *ret_words)
{
	json_t *document = json_object();
	bool only_words = false;

	if (ret_words) {
		ret_words->n = 0;
		ret_words->at = ARENA_ARRAY(sink->arena, struct str, (size_t)argc + 1);
	}
	for (int i = 0; i < argc; i++) {
		struct str word = str_of(argv[i]);
		bool took_next = false;

		if (!only_words && str_eq(word, STR("--"))) {
			only_words = true;
		} else if (!only_words && word.len > 1 && word.at[0] == '-') {
			word = str_from(word, word.at[1] == '-' ? 2 : 1);
			take_flag(document, word, i + 1 < argc ? argv[i + 1] : NULL, &took_next,
				  sink);
			i += took_next;
		} else if (ret_words && ret_words->at) {
			ret_words->at[ret_words->n++] = word;
		} else {
			struct diag *diag =
				diag_error(sink, NULL, "not an option: " STR_FMT, STR_ARG(word));

			diag_expected(sink, diag, "--name.name=value");
		}
	}
	return document;
}

/* "ENTRYPOINTS_WEB_ADDRESS" -> "entrypoints.web.address". */
static struct str path_of_variable(struct str name, struct arena *arena)
{
	struct str path = arena_lower(arena, name);

	for (size_t i = 0; i < path.len; i++)
		if (path.at[i] == '_')
			((char *)(uintptr_t)path.at)[i] = '.';
	return path;
}

/* What Kubernetes puts into every pod of a namespace for each Service there: "X_SERVICE_HOST",
 * "X_SERVICE_PORT", "X_SERVICE_PORT_WEB", "X_PORT=tcp://...", "X_PORT_80_TCP",
 * "X_PORT_80_TCP_ADDR". A Service called traefik-metrics must not keep us from starting. */
static bool is_service_link(struct str name, struct str value)
{
	ptrdiff_t at = str_search(name, STR("_SERVICE_PORT"));
	struct str rest = str_from(name, at < 0 ? name.len : (size_t)at + strlen("_SERVICE_PORT"));

	if (str_ends(name, STR("_SERVICE_HOST")) ||
	    (at >= 0 && (!rest.len || str_starts(rest, STR("_")))))
		return true;
	if (str_ends(name, STR("_PORT")) && str_search(value, STR("://")) > 0)
		return true;
	at = str_search(name, STR("_PORT_"));
	rest = str_from(name, at < 0 ? name.len : (size_t)at + strlen("_PORT_"));
	size_t n_digits = 0;

	while (n_digits < rest.len && rest.at[n_digits] >= '0' && rest.at[n_digits] <= '9')
		n_digits++;
	rest = str_from(rest, n_digits);
	return n_digits && (str_starts(rest, STR("_TCP")) || str_starts(rest, STR("_UDP")) ||
			    str_starts(rest, STR("_SCTP")));
}

json_t *static_args_environment(char *const *envp, struct diag_sink *sink)
{
	static const struct str prefixes[] = {{"TRAEFIK_", 8}, {"TIDEGATE_", 9}};
	json_t *document = json_object();

	for (size_t k = 0; k < sizeof(prefixes) / sizeof(*prefixes); k++) {
		for (char *const *at = envp; at && *at; at++) {
			struct str variable = str_of(*at), path, root;
			ptrdiff_t equals = str_find(variable, '=');

			if (equals < 0 || !str_starts(variable, prefixes[k]))
				continue;
			path = path_of_variable(
				str_from(str_take(variable, (size_t)equals), prefixes[k].len),
				sink->arena);
			root = str_take(path,
					(size_t)(str_find(path, '.') < 0 ? (ptrdiff_t)path.len
									 : str_find(path, '.')));
			/* Kubernetes sets TIDEGATE_SERVICE_HOST and the like: none of our names. */
			if (!schema_find(&schema_static_config, root) ||
			    is_service_link(str_take(variable, (size_t)equals),
					    str_from(variable, (size_t)equals + 1)))
				continue;
			if (!static_args_set(document, path, str_from(variable, (size_t)equals + 1),
					     false))
				diag_error(sink, NULL, "not an option: " STR_FMT,
					   STR_ARG(variable));
		}
	}
	return document;
}

struct layers {
	int (*read_file)(const char *path, struct buf *buf);
	json_t *flags, *environment, *file;
	struct str file_path;
	struct buf file_text;
	size_t file_line;
};

/* Lines of single options are not known there. */
static int load_toml(struct layers *layers, struct diag_sink *sink)
{
	struct toml_json toml;
	int error = toml_json_load(&toml, buf_str(&layers->file_text));

	layers->file = toml.json;
	sink->line = toml.line;
	if (error)
		diag_error(sink, NULL, "cannot be parsed: %s", toml.message);
	return error;
}

static int load_file(struct layers *layers, const char *path, struct diag_sink *sink)
{
	struct yaml_json yaml;
	int error;

	diag_about(sink, (struct str){0}, str_of(path), 0);
	error = layers->read_file(path, &layers->file_text);
	if (error) {
		diag_error(sink, NULL, "cannot be read: %s", strerrordesc_np(-error));
		return error;
	}
	if (str_ends(str_of(path), STR(".toml")))
		return load_toml(layers, sink);
	error = yaml_json_load(&yaml, buf_str(&layers->file_text),
			       str_ends(str_of(path), STR(".json")));
	sink->line = yaml.line;
	if (error)
		diag_error(sink, NULL, "cannot be parsed: %s", yaml.message);
	else if (yaml.n > 1 || (yaml.n == 1 && !json_is_object(yaml.at[0].json)))
		error = diag_error(sink, NULL, "not one object of options") ? -EINVAL : 0;
	else if (yaml.n == 1) {
		layers->file = json_incref(yaml.at[0].json);
		layers->file_line = yaml.at[0].line;
	}
	yaml_json_done(&yaml);
	return error;
}

/* Says where the option of each fault was written: the layer that won. */
static void place_faults(const struct layers *layers, struct diag_sink *sink, size_t from)
{
	for (size_t i = from; i < sink->n; i++) {
		struct diag *diag = &sink->at[i];
		struct str path = diag->field;

		if (!path.len || static_args_at(layers->flags, path)) {
			diag->object = STR("command line");
		} else if (static_args_at(layers->environment, path)) {
			diag->object = STR("environment");
		} else if (layers->file) {
			diag->object = STR("options");
			diag->file = layers->file_path;
			if (layers->file_line)
				diag->line = yaml_json_line(buf_str(&layers->file_text),
							    layers->file_line, path);
		} else {
			diag->object = STR("options");
		}
	}
}

static int decode_layers(struct layers *layers, struct arena *arena, struct diag_sink *sink,
			 struct static_config *ret_config)
{
	json_t *all = layers->file ? json_deep_copy(layers->file) : json_object();
	size_t from = sink->n;
	int error;

	static_args_overlay(all, layers->environment);
	static_args_overlay(all, layers->flags);
	diag_about(sink, (struct str){0}, (struct str){0}, 0);
	error = static_config_from_json(all, arena, sink, ret_config);
	json_decref(all);
	place_faults(layers, sink, from);
	return error;
}

/* As the downward API gives it. */
static struct str node_name(char *const *envp, struct arena *arena)
{
	for (char *const *at = envp; at && *at; at++)
		if (str_starts(str_of(*at), STR("NODE_NAME=")))
			return arena_str(arena, str_from(str_of(*at), strlen("NODE_NAME=")));
	return (struct str){0};
}

int static_config_from_args(int argc, char *const *argv, char *const *envp,
			    int (*read_file)(const char *path, struct buf *buf),
			    struct arena *arena, struct diag_sink *sink,
			    struct static_config *ret_config, struct strs *ret_words)
{
	struct layers layers = {.read_file = read_file};
	const json_t *path;
	int error = 0;

	diag_about(sink, STR("command line"), (struct str){0}, 0);
	buf_init(&layers.file_text, YAML_BYTES_MAX);
	layers.flags = static_args_flags(argc, argv, sink, ret_words);
	layers.environment = static_args_environment(envp, sink);
	path = static_args_get(layers.flags, STR("configFile"));
	if (!path)
		path = static_args_get(layers.environment, STR("configFile"));
	if (json_is_string(path) && json_string_length(path)) {
		layers.file_path = arena_str(arena, str_of(json_string_value(path)));
		error = load_file(&layers, layers.file_path.at, sink);
	}
	if (!error)
		error = decode_layers(&layers, arena, sink, ret_config);
	if (!error && sink->n_errors)
		error = -EINVAL;
	if (!error && !ret_config->forwarding.node_name.len)
		ret_config->forwarding.node_name = node_name(envp, arena);
	json_decref(layers.flags);
	json_decref(layers.environment);
	json_decref(layers.file);
	buf_done(&layers.file_text);
	return error;
}
