/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PROXY_PROTOCOL_H
#define PROXY_PROTOCOL_H

/*
 * proxy_protocol: the header by which a load balancer says whom a connection is really from,
 * versions 1 (text) and 2 (binary), after haproxy.org's proxy-protocol.txt: read and written. Pure.
 * Whether the sender may be believed is the caller's business.
 */

#include <stdbool.h>
#include <sys/types.h>

#include "base/addr.h"
#include "base/str.h"

enum {
	PROXY_PROTOCOL_V1_MAX_BYTES = 107,
	PROXY_PROTOCOL_MAX_BYTES = 4096, /* of a version 2 header that we are willing to read */
};

struct proxy_header {
	bool has_addrs; /* false: UNKNOWN or LOCAL, the connection's own addresses hold */
	struct addr source, destination;
	uint16_t source_port, destination_port;
};

/*
 * Bytes of the header; 0 when the input does not begin with one; -EAGAIN when more bytes could make
 * it one; -EBADMSG when it begins like one and is malformed or too long.
 */
ssize_t proxy_protocol_parse(struct str input, struct proxy_header *ret_header);
/*
 * The header that says it, of version 1 or 2; returns its length. Without addresses (or with a pair
 * of two families, which has no spelling): UNKNOWN, or LOCAL.
 */
size_t proxy_protocol_write(const struct proxy_header *header, uint8_t version,
			    char out[PROXY_PROTOCOL_V1_MAX_BYTES]);

#endif
