/* SPDX-License-Identifier: Apache-2.0 */
#ifndef COMPILER_H
#define COMPILER_H

/*
 * compiler: compile, again and again, at the cost of what changed.
 *
 * It remembers what every part of the last snapshot stands on. When only Services, EndpointSlices,
 * routes, and what belongs to them changed, it makes those anew and shares the rest with the last
 * snapshot; everything else compiles the store as a whole. Both give the same result. One thread.
 */

#include "plan/compile.h"

struct compiler;

enum compiler_effort {
	COMPILE_EVERYTHING,
	COMPILE_CHANGES, /* of the store, since its changes were last taken */
};

struct compiler_stats {
	bool was_quick;	 /* the last run: only what changed */
	bool same_diags; /* and it changed no fault */
	uint64_t n_full, n_quick;
	uint32_t n_units; /* made in the last run */
	size_t n_bytes;	  /* of what the last full pass made */
};

/* config and registry are borrowed and outlive it. NULL without memory. */
struct compiler *compiler_new(const struct static_config *config, struct registry *registry);
void compiler_free(struct compiler *compiler);
/* Never fails but for lack of memory (NULL): then the next run compiles everything. */
struct snapshot *compiler_run(struct compiler *compiler, const struct store *store,
			      enum compiler_effort effort, uint64_t revision);
/* Checks have found that a server is well or not: what depends on it is made anew in the next run.
 */
void compiler_health_changed(struct compiler *compiler);
struct compiler_stats compiler_stats(const struct compiler *compiler);

#endif
