// SPDX-License-Identifier: Apache-2.0
/* jobs: one queue, one lock, one condition. */

#include "proxy/jobs.h"

#include <pthread.h>
#include <signal.h>
#include <stdlib.h>

struct jobs {
	pthread_mutex_t lock;
	pthread_cond_t added;
	struct job *first, **last;
	bool stopping;
	unsigned int n_threads;
	pthread_t threads[];
};

static struct job *wait_for_one(struct jobs *jobs)
{
	struct job *job;

	pthread_mutex_lock(&jobs->lock);
	while (!jobs->first && !jobs->stopping)
		pthread_cond_wait(&jobs->added, &jobs->lock);
	job = jobs->first;
	if (job) {
		jobs->first = job->next;
		if (!jobs->first)
			jobs->last = &jobs->first;
	}
	pthread_mutex_unlock(&jobs->lock);
	return job;
}

static void *work(void *arg)
{
	struct jobs *jobs = arg;
	struct job *job;

	while ((job = wait_for_one(jobs))) {
		/* The job may be gone as soon as it is posted. */
		struct mailbox *home = job->home;

		job->run(job->arg);
		mailbox_post(home, &job->done);
	}
	return NULL;
}

/* Signals are for the main thread. */
static void start_threads(struct jobs *jobs, unsigned int n)
{
	sigset_t all, before;

	sigfillset(&all);
	pthread_sigmask(SIG_BLOCK, &all, &before);
	for (unsigned int i = 0; i < n; i++)
		if (pthread_create(&jobs->threads[jobs->n_threads], NULL, work, jobs) == 0)
			jobs->n_threads++;
	pthread_sigmask(SIG_SETMASK, &before, NULL);
}

struct jobs *jobs_new(unsigned int n_threads)
{
	struct jobs *jobs = calloc(1, sizeof(*jobs) + n_threads * sizeof(pthread_t));

	if (!jobs)
		return NULL;
	pthread_mutex_init(&jobs->lock, NULL);
	pthread_cond_init(&jobs->added, NULL);
	jobs->last = &jobs->first;
	start_threads(jobs, n_threads);
	if (!jobs->n_threads) {
		jobs_free(jobs);
		return NULL;
	}
	return jobs;
}

void jobs_free(struct jobs *jobs)
{
	if (!jobs)
		return;
	pthread_mutex_lock(&jobs->lock);
	jobs->stopping = true;
	pthread_cond_broadcast(&jobs->added);
	pthread_mutex_unlock(&jobs->lock);
	for (unsigned int i = 0; i < jobs->n_threads; i++)
		pthread_join(jobs->threads[i], NULL);
	pthread_cond_destroy(&jobs->added);
	pthread_mutex_destroy(&jobs->lock);
	free(jobs);
}

void jobs_add(struct jobs *jobs, struct job *job)
{
	job->next = NULL;
	pthread_mutex_lock(&jobs->lock);
	*jobs->last = job;
	jobs->last = &job->next;
	pthread_cond_signal(&jobs->added);
	pthread_mutex_unlock(&jobs->lock);
}
