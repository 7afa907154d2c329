/* SPDX-License-Identifier: Apache-2.0 */
#ifndef ASSUMED_H
#define ASSUMED_H

/*
 * assumed: entry points for commands that look at manifests without being told the proxy's options.
 *
 * `check` and `explain` are often run on a folder alone. Then every entry point that the manifests
 * name is assumed to exist: web on :80, websecure on :443 (the names that Traefik's chart uses),
 * others from :8000 on.
 */

#include "model/object.h"
#include "model/static_config.h"

/* Replaces config's entry points when none were configured; memory from arena. True when it did. */
bool assumed_entry_points(const struct store *store, struct arena *arena,
			  struct static_config *config);

#endif
