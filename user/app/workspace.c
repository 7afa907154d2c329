// SPDX-License-Identifier: Apache-2.0
/* workspace: the same source, store and compiler as the running proxy, once. */
#include "app/workspace.h"

#include <errno.h>
#include <stdio.h>

#include "app/assumed.h"
#include "app/given.h"
#include "base/clock.h"
#include "base/log.h"
#include "plan/registry.h"
#include "source/sources.h"
#include "tls/tls_cache.h"

enum { ARENA_MAX_BYTES = 256 << 20, LIST_SECONDS = 30 };

static void init(struct workspace *self)
{
	*self = (struct workspace){0};
	arena_init(&self->arena, ARENA_MAX_BYTES, 0);
	diag_init(&self->files, &self->arena);
	store_init(&self->store);
}

static int read_sources(const struct command_line *line, struct workspace *self)
{
	if (!sources_are_named(&line->config)) {
		fprintf(stderr,
			"tidegate %s: which manifests? give --manifests=DIR or --kubeconfig=FILE\n",
			line->command->name);
		return EXIT_USAGE;
	}
	struct str path;
	int rc = 0;
	char fault[SOURCES_FAULT_BYTES];
	struct sources *sources = sources_open(&line->config, &path, fault, &rc);

	if (!sources) {
		fprintf(stderr, "tidegate %s: " STR_FMT ": %s\n", line->command->name,
			STR_ARG(path), fault[0] ? fault : log_strerror(rc));
		return EXIT_UNREAD;
	}
	rc = sources_settle(sources, &self->store, &self->files, LIST_SECONDS * NS_PER_SEC);
	sources_close(sources);
	if (rc == 0)
		return EXIT_OK;
	if (rc == -EHOSTUNREACH)
		fprintf(stderr, "tidegate %s: the API server cannot be reached\n",
			line->command->name);
	else
		fprintf(stderr, "tidegate %s: the API server has not told everything within %d s\n",
			line->command->name, LIST_SECONDS);
	for (size_t i = 0; i < self->files.n; i++)
		fprintf(stderr, "  " STR_FMT ": " STR_FMT "\n", STR_ARG(self->files.at[i].object),
			STR_ARG(self->files.at[i].message));
	return EXIT_UNREAD;
}

static int compile_store(const struct command_line *line, struct workspace *self)
{
	self->config = line->config;
	assumed_entry_points(&self->store, &self->arena, &self->config);
	self->registry = registry_new();
	self->tls = tls_cache_new();
	if (self->registry && self->tls) {
		registry_set_tls(self->registry, self->tls);
		self->snapshot = compile(&self->store, &self->config, self->registry, 1);
	}
	if (self->snapshot)
		return EXIT_OK;
	fprintf(stderr, "tidegate %s: out of memory\n", line->command->name);
	return EXIT_UNREAD;
}

int workspace_open(const struct command_line *line, struct workspace *ret_workspace)
{
	init(ret_workspace);
	int rc = read_sources(line, ret_workspace);

	if (rc == EXIT_OK)
		rc = compile_store(line, ret_workspace);
	if (rc)
		workspace_close(ret_workspace);
	return rc;
}

static void copy_store(struct workspace *self, const struct workspace *before)
{
	for (int kind = 0; kind < KIND__COUNT; kind++) {
		size_t n;
		struct object **objects =
			store_sorted(&before->store, (enum kind)kind, &self->arena, &n);

		for (size_t i = 0; objects && i < n; i++)
			store_put(&self->store, objects[i]);
	}
}

static void apply_file(void *context, struct object *object, bool is_deleted)
{
	struct workspace *self = context;

	if (is_deleted)
		store_remove(&self->store, object->id, object->kind);
	else
		store_put(&self->store, object);
}

static int apply_all(const struct command_line *line, struct workspace *self,
		     const struct strs *paths, bool is_deleted)
{
	for (size_t i = 0; i < paths->n; i++) {
		struct given given = {self, is_deleted, apply_file};
		int rc = given_read(paths->at[i], &given, &self->files);

		if (rc == 0)
			continue;
		fprintf(stderr, "tidegate %s: " STR_FMT ": %s\n", line->command->name,
			STR_ARG(paths->at[i]), log_strerror(rc));
		return EXIT_USAGE;
	}
	return EXIT_OK;
}

int workspace_open_changed(const struct command_line *line, const struct workspace *before,
			   const struct strs *with, const struct strs *without,
			   struct workspace *ret_workspace)
{
	init(ret_workspace);
	copy_store(ret_workspace, before);
	int rc = apply_all(line, ret_workspace, without, true);

	if (rc == EXIT_OK)
		rc = apply_all(line, ret_workspace, with, false);
	if (rc == EXIT_OK)
		rc = compile_store(line, ret_workspace);
	if (rc)
		workspace_close(ret_workspace);
	return rc;
}

void workspace_each_sink(const struct workspace *workspace,
			 void (*each)(void *context, const struct diag_sink *sink), void *context)
{
	struct arena arena;

	arena_init(&arena, ARENA_MAX_BYTES, 0);
	each(context, &workspace->files);
	for (int kind = 0; kind < KIND__COUNT; kind++) {
		size_t n;
		struct object **objects =
			store_sorted(&workspace->store, (enum kind)kind, &arena, &n);

		for (size_t i = 0; objects && i < n; i++)
			each(context, &objects[i]->diags);
	}
	each(context, &workspace->snapshot->diags);
	arena_done(&arena);
}

void workspace_close(struct workspace *workspace)
{
	snapshot_unref(workspace->snapshot);
	registry_free(workspace->registry);
	tls_cache_free(workspace->tls);
	store_done(&workspace->store);
	arena_done(&workspace->arena);
}
