/* SPDX-License-Identifier: Apache-2.0 */
#ifndef COMPILE_H
#define COMPILE_H

/*
 * compile: store + static configuration -> snapshot. Pure but for the registry (ids and shared
 * state).
 *
 * A broken object harms only itself: its routes are disabled or skipped with diags, everything else
 * is served. Never fails but for lack of memory (NULL).
 */

#include "model/object.h"
#include "model/static_config.h"
#include "plan/snapshot.h"

struct registry; /* plan/registry.h: dense ids and shared states, kept over compiles; one thread */

struct registry *registry_new(void);
void registry_free(struct registry *registry);

struct snapshot *compile(const struct store *store, const struct static_config *config,
			 struct registry *registry, uint64_t revision);

#endif
