// SPDX-License-Identifier: Apache-2.0
/* metric_read: sorts the series once after each change, then walks rows x series x classes. */

#include "obs/metric_read.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/die.h"
#include "obs/metric_state.h"

struct metric_scrape {
	struct metric_point point;
	metric_point_fn each;
	void *context;
};

struct sum {
	uint64_t bucket[METRIC_BUCKETS_MAX], n;
	uint64_t duration_ns, request_bytes, response_bytes;
};

static int series_order(const void *left, const void *right)
{
	const struct metric_series *a = *(struct metric_series *const *)left;
	const struct metric_series *b = *(struct metric_series *const *)right;
	int order = (int)a->kind - (int)b->kind;

	for (size_t i = 0; !order && i < METRIC_SERIES_LABELS_MAX; i++)
		order = str_cmp(a->values[i], b->values[i]);
	return order;
}

static void sort(struct metric_index *index)
{
	if (!index->sorted && index->n)
		qsort(index->at, index->n, sizeof(*index->at), series_order);
	index->sorted = true;
}

/* Fills order[] with the known classes by code, method and protocol; returns how many. */
static size_t sorted_classes(const struct metric_registry *registry,
			     uint16_t order[METRIC_CLASSES_MAX])
{
	size_t n = 0;

	for (uint16_t i = 1; i < registry->n_classes; i++) {
		const struct metric_class *a = &registry->classes[i];
		size_t at = n++;

		/* Insertion: there are few, and they come nearly sorted. */
		for (; at > 0; at--) {
			const struct metric_class *b = &registry->classes[order[at - 1]];
			uint32_t rank_a =
				(uint32_t)a->code << 16 | (uint32_t)a->method << 8 | a->protocol;
			uint32_t rank_b =
				(uint32_t)b->code << 16 | (uint32_t)b->method << 8 | b->protocol;

			if (rank_b <= rank_a)
				break;
			order[at] = order[at - 1];
		}
		order[at] = i;
	}
	return n;
}

static const struct metric_block *block_of(const struct metric_worker *worker, uint32_t series)
{
	const struct metric_block *page = atomic_load_explicit(
		&worker->page[series >> METRIC_PAGE_SHIFT], memory_order_acquire);

	return page ? &page[series & ((1u << METRIC_PAGE_SHIFT) - 1)] : NULL;
}

static uint64_t load(const _Atomic uint64_t *cell)
{
	return atomic_load_explicit(cell, memory_order_relaxed);
}

static const struct metric_cell *cell_of(const struct metric_block *block, uint16_t class_)
{
	const struct metric_chunks *chunks;
	const struct metric_cell *cells;

	if (atomic_load_explicit(&block->first_class, memory_order_acquire) == class_)
		return &block->first;
	chunks = atomic_load_explicit(&block->chunks, memory_order_acquire);
	if (!chunks)
		return NULL;
	cells = atomic_load_explicit(&chunks->at[class_ / METRIC_CHUNK], memory_order_acquire);
	return cells ? &cells[class_ % METRIC_CHUNK] : NULL;
}

static struct sum sum_of(const struct metric_registry *registry, uint32_t series, uint16_t class_)
{
	struct sum sum = {0};

	for (const struct metric_worker *worker = registry->workers; worker;
	     worker = worker->next) {
		const struct metric_block *block = block_of(worker, series);
		const struct metric_cell *cell = block ? cell_of(block, class_) : NULL;

		if (!cell)
			continue;
		for (size_t i = 0; i < registry->n_buckets; i++) {
			uint64_t n = load(&cell->bucket[i]);

			sum.bucket[i] += n;
			sum.n += n;
		}
		sum.duration_ns += load(&cell->duration_ns);
		sum.request_bytes += load(&cell->request_bytes);
		sum.response_bytes += load(&cell->response_bytes);
	}
	return sum;
}

static void add_label(struct metric_point *point, const char *name, struct str value)
{
	ASSERT(point->n_labels < METRIC_POINT_LABELS_MAX);
	point->names[point->n_labels] = name;
	point->values[point->n_labels++] = value;
}

static void add_series_labels(struct metric_point *point, const struct metric_series *series)
{
	for (size_t i = 0; metric_kind_labels[series->kind][i]; i++)
		add_label(point, metric_kind_labels[series->kind][i], series->values[i]);
	/* Every client connection is TCP; the label is Traefik's. */
	if (series->kind == METRIC_OF_ENTRY_POINT && point->row->slot == METRIC_OPEN_CONNECTIONS)
		add_label(point, "protocol", STR("TCP"));
}

static void fill_histogram(struct metric_point *point, const struct metric_registry *registry,
			   const struct sum *sum)
{
	uint64_t below = 0;

	point->n_buckets = registry->n_buckets;
	point->bounds = registry->bounds;
	point->value = (double)sum->duration_ns / NS_PER_SEC;
	for (size_t i = 0; i < registry->n_buckets; i++)
		point->bucket[i] = below += sum->bucket[i];
}

static void read_traffic(struct metric_scrape *scrape, const struct metric_registry *registry,
			 const struct metric_series *series, const uint16_t *classes,
			 size_t n_classes)
{
	struct metric_point *point = &scrape->point;

	for (size_t i = 0; i < n_classes; i++) {
		const struct metric_class *class_ = &registry->classes[classes[i]];
		struct sum sum = sum_of(registry, series->id, classes[i]);
		char code[8];

		if (sum.n == 0)
			continue;
		point->n_labels = 0;
		snprintf(code, sizeof(code), "%u", class_->code);
		add_label(point, "code", str_of(code));
		add_label(point, "method", str_of(metric_method_names[class_->method]));
		add_label(point, "protocol", str_of(metric_protocol_names[class_->protocol]));
		add_series_labels(point, series);
		if (point->row->slot == METRIC_SLOT_REQUESTS)
			point->value = (double)sum.n;
		else if (point->row->slot == METRIC_SLOT_DURATION)
			fill_histogram(point, registry, &sum);
		else
			point->value = (double)(point->row->slot == METRIC_SLOT_REQUEST_BYTES
							? sum.request_bytes
							: sum.response_bytes);
		scrape->each(scrape->context, point);
	}
}

static void read_tls(struct metric_scrape *scrape, const struct metric_registry *registry,
		     const struct metric_series *series)
{
	for (uint16_t i = 0; i < registry->n_tls_classes; i++) {
		const struct metric_tls_class *class_ = &registry->tls_classes[i];
		uint64_t n = 0;

		for (const struct metric_worker *worker = registry->workers; worker;
		     worker = worker->next) {
			const struct metric_block *block = block_of(worker, series->id);
			const _Atomic uint64_t *cells =
				block ? atomic_load_explicit(&block->tls, memory_order_acquire)
				      : NULL;

			n += cells ? load(&cells[i]) : 0;
		}
		if (n == 0)
			continue;
		scrape->point.n_labels = 0;
		/* Class 0 takes what found no room. */
		add_label(&scrape->point, "tls_version",
			  i ? str_of(class_->version) : STR("other"));
		add_label(&scrape->point, "tls_cipher", i ? str_of(class_->cipher) : STR("other"));
		add_series_labels(&scrape->point, series);
		scrape->point.value = (double)n;
		scrape->each(scrape->context, &scrape->point);
	}
}

static void read_plain(struct metric_scrape *scrape, const struct metric_registry *registry,
		       const struct metric_series *series)
{
	uint64_t n = 0;

	for (const struct metric_worker *worker = registry->workers; worker;
	     worker = worker->next) {
		const struct metric_block *block = block_of(worker, series->id);

		n += block ? load(&block->plain[scrape->point.row->slot]) : 0;
	}
	scrape->point.n_labels = 0;
	add_series_labels(&scrape->point, series);
	scrape->point.value = (double)(int64_t)n;
	scrape->each(scrape->context, &scrape->point);
}

static void read_gauges(struct metric_scrape *scrape, const struct metric_registry *registry)
{
	const struct metric_row *row = scrape->point.row;

	for (size_t i = 0; i < registry->gauges.n; i++) {
		const struct metric_series *series = registry->gauges.at[i];

		if (series->kind != row->kind || !series->is_set)
			continue;
		/* The two rows without labels are told apart by number. */
		if (row->kind == METRIC_OF_RELOAD && registry->reload_ids[row->slot] != series->id)
			continue;
		scrape->point.n_labels = 0;
		add_series_labels(&scrape->point, series);
		scrape->point.value = series->value;
		scrape->each(scrape->context, &scrape->point);
	}
}

static void label_sample(struct metric_scrape *scrape, const struct str *labels)
{
	scrape->point.n_labels = 0;
	for (size_t i = 0; i < METRIC_LABELS_MAX && scrape->point.row->labels[i]; i++)
		add_label(&scrape->point, scrape->point.row->labels[i], labels[i]);
}

void metric_sample(struct metric_scrape *scrape, const struct str *labels, double value)
{
	label_sample(scrape, labels);
	scrape->point.value = value;
	scrape->each(scrape->context, &scrape->point);
}

void metric_sample_histogram(struct metric_scrape *scrape, const struct str *labels,
			     const double *bounds, const uint64_t *buckets, size_t n,
			     double sum_seconds)
{
	uint64_t sum = 0;

	ASSERT(n > 0 && n <= METRIC_BUCKETS_MAX);
	label_sample(scrape, labels);
	for (size_t i = 0; i < n; i++)
		scrape->point.bucket[i] = sum += buckets[i];
	scrape->point.n_buckets = n;
	scrape->point.bounds = bounds;
	scrape->point.value = sum_seconds;
	scrape->each(scrape->context, &scrape->point);
}

static void read_row(struct metric_scrape *scrape, struct metric_registry *registry,
		     const uint16_t *classes, size_t n_classes)
{
	const struct metric_row *row = scrape->point.row;

	if (row->kind == METRIC_OF_SOURCE) {
		for (size_t i = 0; i < registry->n_sources; i++)
			registry->sources[i].collect(registry->sources[i].context, row->id, scrape);
		return;
	}
	if (row->kind >= METRIC_OF_RELOAD) {
		read_gauges(scrape, registry);
		return;
	}
	for (size_t i = 0; i < registry->series.n; i++) {
		const struct metric_series *series = registry->series.at[i];

		if (series->kind != row->kind || series->shown_gone)
			continue;
		if (row->slot < METRIC_SLOT__PLAIN)
			read_plain(scrape, registry, series);
		else if (row->slot == METRIC_SLOT_TLS)
			read_tls(scrape, registry, series);
		else
			read_traffic(scrape, registry, series, classes, n_classes);
	}
}

void metric_read(struct metric_registry *registry, metric_point_fn each, void *context)
{
	struct metric_scrape scrape = {.each = each, .context = context};
	uint16_t classes[METRIC_CLASSES_MAX];

	pthread_mutex_lock(&registry->lock);
	sort(&registry->series);
	sort(&registry->gauges);
	size_t n_classes = sorted_classes(registry, classes);

	for (size_t i = 0; i < metric_row_count; i++) {
		scrape.point = (struct metric_point){.row = &metric_rows[i]};
		read_row(&scrape, registry, classes, n_classes);
	}
	metric_sweep(registry);
	pthread_mutex_unlock(&registry->lock);
}
