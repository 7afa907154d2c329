// SPDX-License-Identifier: Apache-2.0
/*
 * static_unsupported: takes known options without effect out of a document before it is decoded.
 */
#include "model/static_unsupported.h"

#include <stdio.h>

#include "model/schema_value.h"
#include "model/schema_walk.h"
#include "model/static_config.h"

#define NO_SOURCE "objects come from the manifests folder (manifests)"

static const struct static_unsupported_group groups[] = {
	{"", "", IGNORED},
	{"accesslog.", "lines go where accessLog.filePath says, whole", IGNORED},
	{"api.", "there is no dashboard", IGNORED},
	{"certificatesresolvers", "no certificate is requested: routes use tls.secretName",
	 IGNORED},
	{"experimental.plugins", "there are no plugins", REFUSED},
	{"experimental.localplugins", "there are no plugins", REFUSED},
	{"experimental.", "there are no experiments", IGNORED},
	{"hostresolver", "names are not resolved to match hosts", IGNORED},
	{"log.", "the log goes to standard error", IGNORED},
	{"metrics.", "only Prometheus metrics are offered", IGNORED},
	{"ocsp", "certificates are not stapled", IGNORED},
	{"providers.", NO_SOURCE, REFUSED},
	{"providers.precedence", "there is one provider", IGNORED},
	{"serverstransport.spiffe", "SPIFFE is not spoken to servers", REFUSED},
	{"spiffe", "SPIFFE is not spoken to servers", REFUSED},
	{"tcpserverstransport", "TCP is not proxied", IGNORED},
	{"tracing", "nothing is traced", IGNORED},
};

const struct static_unsupported_group *static_unsupported_group(struct str path)
{
	const struct static_unsupported_group *best = &groups[0];

	for (size_t i = 0; i < sizeof(groups) / sizeof(*groups); i++) {
		struct str prefix = str_of(groups[i].prefix);

		if (str_starts_nocase(path, prefix) && prefix.len >= strlen(best->prefix))
			best = &groups[i];
	}
	return best;
}

enum match { MATCH_NONE, MATCH_GROUP, MATCH_ROW };

static struct str without_index(struct str name)
{
	ptrdiff_t bracket = str_find(name, '[');

	return bracket < 0 ? name : str_take(name, (size_t)bracket);
}

static enum match match_row(const struct static_unsupported *row, struct str path)
{
	struct str pattern = str_of(row->path), want, name;

	while (str_next(&path, '.', &name)) {
		if (!str_next(&pattern, '.', &want))
			return MATCH_NONE;
		if (!str_eq(want, STR("_name_")) &&
		    !str_eq_nocase(without_index(want), without_index(name)))
			return MATCH_NONE;
	}
	return pattern.at ? MATCH_GROUP : MATCH_ROW;
}

static enum match match_any(struct str path, const struct static_unsupported **ret_row)
{
	enum match best = MATCH_NONE;

	*ret_row = NULL;
	for (size_t i = 0; i < static_unsupported_count; i++) {
		enum match match = match_row(&static_unsupported_rows[i], path);

		if (match > best) {
			best = match;
			*ret_row = match == MATCH_ROW ? &static_unsupported_rows[i] : NULL;
		}
	}
	return best;
}

/* A value of the default, or one that switches off, asks for nothing. */
static bool asks_for_nothing(const json_t *value, const struct static_unsupported *row)
{
	bool on;

	if (json_is_false(value) || json_is_null(value))
		return true;
	if (json_is_string(value)) {
		struct str text = schema_value_text(value);

		if (text.len && num_bool(text, &on) == 0 && !on)
			return true;
		return row && str_eq_nocase(text, str_of(row->preset)) && row->preset[0];
	}
	if (json_is_true(value))
		return row && strcmp(row->preset, "true") == 0;
	if (json_is_integer(value)) {
		char text[32];

		snprintf(text, sizeof(text), "%lld", (long long)json_integer_value(value));
		return row && strcmp(text, row->preset) == 0;
	}
	return false;
}

static void tell_unknown(struct diag_sink *sink, const struct diag_path *path, struct str text)
{
	enum { ROOM = 64 };
	ptrdiff_t dot = str_rfind(text, '.');
	struct str parent = str_take(text, dot < 0 ? 0 : (size_t)dot + 1);
	struct str names[ROOM], near;
	struct diag *diag = diag_error(sink, path, "unknown option");
	size_t n = 0;

	for (size_t i = 0; i < static_unsupported_count && n < ROOM; i++) {
		struct str own = str_of(static_unsupported_rows[i].path);

		if (str_starts_nocase(own, parent) && str_find(str_from(own, parent.len), '.') < 0)
			names[n++] = str_from(own, parent.len);
	}
	near = str_nearest(arena_lower(sink->arena, str_from(text, parent.len)), names, n);
	if (near.len)
		diag_suggest(sink, diag, "did you mean " STR_FMT "?", STR_ARG(near));
}

/*
 * The gravest reason why something that value, which stands at a known place, asks for has no
 * effect; NULL when it asks for nothing. Unknown keys are told of.
 */
static const struct static_unsupported_group *
look_inside(const json_t *value, const struct diag_path *path, struct diag_sink *sink)
{
	struct str text = diag_path_print(path, sink->arena);
	const struct static_unsupported *row;
	enum match match = match_any(text, &row);
	const struct static_unsupported_group *worst = NULL, *group;
	const char *key;
	json_t *item;

	if (match == MATCH_NONE) {
		tell_unknown(sink, path, text);
		return NULL;
	}
	/* Below a row that is no group (plugin settings) anything may stand. */
	if (!json_is_object(value) || json_object_size(value) == 0)
		return asks_for_nothing(value, row) ? NULL : static_unsupported_group(text);
	json_object_foreach((json_t *)(uintptr_t)value, key, item)
	{
		const struct diag_path at = {path, key, strlen(key), 0};

		group = look_inside(item, &at, sink);
		if (group && (!worst || group->support == REFUSED))
			worst = group;
	}
	return worst;
}

static void tell(struct diag_sink *sink, const struct diag_path *path,
		 const struct static_unsupported_group *group)
{
	const char *colon = group->note[0] ? ": " : "";

	if (group->support == REFUSED)
		diag_error(sink, path, "not supported yet%s%s", colon, group->note);
	else
		diag_warning(sink, path, "has no effect%s%s", colon, group->note);
}

static json_t *copy_without(const json_t *object, const struct diag_path *path,
			    struct diag_sink *sink)
{
	json_t *copy = json_object();
	const char *key;
	json_t *value;

	json_object_foreach((json_t *)(uintptr_t)object, key, value)
	{
		const struct diag_path at = {path, key, strlen(key), 0};
		struct str text = diag_path_print(&at, sink->arena);
		const struct field *field = schema_find(&schema_static_config, text);
		const struct static_unsupported *row;

		if (!field && match_any(text, &row) != MATCH_NONE) {
			const struct static_unsupported_group *group =
				look_inside(value, &at, sink);

			if (group)
				tell(sink, &at, group);
			continue;
		}
		if (field && field->sub && json_is_object(value))
			json_object_set_new(copy, key, copy_without(value, &at, sink));
		else
			json_object_set(copy, key, value);
	}
	return copy;
}

json_t *static_unsupported_remove(const json_t *document, struct diag_sink *sink)
{
	/* Not an object: the decoder says so. */
	if (!json_is_object(document))
		return json_incref((json_t *)(uintptr_t)document);
	return copy_without(document, NULL, sink);
}
