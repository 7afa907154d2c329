/* SPDX-License-Identifier: Apache-2.0 */
#ifndef METRIC_STATE_H
#define METRIC_STATE_H

/* metric_state: what the registry holds; for metric.c (writes) and metric_read.c (reads) only. */

#include <pthread.h>

#include "base/table.h"
#include "obs/metric.h"

enum { METRIC_SERIES_LABELS_MAX = 3 };

struct metric_series {
	char *key; /* kind and values, unambiguous; the values point into it */
	size_t key_len;
	enum metric_kind kind;
	struct str values[METRIC_SERIES_LABELS_MAX];
	uint64_t generation; /* of the last compile that asked for it */
	uint32_t n_holders;
	bool shown_gone; /* was shown after it had vanished */
	uint32_t id;
	double value; /* gauges only, with is_set */
	bool is_set;
};

/* Series sorted by labels; rebuilt by the next scrape after one was added or went. */
struct metric_index {
	struct metric_series **at;
	size_t n, cap;
	bool sorted;
};

struct metric_class {
	uint16_t code;
	uint8_t method, protocol;
};

struct metric_tls_class {
	char *version, *cipher;
};

struct metric_registry {
	pthread_mutex_t lock;
	struct table by_key;
	struct metric_index series, gauges; /* everything there is, in order of labels */
	uint32_t next_series;
	/* Gauge ids are slot + 1 with the slot's use count above: a stale id finds nothing. */
	struct metric_series **gauge_slots;
	uint32_t *gauge_uses;
	uint32_t n_gauge_slots;
	uint32_t full_gauge_slots; /* none below is free, as far as is known */
	size_t n_gauges_gone;	   /* whose last holder dropped them since they were swept */
	uint64_t building, committed;
	struct metric_class classes[METRIC_CLASSES_MAX];
	uint16_t n_classes;
	struct metric_tls_class tls_classes[METRIC_TLS_CLASSES_MAX];
	uint16_t n_tls_classes;
	struct metric_worker *workers;
	double bounds[METRIC_BUCKETS_MAX];
	size_t n_buckets; /* with +Inf */
	struct {
		metric_source_fn collect;
		void *context;
	} sources[METRIC_SOURCES_MAX];
	size_t n_sources;
	uint32_t reload_ids[2]; /* gauges: count, time of success */
};

/* Names as they are exposed. */
extern const char *const metric_method_names[METRIC_METHOD__COUNT];
extern const char *const metric_protocol_names[METRIC_PROTOCOL__COUNT];

/* Forgets gauges that were shown as gone; marks series as shown. Lock held. */
void metric_sweep(struct metric_registry *registry);

#endif
