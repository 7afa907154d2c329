// SPDX-License-Identifier: Apache-2.0
/* proxy: owns the workers and what they share; see the header for the order of a life. */

#include "proxy/proxy.h"

#include <errno.h>
#include <sched.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "net/resolver.h"
#include "net/sock.h"
#include "obs/access_log.h"
#include "proxy/escalation.h"
#include "proxy/jobs.h"
#include "proxy/log_ring.h"
#include "proxy/udp_entry.h"
#include "proxy/worker.h"

enum {
	JOB_THREADS = 2,
	FD_RESERVE_MIN = 512,
	FD_RESERVE_FRACTION = 8, /* of the descriptors: for servers, logs, the admin listener */
	HOST_NAME_MAX_BYTES = 256,
	SPOOL_DEFAULT_BYTES = 1 << 30,
};

struct proxy {
	struct worker_shared shared;
	struct arena arena;
	struct entry *entries;
	struct access_conf access;
	struct log_writer *log_writer;
	uint16_t n_workers;
	struct worker *workers;
};

uint16_t proxy_worker_count(const struct static_config *config)
{
	cpu_set_t cpus;
	int n = 1;

	if (config->workers > 0)
		n = config->workers < PROXY_WORKERS_MAX ? (int)config->workers : PROXY_WORKERS_MAX;
	else if (sched_getaffinity(0, sizeof(cpus), &cpus) == 0)
		n = CPU_COUNT(&cpus);
	return (uint16_t)(n < PROXY_WORKERS_MAX ? n : PROXY_WORKERS_MAX);
}

/* --------------------------------------------------------------- listeners --- */

/* What the listeners are made from. */
struct opening {
	uint16_t n_workers;
	struct proxy_listener *inherited; /* fd -1: taken */
	size_t n_inherited;
	struct proxy_listener *listeners;
	size_t n;
};

/* Whether the socket is bound to what the entry point asks for; *ret_port is its port. */
static bool is_bound_so(int fd, const struct listen_address *want, uint16_t *ret_port)
{
	struct addr local;
	uint16_t port;

	if (sock_local(fd, &local, &port) < 0 || (want->port && want->port != port))
		return false;
	*ret_port = port;
	return addr_eq(&local, &want->addr) ||
	       (addr_is_unspecified(&local) && addr_is_unspecified(&want->addr));
}

/* Takes every inherited socket of the entry point; returns how many. */
static uint16_t take_inherited(struct opening *opening, const struct listen_address *want,
			       uint16_t index, uint16_t *port)
{
	uint16_t n = 0;

	for (size_t i = 0; i < opening->n_inherited; i++) {
		struct proxy_listener *from = &opening->inherited[i];

		if (from->fd < 0 || from->entry_point != index ||
		    !is_bound_so(from->fd, want, port))
			continue;
		opening->listeners[opening->n++] = (struct proxy_listener){
			from->fd, index, (uint16_t)(n++ % opening->n_workers)};
		from->fd = -1;
	}
	return n;
}

static int open_entry_point(struct opening *opening, const struct static_entry_point *conf,
			    uint16_t index)
{
	struct sock_listen_options options = {
		.addr = conf->listen.addr, .port = conf->listen.port, .reuse_port = true};
	uint16_t first = take_inherited(opening, &conf->listen, index, &options.port);

	for (uint16_t worker = first; worker < opening->n_workers; worker++) {
		int fd, error = conf->listen.udp
					? udp_entry_listen(&options.addr, options.port, &fd)
					: sock_listen(&options, &fd);

		if (error)
			return error;
		/* Port 0: the first worker's socket gets a free port, the others the same one. */
		if (!options.port) {
			struct addr local;

			error = sock_local(fd, &local, &options.port);
		}
		opening->listeners[opening->n++] = (struct proxy_listener){fd, index, worker};
		if (error)
			return error;
	}
	return 0;
}

int proxy_listeners_open(const struct static_config *config, uint16_t n_workers,
			 struct proxy_listener *inherited, size_t n_inherited,
			 struct proxy_listener **ret_listeners, size_t *ret_n, size_t *ret_bad)
{
	size_t n_points = config->entry_points.n;
	struct opening opening = {
		.n_workers = n_workers,
		.inherited = inherited,
		.n_inherited = n_inherited,
		.listeners =
			calloc(n_points * n_workers + n_inherited + 1, sizeof(*opening.listeners)),
	};
	int error = opening.listeners ? 0 : -ENOMEM;
	size_t i;

	for (i = 0; !error && i < n_points; i++) {
		const struct static_entry_point *conf = static_entry_point(config, i);

		if (i >= PROXY_ENTRY_POINTS_MAX)
			error = -E2BIG;
		else
			error = open_entry_point(&opening, conf, (uint16_t)i);
	}
	if (error) {
		*ret_bad = i ? i - 1 : 0;
		while (opening.n > 0)
			close(opening.listeners[--opening.n].fd);
		free(opening.listeners);
		return error;
	}
	*ret_listeners = opening.listeners;
	*ret_n = opening.n;
	return 0;
}

/* ------------------------------------------------------------------- start --- */

static int init_entries(struct proxy *proxy, const struct proxy_options *options)
{
	const struct static_config *config = options->config;
	size_t n = config->entry_points.n;
	char *name = arena_zero(&proxy->arena, 1, HOST_NAME_MAX_BYTES);
	struct str server = options->server_name;

	proxy->entries = ARENA_ARRAY(&proxy->arena, struct entry, n + 1);
	if (!name || !proxy->entries)
		return -ENOMEM;
	if (!server.len && gethostname(name, HOST_NAME_MAX_BYTES - 1) == 0)
		server = str_of(name);
	for (size_t i = 0; i < n && i < PROXY_ENTRY_POINTS_MAX; i++) {
		const struct static_entry_point *conf = static_entry_point(config, i);
		int error = entry_init(&proxy->entries[i], (uint16_t)i, conf, config, server,
				       &proxy->arena);

		if (error)
			return error;
		proxy->shared.n_entries = i + 1;
	}
	proxy->shared.entries = proxy->entries;
	return 0;
}

/* Clients may use most descriptors, never the last. */
static uint64_t connection_limit(const struct static_config *config, uint16_t n_workers)
{
	struct rlimit limit = {.rlim_cur = 1024};
	uint64_t max = config->limits.max_connections > 0 ? (uint64_t)config->limits.max_connections
							  : UINT64_MAX;

	getrlimit(RLIMIT_NOFILE, &limit);
	uint64_t reserve = limit.rlim_cur / FD_RESERVE_FRACTION;

	if (reserve < FD_RESERVE_MIN)
		reserve = FD_RESERVE_MIN < limit.rlim_cur ? FD_RESERVE_MIN : limit.rlim_cur / 2;
	if (max > limit.rlim_cur - reserve)
		max = limit.rlim_cur - reserve;
	return (max + n_workers - 1) / n_workers;
}

static void init_limits(struct proxy *proxy, const struct static_config *config)
{
	struct worker_shared *shared = &proxy->shared;

	shared->max_open_per_server = config->limits.max_upstream_connections > 0
					      ? (uint32_t)config->limits.max_upstream_connections
					      : 0;
	shared->max_connections = connection_limit(config, proxy->n_workers);
	shared->request_memory_bytes = config->limits.request_memory.bytes > 0
					       ? (size_t)config->limits.request_memory.bytes
					       : 0;
}

static int init_spool(struct proxy *proxy, const struct static_limits *limits)
{
	struct body_spool *spool = &proxy->shared.spool;
	struct str folder = limits->body_directory;

	/* Configurations made by hand (tests) may leave both out. */
	spool->folder = arena_str(&proxy->arena, folder.len ? folder : STR("/tmp")).at;
	spool->max_bytes =
		folder.len ? (uint64_t)limits->body_disk.bytes : (uint64_t)SPOOL_DEFAULT_BYTES;
	return spool->folder ? 0 : -ENOMEM;
}

static void init_metrics(struct proxy *proxy)
{
	struct worker_shared *shared = &proxy->shared;
	static const struct str directions[2] = {{"tx", 2}, {"rx", 2}};

	if (!shared->metrics)
		return;
	shared->program_series = metric_series(shared->metrics, METRIC_OF_PROGRAM, NULL);
	for (int i = 0; i < WORKER_TLS_SERIES; i++) {
		bool failed = i > TLS_FAILURE_NONE && i < TLS_FAILURE__COUNT;
		struct str labels[] = {
			failed			? STR("failed")
			: i == TLS_FAILURE_NONE ? STR("new")
						: STR("resumed"),
			failed ? tls_conn_failure_word((enum tls_failure)i) : STR(""),
		};

		shared->server_tls_series[i] =
			metric_series(shared->metrics, METRIC_OF_SERVER_TLS, labels);
		shared->client_tls_series[i] =
			metric_series(shared->metrics, METRIC_OF_CLIENT_TLS, labels);
	}
	for (int direction = 0; direction < 2; direction++) {
		for (int state = 0; state < TLS_KTLS__COUNT; state++) {
			struct str labels[] = {
				directions[direction],
				state == TLS_KTLS_ON ? STR("on") : STR("off"),
				state == TLS_KTLS_ON ? STR("")
						     : tls_conn_ktls_word((enum tls_ktls)state),
			};

			shared->ktls_series[direction][state] =
				metric_series(shared->metrics, METRIC_OF_KTLS, labels);
		}
	}
}

static int32_t utc_offset_s(void)
{
	time_t now = (time_t)(clock_wall_ns() / NS_PER_SEC);
	struct tm local;

	return localtime_r(&now, &local) ? (int32_t)local.tm_gmtoff : 0;
}

static int init_access_log(struct proxy *proxy, const struct static_access_log *conf)
{
	int error;

	if (!conf)
		return 0;
	proxy->access.utc_offset_s = utc_offset_s();
	if (conf->format.len && access_log_format_named(conf->format, &proxy->access.format) < 0)
		return -EINVAL;
	error = log_writer_open(conf->file_path, proxy->n_workers, &proxy->log_writer);
	if (error)
		return error;
	proxy->shared.access = &proxy->access;
	proxy->shared.rings = log_writer_rings(proxy->log_writer);
	return 0;
}

static int init_shared(struct proxy *proxy, const struct proxy_options *options)
{
	struct worker_shared *shared = &proxy->shared;
	int error;

	shared->config = options->config;
	shared->metrics = options->metrics;
	shared->hooks = options->hooks;
	error = init_entries(proxy, options);
	if (error)
		return error;
	init_limits(proxy, options->config);
	error = init_spool(proxy, &options->config->limits);
	if (error)
		return error;
	init_metrics(proxy);
	shared->jobs = jobs_new(JOB_THREADS);
	shared->resolver = resolver_new();
	if (!shared->jobs || !shared->resolver)
		return -ENOMEM;
	shared->escalation = escalation_new();
	return init_access_log(proxy, options->config->access_log);
}

static int nth_cpu(uint16_t n)
{
	cpu_set_t cpus;

	if (sched_getaffinity(0, sizeof(cpus), &cpus) < 0 || CPU_COUNT(&cpus) == 0)
		return -1;
	n = (uint16_t)(n % CPU_COUNT(&cpus));
	for (int cpu = 0; cpu < CPU_SETSIZE; cpu++)
		if (CPU_ISSET((size_t)cpu, &cpus) && n-- == 0)
			return cpu;
	return -1;
}

static int start_workers(struct proxy *proxy, const struct proxy_options *options)
{
	int error = 0;

	proxy->workers = aligned_alloc(64, ((options->n_workers * sizeof(struct worker)) + 63) &
						   ~(size_t)63);
	if (!proxy->workers)
		return -ENOMEM;
	for (uint16_t i = 0; !error && i < options->n_workers; i++) {
		proxy->n_workers = i + 1;
		error = worker_init(&proxy->workers[i], &proxy->shared, i, options->snapshot,
				    options->listeners, options->n_listeners);
		proxy->workers[i].cpu = options->pin_workers ? nth_cpu(i) : -1;
	}
	for (uint16_t i = 0; !error && i < options->n_workers; i++)
		error = worker_start(&proxy->workers[i]);
	return error;
}

int proxy_start(const struct proxy_options *options, struct proxy **ret_proxy)
{
	struct proxy *proxy = calloc(1, sizeof(*proxy));
	int error = -ENOMEM;

	if (proxy) {
		arena_init(&proxy->arena, 1 << 20, 0);
		proxy->n_workers = options->n_workers;
		error = init_shared(proxy, options);
		proxy->n_workers = 0;
		if (!error)
			error = start_workers(proxy, options);
	}
	if (error) {
		/* Whatever no acceptor has taken over yet is closed here; the others close their
		 * own. */
		for (size_t i = 0; i < options->n_listeners; i++)
			if (!proxy || options->listeners[i].worker >= proxy->n_workers)
				close(options->listeners[i].fd);
		proxy_stop(proxy);
		return error;
	}
	*ret_proxy = proxy;
	return 0;
}

/* -------------------------------------------------------------------- life ---- */

void proxy_publish(struct proxy *proxy, struct snapshot *snapshot)
{
	for (uint16_t i = 0; i < proxy->n_workers; i++)
		(void)worker_publish(&proxy->workers[i], snapshot_ref(snapshot));
}

uint64_t proxy_revision(const struct proxy *proxy)
{
	uint64_t revision = UINT64_MAX;

	for (uint16_t i = 0; i < proxy->n_workers; i++) {
		uint64_t theirs =
			atomic_load_explicit(&proxy->workers[i].revision, memory_order_acquire);

		if (theirs < revision)
			revision = theirs;
	}
	return revision;
}

bool proxy_beat(struct proxy *proxy)
{
	bool all = true;

	for (uint16_t i = 0; i < proxy->n_workers; i++)
		all &= worker_beat(&proxy->workers[i]);
	return all;
}

void proxy_drain(struct proxy *proxy, uint64_t accept_grace_ns)
{
	for (uint16_t i = 0; i < proxy->n_workers; i++)
		(void)worker_drain(&proxy->workers[i], accept_grace_ns);
}

void proxy_leave(struct proxy *proxy, uint64_t idle_grace_ns)
{
	for (uint16_t i = 0; i < proxy->n_workers; i++)
		(void)worker_leave(&proxy->workers[i], idle_grace_ns);
}

bool proxy_drained(const struct proxy *proxy)
{
	struct proxy_status status;

	proxy_status(proxy, &status);
	return status.connections_open == 0 && status.udp_sessions == 0;
}

void proxy_stop(struct proxy *proxy)
{
	if (!proxy)
		return;
	for (uint16_t i = 0; i < proxy->n_workers; i++) {
		struct worker *worker = &proxy->workers[i];

		if (!worker->started)
			continue;
		if (worker_stop(worker) < 0)
			continue;
		pthread_join(worker->thread, NULL);
	}
	/* Its last jobs post to mailboxes that are still open. */
	jobs_free(proxy->shared.jobs);
	resolver_free(proxy->shared.resolver);
	for (uint16_t i = 0; i < proxy->n_workers; i++)
		worker_done(&proxy->workers[i]);
	free(proxy->workers);
	log_writer_close(proxy->log_writer);
	escalation_free(proxy->shared.escalation);
	arena_done(&proxy->arena);
	free(proxy);
}

void proxy_reopen_logs(struct proxy *proxy)
{
	if (proxy->log_writer)
		log_writer_reopen(proxy->log_writer);
}

void proxy_status(const struct proxy *proxy, struct proxy_status *ret_status)
{
	struct proxy_status status = {0};

	for (uint16_t i = 0; i < proxy->n_workers; i++) {
		const struct worker_counters *counters = &proxy->workers[i].counters;

#define ADD(name) status.name += atomic_load_explicit(&counters->name, memory_order_relaxed);
		WORKER_COUNTERS(ADD)
#undef ADD
	}
	*ret_status = status;
}

uint64_t proxy_entry_point_connections(const struct proxy *proxy, uint16_t entry_point)
{
	uint64_t n = 0;

	for (uint16_t i = 0; entry_point < PROXY_ENTRY_POINTS_MAX && i < proxy->n_workers; i++)
		n += atomic_load_explicit(
			&proxy->workers[i].counters.open_by_entry_point[entry_point],
			memory_order_relaxed);
	return n;
}
