/* SPDX-License-Identifier: Apache-2.0 */
#ifndef INGRESS_ROUTE_TCP_H
#define INGRESS_ROUTE_TCP_H

/* ingress_route_tcp: traefik.io/v1alpha1 IngressRouteTCP (reference a.2): its spec. */

#include "model/ingress_route.h"
#include "model/stream_service_ref.h"

struct ingress_route_tcp_tls {
	struct ingress_route_tls common;
	bool passthrough; /* the client's TLS goes to the server as it came */
};

struct ingress_route_tcp_rule {
	struct str match;
	int64_t priority; /* 0: by match */
	struct str syntax;
	struct list_of services;    /* struct stream_service_ref */
	struct list_of middlewares; /* struct object_ref, of MiddlewareTCPs */
};

struct ingress_route_tcp {
	struct str ingress_class_name; /* at is NULL when absent */
	struct strs entry_points;
	struct list_of routes;		   /* struct ingress_route_tcp_rule */
	struct ingress_route_tcp_tls *tls; /* not NULL, even when empty: TLS connections only */
};

extern const struct schema schema_ingress_route_tcp;

#endif
