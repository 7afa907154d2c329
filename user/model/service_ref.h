/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SERVICE_REF_H
#define SERVICE_REF_H

/*
 * service_ref: what IngressRoute, TraefikService and Middleware use to point at other objects: a
 * reference by name, and the load-balancer reference with everything Traefik lets one say about it
 * (reference a.1).
 *
 * Wherever a string or list may be absent, absent is {NULL, 0} and present but empty has a non-NULL
 * `at`.
 */

#include "model/schema.h"

/* {name, namespace}; namespace absent: that of the object that refers. name may hold "@provider".
 */
struct object_ref {
	struct str name, namespace_;
};

struct sticky_cookie {
	struct str name; /* empty: derived from the service's name */
	bool secure, http_only;
	struct str same_site; /* empty, or none|lax|strict in any case */
	int64_t max_age;      /* seconds; 0: no attribute, negative: Max-Age=0 */
	struct str path;      /* "/" by default */
	struct str domain;
};

struct sticky_conf {
	struct sticky_cookie *cookie; /* NULL: no stickiness */
};

struct health_check {
	struct str scheme, mode, path, method, hostname;
	int64_t status, port;
	struct duration interval, unhealthy_interval, timeout;
	bool follow_redirects;
	struct str_map headers;
};

struct passive_health_check {
	struct duration failure_window;
	int64_t max_failed_attempts;
};

struct response_forwarding {
	struct duration flush_interval;
};

/* Traefik's LoadBalancerSpec. */
struct service_ref {
	struct str name;
	struct str kind; /* "Service" (default) or "TraefikService" */
	struct str namespace_;
	struct int_or_str port;
	struct str scheme;   /* empty: inferred from the port */
	struct str strategy; /* wrr (default), p2c, hrw, leasttime; RoundRobin is wrr */
	bool pass_host_header;
	int64_t weight; /* 1 by default; 0 gets no traffic */
	struct opt_bool native_lb;
	bool node_port_lb;
	struct str servers_transport;
	struct sticky_conf *sticky; /* NULL: none */
	struct response_forwarding *response_forwarding;
	struct health_check *health_check;
	struct passive_health_check *passive_health_check;
	struct list_of middlewares; /* struct object_ref */
};

bool service_ref_is_traefik(const struct service_ref *ref);

extern const struct schema schema_object_ref, schema_sticky, schema_service_ref;

#endif
