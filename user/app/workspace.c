// SPDX-License-Identifier: Apache-2.0
/* workspace: the same source, store and compiler as the running proxy, once. */
#include "app/workspace.h"

#include <errno.h>
#include <stdio.h>

#include "app/assumed.h"
#include "base/log.h"
#include "plan/registry.h"
#include "source/sources.h"
#include "tls/tls_cache.h"

enum { ARENA_MAX_BYTES = 256 << 20 };

int workspace_open(const struct command_line *line, struct workspace *ret_workspace)
{
	struct workspace *self = ret_workspace;

	*self = (struct workspace){0};
	arena_init(&self->arena, ARENA_MAX_BYTES, 0);
	diag_init(&self->files, &self->arena);
	store_init(&self->store);
	if (!sources_are_named(&line->config)) {
		fprintf(stderr, "tidegate %s: which manifests? give --manifests=DIR\n",
			line->command->name);
		workspace_close(self);
		return EXIT_USAGE;
	}
	struct str path;
	int rc = 0;
	struct sources *sources = sources_open(&line->config, &path, &rc);

	if (!sources) {
		fprintf(stderr, "tidegate %s: " STR_FMT ": %s\n", line->command->name,
			STR_ARG(path), log_strerror(rc));
		workspace_close(self);
		return EXIT_FAULTS;
	}
	sources_read(sources, &self->store, &self->files);
	sources_close(sources);
	self->config = line->config;
	assumed_entry_points(&self->store, &self->arena, &self->config);
	self->registry = registry_new();
	self->tls = tls_cache_new();
	if (self->registry && self->tls) {
		registry_set_tls(self->registry, self->tls);
		self->snapshot = compile(&self->store, &self->config, self->registry, 1);
	}
	if (!self->snapshot) {
		fprintf(stderr, "tidegate %s: out of memory\n", line->command->name);
		workspace_close(self);
		return EXIT_FAULTS;
	}
	return EXIT_OK;
}

void workspace_close(struct workspace *workspace)
{
	snapshot_unref(workspace->snapshot);
	registry_free(workspace->registry);
	tls_cache_free(workspace->tls);
	store_done(&workspace->store);
	arena_done(&workspace->arena);
}
