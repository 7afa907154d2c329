// SPDX-License-Identifier: Apache-2.0
/* waiting_test: delays and jobs, one after the other, and clients that do not wait for them. */

#include "proxy/waiting.h"

#include "hooks.h"

static int n_resumed;
static _Atomic int n_jobs;
static _Atomic bool slow_job;

static void work(void *arg)
{
	n_jobs++;
	while (slow_job)
		poll(NULL, 0, 5);
	*(int *)arg = 42;
}

/* A job, then a delay, then nothing. */
static enum mw_verdict begin(const struct mw_instance *self, struct mw_call *call)
{
	HOOKS_SYNC;
	(void)self;
	call->wait.run = work;
	call->wait.arg = call->slot;
	return MW_WAIT;
}

static enum mw_verdict go_on(const struct mw_instance *self, struct mw_call *call)
{
	HOOKS_SYNC;
	(void)self;
	n_resumed++;
	assert_int_equal(*(int *)call->slot, 42);
	if (n_resumed % 2 == 0)
		return MW_NEXT;
	call->wait.until_ns = call->now_ns + 30 * NS_PER_MS;
	return MW_WAIT;
}

static enum mw_verdict wait_back(const struct mw_instance *self, struct mw_call *call)
{
	HOOKS_SYNC;
	(void)self;
	if (call->resumed)
		return MW_NEXT;
	call->wait.run = work;
	call->wait.arg = call->slot;
	return MW_WAIT;
}

static void prepare(void)
{
	n_resumed = n_jobs = 0;
	slow_job = false;
	hooks_mw.on_request = begin;
	hooks_mw.on_resume = go_on;
	hooks_mw.on_response = wait_back;
}

static void one_wait_follows_another(void **state)
{
	uint64_t begin_ns;

	(void)state;
	prepare();
	hooks_start(OK_ANSWER);
	begin_ns = clock_mono_ns();
	assert_has(fixture_ask(GET_CLOSE), " 200 OK");
	assert_true(clock_mono_ns() - begin_ns >= 30 * NS_PER_MS);
	assert_int_equal(n_resumed, 2);
	assert_int_equal(n_jobs, 2);
	hooks_end(1);
	assert_int_equal(hooks_completed, 1);
}

/* A reset is noticed at once; what the job works on stays until it has ended. */
static void a_client_that_goes_leaves_the_job_behind(void **state)
{
	struct linger reset = {.l_onoff = 1};

	(void)state;
	prepare();
	slow_job = true;
	hooks_start(OK_ANSWER);
	int fd = loopback_connect(fixture.port);

	send(fd, GET, strlen(GET), 0);
	for (int i = 0; i < 200 && !n_jobs; i++)
		poll(NULL, 0, 5);
	setsockopt(fd, SOL_SOCKET, SO_LINGER, &reset, sizeof(reset));
	close(fd);
	loopback_settled(&fixture);
	assert_int_equal(hooks_ended, 0);
	slow_job = false;
	for (int i = 0; i < 200 && !hooks_ended; i++)
		poll(NULL, 0, 5);
	assert_int_equal(n_resumed, 0);
	hooks_end(1);
	assert_int_equal(hooks_completed, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(one_wait_follows_another),
		cmocka_unit_test(a_client_that_goes_leaves_the_job_behind),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
