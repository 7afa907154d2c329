/* SPDX-License-Identifier: Apache-2.0 */
#ifndef KERNEL_PLANE_H
#define KERNEL_PLANE_H

/*
 * kernel_plane: brings the kernel plane up for `tidegate run`, while the process still may: loads
 * and attaches by the loader, opens the maps, and hands the descriptors to the data plane. After
 * that no privilege is needed.
 */

#include "control/controller.h"
#include "dataplane/dataplane.h"
#include "loader.h"
#include "model/static_config.h"
#include "socket_steer.h"

/* What facts point into. */
struct kernel_plane {
	struct control_kernel facts;
	struct loader_attachment attachments[CONTROLLER_INTERFACES_MAX];
	struct loader_fault fault;
	struct socket_steer steer; /* SOCKET_STEER_NONE: the kernel chooses sockets */
	char names[CONTROLLER_INTERFACES_MAX][IF_NAMESIZE];
};

/*
 * ret_dataplane is NULL when the plane is off, by choice or because it cannot be; facts say which.
 * Returns 0, or a negative errno when a mode was asked for by name (native, generic) and cannot be
 * had.
 */
int kernel_plane_open(const struct static_config *config, struct kernel_plane *plane,
		      struct dataplane **ret_dataplane);

#endif
