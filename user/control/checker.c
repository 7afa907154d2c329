// SPDX-License-Identifier: Apache-2.0
/* checker: see the header. The list of checks belongs to the thread; a new snapshot is handed over
 * under the lock, with a byte through an eventfd. */

#include "control/checker.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "control/backend_check.h"
#include "plan/stream_plan.h"
#include "plan/vip_probe.h"

enum { OPEN_MAX = 256 /* checks that run at the same moment */ };

struct checker {
	void (*on_change)(void *context);
	void *context;
	pthread_t thread;
	bool has_thread;
	int wake_fd;
	/* Guards next and is_ending. */
	pthread_mutex_t lock;
	struct snapshot *next; /* to be followed; a reference */
	bool is_ending;
	/* The thread's own. */
	struct snapshot *snapshot;
	struct backend_check **checks;
	size_t n_checks, n_open;
	struct pollfd fds[OPEN_MAX + 1];
	struct backend_check *polled[OPEN_MAX + 1];
};

/* ------------------------------------------------------------------- lists -- */

static size_t count(const struct snapshot *snapshot)
{
	size_t n = 0;

	for (const struct vip_probe *probe = snapshot->vip_probes; probe; probe = probe->next)
		n += probe->n_targets;
	for (const struct stream_probe *probe = snapshot->stream_probes; probe; probe = probe->next)
		n += probe->service->n_servers;
	return n;
}

static int by_member(const void *a, const void *b)
{
	const struct backend_check *x = *(const struct backend_check *const *)a;
	const struct backend_check *y = *(const struct backend_check *const *)b;

	return (x->of.member > y->of.member) - (x->of.member < y->of.member);
}

/* The check that there was of this member, or a new one. */
static void add(struct checker *checker, struct backend_check **list, size_t *n,
		const struct backend_check_of *of)
{
	struct backend_check key = {.of = *of}, *at = &key;
	struct backend_check **known = checker->n_checks
					       ? bsearch(&at, checker->checks, checker->n_checks,
							 sizeof(*checker->checks), by_member)
					       : NULL;
	struct backend_check *check = known ? *known : NULL;

	/* The same backend by two references is checked once. */
	if (check && check->is_kept)
		return;
	if (!check)
		check = backend_check_new(of, clock_mono_ns());
	if (!check)
		return;
	check->of = *of;
	check->is_kept = true;
	list[(*n)++] = check;
}

static void add_vip(struct checker *checker, struct backend_check **list, size_t *n,
		    const struct vip_probe *probe)
{
	for (uint32_t i = 0; i < probe->n_targets; i++)
		add(checker, list, n,
		    &(struct backend_check_of){
			    .member = probe->targets[i].member,
			    .name = probe->name,
			    .addr = probe->targets[i].addr,
			    .port = probe->targets[i].port,
			    .is_http = probe->is_http,
			    .path = probe->path,
			    .host = probe->host,
			    .status = probe->status,
			    .interval_ns = probe->interval_ns,
			    .unhealthy_interval_ns = probe->interval_ns,
			    .timeout_ns = probe->timeout_ns,
			    .healthy_threshold = probe->healthy_threshold,
			    .unhealthy_threshold = probe->unhealthy_threshold,
			    .at_once = true,
		    });
}

/* Servers by name are the proxy's to look up: they stay up. */
static void add_stream(struct checker *checker, struct backend_check **list, size_t *n,
		       const struct stream_probe *probe)
{
	for (uint32_t i = 0; i < probe->service->n_servers; i++) {
		const struct stream_server *server = &probe->service->servers[i];

		if (server->dns_name.len || !server->member)
			continue;
		add(checker, list, n,
		    &(struct backend_check_of){
			    .member = server->member,
			    .name = probe->service->name,
			    .addr = server->addr,
			    .port = probe->port ? probe->port : server->port,
			    .send = probe->send,
			    .expect = probe->expect,
			    .interval_ns = probe->interval_ns,
			    .unhealthy_interval_ns = probe->unhealthy_interval_ns,
			    .timeout_ns = probe->timeout_ns,
			    .healthy_threshold = 1,
			    .unhealthy_threshold = 1,
		    });
	}
}

/* New ones of the same member, which are side by side now. */
static size_t once(struct backend_check **list, size_t n)
{
	size_t kept = 0;

	for (size_t i = 0; i < n; i++)
		if (kept && list[kept - 1]->of.member == list[i]->of.member)
			backend_check_free(list[i]);
		else
			list[kept++] = list[i];
	return kept;
}

/* Takes over the reference. */
static void follow(struct checker *checker, struct snapshot *snapshot)
{
	struct snapshot *old = checker->snapshot;
	struct backend_check **list = calloc(count(snapshot) + 1, sizeof(struct backend_check *));
	size_t n = 0;

	/* Without memory: what is checked stays what it is. */
	if (!list) {
		snapshot_unref(snapshot);
		return;
	}
	for (size_t i = 0; i < checker->n_checks; i++)
		checker->checks[i]->is_kept = false;
	for (const struct vip_probe *probe = snapshot->vip_probes; probe; probe = probe->next)
		add_vip(checker, list, &n, probe);
	for (const struct stream_probe *probe = snapshot->stream_probes; probe; probe = probe->next)
		add_stream(checker, list, &n, probe);
	for (size_t i = 0; i < checker->n_checks; i++)
		if (!checker->checks[i]->is_kept)
			backend_check_free(checker->checks[i]);
	free(checker->checks);
	if (n)
		qsort(list, n, sizeof(*list), by_member);
	n = once(list, n);
	checker->checks = list;
	checker->n_checks = n;
	checker->snapshot = snapshot;
	snapshot_unref(old);
}

/* True when it is to end. */
static bool take_news(struct checker *checker)
{
	struct snapshot *next;
	bool is_ending;
	uint64_t ignored;

	while (read(checker->wake_fd, &ignored, sizeof(ignored)) > 0)
		continue;
	pthread_mutex_lock(&checker->lock);
	next = checker->next;
	checker->next = NULL;
	is_ending = checker->is_ending;
	pthread_mutex_unlock(&checker->lock);
	if (next)
		follow(checker, next);
	return is_ending;
}

/* ------------------------------------------------------------------ thread -- */

static void told(struct checker *checker, struct backend_check *check)
{
	enum backend_check_news news = backend_check_end(check, clock_mono_ns());
	char text[ADDR_TEXT_MAX];

	if (news == CHECK_SAME)
		return;
	addr_print_port(&check->of.addr, check->of.port, text);
	if (news == CHECK_UP)
		LOG(LOG_INFO, "backend is healthy again", LOG_S("service", check->of.name),
		    LOG_C("backend", text));
	else
		LOG(LOG_WARN, "backend is unhealthy", LOG_S("service", check->of.name),
		    LOG_C("backend", text), LOG_C("reason", check->why));
	checker->on_change(checker->context);
}

/* Begins what is due, ends what took too long; returns how long nothing more will be due. */
static int serve(struct checker *checker, nfds_t *ret_n)
{
	uint64_t now_ns = clock_mono_ns(), next_ns = UINT64_MAX;
	nfds_t n = 1;

	for (size_t i = 0; i < checker->n_checks; i++) {
		struct backend_check *check = checker->checks[i];

		if (check->due_ns <= now_ns && (check->fd >= 0 || n <= OPEN_MAX)) {
			if (check->fd >= 0)
				backend_check_give_up(check, "no answer in time");
			else
				backend_check_begin(check, now_ns);
			if (check->is_done)
				told(checker, check);
		}
		next_ns = check->due_ns < next_ns ? check->due_ns : next_ns;
		if (check->fd < 0 || n > OPEN_MAX)
			continue;
		checker->fds[n] = (struct pollfd){.fd = check->fd, .events = check->events};
		checker->polled[n++] = check;
	}
	*ret_n = n;
	if (next_ns == UINT64_MAX)
		return -1;
	return next_ns <= now_ns ? 0 : (int)((next_ns - now_ns) / NS_PER_MS) + 1;
}

static void *run(void *context)
{
	struct checker *checker = context;

	for (;;) {
		nfds_t n;
		int wait_ms = serve(checker, &n);

		checker->fds[0] = (struct pollfd){.fd = checker->wake_fd, .events = POLLIN};
		if (poll(checker->fds, n, wait_ms) <= 0)
			continue;
		for (nfds_t i = 1; i < n; i++) {
			struct backend_check *check = checker->polled[i];

			if (!checker->fds[i].revents)
				continue;
			backend_check_on_ready(check);
			if (check->is_done)
				told(checker, check);
		}
		if (checker->fds[0].revents && take_news(checker))
			return NULL;
	}
}

/* -------------------------------------------------------------------- life -- */

int checker_new(void (*on_change)(void *context), void *context, struct checker **ret_checker)
{
	struct checker *checker = calloc(1, sizeof(*checker));
	int error;

	if (!checker)
		return -ENOMEM;
	checker->on_change = on_change;
	checker->context = context;
	pthread_mutex_init(&checker->lock, NULL);
	checker->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	error = checker->wake_fd < 0 ? errno : pthread_create(&checker->thread, NULL, run, checker);
	if (error) {
		checker_free(checker);
		return -error;
	}
	checker->has_thread = true;
	pthread_setname_np(checker->thread, "checker");
	*ret_checker = checker;
	return 0;
}

static void wake(struct checker *checker)
{
	const uint64_t one = 1;

	/* It fails only when it was woken more often than anybody could count: it is awake. */
	if (write(checker->wake_fd, &one, sizeof(one)) < 0)
		return;
}

void checker_follow(struct checker *checker, struct snapshot *snapshot)
{
	struct snapshot *old;

	pthread_mutex_lock(&checker->lock);
	old = checker->next;
	checker->next = snapshot_ref(snapshot);
	pthread_mutex_unlock(&checker->lock);
	snapshot_unref(old);
	wake(checker);
}

void checker_free(struct checker *checker)
{
	if (!checker)
		return;
	if (checker->has_thread) {
		pthread_mutex_lock(&checker->lock);
		checker->is_ending = true;
		pthread_mutex_unlock(&checker->lock);
		wake(checker);
		pthread_join(checker->thread, NULL);
	}
	for (size_t i = 0; i < checker->n_checks; i++)
		backend_check_free(checker->checks[i]);
	free(checker->checks);
	snapshot_unref(checker->next);
	snapshot_unref(checker->snapshot);
	if (checker->wake_fd >= 0)
		close(checker->wake_fd);
	pthread_mutex_destroy(&checker->lock);
	free(checker);
}
