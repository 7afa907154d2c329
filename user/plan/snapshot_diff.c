// SPDX-License-Identifier: Apache-2.0
/* snapshot_diff: compares the JSON that people are shown, so that it can miss nothing they see. */
#include "plan/snapshot_diff.h"

#include <stdlib.h>
#include <string.h>

#include "plan/kernel_json.h"
#include "plan/rawdata.h"

/* (member of the JSON, how one of them is called) */
static const struct section {
	const char *member, *what;
} sections[] = {
	{"routers", "router"},
	{"middlewares", "middleware"},
	{"services", "service"},
	{"tcpRouters", "TCP router"},
	{"tcpMiddlewares", "TCP middleware"},
	{"tcpServices", "TCP service"},
	{"udpRouters", "UDP router"},
	{"udpServices", "UDP service"},
	{"kernelPolicies", "kernel policy"},
	{"kernelEntries", "kernel entry"},
	{"kernelServices", "kernel service"},
};

/* Members that follow from others. */
static bool is_derived(const char *field)
{
	static const char *const names[] = {"using", "usedBy", "serverStatus", "name", "provider"};

	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++)
		if (!strcmp(names[i], field))
			return true;
	return false;
}

static json_t *all_of(const struct snapshot *snapshot)
{
	json_t *json = rawdata(snapshot, 0), *kernel = kernel_json(snapshot->kernel);

	if (json && kernel)
		json_object_update(json, kernel);
	json_decref(kernel);
	return json;
}

static void add_field(json_t *fields, const char *path, json_t *before, json_t *after)
{
	json_t *row = json_pack("{s:s}", "field", path);

	if (before)
		json_object_set(row, "before", before);
	if (after)
		json_object_set(row, "after", after);
	json_array_append_new(fields, row);
}

/* Goes down while both are objects; depth is that of our own JSON. */
static void compare(json_t *fields, const char *path, json_t *before, json_t *after)
{
	const char *key;
	json_t *value;
	char inner[512];

	if (before && after && json_equal(before, after))
		return;
	if (!json_is_object(before) || !json_is_object(after)) {
		add_field(fields, path, before, after);
		return;
	}
	json_object_foreach(before, key, value)
	{
		if (!*path && is_derived(key))
			continue;
		snprintf(inner, sizeof(inner), "%s%s%s", path, *path ? "." : "", key);
		compare(fields, inner, value, json_object_get(after, key));
	}
	json_object_foreach(after, key, value)
	{
		if ((!*path && is_derived(key)) || json_object_get(before, key))
			continue;
		snprintf(inner, sizeof(inner), "%s%s%s", path, *path ? "." : "", key);
		add_field(fields, inner, NULL, value);
	}
}

static void add(json_t *diff, const struct section *section, const char *name, const char *change,
		const char *member, json_t *value)
{
	json_t *row =
		json_pack("{s:s, s:s, s:s}", "what", section->what, "name", name, "change", change);

	json_object_set(row, member, value);
	json_array_append_new(diff, row);
}

static int by_text(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* Names of both, sorted; each may be there twice. NULL without memory. */
static const char **names_of(json_t *before, json_t *after, size_t *ret_n)
{
	const char **names =
		calloc(json_object_size(before) + json_object_size(after) + 1, sizeof(*names));
	const char *key;
	json_t *value;
	size_t n = 0;

	if (!names)
		return NULL;
	json_object_foreach(before, key, value) names[n++] = key;
	json_object_foreach(after, key, value) names[n++] = key;
	qsort(names, n, sizeof(*names), by_text);
	*ret_n = n;
	return names;
}

static void compare_section(json_t *diff, const struct section *section, json_t *before,
			    json_t *after)
{
	size_t n = 0;
	const char **names = names_of(before, after, &n);

	for (size_t i = 0; names && i < n; i++) {
		json_t *old = json_object_get(before, names[i]);
		json_t *new = json_object_get(after, names[i]);

		if (i && !strcmp(names[i], names[i - 1]))
			continue;
		if (!old || !new) {
			add(diff, section, names[i], old ? "removed" : "added", "item",
			    old ? old : new);
			continue;
		}
		json_t *fields = json_array();

		compare(fields, "", old, new);
		if (json_array_size(fields))
			add(diff, section, names[i], "changed", "fields", fields);
		json_decref(fields);
	}
	free(names);
}

json_t *snapshot_diff(const struct snapshot *before, const struct snapshot *after)
{
	json_t *old = all_of(before), *new = all_of(after), *diff = json_array();

	for (size_t i = 0; old && new &&i < sizeof(sections) / sizeof(*sections); i++)
		compare_section(diff, &sections[i], json_object_get(old, sections[i].member),
				json_object_get(new, sections[i].member));
	if (!old || !new) {
		json_decref(diff);
		diff = NULL;
	}
	json_decref(old);
	json_decref(new);
	return diff;
}

static void print_value(struct buf *buf, const json_t *value)
{
	char *text = value ? json_dumps(value, JSON_ENCODE_ANY | JSON_COMPACT) : NULL;

	buf_add(buf, text ? str_of(text) : STR("nothing"));
	free(text);
}

/* Names of routers are hashes: their rules tell people which ones they are. */
static void print_rule(struct buf *buf, const json_t *item)
{
	const char *rule = json_string_value(json_object_get(item, "rule"));

	if (rule)
		buf_addf(buf, "    %s\n", rule);
}

void snapshot_diff_print(const json_t *diff, struct buf *buf)
{
	size_t i, k;
	json_t *row, *field;

	json_array_foreach(diff, i, row)
	{
		const char *change = json_string_value(json_object_get(row, "change"));

		buf_addf(buf, "%s %s %s\n",
			 *change == 'a'	  ? "+"
			 : *change == 'r' ? "-"
					  : "~",
			 json_string_value(json_object_get(row, "what")),
			 json_string_value(json_object_get(row, "name")));
		print_rule(buf, json_object_get(row, "item"));
		json_array_foreach(json_object_get(row, "fields"), k, field)
		{
			buf_addf(buf,
				 "    %s: ", json_string_value(json_object_get(field, "field")));
			print_value(buf, json_object_get(field, "before"));
			buf_add(buf, STR(" -> "));
			print_value(buf, json_object_get(field, "after"));
			buf_add(buf, STR("\n"));
		}
	}
}
