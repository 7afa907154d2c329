/* SPDX-License-Identifier: Apache-2.0 */
#ifndef ENDPOINT_SLICE_H
#define ENDPOINT_SLICE_H

/*
 * endpoint_slice: discovery.k8s.io/v1 EndpointSlice. The Service it belongs to is named by the
 * label ENDPOINT_SLICE_SERVICE_LABEL of its metadata.
 */

#include "model/schema.h"

#define ENDPOINT_SLICE_SERVICE_LABEL "kubernetes.io/service-name"

struct slice_conditions {
	struct opt_bool ready, serving, terminating;
};

struct slice_endpoint {
	struct strs addresses;
	struct slice_conditions conditions;
};

struct slice_port {
	struct str name, protocol, app_protocol;
	struct opt_int port;
};

struct endpoint_slice {
	struct str address_type;  /* IPv4, IPv6 or FQDN */
	struct list_of endpoints; /* struct slice_endpoint */
	struct list_of ports;	  /* struct slice_port */
};

extern const struct schema schema_endpoint_slice;

#endif
