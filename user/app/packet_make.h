/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PACKET_MAKE_H
#define PACKET_MAKE_H

/* packet_make: frames from the description of a packet; lengths and checksums are right. */

#include "app/packet_spec.h"

enum { PACKET_MAKE_ROOM = 2048, PACKET_MAKE_MAX = 2 };

struct packet_frame {
	uint8_t at[PACKET_MAKE_ROOM];
	size_t n;
};

/* How many: one, or two for a later fragment and the first one before it. */
size_t packet_make(const struct packet_spec *spec, struct packet_frame ret_frames[PACKET_MAKE_MAX]);

#endif
