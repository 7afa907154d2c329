// SPDX-License-Identifier: GPL-2.0-only OR Apache-2.0
/*
 * sockets: which of the local proxy's sockets gets a new connection.
 *
 * Two programs, asked once per connection (for UDP: per datagram without a connected socket).
 * `local` gives a virtual address of mode local, any range of ports, to an entry point that never
 * bound it. `worker` chooses among an entry point's sockets, and moves what waits for a socket that
 * closes to one that is open. Both know the proxy's generations: new connections are the newest
 * one's. What nothing here concerns goes on as if there were no program.
 */
#include <linux/bpf.h>
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

#include "abi.h"
#include "abi_socket.h"
#include "maps.h"
#include "steer.h"

enum { FAMILY_INET = 2, GENERATIONS = 2 };

/* A plain array that the proxy maps: publishing a generation is one store. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, ABI_POINTS);
	__type(key, __u32);
	__type(value, struct abi_point);
} point SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 4 * ABI_POINTS);
	__type(key, struct abi_listener_key);
	__type(value, __u32);
} listener SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_SOCKMAP);
	__uint(max_entries, ABI_POINTS *GENERATIONS *ABI_WORKERS);
	__type(key, __u32);
	__type(value, __u64);
} socket SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, ABI_POINTS);
	__type(key, __u32);
	__type(value, struct abi_point_stat);
} point_stat SEC(".maps");

static __always_inline __u32 socket_index(__u32 which, __u32 generation, __u32 worker)
{
	return (which * GENERATIONS + (generation & 1)) * ABI_WORKERS + worker % ABI_WORKERS;
}

/* Any socket of the generation; the kernel then lets `worker` choose among its group. */
static __always_inline long assign(struct bpf_sk_lookup *ctx, __u32 which, __u32 generation)
{
	__u32 index = socket_index(which, generation, 0);
	struct bpf_sock *found = bpf_map_lookup_elem(&socket, &index);

	if (!found)
		return -1;
	long err = bpf_sk_assign(ctx, found, 0);

	bpf_sk_release(found);
	return err;
}

/* All are read before they are chosen from: a pointer into ctx must not be computed. */
static __always_inline void addr_of(bool is_v4, __be32 v4, const volatile __u32 *v6,
				    struct abi_addr *ret)
{
	__be32 word[4] = {v6[0], v6[1], v6[2], v6[3]};

	barrier_var(v4);
	ret->word[0] = is_v4 ? 0 : word[0];
	ret->word[1] = is_v4 ? 0 : word[1];
	ret->word[2] = is_v4 ? (v4 ? bpf_htonl(0xffff) : 0) : word[2];
	ret->word[3] = is_v4 ? v4 : word[3];
}

static __always_inline void dest_of(const struct bpf_sk_lookup *ctx, struct packet *ret)
{
	*ret = (struct packet){
		.proto = ctx->protocol,
		.dest_port = bpf_htons(ctx->local_port),
		.is_v4 = ctx->family == FAMILY_INET,
	};
	addr_of(ret->is_v4, *(const volatile __u32 *)&ctx->local_ip4, ctx->local_ip6, &ret->dest);
}

SEC("sk_lookup")
int local(struct bpf_sk_lookup *ctx)
{
	__u32 zero = 0, index = 0;
	struct abi_control *settings = bpf_map_lookup_elem(&control, &zero);
	struct packet packet;

	if (!settings || (ctx->protocol != IPPROTO_TCP && ctx->protocol != IPPROTO_UDP))
		return SK_PASS;
	dest_of(ctx, &packet);
	struct abi_entry *to =
		steer_find(&packet, *(volatile __u32 *)&settings->generation & 1, &index);

	if (!to || to->target != ABI_TARGET_LOCAL || !to->point)
		return SK_PASS;
	__u32 which = to->point % ABI_POINTS;
	struct abi_point *row = bpf_map_lookup_elem(&point, &which);
	struct abi_point_stat *stat = bpf_map_lookup_elem(&point_stat, &which);

	if (!row || !stat)
		return SK_PASS;
	__u32 generation = *(volatile __u32 *)&row->generation;

	if (!assign(ctx, which, generation) || !assign(ctx, which, generation + 1)) {
		stat->steered++;
		return SK_PASS;
	}
	/* Never another program's socket that happens to listen on that port on every address. */
	stat->missed++;
	return SK_DROP;
}

static __always_inline __u32 point_of(const struct sk_reuseport_md *ctx)
{
	const struct bpf_sock *sk = ctx->sk;
	struct abi_listener_key key = {.proto = ctx->ip_protocol};

	addr_of(sk->family == FAMILY_INET, *(const volatile __u32 *)&sk->src_ip4, sk->src_ip6,
		&key.addr);
	key.port = bpf_htons(sk->src_port);
	__u32 *found = bpf_map_lookup_elem(&listener, &key);

	return found ? *found % ABI_POINTS : 0;
}

static __always_inline long choose(struct sk_reuseport_md *ctx, __u32 which,
				   const struct abi_point *row, __u32 generation)
{
	__u32 n = row->n[generation & 1];

	if (!n)
		return -1;
	/* All datagrams of a client belong to one worker, whatever processor they come in on. */
	__u32 nth = row->by_cpu && ctx->ip_protocol == IPPROTO_TCP
			    ? bpf_get_smp_processor_id() % n
			    : (__u32)((__u64)ctx->hash * n >> 32);
	__u32 index = socket_index(which, generation, nth);

	return bpf_sk_select_reuseport(ctx, &socket, &index, 0);
}

SEC("sk_reuseport/migrate")
int worker(struct sk_reuseport_md *ctx)
{
	__u32 which = point_of(ctx);
	struct abi_point *row = which ? bpf_map_lookup_elem(&point, &which) : NULL;
	struct abi_point_stat *stat = which ? bpf_map_lookup_elem(&point_stat, &which) : NULL;

	if (!row || !stat)
		return SK_PASS;
	__u32 generation = *(volatile __u32 *)&row->generation;

	if (choose(ctx, which, row, generation) && choose(ctx, which, row, generation + 1))
		stat->unchosen++;
	else if (ctx->migrating_sk)
		stat->moved++;
	else
		stat->chosen++;
	return SK_PASS;
}

char LICENSE[] SEC("license") = "GPL";
