// SPDX-License-Identifier: Apache-2.0
/*
 * serve: everything that needs privileges comes first: kernel plane, listeners, admin listener;
 * then the privileges go, and only then are manifests read and threads started. When another
 * process serves already, its listening sockets are taken over, and it is told so as the last step.
 */
#include "app/serve.h"

#include <errno.h>
#include <fcntl.h>
#include <malloc.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>

#include "admin/admin_pages.h"
#include "app/handover.h"
#include "app/kernel_plane.h"
#include "app/privilege.h"
#include "base/cleanup.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/num.h"
#include "control/controller.h"
#include "control/kernel_metric.h"
#include "dataplane/dataplane_socket.h"
#include "obs/metric.h"
#include "obs/process_metric.h"
#include "proxy/proxy.h"
#include "tls/tls_cache.h"

/* What serving is made of, in the order it comes to life. */
struct life {
	const struct static_config *config;
	struct kernel_plane kernel;
	struct dataplane *dataplane;
	struct sources *sources;
	struct metric_registry *metrics;
	struct process_metric process;
	struct tls_cache *tls;
	struct proxy_listener *listeners;
	size_t n_listeners;
	struct admin_pages pages;
	struct admin_server *admin;
	char socket_path[108];
	struct controller *controller;
	struct proxy *proxy;
	struct handover_gift gift; /* of the process before */
	struct handover *handover;
};

static enum log_level level_of(struct str level)
{
	static const struct {
		struct str name;
		enum log_level level;
	} levels[] = {
		{{"TRACE", 5}, LOG_TRACE}, {{"DEBUG", 5}, LOG_DEBUG}, {{"INFO", 4}, LOG_INFO},
		{{"WARN", 4}, LOG_WARN},   {{"ERROR", 5}, LOG_ERROR},
	};

	for (size_t i = 0; i < sizeof(levels) / sizeof(*levels); i++)
		if (str_eq_nocase(level, levels[i].name))
			return levels[i].level;
	return LOG_ERROR;
}

static void start_log(const struct static_config *config)
{
	if (config->log.file_path.len) {
		AUTO_CLOSE int fd = open(config->log.file_path.at,
					 O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0640);

		if (fd < 0 || dup2(fd, STDERR_FILENO) < 0)
			fprintf(stderr,
				"tidegate run: " STR_FMT ": %s; logging to standard error\n",
				STR_ARG(config->log.file_path), log_strerror(errno));
	}
	log_init(level_of(config->log.level),
		 str_eq_nocase(config->log.format, STR("json")) ? LOG_JSON : LOG_LOGFMT);
}

/* ------------------------------------------------------- what needs privileges -- */

/* The sockets of the process before, by our own entry points' numbers; to be freed. */
static struct proxy_listener *inherited(const struct life *self)
{
	const struct handover_gift *gift = &self->gift;
	struct proxy_listener *rows = calloc(gift->n_sockets + 1, sizeof(*rows));

	for (size_t i = 0; rows && i < gift->n_sockets; i++) {
		const struct handover_socket *from = &gift->sockets[i];

		rows[i].fd = -1;
		for (size_t j = 0; j < self->config->entry_points.n; j++)
			if (from->kind == HANDOVER_ENTRY_POINT &&
			    str_eq(static_entry_point(self->config, j)->name, str_of(from->name)))
				rows[i] = (struct proxy_listener){from->fd, (uint16_t)j, 0};
	}
	return rows;
}

static int open_listeners(struct life *self, uint16_t n_workers)
{
	size_t bad = 0;
	struct proxy_listener *rows = inherited(self);
	int rc = !rows ? -ENOMEM
		       : proxy_listeners_open(self->config, n_workers, rows, self->gift.n_sockets,
					      &self->listeners, &self->n_listeners, &bad);

	for (size_t i = 0; rows && i < self->gift.n_sockets; i++)
		if (self->gift.sockets[i].kind == HANDOVER_ENTRY_POINT && rc >= 0 && rows[i].fd < 0)
			self->gift.sockets[i].fd = -1; /* taken */
	free(rows);

	if (rc < 0) {
		const struct static_entry_point *entry = static_entry_point(self->config, bad);

		LOG(LOG_ERROR, "entry point cannot listen, ending",
		    LOG_S("entry_point", entry->name), LOG_S("address", entry->address),
		    LOG_ERRNO(rc));
	}
	return rc;
}

static int open_admin(struct life *self)
{
	const struct static_admin *conf = &self->config->admin;
	struct admin_options options = {.context = &self->pages};

	options.handlers = admin_pages_handlers(&options.n_handlers);
	if (conf->address.len)
		options.listen = &conf->listen;
	if (conf->socket.len && conf->socket.len < sizeof(self->socket_path)) {
		snprintf(self->socket_path, sizeof(self->socket_path), STR_FMT,
			 STR_ARG(conf->socket));
		options.socket_path = self->socket_path;
	}
	for (int i = 0; i < 2; i++) {
		int fd = (i ? options.socket_path != NULL : options.listen != NULL)
				 ? handover_take(&self->gift,
						 i ? HANDOVER_ADMIN_UNIX : HANDOVER_ADMIN_TCP)
				 : -1;

		options.inherited[i] = fd > 0 ? fd : 0;
	}
	int rc = admin_server_open(&options, &self->admin);

	if (rc < 0)
		LOG(LOG_ERROR, "admin server cannot listen, ending",
		    LOG_S("address", conf->address), LOG_S("socket", conf->socket), LOG_ERRNO(rc));
	return rc;
}

/* Asks whoever serves already for its sockets. Without them we begin by ourselves. */
static int ask_for_sockets(struct life *self, bool must)
{
	int rc = handover_ask(self->config->admin.socket, &self->gift);

	if (rc == 0)
		LOG(LOG_INFO, "taking over from a process that serves",
		    LOG_I("pid", (int64_t)self->gift.pid),
		    LOG_I("sockets", (int64_t)self->gift.n_sockets));
	else if (must || rc != -ENOENT)
		LOG(must ? LOG_ERROR : LOG_WARN,
		    must ? "there is no process to take over from, ending"
			 : "the process that serves did not hand its sockets over",
		    LOG_S("socket", self->config->admin.socket), LOG_ERRNO(rc));
	return must ? rc : 0;
}

static bool serve_heir(void *context)
{
	struct life *self = context;

	if (!handover_serve(self->handover))
		return false;
	admin_server_leave(self->admin);
	return true;
}

static int heir_fd(void *context)
{
	return handover_fd(((struct life *)context)->handover);
}

/* So that the next process can take over from this one. Without it restarts refuse connections for
 * a moment; no reason not to serve. */
static void open_handover(struct life *self)
{
	int rc = handover_open(self->config->admin.socket,
			       handover_take(&self->gift, HANDOVER_SELF), &self->handover);
	int admin[2];

	admin_server_listeners(self->admin, admin);
	if (rc == 0 && admin[0] >= 0)
		rc = handover_offer(self->handover, HANDOVER_ADMIN_TCP, (struct str){0}, admin[0]);
	if (rc == 0 && admin[1] >= 0)
		rc = handover_offer(self->handover, HANDOVER_ADMIN_UNIX, (struct str){0}, admin[1]);
	for (size_t i = 0; i < self->n_listeners && rc == 0; i++) {
		const struct proxy_listener *row = &self->listeners[i];

		rc = handover_offer(self->handover, HANDOVER_ENTRY_POINT,
				    static_entry_point(self->config, row->entry_point)->name,
				    row->fd);
	}
	if (rc == 0) {
		handover_offer_tickets(self->handover, tls_cache_tickets(self->tls));
		return;
	}
	handover_close(self->handover);
	self->handover = NULL;
	if (self->config->admin.socket.len)
		LOG(LOG_WARN, "nobody will be able to take over from this process without a gap",
		    LOG_ERRNO(rc));
}

static int open_sources(struct life *self)
{
	if (!sources_are_named(self->config)) {
		LOG(LOG_WARN, "no manifests are given, every request will be answered 404; name a "
			      "folder with --manifests");
		return 0;
	}
	struct str path;
	int rc = 0;

	char fault[SOURCES_FAULT_BYTES];

	self->sources = sources_open(self->config, &path, fault, &rc);
	if (!self->sources)
		LOG(LOG_ERROR, "manifests cannot be opened, ending", LOG_S("path", path),
		    LOG_C("problem", fault), LOG_ERRNO(rc));
	return self->sources ? 0 : rc;
}

static int drop_privileges(const struct static_config *config)
{
	struct privilege_result result;
	int rc = privilege_drop(config->security.seccomp, &result);

	if (rc < 0)
		LOG(LOG_ERROR, "privileges cannot be dropped, ending",
		    LOG_C("problem", result.problem), LOG_ERRNO(rc));
	else if (!result.seccomp)
		LOG(LOG_WARN, "serving without a system call filter (security.seccomp=false)");
	return rc;
}

/* ------------------------------------------------------------------- serving -- */

static int start_controller(struct life *self)
{
	const struct controller_options options = {
		.config = self->config,
		.sources = self->sources,
		.dataplane = self->dataplane,
		.metrics = self->metrics,
		.tls = self->tls,
		.kernel = self->kernel.facts,
		.heir = {.context = self,
			 .fd = self->handover ? heir_fd : NULL,
			 .serve = serve_heir},
	};

	return controller_new(&options, &self->controller);
}

static int start_proxy(struct life *self, uint16_t n_workers)
{
	struct snapshot *snapshot = controller_snapshot(self->controller);
	const struct proxy_options options = {
		.config = self->config,
		.n_workers = n_workers,
		.pin_workers = true,
		.listeners = self->listeners,
		.n_listeners = self->n_listeners,
		.snapshot = snapshot,
		.metrics = self->metrics,
		.hooks = {.context = self->controller, .on_ban = controller_ban},
	};
	int rc = proxy_start(&options, &self->proxy);

	snapshot_unref(snapshot);
	if (rc == 0)
		controller_attach(self->controller, self->proxy);
	return rc;
}

static void block_signals(void)
{
	sigset_t signals;

	sigemptyset(&signals);
	sigaddset(&signals, SIGINT);
	sigaddset(&signals, SIGTERM);
	sigaddset(&signals, SIGUSR1);
	sigaddset(&signals, SIGHUP);
	pthread_sigmask(SIG_BLOCK, &signals, NULL);
	signal(SIGPIPE, SIG_IGN);
}

/* Their order and form were checked with the options. */
static int set_buckets(struct life *self)
{
	const struct static_prometheus *prometheus = self->config->metrics.prometheus;
	double bounds[METRIC_BUCKETS_MAX];
	size_t n = 0;

	if (!prometheus)
		return 0;
	for (; n < prometheus->buckets.n && n < METRIC_BUCKETS_MAX; n++)
		TRY(num_double(prometheus->buckets.at[n], &bounds[n]));
	return metric_registry_set_buckets(self->metrics, bounds, n);
}

static int open_all(struct life *self, uint16_t n_workers, bool must_replace)
{
	TRY(ask_for_sockets(self, must_replace));
	self->metrics = metric_registry_new();
	self->tls = tls_cache_new();
	if (!self->metrics || !self->tls)
		return -ENOMEM;
	TRY(set_buckets(self));
	self->process.start_wall_ns = clock_wall_ns();
	TRY(metric_registry_add_source(self->metrics, process_metric_collect, &self->process));
	TRY(open_sources(self));
	TRY(kernel_plane_open(self->config, &self->kernel, &self->dataplane));
	TRY(open_listeners(self, n_workers));
	TRY(open_admin(self));
	if (self->gift.has_tickets)
		tls_ticket_ring_restore(tls_cache_tickets(self->tls), &self->gift.tickets);
	open_handover(self);
	return drop_privileges(self->config);
}

/* From now on new connections are ours. */
static void publish_sockets(struct life *self)
{
	const struct str steering = self->config->socket_steering;
	struct dataplane_socket *rows = calloc(self->n_listeners + 1, sizeof(*rows));
	int rc = rows ? 0 : -ENOMEM;

	if (self->kernel.steer.point_fd < 0 || str_eq(steering, STR("off"))) {
		free(rows);
		return;
	}
	for (size_t i = 0; rows && i < self->n_listeners; i++)
		rows[i] = (struct dataplane_socket){self->listeners[i].fd,
						    (uint16_t)(self->listeners[i].entry_point + 1)};
	if (rc == 0)
		rc = dataplane_socket_publish(&self->kernel.steer, rows, self->n_listeners,
					      str_eq(steering, STR("cpu")));
	free(rows);
	if (rc < 0)
		LOG(LOG_WARN, "the kernel plane cannot choose sockets, the kernel's own hash does",
		    LOG_ERRNO(rc));
}

static void tell_ready(int fd)
{
	if (fd < 0)
		return;
	if (write(fd, "R", 1) < 0)
		LOG(LOG_WARN, "whoever started this process does not listen", LOG_ERRNO(-errno));
	close(fd);
}

static int serve(struct life *self, uint16_t n_workers, int ready_fd)
{
	TRY(start_controller(self));
	TRY(metric_registry_add_source(self->metrics, kernel_metric_collect, self->controller));
	TRY(start_proxy(self, n_workers));
	self->pages = (struct admin_pages){
		.controller = self->controller,
		.metrics = self->metrics,
		.terminating_status =
			self->config->ping ? (unsigned)self->config->ping->terminating_status_code
					   : 503,
	};
	TRY(admin_server_start(self->admin));
	publish_sockets(self);
	int rc = handover_accept(&self->gift);

	if (rc < 0)
		LOG(LOG_WARN, "the process before ended by itself", LOG_ERRNO(rc));
	tell_ready(ready_fd);
	LOG(LOG_INFO, "serving", LOG_C("version", TIDEGATE_VERSION), LOG_I("workers", n_workers),
	    LOG_C("kernel_plane", self->kernel.facts.mode));
	return controller_run(self->controller);
}

/* What is large goes back to the system when it is freed. Left alone, glibc keeps more and more of
 * it: up to 64 MB of what one scrape of very many series or one long list took. */
static void bound_heap(void)
{
	enum { MAPPED_FROM_BYTES = 1 << 20, KEPT_AT_END_BYTES = 8 << 20 };

	mallopt(M_MMAP_THRESHOLD, MAPPED_FROM_BYTES);
	mallopt(M_TRIM_THRESHOLD, KEPT_AT_END_BYTES);
}

int serve_run(struct command_line *line, const struct serve_options *options)
{
	struct life self = {
		.config = &line->config, .gift.peer = -1, .kernel.steer = SOCKET_STEER_NONE};
	uint16_t n_workers = proxy_worker_count(&line->config);

	bound_heap();
	start_log(&line->config);
	block_signals();
	privilege_raise_files();
	int rc = open_all(&self, n_workers, options->must_replace);

	/* Asked for or not: objects and `explain` say what is so. */
	if (!self.dataplane)
		line->config.kernel_plane = STR("off");

	if (rc == 0)
		rc = serve(&self, n_workers, options->ready_fd);
	if (rc < 0)
		LOG(LOG_ERROR, "ended", LOG_ERRNO(rc));
	handover_refuse(&self.gift);
	handover_close(self.handover);
	admin_server_stop(self.admin);
	proxy_stop(self.proxy);
	if (self.controller)
		controller_free(self.controller);
	else
		dataplane_close(self.dataplane);
	socket_steer_close(&self.kernel.steer);
	sources_close(self.sources);
	tls_cache_free(self.tls);
	metric_registry_free(self.metrics);
	free(self.listeners);
	return rc == 0 ? EXIT_OK : EXIT_FAULTS;
}
