/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PACKET_LINE_H
#define PACKET_LINE_H

/* packet_line: a captured packet as one line for people. */

#include "dataplane/dataplane_capture.h"

struct packet_ends {
	struct addr source, dest;
	uint16_t source_port, dest_port; /* host order; 0 without */
	uint8_t proto;
	bool is_ip;
};

/* Reads the addresses and ports that stand in a frame; false when it is not IP or too short. */
bool packet_ends(const uint8_t *frame, size_t n, struct packet_ends *ret_ends);
/* "12:03:04.123456 dropped denied 192.0.2.7:4000 > 192.0.2.1:80 TCP 60 bytes entry point web ..."
 */
void packet_line(const struct dataplane_seen *seen, char *ret_line, size_t size);

/* ", entry point web, policy web of SourcePolicy/shop/strict, rule deny 192.0.2.0/24", or "". */
void packet_line_whose(const struct dataplane_seen *seen, char *ret_text, size_t size);

#endif
