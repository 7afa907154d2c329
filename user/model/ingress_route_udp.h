/* SPDX-License-Identifier: Apache-2.0 */
#ifndef INGRESS_ROUTE_UDP_H
#define INGRESS_ROUTE_UDP_H

/* ingress_route_udp: traefik.io/v1alpha1 IngressRouteUDP (reference a.3): its spec. */

#include "model/stream_service_ref.h"

struct ingress_route_udp_rule {
	struct list_of services; /* struct stream_service_ref */
};

struct ingress_route_udp {
	struct str ingress_class_name; /* at is NULL when absent */
	struct strs entry_points;
	struct list_of routes; /* struct ingress_route_udp_rule */
};

extern const struct schema schema_ingress_route_udp;

#endif
