/* SPDX-License-Identifier: Apache-2.0 */
#ifndef INGRESS_ROUTE_H
#define INGRESS_ROUTE_H

/* ingress_route: traefik.io/v1alpha1 IngressRoute (reference a.1): its spec. */

#include "model/service_ref.h"

struct tls_domain {
	struct str main;
	struct strs sans;
};

struct ingress_route_tls {
	struct str secret_name;
	struct object_ref *options; /* TLSOption */
	struct object_ref *store;   /* accepted without effect, as in Traefik */
	struct str cert_resolver;
	struct list_of domains; /* struct tls_domain */
};

struct route_observability {
	struct opt_bool access_logs, metrics, tracing;
	struct str trace_verbosity;
};

struct ingress_route_rule {
	struct str match;
	struct str kind;  /* "Rule" or empty */
	int64_t priority; /* 0: the length of match */
	struct str syntax;
	struct list_of services;    /* struct service_ref */
	struct list_of middlewares; /* struct object_ref, in order of application */
	struct route_observability *observability;
};

struct ingress_route {
	struct str ingress_class_name; /* at is NULL when absent */
	struct strs entry_points;
	struct list_of routes;	       /* struct ingress_route_rule */
	struct ingress_route_tls *tls; /* not NULL, even when empty: HTTPS only */
	struct list_of parent_refs;    /* struct object_ref */
};

extern const struct schema schema_ingress_route, schema_ingress_route_tls;

#endif
