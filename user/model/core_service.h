/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CORE_SERVICE_H
#define CORE_SERVICE_H

/* core_service: v1 Service, the fields that routing needs; everything else in it is of no concern
 * to us. */

#include "model/schema.h"

struct core_service_port {
	struct str name, protocol; /* protocol "TCP" by default */
	int64_t port, node_port;
	struct int_or_str target_port;
	struct str app_protocol;
};

struct core_service {
	struct str type; /* ClusterIP (default), NodePort, LoadBalancer, ExternalName */
	struct str cluster_ip, external_name;
	struct list_of ports; /* struct core_service_port */
};

extern const struct schema schema_core_service;

#endif
