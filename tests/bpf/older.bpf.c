// SPDX-License-Identifier: GPL-2.0-only OR Apache-2.0
/*
 * older: stands for the program of an older build, with its maps in layout 2. It counts as that one
 * did and passes everything.
 */
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

enum { ENTRIES = 256, PASSED_NO_ENTRY = 3 };

struct counter_2 {
	__u64 received, received_bytes, pass[6], tx, redirect, drop[8], event_due_ns, reserved[5];
};

struct row_64 {
	__u8 byte[64];
};

struct row_320 {
	__u8 byte[320];
};

#define ARRAY(name, n, type_)                      \
	struct {                                   \
		__uint(type, BPF_MAP_TYPE_ARRAY);  \
		__uint(map_flags, BPF_F_MMAPABLE); \
		__uint(max_entries, n);            \
		__type(key, __u32);                \
		__type(value, type_);              \
	} name SEC(".maps")

ARRAY(control, 1, struct row_64);
ARRAY(policy, 512, struct row_320);
ARRAY(entry, 512, struct row_64);
ARRAY(port, 8192, struct row_64);

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, ENTRIES);
	__type(key, __u32);
	__type(value, struct counter_2);
} counter SEC(".maps");

SEC("xdp.frags")
int older(struct xdp_md *ctx)
{
	__u32 zero = 0;
	struct counter_2 *row = bpf_map_lookup_elem(&counter, &zero);

	if (!row)
		return XDP_PASS;
	row->received++;
	row->received_bytes += ctx->data_end - ctx->data;
	row->pass[PASSED_NO_ENTRY]++;
	return XDP_PASS;
}

char LICENSE[] SEC("license") = "GPL";
