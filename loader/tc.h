/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TC_H
#define TC_H

/*
 * tc: the kernel plane as a program of tc, on interfaces whose XDP hook another program holds.
 *
 * The object is the same source built for a socket buffer (bpf/ingress_tc.bpf.c) and works on the
 * same pinned maps; it is loaded when the first interface needs it. It stands before the other
 * programs at the interface's ingress, and what it passes goes on to them. Where the kernel has tcx
 * (Linux 6.6) it is a pinned link like that of XDP, and attach switches and detaches it; before
 * that it is a filter of clsact, and its program, pinned as "filter_IFNAME", says that it is ours.
 */

#include <stdbool.h>

#include "loader.h"

enum { TC_LINK_TYPE = 11 /* BPF_LINK_TYPE_TCX, newer than these headers */ };

/* The pinned program, loaded first if it is not there. Returns a descriptor. */
int tc_program(const struct loader_options *options, struct loader_fault *ret_fault);
/* Whether our filter is on the interface. */
bool tc_is_there(const struct loader_options *options, const char *ifname);
int tc_attach(const struct loader_options *options, struct loader_attachment *attachment,
	      struct loader_fault *ret_fault);
/* After a load: the new program everywhere, if it was loaded before. */
int tc_switch_all(const struct loader_options *options, struct loader_fault *ret_fault);
/* A filter; -ENOENT when there is none of ours. */
int tc_detach(const struct loader_options *options, const char *ifname);
void tc_detach_all(const struct loader_options *options);
/* The filters. Returns how many. */
int tc_list(const struct loader_options *options, struct loader_attachment *ret_rows, int max);

#endif
