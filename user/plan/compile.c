// SPDX-License-Identifier: Apache-2.0
/* compile: what all files of compile need of each other: whose faults are told, which series count.
 */

#include <stdlib.h>

#include "obs/metric.h"
#include "plan/compile_unit.h"
#include "plan/compiler.h"

struct compile_about compile_about(struct compile *c, const struct object *object)
{
	struct compile_about before = {c->sink->object, c->sink->file, c->sink->line};

	if (!object) {
		diag_about(c->sink, STR("static configuration"), (struct str){0}, 0);
		return before;
	}
	/* Borrowed: the snapshot holds the object. */
	c->sink->object = object->id;
	c->sink->file = object->file;
	c->sink->line = object->line;
	return before;
}

void compile_about_end(struct compile *c, struct compile_about before)
{
	c->sink->object = before.object;
	c->sink->file = before.file;
	c->sink->line = before.line;
}

struct str compile_problem(const struct compile *c)
{
	return c->sink->n ? c->sink->at[c->sink->n - 1].message : STR("out of memory");
}

static void remember_series(struct compile *c, struct metric_series *series)
{
	struct compile_made *made = c->made;

	if (made->n_series == made->series_room) {
		uint32_t room = made->series_room ? made->series_room * 2 : 4;
		struct metric_series **at = realloc(made->series, room * sizeof(*at));

		if (!at) {
			c->arena->failed = true;
			metric_drop(registry_metrics(c->registry), series);
			return;
		}
		made->series = at;
		made->series_room = room;
	}
	made->series[made->n_series++] = series;
}

uint32_t compile_series_of(struct compile *c, unsigned int kind, const struct str *labels)
{
	struct metric_registry *metrics = registry_metrics(c->registry);
	struct metric_series *held = NULL;
	uint32_t id;

	if (!metrics || !c->made)
		return METRIC_SERIES_NONE;
	id = metric_hold(metrics, (enum metric_kind)kind, labels, &held);
	if (kind == METRIC_OF_SERVER)
		metric_gauge_set(metrics, id, 1);
	if (held)
		remember_series(c, held);
	return id;
}

uint32_t compile_series(struct compile *c, unsigned int kind, struct str a, struct str b)
{
	const struct str labels[] = {a, b};

	return compile_series_of(c, kind, labels);
}

struct snapshot *compile(const struct store *store, const struct static_config *config,
			 struct registry *registry, uint64_t revision)
{
	struct compiler *compiler = compiler_new(config, registry);
	struct snapshot *snapshot =
		compiler ? compiler_run(compiler, store, COMPILE_EVERYTHING, revision) : NULL;

	/* What it would need for the next one is not kept: the snapshot alone holds everything. */
	compiler_free(compiler);
	return snapshot;
}
