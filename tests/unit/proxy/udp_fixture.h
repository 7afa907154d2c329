/* SPDX-License-Identifier: Apache-2.0 */
#ifndef UDP_FIXTURE_H
#define UDP_FIXTURE_H

/* udp_fixture: a UDP entry point of a bare worker, and a server that the test plays. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "bare_worker.h"
#include "net/sock.h"
#include "plan/stream_plan.h"
#include "proxy/udp_session.h"

struct udp_bench {
	struct bare_worker *bare;
	struct udp_entry *entry;
	struct static_entry_point conf;
	struct stream_service service;
	struct stream_server server;
	struct live_server live;
	struct balance_state state;
	struct entry_point *point;
	uint16_t order[1];
	int server_fd;
	uint16_t port; /* of the entry point */
};

static inline int udp_bench_socket(uint16_t *ret_port)
{
	struct sockaddr_in sa = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t len = sizeof(sa);
	int fd = socket(AF_INET, SOCK_DGRAM, 0);

	assert_int_equal(bind(fd, (struct sockaddr *)&sa, sizeof(sa)), 0);
	getsockname(fd, (struct sockaddr *)&sa, &len);
	*ret_port = ntohs(sa.sin_port);
	return fd;
}

static inline int udp_bench_client(const struct udp_bench *bench)
{
	struct sockaddr_in sa = {.sin_family = AF_INET,
				 .sin_port = htons(bench->port),
				 .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	uint16_t own;
	int fd = udp_bench_socket(&own);

	assert_int_equal(connect(fd, (struct sockaddr *)&sa, sizeof(sa)), 0);
	return fd;
}

static inline void udp_bench_start(struct udp_bench *bench)
{
	struct snapshot *snapshot = snapshot_new(2);
	struct addr local;
	int fd;

	memset(bench, 0, sizeof(*bench));
	bench->bare = bare_worker_new();
	bench->bare->entry.conf = &bench->conf;
	addr_parse(STR("127.0.0.1"), &local);
	bench->server.id = 1;
	bench->server.addr = local;
	bench->server.live = &bench->live;
	bench->server_fd = udp_bench_socket(&bench->server.port);
	bench->service = (struct stream_service){.state = &bench->state,
						 .turns = {bench->order, 1},
						 .servers = &bench->server,
						 .n_servers = 1};
	snapshot->entry_points = ARENA_NEW(&snapshot->arena, struct entry_point);
	snapshot->entry_points[0].udp = &bench->service;
	snapshot->n_entry_points = 1;
	worker_drop_use(&bench->bare->worker, bench->bare->worker.use);
	bench->bare->worker.use = snapshot_use_new(snapshot);
	assert_int_equal(udp_entry_listen(&local, 0, &fd), 0);
	assert_int_equal(sock_local(fd, &local, &bench->port), 0);
	bench->entry = udp_entry_open(&bench->bare->worker, &bench->bare->entry, fd);
	assert_non_null(bench->entry);
}

static inline void udp_bench_turn(struct udp_bench *bench)
{
	for (int i = 0; i < 4; i++)
		loop_round(&bench->bare->worker.loop, 5 * 1000000ULL);
}

static inline void udp_bench_end(struct udp_bench *bench)
{
	udp_entry_close(bench->entry);
	assert_int_equal(bench->bare->worker.counters.udp_sessions, 0);
	bare_worker_free(bench->bare);
	close(bench->server_fd);
}

#endif
