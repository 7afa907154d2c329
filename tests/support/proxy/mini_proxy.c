// SPDX-License-Identifier: Apache-2.0
/*
 * mini_proxy: the proxy core as a program of its own, with one catch-all route, for measuring and
 *for raw-socket tests without manifests.
 *
 *	mini_proxy [-w WORKERS] [-c CONNECTIONS] [-l] [-s] [-t READ_HEADER_MS] PORT BACKEND_PORT...
 */

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/clock.h"
#include "proxy/loopback.h"

static void print_status(const struct proxy *proxy)
{
	struct proxy_status status;

	proxy_status(proxy, &status);
	fprintf(stderr,
		"open %lu idle %lu active %lu requests %lu dialled %lu reused %lu up-idle %lu "
		"up-active "
		"%lu retries %lu spliced %lu\n",
		status.connections_open, status.connections_idle, status.requests_active,
		status.requests, status.upstream_dialled, status.upstream_reused,
		status.upstream_idle, status.upstream_active, status.retries, status.bytes_spliced);
}

int main(int argc, char **argv)
{
	struct loopback loopback;
	struct loopback_route route = {.rule = "PathPrefix(`/`)"};
	static struct static_access_log access_log;
	uint16_t workers = 1;
	sigset_t set;
	int option, signal_number;

	loopback_init(&loopback, 0);
	while ((option = getopt(argc, argv, "w:c:lst:")) != -1) {
		switch (option) {
		case 'w':
			workers = (uint16_t)strtoul(optarg, NULL, 10);
			break;
		case 'c':
			loopback.config.limits.max_connections = strtol(optarg, NULL, 10);
			break;
		case 'l':
			access_log.format = STR("json");
			loopback.config.access_log = &access_log;
			break;
		case 's':
			loopback.tls = true;
			break;
		case 't':
			loopback.entry_point->transport.responding_timeouts.read_header =
				(struct duration){strtol(optarg, NULL, 10) * NS_PER_MS, true};
			break;
		default:
			return 2;
		}
	}
	if (argc - optind < 2)
		return 2;
	loopback.entry_point->listen.port = (uint16_t)strtoul(argv[optind], NULL, 10);
	for (int i = 0; i + optind + 1 < argc && i < LOOPBACK_SERVERS_MAX; i++)
		route.ports[i] = (uint16_t)strtoul(argv[optind + 1 + i], NULL, 10);
	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGUSR1);
	sigaddset(&set, SIGHUP);
	sigprocmask(SIG_BLOCK, &set, NULL);
	int error = loopback_start(&loopback, loopback_snapshot(&loopback, &route, 1), workers,
				   (struct proxy_hooks){0});

	if (error) {
		fprintf(stderr, "start: %s\n", strerror(-error));
		return 1;
	}
	while (sigwait(&set, &signal_number) == 0) {
		print_status(loopback.proxy);
		if (signal_number == SIGHUP) {
			struct snapshot *snapshot = loopback_snapshot(&loopback, &route, 1);

			proxy_publish(loopback.proxy, snapshot);
			snapshot_unref(snapshot);
		} else if (signal_number != SIGUSR1) {
			break;
		}
	}
	loopback_stop(&loopback);
	return 0;
}
