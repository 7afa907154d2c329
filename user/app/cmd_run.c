// SPDX-License-Identifier: Apache-2.0
/*
 * cmd_run: serves. Everything that needs privileges comes first: kernel plane, listeners, admin
 * listener; then the privileges go, and only then are manifests read and threads started.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>

#include "admin/admin_pages.h"
#include "app/command.h"
#include "app/kernel_plane.h"
#include "app/privilege.h"
#include "base/cleanup.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/num.h"
#include "control/controller.h"
#include "control/kernel_metric.h"
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

static int open_listeners(struct life *self, uint16_t n_workers)
{
	size_t bad = 0;
	int rc = proxy_listeners_open(self->config, n_workers, &self->listeners, &self->n_listeners,
				      &bad);

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
	int rc = admin_server_open(&options, &self->admin);

	if (rc < 0)
		LOG(LOG_ERROR, "admin server cannot listen, ending",
		    LOG_S("address", conf->address), LOG_S("socket", conf->socket), LOG_ERRNO(rc));
	return rc;
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

	self->sources = sources_open(self->config, &path, &rc);
	if (!self->sources)
		LOG(LOG_ERROR, "manifests cannot be opened, ending", LOG_S("path", path),
		    LOG_ERRNO(rc));
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

static int open_all(struct life *self, uint16_t n_workers)
{
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
	return drop_privileges(self->config);
}

static int serve(struct life *self, uint16_t n_workers)
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
	LOG(LOG_INFO, "serving", LOG_C("version", TIDEGATE_VERSION), LOG_I("workers", n_workers),
	    LOG_C("kernel_plane", self->kernel.facts.mode));
	return controller_run(self->controller);
}

static int run(struct command_line *line)
{
	struct life self = {.config = &line->config};
	uint16_t n_workers = proxy_worker_count(&line->config);

	start_log(&line->config);
	block_signals();
	privilege_raise_files();
	int rc = open_all(&self, n_workers);

	if (rc == 0)
		rc = serve(&self, n_workers);
	if (rc < 0)
		LOG(LOG_ERROR, "ended", LOG_ERRNO(rc));
	admin_server_stop(self.admin);
	proxy_stop(self.proxy);
	if (self.controller)
		controller_free(self.controller);
	else
		dataplane_close(self.dataplane);
	sources_close(self.sources);
	tls_cache_free(self.tls);
	metric_registry_free(self.metrics);
	free(self.listeners);
	return rc == 0 ? EXIT_OK : EXIT_FAULTS;
}

const struct command command_run = {
	.name = "run",
	.help = "serve: kernel plane, proxy and live manifests",
	.run = run,
};
