// SPDX-License-Identifier: Apache-2.0
/*
 * config_map: the field table of ConfigMap. binaryData is not read: certificates are text.
 */
#include "model/config_map.h"

static const struct field object_fields[] = {
	FIELD(struct config_map, data, .name = "data", .doc = "Texts by key."),
};

const struct schema schema_config_map = {
	.name = "ConfigMap",
	.doc = "A Kubernetes ConfigMap.",
	.size = sizeof(struct config_map),
	SCHEMA_FIELDS(object_fields),
	.flags = SCHEMA_LENIENT,
};

struct str config_map_get(const struct config_map *map, struct str key)
{
	for (size_t i = 0; i < map->data.n; i++)
		if (str_eq(map->data.at[i].key, key))
			return map->data.at[i].value;
	return (struct str){0};
}
