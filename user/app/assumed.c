// SPDX-License-Identifier: Apache-2.0
/* assumed: collects the names, makes an options document of them, and decodes that like any other.
 */
#include "app/assumed.h"

#include <stdio.h>

#include "model/ingress_route.h"
#include "model/source_policy.h"

enum { FIRST_PORT = 8000 };

static void add_name(json_t *entry_points, struct str name)
{
	char key[256], address[16];

	if (!name.len || name.len >= sizeof(key))
		return;
	snprintf(key, sizeof(key), STR_FMT, STR_ARG(name));
	if (json_object_get(entry_points, key))
		return;
	if (str_eq_nocase(name, STR("web")) || str_eq_nocase(name, STR("http")))
		snprintf(address, sizeof(address), ":80");
	else if (str_eq_nocase(name, STR("websecure")))
		snprintf(address, sizeof(address), ":443");
	else
		snprintf(address, sizeof(address), ":%zu",
			 FIRST_PORT + json_object_size(entry_points));
	json_object_set_new(entry_points, key, json_pack("{s:s}", "address", address));
}

static void add_names(json_t *entry_points, const struct strs *names)
{
	for (size_t i = 0; i < names->n; i++)
		add_name(entry_points, names->at[i]);
}

static void collect(const struct store *store, json_t *entry_points)
{
	TABLE_EACH (&store->objects[KIND_INGRESS_ROUTE], slot) {
		const struct object *object = slot->value;

		if (object->valid)
			add_names(entry_points,
				  &((const struct ingress_route *)object->spec)->entry_points);
	}
	TABLE_EACH (&store->objects[KIND_SOURCE_POLICY], slot) {
		const struct object *object = slot->value;

		if (object->valid)
			add_names(entry_points,
				  &((const struct source_policy *)object->spec)->entry_points);
	}
}

/* What the options are when nobody says anything: Traefik's one entry point (reference e). */
static bool none_configured(const struct static_config *config)
{
	const struct static_entry_point *only =
		config->entry_points.n == 1 ? static_entry_point(config, 0) : NULL;

	return only && str_eq(only->name, STR("http")) && str_eq(only->address, STR(":80"));
}

bool assumed_entry_points(const struct store *store, struct arena *arena,
			  struct static_config *config)
{
	json_t *entry_points = json_object();
	struct diag_sink sink;
	struct static_config assumed;

	diag_init(&sink, arena);
	if (none_configured(config))
		collect(store, entry_points);
	size_t n = json_object_size(entry_points);

	if (n) {
		/* The two that everybody has, so that a URL finds where it would arrive. */
		add_name(entry_points,
			 json_object_get(entry_points, "http") ? STR("http") : STR("web"));
		add_name(entry_points, STR("websecure"));
	}
	json_t *document = json_pack("{s:o}", "entryPoints", entry_points);

	n = n && static_config_from_json(document, arena, &sink, &assumed) == 0 ? n : 0;
	if (n)
		config->entry_points = assumed.entry_points;
	json_decref(document);
	return n > 0;
}
