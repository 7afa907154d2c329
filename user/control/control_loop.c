// SPDX-License-Identifier: Apache-2.0
/*
 * control_loop: waits for signals, sources, the kernel plane and its own appointments; then the
 * end, during which changes are still taken, since traffic still comes.
 */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/log.h"
#include "control/controller_state.h"

enum {
	TICK_MS = 1000,
	DRAIN_POLL_MS = 50,
	LEAVE_IDLE_S = 10,    /* a connection without a request, after we were replaced */
	SERVED_POLL_US = 250, /* while workers have not all taken the newest snapshot */
	BEATS_PER_WATCHDOG = 3,
	STATE_TEXT_MAX = 128,
};

/* What one turn found. */
struct turn {
	bool is_ending, is_replaced; /* by a signal; by another process */
};

/* ------------------------------------------------------------ appointments -- */

static void tick_kernel(struct controller *self)
{
	uint64_t now_ns = clock_mono_ns();

	if (!self->options.dataplane || now_ns < self->tick_due_ns)
		return;
	self->tick_due_ns = now_ns + TICK_MS * NS_PER_MS;
	pthread_mutex_lock(&self->dataplane_lock);
	dataplane_tick(self->options.dataplane, now_ns);
	pthread_mutex_unlock(&self->dataplane_lock);
	controller_retry_kernel(self);
	controller_look_at_interfaces(self);
}

static void on_kernel_event(void *context, const struct dataplane_event *event)
{
	char source[ADDR_TEXT_MAX];

	(void)context;
	addr_print(&event->source, source);
	LOG(LOG_INFO, "packet dropped in the kernel plane",
	    LOG_C("reason", dataplane_drop_label(event->reason)), LOG_C("source", source),
	    LOG_C("entry_point", event->entry), LOG_C("policy", event->policy),
	    LOG_I("port", event->dest_port));
}

/* The first event is taken at once, the next ones at most every CONTROLLER_GAP_MS. */
static void read_due(struct controller *self, bool has_event, uint64_t now_ns)
{
	uint64_t event_ns;

	if (has_event && !self->event_ns)
		self->event_ns = now_ns;
	if (now_ns < self->read_due_ns ||
	    (!self->event_ns && !(self->has_news && now_ns >= self->news_due_ns)))
		return;
	event_ns = self->event_ns;
	self->event_ns = 0;
	controller_read(self, event_ns ? event_ns : now_ns, false);
}

static void tell_ready(struct controller *self)
{
	char text[STATE_TEXT_MAX];

	if (self->is_ready_told || !controller_ready(self))
		return;
	self->is_ready_told = true;
	LOG(LOG_INFO, "ready: a whole configuration serves",
	    LOG_I("revision", self->snapshot->revision),
	    LOG_I("after_ms", (clock_mono_ns() - self->started_ns) / NS_PER_MS));
	snprintf(text, sizeof(text), "READY=1\nMAINPID=%d\nSTATUS=Serving %u routers", getpid(),
		 self->snapshot->n_routes);
	notify_send(&self->notify, text);
}

/* A worker that does not turn for a whole interval keeps the watchdog from being told. */
static void beat(struct controller *self, uint64_t now_ns)
{
	if (!self->notify.watchdog_ns || !self->proxy || now_ns < self->beat_due_ns)
		return;
	self->beat_due_ns = now_ns + self->notify.watchdog_ns / BEATS_PER_WATCHDOG;
	if (proxy_beat(self->proxy))
		notify_send(&self->notify, "WATCHDOG=1");
	else
		LOG(LOG_ERROR, "a worker does not answer, systemd's watchdog is not told");
}

/* What the state file holds is what the API server said as a whole, never a part of it. */
static void keep_state(struct controller *self, uint64_t now_ns)
{
	if (self->state && self->options.sources && sources_listed(self->options.sources))
		state_file_offer(self->state, &self->store, now_ns);
}

static void earlier(uint64_t *due_ns, uint64_t other_ns)
{
	if (other_ns && (!*due_ns || other_ns < *due_ns))
		*due_ns = other_ns;
}

/* Nanoseconds until the next appointment, at most max_ms; negative: none. */
static int64_t wait_ns(struct controller *self, uint64_t now_ns, int max_ms)
{
	uint64_t due_ns = 0;

	if (max_ms >= 0)
		due_ns = now_ns + (uint64_t)max_ms * NS_PER_MS;
	if (self->options.dataplane)
		earlier(&due_ns, now_ns + TICK_MS * (uint64_t)NS_PER_MS);
	if (self->proxy && effect_served(&self->effect, proxy_revision(self->proxy), now_ns))
		earlier(&due_ns, now_ns + SERVED_POLL_US * (uint64_t)NS_PER_US);
	if (!self->is_ready_told && self->complete_revision && self->proxy)
		earlier(&due_ns, now_ns + SERVED_POLL_US * (uint64_t)NS_PER_US);
	if (self->event_ns)
		earlier(&due_ns, self->read_due_ns);
	else if (self->has_news)
		earlier(&due_ns, self->news_due_ns > self->read_due_ns ? self->news_due_ns
								       : self->read_due_ns);
	if (self->notify.watchdog_ns && self->proxy)
		earlier(&due_ns, self->beat_due_ns);
	if (self->state && self->options.sources && sources_listed(self->options.sources))
		earlier(&due_ns, state_file_due_ns(self->state, &self->store));
	if (!due_ns)
		return -1;
	return due_ns > now_ns ? (int64_t)(due_ns - now_ns) : 0;
}

/* ----------------------------------------------------------------- signals -- */

static void reload(struct controller *self)
{
	char text[STATE_TEXT_MAX];

	snprintf(text, sizeof(text), "RELOADING=1\nMONOTONIC_USEC=%llu",
		 (unsigned long long)(clock_mono_ns() / NS_PER_US));
	notify_send(&self->notify, text);
	self->store.all_changed = true;
	controller_read(self, clock_mono_ns(), true);
	LOG(LOG_INFO, "compiled anew, as SIGHUP asks");
	notify_send(&self->notify, "READY=1");
}

/* Takes one signal: true when it asks to end. SIGUSR1 opens the access log anew (reference h.2). */
static bool ends(struct controller *self, int signal_fd)
{
	struct signalfd_siginfo info;

	if (read(signal_fd, &info, sizeof(info)) != sizeof(info))
		return false;
	if (info.ssi_signo == SIGHUP) {
		if (!controller_draining(self))
			reload(self);
		return false;
	}
	if (info.ssi_signo != SIGUSR1)
		return true;
	if (self->proxy)
		proxy_reopen_logs(self->proxy);
	LOG(LOG_INFO, "log files opened anew");
	return false;
}

/* -------------------------------------------------------------------- loop -- */

static int wait_for(struct pollfd *fds, nfds_t n, int64_t ns)
{
	const struct timespec timeout = {ns / NS_PER_SEC, ns % NS_PER_SEC};
	int found = ppoll(fds, n, ns < 0 ? NULL : &timeout, NULL);

	return found < 0 && errno != EINTR ? -1 : 0;
}

/* One round; negative errno when it cannot wait. */
static int turn(struct controller *self, int signal_fd, int max_ms, struct turn *ret_turn)
{
	const struct controller_heir *heir = &self->options.heir;
	struct pollfd fds[] = {
		{.fd = signal_fd, .events = POLLIN},
		{.fd = self->options.dataplane ? dataplane_event_fd(self->options.dataplane) : -1,
		 .events = POLLIN},
		/* What it says is known until it is read. */
		{.fd = self->options.sources && !self->event_ns ? sources_fd(self->options.sources)
								: -1,
		 .events = POLLIN},
		{.fd = heir->fd && !controller_draining(self) ? heir->fd(heir->context) : -1,
		 .events = POLLIN},
		{.fd = self->health_fd, .events = POLLIN},
	};
	uint64_t now_ns;

	*ret_turn = (struct turn){0};
	if (wait_for(fds, sizeof(fds) / sizeof(*fds), wait_ns(self, clock_mono_ns(), max_ms)) < 0)
		return -errno;
	now_ns = clock_mono_ns();
	tick_kernel(self);
	if (fds[0].revents)
		ret_turn->is_ending = ends(self, signal_fd);
	if (fds[1].revents) {
		pthread_mutex_lock(&self->dataplane_lock);
		dataplane_events(self->options.dataplane, on_kernel_event, self);
		pthread_mutex_unlock(&self->dataplane_lock);
	}
	read_due(self, fds[2].revents != 0, now_ns);
	if (fds[4].revents)
		controller_take_health(self);
	ret_turn->is_replaced = fds[3].revents && heir->serve(heir->context);
	now_ns = clock_mono_ns();
	tell_ready(self);
	beat(self, now_ns);
	keep_state(self, now_ns);
	return 0;
}

static void drain(struct controller *self, int signal_fd)
{
	const struct static_config *config = self->options.config;
	int64_t accept_grace = 0, grace = 0;
	struct turn found = {0};

	for (size_t i = 0; i < config->entry_points.n; i++) {
		const struct ep_life_cycle *life =
			&static_entry_point(config, i)->transport.life_cycle;

		accept_grace = life->request_accept_grace.ns > accept_grace
				       ? life->request_accept_grace.ns
				       : accept_grace;
		grace = life->grace.ns > grace ? life->grace.ns : grace;
	}
	atomic_store(&self->draining, true);
	notify_send(&self->notify, "STOPPING=1\nSTATUS=Requests in flight may finish");
	if (self->state && self->options.sources && sources_listed(self->options.sources))
		state_file_flush(self->state, &self->store);
	if (!self->proxy)
		return;
	LOG(LOG_INFO, "ending: requests in flight may finish",
	    LOG_I("accept_grace_s", accept_grace / NS_PER_SEC),
	    LOG_I("grace_s", grace / NS_PER_SEC));
	uint64_t accept_end = clock_mono_ns() + (uint64_t)accept_grace;
	uint64_t end = accept_end + (uint64_t)grace;

	proxy_drain(self->proxy, (uint64_t)accept_grace);
	/* Nobody connected for a moment means nothing while new connections are still taken. */
	while ((clock_mono_ns() < accept_end || !proxy_drained(self->proxy)) &&
	       clock_mono_ns() < end && !found.is_ending)
		if (turn(self, signal_fd, DRAIN_POLL_MS, &found) < 0)
			break;
	if (found.is_ending)
		LOG(LOG_WARN, "asked to end a second time: requests in flight are given up");
}

/* Another process serves: what is here goes on to its end. True when a signal says to hurry. */
static bool leave(struct controller *self, int signal_fd)
{
	int64_t grace = self->options.config->upgrade_grace.ns;
	uint64_t end = clock_mono_ns() + (uint64_t)grace;

	atomic_store(&self->draining, true);
	LOG(LOG_INFO, "another process serves now; connections that are here may go on",
	    LOG_I("grace_s", grace / NS_PER_SEC));
	if (!self->proxy)
		return false;
	proxy_leave(self->proxy, LEAVE_IDLE_S * NS_PER_SEC);
	/* Changes are the other one's now. */
	while (!proxy_drained(self->proxy) && clock_mono_ns() < end) {
		struct pollfd fd = {.fd = signal_fd, .events = POLLIN};

		if (poll(&fd, 1, DRAIN_POLL_MS) > 0 && ends(self, signal_fd))
			return true;
	}
	return false;
}

int controller_run(struct controller *self)
{
	struct turn found = {0};
	sigset_t signals;

	sigemptyset(&signals);
	sigaddset(&signals, SIGINT);
	sigaddset(&signals, SIGTERM);
	sigaddset(&signals, SIGUSR1);
	sigaddset(&signals, SIGHUP);
	AUTO_CLOSE int signal_fd = signalfd(-1, &signals, SFD_CLOEXEC | SFD_NONBLOCK);

	if (signal_fd < 0)
		return -errno;
	while (!found.is_ending && !found.is_replaced)
		TRY(turn(self, signal_fd, -1, &found));
	/* Whoever took over notifies systemd, and keeps the state file. */
	if (found.is_replaced && !leave(self, signal_fd))
		return 0;
	drain(self, signal_fd);
	return 0;
}
