/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PACKET_SPEC_H
#define PACKET_SPEC_H

/*
 * packet_spec: a frame from a few words: PROTOCOL SOURCE DEST [WORD...], as in
 * "tcp 198.51.100.7:4000 192.0.2.1:80 syn". PROTOCOL: tcp, udp, icmp. Words: syn, ack, fin, rst,
 * vlan=ID, ttl=N, payload=BYTES. Lengths and checksums are right.
 */

#include <stddef.h>
#include <stdint.h>

#include "base/str.h"

enum { PACKET_SPEC_ROOM = 2048, PACKET_SPEC_PAYLOAD_MAX = 1400 };

/* The length of the frame, or 0 with what is wrong in *ret_wrong (static text) and where. */
size_t packet_spec(const struct strs *words, uint8_t ret_frame[PACKET_SPEC_ROOM],
		   const char **ret_wrong, struct str *ret_word);

#endif
