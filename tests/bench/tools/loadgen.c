// SPDX-License-Identifier: Apache-2.0
/*
 * loadgen: drives one HTTP/1.1 server from one thread and prints what it saw as one JSON object.
 *
 * Closed loop (the default): each connection asks again as soon as it is answered, which saturates
 * the server. Open loop (--rate): requests are due at fixed times whatever the server does, and a
 * latency counts from when the request was due, so that a stall is seen by all it delays. --churn
 * opens a connection for each request; --idle asks once on each, says "held" and holds them.
 * --pids measures the processor time of the server over the same window as the requests.
 */
#include "cputime.h"
#include "load_conn.h"

#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <arpa/inet.h>
#include <time.h>
#include <unistd.h>

enum {
	EVENTS_MAX = 512,
	OPENING_MAX = 128, /* connections on their way at a time: more overflow a listen queue */
	TICK_NS = 1000000,
};

static const char *const error_names[LOAD_ERRORS] = {
	[LOAD_CONNECT] = "connect",	    [LOAD_TLS] = "tls",
	[LOAD_CLOSED_IDLE] = "closed_idle", [LOAD_NO_RESPONSE] = "no_response",
	[LOAD_TRUNCATED] = "truncated",	    [LOAD_MALFORMED] = "malformed",
	[LOAD_STATUS] = "status",
};

/* The open loop's queue of connections that can take a request, oldest first. */
static struct {
	struct load_conn *first, **end;
	uint64_t issued;
} waiting = {.end = &waiting.first};

static volatile sig_atomic_t stopping;

static void stop(int signal)
{
	(void)signal;
	stopping = 1;
}

void load_ready(struct load *load, struct load_conn *conn)
{
	if (load->options.idle && conn->served)
		return;
	if (!load->options.rate) {
		load_conn_send(load, conn, load_now_ns());
		return;
	}
	if (conn->queued)
		return;
	conn->queued = true;
	conn->next = NULL;
	*waiting.end = conn;
	waiting.end = &conn->next;
}

static struct load_conn *take_waiting(void)
{
	while (waiting.first) {
		struct load_conn *conn = waiting.first;

		waiting.first = conn->next;
		if (!waiting.first)
			waiting.end = &waiting.first;
		conn->queued = false;
		if (conn->state == LOAD_IDLE)
			return conn;
	}
	return NULL;
}

/* Sends what is due. Returns when the next request is due. */
static uint64_t send_due(struct load *load, uint64_t start_ns)
{
	double period_ns = 1e9 / load->options.rate;

	for (;;) {
		uint64_t due_ns = start_ns + (uint64_t)((double)waiting.issued * period_ns);

		if (due_ns > load_now_ns())
			return due_ns;
		struct load_conn *conn = take_waiting();

		if (!conn)
			return load_now_ns() + TICK_NS;
		waiting.issued++;
		load_conn_send(load, conn, due_ns);
	}
}

/* Opens what is closed, a few at a time; also the way back after a failure, at most once a tick. */
static void open_closed(struct load *load, struct load_conn *conns)
{
	uint32_t opening = 0;

	for (uint32_t i = 0; i < load->options.connections && opening < OPENING_MAX; i++) {
		if (conns[i].state == LOAD_CLOSED)
			load_conn_open(load, &conns[i]);
		if (conns[i].state == LOAD_CONNECTING || conns[i].state == LOAD_HANDSHAKE ||
		    !conns[i].served)
			opening++;
	}
}

static void wait_events(struct load *load, uint64_t until_ns)
{
	struct epoll_event events[EVENTS_MAX];
	uint64_t now_ns = load_now_ns();
	struct timespec timeout = {0};

	if (until_ns > now_ns)
		timeout.tv_nsec = (long)(until_ns - now_ns > TICK_NS ? TICK_NS : until_ns - now_ns);
	int count = epoll_pwait2(load->epoll, events, EVENTS_MAX, &timeout, NULL);

	for (int i = 0; i < count; i++)
		load_conn_event(load, events[i].data.ptr, events[i].events);
}

static bool all_held(const struct load *load, const struct load_conn *conns)
{
	for (uint32_t i = 0; i < load->options.connections; i++)
		if (!conns[i].served || conns[i].state != LOAD_IDLE)
			return false;
	return true;
}

struct window {
	uint64_t start_ns, count_from_ns, end_ns;
	uint64_t cpu_ns, own_cpu_ns;
};

static uint64_t own_cpu_ns(void)
{
	struct timespec used;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &used);
	return (uint64_t)used.tv_sec * 1000000000 + (uint64_t)used.tv_nsec;
}

static void run(struct load *load, const struct cputime *pids, struct load_conn *conns,
		struct window *ret_window)
{
	struct window window = {.start_ns = load_now_ns()};
	uint64_t next_open_ns = 0, now_ns, cpu_start_ns = 0, own_start_ns = 0;
	bool held = false;

	window.count_from_ns = window.start_ns + (uint64_t)(load->options.warmup_s * 1e9);
	window.end_ns = window.count_from_ns + (uint64_t)(load->options.duration_s * 1e9);
	while ((now_ns = load_now_ns()) < window.end_ns && !stopping) {
		uint64_t until_ns = now_ns + TICK_NS;

		if (!load->counting && now_ns >= window.count_from_ns) {
			load->counting = true;
			window.count_from_ns = now_ns;
			cpu_start_ns = cputime_read_ns(pids);
			own_start_ns = own_cpu_ns();
		}
		if (now_ns >= next_open_ns) {
			open_closed(load, conns);
			next_open_ns = now_ns + TICK_NS;
		}
		if (load->options.rate)
			until_ns = send_due(load, window.start_ns);
		if (load->options.idle && !held && all_held(load, conns)) {
			held = true;
			puts("held");
			fflush(stdout);
		}
		wait_events(load, until_ns);
	}
	window.end_ns = load_now_ns();
	window.cpu_ns = cputime_read_ns(pids) - cpu_start_ns;
	window.own_cpu_ns = own_cpu_ns() - own_start_ns;
	*ret_window = window;
}

static void print_report(const struct load *load, const struct window *window, bool measured)
{
	const struct latency *latency = &load->latency;
	double seconds = (double)(window->end_ns - window->count_from_ns) / 1e9;
	double responses = load->responses ? (double)load->responses : 1;

	printf("{\"responses\": %" PRIu64
	       ", \"seconds\": %.3f, \"per_second\": %.1f, \"bytes\": %" PRIu64 ", ",
	       load->responses, seconds, (double)load->responses / seconds, load->bytes);
	printf("\"opened\": %" PRIu64 ", \"handshakes\": %" PRIu64 ", ", load->opened,
	       load->handshakes);
	if (measured)
		printf("\"cpu_us_per_request\": %.3f, \"cpu_share\": %.3f, ",
		       (double)window->cpu_ns / 1e3 / responses,
		       (double)window->cpu_ns / 1e9 / seconds);
	printf("\"own_cpu_share\": %.3f, ", (double)window->own_cpu_ns / 1e9 / seconds);
	printf("\"latency_us\": {\"mean\": %.1f, \"p50\": %.1f, \"p90\": %.1f, \"p99\": %.1f, "
	       "\"p99.9\": %.1f, "
	       "\"max\": %.1f}, ",
	       (double)latency->sum_ns / 1e3 / responses,
	       (double)latency_quantile_ns(latency, 0.5) / 1e3,
	       (double)latency_quantile_ns(latency, 0.9) / 1e3,
	       (double)latency_quantile_ns(latency, 0.99) / 1e3,
	       (double)latency_quantile_ns(latency, 0.999) / 1e3, (double)latency->max_ns / 1e3);
	printf("\"errors\": {");
	for (int i = 0; i < LOAD_ERRORS; i++)
		printf("%s\"%s\": %" PRIu64, i ? ", " : "", error_names[i], load->errors[i]);
	printf("}}\n");
}

static int open_tls(struct load *load, const char *version)
{
	SSL_CTX *tls = SSL_CTX_new(TLS_client_method());
	int number = !strcmp(version, "1.2") ? TLS1_2_VERSION : TLS1_3_VERSION;

	if (!tls || (strcmp(version, "1.2") && strcmp(version, "1.3")))
		return -EINVAL;
	SSL_CTX_set_min_proto_version(tls, number);
	SSL_CTX_set_max_proto_version(tls, number);
	/* The cipher every peer is measured with; the peer's certificate is made for the run. */
	SSL_CTX_set_ciphersuites(tls, "TLS_AES_128_GCM_SHA256");
	SSL_CTX_set_cipher_list(tls, "ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256");
	SSL_CTX_set_verify(tls, SSL_VERIFY_NONE, NULL);
	SSL_CTX_set_session_cache_mode(tls, SSL_SESS_CACHE_OFF);
	SSL_CTX_set_mode(tls, SSL_MODE_RELEASE_BUFFERS);
	SSL_CTX_set_options(tls, SSL_OP_IGNORE_UNEXPECTED_EOF);
	SSL_CTX_set_read_ahead(tls, 1);
	load->tls = tls;
	return 0;
}

static const char usage[] =
	"usage: loadgen --port N [--address IP] [--path P] [--host H] [--connections N]\n"
	"               [--duration S] [--warmup S] [--rate N] [--churn] [--idle] [--tls 1.2|1.3]\n"
	"               [--routes N] [--sources N] [--pids PID,PID...]\n";

static const struct option long_options[] = {
	{"port", required_argument, NULL, 'p'},
	{"address", required_argument, NULL, 'a'},
	{"path", required_argument, NULL, 'P'},
	{"host", required_argument, NULL, 'H'},
	{"connections", required_argument, NULL, 'c'},
	{"duration", required_argument, NULL, 'd'},
	{"warmup", required_argument, NULL, 'w'},
	{"rate", required_argument, NULL, 'r'},
	{"churn", no_argument, NULL, 'k'},
	{"idle", no_argument, NULL, 'i'},
	{"tls", required_argument, NULL, 't'},
	{"routes", required_argument, NULL, 'R'},
	{"sources", required_argument, NULL, 's'},
	{"pids", required_argument, NULL, 'x'},
	{0},
};

static int read_option(struct load *load, struct cputime *pids, int letter, const char *value)
{
	struct load_options *options = &load->options;

	switch (letter) {
	case 'p':
		options->server.sin_port = htons((uint16_t)strtoul(value, NULL, 10));
		return 0;
	case 'a':
		return inet_pton(AF_INET, value, &options->server.sin_addr) == 1 ? 0 : -EINVAL;
	case 'P':
		options->path = value;
		return 0;
	case 'H':
		options->host = value;
		return 0;
	case 'c':
		options->connections = (uint32_t)strtoul(value, NULL, 10);
		return 0;
	case 'd':
		options->duration_s = strtod(value, NULL);
		return 0;
	case 'w':
		options->warmup_s = strtod(value, NULL);
		return 0;
	case 'r':
		options->rate = strtod(value, NULL);
		return 0;
	case 'k':
		options->churn = true;
		return 0;
	case 'i':
		options->idle = true;
		return 0;
	case 't':
		return open_tls(load, value);
	case 'R':
		options->routes = (uint32_t)strtoul(value, NULL, 10);
		return 0;
	case 's':
		options->sources = (uint32_t)strtoul(value, NULL, 10);
		return 0;
	case 'x':
		return cputime_parse(value, pids);
	}
	return -EINVAL;
}

int main(int argc, char **argv)
{
	static struct load load = {
		.options = {.host = "localhost",
			    .path = "/",
			    .connections = 64,
			    .duration_s = 5,
			    .warmup_s = 1},
		.random = 88172645463325252u,
	};
	struct cputime pids = {0};
	struct window window;
	int letter;

	load.options.server = (struct sockaddr_in){.sin_family = AF_INET,
						   .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	while ((letter = getopt_long(argc, argv, "", long_options, NULL)) != -1) {
		if (read_option(&load, &pids, letter, optarg)) {
			fputs(usage, stderr);
			return 2;
		}
	}
	if (!load.options.server.sin_port || optind != argc) {
		fputs(usage, stderr);
		return 2;
	}
	signal(SIGPIPE, SIG_IGN);
	signal(SIGINT, stop);
	signal(SIGTERM, stop);
	load.request_len = (uint32_t)snprintf(load.request, sizeof(load.request),
					      "GET %s HTTP/1.1\r\nHost: %s\r\n%s\r\n",
					      load.options.path, load.options.host,
					      load.options.churn ? "Connection: close\r\n" : "");
	load.epoll = epoll_create1(EPOLL_CLOEXEC);
	struct load_conn *conns = calloc(load.options.connections, sizeof(*conns));

	if (load.epoll < 0 || !conns) {
		perror("loadgen");
		return 1;
	}
	for (uint32_t i = 0; i < load.options.connections; i++)
		conns[i].fd = -1;
	run(&load, &pids, conns, &window);
	print_report(&load, &window, pids.count > 0);
	return 0;
}
