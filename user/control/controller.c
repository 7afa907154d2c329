// SPDX-License-Identifier: Apache-2.0
/*
 * controller: reads the source when it says so, compiles, publishes, drains.
 *
 * The kernel plane is told first: what it newly lets through finds a proxy that knows it a moment
 * later, and what it newly drops never reaches the old routes.
 */
#include "control/controller.h"

#include <errno.h>
#include <malloc.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/hash.h"
#include "base/huge_block.h"
#include "base/log.h"
#include "control/controller_state.h"
#include "obs/metric.h"
#include "plan/registry.h"

enum {
	DIAGS_MAX_BYTES = 64 << 20,
	KERNEL_RETRY_MS = 1000,
	NEWS_GAP_MS = 100, /* looking through all objects for faults takes its time */
};

/* ----------------------------------------------------------------- publish -- */

static void apply_kernel(struct controller *self, const struct snapshot *snapshot,
			 uint64_t event_ns)
{
	struct dataplane_result result = {0};
	bool is_told;

	if (!self->options.dataplane || !snapshot->kernel)
		return;
	pthread_mutex_lock(&self->dataplane_lock);
	int rc = dataplane_publish(self->options.dataplane, snapshot->kernel, &result);

	pthread_mutex_unlock(&self->dataplane_lock);
	self->apply_ns = result.publish_ns;
	is_told = rc == self->kernel_rc;
	self->kernel_rc = rc;
	self->retry_due_ns = clock_mono_ns() + KERNEL_RETRY_MS * NS_PER_MS;
	if (rc >= 0)
		self->generation = result.generation;
	if (rc >= 0 && (result.n_ops || result.n_services))
		effect_kernel(&self->effect, clock_mono_ns() - event_ns);
	if (rc < 0 && !is_told)
		LOG(LOG_ERROR,
		    "kernel plane refused the new configuration, the old one stays in force there",
		    LOG_I("revision", snapshot->revision), LOG_ERRNO(rc));
	if (rc >= 0 && !is_told)
		LOG(LOG_INFO, "kernel plane took the configuration that it had refused",
		    LOG_I("revision", snapshot->revision));
}

static const struct kube_kernel_fault *kernel_fault(const struct controller *self)
{
	static const struct kube_kernel_fault no_room = {
		DIAG_NODE_FULL, "the kernel plane has no room for the newest configuration, an "
				"older one is in force there"};
	static const struct kube_kernel_fault refused = {
		"ConfigurationRefused", "the kernel plane refused the newest configuration, an "
					"older one is in force there"};

	if (self->kernel_rc >= 0)
		return NULL;
	return self->kernel_rc == -ENOSPC ? &no_room : &refused;
}

/* What is in the store is in force, or is not in the kernel plane. */
static void tell_in_force(struct controller *self)
{
	if (self->options.sources)
		sources_in_force(self->options.sources, &self->store, kernel_fault(self));
}

/* Room comes back when flows end. */
void controller_retry_kernel(struct controller *self)
{
	if (self->kernel_rc < 0 && self->snapshot && clock_mono_ns() >= self->retry_due_ns) {
		apply_kernel(self, self->snapshot, clock_mono_ns());
		tell_in_force(self);
	}
}

void controller_look_at_interfaces(struct controller *self)
{
	const struct control_kernel *facts = &self->options.kernel;
	struct interface_seen seen[CONTROLLER_INTERFACES_MAX] = {0};
	char fault[KUBE_INTERFACES_BYTES];
	bool is_lost, is_other;

	for (size_t i = 0; i < facts->n_interfaces; i++)
		if (!interface_watch_look(facts->interfaces[i].name, &seen[i]))
			seen[i] = (struct interface_seen){facts->interfaces[i].ifindex, true};
	is_lost = interface_watch_judge(facts->interfaces, seen, facts->n_interfaces, fault,
					sizeof(fault));
	pthread_mutex_lock(&self->lock);
	memcpy(self->interfaces, seen, sizeof(seen));
	is_other = strcmp(fault, self->interface_fault) != 0;
	memcpy(self->interface_fault, fault, sizeof(fault));
	pthread_mutex_unlock(&self->lock);
	if (!is_other)
		return;
	if (is_lost)
		LOG(LOG_WARN, "an interface does not run the kernel plane", LOG_C("reason", fault));
	else
		LOG(LOG_INFO, "all interfaces run the kernel plane", LOG_C("note", fault));
	if (self->options.sources)
		sources_interfaces(self->options.sources, fault, is_lost);
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
static void put_in_force(struct controller *self, struct snapshot *snapshot, uint64_t event_ns)
{
	if (!self->snapshot || snapshot->kernel != self->snapshot->kernel || self->kernel_rc < 0)
		apply_kernel(self, snapshot, event_ns);
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
}

/* Faults go to the log, and to those who wrote the objects. */
static void tell_news(struct controller *self, const struct diag_sink *files, uint64_t now_ns)
{
	if (!self->has_news || now_ns < self->news_due_ns)
		return;
	self->has_news = false;
	self->n_broken = report_revision(&self->report, &self->store, self->snapshot, files);
	if (self->options.sources)
		sources_tell(self->options.sources, &self->store, &self->snapshot->diags);
	self->news_due_ns = clock_mono_ns() + NEWS_GAP_MS * NS_PER_MS;
}

/* Faults of files are told with every reading. */
static uint64_t hash_of(const struct diag_sink *files)
{
	uint64_t hash = 1;

	for (size_t i = 0; i < files->n; i++) {
		const struct diag *diag = &files->at[i];
		const struct str texts[] = {diag->object, diag->field, diag->message, diag->found};

		for (size_t k = 0; k < sizeof(texts) / sizeof(*texts); k++)
			hash = hash_mix64(hash ^ hash_keyed(texts[k]));
	}
	return hash;
}

/* Makes the store's content the configuration in force. */
static int publish(struct controller *self, const struct diag_sink *files)
{
	uint64_t began = clock_mono_ns(), files_hash = files ? hash_of(files) : self->files_hash;
	uint64_t revision = (self->snapshot ? self->snapshot->revision : 0) + 1;
	uint64_t event_ns = self->store.changed_ns ? self->store.changed_ns : began;
	struct snapshot *snapshot =
		compiler_run(self->compiler, &self->store, COMPILE_CHANGES, revision);
	bool has_news = may_have_news(&self->store) || files_hash != self->files_hash;

	if (!snapshot) {
		LOG(LOG_ERROR,
		    "out of memory while compiling, the last configuration stays in force");
		if (self->options.metrics)
			metric_reload(self->options.metrics, false, clock_wall_ns());
		return -ENOMEM;
	}
	store_changes_taken(&self->store);
	self->compile_ns = clock_mono_ns() - began;
	effect_compiled(&self->effect, compiler_stats(self->compiler).was_quick, self->compile_ns);
	self->files_hash = files_hash;
	self->has_news |= has_news || !compiler_stats(self->compiler).same_diags;
	if (!compiler_stats(self->compiler).was_quick)
		self->news_due_ns = 0;
	if (snapshot == self->snapshot) {
		snapshot_unref(snapshot);
		tell_in_force(self);
		return 0;
	}
	put_in_force(self, snapshot, event_ns);
	tell_in_force(self);
	if (self->proxy)
		effect_published(&self->effect, revision, event_ns);
	/* When nothing was read faults of files are not at hand: with the next reading. */
	if (files)
		tell_news(self, files, clock_mono_ns());
	tell(self, snapshot);
	return 0;
}

/* Everything has been said once, now or before the last end: from now on it is a configuration. */
static void note_complete(struct controller *self)
{
	bool is_listed = !self->options.sources || sources_listed(self->options.sources);

	if (is_listed && self->is_from_state)
		LOG(LOG_INFO,
		    "the API server has said everything, the state file is not needed any "
		    "more");
	if (is_listed)
		self->is_from_state = false;
	if (self->complete_revision || !(is_listed || self->is_from_state))
		return;
	atomic_store(&self->complete_revision, self->snapshot->revision);
	/* Reading everything for the first time leaves holes that nothing fills again. */
	malloc_trim(0);
}

void controller_read(struct controller *self, uint64_t event_ns, bool everything)
{
	uint64_t began = clock_mono_ns(), ended;
	struct arena arena;
	struct diag_sink sink;

	arena_init(&arena, DIAGS_MAX_BYTES, 0);
	diag_init(&sink, &arena);
	if (self->options.sources) {
		store_event(&self->store, event_ns);
		everything |= sources_read(self->options.sources, &self->store, &sink);
		store_event(&self->store, 0);
	}
	if (everything || !self->snapshot)
		publish(self, &sink);
	if (self->snapshot)
		tell_news(self, &sink, clock_mono_ns());
	arena_done(&arena);
	if (self->snapshot)
		note_complete(self);
	ended = clock_mono_ns();
	/* However much there is to do, a third of the time is left for others. */
	self->read_due_ns = ended + (ended - began) / 2;
	if (self->read_due_ns < began + CONTROLLER_GAP_MS * NS_PER_MS)
		self->read_due_ns = began + CONTROLLER_GAP_MS * NS_PER_MS;
	if (self->read_due_ns > ended + CONTROLLER_GAP_MS * NS_PER_MS)
		self->read_due_ns = ended + CONTROLLER_GAP_MS * NS_PER_MS;
}

void controller_take_health(struct controller *self)
{
	uint64_t ignored;

	while (read(self->health_fd, &ignored, sizeof(ignored)) > 0)
		continue;
	compiler_health_changed(self->compiler);
	publish(self, NULL);
}

/* What the API server last said, until it says it again. */
static void restore(struct controller *self)
{
	const char *path = self->options.config->state_file.at;
	char fault[STATE_FILE_FAULT_BYTES];
	size_t n;
	int rc;

	if (!self->state || !self->options.sources || !sources_kube(self->options.sources))
		return;
	rc = state_file_load(path, &self->store, &n, fault);
	if (rc == 0) {
		self->is_from_state = n > 0;
		LOG(LOG_INFO, "serving what the state file holds until the API server has answered",
		    LOG_C("path", path), LOG_I("objects", n));
	} else if (rc != -ENOENT) {
		LOG(LOG_ERROR, "the state file is refused, starting without it",
		    LOG_C("path", path), LOG_C("problem", fault[0] ? fault : log_strerror(rc)));
	}
}

/* ------------------------------------------------------------------ events -- */

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
	effect_init(&self->effect);
	notify_init(&self->notify);
	if (options->config->state_file.len)
		self->state = state_file_new(options->config->state_file.at);
	if (options->metrics &&
	    (metric_registry_add_source(options->metrics, report_collect, &self->report) < 0 ||
	     metric_registry_add_source(options->metrics, effect_collect, &self->effect) < 0)) {
		controller_free(self);
		return -ENOMEM;
	}
	if (options->metrics && options->sources && sources_kube(options->sources) &&
	    metric_registry_add_source(options->metrics, kube_source_collect,
				       sources_kube(options->sources)) < 0) {
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
	if (self->compiler) {
		restore(self);
		controller_read(self, 0, false);
	}
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
	state_file_free(self->state);
	notify_done(&self->notify);
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

bool controller_ready(const struct controller *self)
{
	uint64_t revision = atomic_load(&self->complete_revision);

	return revision && !controller_draining(self) && self->proxy &&
	       proxy_revision(self->proxy) >= revision;
}
