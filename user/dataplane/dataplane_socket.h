/* SPDX-License-Identifier: Apache-2.0 */
#ifndef DATAPLANE_SOCKET_H
#define DATAPLANE_SOCKET_H

/*
 * dataplane_socket: tells the kernel plane which sockets listen for which entry point, and that
 * from now on new connections are theirs.
 *
 * Tried on Linux 6.18 with no capability: putting sockets into a SOCKMAP and attaching an open
 * program to sockets of our own (SO_ATTACH_REUSEPORT_EBPF) need none; the descriptors do.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "abi.h"
#include "abi_socket.h"

struct socket_steer; /* loader/socket_steer.h: the descriptors, by name */

/* One listening socket; those of one point have the same address. */
struct dataplane_socket {
	int fd;
	uint16_t point; /* index of the entry point + 1 */
};

/*
 * Puts them beside the generation in force, then flips, point by point; what is accepted stays
 * where it is. sockets are in the order of points, each worker's first one first. 0 or a negative
 * errno; then the kernel chooses as it did before.
 */
int dataplane_socket_publish(const struct socket_steer *steer,
			     const struct dataplane_socket *sockets, size_t n, bool by_cpu);
/* Counters of a point, summed over CPUs. */
int dataplane_socket_stat(const struct socket_steer *steer, uint32_t point,
			  struct abi_point_stat *ret_stat);

#endif
