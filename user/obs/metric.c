// SPDX-License-Identifier: Apache-2.0
/*
 * metric: series are numbered by a table from labels to ids; workers' blocks are paged, so that a
 * block never moves while a scrape reads it. Pages and chunks are published with release and never
 * freed before the end.
 */

#include "obs/metric.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/die.h"
#include "obs/metric_state.h"

enum {
	KEY_MAX_BYTES = 64 << 10,
	GAUGE_SLOT_BITS = 20, /* the rest of an id counts how often the slot was used */
	CLASS_OVERFLOW = 1,   /* 0 in a worker's table means not known yet */
};

static bool is_gauge_kind(enum metric_kind kind)
{
	return kind >= METRIC_OF_RELOAD && kind <= METRIC_OF_CERT;
}

struct metric_registry *metric_registry_new(void)
{
	static const double bounds[] = {0.1, 0.3, 1.2, 5};
	struct metric_registry *registry = calloc(1, sizeof(*registry));

	if (!registry)
		return NULL;
	pthread_mutex_init(&registry->lock, NULL);
	table_init(&registry->by_key, NULL);
	registry->next_series = METRIC_SERIES_NONE + 1;
	registry->n_classes = CLASS_OVERFLOW + 1;
	registry->n_tls_classes = 1;
	metric_registry_set_buckets(registry, bounds, sizeof(bounds) / sizeof(*bounds));
	for (int i = 0; i < 2; i++) {
		/* Two gauges without labels: the value tells them apart. */
		struct str number = str_n(&"01"[i], 1);

		registry->reload_ids[i] = metric_gauge(registry, METRIC_OF_RELOAD, &number);
	}
	return registry;
}

static void free_index(struct metric_index *index)
{
	for (size_t i = 0; i < index->n; i++) {
		free(index->at[i]->key);
		free(index->at[i]);
	}
	free(index->at);
}

static void free_worker(struct metric_worker *worker)
{
	for (size_t i = 0; i < METRIC_PAGES; i++) {
		struct metric_block *page = worker->page[i];

		for (size_t k = 0; page && k < 1u << METRIC_PAGE_SHIFT; k++) {
			struct metric_chunks *chunks = page[k].chunks;

			for (size_t c = 0; chunks && c < METRIC_CHUNKS; c++)
				free(chunks->at[c]);
			free(chunks);
			free((void *)page[k].tls);
		}
	}
	arena_done(&worker->arena);
	free(worker);
}

void metric_registry_free(struct metric_registry *registry)
{
	if (!registry)
		return;
	for (struct metric_worker *worker = registry->workers, *next; worker; worker = next) {
		next = worker->next;
		free_worker(worker);
	}
	free_index(&registry->series);
	free_index(&registry->gauges);
	table_done(&registry->by_key);
	for (size_t i = 0; i < METRIC_TLS_CLASSES_MAX; i++) {
		free(registry->tls_classes[i].version);
		free(registry->tls_classes[i].cipher);
	}
	free(registry->gauge_slots);
	free(registry->gauge_uses);
	pthread_mutex_destroy(&registry->lock);
	free(registry);
}

int metric_registry_set_buckets(struct metric_registry *registry, const double *seconds, size_t n)
{
	if (n >= METRIC_BUCKETS_MAX)
		return -E2BIG;
	for (size_t i = 0; i < n; i++)
		if (!(seconds[i] > (i ? seconds[i - 1] : 0)) || seconds[i] > 1e9)
			return -EINVAL;
	for (size_t i = 0; i < n; i++)
		registry->bounds[i] = seconds[i];
	registry->n_buckets = n + 1;
	return 0;
}

void metric_registry_begin(struct metric_registry *registry)
{
	pthread_mutex_lock(&registry->lock);
	registry->building++;
	registry->full_gauge_slots = 0;
	pthread_mutex_unlock(&registry->lock);
}

void metric_registry_commit(struct metric_registry *registry)
{
	pthread_mutex_lock(&registry->lock);
	registry->committed = registry->building;
	pthread_mutex_unlock(&registry->lock);
}

int metric_registry_add_source(struct metric_registry *registry, metric_source_fn collect,
			       void *context)
{
	int err = -E2BIG;

	pthread_mutex_lock(&registry->lock);
	if (registry->n_sources < METRIC_SOURCES_MAX) {
		registry->sources[registry->n_sources].collect = collect;
		registry->sources[registry->n_sources++].context = context;
		err = 0;
	}
	pthread_mutex_unlock(&registry->lock);
	return err;
}

/* How many label values identify a series of this kind. */
static size_t n_values(enum metric_kind kind)
{
	size_t n = kind == METRIC_OF_RELOAD;

	while (n < METRIC_SERIES_LABELS_MAX && metric_kind_labels[kind][n])
		n++;
	return n;
}

/* "3:5:shop-4:8080": lengths keep different labels from making the same key. */
static struct metric_series *new_series(enum metric_kind kind, const struct str *labels)
{
	struct metric_series *series = calloc(1, sizeof(*series));
	size_t n = n_values(kind), value_at[METRIC_SERIES_LABELS_MAX];
	struct buf key;

	buf_init(&key, KEY_MAX_BYTES);
	buf_addf(&key, "%d", (int)kind);
	for (size_t i = 0; i < n; i++) {
		buf_addf(&key, ":%zu:", labels[i].len);
		value_at[i] = key.len;
		buf_add(&key, labels[i]);
	}
	if (!series || key.failed) {
		buf_done(&key);
		free(series);
		return NULL;
	}
	series->kind = kind;
	/* There are thousands, and a buffer has room to grow: only what is used is kept. */
	series->key = realloc(key.at, key.len);
	if (!series->key)
		series->key = key.at;
	series->key_len = key.len;
	for (size_t i = 0; i < n; i++)
		series->values[i] = str_n(series->key + value_at[i], labels[i].len);
	return series;
}

static void free_series(struct metric_series *series)
{
	free(series->key);
	free(series);
}

static bool index_add(struct metric_index *index, struct metric_series *series)
{
	if (index->n == index->cap) {
		size_t cap = index->cap ? index->cap * 2 : 64;
		struct metric_series **grown = realloc(index->at, cap * sizeof(*grown));

		if (!grown)
			return false;
		index->at = grown;
		index->cap = cap;
	}
	index->at[index->n++] = series;
	index->sorted = false;
	return true;
}

/* A free slot for a gauge; its id, or 0. */
static uint32_t take_gauge_slot(struct metric_registry *registry, struct metric_series *series)
{
	uint32_t slot = registry->full_gauge_slots;

	while (slot < registry->n_gauge_slots && registry->gauge_slots[slot])
		slot++;
	if (slot == registry->n_gauge_slots) {
		uint32_t n = slot ? slot * 2 : 64;

		if (n >= 1u << GAUGE_SLOT_BITS)
			return 0;
		struct metric_series **slots = realloc(registry->gauge_slots, n * sizeof(*slots));

		if (slots)
			registry->gauge_slots = slots;
		uint32_t *uses = realloc(registry->gauge_uses, n * sizeof(*uses));

		if (uses)
			registry->gauge_uses = uses;
		if (!slots || !uses)
			return 0;
		memset(slots + slot, 0, (n - slot) * sizeof(*slots));
		memset(uses + slot, 0, (n - slot) * sizeof(*uses));
		registry->n_gauge_slots = n;
	}
	registry->gauge_slots[slot] = series;
	registry->full_gauge_slots = slot + 1;
	return (registry->gauge_uses[slot] << GAUGE_SLOT_BITS) | (slot + 1);
}

static struct metric_series *gauge_of(struct metric_registry *registry, uint32_t gauge)
{
	uint32_t slot = (gauge & ((1u << GAUGE_SLOT_BITS) - 1)) - 1;

	if (gauge == 0 || slot >= registry->n_gauge_slots || !registry->gauge_slots[slot])
		return NULL;
	return registry->gauge_slots[slot]->id == gauge ? registry->gauge_slots[slot] : NULL;
}

static bool is_kept(const struct metric_registry *registry, const struct metric_series *series)
{
	return series->n_holders || series->generation >= registry->committed ||
	       series->kind == METRIC_OF_KTLS || series->kind == METRIC_OF_PROGRAM ||
	       series->kind == METRIC_OF_RELOAD;
}

static void sweep_gauges(struct metric_registry *registry)
{
	size_t kept = 0;

	for (size_t i = 0; i < registry->gauges.n; i++) {
		struct metric_series *series = registry->gauges.at[i];

		if (is_kept(registry, series)) {
			registry->gauges.at[kept++] = series;
			continue;
		}
		uint32_t slot = (series->id & ((1u << GAUGE_SLOT_BITS) - 1)) - 1;

		registry->gauge_slots[slot] = NULL;
		registry->gauge_uses[slot]++;
		table_del(&registry->by_key, str_n(series->key, series->key_len));
		free_series(series);
	}
	registry->gauges.n = kept;
	registry->full_gauge_slots = 0;
	registry->n_gauges_gone = 0;
}

/* Gives a new series its number and its places; false when there is no room. */
static bool enter(struct metric_registry *registry, struct metric_series *series)
{
	bool gauge = is_gauge_kind(series->kind);
	struct metric_index *index = gauge ? &registry->gauges : &registry->series;

	if (!gauge && registry->next_series == METRIC_SERIES_MAX)
		return false;
	/* Nobody may ever scrape, which sweeps too. */
	if (gauge && index->n == index->cap && registry->n_gauges_gone > index->n / 4)
		sweep_gauges(registry);
	if (table_put(&registry->by_key, str_n(series->key, series->key_len), series, NULL))
		return false;
	series->id = gauge ? take_gauge_slot(registry, series) : registry->next_series;
	if (series->id == 0 || !index_add(index, series)) {
		table_del(&registry->by_key, str_n(series->key, series->key_len));
		if (gauge_of(registry, series->id) == series)
			registry->gauge_slots[(series->id & ((1u << GAUGE_SLOT_BITS) - 1)) - 1] =
				NULL;
		return false;
	}
	registry->next_series += !gauge;
	return true;
}

/* The key that new_series would make, without memory of its own; empty when it does not fit. */
static struct str print_key(enum metric_kind kind, const struct str *labels, char *text,
			    size_t size)
{
	int len = snprintf(text, size, "%d", (int)kind);

	for (size_t i = 0, n = n_values(kind); i < n; i++) {
		if ((size_t)len + labels[i].len + 24 > size)
			return (struct str){0};
		len += snprintf(text + len, size - (size_t)len, ":%zu:", labels[i].len);
		if (labels[i].len)
			memcpy(text + len, labels[i].at, labels[i].len);
		len += (int)labels[i].len;
	}
	return str_n(text, (size_t)len);
}

/* Most that are asked for are known, and there may be thousands in one compile. */
static struct metric_series *find_known(const struct metric_registry *registry,
					enum metric_kind kind, const struct str *labels)
{
	char text[512];
	struct str key = print_key(kind, labels, text, sizeof(text));

	return key.len ? table_find(&registry->by_key, key) : NULL;
}

/* ret_held: held from now on; may be NULL. */
static uint32_t id_of(struct metric_registry *registry, enum metric_kind kind,
		      const struct str *labels, struct metric_series **ret_held)
{
	struct metric_series *asked = NULL, *series;

	pthread_mutex_lock(&registry->lock);
	series = find_known(registry, kind, labels);
	if (!series) {
		asked = new_series(kind, labels);
		series = asked ? table_find(&registry->by_key, str_n(asked->key, asked->key_len))
			       : NULL;
		if (asked && !series && enter(registry, asked)) {
			series = asked;
			asked = NULL;
		}
	}
	if (series) {
		series->generation = registry->building;
		series->shown_gone = false;
		series->n_holders += ret_held != NULL;
	}
	if (ret_held)
		*ret_held = series;
	uint32_t id = series ? series->id : METRIC_SERIES_NONE;

	pthread_mutex_unlock(&registry->lock);
	if (asked)
		free_series(asked);
	return id;
}

uint32_t metric_series(struct metric_registry *registry, enum metric_kind kind,
		       const struct str *labels)
{
	ASSERT(kind > METRIC_OF_NOTHING && kind <= METRIC_OF_PROGRAM);
	return id_of(registry, kind, labels, NULL);
}

uint32_t metric_gauge(struct metric_registry *registry, enum metric_kind kind,
		      const struct str *labels)
{
	ASSERT(is_gauge_kind(kind));
	return id_of(registry, kind, labels, NULL);
}

uint32_t metric_hold(struct metric_registry *registry, enum metric_kind kind,
		     const struct str *labels, struct metric_series **ret_held)
{
	return id_of(registry, kind, labels, ret_held);
}

void metric_drop(struct metric_registry *registry, struct metric_series *held)
{
	if (!held)
		return;
	pthread_mutex_lock(&registry->lock);
	ASSERT(held->n_holders > 0);
	if (--held->n_holders == 0) {
		held->generation = 0;
		registry->n_gauges_gone += is_gauge_kind(held->kind);
	}
	pthread_mutex_unlock(&registry->lock);
}

uint32_t metric_series_limit(struct metric_registry *registry)
{
	pthread_mutex_lock(&registry->lock);
	uint32_t limit = registry->next_series;

	pthread_mutex_unlock(&registry->lock);
	return limit;
}

void metric_gauge_set(struct metric_registry *registry, uint32_t gauge, double value)
{
	pthread_mutex_lock(&registry->lock);
	struct metric_series *series = gauge_of(registry, gauge);

	if (series) {
		series->value = value;
		series->is_set = true;
	}
	pthread_mutex_unlock(&registry->lock);
}

void metric_reload(struct metric_registry *registry, bool good, uint64_t wall_ns)
{
	pthread_mutex_lock(&registry->lock);
	struct metric_series *count = gauge_of(registry, registry->reload_ids[0]);

	if (count) {
		count->value++;
		count->is_set = true;
	}
	pthread_mutex_unlock(&registry->lock);
	if (good)
		metric_gauge_set(registry, registry->reload_ids[1], (double)(wall_ns / NS_PER_SEC));
}

void metric_sweep(struct metric_registry *registry)
{
	for (size_t i = 0; i < registry->series.n; i++)
		registry->series.at[i]->shown_gone = !is_kept(registry, registry->series.at[i]);
	sweep_gauges(registry);
}
