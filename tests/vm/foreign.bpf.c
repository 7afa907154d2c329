// SPDX-License-Identifier: GPL-2.0-only OR Apache-2.0
/*
 * foreign: somebody else's XDP program, for tests of living beside one. It counts what it sees and
 * passes it on, through libxdp's dispatcher as any well-behaved program.
 */
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>
#include <xdp/xdp_helpers.h>

struct {
	__uint(priority, 10);
	__uint(XDP_PASS, 1);
} XDP_RUN_CONFIG(foreign_count);

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u64);
} foreign_seen SEC(".maps");

SEC("xdp.frags")
int foreign_count(struct xdp_md *ctx)
{
	__u32 first = 0;
	__u64 *seen = bpf_map_lookup_elem(&foreign_seen, &first);

	(void)ctx;
	if (seen)
		__sync_fetch_and_add(seen, 1);
	return XDP_PASS;
}

char foreign_license[] SEC("license") = "Dual BSD/GPL";
