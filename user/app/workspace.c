// SPDX-License-Identifier: Apache-2.0
/* workspace: the same source, store and compiler as the running proxy, once. */
#include "app/workspace.h"

#include <errno.h>
#include <stdio.h>

#include "app/assumed.h"
#include "base/log.h"
#include "plan/registry.h"
#include "source/folder.h"
#include "tls/tls_cache.h"

enum { ARENA_MAX_BYTES = 256 << 20 };

int workspace_open(const struct command_line *line, struct workspace *ret_workspace)
{
	struct workspace *self = ret_workspace;

	*self = (struct workspace){0};
	arena_init(&self->arena, ARENA_MAX_BYTES, 0);
	diag_init(&self->files, &self->arena);
	store_init(&self->store);
	if (!line->config.manifests.len) {
		fprintf(stderr, "tidegate %s: which manifests? give --manifests=DIR\n",
			line->command->name);
		workspace_close(self);
		return EXIT_USAGE;
	}
	int rc = 0;
	/* Texts of options are copied into an arena, so a NUL follows them. */
	struct folder *folder = folder_open(line->config.manifests.at, &rc);

	if (!folder) {
		fprintf(stderr, "tidegate %s: " STR_FMT ": %s\n", line->command->name,
			STR_ARG(line->config.manifests), log_strerror(rc));
		workspace_close(self);
		return EXIT_FAULTS;
	}
	folder_read(folder, &self->store, &self->files);
	folder_close(folder);
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
