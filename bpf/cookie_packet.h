/* SPDX-License-Identifier: GPL-2.0-only OR Apache-2.0 */
#ifndef COOKIE_PACKET_H
#define COOKIE_PACKET_H

/*
 * cookie_packet: a SYN becomes the SYN-ACK that answers it, with a cookie for its number.
 */

#include "parse.h"
#include "shield.h"

enum {
	COOKIE_OPTIONS_MAX = 40,
	COOKIE_TCP_MAX = 60,
	COOKIE_TCP_SHORT = 24, /* with an MSS */
	COOKIE_TCP_LONG = 40,  /* with timestamps and the rest */
	COOKIE_MSS4 = 1460,
	COOKIE_MSS6 = 1440,
	COOKIE_WINDOW = 64240, /* what Linux begins with */
	COOKIE_TTL = 64,
	COOKIE_NO_SCALE = 15,
	COOKIE_SCALE_MAX = 14,
	COOKIE_SACK = 1 << 4,
	COOKIE_TIME_BITS = 6,
};

/* What the client's SYN asks for. */
struct cookie_options {
	bool has_time, has_sack;
	__u8 scale; /* COOKIE_NO_SCALE: none */
	__be32 time;
};

struct cookie_walk {
	struct xdp_md *ctx;
	__u32 at, end; /* offsets of the frame */
	struct cookie_options options;
};

/* One option; 1 ends the walk. The verifier proves it once (bpf_loop), not for every way there. */
static long cookie_option(__u32 nth, struct cookie_walk *walk)
{
	const __u8 *at = (const void *)(long)walk->ctx->data;
	const __u8 *end = (const void *)(long)walk->ctx->data_end;

	(void)nth;
	if (walk->at >= walk->end || walk->at > PARSE_HEADERS_MAX)
		return 1;
	at += walk->at;
	if (at + 2 > end || at[0] == 0)
		return 1;
	if (at[0] == 1) {
		walk->at++;
		return 0;
	}
	if (at[1] < 2)
		return 1;
	if (at[0] == 3 && at[1] == 3 && at + 3 <= end)
		walk->options.scale = at[2];
	if (at[0] == 4 && at[1] == 2)
		walk->options.has_sack = true;
	if (at[0] == 8 && at[1] == 10 && at + 10 <= end) {
		walk->options.has_time = true;
		__builtin_memcpy(&walk->options.time, at + 2, sizeof(walk->options.time));
	}
	walk->at += at[1];
	return 0;
}

static __always_inline void cookie_read_options(struct xdp_md *ctx, __u32 at,
						struct cookie_options *ret)
{
	const void *data = (const void *)(long)ctx->data, *end = (const void *)(long)ctx->data_end;
	struct cookie_walk walk = {
		.ctx = ctx,
		.at = at + sizeof(struct tcphdr),
		.options = {.scale = COOKIE_NO_SCALE},
	};
	const struct tcphdr *tcp = data + at;

	*ret = walk.options;
	if (at > PARSE_HEADERS_MAX || (const void *)(tcp + 1) > end)
		return;
	walk.end = at + tcp->doff * 4;
	bpf_loop(COOKIE_OPTIONS_MAX, cookie_option, &walk, 0);
	*ret = walk.options;
}

/* The stack's clock in milliseconds, its low bits replaced, and never in the future. */
static __always_inline __u32 cookie_time(const struct cookie_options *options)
{
	__u64 now = bpf_ktime_get_ns() / 1000000;
	__u64 time = now >> COOKIE_TIME_BITS << COOKIE_TIME_BITS;

	__u8 scale = options->scale;

	if (scale != COOKIE_NO_SCALE && scale > COOKIE_SCALE_MAX)
		scale = COOKIE_SCALE_MAX;
	time |= scale | (options->has_sack ? COOKIE_SACK : 0);
	return time > now ? time - (1 << COOKIE_TIME_BITS) : time;
}

static __always_inline __u16 cookie_fold(__u64 sum)
{
	sum = (sum & 0xffffffff) + (sum >> 32);
	sum = (sum & 0xffff) + (sum >> 16 & 0xffff) + (sum >> 32);
	sum = (sum & 0xffff) + (sum >> 16);
	return ~((sum & 0xffff) + (sum >> 16));
}

static __always_inline __u64 cookie_sum(const void *at, int words)
{
	const __be32 *word = at;
	__u64 sum = 0;

	asm volatile("" ::: "memory"); /* fields were written with other types */
#pragma unroll
	for (int i = 0; i < words; i++)
		sum += word[i];
	return sum;
}

/* The answer's TCP header in the place of the SYN's. Returns its length. */
static __always_inline __u32 cookie_write_tcp(struct tcphdr *tcp, __u32 value, __u16 mss,
					      const struct cookie_options *options, __u8 scale)
{
	__be32 *option = (void *)(tcp + 1);
	__be16 port = tcp->source;
	__u32 bytes = options->has_time ? COOKIE_TCP_LONG : COOKIE_TCP_SHORT;

	tcp->source = tcp->dest;
	tcp->dest = port;
	tcp->ack_seq = bpf_htonl(bpf_ntohl(tcp->seq) + 1);
	tcp->seq = bpf_htonl(value);
	((__be16 *)tcp)[6] = bpf_htons(bytes / 4 << 12 | 0x12); /* SYN, ACK */
	tcp->window = bpf_htons(COOKIE_WINDOW);
	tcp->check = 0;
	tcp->urg_ptr = 0;
	option[0] = bpf_htonl(0x02040000 | mss);
	if (!options->has_time)
		return bytes;
	/* Selective acknowledgements permitted, or two empty options; then the timestamp. */
	option[1] = bpf_htonl(options->has_sack ? 0x0402080a : 0x0101080a);
	option[2] = bpf_htonl(cookie_time(options));
	option[3] = options->time;
	option[4] = bpf_htonl(options->scale == COOKIE_NO_SCALE ? 0x01010101 : 0x01030300 | scale);
	return bytes;
}

static __always_inline void cookie_check_tcp(struct tcphdr *tcp, __u32 bytes, __u64 addresses)
{
	__u64 sum = addresses + bpf_htonl(IPPROTO_TCP) + bpf_htonl(bytes);

	sum += cookie_sum(tcp, COOKIE_TCP_SHORT / 4);
	if (bytes == COOKIE_TCP_LONG)
		sum += cookie_sum((void *)tcp + COOKIE_TCP_SHORT,
				  (COOKIE_TCP_LONG - COOKIE_TCP_SHORT) / 4);
	tcp->check = cookie_fold(sum);
}

/* IPv4. The whole of tcp's 60 bytes is there. Returns the length of the frame, or 0. */
static __always_inline __u32 cookie_answer4(void *data, void *end, __u32 l3,
					    const struct cookie_options *options,
					    const struct abi_shield *row)
{
	struct iphdr *ip = data + (l3 & 31);
	struct tcphdr *tcp = (void *)(ip + 1);
	__be32 addr;

	if ((void *)tcp + COOKIE_TCP_MAX > end)
		return 0;
	__u32 bytes = tcp->doff * 4;

	if (bytes < sizeof(*tcp) || bytes > COOKIE_TCP_MAX)
		return 0;
	__s64 value = bpf_tcp_raw_gen_syncookie_ipv4(ip, tcp, bytes);

	if (value < 0)
		return 0;
	bytes = cookie_write_tcp(tcp, value, row->mss4 ?: COOKIE_MSS4, options, row->wscale);
	addr = ip->saddr;
	ip->saddr = ip->daddr;
	ip->daddr = addr;
	ip->tos = 0;
	ip->tot_len = bpf_htons(sizeof(*ip) + bytes);
	ip->id = 0;
	ip->frag_off = bpf_htons(0x4000); /* do not fragment */
	ip->ttl = COOKIE_TTL;
	ip->check = 0;
	ip->check = cookie_fold(cookie_sum(ip, 5));
	cookie_check_tcp(tcp, bytes, cookie_sum(&ip->saddr, 2));
	return (l3 & 31) + sizeof(*ip) + bytes;
}

static __always_inline __u32 cookie_answer6(void *data, void *end, __u32 l3,
					    const struct cookie_options *options,
					    const struct abi_shield *row)
{
	struct ipv6hdr *ip = data + (l3 & 31);
	struct tcphdr *tcp = (void *)(ip + 1);
	struct in6_addr addr;

	if ((void *)tcp + COOKIE_TCP_MAX > end)
		return 0;
	__u32 bytes = tcp->doff * 4;

	if (bytes < sizeof(*tcp) || bytes > COOKIE_TCP_MAX)
		return 0;
	__s64 value = bpf_tcp_raw_gen_syncookie_ipv6(ip, tcp, bytes);

	if (value < 0)
		return 0;
	bytes = cookie_write_tcp(tcp, value, row->mss6 ?: COOKIE_MSS6, options, row->wscale);
	__builtin_memcpy(&addr, &ip->saddr, sizeof(addr));
	__builtin_memcpy(&ip->saddr, &ip->daddr, sizeof(addr));
	__builtin_memcpy(&ip->daddr, &addr, sizeof(addr));
	*(__be32 *)ip = bpf_htonl(6u << 28);
	ip->payload_len = bpf_htons(bytes);
	ip->hop_limit = COOKIE_TTL;
	cookie_check_tcp(tcp, bytes, cookie_sum(&ip->saddr, 8));
	return (l3 & 31) + sizeof(*ip) + bytes;
}

#endif
