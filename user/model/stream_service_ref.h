/* SPDX-License-Identifier: Apache-2.0 */
#ifndef STREAM_SERVICE_REF_H
#define STREAM_SERVICE_REF_H

/* stream_service_ref: how IngressRouteTCP and IngressRouteUDP point at Services (reference a.2,
 * a.3). */

#include "model/schema.h"

struct stream_proxy_protocol {
	int64_t version; /* 1 or 2 */
};

struct stream_service_ref {
	struct str name, namespace_;
	struct int_or_str port;
	int64_t weight; /* 1 by default; 0 gets no connections */
	struct opt_bool native_lb;
	bool node_port_lb;
	/* TCP only. */
	bool tls;
	struct str servers_transport;
	struct opt_int termination_delay; /* deprecated; nanoseconds, as in Traefik */
	struct stream_proxy_protocol *proxy_protocol;
};

extern const struct schema schema_tcp_service_ref, schema_udp_service_ref,
	schema_stream_proxy_protocol;

#endif
