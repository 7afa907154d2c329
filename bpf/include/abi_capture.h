/* SPDX-License-Identifier: GPL-2.0-only OR Apache-2.0 */
#ifndef ABI_CAPTURE_H
#define ABI_CAPTURE_H

/* abi_capture: which packets an operator wants to see, and how they come to him. */

#include "abi_addr.h"

enum {
	ABI_CAPTURE_BYTES = 1 << 22, /* of the ring */
	ABI_CAPTURE_SNAP = 1536,     /* bytes of a packet that are kept */
};

/* What became of a packet, as bits of a filter. */
enum abi_capture_verdict {
	ABI_CAPTURE_PASSED = 1,
	ABI_CAPTURE_DROPPED = 2,
	ABI_CAPTURE_SENT = 4,
};

/*
 * Map "capture", one row. It ends by itself when whoever asked no longer renews until_ns, so that
 * nobody can leave it on.
 */
struct abi_capture {
	__u64 until_ns; /* bpf_ktime_get_ns(); 0: off */
	__u32 owner;	/* process that asked */
	__u32 verdicts; /* enum abi_capture_verdict */
	struct abi_addr source, source_mask, dest, dest_mask;
	__be16 port; /* of either side; 0: any */
	__u8 proto;  /* 0: any */
	__u8 pad;
	__u32 why;     /* of that verdict only, plus one; 0: any */
	__u64 matched; /* since it began */
	__u64 lost;    /* of these, because the ring was full */
};

/* In the ring "captured". */
struct abi_captured {
	__u64 time_ns; /* bpf_ktime_get_ns() */
	__u32 verdict; /* enum abi_capture_verdict */
	__u32 why;     /* number of the reason, in that verdict's table */
	__u32 entry, policy, ifindex;
	__u32 bytes;  /* of the frame */
	__u32 length; /* of data */
	__u32 pad;
	__u8 data[ABI_CAPTURE_SNAP];
};

#endif
