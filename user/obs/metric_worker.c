// SPDX-License-Identifier: Apache-2.0
/*
 * metric_worker: the side that counts. Every cell has one writer; what a scrape may read meanwhile
 * is stored with relaxed atomics, and new memory is published with release.
 */

#include "obs/metric.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>

#include "base/clock.h"
#include "obs/metric_state.h"

enum { CLASS_OVERFLOW = 1, TLS_OVERFLOW = 0, CACHE_LINE = 64, ARENA_BLOCK_BYTES = 256 << 10 };

const char *const metric_method_names[METRIC_METHOD__COUNT] = {
	[METRIC_EXTENSION_METHOD] = "EXTENSION_METHOD",
	[METRIC_NON_UTF8_METHOD] = "NON_UTF8_HTTP_METHOD",
	[METRIC_HEAD] = "HEAD",
	[METRIC_GET] = "GET",
	[METRIC_POST] = "POST",
	[METRIC_PUT] = "PUT",
	[METRIC_DELETE] = "DELETE",
	[METRIC_CONNECT] = "CONNECT",
	[METRIC_OPTIONS] = "OPTIONS",
	[METRIC_TRACE] = "TRACE",
	[METRIC_PATCH] = "PATCH",
	[METRIC_PRI] = "PRI",
};

const char *const metric_protocol_names[METRIC_PROTOCOL__COUNT] = {
	[METRIC_HTTP] = "http", [METRIC_GRPC] = "grpc",		  [METRIC_GRPC_WEB] = "grpc-web",
	[METRIC_SSE] = "sse",	[METRIC_WEBSOCKET] = "websocket",
};

static void *zeroed(size_t bytes)
{
	bytes = (bytes + CACHE_LINE - 1) / CACHE_LINE * CACHE_LINE;
	void *memory = aligned_alloc(CACHE_LINE, bytes);

	return memory ? memset(memory, 0, bytes) : NULL;
}

struct metric_worker *metric_worker_new(struct metric_registry *registry)
{
	struct metric_worker *worker = calloc(1, sizeof(*worker));

	if (!worker)
		return NULL;
	worker->registry = registry;
	arena_init(&worker->arena, SIZE_MAX, ARENA_BLOCK_BYTES);
	/* The page of METRIC_SERIES_NONE. */
	if (metric_worker_reserve(worker, METRIC_SERIES_NONE + 1)) {
		arena_done(&worker->arena);
		free(worker);
		return NULL;
	}
	pthread_mutex_lock(&registry->lock);
	for (size_t i = 0; i + 1 < registry->n_buckets; i++)
		worker->bound_ns[i] = (uint64_t)llround(registry->bounds[i] * NS_PER_SEC);
	worker->bound_ns[registry->n_buckets - 1] = UINT64_MAX;
	worker->next = registry->workers;
	registry->workers = worker;
	pthread_mutex_unlock(&registry->lock);
	return worker;
}

int metric_worker_reserve(struct metric_worker *worker, uint32_t limit)
{
	uint32_t pages = (limit + (1u << METRIC_PAGE_SHIFT) - 1) >> METRIC_PAGE_SHIFT;

	if (pages > METRIC_PAGES)
		return -E2BIG;
	for (uint32_t i = 0; i < pages; i++) {
		if (atomic_load_explicit(&worker->page[i], memory_order_relaxed))
			continue;
		struct metric_block *page = arena_zero_line(
			&worker->arena, (size_t)1 << METRIC_PAGE_SHIFT, sizeof(*page));

		if (!page)
			return -ENOMEM;
		atomic_store_explicit(&worker->page[i], page, memory_order_release);
	}
	return 0;
}

enum metric_method metric_method_of(struct str method)
{
	for (int i = METRIC_HEAD; i < METRIC_METHOD__COUNT; i++)
		if (str_eq(method, str_of(metric_method_names[i])))
			return (enum metric_method)i;
	for (size_t i = 0, n; i < method.len; i += n) {
		n = str_utf8_len(str_from(method, i));
		if (n == 0)
			return METRIC_NON_UTF8_METHOD;
	}
	return METRIC_EXTENSION_METHOD;
}

uint16_t metric_class_slow(struct metric_worker *worker, unsigned code, enum metric_method method,
			   enum metric_protocol protocol)
{
	struct metric_registry *registry = worker->registry;
	const size_t codes = sizeof(worker->class_of[0][0]) / sizeof(worker->class_of[0][0][0]);
	uint16_t class_;

	if (code >= codes)
		return CLASS_OVERFLOW;
	pthread_mutex_lock(&registry->lock);
	for (class_ = CLASS_OVERFLOW + 1; class_ < registry->n_classes; class_++) {
		const struct metric_class *known = &registry->classes[class_];

		if (known->code == code && known->method == method && known->protocol == protocol)
			break;
	}
	if (class_ == METRIC_CLASSES_MAX)
		class_ = CLASS_OVERFLOW;
	else if (class_ == registry->n_classes)
		registry->classes[registry->n_classes++] =
			(struct metric_class){(uint16_t)code, (uint8_t)method, (uint8_t)protocol};
	pthread_mutex_unlock(&registry->lock);
	worker->class_of[protocol][method][code] = class_;
	return class_;
}

/* The cell of a class that is not the block's first. NULL without memory. */
static struct metric_cell *cell_of(struct metric_block *block, uint16_t class_)
{
	struct metric_chunks *chunks = atomic_load_explicit(&block->chunks, memory_order_relaxed);

	if (!chunks) {
		chunks = zeroed(sizeof(*chunks));
		if (!chunks)
			return NULL;
		atomic_store_explicit(&block->chunks, chunks, memory_order_release);
	}
	_Atomic(struct metric_cell *) *slot = &chunks->at[class_ / METRIC_CHUNK];
	struct metric_cell *cells = atomic_load_explicit(slot, memory_order_relaxed);

	if (!cells) {
		cells = zeroed(METRIC_CHUNK * sizeof(*cells));
		if (!cells)
			return NULL;
		atomic_store_explicit(slot, cells, memory_order_release);
	}
	return &cells[class_ % METRIC_CHUNK];
}

void metric_request(struct metric_worker *worker, uint32_t series, uint16_t class_,
		    uint64_t duration_ns, uint64_t request_bytes, uint64_t response_bytes)
{
	struct metric_block *block = metric_block(worker, series);
	struct metric_cell *cell = &block->first;
	uint16_t first = atomic_load_explicit(&block->first_class, memory_order_relaxed);
	unsigned bucket = 0;

	if (first != class_) {
		if (first)
			cell = cell_of(block, class_);
		else
			atomic_store_explicit(&block->first_class, class_, memory_order_release);
		/* Without memory the request is served and not counted. */
		if (!cell)
			return;
	}
	while (duration_ns > worker->bound_ns[bucket])
		bucket++;
	metric_bump(&cell->bucket[bucket], 1);
	metric_bump(&cell->duration_ns, duration_ns);
	metric_bump(&cell->request_bytes, request_bytes);
	metric_bump(&cell->response_bytes, response_bytes);
}

uint16_t metric_tls_class(struct metric_worker *worker, struct str version, struct str cipher)
{
	struct metric_registry *registry = worker->registry;
	uint16_t class_;

	pthread_mutex_lock(&registry->lock);
	for (class_ = TLS_OVERFLOW + 1; class_ < registry->n_tls_classes; class_++)
		if (str_eq(str_of(registry->tls_classes[class_].version), version) &&
		    str_eq(str_of(registry->tls_classes[class_].cipher), cipher))
			break;
	if (class_ == METRIC_TLS_CLASSES_MAX) {
		class_ = TLS_OVERFLOW;
	} else if (class_ == registry->n_tls_classes) {
		struct metric_tls_class *added = &registry->tls_classes[class_];

		added->version = strndup(version.len ? version.at : "", version.len);
		added->cipher = strndup(cipher.len ? cipher.at : "", cipher.len);
		if (added->version && added->cipher) {
			registry->n_tls_classes++;
		} else {
			free(added->version);
			free(added->cipher);
			*added = (struct metric_tls_class){0};
			class_ = TLS_OVERFLOW;
		}
	}
	pthread_mutex_unlock(&registry->lock);
	return class_;
}

void metric_tls(struct metric_worker *worker, uint32_t series, uint16_t tls_class)
{
	struct metric_block *block = metric_block(worker, series);
	_Atomic uint64_t *cells = atomic_load_explicit(&block->tls, memory_order_relaxed);

	if (__builtin_expect(!cells, 0)) {
		cells = zeroed(METRIC_TLS_CLASSES_MAX * sizeof(*cells));
		if (!cells)
			return;
		atomic_store_explicit(&block->tls, cells, memory_order_release);
	}
	metric_bump(&cells[tls_class], 1);
}
