/* SPDX-License-Identifier: Apache-2.0 */
#ifndef INGRESS_ANNOTATION_H
#define INGRESS_ANNOTATION_H

/*
 * ingress_annotation: what Traefik lets one say in annotations of an Ingress and of the Services it
 * names (reference f.1), read by field tables like everything else:
 * traefik.ingress.kubernetes.io/router.tls.options is the field tls.options of the table router.
 */

#include "model/service_ref.h"

#define INGRESS_ANNOTATION_PREFIX "traefik.ingress.kubernetes.io/"

struct ingress_router_tls {
	struct str options; /* "ns-name@kubernetescrd" */
	struct str cert_resolver;
	struct raw_json domains;
};

struct ingress_router_conf {
	struct strs entry_points, middlewares;
	int64_t priority;
	struct str path_matcher; /* Path, PathPrefix or PathRegexp */
	struct str rule_syntax;
	struct ingress_router_tls *tls; /* NULL: not TLS */
	struct raw_json observability;
};

struct ingress_service_conf {
	struct opt_bool native_lb;
	bool node_port_lb;
	struct str servers_scheme, servers_transport;
	bool pass_host_header; /* true by default */
	struct strs middlewares;
	struct sticky_conf *sticky;
};

/* False when an annotation is wrong (diags added): then the object is not used. *ret_conf is
 * complete, with defaults, otherwise. */
bool ingress_annotation_router(const struct str_map *annotations, struct arena *arena,
			       struct diag_sink *sink, struct ingress_router_conf *ret_conf);
bool ingress_annotation_service(const struct str_map *annotations, struct arena *arena,
				struct diag_sink *sink, struct ingress_service_conf *ret_conf);

#endif
