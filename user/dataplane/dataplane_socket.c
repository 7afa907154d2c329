// SPDX-License-Identifier: Apache-2.0
/* dataplane_socket: see the header. */
#include "dataplane/dataplane_socket.h"

#include <arpa/inet.h>
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "base/addr.h"
#include "base/cleanup.h"
#include "socket_steer.h"

static uint32_t index_of(uint32_t point, uint32_t generation, uint32_t nth)
{
	return (point * 2 + (generation & 1)) * ABI_WORKERS + nth;
}

/* The address that the programs will find in the socket. */
static int key_of(int fd, struct abi_listener_key *ret_key)
{
	struct sockaddr_storage sa = {0};
	socklen_t size = sizeof(sa);
	int type = 0;
	socklen_t type_size = sizeof(type);
	struct addr addr;
	uint16_t port;

	if (getsockname(fd, (struct sockaddr *)&sa, &size) ||
	    getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &type_size))
		return -errno;
	if (!addr_from_sockaddr(&sa, &addr, &port))
		return -EAFNOSUPPORT;
	*ret_key = (struct abi_listener_key){
		.port = htons(port), .proto = type == SOCK_DGRAM ? IPPROTO_UDP : IPPROTO_TCP};
	if (sa.ss_family != AF_INET || ((struct sockaddr_in *)(void *)&sa)->sin_addr.s_addr)
		memcpy(&ret_key->addr, addr.byte, sizeof(ret_key->addr));
	return 0;
}

/* The point is another entry point's than it was: no socket of that one may be found under it. */
static void forget_sockets(const struct socket_steer *steer, uint32_t point)
{
	for (uint32_t i = 0; i < 2 * ABI_WORKERS; i++)
		bpf_map_delete_elem(steer->socket_fd, &(uint32_t){index_of(point, 0, 0) + i});
}

static int publish_point(const struct socket_steer *steer, const struct dataplane_socket *sockets,
			 size_t n, bool by_cpu)
{
	uint32_t point = sockets[0].point, known = 0;
	struct abi_listener_key key;
	struct abi_point row;

	TRY(key_of(sockets[0].fd, &key));
	if (setsockopt(sockets[0].fd, SOL_SOCKET, SO_ATTACH_REUSEPORT_EBPF, &steer->worker_prog_fd,
		       sizeof(steer->worker_prog_fd)) ||
	    bpf_map_lookup_elem(steer->point_fd, &point, &row))
		return -errno;
	if (bpf_map_lookup_elem(steer->listener_fd, &key, &known) || known != point) {
		forget_sockets(steer, point);
		row.n[0] = row.n[1] = 0;
	}
	/* 0 says that nobody ever listened. */
	uint32_t generation = row.generation + 1 ?: 2;

	for (size_t i = 0; i < n; i++) {
		uint32_t at = index_of(point, generation, (uint32_t)i);
		uint64_t fd = (uint64_t)sockets[i].fd;

		if (bpf_map_update_elem(steer->socket_fd, &at, &fd, BPF_ANY))
			return -errno;
	}
	row.n[generation & 1] = (uint16_t)n;
	row.by_cpu = by_cpu;
	/* First the half that nobody uses, then the switch. */
	if (bpf_map_update_elem(steer->point_fd, &point, &row, BPF_ANY))
		return -errno;
	row.generation = generation;
	if (bpf_map_update_elem(steer->point_fd, &point, &row, BPF_ANY) ||
	    bpf_map_update_elem(steer->listener_fd, &key, &point, BPF_ANY))
		return -errno;
	return 0;
}

int dataplane_socket_publish(const struct socket_steer *steer,
			     const struct dataplane_socket *sockets, size_t n, bool by_cpu)
{
	int rc = 0;

	for (size_t at = 0; at < n && !rc;) {
		size_t m = 1;

		while (at + m < n && m < ABI_WORKERS && sockets[at + m].point == sockets[at].point)
			m++;
		if (sockets[at].point && sockets[at].point < ABI_POINTS)
			rc = publish_point(steer, &sockets[at], m, by_cpu);
		at += m;
	}
	return rc;
}

int dataplane_socket_stat(const struct socket_steer *steer, uint32_t point,
			  struct abi_point_stat *ret_stat)
{
	int n_cpus = libbpf_num_possible_cpus();
	struct abi_point_stat sum = {0};

	if (n_cpus <= 0)
		return -EINVAL;
	struct abi_point_stat *rows = calloc((size_t)n_cpus, sizeof(*rows));
	int rc = rows ? 0 : -ENOMEM;

	if (!rc && bpf_map_lookup_elem(steer->stat_fd, &point, rows))
		rc = -errno;
	for (int cpu = 0; cpu < n_cpus && !rc; cpu++) {
#define ADD(name, text) sum.name += rows[cpu].name;
		ABI_POINT_COUNTS(ADD)
#undef ADD
	}
	free(rows);
	*ret_stat = sum;
	return rc;
}
