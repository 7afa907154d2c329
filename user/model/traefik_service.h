/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TRAEFIK_SERVICE_H
#define TRAEFIK_SERVICE_H

/*
 * traefik_service: traefik.io/v1alpha1 TraefikService (reference a.6): its spec. At least one of
 * the four is there in a valid one; the first of them is used.
 */

#include "model/service_ref.h"

struct weighted_services {
	struct list_of services; /* struct service_ref */
	struct sticky_conf *sticky;
};

struct mirror {
	struct service_ref service;
	int64_t percent;
};

struct mirroring {
	struct service_ref service;
	bool mirror_body;
	int64_t max_body_bytes;
	struct list_of mirrors; /* struct mirror */
};

struct highest_random_weight {
	struct list_of services; /* struct service_ref */
};

struct failover_errors {
	struct strs status;
	int64_t max_request_body_bytes;
};

struct failover {
	struct service_ref service, fallback;
	struct failover_errors errors;
};

struct traefik_service {
	struct weighted_services *weighted;
	struct mirroring *mirroring;
	struct highest_random_weight *highest_random_weight;
	struct failover *failover;
};

extern const struct schema schema_traefik_service;

#endif
