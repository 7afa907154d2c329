/* SPDX-License-Identifier: Apache-2.0 */
#ifndef DISPATCHER_H
#define DISPATCHER_H

/*
 * dispatcher: sharing an interface with other XDP programs through libxdp, where the kernel lets
 * it.
 *
 * libxdp puts a dispatcher on the interface and our program beside others into it, as a replacement
 * of one of its functions (freplace). Some kernels refuse that kind of program; then everything
 * here says -EPERM or -ENOENT and attach uses a link.
 */

#include <stdbool.h>

#include "loader.h"

/* Whether the kernel takes programs that replace functions of others. */
bool dispatcher_works(void);
/* Fills in *attachment on success; a reason goes to attachment->why where it is worth telling. */
int dispatcher_attach(const struct loader_options *options, struct loader_attachment *attachment);
/* Our program of this network namespace's interfaces: the new one in, then the old one out. */
int dispatcher_switch_all(const struct loader_options *options, struct loader_fault *ret_fault);
int dispatcher_detach(uint32_t ifindex);
void dispatcher_detach_all(const struct loader_options *options);
int dispatcher_list(const struct loader_options *options, struct loader_attachment *ret_rows,
		    int max);

#endif
