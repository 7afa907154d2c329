/* SPDX-License-Identifier: GPL-2.0-only OR Apache-2.0 */
#ifndef ICMP_TYPE_H
#define ICMP_TYPE_H

/*
 * icmp_type: types and codes of ICMP, RFC 792, by their usual names. The kernel's <linux/icmp.h>
 * brings in the C library's headers for another machine than BPF, which need not be there; of
 * ICMPv6 <linux/icmpv6.h> does well.
 */

enum icmp_type {
	ICMP_ECHOREPLY = 0,
	ICMP_DEST_UNREACH = 3,
	ICMP_ECHO = 8,
	ICMP_TIME_EXCEEDED = 11,
	ICMP_PARAMETERPROB = 12,
};

enum icmp_unreachable_code {
	ICMP_HOST_UNREACH = 1,
	ICMP_PORT_UNREACH = 3,
	ICMP_FRAG_NEEDED = 4,
};

#endif
