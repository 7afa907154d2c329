// SPDX-License-Identifier: Apache-2.0
/* waiting: see the header. */

#include "proxy/waiting.h"

#include <errno.h>

#include "proxy/answer.h"
#include "proxy/conn.h"
#include "proxy/fetch.h"
#include "proxy/upload.h"
#include "proxy/worker.h"

static void go_on(struct exchange *exchange)
{
	void (*then)(struct exchange *) = exchange->more->then;

	exchange->more->until_ns = 0;
	exchange->more->in_next_round = false;
	exchange->deadline_ns = 0;
	then(exchange);
}

bool waiting_until(struct exchange *exchange, uint64_t at_ns, void (*then)(struct exchange *))
{
	struct exchange_more *more = exchange_more(exchange);

	if (!more)
		return false;
	more->then = then;
	if (at_ns <= exchange->worker->loop.now_ns) {
		more->in_next_round = true;
		loop_again(&exchange->worker->loop, &exchange->conn->link.io);
		return true;
	}
	more->until_ns = at_ns;
	exchange_set_deadline(exchange);
	return true;
}

void waiting_look(struct exchange *exchange)
{
	const struct exchange_more *more = exchange->more;

	if (more && (more->in_next_round ||
		     (more->until_ns && exchange->worker->loop.now_ns >= more->until_ns)))
		go_on(exchange);
	else
		exchange_set_deadline(exchange);
}

static void on_job_done(struct mail *mail)
{
	struct exchange *exchange = LIST_OF(mail, struct exchange, pipeline.job.done);

	exchange->job_runs = false;
	if (exchange->state == EXCHANGE_ORPHAN)
		exchange_bury(exchange);
	else
		go_on(exchange);
}

static void begin_job(struct exchange *exchange, const struct mw_wait *wait)
{
	struct worker *worker = exchange->worker;
	struct job *job = &exchange->pipeline.job;

	exchange->job_runs = true;
	exchange_set_deadline(exchange);
	job->run = wait->run;
	job->arg = wait->arg;
	job->done.run = on_job_done;
	job->home = &worker->mailbox;
	jobs_add(worker->shared->jobs, job);
}

static void on_fetched(void *context, void *memory)
{
	struct exchange *exchange = context;

	exchange->more->fetch = NULL;
	exchange_own(exchange, memory);
	go_on(exchange);
}

/* True: it has failed already. */
static bool begin_fetch(struct exchange *exchange, struct mw_fetch *ask)
{
	struct exchange_more *more = exchange->more;

	more->fetch = fetch_begin(exchange->worker, exchange->use, &exchange->request, ask,
				  on_fetched, exchange);
	if (!more->fetch)
		return true;
	exchange_set_deadline(exchange);
	return false;
}

/* What Redis said, in texts of the request's own. */
static void on_redis(void *context, const struct redis_answer *answer)
{
	struct exchange *exchange = context;
	struct mw_redis *ask = exchange->pipeline.call.wait.redis;

	exchange->more->redis = NULL;
	ask->error = answer->error;
	ask->n_values = answer->n_values;
	for (uint32_t i = 0; i < answer->n_values; i++) {
		ask->integers[i] = answer->integers[i];
		ask->strings[i] = arena_str(&exchange->arena, answer->strings[i]);
	}
	go_on(exchange);
}

/* True: it has failed already. */
static bool begin_redis(struct exchange *exchange, struct mw_redis *ask)
{
	struct worker *worker = exchange->worker;

	exchange->more->redis =
		redis_ask(&worker->redis, (struct redis_target *)(uintptr_t)ask->target, ask->args,
			  ask->n_args, on_redis, exchange);
	if (!exchange->more->redis) {
		ask->error = -ENOBUFS;
		return true;
	}
	exchange_set_deadline(exchange);
	return false;
}

bool waiting_begin(struct exchange *exchange, void (*then)(struct exchange *))
{
	const struct mw_wait *wait = &exchange->pipeline.call.wait;
	struct exchange_more *more = exchange_more(exchange);

	if (!more) {
		exchange_fail(exchange, FAIL_INTERNAL);
		return false;
	}
	more->then = then;
	if (wait->run)
		begin_job(exchange, wait);
	else if (wait->fetch)
		return begin_fetch(exchange, wait->fetch);
	else if (wait->redis)
		return begin_redis(exchange, wait->redis);
	else if (wait->body.wanted)
		return upload_keep(exchange, wait->body.max_bytes, wait->body.mem_bytes, then);
	else if (wait->response.wanted)
		return answer_await(exchange, &wait->response);
	else
		waiting_until(exchange, wait->until_ns, then);
	return false;
}

void waiting_cancel(struct exchange *exchange)
{
	struct exchange_more *more = exchange->more;

	if (!more)
		return;
	if (more->fetch)
		fetch_cancel(more->fetch);
	more->fetch = NULL;
	redis_cancel(more->redis);
	more->redis = NULL;
	more->in_next_round = false;
	more->until_ns = 0;
}
