/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PACKET_H
#define PACKET_H

/* packet: builds frames for tests from a few words, with right lengths and checksums unless told
 * otherwise. */

#include <stddef.h>
#include <stdint.h>

enum { PACKET_ROOM = 16384, PACKET_EXTS_MAX = 8 };

enum packet_tcp_flags { PACKET_FIN = 1, PACKET_SYN = 2, PACKET_RST = 4, PACKET_ACK = 16 };

struct packet_spec {
	const char *source, *dest;	 /* addresses as text; NULL: 198.51.100.7 and 192.0.2.1 */
	uint16_t source_port, dest_port; /* 0: 40000 and 80 */
	uint8_t proto;			 /* 0: TCP */
	uint8_t tcp_flags;		 /* 0: ACK */
	uint8_t n_vlans;
	uint16_t vlan_type;	       /* of the outer tag; 0: 0x8100 */
	uint16_t ether_type;	       /* 0: by address */
	uint8_t option_words;	       /* of IPv4 options */
	uint8_t exts[PACKET_EXTS_MAX]; /* IPv6 extension headers in order; 0 ends, hop-by-hop is 255
					*/
	uint8_t ext_units;	       /* length field of each, but of fragment headers */
	uint16_t fragment_offset;      /* in 8-byte units */
	uint8_t more_fragments;
	uint16_t payload_bytes;
	uint16_t frame_bytes; /* padded to it when longer than the packet */
	/* Faults: what the header says instead of the truth. */
	uint8_t say_version, say_ihl, say_doff;
	int32_t say_length; /* IPv4 total or IPv6 payload length */
};

/* Returns the length of the frame. */
size_t packet_build(const struct packet_spec *spec, uint8_t ret_frame[PACKET_ROOM]);
/* Overwrites the source address of a frame without VLAN tags; the checksums follow. index counts up
 * from it. */
void packet_set_source(uint8_t *frame, const char *first, uint32_t index);

#endif
