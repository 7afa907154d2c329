/* SPDX-License-Identifier: Apache-2.0 */
#ifndef H2_MAP_H
#define H2_MAP_H

/*
 * h2_map: messages of HTTP/1.1 and header lists of HTTP/2, one made from the other (RFC 9113 8).
 *
 * Pure. What HTTP/2 does not know (Connection and all it stands for) does not pass; names are lower
 * case there, and spelled as Go spells them here. Whatever is written for HTTP/1.1 is parsed by
 * h1_parse again, so that nothing is believed twice.
 */

#include <sys/types.h>

#include "http/message.h"

enum {
	H2_MAP_FIELDS_EXTRA = 4, /* pseudo header fields of a request */
	H2_MAP_NAME_MAX = 256,
};

struct h2_field {
	struct str name, value;
};

/*
 * The header list of a request, names in the request's arena; at has room for request->headers.n +
 * H2_MAP_FIELDS_EXTRA. Returns how many, or -ENOMEM.
 */
ssize_t h2_map_request(const struct request *request, struct str scheme, struct h2_field *at);
/* Trailers, likewise; at has room for headers->n. */
ssize_t h2_map_trailers(const struct headers *headers, struct arena *arena, struct h2_field *at);

/* "HTTP/1.1 200 \r\n"; its length. */
size_t h2_map_status_line(uint16_t status, char *out, size_t cap);
/* "Content-Type: text/plain\r\n"; its length, 0 for a field that must not pass, -ENOSPC. */
ssize_t h2_map_field(struct str name, struct str value, char *out, size_t cap);

#endif
