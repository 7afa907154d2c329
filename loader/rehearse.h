/* SPDX-License-Identifier: Apache-2.0 */
#ifndef REHEARSE_H
#define REHEARSE_H

/*
 * rehearse: runs the real program on one packet without any packet noticing.
 *
 * The program is loaded once more over the pinned configuration, with counters and flows of its
 * own and copies of the limits' buckets; then BPF_PROG_TEST_RUN.
 */

#include "abi.h"
#include "abi_capture.h"
#include "loader.h"

struct rehearsal {
	uint32_t action;	  /* XDP_... */
	struct abi_captured seen; /* verdict, reason, entry, policy; the frame as it leaves */
	/* What it met, as it stands in the maps; all zero: none. */
	struct abi_entry entry;
	struct abi_policy policy;
	struct abi_service service;
	struct abi_backend backend;
};

/* ifindex: where it comes in, of this network namespace; 0: nowhere special. */
int rehearse(const struct loader_options *options, const void *frame, size_t n, uint32_t ifindex,
	     struct rehearsal *ret_rehearsal, struct loader_fault *ret_fault);

#endif
