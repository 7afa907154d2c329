/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TOML_JSON_H
#define TOML_JSON_H

/*
 * toml_json: TOML 1.0 text -> JSON, by toml++ behind toml_json.cc: Traefik's files may be written
 * in it. Times become strings. Depth is bounded by the library (256), size by whoever reads the
 * file. Pure.
 */

#include <jansson.h>
#include <stddef.h>

#include "base/str.h"

struct toml_json {
	json_t *json; /* owned by whoever called; NULL with a fault */
	char message[160];
	size_t line, column; /* 1.., 0 unknown */
};

/* 0, or -EINVAL with the fault, or -ENOMEM. */
int toml_json_load(struct toml_json *toml, struct str text);

#endif
