/* SPDX-License-Identifier: Apache-2.0 */
#ifndef DATAPLANE_CAPTURE_H
#define DATAPLANE_CAPTURE_H

/*
 * dataplane_capture: copies of packets with their verdicts, for an operator's command. One at a
 * time on a machine. It ends by itself soon after the process that asked for it.
 */

#include "abi_capture.h"
#include "abi_state.h"
#include "dataplane/dataplane.h"

struct dataplane_filter {
	uint32_t verdicts;	  /* enum abi_capture_verdict */
	struct cidr source, dest; /* bits 0: any */
	uint16_t port;		  /* of either side; 0: any */
	uint8_t proto;		  /* 0: any */
	int why;		  /* number of the reason; -1: any */
};

struct dataplane_seen {
	uint64_t wall_ns;
	enum abi_capture_verdict verdict;
	uint32_t why;
	char entry[KERNEL_NAME_MAX + 1], policy[KERNEL_NAME_MAX + 1]; /* "" when none */
	char object[ABI_OBJECT_BYTES], rule[128]; /* dataplane_rule() fills them in */
	uint32_t entry_slot, policy_slot;
	uint32_t ifindex, bytes, length;
	const uint8_t *data; /* length of it; valid during the call */
};

/* False: enough. */
typedef bool (*dataplane_seen_fn)(void *user, const struct dataplane_seen *seen);

struct dataplane_capture;

/* -EBUSY: another one runs, *ret_owner is its process. */
int dataplane_capture_begin(struct dataplane *dataplane, const struct dataplane_filter *filter,
			    struct dataplane_capture **ret_capture, uint32_t *ret_owner);
/* Waits at most timeout_ms, hands over what has come. 1: fn has had enough; 0; or a negative errno.
 */
int dataplane_capture_poll(struct dataplane_capture *capture, int timeout_ms, dataplane_seen_fn fn,
			   void *user);
/* Ends it. What matched, and how many of these were lost because nobody took them in time. */
void dataplane_capture_end(struct dataplane_capture *capture, uint64_t *ret_matched,
			   uint64_t *ret_lost);

/* The reason's name in metrics, and its sentence. */
const char *dataplane_capture_label(const struct dataplane_seen *seen);
const char *dataplane_capture_text(const struct dataplane_seen *seen);
/* The number of a reason by name, in the table of which verdict; false when there is none. */
bool dataplane_capture_reason(struct str name, uint32_t *ret_verdict, int *ret_why);

#endif
