// SPDX-License-Identifier: Apache-2.0
/* jobs_test: every job runs once, elsewhere, and comes home. */

#include "proxy/jobs.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <pthread.h>

enum { N_JOBS = 500 };

struct counted {
	struct job job;
	unsigned int n_run, n_home;
	pthread_t runner;
};

static unsigned int n_home;

static void run(void *arg)
{
	struct counted *counted = arg;

	counted->n_run++;
	counted->runner = pthread_self();
}

static void come_home(struct mail *mail)
{
	((struct counted *)mail)->n_home++;
	n_home++;
}

static void every_job_runs_once_on_another_thread_and_comes_home(void **state)
{
	struct counted *counted = calloc(N_JOBS, sizeof(*counted));
	struct jobs *jobs = jobs_new(3);
	struct mailbox mailbox;
	struct loop loop;

	(void)state;
	assert_int_equal(loop_init(&loop), 0);
	assert_int_equal(mailbox_open(&mailbox, &loop), 0);
	for (int i = 0; i < N_JOBS; i++) {
		counted[i].job = (struct job){
			.done.run = come_home, .home = &mailbox, .run = run, .arg = &counted[i]};
		jobs_add(jobs, &counted[i].job);
	}
	for (int i = 0; i < 10000 && n_home < N_JOBS / 2; i++)
		loop_round(&loop, 100000000);
	/* What is queued is finished first. */
	jobs_free(jobs);
	mailbox_close(&mailbox, &loop);
	for (int i = 0; i < N_JOBS; i++) {
		assert_int_equal(counted[i].n_run, 1);
		assert_int_equal(counted[i].n_home, 1);
		assert_false(pthread_equal(counted[i].runner, pthread_self()));
	}
	jobs_free(NULL);
	loop_done(&loop);
	free(counted);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_job_runs_once_on_another_thread_and_comes_home),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
