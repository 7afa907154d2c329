/* SPDX-License-Identifier: Apache-2.0 */
#ifndef REHEARSE_H
#define REHEARSE_H

/*
 * rehearse: runs the real program on a packet without any packet noticing.
 *
 * The program is loaded once more. Configuration is read where it is; of everything that a packet
 * may change (budgets, flows, fragments, counts of connections, ways to backends) it has a copy, so
 * that an established flow is one here, too, and stays as it was. Then BPF_PROG_TEST_RUN.
 */

#include "abi.h"
#include "abi_capture.h"
#include "loader.h"

struct rehearse_frame {
	const void *at;
	size_t n;
};

struct rehearsal {
	uint32_t action;	  /* XDP_... */
	struct abi_captured seen; /* verdict, reason, entry, policy; the frame as it leaves */
	/* What it met, as it stands in the maps; all zero: none. */
	struct abi_entry entry;
	struct abi_policy policy;
	struct abi_service service;
	struct abi_backend backend;
	struct abi_node node;
	char ifname[IF_NAMESIZE]; /* where it came in */
};

/*
 * Frames run one after the other over the same copies; what is told is the last one's.
 * options->folder as for the loader; ifindex: where they come in, of this network namespace; 0: the
 * first interface here that runs the program, if there is one.
 */
int rehearse(const struct loader_options *options, const struct rehearse_frame *frames, size_t n,
	     uint32_t ifindex, struct rehearsal *ret_rehearsal, struct loader_fault *ret_fault);
/* A value of the pinned map of that name as packets left it. 0 or a negative errno. */
int rehearse_peek(const struct loader_options *options, const char *map, const void *key,
		  void *ret_value);

#endif
