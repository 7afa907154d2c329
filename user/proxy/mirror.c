// SPDX-License-Identifier: Apache-2.0
/* mirror: see the header. */

#include "proxy/mirror.h"

#include <stdlib.h>

#include "base/clock.h"
#include "http/forwarded.h"
#include "proxy/conn.h"
#include "proxy/fetch.h"
#include "proxy/record.h"
#include "proxy/worker.h"

enum { TIMEOUT_S = 60, ARENA_BYTES = 1 << 20 };

struct mirror {
	const struct service *service;
	struct request request; /* as it was when the choice passed the service */
	bool with_body, was_sent;
	uint32_t n;
	const struct service *targets[];
};

/* Copies on their way. */
struct mirroring {
	struct list node; /* in worker->mirrorings */
	struct loop_task freeing;
	struct worker *worker;
	struct snapshot_use *use;
	struct arena arena;
	struct request request;
	struct body_store body;
	struct fetch *fetch;
	uint64_t begin_ns;
	uint16_t status;
	uint32_t at, n;
	const struct service *targets[];
};

static bool copy_list(struct headers *headers, struct arena *arena)
{
	struct header *at = ARENA_ARRAY(arena, struct header, headers->n + 8U);

	if (!at)
		return false;
	memcpy(at, headers->at, headers->n * sizeof(*at));
	*headers = (struct headers){
		.at = at, .n = headers->n, .cap = (uint16_t)(headers->n + 8U), .arena = arena};
	return true;
}

struct mirror *mirror_choose(struct exchange *exchange, const struct service *service)
{
	uint64_t total =
		atomic_fetch_add_explicit(&service->state->next, 1, memory_order_relaxed) + 1;
	struct mirror *mirror = NULL;

	for (uint32_t i = 1; i < service->n_children; i++) {
		if (!balance_is_mirrored(total, service->children[i].percent))
			continue;
		if (!mirror) {
			mirror = arena_zero(&exchange->arena, 1,
					    sizeof(*mirror) + service->n_children * sizeof(void *));
			if (!mirror)
				return NULL;
			mirror->service = service;
			mirror->request = exchange->request;
			mirror->with_body = service->mirror_body;
			mirror->was_sent = exchange->was_sent;
			if (!copy_list(&mirror->request.headers, &exchange->arena))
				return NULL;
		}
		mirror->targets[mirror->n++] = service->children[i].service;
	}
	return mirror;
}

/* ------------------------------------------------------------------- sending --- */

static void free_later(struct loop_task *task)
{
	struct mirroring *mirroring = LIST_OF(task, struct mirroring, freeing);

	body_store_done(&mirroring->body);
	if (snapshot_use_put(mirroring->use))
		worker_count(&mirroring->worker->counters.snapshots_held, -1);
	arena_done(&mirroring->arena);
	free(mirroring);
}

static void end(struct mirroring *mirroring)
{
	struct worker *worker = mirroring->worker;

	list_del(&mirroring->node);
	worker->n_mirrorings--;
	mirroring->freeing.run = free_later;
	loop_defer(&worker->loop, &mirroring->freeing);
}

static void count(struct mirroring *mirroring)
{
	struct worker *worker = mirroring->worker;

	worker_count(&worker->counters.mirrored, 1);
	record_copy(worker, mirroring->targets[mirroring->at], &mirroring->request,
		    mirroring->status, worker->loop.now_ns - mirroring->begin_ns,
		    body_store_len(&mirroring->body));
}

static void send_next(struct mirroring *mirroring);

static void on_done(void *context, void *memory)
{
	struct mirroring *mirroring = context;

	free(memory);
	mirroring->fetch = NULL;
	count(mirroring);
	mirroring->at++;
	send_next(mirroring);
}

static void send_next(struct mirroring *mirroring)
{
	while (mirroring->at < mirroring->n) {
		mirroring->begin_ns = mirroring->worker->loop.now_ns;
		mirroring->fetch =
			fetch_copy(mirroring->worker, mirroring->use, &mirroring->request,
				   &mirroring->body, mirroring->targets[mirroring->at],
				   TIMEOUT_S * NS_PER_SEC, &mirroring->status, on_done, mirroring);
		if (mirroring->fetch)
			return;
		count(mirroring);
		mirroring->at++;
	}
	end(mirroring);
}

/* Everything that the request borrows from the exchange. */
static bool copy_request(struct mirroring *mirroring, const struct request *from)
{
	struct arena *arena = &mirroring->arena;
	struct request *request = &mirroring->request;
	struct str *texts[] = {&request->method,       &request->target,   &request->authority,
			       &request->host,	       &request->raw_path, &request->path,
			       &request->routing_path, &request->query,	   &request->sni};

	*request = *from;
	request->arena = arena;
	request->id = (struct str){0};
	for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++)
		*texts[i] = arena_str(arena, *texts[i]);
	if (!copy_list(&request->headers, arena))
		return false;
	for (uint16_t i = 0; i < request->headers.n; i++) {
		struct header *header = &request->headers.at[i];

		header->name = arena_str(arena, header->name);
		header->value = arena_str(arena, header->value);
	}
	request->upgrade = request->expect_continue = false;
	return !arena->failed;
}

void mirror_start(struct exchange *exchange, struct mirror *mirror)
{
	struct worker *worker = exchange->worker;
	struct mirroring *mirroring;

	if (worker->n_mirrorings >= MIRRORS_RUNNING_MAX) {
		worker_count(&worker->counters.mirrors_dropped, mirror->n);
		return;
	}
	mirroring = calloc(1, sizeof(*mirroring) + mirror->n * sizeof(void *));
	if (!mirroring)
		return;
	mirroring->worker = worker;
	mirroring->use = snapshot_use_get(exchange->use);
	arena_init(&mirroring->arena, ARENA_BYTES, 0);
	mirroring->body.fd = -1;
	mirroring->n = mirror->n;
	memcpy(mirroring->targets, mirror->targets, mirror->n * sizeof(void *));
	list_add_back(&worker->mirrorings, &mirroring->node);
	worker->n_mirrorings++;
	if (!copy_request(mirroring, &mirror->request) ||
	    (!mirror->was_sent &&
	     forwarded_send(&mirroring->request, &exchange->conn->entry->reading.forwarded))) {
		end(mirroring);
		return;
	}
	if (!mirror->with_body) {
		mirroring->request.body = BODY_NONE;
	} else if (exchange->more->keeps_body) {
		mirroring->body = exchange->more->body;
		exchange->more->body = (struct body_store){.fd = -1};
	}
	send_next(mirroring);
}

void mirror_stop_all(struct worker *worker)
{
	LIST_EACH (&worker->mirrorings, node) {
		struct mirroring *mirroring = LIST_OF(node, struct mirroring, node);

		fetch_cancel(mirroring->fetch);
		list_del(&mirroring->node);
		free_later(&mirroring->freeing);
	}
	worker->n_mirrorings = 0;
}
