// SPDX-License-Identifier: Apache-2.0
/* health: see the header. */

#include "proxy/health.h"

#include <stdlib.h>

#include "base/log.h"
#include "proxy/probe.h"
#include "proxy/worker.h"

struct watch;

/* Of the servers that are up, or of those that are down. */
struct round {
	struct watch *watch;
	bool of_down;
	uint64_t next_ns;
	struct timer timer;
	/* While it runs: */
	struct snapshot_use *use; /* what everything below belongs to; NULL: it rests */
	const struct service *service;
	uint32_t at; /* the server that is asked */
	struct probe probe;
};

/* A service whose servers are probed. */
struct watch {
	struct list node;
	struct health *health;
	uint32_t service_id;
	const struct service *service; /* of the current snapshot; NULL: it is no more */
	struct round rounds[2];
};

struct health {
	struct worker *worker;
	struct list watches;
};

/* ----------------------------------------------------------------- rounds -- */

static uint64_t interval_of(const struct round *round)
{
	const struct health_probe *probe = round->watch->service->probe;

	return round->of_down ? probe->unhealthy_interval_ns : probe->interval_ns;
}

static void schedule(struct round *round)
{
	struct worker *worker = round->watch->health->worker;
	uint64_t now_ns = worker->loop.now_ns;

	/* Like Go's ticker: a round that took longer than the interval leaves out the ticks. */
	round->next_ns += interval_of(round);
	if (round->next_ns <= now_ns)
		round->next_ns = now_ns + 1;
	timer_set(&worker->loop.timers, &round->timer, round->next_ns);
}

static void watch_free(struct watch *watch)
{
	struct worker *worker = watch->health->worker;

	for (size_t i = 0; i < 2; i++) {
		struct round *round = &watch->rounds[i];

		timer_cancel(&worker->loop.timers, &round->timer);
		probe_cancel(&round->probe);
		worker_drop_use(worker, round->use);
	}
	list_del(&watch->node);
	free(watch);
}

static void end_round(struct round *round)
{
	struct watch *watch = round->watch;
	struct snapshot_use *use = round->use;

	round->use = NULL;
	worker_drop_use(watch->health->worker, use);
	if (watch->service)
		schedule(round);
	else if (!watch->rounds[!(round - watch->rounds)].use)
		watch_free(watch);
}

/* Not one that an update has just taken away: its gauge may be another's by now. */
static bool is_current(const struct watch *watch, const struct live_member *member)
{
	for (uint32_t i = 0; watch->service && i < watch->service->n_servers; i++)
		if (watch->service->servers[i].member == member)
			return true;
	return false;
}

static void tell(struct round *round, const struct server *server, bool is_up, struct str why)
{
	struct worker *worker = round->watch->health->worker;
	bool changed = live_member_probed(server->member, is_up, worker->loop.now_ns);

	/* Each time: a compile that ran at the same moment may have shown the old state. */
	if (worker->shared->metrics && server->up_series &&
	    is_current(round->watch, server->member))
		metric_gauge_set(worker->shared->metrics, server->up_series, is_up);
	if (changed && is_up)
		LOG(LOG_INFO, "server is healthy again", LOG_S("service", round->service->name),
		    LOG_S("server", server->url));
	else if (changed)
		LOG(LOG_WARN, "server is unhealthy", LOG_S("service", round->service->name),
		    LOG_S("server", server->url), LOG_S("reason", why));
}

static void ask_next(struct round *round);

static void on_probe_done(struct probe *probe, enum probe_result result, struct str why)
{
	struct round *round = LIST_OF(probe, struct round, probe);

	if (result != PROBE_UNKNOWN)
		tell(round, &round->service->servers[round->at], result == PROBE_UP, why);
	round->at++;
	ask_next(round);
}

static void ask_next(struct round *round)
{
	struct worker *worker = round->watch->health->worker;
	const struct service *service = round->service;

	while (round->at < service->n_servers && round->watch->service) {
		const struct server *server = &service->servers[round->at];

		if (live_member_is_up(server->member, worker->loop.now_ns) == round->of_down) {
			round->at++;
			continue;
		}
		round->probe = (struct probe){
			.owner.use = round->use,
			.worker = worker,
			.conf = service->probe,
			.target = service->probe->targets[round->at]->servers,
			.on_done = on_probe_done,
		};
		probe_begin(&round->probe);
		return;
	}
	end_round(round);
}

static void on_tick(struct timer *timer)
{
	struct round *round = LIST_OF(timer, struct round, timer);
	struct worker *worker = round->watch->health->worker;

	if (worker->draining)
		return;
	round->use = snapshot_use_get(worker->use);
	round->service = round->watch->service;
	round->at = 0;
	ask_next(round);
}

/* ---------------------------------------------------------------- watches -- */

static struct watch *watch_find(struct health *health, uint32_t service_id)
{
	LIST_EACH (&health->watches, node) {
		struct watch *watch = LIST_OF(node, struct watch, node);

		if (watch->service_id == service_id)
			return watch;
	}
	return NULL;
}

static struct watch *watch_new(struct health *health, const struct service *service)
{
	struct watch *watch = calloc(1, sizeof(*watch));

	if (!watch)
		return NULL;
	watch->health = health;
	watch->service_id = service->id;
	watch->service = service;
	list_add_front(&health->watches, &watch->node);
	for (size_t i = 0; i < 2; i++) {
		struct round *round = &watch->rounds[i];

		round->watch = watch;
		round->of_down = i == 1;
		round->next_ns = health->worker->loop.now_ns;
		timer_init(&round->timer, on_tick);
		schedule(round);
	}
	return watch;
}

/* A shorter interval holds from now on. */
static void hurry(struct watch *watch)
{
	struct worker *worker = watch->health->worker;

	for (size_t i = 0; i < 2; i++) {
		struct round *round = &watch->rounds[i];
		uint64_t latest_ns = worker->loop.now_ns + interval_of(round);

		if (round->use || round->next_ns <= latest_ns)
			continue;
		round->next_ns = latest_ns;
		timer_set(&worker->loop.timers, &round->timer, latest_ns);
	}
}

static void forget_gone(struct health *health)
{
	LIST_EACH (&health->watches, node) {
		struct watch *watch = LIST_OF(node, struct watch, node);

		/* A probe that runs ends by itself. */
		if (!watch->service && !watch->rounds[0].use && !watch->rounds[1].use)
			watch_free(watch);
		else if (!watch->service)
			for (size_t i = 0; i < 2; i++)
				timer_cancel(&health->worker->loop.timers, &watch->rounds[i].timer);
	}
}

void health_adopt(struct worker *worker)
{
	const struct snapshot *snapshot = worker->use->snapshot;
	struct health *health = worker->health;

	if (!health) {
		worker->health = health = calloc(1, sizeof(*health));
		if (!health)
			return;
		health->worker = worker;
		list_init(&health->watches);
	}
	LIST_EACH (&health->watches, node)
		LIST_OF(node, struct watch, node)->service = NULL;
	for (uint32_t i = 0; i < snapshot->n_probed; i++) {
		const struct service *service = snapshot->probed[i];
		struct watch *watch = watch_find(health, service->id);

		if (!watch) {
			watch_new(health, service);
		} else if (!watch->service) {
			watch->service = service;
			hurry(watch);
		}
	}
	forget_gone(health);
}

void health_free(struct health *health)
{
	if (!health)
		return;
	LIST_EACH (&health->watches, node)
		watch_free(LIST_OF(node, struct watch, node));
	free(health);
}
