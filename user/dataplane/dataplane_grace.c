// SPDX-License-Identifier: Apache-2.0
/*
 * dataplane_grace: membarrier(GLOBAL) is an RCU grace period that needs no privilege, and XDP
 * programs run inside RCU read sections. A wait that was asked for while one runs begins after it.
 */
#include "dataplane/dataplane_grace.h"

#include <linux/membarrier.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { GRACE_FALLBACK_US = 100 * 1000 /* far more than a packet's time in the program */ };

struct dataplane_grace {
	pthread_t thread;
	bool is_started, has_thread;
	pthread_mutex_t lock;
	pthread_cond_t turned;
	/* Guarded by the lock. */
	uint64_t wanted, over; /* numbers of waits */
	bool is_ending;
};

void dataplane_wait_for_packets(void)
{
	/* Refused by nohz_full kernels only. */
	if (syscall(SYS_membarrier, MEMBARRIER_CMD_GLOBAL, 0, 0))
		usleep(GRACE_FALLBACK_US); /* lint-ok: nothing tells of a packet's end then */
}

static void *run(void *context)
{
	struct dataplane_grace *grace = context;

	prctl(PR_SET_NAME, "tidegate-grace");
	pthread_mutex_lock(&grace->lock);
	while (!grace->is_ending || grace->over < grace->wanted) {
		uint64_t number = grace->wanted;

		if (grace->over == number) {
			pthread_cond_wait(&grace->turned, &grace->lock);
			continue;
		}
		pthread_mutex_unlock(&grace->lock);
		dataplane_wait_for_packets();
		pthread_mutex_lock(&grace->lock);
		grace->over = number;
		pthread_cond_broadcast(&grace->turned);
	}
	pthread_mutex_unlock(&grace->lock);
	return NULL;
}

struct dataplane_grace *dataplane_grace_new(void)
{
	struct dataplane_grace *grace = calloc(1, sizeof(*grace));

	if (!grace)
		return NULL;
	pthread_mutex_init(&grace->lock, NULL);
	pthread_cond_init(&grace->turned, NULL);
	return grace;
}

/* With the first wait: whoever only reads, or forks before, needs none. */
static void start(struct dataplane_grace *grace)
{
	sigset_t all, before;

	grace->is_started = true;
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	grace->has_thread = pthread_create(&grace->thread, NULL, run, grace) == 0;
	pthread_sigmask(SIG_SETMASK, &before, NULL);
}

void dataplane_grace_free(struct dataplane_grace *grace)
{
	if (!grace)
		return;
	pthread_mutex_lock(&grace->lock);
	grace->is_ending = true;
	pthread_cond_broadcast(&grace->turned);
	pthread_mutex_unlock(&grace->lock);
	if (grace->has_thread)
		pthread_join(grace->thread, NULL);
	pthread_cond_destroy(&grace->turned);
	pthread_mutex_destroy(&grace->lock);
	free(grace);
}

uint64_t dataplane_grace_begin(struct dataplane_grace *grace)
{
	uint64_t number;

	if (!grace->is_started)
		start(grace);
	if (!grace->has_thread) {
		dataplane_wait_for_packets();
		grace->over = ++grace->wanted;
		return grace->over;
	}
	pthread_mutex_lock(&grace->lock);
	number = ++grace->wanted;
	pthread_cond_broadcast(&grace->turned);
	pthread_mutex_unlock(&grace->lock);
	return number;
}

bool dataplane_grace_is_over(struct dataplane_grace *grace, uint64_t number)
{
	pthread_mutex_lock(&grace->lock);
	bool is_over = grace->over >= number;

	pthread_mutex_unlock(&grace->lock);
	return is_over;
}

void dataplane_grace_wait(struct dataplane_grace *grace, uint64_t number)
{
	pthread_mutex_lock(&grace->lock);
	while (grace->over < number)
		pthread_cond_wait(&grace->turned, &grace->lock);
	pthread_mutex_unlock(&grace->lock);
}
