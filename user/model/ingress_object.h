/* SPDX-License-Identifier: Apache-2.0 */
#ifndef INGRESS_OBJECT_H
#define INGRESS_OBJECT_H

/* ingress_object: networking.k8s.io/v1 Ingress and IngressClass (reference f.1), the fields that
 * routing needs. */

#include "model/schema.h"

struct ingress_port {
	struct str name;
	int64_t number; /* 0: by name */
};

struct ingress_service {
	struct str name;
	struct ingress_port port;
};

struct ingress_resource {
	struct str api_group, kind, name;
};

struct ingress_backend {
	struct ingress_service *service;   /* NULL: none, or another resource */
	struct ingress_resource *resource; /* not supported, as in Traefik */
};

struct ingress_path {
	struct str path;      /* may be empty */
	struct str path_type; /* Exact, Prefix, ImplementationSpecific or empty */
	struct ingress_backend backend;
};

struct ingress_http {
	struct list_of paths; /* struct ingress_path */
};

struct ingress_rule {
	struct str host;	   /* may be empty, or begin with "*." */
	struct ingress_http *http; /* NULL: the rule says nothing */
};

struct ingress_tls {
	struct strs hosts;
	struct str secret_name;
};

struct ingress {
	struct str ingress_class_name; /* at is NULL when absent */
	struct ingress_backend *default_backend;
	struct list_of tls;   /* struct ingress_tls */
	struct list_of rules; /* struct ingress_rule */
};

struct ingress_class {
	struct str controller;
};

extern const struct schema schema_ingress, schema_ingress_class;

#endif
