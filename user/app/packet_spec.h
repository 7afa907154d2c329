/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PACKET_SPEC_H
#define PACKET_SPEC_H

/*
 * packet_spec: a packet from a few words: PROTOCOL SOURCE DEST [WORD...], as in
 * "tcp 198.51.100.7:4000 192.0.2.1:80 syn". packet_make.h makes frames of it.
 */

#include <stddef.h>
#include <stdint.h>

#include "base/addr.h"
#include "base/str.h"

enum { PACKET_SPEC_PAYLOAD_MAX = 1400, PACKET_SPEC_TAGS = 2 };

enum packet_fragment {
	PACKET_WHOLE,
	PACKET_FIRST, /* the first one alone */
	PACKET_NEXT,  /* a later one, after its first one */
	PACKET_LATE,  /* a later one, whose first one went by before, if ever */
};

enum packet_icmp {
	PACKET_ECHO,
	PACKET_ECHO_REPLY,
	PACKET_UNREACHABLE,
	PACKET_TOO_BIG,
	PACKET_TIME_EXCEEDED,
};

struct packet_end {
	struct addr addr;
	uint16_t port; /* host order */
};

struct packet_spec {
	uint8_t proto; /* IPPROTO_TCP, _UDP or, for both families, _ICMP */
	uint8_t tcp_flags, ttl;
	struct packet_end source, dest;
	uint16_t tags[PACKET_SPEC_TAGS]; /* VLANs, the outer one first */
	uint8_t n_tags;
	uint16_t payload_bytes;
	uint8_t payload[PACKET_SPEC_PAYLOAD_MAX];
	enum packet_fragment fragment;
	uint16_t id; /* of the datagram that a fragment is of */
	enum packet_icmp icmp;
	uint16_t mtu; /* of PACKET_TOO_BIG */
	/* What an ICMP error is about; proto 0: nothing. */
	uint8_t about_proto;
	struct packet_end about_source, about_dest;
};

struct packet_spec_fault {
	struct str word;       /* what was found; empty: the end of the words */
	const char *expected;  /* in its place */
	struct str suggestion; /* a word that was perhaps meant, or empty */
};

/* 0, or -EINVAL and what is wrong. */
int packet_spec(const struct strs *words, struct packet_spec *ret_spec,
		struct packet_spec_fault *ret_fault);

#endif
