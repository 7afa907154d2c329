/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MIDDLEWARE_TCP_H
#define MIDDLEWARE_TCP_H

/* middleware_tcp: traefik.io/v1alpha1 MiddlewareTCP (reference a.5, c.15): exactly one member is
 * not NULL in a valid object. */

#include "model/schema.h"

struct tcp_in_flight_conn {
	int64_t amount;
};

struct tcp_ip_allow_list {
	struct strs source_range;
};

struct middleware_tcp {
	struct tcp_in_flight_conn *in_flight_conn;
	struct tcp_ip_allow_list *ip_allow_list;
	struct tcp_ip_allow_list *ip_white_list;
};

/* The name of the one type that is set ("ipAllowList"), NULL when none is. */
const char *middleware_tcp_type(const struct middleware_tcp *middleware);
/* That type's settings and their schema. */
const void *middleware_tcp_conf(const struct middleware_tcp *middleware,
				const struct schema **ret_schema);

extern const struct schema schema_middleware_tcp;

#endif
