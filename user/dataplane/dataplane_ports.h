/* SPDX-License-Identifier: Apache-2.0 */
#ifndef DATAPLANE_PORTS_H
#define DATAPLANE_PORTS_H

/*
 * dataplane_ports: whether the node's own sockets may get ports of translated flows. An answer to
 * such a socket, from a backend that has a flow of the same port, would go to that flow's client.
 */

#include <stdint.h>

#include "base/str.h"
#include "plan/kernel_config.h"

/* Ports in host order, both in the range. */
struct dataplane_port_range {
	uint32_t first, last;
};

/*
 * How many ports of `nat` the kernel may give to a socket: `own` are those that it chooses from,
 * but for the reserved ones, as net.ipv4.ip_local_reserved_ports says them: "8080,61000-65535".
 */
uint32_t dataplane_ports_shared(struct dataplane_port_range nat, struct dataplane_port_range own,
				struct str reserved);
/* The same of this machine, as the configuration has it; 0 when no service translates. */
uint32_t dataplane_ports_check(const struct kernel_config *config);

#endif
