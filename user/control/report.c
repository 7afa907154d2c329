// SPDX-License-Identifier: Apache-2.0
/*
 * report: remembers the faults of the last revision as a set of texts, and logs the difference.
 */
#include "control/report.h"

#include <stdlib.h>

#include "base/log.h"

enum { KEY_MAX_BYTES = 4096, ARENA_MAX_BYTES = 64 << 20 };

/* One while it is looked through. */
struct revision {
	struct report *report;
	struct table faults; /* text -> itself, heap */
	uint32_t unsupported[REPORT_KINDS];
};

void report_init(struct report *report)
{
	*report = (struct report){0};
	table_init(&report->known, NULL);
}

void report_done(struct report *report)
{
	TABLE_EACH (&report->known, slot)
		free(slot->value);
	table_done(&report->known);
}

static void log_diag(const struct diag *diag)
{
	const struct log_field fields[] = {
		LOG_S("object", diag->object), LOG_S("field", diag->field),
		LOG_S("error", diag->message), LOG_S("expected", diag->expected),
		LOG_S("found", diag->found),   LOG_S("suggestion", diag->suggestion),
		LOG_S("file", diag->file),     LOG_I("line", diag->line),
	};
	struct log_field shown[8];
	size_t n = 0;

	for (size_t i = 0; i < sizeof(fields) / sizeof(*fields); i++)
		if (fields[i].kind == LOG_FIELD_INT ? fields[i].number != 0
						    : fields[i].text.len != 0)
			shown[n++] = fields[i];
	/* An object may have many faults: none of them repeats another. */
	if (log_on(diag->level == DIAG_ERROR ? LOG_ERROR : LOG_WARN))
		log_fields_always(diag->level == DIAG_ERROR ? LOG_ERROR : LOG_WARN,
				  diag->level == DIAG_ERROR ? "manifest fault, going on without it"
							    : "manifest warning",
				  shown, n);
}

/* "Middleware/shop/auth": the kind of what a diag is about. */
static size_t kind_of(struct str object)
{
	struct str kind = object;

	str_next(&object, '/', &kind);
	return kind_find(kind); /* KIND__COUNT is REPORT_OTHER_KINDS */
}

/* Moves a fault from the old set to the new one; logs it when it was not there. */
static void see(struct revision *revision, const struct diag *diag)
{
	struct table *now = &revision->faults;
	char key[KEY_MAX_BYTES];
	int length = snprintf(key, sizeof(key), STR_FMT "|" STR_FMT "|" STR_FMT "|" STR_FMT,
			      STR_ARG(diag->object), STR_ARG(diag->field), STR_ARG(diag->message),
			      STR_ARG(diag->found));
	struct str text = str_n(key, length < KEY_MAX_BYTES ? (size_t)length : KEY_MAX_BYTES - 1);

	if (table_find(now, text))
		return;
	if (diag->unsupported)
		revision->unsupported[kind_of(diag->object)]++;
	char *copy = table_del(&revision->report->known, text);

	if (!copy) {
		log_diag(diag);
		copy = malloc(text.len + 1);
		if (!copy)
			return;
		memcpy(copy, text.at, text.len);
		copy[text.len] = 0;
	}
	if (table_put(now, str_n(copy, text.len), copy, NULL) < 0)
		free(copy);
}

static void see_all(struct revision *revision, const struct diag_sink *sink)
{
	for (size_t i = 0; sink && i < sink->n; i++)
		see(revision, &sink->at[i]);
}

/* What was known before and is gone now. */
static void log_mended(const struct table *gone)
{
	TABLE_EACH (gone, slot) {
		struct str object = slot->key, rest = slot->key;

		str_next(&rest, '|', &object);
		LOG(LOG_INFO, "manifest fault is gone", LOG_S("object", object));
		free(slot->value);
	}
}

static int by_id(const void *a, const void *b)
{
	return str_cmp((*(struct object *const *)a)->id, (*(struct object *const *)b)->id);
}

/* The objects with anything to tell of, sorted: mostly few among very many. */
static struct object **faulty(const struct store *store, enum kind kind, struct arena *arena,
			      size_t *ret_n)
{
	struct object **at;
	size_t n = 0;

	*ret_n = 0;
	TABLE_EACH (&store->objects[kind], slot) {
		const struct object *object = slot->value;

		n += object->diags.n || !object->valid;
	}
	at = n ? ARENA_ARRAY(arena, struct object *, n) : NULL;
	if (!at)
		return NULL;
	TABLE_EACH (&store->objects[kind], slot) {
		struct object *object = slot->value;

		if (object->diags.n || !object->valid)
			at[(*ret_n)++] = object;
	}
	qsort(at, n, sizeof(*at), by_id);
	return at;
}

size_t report_revision(struct report *report, const struct store *store,
		       const struct snapshot *snapshot, const struct diag_sink *files)
{
	struct revision now = {.report = report};
	struct arena arena;
	size_t n_broken = 0;

	table_init(&now.faults, NULL);
	arena_init(&arena, ARENA_MAX_BYTES, 0);
	see_all(&now, files);
	for (int kind = 0; kind < KIND__COUNT; kind++) {
		size_t n;
		struct object **objects = faulty(store, (enum kind)kind, &arena, &n);

		for (size_t i = 0; objects && i < n; i++) {
			see_all(&now, &objects[i]->diags);
			n_broken += !objects[i]->valid;
		}
	}
	see_all(&now, &snapshot->diags);
	log_mended(&report->known);
	table_done(&report->known);
	report->known = now.faults;
	for (int kind = 0; kind < REPORT_KINDS; kind++)
		atomic_store_explicit(&report->unsupported[kind], now.unsupported[kind],
				      memory_order_relaxed);
	arena_done(&arena);
	return n_broken;
}

void report_collect(void *context, enum metric_id id, struct metric_scrape *scrape)
{
	struct report *report = context;

	for (int kind = 0; id == METRIC_CONFIG_UNSUPPORTED && kind < REPORT_KINDS; kind++) {
		uint32_t n = atomic_load_explicit(&report->unsupported[kind], memory_order_relaxed);
		struct str label =
			kind == REPORT_OTHER_KINDS ? STR("other") : str_of(kind_infos[kind].kind);

		if (n || kind == REPORT_OTHER_KINDS)
			metric_sample(scrape, &label, n);
	}
}
