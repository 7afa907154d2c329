// SPDX-License-Identifier: Apache-2.0
/*
 * controller: reads the source when it says so, compiles, publishes, drains.
 *
 * The kernel plane is told first: what it newly lets through finds a proxy that knows it a moment
 * later, and what it newly drops never reaches the old routes.
 */
#include "control/controller.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/huge_block.h"
#include "base/log.h"
#include "control/controller_state.h"
#include "obs/metric.h"
#include "plan/registry.h"

enum {
	DIAGS_MAX_BYTES = 64 << 20,
	DRAIN_POLL_MS = 50,
	TICK_MS = 1000,
	LEAVE_IDLE_S = 10, /* a connection without a request, after we were replaced */
};

/* ----------------------------------------------------------------- publish -- */

static void apply_kernel(struct controller *self, const struct snapshot *snapshot)
{
	struct dataplane_result result = {0};

	if (!self->options.dataplane || !snapshot->kernel)
		return;
	pthread_mutex_lock(&self->dataplane_lock);
	int rc = dataplane_apply(self->options.dataplane, snapshot->kernel, &result);

	pthread_mutex_unlock(&self->dataplane_lock);
	self->apply_ns = result.publish_ns;
	self->is_kernel_behind = rc < 0;
	if (rc >= 0)
		self->generation = result.generation;
	if (rc < 0)
		LOG(LOG_ERROR,
		    "kernel plane refused the new configuration, the old one stays in force there",
		    LOG_I("revision", snapshot->revision), LOG_ERRNO(rc));
}

/* Many a second say nothing each: one line tells of all of a second. */
static void tell(struct controller *self, const struct snapshot *snapshot)
{
	struct compiler_stats stats = compiler_stats(self->compiler);
	uint64_t now_ns = clock_mono_ns();

	if (stats.was_quick && now_ns - self->last_told_ns < NS_PER_SEC) {
		self->n_untold++;
		return;
	}
	LOG(LOG_INFO, "configuration in force", LOG_I("revision", snapshot->revision),
	    LOG_I("routers", snapshot->n_routes), LOG_I("services", snapshot->n_services),
	    LOG_I("broken_objects", self->n_broken),
	    LOG_C("compiled", stats.was_quick ? "changes" : "everything"),
	    LOG_I("compile_us", self->compile_ns / NS_PER_US),
	    LOG_I("kernel_us", self->apply_ns / NS_PER_US),
	    LOG_I("revisions_since", self->n_untold + 1));
	self->last_told_ns = now_ns;
	self->n_untold = 0;
}

static bool has_diags(const struct object *object)
{
	return object && (object->diags.n || !object->valid);
}

/* Whether what is to be told of objects may have changed. */
static bool may_have_news(const struct store *store)
{
	if (store->all_changed)
		return true;
	TABLE_EACH (&store->changed, slot) {
		const struct store_change *change = slot->value;

		if (has_diags(change->before) || has_diags(change->after))
			return true;
	}
	return false;
}

/* What is shared with the last one is the same. */
static bool has_other_checks(const struct snapshot *old, const struct snapshot *snapshot)
{
	return old ? old->vip_probes != snapshot->vip_probes ||
			       old->stream_probes != snapshot->stream_probes
		   : snapshot->vip_probes || snapshot->stream_probes;
}

/* On the checker's thread. */
static void on_health(void *context)
{
	struct controller *self = context;
	const uint64_t one = 1;

	if (write(self->health_fd, &one, sizeof(one)) < 0)
		LOG(LOG_WARN, "the result of a check waits for the next change", LOG_ERRNO(-errno));
}

/* Takes over the reference. */
static void put_in_force(struct controller *self, struct snapshot *snapshot)
{
	if (!self->snapshot || snapshot->kernel != self->snapshot->kernel || self->is_kernel_behind)
		apply_kernel(self, snapshot);
	if (self->proxy)
		proxy_publish(self->proxy, snapshot);
	if (self->checker && has_other_checks(self->snapshot, snapshot))
		checker_follow(self->checker, snapshot);
	pthread_mutex_lock(&self->lock);
	struct snapshot *old = self->snapshot;

	self->snapshot = snapshot;
	pthread_mutex_unlock(&self->lock);
	snapshot_unref(old);
	/* The next one is made beside this one: its memory is got now, not while a change waits. */
	if (!old)
		huge_block_reserve(compiler_stats(self->compiler).n_bytes / HUGE_BLOCK_BYTES);
	if (self->options.metrics)
		metric_reload(self->options.metrics, true, clock_wall_ns());
	tell(self, snapshot);
}

/* About once a second, whatever else goes on. */
static void tick_kernel(struct controller *self)
{
	uint64_t now_ns = clock_mono_ns();

	if (!self->options.dataplane || now_ns < self->tick_due_ns)
		return;
	self->tick_due_ns = now_ns + TICK_MS * NS_PER_MS;
	pthread_mutex_lock(&self->dataplane_lock);
	dataplane_tick(self->options.dataplane, now_ns);
	pthread_mutex_unlock(&self->dataplane_lock);
}

/* Makes the store's content the configuration in force. */
static int publish(struct controller *self, const struct diag_sink *files)
{
	uint64_t began = clock_mono_ns();
	uint64_t revision = (self->snapshot ? self->snapshot->revision : 0) + 1;
	struct snapshot *snapshot =
		compiler_run(self->compiler, &self->store, COMPILE_CHANGES, revision);
	bool has_news = may_have_news(&self->store) || (files && files->n);

	if (!snapshot) {
		LOG(LOG_ERROR,
		    "out of memory while compiling, the last configuration stays in force");
		if (self->options.metrics)
			metric_reload(self->options.metrics, false, clock_wall_ns());
		return -ENOMEM;
	}
	store_changes_taken(&self->store);
	self->compile_ns = clock_mono_ns() - began;
	/* Faults of files are told with every reading; whether they are gone shows then, too. */
	if (has_news || self->had_file_faults || !compiler_stats(self->compiler).same_diags)
		self->n_broken = report_revision(&self->report, &self->store, snapshot, files);
	self->had_file_faults = files && files->n;
	if (snapshot == self->snapshot)
		snapshot_unref(snapshot);
	else
		put_in_force(self, snapshot);
	return 0;
}

/* Reads what changed; publishes when an object differs. */
static void read_source(struct controller *self)
{
	struct arena arena;
	struct diag_sink sink;

	arena_init(&arena, DIAGS_MAX_BYTES, 0);
	diag_init(&sink, &arena);
	if (sources_read(self->options.sources, &self->store, &sink) || !self->snapshot)
		publish(self, &sink);
	arena_done(&arena);
	self->last_read_ns = clock_mono_ns();
}

/* ------------------------------------------------------------------ events -- */

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

void controller_ban(void *context, const struct proxy_ban *ban)
{
	struct controller *self = context;
	struct snapshot *snapshot = controller_snapshot(self);
	const struct entry_point *entry = &snapshot->entry_points[ban->entry_point];
	uint64_t for_ns = (uint64_t)entry->escalate.drop_for_ns;
	char source[ADDR_TEXT_MAX], policy[KERNEL_NAME_MAX + 1];
	int rc = -EOPNOTSUPP;

	addr_print(&ban->source, source);
	snprintf(policy, sizeof(policy), STR_FMT, STR_ARG(entry->name));
	snapshot_unref(snapshot);
	if (ban->by_proxy_header) {
		LOG(LOG_INFO,
		    "source keeps being refused, but its packets come from a proxy: not dropped in "
		    "the kernel",
		    LOG_C("source", source));
		return;
	}
	if (self->options.dataplane) {
		rc = dataplane_ban(self->options.dataplane, &ban->source, policy, for_ns,
				   "refused at L7 (429)", ban->refusals);
		/* An entry point without a policy of its own: the source is dropped on all of them.
		 */
		if (rc == -ENOENT)
			rc = dataplane_ban(self->options.dataplane, &ban->source, NULL, for_ns,
					   "refused at L7 (429)", ban->refusals);
	}
	if (rc == 0)
		atomic_fetch_add(&self->bans, 1);
	LOG(rc == 0 ? LOG_WARN : LOG_INFO,
	    rc == 0 ? "source keeps being refused, dropped in the kernel plane for a while"
		    : "source keeps being refused, and the kernel plane cannot drop it",
	    LOG_C("source", source), LOG_I("refusals", ban->refusals), LOG_S("router", ban->route),
	    LOG_S("middleware", ban->middleware), LOG_I("seconds", for_ns / NS_PER_SEC),
	    LOG_C("error", rc == 0 ? "" : log_strerror(rc)));
}

/* Longest wait so that events of the folder are taken at most every CONTROLLER_GAP_MS. */
static int gap_left_ms(const struct controller *self)
{
	uint64_t since_ms = (clock_mono_ns() - self->last_read_ns) / NS_PER_MS;

	return since_ms >= CONTROLLER_GAP_MS ? 0 : (int)(CONTROLLER_GAP_MS - since_ms);
}

static void drain(struct controller *self)
{
	const struct static_config *config = self->options.config;
	int64_t accept_grace = 0, grace = 0;

	for (size_t i = 0; i < config->entry_points.n; i++) {
		const struct ep_life_cycle *life =
			&static_entry_point(config, i)->transport.life_cycle;

		accept_grace = life->request_accept_grace.ns > accept_grace
				       ? life->request_accept_grace.ns
				       : accept_grace;
		grace = life->grace.ns > grace ? life->grace.ns : grace;
	}
	atomic_store(&self->draining, true);
	if (!self->proxy)
		return;
	LOG(LOG_INFO, "ending: requests in flight may finish",
	    LOG_I("accept_grace_s", accept_grace / NS_PER_SEC),
	    LOG_I("grace_s", grace / NS_PER_SEC));
	uint64_t end = clock_mono_ns() + (uint64_t)accept_grace + (uint64_t)grace;

	proxy_drain(self->proxy, (uint64_t)accept_grace);
	while (!proxy_drained(self->proxy) && clock_mono_ns() < end)
		poll(NULL, 0, DRAIN_POLL_MS);
}

/* Takes one signal: true when it asks to end. SIGUSR1 opens the access log anew (reference h.2). */
static bool ends(struct controller *self, int signal_fd)
{
	struct signalfd_siginfo info;

	if (read(signal_fd, &info, sizeof(info)) != sizeof(info))
		return false;
	if (info.ssi_signo != SIGUSR1)
		return true;
	if (self->proxy)
		proxy_reopen_logs(self->proxy);
	LOG(LOG_INFO, "log files opened anew");
	return false;
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
	while (!proxy_drained(self->proxy) && clock_mono_ns() < end) {
		struct pollfd fd = {.fd = signal_fd, .events = POLLIN};

		if (poll(&fd, 1, DRAIN_POLL_MS) > 0 && ends(self, signal_fd))
			return true;
	}
	return false;
}

static void take_health(struct controller *self)
{
	uint64_t ignored;

	while (read(self->health_fd, &ignored, sizeof(ignored)) > 0)
		continue;
	compiler_health_changed(self->compiler);
	publish(self, NULL);
}

int controller_run(struct controller *self)
{
	const struct controller_heir *heir = &self->options.heir;
	sigset_t signals;

	sigemptyset(&signals);
	sigaddset(&signals, SIGINT);
	sigaddset(&signals, SIGTERM);
	sigaddset(&signals, SIGUSR1);
	AUTO_CLOSE int signal_fd = signalfd(-1, &signals, SFD_CLOEXEC | SFD_NONBLOCK);

	if (signal_fd < 0)
		return -errno;
	for (;;) {
		struct pollfd fds[] = {
			{.fd = signal_fd, .events = POLLIN},
			{.fd = self->options.dataplane ? dataplane_event_fd(self->options.dataplane)
						       : -1,
			 .events = POLLIN},
			{.fd = self->options.sources ? sources_fd(self->options.sources) : -1,
			 .events = POLLIN},
			{.fd = heir->fd ? heir->fd(heir->context) : -1, .events = POLLIN},
			{.fd = self->health_fd, .events = POLLIN},
		};

		if (poll(fds, 5, self->options.dataplane ? TICK_MS : -1) < 0 && errno != EINTR)
			return -errno;
		tick_kernel(self);
		if (fds[0].revents && ends(self, signal_fd))
			break;
		if (fds[3].revents && heir->serve(heir->context)) {
			if (leave(self, signal_fd))
				break;
			return 0;
		}
		if (fds[1].revents) {
			pthread_mutex_lock(&self->dataplane_lock);
			dataplane_events(self->options.dataplane, on_kernel_event, self);
			pthread_mutex_unlock(&self->dataplane_lock);
		}
		if (fds[2].revents) {
			int wait_ms = gap_left_ms(self);

			if (wait_ms)
				poll(NULL, 0, wait_ms);
			read_source(self);
		}
		if (fds[4].revents)
			take_health(self);
	}
	drain(self);
	return 0;
}

/* -------------------------------------------------------------------- life -- */

int controller_new(const struct controller_options *options, struct controller **ret_controller)
{
	struct controller *self = calloc(1, sizeof(*self));

	if (!self)
		return -ENOMEM;
	self->options = *options;
	self->health_fd = -1;
	self->started_ns = clock_mono_ns();
	pthread_mutex_init(&self->lock, NULL);
	pthread_mutex_init(&self->dataplane_lock, NULL);
	store_init(&self->store);
	report_init(&self->report);
	if (options->metrics &&
	    metric_registry_add_source(options->metrics, report_collect, &self->report) < 0) {
		controller_free(self);
		return -ENOMEM;
	}
	self->registry = registry_new();
	if (self->registry) {
		registry_set_metrics(self->registry, options->metrics);
		registry_set_tls(self->registry, options->tls);
	}
	self->compiler = self->registry ? compiler_new(options->config, self->registry) : NULL;
	self->health_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (self->health_fd < 0 || checker_new(on_health, self, &self->checker) < 0)
		LOG(LOG_WARN, "backends cannot be checked");
	if (self->compiler && options->sources)
		read_source(self);
	else if (self->compiler)
		publish(self, NULL);
	if (!self->snapshot) {
		controller_free(self);
		return -ENOMEM;
	}
	*ret_controller = self;
	return 0;
}

void controller_free(struct controller *self)
{
	if (!self)
		return;
	checker_free(self->checker);
	if (self->health_fd >= 0)
		close(self->health_fd);
	snapshot_unref(self->snapshot);
	report_done(&self->report);
	compiler_free(self->compiler);
	registry_free(self->registry);
	store_done(&self->store);
	dataplane_close(self->options.dataplane);
	pthread_mutex_destroy(&self->lock);
	pthread_mutex_destroy(&self->dataplane_lock);
	free(self);
}

struct snapshot *controller_snapshot(struct controller *self)
{
	pthread_mutex_lock(&self->lock);
	struct snapshot *snapshot = snapshot_ref(self->snapshot);

	pthread_mutex_unlock(&self->lock);
	return snapshot;
}

void controller_attach(struct controller *self, struct proxy *proxy)
{
	self->proxy = proxy;
}

bool controller_draining(const struct controller *self)
{
	return atomic_load(&self->draining);
}
