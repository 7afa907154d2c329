/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CLIENT_SOURCE_H
#define CLIENT_SOURCE_H

/*
 * client_source: whom a request counts for: an address, found as ipStrategy says, the value of a
 * header, or the host (reference/traefik.md c.4, c.5). Immutable once prepared; pure.
 */

#include "http/message.h"
#include "model/mw_conf.h"
#include "mw/mw.h"

enum client_source_kind {
	CLIENT_SOURCE_PEER,	/* the address of the connection */
	CLIENT_SOURCE_DEPTH,	/* the Nth entry of X-Forwarded-For from the right */
	CLIENT_SOURCE_EXCLUDED, /* the rightmost entry that is not in a set */
	CLIENT_SOURCE_HEADER,
	CLIENT_SOURCE_HOST,
};

struct client_source {
	uint8_t kind;	   /* enum client_source_kind */
	uint8_t ipv6_bits; /* 128: each address alone */
	int64_t depth;
	struct cidr_set excluded;
	struct str header;
};

enum { CLIENT_SOURCE_TEXT_MAX = ADDR_TEXT_MAX };

/* criterion, strategy: NULL means the peer's address. 0, -EINVAL with diags, -ENOMEM. */
int client_source_prepare(struct mw_prepare *prepare, const struct ip_strategy *strategy,
			  struct client_source *ret_source);
int client_source_prepare_criterion(struct mw_prepare *prepare,
				    const struct source_criterion *criterion,
				    struct client_source *ret_source);
/* A list of addresses and networks as a set in the prepare arena. */
int client_source_prepare_set(struct mw_prepare *prepare, const struct strs *texts,
			      const char *field, struct cidr_set *ret_set);
/*
 * The source as text: in room, or borrowed from the request. Empty when there is none: a missing
 * header, too few entries of X-Forwarded-For.
 */
struct str client_source_text(const struct client_source *source, const struct request *request,
			      char room[CLIENT_SOURCE_TEXT_MAX]);
/* The source as an address; false when it is none. A port behind it is ignored. */
bool client_source_addr(const struct client_source *source, const struct request *request,
			struct addr *ret_addr);

#endif
