/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CONFIG_MAP_H
#define CONFIG_MAP_H

/* config_map: v1 ConfigMap: its texts. */

#include "model/schema.h"

struct config_map {
	struct str_map data; /* sorted by key */
};

/* The text of a key; at is NULL when it is not there. */
struct str config_map_get(const struct config_map *map, struct str key);

extern const struct schema schema_config_map;

#endif
